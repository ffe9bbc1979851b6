"""The module for Nuke's Inference node: what `TwoStageModel` gives, from one tensor, by operators of torch 1.12.1."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nuke_matting.colour import model_space
from nuke_matting.colour.exposure import brighter, stops
from nuke_matting.errors import ModelError
from nuke_matting.export.inference import Inputs, build, torchscript
from nuke_matting.models.contract import FrameInput, Quality
from nuke_matting.models.registry import load_model, shipped_weights
from nuke_matting.models.weights import load_weights, save_weights
from nuke_matting.nets.two_stage import TwoStage
from nuke_matting.plate.reader import read_frame

HERE = Path(__file__).parent
EXAMPLE = HERE.parent.parent / "examples" / "plate"
OPERATORS = HERE / "operators_of_torch_1_12_1.txt"
ACESCG = np.array([[1.70505, -0.62179, -0.08326], [-0.13026, 1.1408, -0.01055], [-0.024, -0.12897, 1.15297]])
VARIANTS = [Inputs(clean, guide) for clean in (False, True) for guide in (False, True)]
QUALITY = Quality(4.0, 1024)


def exported(path, inputs=VARIANTS[0], matrix=None, regions=4.0):
    """A weight file's module, through a file and back, as text; called on [C, H, W] arrays."""
    module = build(load_weights(Path(path)), inputs, regions, np.eye(3) if matrix is None else matrix)
    return module, torchscript(module)


def loaded(data, folder):
    (folder / "live.pt").write_bytes(data)
    return torch.jit.load(str(folder / "live.pt"))


def run(module, stacked):
    return module(torch.from_numpy(np.ascontiguousarray(stacked))[None])[0].numpy()


def light(height, width, seed, channels=3):
    """Scene-linear pixels: mostly below 1, some far above, some negative."""
    return (np.random.default_rng(seed).normal(0.4, 0.5, (channels, height, width)) ** 3).astype(np.float32)


def shown(linear, by):
    """Scene-linear [3, H, W], brighter by so many stops, in the model space, [H, W, 3]."""
    return brighter(model_space.to_model(linear.transpose(1, 2, 0)).astype(np.float32), by)


def expected(model, frames, cleans, guides):
    """The model's own matte of the first frame, as [4, H, W]: scene-linear foreground, and alpha."""
    lit = [stops(shown(each, 0.0), 0.0) for each in frames]
    given = [
        FrameInput(
            shown(frame, by),
            None if clean is None else shown(clean, lit[0]),
            None if guide is None else guide.clip(0, 1),
        )
        for frame, clean, guide, by in zip(frames, cleans, guides, lit, strict=True)
    ]
    own, *memory = [model.encode(model.prepare(each)) for each in given]
    matte = model.matte(given[0], own, memory, QUALITY)
    foreground = model_space.from_model(brighter(matte.foreground, -lit[0]))
    return np.concatenate([foreground.transpose(2, 0, 1), matte.alpha[None]])


@pytest.fixture(scope="module")
def file(weights, tmp_path_factory):
    """The plain variant of quick weights, scripted."""
    return loaded(exported(weights)[1], tmp_path_factory.mktemp("live"))


def test_on_the_example_plate_it_gives_what_the_model_gives(tmp_path):
    path = shipped_weights()["two_stage"]
    frames = [
        np.moveaxis(read_frame(EXAMPLE / f"plate.{number}.exr", number).pixels[..., :3], 2, 0).astype(np.float32)
        for number in (1012, 1011, 1013)
    ]
    got = run(loaded(exported(path)[1], tmp_path), np.concatenate(frames))
    want = expected(load_model(str(path), "cpu", "fp32"), frames, [None] * 3, [None] * 3)
    assert want[3].max() > 0.9, "there is somebody"
    assert np.abs(got[3] - want[3]).max() < 1e-3
    assert np.allclose(got[:3], want[:3], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("inputs", VARIANTS, ids=str)
@pytest.mark.parametrize("size", [(1, 1), (37, 51)])
def test_every_variant_gives_what_the_model_gives_at_odd_sizes(joined_weights, tmp_path, inputs, size):
    frames = [light(*size, seed) for seed in range(3)]
    clean = light(*size, 7) if inputs.clean else None
    guides = [light(*size, 10 + seed, 1)[0] if inputs.guide else None for seed in range(3)]
    stacked = [*frames, *([clean] if inputs.clean else []), *(each[None] for each in guides if each is not None)]
    got = run(loaded(exported(joined_weights, inputs)[1], tmp_path), np.concatenate(stacked))
    want = expected(load_model(joined_weights, "cpu", "fp32"), frames, [clean] * 3, guides)
    assert np.abs(got[3] - want[3]).max() < 1e-3
    # in the model space, since what untrained weights draw is far brighter than any light
    assert np.allclose(*(model_space.to_model(each[:3].clip(-65504, 65504)) for each in (got, want)), atol=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (37, 51), (96, 128)])
def test_it_looks_again_where_the_model_does(looking_weights, tmp_path, size):
    frames = [light(*size, seed) for seed in range(3)]
    got = run(loaded(exported(looking_weights)[1], tmp_path), np.concatenate(frames))
    want = expected(load_model(looking_weights, "cpu", "fp32"), frames, [None] * 3, [None] * 3)
    assert np.abs(got[3] - want[3]).max() < 1e-3


@pytest.mark.parametrize("black", [False, True], ids=["held", "black"])
@pytest.mark.parametrize("end", [1, 2], ids=["first frame", "last frame"])
def test_at_the_ends_of_a_clip_it_does_without_what_is_no_frame(looking_weights, tmp_path, end, black):
    frames = [light(37, 51, seed) for seed in range(3)]
    frames[end] = frames[0] * (0 if black else 1)
    model = load_model(looking_weights, "cpu", "fp32")
    got = run(loaded(exported(looking_weights)[1], tmp_path), np.concatenate(frames))
    given = [FrameInput(model_space.to_model(each).transpose(1, 2, 0)) for each in frames]
    own, other = (model.encode(model.prepare(given[at])) for at in (0, 3 - end))
    assert np.abs(got[3] - model.matte(given[0], own, [own, other, own, own], QUALITY).alpha).max() < 1e-3


def test_a_saturated_light_is_seen_as_the_model_sees_it(weights, tmp_path):
    frames = [light(37, 51, seed) for seed in range(3)]
    frames[0][:, 3:6, 3:6] = np.asarray([-12, 20, 3], np.float32)[:, None, None]
    got = run(loaded(exported(weights)[1], tmp_path), np.concatenate(frames))
    want = expected(load_model(weights, "cpu", "fp32"), frames, [None] * 3, [None] * 3)
    assert np.abs(got[3] - want[3]).max() < 1e-3


@settings(max_examples=8)
@given(height=st.integers(1, 70), width=st.integers(1, 70))
def test_any_size_gives_four_channels_of_that_size(file, height, width):
    out = run(file, light(height, width, 1, 9))
    assert out.shape == (4, height, width) and np.isfinite(out).all()
    assert out[3].min() >= 0 and out[3].max() <= 1


def test_nothing_is_kept_from_call_to_call(file):
    one, other = light(24, 40, 1, 9), light(17, 9, 2, 9)
    first = run(file, one)
    run(file, other)
    assert np.array_equal(run(file, one), first)


@pytest.mark.parametrize("channels", [slice(3, 6), slice(6, 9)])
def test_the_frames_before_and_after_change_the_alpha(file, channels):
    one = light(24, 40, 1, 9)
    other = one.copy()
    other[channels] = light(24, 40, 5)
    assert not np.array_equal(run(file, one)[3], run(file, other)[3])


def test_values_that_are_no_light_are_survived(file):
    one = light(16, 16, 1, 9)
    one[:, 3, 3], one[:, 4, 4], one[:, 5, 5] = np.nan, np.inf, -np.inf
    assert np.isfinite(run(file, one)).all()


@pytest.mark.parametrize("pixel", [(2.5e38,) * 3, (3.4e38, -3.4e38, 3.4e38), (-1e38, 1e38, 0)], ids=str)
def test_values_beyond_any_light_are_survived(weights, tmp_path, pixel):
    module = loaded(exported(weights, matrix=ACESCG)[1], tmp_path)
    one = light(16, 16, 1, 9)
    one[:3, 3, 3] = one[6:, 5, 5] = pixel
    assert np.isfinite(run(module, one)).all()


def test_the_budget_of_regions_is_an_attribute_that_a_knob_may_set(weights, tmp_path):
    module = loaded(exported(weights)[1], tmp_path)
    one = light(40, 40, 1, 9)
    before = run(module, one)
    module.regions = 0.0
    assert not np.array_equal(run(module, one), before)


@pytest.mark.parametrize("inputs", VARIANTS, ids=str)
def test_a_plate_by_night_is_shown_brighter_as_the_engine_does(joined_weights, tmp_path, inputs):
    """The foreground keeps the plate's light."""
    frames = [light(37, 51, seed) / dark for seed, dark in enumerate((32, 8, 1))]  # each by its own light
    clean = light(37, 51, 7) / 32 if inputs.clean else None
    guides = [light(37, 51, 10 + seed, 1)[0] if inputs.guide else None for seed in range(3)]
    stacked = [*frames, *([clean] if inputs.clean else []), *(each[None] for each in guides if each is not None)]
    got = run(loaded(exported(joined_weights, inputs)[1], tmp_path), np.concatenate(stacked))
    want = expected(load_model(joined_weights, "cpu", "fp32"), frames, [clean] * 3, guides)
    assert stops(shown(frames[0], 0.0), 0.0) > 2
    assert np.abs(got[3] - want[3]).max() < 1e-3
    assert np.allclose(*(model_space.to_model(each[:3].clip(-2000, 2000)) for each in (got, want)), atol=1e-3)


def test_the_exposure_is_an_attribute_that_a_knob_may_set(weights, tmp_path):
    module, frames = loaded(exported(weights)[1], tmp_path), light(37, 51, 1, 9)
    want = run(module, 2 * frames)
    module.exposure = 1.0
    got = run(module, frames)
    assert np.abs(got[3] - want[3]).max() < 1e-3
    assert np.allclose(*(model_space.to_model(each[:3].clip(-2000, 2000)) for each in (2 * got, want)), atol=1e-3)


@pytest.mark.parametrize("stops", [-1000.0, 140.0])
def test_an_exposure_beyond_all_measure_is_as_much_as_may_be(file, stops):
    file.exposure = stops
    out = run(file, light(16, 24, 1, 9))
    file.exposure = 0.0
    assert np.isfinite(out).all()


def test_another_working_space_goes_in_and_comes_out(weights):
    plain, wide = (exported(weights, matrix=matrix)[0] for matrix in (None, ACESCG))
    rec709 = np.abs(light(16, 24, 1, 9))
    acescg = np.einsum("ij,njhw->nihw", np.linalg.inv(ACESCG), rec709.reshape(3, 3, 16, 24)).reshape(9, 16, 24)
    want, got = run(plain, rec709), run(wide, acescg.astype(np.float32))
    assert np.allclose(got[3], want[3], atol=1e-3)
    assert np.allclose(np.einsum("ij,jhw->ihw", ACESCG, got[:3]), want[:3], atol=1e-2, rtol=1e-3)


def test_halved_as_nuke_does_it_answers_in_halves_and_stays_close(weights, tmp_path):
    module = loaded(exported(weights)[1], tmp_path)
    one = torch.from_numpy(np.abs(light(24, 40, 1, 9)))[None]
    full, half = module(one), module.half()(one.half())
    assert half.dtype == torch.float16
    assert (half[:, 3] - full[:, 3]).abs().mean() < 0.02 and half.isfinite().all()


def test_no_weight_asks_for_a_gradient(file):
    assert not any(each.requires_grad for each in file.parameters())
    assert not file(torch.rand(1, 9, 8, 8)).requires_grad


def test_every_operator_is_one_of_torch_1_12_1(looking_weights, tmp_path):
    known = {line.partition("(")[0] for line in OPERATORS.read_text().splitlines()}
    found = set()
    for inputs in VARIANTS:
        found |= set(operators(loaded(exported(looking_weights, inputs)[1], tmp_path).inlined_graph))
    assert len(found) > 50
    assert found - known == set(), "ask torch 1.12.1 for their schemas, and add them if it has them"


def operators(block):
    for node in block.nodes():
        if node.kind().startswith("aten::"):
            yield node.schema().partition("(")[0]
        for inner in node.blocks():
            yield from operators(inner)


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_weights(path, TwoStage(), {"architecture": "other", "name": "other"})
    with pytest.raises(ModelError, match=r"other\.safetensors.*cannot be exported"):
        exported(path)


PROGRAM = """
import sys, numpy, torch
assert torch.__version__.startswith("1.12."), torch.__version__
known = {str(each) for each in torch._C._jit_get_all_schemas()}
lost = [each for each in open(sys.argv[2]).read().splitlines() if each not in known]
assert not lost, lost
module, given = torch.jit.load(sys.argv[1] + "/live.pt"), torch.from_numpy(numpy.load(sys.argv[1] + "/in.npy"))
for _ in range(3):  # from its second run on, it runs what TorchScript made of the first
    out = module(given)
numpy.save(sys.argv[1] + "/out.npy", out.numpy())
"""


@pytest.mark.slow
@pytest.mark.parametrize("inputs", [VARIANTS[0], VARIANTS[3]], ids=str)
def test_under_torch_1_12_1_it_loads_and_gives_the_same(looking_weights, tmp_path, inputs):
    python = os.environ.get("NUKE_MATTING_TORCH_1_12", "")
    if not python:
        pytest.skip("NUKE_MATTING_TORCH_1_12 names no Python 3.10 with torch 1.12.1")
    module = loaded(exported(looking_weights, inputs)[1], tmp_path)
    given = light(37, 51, 1, 15 if inputs.clean else 9)[None]
    np.save(tmp_path / "in.npy", given)
    subprocess.run([python, "-W", "ignore", "-c", PROGRAM, str(tmp_path), str(OPERATORS)], check=True, timeout=600)
    assert np.allclose(np.load(tmp_path / "out.npy"), run(module, given[0])[None], atol=1e-3, rtol=1e-3)
