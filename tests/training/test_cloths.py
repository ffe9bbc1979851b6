"""Cloths that hang about, and are not worn."""

import numpy as np

from nuke_matting.training import cloths


def test_cloths_have_sharp_edges_and_finite_colours_and_drift():
    covered = []
    for seed in range(40):
        cover, colour = cloths.cloth(np.random.default_rng(seed), 48, 64, 2)
        assert cover.shape == (2, 48, 64, 1) and colour.shape == (2, 48, 64, 3)
        assert cover.min() >= 0 and cover.max() <= 1 and np.isfinite(colour).all() and colour.min() >= 0
        assert ((cover > 0.05) & (cover < 0.95)).mean() < 0.1
        covered.append(cover.mean())
        assert cover.mean() == 0 or not np.array_equal(cover[0], cover[1])
    assert 0.05 < np.mean(covered) < 0.6


def test_what_falls_from_a_pole_leans_away_from_it_and_keeps_its_colours():
    pattern = np.zeros((96, 96, 3), np.float32)
    pattern[:, :48], pattern[:, 48:] = (0.8, 0.1, 0.1), (0.1, 0.1, 0.8)  # red at the pole, blue where it hangs free
    still, above = np.zeros((1, 2)), 0
    for seed in range(40):
        cover, colour = cloths._draped(np.random.default_rng(seed), pattern, 96, 128, still)
        red, blue = (
            (cover[0, ..., 0] > 0.9) & (colour[0, ..., 0] > colour[0, ..., 2]),
            colour[0, ..., 2] * cover[0, ..., 0],
        )
        blue = blue > np.maximum(colour[0, ..., 0], 0.05)
        if red.sum() > 50 and blue.sum() > 50:
            above += np.flatnonzero(red.any(1)).mean() < np.flatnonzero(blue.any(1)).mean()
    assert above > 20
