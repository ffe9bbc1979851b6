"""The model space: one curve, written four times (numpy, tensors, OCIO config, file transform), and what it promises."""

import numpy as np
import PyOpenColorIO as ocio_lib
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting.colour import model_space_tensors
from nuke_matting.colour.model_space import KNEE, SOFTNESS, from_model, roll_off, to_model
from nuke_matting.colour.processor import model_config
from nuke_matting.resources import shipped

values = st.floats(min_value=-64.0, max_value=65504.0, width=32)


def through(processor, numbers):
    way = processor.getOptimizedCPUProcessor(ocio_lib.OPTIMIZATION_LOSSLESS)
    pixels = np.repeat(np.asarray(numbers, np.float32)[:, None, None], 3, axis=2).copy()
    way.apply(ocio_lib.PackedImageDesc(pixels, 1, len(pixels), 3))
    return pixels[:, 0, :]


def samples():
    return np.concatenate(
        [-np.geomspace(1e-8, 100, 2000), np.linspace(-1, 1, 20001), np.geomspace(1e-8, 65504, 5000), [0.0]]
    ).astype(np.float32)


def clf_processor(direction=ocio_lib.TRANSFORM_DIR_FORWARD):
    transform = ocio_lib.FileTransform(str(shipped("ocio/nuke_matting_model.clf")), direction=direction)
    return ocio_lib.Config.CreateRaw().getProcessor(transform)


def config_processor():
    return model_config().getProcessor("Linear Rec.709", "nuke_matting model")


@pytest.mark.parametrize("processor", [config_processor, clf_processor])
def test_the_shipped_files_are_the_numpy_curve_to_a_hundred_thousandth(processor):
    numbers = samples()
    expected = to_model(numbers.astype(np.float64))
    # The matrices there and back to the reference leave rounding errors that grow with the value.
    assert np.all(np.abs(through(processor(), numbers) - expected[:, None]) <= 1e-5 + 1e-6 * np.abs(expected[:, None]))


def test_the_file_transform_inverts_to_the_numpy_inverse():
    model = to_model(samples().astype(np.float64)).astype(np.float32)
    expected = from_model(model.astype(np.float64))[:, None]
    found = through(clf_processor(ocio_lib.TRANSFORM_DIR_INVERSE), model)
    assert np.all(np.abs(found - expected) <= 1e-5 + 3e-5 * np.abs(expected))


def test_the_numbers_in_the_shipped_files_are_the_constants_of_the_module():
    for name in ("ocio/nuke_matting.ocio", "ocio/nuke_matting_model.clf"):
        text = shipped(name).read_text(encoding="utf-8")
        for number in (KNEE, SOFTNESS, 1 / SOFTNESS, 1 - KNEE / SOFTNESS):
            assert f"{number:.12g}" in text, name


def test_the_shipped_config_is_valid_and_of_a_version_that_every_ocio_2_reads():
    config = model_config()
    config.validate()
    assert (config.getMajorVersion(), config.getMinorVersion()) == (2, 0)
    assert config.hasRole("aces_interchange")


def test_linear_rec709_of_the_shipped_config_is_that_of_the_built_in_configs():
    builtin = ocio_lib.Config.CreateFromFile("ocio://studio-config-v2.2.0_aces-v1.3_ocio-v2.4")
    both = ocio_lib.Config.GetProcessorFromConfigs(model_config(), "Linear Rec.709", builtin, "lin_rec709")
    found = np.array([both.getDefaultCPUProcessor().applyRGB(list(row)) for row in np.eye(3)])
    assert np.abs(found - np.eye(3)).max() < 1e-6


def test_the_model_view_shows_a_scene_linear_picture_as_the_network_sees_it():
    view = model_config().getProcessor("Linear Rec.709", "sRGB", "Model", ocio_lib.TRANSFORM_DIR_FORWARD)
    assert np.allclose(through(view, [0.18, 4.0])[:, 0], to_model(np.array([0.18, 4.0])), atol=1e-5)


@given(values)
def test_below_the_knee_the_roll_off_changes_nothing_and_above_it_compresses(value):
    rolled = float(roll_off(np.float64(value)))
    if value <= KNEE:
        assert rolled == pytest.approx(value, abs=1e-12)
    else:
        assert KNEE < rolled < value


@given(values, values)
def test_brighter_stays_brighter(first, second):
    low, high = sorted((first, second))
    # The standard's rounded numbers leave a step of some 1e-8 where the two parts of the sRGB curve meet.
    assert float(to_model(np.float64(low))) <= float(to_model(np.float64(high))) + 1e-7


@given(values)
def test_the_inverse_gives_the_value_back(value):
    assert float(from_model(to_model(np.float64(value)))) == pytest.approx(value, rel=1e-9, abs=1e-8)


def test_highlights_stay_distinguishable():
    one, four, sixteen = to_model(np.array([1.0, 4.0, 16.0]))
    assert four - one > 0.04
    assert sixteen - four > 0.03
    assert sixteen < 1.0


@given(st.lists(values, min_size=3, max_size=3))
def test_tensors_go_through_the_same_curve(numbers):
    linear = np.array(numbers, np.float32)
    model = model_space_tensors.to_model(torch.from_numpy(linear))
    assert np.allclose(model.numpy(), to_model(linear.astype(np.float64)), atol=1e-5, rtol=1e-5)
    assert np.allclose(model_space_tensors.from_model(model).numpy(), linear, atol=1e-4, rtol=1e-3)
