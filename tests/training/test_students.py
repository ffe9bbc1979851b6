"""What holds for the student of every model: it learns, all of it; it resumes; its weights are the model's."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nuke_matting.errors import ModelError, UsageError
from nuke_matting.models.contract import FrameInput, Quality
from nuke_matting.models.registry import load_model
from nuke_matting.models.weights import load_weights
from nuke_matting.training.data import loader
from nuke_matting.training.datasets import Source
from nuke_matting.training.processes import Processes
from nuke_matting.training.recipe import load_recipe
from nuke_matting.training.stages import Stage, shipped_recipes
from nuke_matting.training.students import MODELS, make_student
from nuke_matting.training.train import Job, Trainer

ALONE = Processes(torch.device("cpu"))
SMALLER = {  # options that would have tiny frames wait for large ones' work
    "background": {"patches": 40, "plateless": 0.5},
    "memory": {},
    "regional": {"regions": 60, "shrink": 4},
    "two_stage": {"regions": 8},
}
STAGES = {
    "first": Stage(4, batch=4, frames=1, sizes=((32, 48),), enlarge=1.0, rate=2e-3, norms=True, learns="all", echo=1),
    "last": Stage(3, batch=2, frames=3, sizes=((32, 32),), enlarge=2.0, rate=1e-3, norms=False, learns="all", echo=1),
}
models = pytest.mark.parametrize("model", MODELS)
stages = pytest.mark.parametrize("stage", STAGES)


@pytest.fixture
def job(tmp_path, sources):
    """Makes a job: job("memory", "first"), job("memory", "last", out="elsewhere", steps=20)."""

    def make(model, stage, out="out", sources=sources, **changes):
        recipe = replace(load_recipe(model), **SMALLER[model], stages=STAGES)
        changed = replace(recipe, stages={**STAGES, stage: replace(STAGES[stage], **changes)})
        return Job(changed, stage, sources, tmp_path / out, seed=3)

    return make


@pytest.fixture
def two_threads():
    """As on a machine of one's own, whatever the suite has."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def batch_of(job):
    return next(loader(job.sources, job.recipe.stages[job.stage], 1, 0, workers=0))


def test_every_model_has_a_recipe_and_every_recipe_a_model():
    recipes = {name: load_recipe(name) for name in shipped_recipes()}
    assert {recipe.model for recipe in recipes.values()} == set(MODELS)
    assert all(recipes[name].model == name for name in MODELS)
    for recipe in recipes.values():
        student = make_student(recipe)
        *earlier, last = recipe.stages.values()
        assert not any(each.enlarge > 1 for each in earlier) and student.refines(last)


@models
@stages
def test_a_batch_that_comes_again_and_again_is_learnt(job, model, stage):
    muon = load_recipe(model).optimiser.method == "muon"  # bears rates five times AdamW's
    trainer = Trainer(job(model, stage, steps=32, rate=STAGES[stage].rate * (5 if muon else 1)), ALONE)
    batch = batch_of(trainer.job)
    losses = [sum(trainer.learn(batch)[0].values()) for _ in range(32)]
    assert np.mean(losses[-4:]) < 0.8 * np.mean(losses[:4])


@models
def test_the_last_stage_teaches_every_weight(job, model):
    size = (
        (128, 128) if model == "regional" else (32, 32)
    )  # its deepest tokens, of 128 pixels, need others to attend to
    trainer = Trainer(job(model, "last", sizes=(size,)), ALONE)
    student, batch = trainer.student, batch_of(trainer.job)
    trainer.learn(batch)  # a head that starts with zeros hides what is before it from the first step
    for seed in range(4):  # what some steps use alone, such as guessed clean plates, is drawn in one of them
        losses, _ = student(batch, STAGES["last"], torch.Generator().manual_seed(seed))
        sum(losses.values()).backward()
    taught = {name for name, each in student.named_parameters() if each.grad is not None and each.grad.any()}
    assert {name for name, _ in student.named_parameters()} - taught == set()


@models
def test_rounded_arithmetic_teaches_too(job, model):
    """As on GPUs: bf16 where that is safe."""
    trainer = Trainer(job(model, "last"), ALONE)
    for _ in range(2):
        with torch.autocast("cpu", torch.bfloat16):
            losses, _ = trainer.student(batch_of(trainer.job), STAGES["last"], torch.Generator().manual_seed(0))
        assert all(each.isfinite() and each.dtype == torch.float32 for each in losses.values())
        trainer.optimiser.zero_grad()
        sum(losses.values()).backward()
        trainer.optimiser.step()
    first, *_, last = (each for each in trainer.student.net.parameters() if each.ndim > 1)
    assert first.grad.any() and last.grad.any()


@models
def test_the_alpha_for_a_look_has_the_coarse_size(job, model):
    _, alpha = make_student(job(model, "last").recipe)(batch_of(job(model, "last")), STAGES["last"], torch.Generator())
    assert alpha.shape == (2, 3, 1, 32, 32) and not alpha.requires_grad
    assert alpha.min() >= 0 and alpha.max() <= 1


@models
@stages
def test_every_step_has_the_losses_that_the_recipe_weighs(job, model, stage):
    """So that a log's columns hold, whatever is drawn."""
    mine = job(model, stage)
    student = make_student(mine.recipe)
    names = {
        frozenset(student(batch_of(mine), STAGES[stage], torch.Generator().manual_seed(seed))[0]) for seed in range(3)
    }
    assert len(names) == 1
    if stage == "last":
        assert names == {frozenset(mine.recipe.losses.__dataclass_fields__)}


@models
@stages
def test_a_stopped_and_resumed_stage_ends_as_an_unbroken_one(run, two_threads, job, model, stage):
    whole = run(job(model, stage, "whole"))
    assert run(job(model, stage, "cut"), stop_after=2)["step"] == 2
    resumed = run(job(model, stage, "cut"))
    for part in ("student", "average"):
        assert all(torch.equal(value, resumed[part][name]) for name, value in whole[part].items()), part


@models
def test_weights_are_the_model_s_and_matte_a_frame(run, job, model):
    mine = job(model, "first", steps=1)
    run(mine)
    made = load_model(str(mine.out / "weights.safetensors"), "cpu", "fp32")
    assert made.name == model
    frame = FrameInput(np.random.default_rng(0).random((48, 80, 3), np.float32), None, None)
    own = made.encode(made.prepare(frame))
    matte = made.matte(frame, own, [own for _ in made.references], Quality(regions=1.0, batch=64))
    assert matte.alpha.shape == (48, 80) and matte.foreground.shape == (48, 80, 3)
    assert np.isfinite(matte.alpha).all() and np.isfinite(matte.foreground).all()


@models
def test_a_checkpoint_of_another_model_is_refused(run, job, model):
    other = next(name for name in MODELS if name != model)
    run(job(other, "first", steps=1))
    with pytest.raises(ModelError, match="does not fit the network"):
        Trainer(job(model, "first"), ALONE)


@models
def test_subjects_that_a_model_cannot_be_told_of_are_refused(job, sources, model):
    for other in (replace(sources, things=1.0), replace(sources, others=(Source(sources.people[0].path),))):
        mine = job(model, "first", sources=other)
        if MODELS[model].takes_help:
            Trainer(mine, ALONE)
            continue
        with pytest.raises(UsageError, match=f"{model} is shown no clean plate.*leave out --others, --things") as error:
            Trainer(mine, ALONE)
        assert "\n" not in str(error.value) and not mine.out.exists()


@models
def test_a_batch_of_one_frame_is_learnt_or_refused_in_one_line(run, job, model):
    mine = job(model, "first", batch=1, steps=1)
    if MODELS[model].least == 1:
        assert run(mine)["step"] == 1
        return
    with pytest.raises(UsageError, match=f"{model} needs 2 frames a step in each process.*norms to false"):
        Trainer(mine, ALONE)
    assert run(job(model, "first", batch=1, steps=1, norms=False))["step"] == 1


def test_weights_say_how_they_must_be_run(run, job):
    for model, said in (
        ("background", {"base": "mobilenetv2", "predicts_plate": "yes"}),
        ("memory", {"references": "first_and_previous", "coarse_long_side": "256"}),
        ("regional", {"shrink": "4"}),
        ("two_stage", {"coarse_long_side": "320"}),
    ):
        run(job(model, "first", model, steps=1))
        about = load_weights(job(model, "first", model).out / "weights.safetensors").metadata
        assert said.items() <= about.items() and about["architecture"] == model
