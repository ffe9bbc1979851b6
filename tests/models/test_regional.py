"""The regional model behind the engine's contract: any size, each frame by itself."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from nuke_matting import Settings, Shot
from nuke_matting.errors import ModelError
from nuke_matting.models.contract import FrameInput, Quality
from nuke_matting.models.regional import RegionalModel
from nuke_matting.models.weights import load_weights, save_weights
from nuke_matting.nets.regional import RegionalNetwork, unknown_cells
from nuke_matting.nets.trimap_decoder import BACKGROUND, FOREGROUND, UNKNOWN

METADATA = {"architecture": "regional", "name": "quick", "shrink": "4"}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Random weights whose trimap leans to "unknown", so that there are regions, and whose regions differ."""
    torch.manual_seed(3)
    net = RegionalNetwork(4)
    torch.nn.init.normal_(net.refiner.head.weight, std=5.0)
    torch.nn.init.constant_(net.refiner.head.bias, 0.5)
    with torch.no_grad():
        net.decoder.heads[-1].bias[4 * UNKNOWN : 4 * UNKNOWN + 4] += 0.5
    path = tmp_path_factory.mktemp("weights") / "quick.safetensors"
    save_weights(path, net, METADATA)
    return load_weights(path)


@pytest.fixture(scope="module")
def model(file):
    return RegionalModel(file, "cpu", "fp32")


def frame(height, width, seed=0):
    pixels = np.random.default_rng(seed).uniform(0, 1.2, (height, width, 3)).astype(np.float32)
    return FrameInput(pixels)


def matted(model, given, regions=100.0, batch=64):
    return model.matte(given, model.encode(model.prepare(given)), [], Quality(regions, batch))


@effort(max_examples=12)
@given(height=st.integers(1, 90), width=st.integers(1, 90))
def test_any_size_gives_an_alpha_and_a_foreground_of_that_size(model, height, width):
    matte = matted(model, frame(height, width))
    assert matte.alpha.shape == (height, width) and matte.foreground.shape == (height, width, 3)
    assert matte.alpha.dtype == matte.foreground.dtype == np.float32
    assert matte.alpha.min() >= 0 and matte.alpha.max() <= 1


def test_the_foreground_is_the_image(model):
    given = frame(20, 30)
    assert np.array_equal(matted(model, given).foreground, given.image)


def test_the_same_frame_gives_the_same_bits_whatever_came_between(model):
    first = matted(model, frame(48, 100)).alpha
    assert first.std() > 0.01
    matted(model, frame(48, 100, 1))
    assert np.array_equal(first, matted(model, frame(48, 100)).alpha)


def test_it_reads_from_no_other_frame(model):
    assert model.references == ()


def test_no_more_regions_are_drawn_than_the_quality_allows(model):
    """Of an 8x12 grid: none, then at most (64 + 96) / 8 = 20 cells differ from the segmentation."""
    given = frame(64, 96)
    plain, some, all_ = (matted(model, given, regions).alpha for regions in (0.0, 1.0, 100.0))

    def cells(alpha):
        return int((alpha != plain).reshape(8, 8, 12, 8).any((1, 3)).sum())

    assert 0 < cells(some) <= 20 < cells(all_)


def test_what_the_trimap_calls_solid_is_exactly_so_and_unknown_cells_keep_the_segmentation(model):
    given = frame(20, 28)
    level = model.encode(model.prepare(given))
    classes = torch.tensor([[BACKGROUND, UNKNOWN, FOREGROUND, UNKNOWN]]).repeat(3, 1)
    trimap = torch.nn.functional.one_hot(classes).permute(2, 0, 1)[None].float()
    alpha = model.matte(given, level._replace(trimap=trimap), [], Quality(0.0, 64)).alpha
    assert (alpha[:, :8] == 0).all() and (alpha[:, 16:24] == 1).all()
    plain = level.segmentation.sigmoid()[0, 0].numpy().repeat(8, 0).repeat(8, 1)[:20, :28]
    assert np.array_equal(alpha[:, 8:16], plain[:, 8:16]) and np.array_equal(alpha[:, 24:], plain[:, 24:])


def test_unknown_regions_beyond_the_quality_are_said(model):
    given = frame(64, 96)
    unknown = len(unknown_cells(model.encode(model.prepare(given)).trimap))
    assert unknown > 20 and matted(model, given).notes == ()
    (note,) = matted(model, given, 1.0).notes
    assert note.startswith(f"{unknown - 20} of {unknown} unknown regions") and "--regions" in note


def test_in_a_shot_any_order_gives_the_same_bits(model, make_plate):
    plate, settings = make_plate(), Settings(cache=False)
    forwards, backwards = Shot(plate, settings, model), Shot(plate, settings, model)
    one = {frame: forwards.matte(frame).alpha for frame in forwards.frames}
    other = {frame: backwards.matte(frame).alpha for frame in reversed(backwards.frames)}
    assert all(np.array_equal(one[frame], other[frame]) for frame in one)
    assert len({alpha.tobytes() for alpha in one.values()}) > 1


def test_half_precision_stays_close_to_full(model, file):
    full, half = (matted(each, frame(48, 64)).alpha for each in (model, RegionalModel(file, "cpu", "bf16")))
    assert full.std() > 0.02 and 0 < np.abs(half - full).mean() < 0.1 * full.std()


@pytest.mark.parametrize("given", ["3", "0", "", "large"])
def test_a_shrink_that_is_none_is_refused(tmp_path, given):
    path = tmp_path / "odd.safetensors"
    save_weights(path, RegionalNetwork(4), METADATA | {"shrink": given})
    with pytest.raises(ModelError, match=r"odd\.safetensors.*shrink"):
        RegionalModel(load_weights(path), "cpu", "fp32")
