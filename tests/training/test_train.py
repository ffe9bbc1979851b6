"""The trainer: a stage runs to its end, a stopped one goes on to the same weights, several processes learn as one."""

import csv
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from nuke_matting.errors import MattingError, ModelError, OutputError, PlateError, UsageError
from nuke_matting.models.registry import load_model
from nuke_matting.models.two_stage_file import networks
from nuke_matting.models.weights import load_weights, save_weights
from nuke_matting.nets.two_stage import TwoStage
from nuke_matting.resources import shipped
from nuke_matting.training import train
from nuke_matting.training.data import loader
from nuke_matting.training.datasets import Source
from nuke_matting.training.join import join
from nuke_matting.training.processes import Processes
from nuke_matting.training.recipe import load_recipe
from nuke_matting.training.record import Log
from nuke_matting.training.stages import Stage, rate_at
from nuke_matting.training.starts import Start
from nuke_matting.training.train import Job, Trainer

ALONE = Processes(torch.device("cpu"))
RECIPE = replace(
    load_recipe("two_stage"),
    regions=4,
    calibrated=0,
    stages={
        "stills": Stage(
            4, batch=2, frames=1, sizes=((32, 48), (48, 32)), enlarge=1.0, rate=1e-3, norms=True, learns="all", echo=1
        ),
        "clips": Stage(
            3, batch=2, frames=2, sizes=((32, 32),), enlarge=2.0, rate=1e-3, norms=False, learns="all", echo=1
        ),
    },
)
AFTER = replace(RECIPE, after=True)


@pytest.fixture
def job(tmp_path, sources):
    """Makes a job: job("stills"), job("clips", out="elsewhere", rate=0.0, ...)."""

    def make(stage, out="out", recipe=RECIPE, **changes):
        about = {name: changes.pop(name) for name in ("start_from", "seed", "licence") if name in changes}
        stages = {**recipe.stages, stage: replace(recipe.stages[stage], **changes)}
        return Job(replace(recipe, stages=stages), stage, sources, tmp_path / out, **about)

    return make


def same(one, other):
    """Whether two nests of dictionaries, lists and tensors hold the same."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


@pytest.mark.parametrize("stage", ["stills", "clips"])
def test_a_stage_leaves_weights_that_the_registry_loads(run, job, stage):
    mine = job(stage)
    assert run(mine)["step"] == RECIPE.stages[stage].steps
    assert load_model(str(mine.out / "weights.safetensors"), "cpu", "fp32").name == "two_stage"
    assert list(mine.out.glob("*.jpg"))


@pytest.mark.parametrize("stage", ["stills", "clips"])
def test_a_stopped_and_resumed_stage_ends_as_an_unbroken_one(run, job, stage):
    whole = run(job(stage, "whole", seed=3))
    assert run(job(stage, "cut", seed=3), stop_after=2)["step"] == 2
    resumed = run(job(stage, "cut", seed=3))
    for part in ("student", "average", "optimiser", "step"):
        assert same(whole[part], resumed[part]), part


def test_a_stage_may_teach_the_refinement_alone(job, run):
    first = run(job("stills", "stills"))["average"]
    start = {"start_from": (Start(job("stills", "stills").out / "last.pt"),), "learns": "refinement"}
    last = run(job("clips", "clips", **start))["average"]
    changed = {name for name in first if not torch.equal(first[name], last[name])}
    assert changed and all(name.startswith("net.refiner.") for name in changed)


def test_the_coarse_alpha_is_calibrated_once_before_the_regions_learn(job, run):
    first = run(job("stills", "stills"))["average"]
    recipe = replace(RECIPE, calibrated=6)
    start = {"start_from": (Start(job("stills", "stills").out / "last.pt"),), "learns": "refinement", "recipe": recipe}
    whole = run(job("clips", "whole", **start))["average"]
    changed = {name for name in first if not torch.equal(first[name], whole[name])}
    heads = {"net.decoder.head.weight", "net.decoder.head.bias"}
    assert {name for name in changed if not name.startswith("net.refiner.")} == heads
    for name in heads:  # of the alpha alone
        assert not torch.equal(first[name][:4], whole[name][:4]) and torch.equal(first[name][4:], whole[name][4:])
    run(job("clips", "cut", **start), stop_after=2)
    assert same(whole, run(job("clips", "cut", **start))["average"])


def test_a_stage_may_teach_what_reads_the_memory_and_what_follows_alone(job, run):
    first = run(job("stills", "stills"))["average"]
    start = {"start_from": (Start(job("stills", "stills").out / "last.pt"),), "learns": "memory", "enlarge": 1.0}
    last = run(job("clips", "clips", **start))["average"]
    changed = {name for name in first if not torch.equal(first[name], last[name])}
    parts = ("net.memory.", "net.decoder.", "direct.", "cover.")
    assert {part for part in parts for name in changed if name.startswith(part)} >= set(parts[:2])
    assert all(name.startswith(parts) for name in changed)


def test_a_stage_in_which_nothing_learns_is_told(job):
    with pytest.raises(UsageError, match="nothing learns in stage stills"):
        Trainer(job("stills", learns="refinement"), ALONE)


@pytest.mark.parametrize("learns", ["refinement", "memory"])
def test_a_stage_that_teaches_a_part_needs_something_to_start_from_and_none_to_go_on(run, job, learns):
    part = {"learns": learns, "enlarge": 2.0}
    with pytest.raises(UsageError, match=f"the {learns} alone learns, .* drawn at random; .*--start-from"):
        Trainer(job("clips", **part), ALONE)
    assert not job("clips").out.exists()
    run(job("stills", "stills", steps=1))
    run(job("clips", start_from=(Start(job("stills", "stills").out / "last.pt"),), **part), stop_after=1)
    assert run(job("clips", **part))["step"] == 3


def test_whoever_begins_with_weights_drawn_at_random_is_told(run, job):
    assert Trainer(job("stills"), ALONE).told == "weights drawn at random"
    run(job("stills"), stop_after=1)
    assert Trainer(job("stills"), ALONE).told == "", "a run that goes on"
    assert Trainer(job("clips", "clips", start_from=(Start(job("stills").out / "last.pt"),)), ALONE).told == ""


def test_another_seed_gives_other_weights(run, job):
    assert not same(run(job("stills", "one", seed=1))["student"], run(job("stills", "two", seed=2))["student"])


def test_batch_norms_of_the_averaged_weights_learn_what_those_weights_make(job):
    trainer = Trainer(job("stills"), ALONE)
    batch = next(loader(trainer.job.sources, trainer.stage, 1, 0, workers=0))
    seen = []
    norm = trainer.average.net.stem.to2[1]
    norm.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].float().mean((0, 2, 3))))
    trainer.learn(batch)
    assert len(seen) == 1
    assert torch.allclose(norm.running_mean, norm.momentum * seen[0], atol=1e-3)


def test_a_later_stage_starts_from_the_averaged_weights_of_an_earlier_one(run, job):
    first = run(job("stills", "stills"))
    second = run(job("clips", "clips", rate=0.0, start_from=(Start(job("stills", "stills").out / "last.pt"),)))
    for name, value in first["average"].items():
        if value.is_floating_point():
            assert torch.allclose(value, second["student"][name]), name


@pytest.mark.parametrize(("shares", "first"), [((1.0, 1.0), 0.5), ((0.6, 0.2), 0.75)])
def test_a_stage_that_starts_from_several_runs_starts_from_their_mean_by_shares(run, job, shares, first):
    runs = [run(job("stills", f"stills{seed}", seed=seed, rate=1e-2))["average"] for seed in (1, 2)]
    paths = [job("stills", f"stills{seed}").out / "last.pt" for seed in (1, 2)]
    starts = tuple(map(Start, paths, shares))
    start = run(job("clips", "clips", rate=0.0, start_from=starts))["student"]
    moved = 0
    for (name, one), other in zip(runs[0].items(), runs[1].values(), strict=True):
        if one.is_floating_point():
            assert torch.allclose(first * one + (1 - first) * other, start[name], atol=1e-6), name
            moved += not torch.equal(one, other)
    assert moved > 10


def test_a_stage_of_no_steps_leaves_its_start_ready_to_use(run, job):
    run(job("stills", "stills"))
    path = job("stills", "stills").out / "weights.safetensors"
    nothing = job("clips", "clips", start_from=(Start(path),)).of_steps(0)
    assert run(nothing)["step"] == 0
    kept, left = load_weights(path), load_weights(nothing.out / "weights.safetensors")
    assert same(kept.tensors, left.tensors) and "step 0 of stage clips" in left.metadata["training"]


@pytest.mark.parametrize("kept", [True, False], ids=["checkpoint", "weights alone"])
def test_a_stage_of_no_steps_that_starts_from_another_one_next_time_leaves_that(run, job, kept):
    one, two = (run(job("stills", name, seed=seed, steps=1)) for name, seed in (("one", 1), ("two", 2)))
    for each in ("one", "two"):
        mine = job("clips", "mean", start_from=(Start(job("stills", each).out / "last.pt"),)).of_steps(0)
        found = run(mine)
        if not kept:
            (mine.out / "last.pt").unlink()
    assert same(found["average"], two["average"]) and not same(found["average"], one["average"])
    weights = load_weights(mine.out / "weights.safetensors").tensors
    assert all(torch.equal(value, two["average"][f"net.{name}"].half()) for name, value in weights.items())


def test_a_stage_starts_from_a_weight_file(run, job):
    run(job("stills", "stills"))
    path = job("stills", "stills").out / "weights.safetensors"
    start = run(job("clips", "clips", rate=0.0, start_from=(Start(path),)))["student"]
    kept = load_weights(path).tensors
    assert all(torch.equal(value.float(), start[f"net.{name}"].float()) for name, value in kept.items())


@pytest.mark.parametrize("helped", [False, True])
def test_of_a_weight_file_of_two_networks_it_starts_from_the_one_that_sees_the_like(run, job, helped):
    outs = [job("stills", name, seed=seed, rate=1e-2).out for seed, name in enumerate(("plain", "aided"))]
    for seed, out in enumerate(outs):
        run(job("stills", out.name, seed=seed, rate=1e-2))
    joined = outs[0].parent / "joined.safetensors"
    join(*(out / "weights.safetensors" for out in outs), joined)
    again = job("stills", "again", start_from=(Start(joined),))
    if helped:
        again = replace(again, sources=replace(again.sources, people=(), others=again.sources.people))
    started = Trainer(again, ALONE).student.state_dict()
    kept = load_weights(outs[helped] / "weights.safetensors").tensors
    assert all(torch.equal(value.float(), started[f"net.{name}"].float()) for name, value in kept.items())


def test_weights_of_another_network_start_nothing(job):
    weights = shipped("weights") / "two_stage.safetensors"
    with pytest.raises(ModelError, match="it is of the network two_stage, the recipe of memory"):
        recipe = load_recipe("memory")
        Trainer(Job(recipe, "stills", job("stills").sources, job("stills").out, (Start(weights),)), ALONE)


@pytest.mark.parametrize("which", [1, 2])
def test_a_network_after_another_starts_from_the_last_of_a_file(
    run, job, weights, joined_weights, looking_weights, which
):
    start = Path((weights, joined_weights, looking_weights)[which])
    after = replace(job("stills", recipe=AFTER, start_from=(Start(start),)), after=Path(weights))
    started = Trainer(after, ALONE).student.state_dict()
    last = networks(load_weights(start))[which].state_dict()
    assert all(torch.equal(value, started[f"net.{name}"]) for name, value in last.items())
    run(after)
    assert load_weights(after.out / "weights.safetensors").metadata["coarse_long_side"] == str(RECIPE.coarse_long_side)


@pytest.mark.parametrize("first", [True, False])
def test_a_run_goes_on_after_the_network_that_it_came_after(run, job, weights, first):
    alone = job("stills")
    after = replace(job("stills", recipe=AFTER), after=Path(weights))
    run(after if first else alone, stop_after=2)
    advice = r"give --after .*quick\.safetensors \(" if first else "leave out --after"
    with pytest.raises(ModelError, match=rf"its after is .*nothing.*{advice}"):
        Trainer(alone if first else after, ALONE)
    assert run(after if first else alone)["step"] == 4


def test_a_run_goes_on_after_the_same_weights_wherever_they_lie_and_after_no_others(run, job, weights, aided_weights):
    folder = job("stills").out.parent
    for name, source in (("one", weights), ("moved", weights), ("other", aided_weights)):
        (folder / name).mkdir()
        shutil.copy(source, folder / name / "weights.safetensors")
    one, moved, other = (
        replace(job("stills", recipe=AFTER), after=folder / name / "weights.safetensors")
        for name in ("one", "moved", "other")
    )
    run(one, stop_after=1)
    with pytest.raises(
        ModelError, match=r"its after is one/weights\.safetensors \(.*\), not other/weights\.safetensors"
    ):
        Trainer(other, ALONE)
    assert Trainer(moved, ALONE).step == 1


def test_a_checkpoint_that_does_not_say_which_weights_it_came_after_goes_on_after_any(run, job, weights):
    after = replace(job("stills", recipe=AFTER), after=Path(weights))
    last = run(after, stop_after=1)
    del last["after_digest"]
    torch.save(last | {"after": "weights.safetensors"}, after.out / "last.pt")
    assert Trainer(after, ALONE).step == 1


def test_a_network_before_is_for_two_stage_and_of_it(job, weights):
    memory = load_recipe("memory")
    with pytest.raises(UsageError, match=r"memory comes after no other network.*--after"):
        Trainer(Job(memory, "stills", job("stills").sources, job("stills").out, after=Path(weights)), ALONE)
    other = job("stills").out.parent / "other.safetensors"
    save_weights(other, TwoStage(), {"architecture": "memory", "name": "other"})
    with pytest.raises(ModelError, match=r"other\.safetensors.*it is of the network memory"):
        Trainer(replace(job("stills", recipe=AFTER), after=other), ALONE)


def test_a_recipe_says_whether_its_network_comes_after_another(job, weights):
    with pytest.raises(UsageError, match="comes after another one, and none is given; .*--after"):
        Trainer(job("stills", recipe=AFTER), ALONE)
    with pytest.raises(UsageError, match="comes after no other one; leave out --after, or write after: true"):
        Trainer(replace(job("stills"), after=Path(weights)), ALONE)
    assert not job("stills").out.exists()


def test_small_stages_leave_the_regions_untrained_and_clips_train_them(run, job):
    untrained = Trainer(job("stills", "none"), ALONE).student.net.refiner.state_dict()
    for stage, stays in (("stills", True), ("clips", False)):
        learnt = run(job(stage, stage))["student"]
        assert all(same(value, learnt[f"net.refiner.{name}"]) for name, value in untrained.items()) == stays


def test_a_loss_counts_as_the_recipe_weighs_it(job):
    def losses(recipe):
        trainer = Trainer(job("stills", recipe=recipe), ALONE)
        return trainer.learn(next(loader(trainer.job.sources, trainer.stage, 1, 0, workers=0)))[0]

    once, twice = losses(RECIPE), losses(replace(RECIPE, losses=replace(RECIPE.losses, cover=1.0, direct=0.0)))
    assert twice["cover"] == pytest.approx(2 * once["cover"]) and twice["direct"] == 0
    assert twice["alpha"] == once["alpha"]


# -- checkpoints --


def test_checkpoints_without_a_stage_and_seed_go_on(run, job):
    last = run(job("stills"), stop_after=2)
    kept = {name: last[name] for name in ("student", "average", "optimiser", "step", "seconds")}
    torch.save(kept, job("stills").out / "last.pt")
    assert run(job("stills"))["step"] == 4


@pytest.mark.parametrize(("other", "named"), [(("clips", 1), "stage"), (("stills", 2), "seed")])
def test_a_checkpoint_of_another_stage_or_seed_is_refused(run, job, other, named):
    run(job("stills"), stop_after=1)
    with pytest.raises(ModelError, match=f"last.pt: its {named} is .*--{named}"):
        Trainer(job(other[0], seed=other[1]), ALONE)


def test_the_recipe_s_settings_hold_for_a_resumed_run(run, job):
    run(job("stills"), stop_after=1)
    changed = replace(RECIPE, optimiser=replace(RECIPE.optimiser, weight_decay=0.5, refiner_rate=3.0))
    groups = Trainer(job("stills", recipe=changed), ALONE).optimiser.param_groups
    assert {group["weight_decay"] for group in groups} == {0.0, 0.5}
    assert {group["factor"] for group in groups} == {1.0, 3.0}


def half(path):
    path.write_bytes(path.read_bytes()[:1000])


def foreign(path):
    torch.save({"student": {}, "average": {}, "optimiser": {}, "step": 1, "seconds": 0.0}, path)


@pytest.mark.parametrize("spoil", [half, foreign])
def test_a_checkpoint_that_cannot_be_used_is_refused_and_stays(run, job, spoil):
    run(job("stills"), stop_after=1)
    path = job("stills").out / "last.pt"
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(ModelError, match=r"last\.pt"):
        Trainer(job("stills"), ALONE)
    with pytest.raises(ModelError, match=r"last\.pt"):
        Trainer(job("stills", "new", start_from=(Start(path),)), ALONE)
    assert path.read_bytes() == before


def about(job):
    return load_weights(job.out / "weights.safetensors").metadata


def test_weights_say_what_they_were_trained_on_and_the_licence_that_was_given(run, job):
    run(job("stills", licence="CC0"), stop_after=1)
    said = about(job("stills"))
    assert said["licence"] == "CC0" and said["coarse_long_side"] == str(RECIPE.coarse_long_side)
    assert "stage stills" in said["training"] and said["training"].endswith("on people; over backgrounds")


def test_weights_claim_no_licence_by_themselves(run, job):
    run(job("stills"), stop_after=1)
    assert "licence" not in about(job("stills")) and "licences_before" not in about(job("stills"))


def started(job, start, **changes):
    """A stage of no steps that starts from a file, done."""
    mine = replace(job, start_from=(Start(start),), **changes).of_steps(0)
    trainer = Trainer(mine, ALONE)
    trainer.save()
    return trainer


@pytest.mark.parametrize("file", ["last.pt", "weights.safetensors"])
def test_weights_say_what_they_started_from_and_its_licence_which_they_do_not_take_for_their_own(job, sources, file):
    elsewhere = replace(sources, people=(Source(sources.people[0].path, layout="P3M-10k"),))
    first = Trainer(replace(job("stills", "first", licence="research only"), sources=elsewhere), ALONE)
    first.save()
    second = started(job("clips", "second"), first.job.out / file)
    assert "the starting weights state the licence research only; give --licence" in second.told
    third = started(job("clips", "third", licence="CC0"), second.job.out / file)
    assert "licence" not in third.told
    stages = [each.split(",")[0] for each in about(third.job)["training"].split("; before: ")]
    assert stages == ["step 0 of stage clips", "step 0 of stage clips", "step 0 of stage stills"]
    assert about(third.job)["training"].endswith("on P3M-10k; over backgrounds")
    assert about(third.job)["licence"] == "CC0" and about(third.job)["licences_before"] == "research only"
    assert "licence" not in about(second.job) and about(second.job)["licences_before"] == "research only"


def test_a_resumed_run_remembers_what_it_came_from_and_what_it_drew_before(job, sources, tmp_path):
    first = Trainer(job("stills", "first", licence="MIT"), ALONE)
    first.save()
    second = started(job("stills", "second"), first.job.out / "last.pt")
    (tmp_path / "new").mkdir()
    resumed = Trainer(
        replace(second.job, start_from=(), sources=replace(sources, people=(Source(tmp_path / "new"),))), ALONE
    )
    resumed.save()
    said = about(resumed.job)
    assert said["training"].partition("; before: ")[0].endswith("on people, new; over backgrounds")
    assert said["training"].count("before: ") == 1 and said["licences_before"] == "MIT"


# -- what goes wrong --


def test_a_loss_that_is_not_finite_ends_the_run_and_leaves_the_last_checkpoint(run, job):
    run(job("stills"), stop_after=1)
    with pytest.raises(MattingError, match="not finite: .*alpha"):
        run(job("stills", rate=1e30))
    assert torch.load(job("stills").out / "last.pt", weights_only=True)["step"] == 1


def test_a_gradient_that_is_not_finite_ends_the_run_before_any_weight_takes_it(run, job):
    run(job("stills"), stop_after=1)
    trainer = Trainer(job("stills"), ALONE)
    before = {name: value.clone() for name, value in trainer.student.named_parameters()}
    next(each for each in trainer.student.parameters() if each.requires_grad).register_hook(
        lambda grad: grad * torch.inf
    )
    with pytest.raises(MattingError, match="gradients of step 1 are not finite; .*goes on from the last checkpoint"):
        list(trainer.run(workers=0))
    assert all(torch.equal(value, before[name]) for name, value in trainer.student.named_parameters())
    assert torch.load(job("stills").out / "last.pt", weights_only=True)["step"] == 1


def test_pictures_that_cannot_be_read_are_told_in_one_line(job, sources):
    (sources.people[0].path / "a_fg.png").write_bytes(b"no picture")
    with pytest.raises(PlateError, match="a_fg.png") as error:
        list(Trainer(job("stills"), ALONE).run(workers=1))
    assert "Traceback" not in str(error.value)


# -- the log and the rate --


def test_the_log_has_the_mean_of_each_loss(tmp_path):
    log = Log(tmp_path / "log.csv", 0, every=2)
    for step, loss in enumerate((1.0, 3.0, 5.0), 1):
        log.add(step, 10.0 * step, {"alpha": loss})
    assert list(csv.DictReader((tmp_path / "log.csv").open())) == [{"step": "2", "seconds": "20", "alpha": "2.00000"}]


def test_a_loss_that_some_steps_lack_stays_in_its_column(tmp_path):
    log = Log(tmp_path / "log.csv", 0, every=2)
    steps = ({"alpha": 1.0}, {"alpha": 3.0, "temporal": 4.0}, {"temporal": 5.0, "alpha": 1.0}, {"alpha": 1.0})
    for step, losses in enumerate((*steps, {"alpha": 1.0}, {"alpha": 2.0}), 1):
        log.add(step, 0, losses)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [row["alpha"] for row in rows] == ["2.00000", "1.00000", "1.50000"]
    assert [row["temporal"] for row in rows] == ["4.00000", "5.00000", ""]


def test_a_resumed_log_forgets_what_came_after_the_checkpoint(tmp_path):
    log = Log(tmp_path / "log.csv", 0, every=1)
    for step in (1, 2, 3):
        log.add(step, 0, {"alpha": 1.0})
    Log(tmp_path / "log.csv", 2, every=1).add(3, 0, {"alpha": 7.0})
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [(row["step"], row["alpha"]) for row in rows] == [("1", "1.00000"), ("2", "1.00000"), ("3", "7.00000")]


def test_the_rate_warms_up_and_falls():
    stage = replace(RECIPE.stages["stills"], steps=1000, rate=0.01)
    rates = [rate_at(step, stage, RECIPE.optimiser) for step in range(stage.steps)]
    assert rates[:50] == sorted(rates[:50]) and rates[50:] == sorted(rates[50:], reverse=True)
    assert max(rates) == pytest.approx(stage.rate)
    assert rates[0] == pytest.approx(stage.rate / 50) and rates[-1] == pytest.approx(stage.rate / 20, rel=0.01)


def test_a_run_of_minutes_has_as_many_steps_as_there_is_time_for(job, monkeypatch):
    clock, learn = [0.0], Trainer.learn
    monkeypatch.setattr(train.time, "monotonic", lambda: clock[0])

    def slow(self, batch):
        clock[0] += 4.0
        return learn(self, batch)

    monkeypatch.setattr(Trainer, "learn", slow)
    timed = replace(job("stills", steps=1), minutes=1)
    trainer = Trainer(timed, ALONE)
    told = [(progress.step, trainer.stage.steps) for progress in trainer.run(workers=0)]
    assert told[-1] == (15, 15) and told[9] == (10, 15)
    assert list(Trainer(timed, ALONE).run(workers=0)) == [], "the minutes are over"
    assert [progress.step for progress in Trainer(replace(timed, minutes=2), ALONE).run(workers=0)][-1] == 30


def test_where_the_checkpoint_cannot_be_written_last_no_old_weights_pass_for_the_new_ones(job, monkeypatch):
    stage = job("stills", steps=2)

    def full(*_):
        raise OutputError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(train, "write_whole", full)
        with pytest.raises(OutputError):
            list(Trainer(stage, ALONE).run(workers=0))
    assert [progress.step for progress in Trainer(stage, ALONE).run(workers=0)] == [1, 2], "nothing was done before"


# -- several processes --

SCRIPT = """
import sys
from pathlib import Path
import torch
from nuke_matting.training.data import Sources
from nuke_matting.training.datasets import Source
from nuke_matting.training.processes import joined
from nuke_matting.training.recipe import load_recipe
from nuke_matting.training.starts import Start
from nuke_matting.training.train import Job, Trainer

recipe, people, behind, out = sys.argv[1:]
with joined() as among:
    job = Job(load_recipe(recipe), "clips", Sources((Source(Path(people)),), (Source(Path(behind)),)), Path(out))
    trainer = Trainer(job, among)
    list(trainer.run(workers=0))
    torch.save({"batch": trainer.stage.batch, "any": [among.any(among.first), among.any(False)],
        **dict(trainer.student.named_parameters()), **dict(trainer.student.named_buffers())}, f"{out}/{among.rank}.pt")
"""

TINY = "stages:\n  clips: {steps: 2, batch: 2, frames: 2, sizes: [[32, 32]], enlarge: 2, rate: 1e-3, norms: true, learns: all, echo: 1}\n"


@pytest.mark.parametrize(
    "model", ["two_stage", "background"]
)  # this one has drop-out, and parts that a process may not use
def test_several_processes_share_the_batch_and_learn_as_one(tmp_path, sources, model):
    recipe, script, out = tmp_path / "tiny.yaml", tmp_path / "script.py", tmp_path / "out"
    recipe.write_text(shipped(f"training/recipes/{model}.yaml").read_text().partition("stages:")[0] + TINY)
    script.write_text(SCRIPT)
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", script]
    ended = subprocess.run(
        [*start, recipe, sources.people[0].path, sources.backgrounds[0].path, out], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    one, two = (torch.load(out / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    assert one["batch"] == two["batch"] == 1
    assert one["any"] == two["any"] == [True, False]
    statistics = {name for name in one if "running" in name or "num_batches" in name}
    assert all(same(one[name], two[name]) for name in one.keys() - statistics)
    assert not all(same(one[name], two[name]) for name in statistics)  # each drew a sample of its own
    assert (out / "last.pt").exists()


FAILING = """
import sys
import nuke_matting.training.train as train
from nuke_matting.errors import MattingError, PlateError
from nuke_matting.training.processes import joined

learn, answers = train.Trainer.learn, train.Trainer._answers

def plate(trainer, batch):
    if trainer.processes.rank == 1:
        raise PlateError("cannot be read", path="a.png")
    return learn(trainer, batch)

def infinite(trainer, student, batch):
    parts, alpha = answers(trainer, student, batch)
    return {name: each * (float("nan") if trainer.processes.rank == 1 else 1.0) for name, each in parts.items()}, alpha

if sys.argv.pop() == "plate":
    train.Trainer.learn = plate
else:
    train.Trainer._answers = infinite
"""
CAUGHT = """
except MattingError as error:
    print(f"{error}", file=sys.stderr)
    raise SystemExit(2)
"""


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        ("infinite", ["not finite: alpha", "not finite: in another process"]),
        ("plate", ["a.png: cannot be read", "another process of the training has ended; see its line above"]),
    ],
)
def test_what_ends_one_process_is_told_by_it_and_the_others_say_no_more_than_a_line(tmp_path, sources, failure, told):
    recipe, script = tmp_path / "tiny.yaml", tmp_path / "script.py"
    recipe.write_text(shipped("training/recipes/two_stage.yaml").read_text().partition("stages:")[0] + TINY)
    body = "".join(f"    {line}\n" for line in SCRIPT.strip().splitlines())
    script.write_text(f"{FAILING}\ntry:\n{body}{CAUGHT}")
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", script]
    folders = [recipe, sources.people[0].path, sources.backgrounds[0].path, tmp_path / "out", failure]
    ended = subprocess.run([*start, *folders], capture_output=True, text=True)
    assert ended.returncode != 0
    assert all(each in ended.stderr for each in told), ended.stderr
    assert 'script.py", line' not in ended.stderr, "no traceback but torchrun's own"


def test_a_batch_that_cannot_be_shared_evenly_is_refused():
    with pytest.raises(UsageError, match="batch of 2 .* 3 processes"):
        Processes(torch.device("cpu"), count=3).share(RECIPE.stages["stills"])
