"""The model space: what the networks see. Scene-linear Rec.709, highlights rolled off, then the sRGB curve.

The roll-off is a straight line up to a knee and a logarithm above it, of the same slope at the knee, so it never
clips and has an exact inverse: 1.0, 4.0 and 16.0 become 0.72, 0.83 and 0.92 (before the sRGB curve). Values below 0
are mirrored by the curve. `ocio/` holds the same curve as an OCIO config and as a file transform.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KNEE = 0.6  # scene-linear value up to which nothing is changed
SOFTNESS = 0.057  # of the logarithm above the knee; 0.057 takes 64.0 to 1.0
BOUNDS = (-1e12, 1.9)  # model values whose light, some 1e30, is far from what no float holds; the largest half has 1.16


def roll_off(linear: NDArray) -> NDArray:
    """Scene-linear -> rolled off: x below the knee k, k + s ln(1 + (x - k) / s) above it. Any shape, float."""
    above = np.maximum(linear, KNEE) - KNEE
    return np.minimum(linear, KNEE) + SOFTNESS * np.log1p(above / SOFTNESS)


def roll_off_inverse(rolled: NDArray) -> NDArray:
    """The exact inverse of `roll_off`."""
    above = np.maximum(rolled, KNEE) - KNEE
    return np.minimum(rolled, KNEE) + SOFTNESS * np.expm1(above / SOFTNESS)


def srgb_curve(linear: NDArray) -> NDArray:
    """The sRGB opto-electronic curve (IEC 61966-2-1), mirrored for values below 0."""
    size = np.abs(linear)
    curved = np.where(size <= 0.0031308, size * 12.92, 1.055 * np.power(np.maximum(size, 0.0031308), 1 / 2.4) - 0.055)
    return np.copysign(curved, linear)


def srgb_curve_inverse(curved: NDArray) -> NDArray:
    """The exact inverse of `srgb_curve`."""
    size = np.abs(curved)
    linear = np.where(size <= 0.04045, size / 12.92, np.power((np.maximum(size, 0.04045) + 0.055) / 1.055, 2.4))
    return np.copysign(linear, curved)


def to_model(linear: NDArray) -> NDArray:
    """Scene-linear Rec.709 -> model space."""
    return srgb_curve(roll_off(linear))


def from_model(model: NDArray) -> NDArray:
    """Model space -> scene-linear Rec.709."""
    return roll_off_inverse(srgb_curve_inverse(model))
