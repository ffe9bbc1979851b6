"""The background model behind the engine's contract: any size, with a clean plate or, where it can, without."""

import json

import numpy as np
import pytest
import torch

from nuke_matting import Settings, Shot
from nuke_matting.errors import ModelError, UsageError
from nuke_matting.models.background import GUESSED, BackgroundModel, coarse_size
from nuke_matting.models.contract import FrameInput, Quality
from nuke_matting.models.cost import gmacs
from nuke_matting.models.registry import load_model
from nuke_matting.models.weights import load_weights, save_weights
from nuke_matting.nets.background import BackgroundNetwork

METADATA = {"architecture": "background", "name": "quick", "base": "mobilenetv2"}


def saved(path, guesses):
    """Random weights whose error map says that all is wrong, so that patches are refined."""
    torch.manual_seed(4)
    net = BackgroundNetwork("mobilenetv2", guesses)
    with torch.no_grad():
        net.decoder.conv4.bias[4] += 5.0
        net.refiner.conv4.bias[0] += 0.5
    save_weights(path, net, METADATA | ({"predicts_plate": "yes"} if guesses else {}))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="module")
def needing(folder):
    return BackgroundModel(load_weights(saved(folder / "needing.safetensors", False)), "cpu", "fp32")


@pytest.fixture(scope="module")
def guessing(folder):
    return BackgroundModel(load_weights(saved(folder / "guessing.safetensors", True)), "cpu", "fp32")


def picture(height, width, seed=0):
    return np.random.default_rng(seed).uniform(0, 1.2, (height, width, 3)).astype(np.float32)


def matted(model, frame, regions=100.0, batch=64):
    return model.matte(frame, model.encode(model.prepare(frame)), [], Quality(regions, batch))


@pytest.mark.parametrize("height, width, clean", [(1, 1, False), (3, 70, True), (37, 50, False), (64, 32, True)])
def test_any_size_gives_a_matte_of_that_size(guessing, height, width, clean):
    frame = FrameInput(picture(height, width), picture(height, width, 1) if clean else None)
    matte = matted(guessing, frame)
    assert matte.alpha.shape == (height, width) and matte.foreground.shape == (height, width, 3)
    assert matte.alpha.dtype == matte.foreground.dtype == np.float32
    assert matte.alpha.min() >= 0 and matte.alpha.max() <= 1
    assert matte.notes == (() if clean else (GUESSED,))


def test_the_clean_plate_is_what_it_mattes_by(needing):
    frame, plates = picture(40, 60), [picture(40, 60, seed) for seed in (1, 2)]
    one, other = (matted(needing, FrameInput(frame, plate)).alpha for plate in plates)
    assert (one != other).any()


def test_highlights_of_the_foreground_stay(needing):
    frame = picture(40, 60)
    frame[10:20, 10:20] = 4.0
    assert matted(needing, FrameInput(frame, picture(40, 60, 1))).foreground.max() > 3


def test_regions_are_what_is_refined(needing):
    frame = FrameInput(picture(64, 96), picture(64, 96, 1))
    none, some, more = (matted(needing, frame, regions).alpha for regions in (0.0, 0.5, 2.0))
    changed = [(each != none).mean() for each in (some, more)]
    assert 0 < changed[0] < changed[1]


def test_the_first_stage_sees_a_quarter_at_hd_and_an_eighth_at_4k():
    assert coarse_size(1080, 1920) == (270, 480) and coarse_size(2160, 3840) == (270, 480)
    assert coarse_size(100, 100) == (50, 50) and coarse_size(1, 1) == (1, 1)


def test_an_anamorphic_frame_is_seen_in_the_proportions_that_it_is_shown_in(needing, monkeypatch):
    seen, coarse = [], needing.net.coarse
    monkeypatch.setattr(needing.net, "coarse", lambda small, clean: seen.append(small) or coarse(small, clean))
    frame = FrameInput(picture(48, 64), picture(48, 64, 1), pixel_aspect=2.0)
    assert matted(needing, frame).alpha.shape == (48, 64)
    assert seen[0].shape[-2:] == coarse_size(48, 128)


def test_published_weights_need_a_clean_plate_and_the_shot_says_so_at_once(needing, make_plate):
    with pytest.raises(UsageError, match="needs a clean plate"):
        Shot(make_plate([1]), Settings(cache=False), needing)
    with pytest.raises(UsageError, match="--clean-plate"):
        needing.prepare(FrameInput(picture(8, 8)))


def test_a_shot_without_a_clean_plate_says_that_it_was_guessed(guessing, make_plate):
    assert GUESSED in Shot(make_plate([1]), Settings(cache=False), guessing).matte(1).notes


def test_a_base_that_is_not_known_is_refused(folder):
    path = folder / "odd.safetensors"
    save_weights(path, torch.nn.Conv2d(1, 1, 1), METADATA | {"base": "vgg"})
    with pytest.raises(ModelError, match=r"odd\.safetensors.*'vgg'.*resnet101"):
        load_model(str(path), "cpu", "fp32")


def test_a_guess_costs_nothing_where_there_is_a_plate(needing, guessing):
    assert gmacs(needing, 256, 128) == gmacs(guessing, 256, 128) > 0.1


def test_published_checkpoints_are_added_by_the_command_line_and_give_the_same_bits(
    nuke_matting, make_plate, tmp_path, monkeypatch
):
    monkeypatch.setenv("NUKE_MATTING_MODELS", str(tmp_path / "models"))
    torch.manual_seed(0)
    net = BackgroundNetwork("mobilenetv2").eval()
    torch.save(net.state_dict(), tmp_path / "pytorch_mobilenetv2.pth")
    done = nuke_matting("model", "add", tmp_path / "pytorch_mobilenetv2.pth", "--name", "bgm", "--licence", "MIT")
    assert done.returncode == 0, done.stderr
    about = json.loads(nuke_matting("model", "show", "bgm", "--json").stdout)
    assert about["kind"] == "background" and about["licence"] == "MIT" and about["parameters"] == 5_006_839
    added = load_model("bgm", "cpu", "fp32")
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in added.net.state_dict().items())
    plate, clean = make_plate([1001]), make_plate([1001], name="clean")
    done = nuke_matting("matte", plate, "--model", "bgm")
    assert done.returncode == 2 and "clean plate" in done.stderr
    done = nuke_matting("matte", plate, "--model", "bgm", "--clean-plate", clean)
    assert done.returncode == 0, done.stderr
