"""Where a matte is wrong: its error in the solid core, the edge, the hair, and outside, by the true alpha alone.

Of each pixel, the square of (2 r + 1) x (2 r + 1) pixels around it is looked at, r being the 256th part of the frame's
longer side: 2 pixels at 512x288, 8 at 1920x1080, 15 at 3840x2160. Beyond the border the nearest pixel is repeated, so
that a body cut off by the frame is not an edge there.

core     the square is all above 0.95
outside  the square is all below 0.05
edge     the rest: what is soft, and what is near it or near a hard step
hair     the part of the edge that is soft (0.05 to 0.95) where soft pixels are at least 0.4 of the square of
         (4 r + 1) x (4 r + 1) pixels: hair and fur, and also motion blur and defocus of that width

Core, edge and outside are the whole frame, each pixel in one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from nuke_matting.errors import UsageError

SOLID, CLEAR = 0.95, 0.05  # alphas above and below are as good as 1 and 0
REACH = 1 / 256  # of the longer side
DENSE = 0.4  # share of soft pixels around a pixel of hair; an edge as a lens draws it has about 0.2

REGIONS = ("core", "edge", "hair", "outside")


@dataclass(frozen=True, eq=False)
class Regions:
    """Masks [H, W] of a true alpha. `core`, `edge` and `outside` make up the frame; `hair` is a part of `edge`."""

    core: NDArray[np.bool_]
    edge: NDArray[np.bool_]
    hair: NDArray[np.bool_]
    outside: NDArray[np.bool_]


def reach(height: int, width: int) -> int:
    """How far from soft pixels the edge goes, in pixels, at least 1.

    >>> [reach(*size) for size in ((288, 512), (1080, 1920), (2160, 3840), (10, 10))]
    [2, 8, 15, 1]
    """
    return max(1, int(max(height, width) * REACH + 0.5))


def regions_of(truth: NDArray) -> Regions:
    """The regions of a true alpha [H, W] in [0, 1]. Raises UsageError where that is no picture."""
    if truth.ndim != 2 or not truth.size:
        raise UsageError(f"an alpha of {truth.shape} has no regions")
    near = reach(*truth.shape)
    core = ndimage.minimum_filter(truth, 2 * near + 1, mode="nearest") > SOLID
    outside = ndimage.maximum_filter(truth, 2 * near + 1, mode="nearest") < CLEAR
    soft = (truth >= CLEAR) & (truth <= SOLID)
    share = ndimage.uniform_filter(soft.astype(np.float64), 4 * near + 1, mode="nearest")
    return Regions(core, ~(core | outside), soft & (share >= DENSE - 1e-9), outside)


def region_mads(alpha: NDArray, truth: NDArray) -> dict[str, float]:
    """Mean |p - t| times 1e3 over each region of the true alpha that the frame has.

    alpha, truth : [H, W] in [0, 1]. Raises UsageError where their shapes differ.
    """
    if alpha.shape != truth.shape:
        raise UsageError(f"arrays of {alpha.shape} and {truth.shape} cannot be compared")
    regions = regions_of(truth)
    error = np.abs(alpha.astype(np.float64) - truth)
    masks = {name: getattr(regions, name) for name in REGIONS}
    return {name: float(error[mask].mean()) * 1e3 for name, mask in masks.items() if mask.any()}
