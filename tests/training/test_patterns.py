"""Pictures that are alike to all their edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting.training import patterns


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40), st.integers(1, 3))
def test_a_heap_has_any_size_and_the_same_seed_is_the_same_heap(seed, height, width, frames):
    one, other = (patterns.heap(np.random.default_rng(seed), height, width, frames) for _ in range(2))
    assert one.shape == (frames, height, width, 3) and one.dtype == np.float32
    assert np.isfinite(one).all() and one.min() >= 0 and np.array_equal(one, other)


@pytest.mark.parametrize("seed", range(6))
def test_a_heap_lies_about_in_every_part_of_the_frame(seed):
    picture = patterns.heap(np.random.default_rng(seed), 120, 160, 1)[0]
    ground = np.median(picture.reshape(-1, 3), 0)  # at most: where bodies cover all, any colour is as good
    covered = np.abs(picture - ground).max(2) > 1e-3
    corners = [
        covered[rows, columns] for rows in np.split(np.arange(120), 2) for columns in (slice(80), slice(80, None))
    ]
    assert min(each.mean() for each in corners) > 0.15


def test_streaks_keep_the_light_and_run_along_one_line():
    dots = np.zeros((1, 64, 96, 3), np.float32)
    dots[0, 20:44:8, 16:80:16] = 4.0
    out = patterns.streaks(np.random.default_rng(0), dots)
    assert out.shape == dots.shape and out.mean() == pytest.approx(dots.mean(), rel=0.15)
    assert out.max() < 0.5 * dots.max()
    dot = np.zeros((1, 65, 65, 3), np.float32)
    dot[0, 32, 32] = 1.0
    rows, columns = np.nonzero(patterns.streaks(np.random.default_rng(0), dot)[0, ..., 0] > 1e-4)
    along, across = np.linalg.svd(np.stack([rows, columns], 1) - (32, 32), compute_uv=False)
    assert along > 5 * across, "of a dot, a line"
