"""Backgrounds that need no photograph."""

import numpy as np

from nuke_matting.training import backdrops


def test_screens_are_green_or_blue_all_over():
    for seed in range(20):
        screen = backdrops.screen(np.random.default_rng(seed), 48, 64, 2)
        assert screen.shape == (2, 48, 64, 3) and screen.min() >= 0
        red, green, blue = np.median(screen, axis=(0, 1, 2))
        assert max(green, blue) > 1.2 * red


def test_ramps_are_smooth_and_stand_still():
    for seed in range(20):
        ramp = backdrops.ramp(np.random.default_rng(seed), 48, 64, 3)
        assert ramp.shape == (3, 48, 64, 3) and ramp.min() >= 0 and np.array_equal(ramp[0], ramp[2])
        assert np.abs(np.diff(ramp, axis=1)).max() <= 1.01 * np.ptp(ramp) / 24


def test_floors_cover_one_side_of_a_line_most_often_the_lower_one():
    lower = 0
    for seed in range(40):
        cover = backdrops.floor(np.random.default_rng(seed), 48, 64, 2)
        assert cover.shape == (2, 48, 64, 1) and cover.min() >= 0 and cover.max() <= 1
        assert ((cover > 0) & (cover < 1)).mean() < 0.15, "its edge is sharp"
        lower += cover[0, -4:].mean() > cover[0, :4].mean()
    assert lower > 25


def test_a_photograph_is_rearranged_and_keeps_its_type():
    picture = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    made = [backdrops.rearranged(np.random.default_rng(seed), picture) for seed in range(40)]
    assert all(each.dtype == np.uint8 and each.shape == (40, 60, 3) for each in made)
    assert len({each.tobytes() for each in made}) > 12


def test_recoloured_pictures_are_finite_and_never_negative():
    linear = np.random.default_rng(0).uniform(0, 20, (2, 8, 9, 3)).astype(np.float32)
    made = [backdrops.recoloured(np.random.default_rng(seed), linear) for seed in range(40)]
    assert all(each.shape == linear.shape and np.isfinite(each).all() and each.min() >= 0 for each in made)
    assert len({each.tobytes() for each in made}) > 20


def test_ragged_shapes_are_solid_and_end_within_their_square():
    shapes = np.stack([backdrops.ragged(np.random.default_rng(seed), 64) for seed in range(60)])
    assert set(np.unique(shapes)) == {0.0, 1.0} and 0.1 < shapes.mean() < 0.5
    assert not shapes[:, [0, -1]].any() and not shapes[:, :, [0, -1]].any()
