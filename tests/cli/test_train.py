"""The verb `train`: what it draws, trains and leaves, what it says, and how it ends."""

import re
import signal
import sys
import time

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from nuke_matting.cli.app import main
from nuke_matting.resources import shipped
from nuke_matting.training.echo import batches
from nuke_matting.training.students import MODELS
from nuke_matting.training.train import Trainer

STAGES = """stages:
  tiny: {steps: 3, batch: 2, frames: 1, sizes: [[32, 48]], enlarge: 1, rate: 1.0e-3, norms: true, learns: all, echo: 1}
  clips: {steps: 3, batch: 2, frames: 2, sizes: [[32, 32]], enlarge: 2, rate: 1.0e-3, norms: true, learns: all, echo: 1}
"""


@pytest.fixture
def at_work(nuke_matting, tmp_path):
    """A recipe, people and backgrounds in the folder that commands run in."""
    recipe = shipped("training/recipes/two_stage.yaml").read_text(encoding="utf-8").partition("stages:")[0] + STAGES
    (tmp_path / "tiny.yaml").write_text(recipe, encoding="utf-8")
    alpha = np.zeros((60, 40), np.uint8)
    cv2.ellipse(alpha, (20, 30), (15, 25), 0, 0, 360, 255, -1)
    for folder in ("people", "behind"):
        (tmp_path / folder).mkdir()
    cv2.imwrite(str(tmp_path / "people" / "a_alpha.png"), alpha)
    cv2.imwrite(str(tmp_path / "people" / "a_fg.png"), np.full((60, 40, 3), (90, 120, 200), np.uint8))
    noise = np.random.default_rng(0).integers(0, 255, (80, 120, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "behind" / "a.png"), noise)
    return tmp_path


SOURCES = ("--people", "people:2", "--backgrounds", "behind")
RUN = ("train", "run", "tiny.yaml", "--stage", "tiny", *SOURCES, "--out", "out", "--workers", "0")


def test_a_stage_is_trained_and_its_weights_matte(nuke_matting, at_work, make_plate):
    ended = nuke_matting(*RUN)
    assert ended.returncode == 0, ended.stderr
    assert "tiny of two_stage: 3 steps of 2 stills" in ended.stderr
    assert "start   weights drawn at random" in ended.stderr
    assert "people  people: 1 still\n" in ended.stderr and "behind  behind: 1 picture\n" in ended.stderr
    assert "step 3 of 3, loss" in ended.stderr and "0:00:00 left" in ended.stderr
    plate = make_plate(frames=[1001])
    assert nuke_matting("matte", plate, "--model", "out/weights.safetensors", "--out", "m.####.exr").returncode == 0


def test_whoever_waits_for_samples_is_told_what_to_do(at_work, monkeypatch, capfd):
    def slow(*asked):
        for each in batches(*asked):
            time.sleep(2)
            yield each

    monkeypatch.setattr("nuke_matting.training.train.batches", slow)
    monkeypatch.chdir(at_work)
    assert main(RUN) == 0
    said = capfd.readouterr().err
    assert re.search(r"s a step \(\d+% of it waiting for samples\), 0:00:00 left", said)
    assert "raise echo in the recipe, or --workers" in said


def of(model, at_work):
    """A recipe of a model for tiny frames, in the folder that commands run in."""
    shared = shipped(f"training/recipes/{model}.yaml").read_text(encoding="utf-8").partition("stages:")[0]
    (at_work / f"{model}.yaml").write_text(shared + STAGES, encoding="utf-8")
    return f"{model}.yaml"


@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_trained_in_two_stages_and_its_weights_matte(nuke_matting, at_work, make_plate, model):
    first = ("train", "run", of(model, at_work), *SOURCES, "--workers", "0", "--steps", "2")
    assert nuke_matting(*first, "--stage", "tiny", "--out", "one").returncode == 0
    ended = nuke_matting(*first, "--stage", "clips", "--out", "two", "--start-from", "one/last.pt")
    assert ended.returncode == 0, ended.stderr
    assert f"clips of {model}: 2 steps of 2 clips of 2 frames" in ended.stderr
    ended = nuke_matting("matte", make_plate([1001]), "--model", "two/weights.safetensors", "--out", "m.####.exr")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("action", ["run", "preview"])
def test_things_are_not_for_models_that_cannot_be_told_of_them(nuke_matting, at_work, action):
    command = ("train", action, of("memory", at_work), "--stage", "tiny", *SOURCES, "--out", "out")
    ended = nuke_matting(*command, "--things", "1")
    assert ended.returncode == 2 and ended.stderr.count("\n") == 1
    assert "memory is shown no clean plate and no guide" in ended.stderr and not (at_work / "out").exists()


def test_help_names_the_recipes(nuke_matting):
    ended = nuke_matting("train", "run", "--help")
    assert all(name in ended.stdout for name in MODELS)


def test_a_stage_of_no_steps_writes_the_mean_of_its_starts(nuke_matting, at_work):
    for seed in ("1", "2"):
        nuke_matting(*(f"one{seed}" if each == "out" else each for each in RUN), "--seed", seed)
    starts = ("--start-from", "one1/weights.safetensors:0.7", "--start-from", "one2/last.pt:0.3")
    ended = nuke_matting(*RUN, "--steps", "0", *starts)
    assert ended.returncode == 0 and "done, 0 steps: out/weights.safetensors" in ended.stderr
    assert (at_work / "out" / "weights.safetensors").exists()


def test_a_trained_stage_is_left_as_it_is(nuke_matting, at_work):
    nuke_matting(*RUN)
    before = (at_work / "out" / "last.pt").read_bytes()
    ended = nuke_matting(*RUN)
    assert ended.returncode == 0 and "was done before, 3 steps" in ended.stderr
    assert (at_work / "out" / "last.pt").read_bytes() == before


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupted_stage_leaves_a_checkpoint_and_goes_on_from_it(nuke_matting, at_work, monkeypatch, name):
    learn = Trainer.learn

    def interrupted(trainer, batch):
        if trainer.step == 1:
            signal.raise_signal(getattr(signal, name))  # in the midst of a step
        return learn(trainer, batch)

    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # shells start what is in the background without it
    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "learn", interrupted)
        ended = nuke_matting(*RUN)
    signal.signal(signal.SIGINT, before)
    assert ended.returncode == 130
    assert "interrupted at step 2 of 3" in ended.stderr and "run the same command again" in ended.stderr
    assert torch.load(at_work / "out" / "last.pt", weights_only=True)["step"] == 2
    ended = nuke_matting(*RUN)
    assert ended.returncode == 0 and "goes on from step 2" in ended.stderr


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_picture_that_cannot_be_read_is_named_in_one_line(nuke_matting, at_work, workers):
    (at_work / "behind" / "b.png").write_bytes(b"no picture")
    ended = nuke_matting(*RUN, "--workers", workers)
    told = [line for line in ended.stderr.splitlines() if "b.png" in line]
    assert told == ["warning: left out of training: behind/b.png: cannot be read; save it again, or take it out"]
    assert ended.returncode == 0 and ".py" not in ended.stderr


def test_steps_may_be_given_in_place_of_the_recipe_s(nuke_matting, at_work):
    assert nuke_matting(*RUN, "--steps", "1").returncode == 0
    assert torch.load(at_work / "out" / "last.pt", weights_only=True)["step"] == 1


def test_the_preview_has_a_row_a_frame(nuke_matting, at_work):
    def height(stage, count):
        ended = nuke_matting(
            *("train", "preview", "tiny.yaml", "--stage", stage, *SOURCES, "--things", "1"),
            *("--out", f"{stage}.png", "--count", count, "--width", "64"),
        )
        assert ended.returncode == 0, ended.stderr
        return Image.open(at_work / f"{stage}.png").height

    one, two = height("clips", 1), height("clips", 2)
    assert two - one > 2 * 64  # two frames of 64x64, and their labels
    assert 43 < height("tiny", 2) - height("tiny", 1) < 2 * 43


def test_a_preview_is_written_over_no_picture_that_is_not_its_kind(nuke_matting, at_work):
    photograph = at_work / "behind" / "b.jpg"
    photograph.write_bytes(b"a photograph")
    ended = nuke_matting("train", "preview", "tiny.yaml", "--stage", "tiny", *SOURCES, "--out", "behind/b.jpg")
    assert ended.returncode == 2 and "b.jpg: is no name for a sheet; end it in .png" in ended.stderr
    assert photograph.read_bytes() == b"a photograph"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"tiny.yaml": "two_stag"}, "two_stag: there is no such recipe; did you mean two_stage"),
        ({"tiny": "tinny"}, "tiny.yaml has no stage tinny; one of tiny, clips"),
        ({"people:2": "gone"}, "gone: no such folder of subjects"),
        ({"people:2": "people:0"}, "there is nothing to matte"),
        ({"people:2": "foo=people"}, "unknown layout 'foo'"),
        ({"behind": "gone"}, "gone: holds no backgrounds"),
        ({"behind": "stills=behind"}, "behind: backgrounds have no layout"),
        ({"out": "tiny.yaml/out"}, "tiny.yaml/out: cannot be made"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_drawn(nuke_matting, at_work, changed, told):
    ended = nuke_matting(*(changed.get(each, each) for each in RUN))
    assert ended.returncode == 2
    assert told in ended.stderr and ended.stderr.count("\n") == 1
    assert not (at_work / "out").exists()


@pytest.mark.parametrize("given", [("--things", "nan"), ("--steps", "-1"), ("--workers", "-1"), ("--seed", "x")])
def test_numbers_out_of_range_are_refused(nuke_matting, at_work, given):
    ended = nuke_matting(*RUN, *given)
    assert ended.returncode == 2 and given[0] in ended.stderr


@pytest.mark.parametrize("missing", ["yaml", "cv2"])
def test_a_missing_package_is_told_with_what_to_install(nuke_matting, at_work, monkeypatch, missing):
    for name in [name for name in sys.modules if name.startswith("nuke_matting.training.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    ended = nuke_matting(*RUN)
    assert ended.returncode == 2
    assert re.search(rf"not installed \({missing}\); pip install \"nuke-matting\[train\]\"", ended.stderr)


def test_people_need_their_assets(nuke_matting, at_work):
    ended = nuke_matting("train", "people", "stills", "--assets", "people", "--out", "rendered")
    assert ended.returncode == 2 and "people: no humans" in ended.stderr


@pytest.mark.parametrize(("kind", "made"), [("stills", "00000_alpha.png"), ("clips", "00000/1_alpha.png")])
def test_people_are_rendered(nuke_matting, at_work, assets, kind, made):
    command = ("train", "people", kind, "--assets", assets, "--out", "rendered", "--first", "0", "--count", "1")
    ended = nuke_matting(*command, "--size", "64", "--frames", "2")
    assert ended.returncode == 0, ended.stderr
    assert cv2.imread(str(at_work / "rendered" / made), cv2.IMREAD_GRAYSCALE).max() == 255


def test_portraits_are_cut(nuke_matting, at_work):
    (at_work / "portraits").mkdir()
    picture = np.tile(np.linspace(110, 140, 100), (125, 1))
    cv2.ellipse(picture, (50, 47), (20, 33), 0, 0, 360, 215.0, -1)
    cv2.ellipse(picture, (50, 131), (47, 47), 0, 0, 360, 40.0, -1)
    picture += np.random.default_rng(0).normal(0, 2, picture.shape)
    cv2.imwrite(str(at_work / "portraits" / "a.jpg"), cv2.GaussianBlur(picture, (0, 0), 0.7))
    ended = nuke_matting("train", "portraits", "--portraits", "portraits", "--out", "cut")
    assert ended.returncode == 0 and "1 of 1 portraits, 1 mattes" in ended.stderr
    alpha = cv2.imread(str(at_work / "cut" / "a_alpha.png"), cv2.IMREAD_GRAYSCALE)
    assert alpha[47, 50] == 255 and alpha[5, 5] == 0


@pytest.mark.parametrize("folder", ["people", "gone"])
def test_a_folder_without_portraits_is_told(nuke_matting, at_work, folder):
    ended = nuke_matting("train", "portraits", "--portraits", folder, "--out", "cut")
    assert ended.returncode == 2 and f"{folder}: " in ended.stderr and ended.stderr.count("\n") == 1


@pytest.mark.parametrize("action", ["footage", "walks"])
def test_footage_that_is_not_there_is_told(nuke_matting, at_work, action):
    ended = nuke_matting("train", action, "--clips", "people", "--out", "cut")
    assert ended.returncode == 2 and "is no video that can be read" in ended.stderr
