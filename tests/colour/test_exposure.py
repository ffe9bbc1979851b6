"""How bright a network is shown a frame."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting import Settings, Shot
from nuke_matting.colour.exposure import LIT, MOST, brighter, stops
from nuke_matting.colour.model_space import from_model, to_model


def picture(lights):
    """Model space, of random scene-linear values up to `lights`."""
    values = np.random.default_rng(0).uniform(0, lights, (40, 60, 3))
    values[::4, ::4] = lights
    return to_model(values).astype(np.float32)


@pytest.mark.parametrize("lights", [LIT, 0.5, 1.0, 100.0])
def test_a_plate_by_day_is_shown_as_it_is(lights):
    image = picture(lights)
    assert stops(image, 0.0) == pytest.approx(0.0, abs=1e-5)
    assert brighter(image, 0.0) is image


@pytest.mark.parametrize("dark", [1.0, 2.5, 5.0])
def test_a_plate_by_night_is_shown_as_bright_as_one_at_the_limit(dark):
    image = picture(LIT / 2**dark)
    assert stops(image, 0.0) == pytest.approx(dark, abs=1e-3)
    assert np.quantile(from_model(brighter(image, dark)).max(2), 0.99) == pytest.approx(LIT, rel=1e-3)


@pytest.mark.parametrize("value", [0.0, -0.5, 1e-6])
def test_black_is_shown_no_brighter_than_the_darkest_plate(value):
    assert stops(np.full((8, 8, 3), to_model(np.float64(value)), np.float32), 0.0) == MOST


def test_what_the_user_asks_comes_on_top():
    assert stops(picture(LIT / 4), -1.5) == pytest.approx(0.5, abs=1e-3)
    assert stops(picture(1.0), 2.0) == 2.0


def test_a_picture_without_pixels_has_no_lights():
    assert stops(np.zeros((0, 5, 3), np.float32), 0.0) == 0.0


@given(st.floats(-4.0, 64.0), st.floats(-8.0, 8.0))
def test_brighter_and_darker_again_is_the_same_light(linear, by):
    image = to_model(np.full((1, 1, 3), linear)).astype(np.float32)
    there = brighter(brighter(image, by), -by)
    assert from_model(there) == pytest.approx(from_model(image), rel=2e-3, abs=1e-4)


def test_a_plate_at_an_eighth_of_its_light_has_the_same_matte_and_says_so(make_plate, weights):
    """The exposure is undone on the foreground, which keeps the plate's light."""
    settings = Settings(model=weights, cache=False, fg=True)
    made = {gain: Shot(make_plate(name=f"at{gain:.3f}", gain=gain), settings) for gain in (1 / 32, 1 / 256)}
    mattes = {gain: shot.matte(shot.frames[0]) for gain, shot in made.items()}
    lit, dark = (mattes[gain] for gain in made)
    assert np.abs(lit.alpha - dark.alpha).max() < 0.02
    assert np.abs(lit.foreground - 8 * dark.foreground).max() < 0.02 * lit.foreground.max()
    assert any("the plate is dark" in note for note in dark.notes)


def test_an_exposure_that_is_asked_for_shows_the_network_another_plate(make_plate, weights):
    """As bright as the one that is twice as bright, in the plate's own light."""
    settings = Settings(model=weights, cache=False, fg=True)
    one, two = make_plate(name="one"), make_plate(name="two", gain=2.0)
    asked, bright = (Shot(each, settings.replace(exposure=more)).matte(1001) for each, more in ((one, 1.0), (two, 0.0)))
    assert np.abs(asked.alpha - bright.alpha).max() < 1e-3
    assert np.allclose(2 * asked.foreground, bright.foreground, rtol=2e-3, atol=2e-3)
