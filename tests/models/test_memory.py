"""The memory model behind the engine's contract: any size, stateless, any order."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from nuke_matting import Settings, Shot
from nuke_matting.errors import ModelError
from nuke_matting.models.contract import FrameInput, Quality
from nuke_matting.models.memory import MemoryModel
from nuke_matting.models.weights import load_weights, save_weights
from nuke_matting.nets.memory_network import MemoryNetwork

METADATA = {"architecture": "memory", "name": "quick", "coarse_long_side": "64"}
QUALITY = Quality(regions=4.0, batch=64)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("weights") / "quick.safetensors"
    net = MemoryNetwork()
    for each in net.modules():
        if isinstance(each, torch.nn.Conv2d):  # else next to nothing comes through so many layers
            torch.nn.init.kaiming_normal_(each.weight)
    save_weights(path, net, METADATA)
    return load_weights(path)


@pytest.fixture(scope="module")
def model(file):
    return MemoryModel(file, "cpu", "fp32")


def frame(height, width, seed=0):
    pixels = np.random.default_rng(seed).uniform(0, 1.2, (height, width, 3)).astype(np.float32)
    return FrameInput(pixels)


def matted(model, given, before=()):
    own = model.encode(model.prepare(given))
    memory = [model.encode(model.prepare(each)) for each in before] or [own, own]
    return model.matte(given, own, memory, QUALITY)


@effort(max_examples=10)
@given(height=st.integers(1, 90), width=st.integers(1, 90))
def test_any_size_gives_an_alpha_and_a_foreground_of_that_size(model, height, width):
    matte = matted(model, frame(height, width))
    assert matte.alpha.shape == (height, width) and matte.foreground.shape == (height, width, 3)
    assert matte.alpha.dtype == matte.foreground.dtype == np.float32
    assert matte.alpha.min() >= 0 and matte.alpha.max() <= 1 and np.isfinite(matte.foreground).all()


def test_an_anamorphic_frame_is_seen_in_the_proportions_that_it_is_shown_in(model):
    squeezed = FrameInput(frame(48, 64).image, pixel_aspect=2.0)
    assert model.prepare(squeezed).shape == model.prepare(frame(48, 128)).shape != model.prepare(frame(48, 64)).shape
    assert matted(model, squeezed).alpha.shape == (48, 64)


def test_the_same_frame_gives_the_same_bits_whatever_came_between(model):
    shot = [frame(48, 100, seed) for seed in range(3)]
    first = matted(model, shot[2], shot[1::-1])
    matted(model, shot[1], [shot[0], shot[0]])
    again = matted(model, shot[2], shot[1::-1])
    assert np.array_equal(first.alpha, again.alpha) and np.array_equal(first.foreground, again.foreground)


def test_each_of_the_two_frames_before_is_read(model):
    shot = [frame(48, 64, seed) for seed in range(4)]
    base = matted(model, shot[2], [shot[1], shot[0]])
    for memory in ([shot[3], shot[0]], [shot[1], shot[3]]):
        assert not np.array_equal(base.alpha, matted(model, shot[2], memory).alpha)
    assert len(model.references) == 2


def test_in_a_shot_any_order_gives_the_same_bits(model, make_plate):
    plate, settings = make_plate(), Settings(cache=False)
    forwards, backwards = Shot(plate, settings, model), Shot(plate, settings, model)
    one = {frame: forwards.matte(frame).alpha for frame in forwards.frames}
    other = {frame: backwards.matte(frame).alpha for frame in reversed(backwards.frames)}
    assert all(np.array_equal(one[frame], other[frame]) for frame in one)
    assert len({alpha.tobytes() for alpha in one.values()}) > 1


def test_half_precision_stays_close_to_full(model, file):
    given = frame(96, 128)
    full, half = (matted(each, given).alpha for each in (model, MemoryModel(file, "cpu", "bf16")))
    assert full.std() > 0.02 and 0 < np.abs(half - full).mean() < 0.05 * full.std()


@pytest.mark.parametrize("metadata, references", [({}, (-1, -2)), ({"references": "first_and_previous"}, (None, -1))])
def test_the_weights_say_which_frames_are_read(tmp_path, metadata, references):
    path = tmp_path / "other.safetensors"
    save_weights(path, MemoryNetwork(), METADATA | metadata)
    assert MemoryModel(load_weights(path), "cpu", "fp32").references == references


def test_weights_that_read_from_frames_it_cannot_name_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_weights(path, MemoryNetwork(), METADATA | {"references": "all"})
    with pytest.raises(ModelError, match=r"other\.safetensors.*'all'.*previous_two, first_and_previous"):
        MemoryModel(load_weights(path), "cpu", "fp32")


@pytest.mark.parametrize(
    ("references", "read"),
    [
        (
            "first_and_previous",
            {1001: (1001, 1001), 1002: (1002, 1002), 1003: (1001, 1002), 1004: (1001, 1003), 1005: (1001, 1004)},
        ),
        (
            "previous_two",
            {1001: (1001, 1001), 1002: (1001, 1002), 1003: (1002, 1001), 1004: (1003, 1002), 1005: (1004, 1003)},
        ),
    ],
)
def test_in_a_shot_the_frames_are_read_that_the_weights_name(file, make_plate, references, read):
    model = MemoryModel(replace(file, metadata=file.metadata | {"references": references}), "cpu", "fp32")
    shot = Shot(make_plate(range(1001, 1006)), Settings(cache=False), model)
    assert {frame: shot.plan(frame).references for frame in shot.frames} == read
    assert all(shot.plan(frame).notes == () for frame in shot.frames)
    one = {frame: shot.matte(frame).alpha.tobytes() for frame in reversed(shot.frames)}
    alone = Shot(make_plate(range(1001, 1006)), Settings(cache=False), model)
    assert alone.matte(1004).alpha.tobytes() == one[1004]
