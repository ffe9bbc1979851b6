"""A clean plate of another take: its exposure matched, a small move of the camera undone."""

import re

import numpy as np
import OpenEXR
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.transform import ProjectiveTransform, warp

from nuke_matting import Settings, Shot
from nuke_matting.colour.model_space import from_model, to_model
from nuke_matting.engine.clean_plate import SAME, beyond, carried_on, exposed, exposure, fitted, move, moved
from nuke_matting.models.contract import Abilities


def wall(height=120, width=160, seed=1):
    """Scene-linear [H, W, 3]: patches of all kinds of tones, as a room has them."""
    dice = np.random.default_rng(seed)
    small = dice.uniform(0.03, 0.45, (height // 8, width // 8, 3))
    return ndimage.zoom(small, (8, 8, 1), order=0).astype(np.float32)


def with_subject(light, share=0.5):
    """The same with somebody in front, who covers a share of the width."""
    out = light.copy()
    width = int(light.shape[1] * share)
    out[20:, 10 : 10 + width] = np.random.default_rng(2).uniform(0.1, 0.4, (light.shape[0] - 20, width, 3))
    return out


def test_the_same_exposure_is_left_alone():
    clean = to_model(wall())
    assert exposure(to_model(with_subject(wall())).astype(np.float32), clean) == SAME


@settings(max_examples=15)
@given(gain=st.floats(0.5, 1.6), tint=st.floats(0.9, 1.1), bias=st.floats(-0.005, 0.01))
def test_gain_and_bias_of_another_take_are_found(gain, tint, bias):
    gains = np.array([gain * tint, gain, gain / tint], np.float32)
    clean = (wall() - bias) / gains
    found = exposure(to_model(with_subject(wall())).astype(np.float32), to_model(clean).astype(np.float32))
    if found == SAME:
        assert np.abs(gains - 1).max() < 0.02 and abs(bias) < 0.002
        return
    matched = from_model(exposed(to_model(clean).astype(np.float32), found))
    assert np.abs(matched - wall()).max() < 0.015


def test_lights_above_one_keep_their_height():
    clean = wall()
    clean[:8, :8] = 20.0
    plate = with_subject(clean)
    found = exposure(to_model(plate).astype(np.float32), to_model(clean / 1.5).astype(np.float32))
    matched = from_model(exposed(to_model(clean / 1.5).astype(np.float32), found))
    assert matched[:8, :8] == pytest.approx(20.0, rel=0.05)


def test_another_scene_is_not_bent_into_this_one():
    dice = np.random.default_rng(3)
    plate, other = (to_model(dice.uniform(0.0, 0.005, (64, 64, 3))).astype(np.float32) for _ in range(2))
    assert exposure(plate, other) is None


@pytest.mark.parametrize("height, width", [(1, 1), (1, 300), (7, 5)])
def test_tiny_pictures_are_survived(height, width):
    picture = np.full((height, width, 3), 0.5, np.float32)
    assert exposure(picture, picture) in (None, SAME)
    assert move(picture, picture) is None


def test_corners_that_are_all_too_near_to_the_border_tell_no_move():
    picture = np.full((36, 36, 3), 0.2, np.float32)
    picture[16:22, 16:22] = 0.8
    assert move(picture, picture) is None


def write(path, light):
    """An EXR of a scene-linear picture [H, W, 3]."""
    planes = {name: np.ascontiguousarray(light[..., at], np.float32) for at, name in enumerate("RGB")}
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, planes).write(str(path))
    return str(path)


def cloth():
    """[200, 260, 3], model space: soft detail everywhere, to find a camera's move by."""
    dice = np.random.default_rng(4)
    scene = ndimage.gaussian_filter(dice.uniform(0, 1, (200, 260, 3)), (1.2, 1.2, 0)).astype(np.float32)
    return (scene - scene.min()) / (scene.max() - scene.min())


def test_a_camera_that_moved_is_lined_up():
    scene = cloth()
    plate, clean = scene[10:170, 10:220], scene[14:174, 7:217]
    found = move(plate, clean)
    assert found is not None
    lined = moved(clean, found)
    inner = np.s_[12:-12, 12:-12]
    assert np.abs(lined - plate)[inner].mean() < 0.2 * np.abs(clean - plate)[inner].mean()


def off_at_the_corners(found, true, shape):
    """How far a move that was found takes the corners of a picture from where they belong, in pixels."""
    right, low = shape[1] - 1, shape[0] - 1
    corners = np.array([[0, 0], [right, 0], [0, low], [right, low]], float)
    return np.hypot(*(found(corners) - true(corners)).T).max()


@pytest.mark.parametrize("seed", range(3))
def test_one_poster_on_a_plain_wall_does_not_bend_the_rest_of_the_picture(seed):
    dice = np.random.default_rng(seed)
    light = np.full((320, 560, 3), 0.2, np.float32)
    light[30:126, 40:136] = ndimage.zoom(dice.uniform(0.03, 0.45, (16, 16, 3)), (6, 6, 1), order=0)
    light = ndimage.gaussian_filter(light, (0.7, 0.7, 0))
    plate, clean = (
        to_model(light[:, left : left + 540] + dice.normal(0, 0.01, (320, 540, 3))).astype(np.float32)
        for left in (10, 13)
    )
    true = ProjectiveTransform(np.array([[1, 0, -3], [0, 1, 0], [0, 0, 1]], float))
    assert off_at_the_corners(move(plate, clean), true, plate.shape) < 0.5


@pytest.mark.parametrize("degrees, tilt", [(0.3, 0.0), (1.0, 0.0), (0.0, 2e-4)])
def test_a_camera_that_rolled_or_tilted_a_little_is_followed(degrees, tilt):
    plate, turn = cloth(), np.deg2rad(degrees)
    true = ProjectiveTransform(
        np.array([[np.cos(turn), -np.sin(turn), 1], [np.sin(turn), np.cos(turn), 0], [0, tilt, 1]])
    )
    clean = warp(plate, true.inverse, order=3, mode="reflect").astype(np.float32)
    assert off_at_the_corners(move(plate, clean), true, plate.shape) < 0.7


def test_a_clean_plate_that_would_move_far_stays_and_that_is_said():
    scene = cloth()
    plate, clean = scene[:, :150], scene[:, 60:210]
    _, fit, notes = fitted(plate, clean, match=False, align=True)
    assert fit is clean
    assert notes == ("the clean plate was not lined up with the plate: it would move by up to 60 pixels",)


@pytest.mark.parametrize("match", [True, False])
def test_what_a_clean_plate_does_not_cover_is_the_plate_and_is_said(match):
    plate, clean = (to_model(light).astype(np.float32) for light in (with_subject(wall()), wall() / 1.25))
    clean[:, :40] = np.nan
    _, fit, notes = fitted(plate, clean, match=match, align=False)
    assert notes[0] == "the clean plate does not cover 25 % of the plate"
    assert np.array_equal(fit[:, :40], plate[:, :40])
    wanted = wall() if match else wall() / 1.25
    assert np.abs(from_model(fit) - wanted)[:, 40:].max() < 0.01


def test_what_a_clean_plate_does_not_cover_moves_with_it():
    scene = cloth()
    plate, clean = scene[10:170, 10:220], scene[14:174, 7:217].copy()
    clean[:, :50] = np.nan
    seen, fit, notes = fitted(plate, clean, match=True, align=True)
    assert any("lined up" in note for note in notes) and np.isfinite(fit).all()
    assert np.array_equal(fit[:, :45], seen[:, :45])


def test_a_subject_that_is_cut_by_the_frame_goes_on_where_lining_up_left_nothing():
    scene = cloth()
    plate, clean = scene[10:170, 10:220].copy(), scene[:160, 10:220]
    plate[60:, 80:130] = 0.9  # down to the frame's lower edge, of which the clean plate lacks ten pixels
    seen, fit, notes = fitted(plate, clean, match=False, align=True)
    differs = np.abs(seen - fit).max(axis=2) > 0.1
    assert differs[-10:, 82:128].mean() > 0.9 and not differs[-10:, :75].any()
    assert np.array_equal(seen[:150], plate[:150])
    assert "by up to 10 pixels; in the 7 % of the frame that this left bare, the matte goes on" in notes[0]


@given(across=st.integers(-9, 9), down=st.integers(-9, 9))
def test_what_lining_up_left_bare_goes_on_as_the_nearest_pixel_does(across, down):
    picture = np.random.default_rng(1).uniform(0, 1, (20, 30, 3)).astype(np.float32)
    bare = beyond(ProjectiveTransform(np.array([[1, 0, across], [0, 1, down], [0, 0, 1]], float)), (20, 30))
    assert bare.sum() == 20 * 30 - (20 - abs(down)) * (30 - abs(across))
    rows = np.arange(20).clip(max(0, -down), 19 - max(0, down))
    columns = np.arange(30).clip(max(0, -across), 29 - max(0, across))
    (out,) = carried_on(bare, picture)
    assert np.array_equal(out, picture[rows][:, columns])


def test_a_tilted_clean_plate_has_ended_where_warping_it_finds_nothing():
    tilted = ProjectiveTransform(np.array([[1.02, 0.03, 3.3], [-0.02, 0.98, -4.7], [4e-4, 8e-4, 1]]))
    there = warp(np.ones((40, 60)), tilted, order=0, cval=0)
    assert 0.05 < there.mean() < 0.95 and np.array_equal(beyond(tilted, (40, 60, 3)), there == 0)


def test_a_model_that_takes_no_clean_plate_is_shown_the_plate_itself(tmp_path, weights, monkeypatch):
    scene = cloth()
    plate, clean = (write(tmp_path / f"{top}.exr", from_model(scene[top : top + 160, 10:220])) for top in (10, 0))
    alone = Settings(model=weights, cache=False)
    itself = Shot(plate, alone).load(0).input.image
    shot = Shot(plate, alone.replace(clean_plate=clean, clean_align=True))
    seen = shot.load(0).input.image
    assert np.array_equal(seen[:150], itself[:150]) and not np.array_equal(seen[150:], itself[150:])
    monkeypatch.setattr(shot.model, "abilities", Abilities())
    assert np.array_equal(shot.load(0).input.image, itself)


def test_nothing_in_common_is_no_move():
    dice = np.random.default_rng(5)
    one, other = (dice.uniform(0, 1, (120, 160, 3)).astype(np.float32) for _ in range(2))
    assert move(one, other) is None


def test_what_fits_already_stays_as_it_is_to_the_bit():
    clean = to_model(wall(240, 320)).astype(np.float32)
    _, fit, notes = fitted(to_model(with_subject(wall(240, 320))).astype(np.float32), clean, match=True, align=True)
    assert fit is clean and notes == ()


def test_what_is_done_is_said_with_its_figures():
    plate = to_model(with_subject(wall())).astype(np.float32)
    darker = to_model(wall() / 1.25).astype(np.float32)
    _, fit, notes = fitted(plate, darker, match=True, align=False)
    said = re.fullmatch(r"the clean plate's exposure was matched to the plate's: times (.*), plus (.*)", *notes)
    assert [float(each) for each in said[1].split()] == pytest.approx([1.25] * 3, abs=0.02)
    assert [float(each) for each in said[2].split()] == pytest.approx([0.0] * 3, abs=0.002)
    assert np.abs(from_model(fit) - wall()).max() < 0.01
    assert fitted(plate, darker, match=False, align=False).clean is darker


def test_a_shot_says_what_it_did_to_the_clean_plate_and_keeps_both_ways_apart(make_plate, weights):
    plate = make_plate([1001, 1002])
    darker = make_plate([1001, 1002], name="clean", gain=0.5)
    shot = Shot(plate, Settings(model=weights, device="cpu", clean_plate=darker))
    as_it_is = Shot(plate, Settings(model=weights, device="cpu", clean_plate=darker, clean_match=False))
    matched, plain = shot.matte(1002), as_it_is.matte(1002)
    assert any("exposure was matched" in note for note in matched.notes) and plain.notes == ()
    assert matched.key != plain.key and (matched.alpha != plain.alpha).any()
    assert shot.matte(1002).cached and shot.matte(1002).notes == matched.notes


GRAIN = st.sampled_from([0.0, 0.01, 0.02, 0.04])


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.7, 1.4), grain=GRAIN, clean_grain=GRAIN, seed=st.integers(0, 99))
def test_grain_on_a_flat_wall_is_no_bias(gain, grain, clean_grain, seed):
    dice = np.random.default_rng(seed)
    light = np.full((120, 160, 3), 0.2, np.float32)
    light[90:] = 0.009  # too dark to be measured, and what a wrong bias would bend
    plate, clean = (
        to_model(light * times * (1 + dice.normal(0, each, light.shape))).astype(np.float32)
        for times, each in ((gain, grain), (1, clean_grain))
    )
    found = exposure(plate, clean)
    matched = from_model(exposed(to_model(light).astype(np.float32), found))
    assert matched == pytest.approx(light * gain, rel=0.05, abs=2e-3)


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.7, 1.4), bias=st.floats(0.02, 0.05))
def test_a_flare_over_the_whole_plate_is_found(gain, bias):
    light = wall() * 0.6
    found = exposure(to_model(light * gain + bias).astype(np.float32), to_model(light).astype(np.float32))
    assert found.gain == pytest.approx((gain,) * 3, rel=0.03) and found.bias == pytest.approx((bias,) * 3, rel=0.15)


TUNGSTEN, GREEN_SCREEN = (1.0, 0.4, 0.016), (-0.04, 1.2, 0.32)


@settings(max_examples=20, deadline=None)
@given(colour=st.sampled_from([TUNGSTEN, GREEN_SCREEN]), gain=st.floats(0.5, 2))
def test_a_channel_without_light_takes_the_gain_of_the_others(colour, gain):
    light = wall() * np.array(colour, np.float32)
    plate, clean = (to_model(each).astype(np.float32) for each in (with_subject(light), light / gain))
    matched = from_model(exposed(clean, exposure(plate, clean)))
    np.testing.assert_allclose(matched, light, rtol=0.03, atol=2e-3)


def test_a_channel_that_loses_its_light_changes_its_gain_little_by_little():
    light, gains = wall(), np.array([1.2, 1.2, 1.5], np.float32)
    found = []
    for rows in range(120):  # that have blue at all
        clean = light.copy()
        clean[rows:, :, 2] = 0
        found.append(exposure(to_model(clean * gains).astype(np.float32), to_model(clean).astype(np.float32)).gain[2])
    assert (found[0], found[-1]) == pytest.approx((1.2, 1.5), abs=0.02)
    assert np.abs(np.diff(found)).max() < 0.08


@pytest.mark.parametrize("light, gain", [(0.01, 1.5), (1.0, 0.1)])
def test_an_exposure_that_nothing_tells_is_left_alone_and_that_is_said(light, gain):
    plate, clean = (to_model(wall() * each).astype(np.float32) for each in (light, light * gain))
    _, fit, notes = fitted(plate, clean, match=True, align=False)
    assert fit is clean
    assert notes == ("the clean plate's exposure could not be matched to the plate's: too little agrees",)


def test_a_small_gain_sets_in_little_by_little():
    light = wall()
    gains = np.linspace(1.0, 1.02, 41)
    found = [exposure(to_model(light * each).astype(np.float32), to_model(light).astype(np.float32)) for each in gains]
    assert found[8] == SAME
    assert found[-1].gain == pytest.approx((1.02,) * 3, abs=1e-3)
    assert np.diff([each.gain[0] for each in found]).max() < 0.002
