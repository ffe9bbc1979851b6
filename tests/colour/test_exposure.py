"""How bright a network is shown a frame."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting import Settings, Shot
from nuke_matting.colour.exposure import LIT, MOST, brighter, stops
from nuke_matting.colour.model_space import BOUNDS, from_model, to_model


def picture(light, share=1.0, dark=0.0):
    """Model space, of a scene-linear light on a share of the pixels, here and there, and what is dark on the others."""
    values = np.random.default_rng(0).permutation(np.arange(200 * 300) < share * 200 * 300)
    linear = np.where(values, light, dark).reshape(200, 300, 1)
    return to_model(np.repeat(linear, 3, 2)).astype(np.float32)


@pytest.mark.parametrize("light", [LIT, 0.7, 1.0, 100.0])
def test_a_plate_by_day_is_shown_as_it_is(light):
    image = picture(light, 0.06, LIT / 20)
    assert stops(image, 0.0) == pytest.approx(0.0, abs=1e-5)
    assert brighter(image, 0.0) is image


@pytest.mark.parametrize("dark", [1.0, 2.5, 5.0])
def test_a_plate_by_night_is_shown_as_bright_as_one_at_the_limit(dark):
    image = picture(LIT / 2**dark, 0.06)
    assert stops(image, 0.0) == pytest.approx(dark, abs=1e-3)
    assert from_model(brighter(image, dark)).max() == pytest.approx(LIT, rel=1e-3)


@pytest.mark.parametrize("light", [0.6, 50.0])
def test_no_step_shows_where_a_light_grows_in_a_dark_frame(light):
    shares = np.arange(0, 0.06, 0.002)
    found = [stops(picture(light, share, 0.02), 0.0) for share in shares]
    assert found[0] > 4 and found[-1] == 0 and (np.diff(found) <= 0).all()
    assert np.abs(np.diff(found[2:])).max() < 0.6, "after the first pixels"


@pytest.mark.parametrize("value", [0.0, -0.5, 1e-6])
def test_black_is_shown_no_brighter_than_the_darkest_plate(value):
    assert stops(picture(value), 0.0) == MOST


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


@given(st.floats(-(2.0**126), 2.0**126), st.floats(-16.0, 16.0))
def test_what_is_no_light_stays_finite(value, by):
    assert np.isfinite(brighter(np.full((1, 1, 3), value, np.float32), by)).all()
    assert np.isfinite(brighter(np.full((1, 1, 3), BOUNDS[1] + 0.4, np.float32), by)).all()


def test_a_plate_at_an_eighth_of_its_light_has_the_same_matte_and_says_so(make_plate, weights):
    """The exposure is undone on the foreground, which keeps the plate's light."""
    settings = Settings(model=weights, cache=False, fg=True)
    made = {gain: Shot(make_plate(name=f"at{gain:.3f}", gain=gain), settings) for gain in (1 / 32, 1 / 256)}
    mattes = {gain: shot.matte(shot.frames[0]) for gain, shot in made.items()}
    lit, dark = (mattes[gain] for gain in made)
    assert np.abs(lit.alpha - dark.alpha).max() < 0.02
    assert np.abs(lit.foreground - 8 * dark.foreground).max() < 0.02 * lit.foreground.max()
    assert any("the plate is dark" in note for note in dark.notes)


def test_by_night_a_clean_plate_is_matched_as_by_day(make_plate, weights):
    settings = Settings(model=weights, cache=False)
    notes = []
    for gain in (1 / 8, 1 / 256):
        plate, clean = (make_plate(name=f"{name}{gain:.3f}", gain=more * gain) for name, more in (("p", 1), ("c", 1.5)))
        matte = Shot(plate, settings.replace(clean_plate=clean)).matte(1001)
        notes.append([note for note in matte.notes if "exposure was matched" in note])
    by_day, by_night = ([float(each) for each in note.split("times ")[1].split(",")[0].split()] for (note,) in notes)
    assert by_night == pytest.approx(by_day, abs=0.02)


def test_an_exposure_that_is_asked_for_shows_the_network_another_plate(make_plate, weights):
    """As bright as the one that is twice as bright, in the plate's own light."""
    settings = Settings(model=weights, cache=False, fg=True)
    one, two = make_plate(name="one"), make_plate(name="two", gain=2.0)
    asked, bright = (Shot(each, settings.replace(exposure=more)).matte(1001) for each, more in ((one, 1.0), (two, 0.0)))
    assert np.abs(asked.alpha - bright.alpha).max() < 1e-3
    assert np.allclose(2 * asked.foreground, bright.foreground, rtol=2e-3, atol=2e-3)
