"""Measures of a matte against the truth, as the field's papers use them.

All take [H, W] alphas in [0, 1] and measure one frame, whole, without a trimap; `figures.py` makes a clip's of them.
Published tables were made from alphas rounded to 8 bits; here is measured what is given. All raise UsageError where
shapes differ.

References
----------
SAD, MSE, Grad, Conn : Rhemann et al., "A perceptually motivated online benchmark for image matting", CVPR 2009.
dtSSD : Erofeev et al., "Perceptually motivated benchmark for video matting", BMVC 2015.
Scales and the choices left open there : the evaluation of "Robust High-Resolution Video Matting", WACV 2022.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import measure

from nuke_matting.errors import UsageError

GRAD_SIGMA = 1.4  # pixels
GRAD_CUT = 1e-2  # value of the Gaussian at which its kernel ends
CONN_STEP = 0.1
CONN_THETA = 0.15  # distances under this do not count


def mad(alpha: NDArray, truth: NDArray) -> float:
    """Mean absolute difference: mean |p - t|, times 1e3.

    >>> mad(np.array([[0.0, 1.0]]), np.array([[0.5, 1.0]]))
    250.0
    """
    return float(np.mean(np.abs(_difference(alpha, truth)))) * 1e3


def mse(alpha: NDArray, truth: NDArray) -> float:
    """Mean squared error: mean (p - t)^2, times 1e3."""
    return float(np.mean(_difference(alpha, truth) ** 2)) * 1e3


def sad(alpha: NDArray, truth: NDArray) -> float:
    """Sum of absolute differences: sum |p - t|, divided by 1e3. It grows with the size of the frame."""
    return float(np.sum(np.abs(_difference(alpha, truth)))) / 1e3


def soft_iou(alpha: NDArray, truth: NDArray) -> float:
    """Intersection over union of soft alphas: sum min(p, t) / sum max(p, t); in [0, 1], and 1 where both are empty.

    >>> soft_iou(np.array([[0.0, 1.0]]), np.array([[0.5, 1.0]]))
    0.6666666666666666
    """
    _difference(alpha, truth)
    union = float(np.sum(np.maximum(alpha, truth), dtype=np.float64))
    return float(np.sum(np.minimum(alpha, truth), dtype=np.float64)) / union if union else 1.0


def grad(alpha: NDArray, truth: NDArray) -> float:
    """Gradient error: sum (|grad p| - |grad t|)^2, divided by 1e3.

    Each alpha is first stretched from its own least to its own largest value (an even alpha becomes 0).

    The gradient is taken with first derivatives of a Gaussian of sigma 1.4 pixels, cut where the Gaussian falls under
    0.01 (so 9x9), each kernel scaled to a sum of squares of 1; the border's pixels are repeated outside.
    """
    _difference(alpha, truth)
    one, other = (_gradient(_stretched(each)) for each in (alpha, truth))
    return float(np.sum((one - other) ** 2)) / 1e3


def conn(alpha: NDArray, truth: NDArray) -> float:
    """Connectivity error: sum |phi(p) - phi(t)|, divided by 1e3.

    At each level 0.1, 0.2 ... 1.0 the source is the largest 4-connected component of {p >= level and t >= level} (of
    equally large ones the first in reading order). The connectivity l of a pixel is the last level before it leaves
    the source for the first time, 1 if it never does. phi = 1 - d where d >= 0.15, else 1, with d = value - l.

    In 32-bit arithmetic throughout, as the published figures: in 64 bits the level 0.6000000000000001 would part from
    the 8-bit value 153.
    """
    _difference(alpha, truth)
    one, other = alpha.astype(np.float32), truth.astype(np.float32)
    lower = np.minimum(one, other)
    levels = np.arange(0, 1 + CONN_STEP, CONN_STEP).astype(np.float32)
    connectivity = np.ones(one.shape, np.float32)
    staying = np.ones(one.shape, bool)
    for before, level in pairwise(levels):
        leaving = staying & ~_largest_component(lower >= level)
        connectivity[leaving] = before
        staying &= ~leaving
    difference = _phi(one, connectivity).astype(np.float64) - _phi(other, connectivity)
    return float(np.sum(np.abs(difference))) / 1e3


def dtssd(alpha: NDArray, alpha_before: NDArray, truth: NDArray, truth_before: NDArray) -> float:
    """Flicker: root of the mean of ((p_t - p_t-1) - (t_t - t_t-1))^2, times 1e2.

    A clip's first frame has none. Published averages count it as 0, so theirs read 1 % low on 100 frames.
    """
    _difference(alpha, truth)
    change = _difference(alpha, alpha_before) - _difference(truth, truth_before)
    return float(np.sqrt(np.mean(change**2))) * 1e2


def foreground_mse(foreground: NDArray, true_foreground: NDArray, truth: NDArray) -> float:
    """Mean squared error of the foreground's colour where the true alpha is above 0, times 1e3; 0 if that is nowhere.

    foreground, true_foreground : [H, W, 3], straight, scene-linear.
    truth : [H, W], true alpha.
    """
    difference = _difference(foreground, true_foreground)
    if difference.shape != (*truth.shape, 3):
        raise UsageError(f"a foreground of {difference.shape} and an alpha of {truth.shape} cannot be compared")
    seen = truth > 0
    return float(np.mean(difference[seen] ** 2)) * 1e3 if seen.any() else 0.0


def _difference(one: NDArray, other: NDArray) -> NDArray[np.float64]:
    if one.shape != other.shape or not one.size:
        raise UsageError(f"arrays of {one.shape} and {other.shape} cannot be compared")
    return one.astype(np.float64) - other


def _stretched(alpha: NDArray) -> NDArray[np.float64]:
    alpha = alpha.astype(np.float64)
    low, high = alpha.min(), alpha.max()
    return (alpha - low) / (high - low) if high > low else np.zeros_like(alpha)


def _gradient(alpha: NDArray[np.float64]) -> NDArray[np.float64]:
    """Magnitude of the gradient. The kernels are products of a row and a column, and so are their norms."""
    reach = int(np.ceil(GRAD_SIGMA * np.sqrt(-2 * np.log(np.sqrt(2 * np.pi) * GRAD_SIGMA * GRAD_CUT))))
    x = np.arange(-reach, reach + 1)
    smooth = np.exp(-(x**2) / (2 * GRAD_SIGMA**2))
    slope = -x * smooth
    smooth, slope = smooth / np.linalg.norm(smooth), slope / np.linalg.norm(slope)
    across, down = (
        ndimage.correlate1d(ndimage.correlate1d(alpha, slope, axis, mode="nearest"), smooth, 1 - axis, mode="nearest")
        for axis in (1, 0)
    )
    return np.hypot(across, down)


def _largest_component(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    labels, count = measure.label(inside, connectivity=1, return_num=True)
    if not count:
        return np.zeros_like(inside)
    return labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])


def _phi(value: NDArray[np.float32], connectivity: NDArray[np.float32]) -> NDArray[np.float32]:
    distance = value - connectivity
    return 1 - distance * (distance >= np.float32(CONN_THETA))
