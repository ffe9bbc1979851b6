"""The measures, against values worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nuke_matting.errors import UsageError
from nuke_matting.quality.metrics import conn, dtssd, foreground_mse, grad, mad, mse, sad, soft_iou

ONE_FRAME = (mad, mse, sad, grad, conn)
alphas = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.floats(0, 1, width=32)
)


def row(*values: float) -> np.ndarray:
    return np.array([values], np.float32)


def test_mad_is_a_mean_in_thousandths():
    assert mad(row(0, 1, 0.5, 1), row(0, 0.5, 1, 1)) == 250.0


def test_mse_is_a_mean_of_squares_in_thousandths():
    assert mse(row(0, 1, 0.5, 1), row(0, 0.5, 1, 1)) == 125.0


def test_sad_is_a_sum_in_thousands():
    assert sad(np.ones((50, 40), np.float32), np.zeros((50, 40), np.float32)) == 2.0


def test_soft_iou_is_what_both_take_over_what_either_takes():
    assert soft_iou(np.array([[0.2, 1, 0]]), np.array([[0.6, 0.5, 0]])) == pytest.approx(0.7 / 1.6)


def test_soft_iou_of_nothing_and_nothing_is_whole():
    assert soft_iou(np.zeros((2, 2)), np.zeros((2, 2))) == 1


def test_grad_of_a_single_pixel_is_that_of_two_kernels_of_norm_one():
    alpha = np.zeros((21, 21), np.float32)
    alpha[10, 10] = 0.5
    assert grad(alpha, np.zeros_like(alpha)) == pytest.approx(2 / 1e3)


def test_grad_takes_kernels_of_nine_by_nine():
    alpha = np.zeros((11, 30), np.float32)
    alpha[5, 5] = 1
    beyond = alpha.copy()
    beyond[5, 14] = 1  # so far that the two do not meet
    near = alpha.copy()
    near[5, 13] = 1
    zero = np.zeros_like(alpha)
    assert grad(beyond, zero) == pytest.approx(2 * grad(alpha, zero), rel=1e-12)
    assert grad(near, zero) != pytest.approx(2 * grad(alpha, zero), rel=1e-12)


def test_grad_is_the_sum_written_out():
    random = np.random.default_rng(1)
    alpha, truth = random.random((6, 7)), random.random((6, 7))
    sigma = 1.4

    def gauss(x):
        return math.exp(-x * x / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))

    def slope(x):
        return -x * gauss(x) / sigma**2

    offsets = range(-4, 5)
    norm = math.sqrt(sum((gauss(y) * slope(x)) ** 2 for y in offsets for x in offsets))

    def magnitude(image, y, x):
        total_x = total_y = 0.0
        for j in offsets:
            for i in offsets:
                value = image[min(max(y + j, 0), 5), min(max(x + i, 0), 6)]
                total_x += value * gauss(j) * slope(i) / norm
                total_y += value * slope(j) * gauss(i) / norm
        return math.hypot(total_x, total_y)

    def total(one, other):
        return sum((magnitude(one, y, x) - magnitude(other, y, x)) ** 2 for y in range(6) for x in range(7)) / 1e3

    stretched = [(each - each.min()) / (each.max() - each.min()) for each in (alpha, truth)]
    assert grad(alpha, truth) == pytest.approx(total(*stretched), rel=1e-12)


def test_grad_does_not_see_a_stretch():
    truth = np.random.default_rng(2).random((8, 8))
    assert grad(0.25 + truth / 2, truth) == pytest.approx(0, abs=1e-12)


def test_grad_of_even_alphas_is_nothing():
    assert grad(np.full((5, 5), 0.3), np.full((5, 5), 0.9)) == pytest.approx(0, abs=1e-20)


def test_conn_counts_what_is_cut_off_from_the_largest_part():
    # source: the first pixel at all levels; the others have connectivity 0, so phi is 1, 1, 0 here and 1, 0, 0 there
    assert conn(row(1, 0, 1), row(1, 1, 1)) == pytest.approx((0 + 1 + 0) / 1e3)


def test_conn_takes_the_larger_of_two_parts():
    # source: the last two pixels; the first is cut off in both; the second has truth 1 and connectivity 0
    assert conn(row(1, 0, 1, 1), row(1, 1, 1, 1)) == pytest.approx(1 / 1e3)


def test_conn_joins_sides_and_not_corners():
    alpha = np.array([[1, 1, 0], [0, 0, 1]], np.float32)
    truth = np.array([[1, 1, 0], [0, 0, 0.5]], np.float32)
    # the last pixel is no part of the source, its connectivity 0: phi is 0 here and 0.5 there
    assert conn(alpha, truth) == pytest.approx(0.5 / 1e3)


def test_conn_forgives_distances_under_its_threshold():
    # connectivity of the last pixel: 0.8; distances 0.0 and 0.1
    assert conn(row(1, 1, 0.8), row(1, 1, 0.9)) == pytest.approx(0, abs=1e-9)
    # connectivity 0.6; distances 0.0 and 0.3
    assert conn(row(1, 1, 0.65), row(1, 1, 0.9)) == pytest.approx(0.3 / 1e3, rel=1e-5)


@pytest.mark.parametrize("code, level", [(153, 0.6), (51, 0.2), (102, 0.4), (204, 0.8), (152, 0.5), (154, 0.6)])
def test_conn_holds_eight_bit_values_against_its_levels_in_32_bits(code, level):
    # the last pixel leaves after `level`; its distances are code/255 - level, forgiven, and 1 - level
    assert conn(row(1, 1, code / 255), row(1, 1, 1)) == pytest.approx((1 - level) / 1e3, rel=1e-5)
    assert conn(row(1, 1, code / 255).astype(np.float64), row(1, 1, 1)) == pytest.approx((1 - level) / 1e3, rel=1e-5)


def test_conn_of_alphas_without_a_common_part_is_defined():
    assert conn(row(0, 0), row(0, 0)) == 0
    assert conn(row(1, 0), row(0, 1)) == pytest.approx(2 / 1e3)


def test_dtssd_is_the_root_of_the_mean_in_hundredths():
    # changes 0.5 and 0, true changes 0 and 0: root of 0.25 / 2
    assert dtssd(row(1, 0), row(0.5, 0), row(1, 0), row(1, 0)) == pytest.approx(100 * math.sqrt(0.125))


def test_dtssd_does_not_see_an_error_that_stays():
    assert dtssd(row(0.5, 0.5), row(0.25, 0.5), row(1, 1), row(0.75, 1)) == 0


def test_foreground_mse_looks_where_there_is_a_foreground():
    foreground, true = np.zeros((1, 3, 3), np.float32), np.zeros((1, 3, 3), np.float32)
    foreground[0, 0] = 9  # where the true alpha is 0
    foreground[0, 1] = 0.5, 0, 0
    assert foreground_mse(foreground, true, row(0, 0.01, 1)) == pytest.approx(1e3 * 0.25 / 6)
    assert foreground_mse(foreground, true, row(0, 0, 0)) == 0


@given(alphas)
def test_a_perfect_matte_has_no_error(alpha):
    assert all(measure(alpha, alpha) == 0 for measure in ONE_FRAME)


@given(st.data())
def test_measures_are_finite_and_not_negative(data):
    alpha = data.draw(alphas)
    truth = data.draw(hnp.arrays(np.float32, alpha.shape, elements=st.floats(0, 1, width=32)))
    for measure in ONE_FRAME:
        found = measure(alpha, truth)
        assert type(found) is float and math.isfinite(found) and found >= 0
        assert measure(truth, alpha) == pytest.approx(found)
        assert measure(alpha.T, truth.T) == pytest.approx(found) or measure is conn  # equal parts: the first in order


@pytest.mark.parametrize("measure", ONE_FRAME)
def test_alphas_of_different_shapes_are_refused(measure):
    with pytest.raises(UsageError, match="cannot be compared"):
        measure(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(UsageError):
        measure(np.zeros((1, 3)), np.zeros((3, 3)))


def test_other_measures_refuse_different_shapes_too():
    two, three = np.zeros((2, 2)), np.zeros((2, 3))
    for arrays in ((two, three, two, two), (two, two, three, two), (two, two, three, three)):
        with pytest.raises(UsageError):
            dtssd(*arrays)
    with pytest.raises(UsageError):
        foreground_mse(np.zeros((2, 2, 3)), np.zeros((2, 2, 3)), three)
