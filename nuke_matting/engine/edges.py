"""The edge of a matte as a comper corrects it: levels, then a shift in or out, then softening; and a guide's last word.

All take and give alpha [H, W] float32 in [0, 1]. Solid areas stay exactly 0 and 1, and what is asked to change nothing
gives back the array that it was given.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter1d

from nuke_matting.settings import Settings

Alpha = NDArray[np.float32]

_NARROWEST = 0.125  # pixels; a Gaussian below it is one pixel, cut at four sigma


def edged(alpha: Alpha, settings: Settings) -> Alpha:
    """All that the settings ask of the edge, in the order of a keyer's screen matte."""
    alpha = levels(alpha, settings.black_point, settings.white_point)
    return softened(shifted(alpha, settings.edge_shift), settings.edge_soften)


def levels(alpha: Alpha, black: float, white: float) -> Alpha:
    """0 at or below `black`, 1 at or above `white`, linear between; black < white."""
    if (black, white) == (0.0, 1.0):
        return alpha
    between = ((alpha - black) / (white - black)).astype(np.float32)
    return np.where(alpha <= black, np.float32(0), np.where(alpha >= white, np.float32(1), between.clip(0, 1)))


def shifted(alpha: Alpha, pixels: float) -> Alpha:
    """Grey dilation (positive) or erosion (negative) by a disk of that radius.

    A fraction lies linearly between the whole radii, so that a soft edge moves by it and stays as soft as it was.
    """
    if pixels < 0:
        return -_grown(-alpha, -pixels)
    return _grown(alpha, pixels)


def softened(alpha: Alpha, sigma: float) -> Alpha:
    """A Gaussian of `sigma` pixels, ending at four of them; beyond the frame its outermost pixels go on."""
    if sigma < _NARROWEST:
        return alpha
    return gaussian_filter(alpha, sigma, mode="nearest", truncate=4.0).clip(0, 1)


def limited(alpha: Alpha, guide: Alpha | None, use: str) -> Alpha:
    """Alpha that is 0 where the guide is exactly 0 (`limit`), 1 where it is exactly 1 (`core`), or both (`force`).

    use : as `Settings.guide_use`; `hint` leaves it as it was, and so does a guide that is None.
    """
    if guide is None or use == "hint":
        return alpha
    if use in ("limit", "force"):
        alpha = np.where(guide <= 0, np.float32(0), alpha)
    return np.where(guide >= 1, np.float32(1), alpha) if use in ("core", "force") else alpha


def _grown(values: Alpha, pixels: float) -> Alpha:
    whole = math.floor(pixels)
    part = np.float32(pixels - whole)
    grown = _dilated(values, whole)
    if part == 0:
        return grown
    more = _dilated(values, whole + 1)
    return np.minimum(grown + part * (more - grown), more)


def _dilated(values: Alpha, radius: int) -> Alpha:
    """The maximum over x^2 + y^2 <= radius^2: running maxima along rows, then over the rows of the disk."""
    if radius == 0:
        return values
    out = maximum_filter1d(values, 2 * radius + 1, axis=1, mode="nearest")
    for down in range(1, min(radius, len(values) - 1) + 1):
        width = 2 * math.isqrt(radius**2 - down**2) + 1
        rows = maximum_filter1d(values, width, axis=1, mode="nearest")
        np.maximum(out[down:], rows[:-down], out=out[down:])
        np.maximum(out[:-down], rows[down:], out=out[:-down])
    return out
