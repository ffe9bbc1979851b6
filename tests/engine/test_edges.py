"""Edge options: levels, shift, softening and a guide's last word, on mattes whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nuke_matting import Settings
from nuke_matting.engine.edges import edged, levels, limited, shifted, softened

ALPHA = arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.floats(0, 1, width=32))


def disk(radius, size=81):
    y, x = np.mgrid[:size, :size] - size // 2
    return (np.hypot(x, y) <= radius).astype(np.float32)


def ramp(width=40, slope=0.1):
    """A soft edge: 0 on the left, 1 on the right, 10 pixels between."""
    return np.tile(((np.arange(width) - width / 2) * slope + 0.5).clip(0, 1).astype(np.float32), (3, 1))


def middle(alpha):
    """Where a row of a matte crosses a half, in pixels."""
    row = alpha[1]
    at = int(np.argmax(row >= 0.5))
    return at - (row[at] - 0.5) / (row[at] - row[at - 1])


@given(ALPHA)
def test_the_defaults_hand_the_very_array_on(alpha):
    assert edged(alpha, Settings()) is alpha
    assert limited(alpha, alpha, "hint") is alpha and limited(alpha, None, "force") is alpha


@given(
    ALPHA,
    st.floats(-12, 12),
    st.floats(0, 12),
    st.floats(0, 0.5, exclude_max=True),
    st.floats(0.5, 1),
)
def test_an_alpha_stays_an_alpha(alpha, shift, soften, black, white):
    out = edged(alpha, Settings(edge_shift=shift, edge_soften=soften, black_point=black, white_point=white))
    assert out.shape == alpha.shape and out.dtype == np.float32
    assert out.min() >= 0 and out.max() <= 1


@given(ALPHA, st.floats(0, 5), st.floats(0, 5))
def test_growing_takes_nothing_away_and_more_grows_more(alpha, one, other):
    less, more = (shifted(alpha, pixels) for pixels in sorted((one, other)))
    assert (less >= alpha).all() and (more >= less).all()


@given(ALPHA, st.floats(0, 5))
def test_eating_in_is_growing_of_what_is_outside(alpha, pixels):
    assert np.allclose(shifted(alpha, -pixels), 1 - shifted(1 - alpha, pixels), atol=1e-6)


@pytest.mark.parametrize("pixels", [-7, -1, 1, 3, 20])
def test_a_shift_moves_an_outline_by_its_pixels_all_around(pixels):
    area = np.pi * (12 + pixels) ** 2 if 12 + pixels > 0 else 0
    out = shifted(disk(12), pixels)
    assert set(np.unique(out)) <= {0, 1}
    assert abs(np.sqrt(out.sum() / np.pi) - np.sqrt(area / np.pi)) < 0.5


@pytest.mark.parametrize("pixels", [-2.5, -0.25, 0.25, 0.5, 1.75])
def test_a_fraction_of_a_pixel_moves_a_soft_edge_and_leaves_it_soft(pixels):
    before, after = ramp(), shifted(ramp(), pixels)
    assert middle(before) - middle(after) == pytest.approx(pixels, abs=1e-4)
    assert np.diff(after[1]).max() == pytest.approx(0.1, abs=1e-5), "no steeper than it was"
    assert after.min() == 0 and after.max() == 1


def test_a_hard_edge_gets_one_pixel_of_the_fraction():
    edge = np.zeros((3, 6), np.float32)
    edge[:, 3:] = 1
    assert shifted(edge, 0.25)[1].tolist() == [0, 0, 0.25, 1, 1, 1]


@pytest.mark.parametrize("sigma", [0.5, 2.0, 6.0])
def test_softening_spreads_an_edge_and_leaves_solid_areas_solid(sigma):
    edge = np.zeros((5, 120), np.float32)
    edge[:, 60:] = 1
    out = softened(edge, sigma)
    assert (out[:, : 60 - int(4 * sigma + 1)] == 0).all() and (out[:, 60 + int(4 * sigma + 1) :] == 1).all()
    assert out[2, 59] + out[2, 60] == pytest.approx(1) and 0 < out[2, 59] < 0.5
    spread = np.sqrt((np.diff(out[2]) * (np.arange(119) - 59) ** 2).sum())
    assert spread == pytest.approx(sigma, rel=0.1)


@given(ALPHA, st.floats(0, 0.4), st.floats(0.5, 1))
def test_levels_are_0_at_the_black_point_1_at_the_white_point_and_a_line_between(alpha, black, white):
    out = levels(alpha, black, white)
    assert (out[alpha <= black] == 0).all() and (out[alpha >= white] == 1).all()
    assert np.allclose(out, ((alpha - black) / (white - black)).clip(0, 1), atol=1e-6)


@given(ALPHA)
def test_a_guide_has_the_last_word_where_it_is_told_to(alpha):
    guide = np.resize(np.float32([0, 0.5, 1]), alpha.shape)
    forced, garbage, core = (limited(alpha, guide, use) for use in ("force", "limit", "core"))
    assert (forced[guide == 0] == 0).all() and (forced[guide == 1] == 1).all()
    assert (garbage[guide == 0] == 0).all() and (garbage[guide == 1] == alpha[guide == 1]).all()
    assert (core[guide == 1] == 1).all() and (core[guide < 1] == alpha[guide < 1]).all()
    assert (forced[guide == 0.5] == alpha[guide == 0.5]).all() and (garbage[guide == 0.5] == alpha[guide == 0.5]).all()
