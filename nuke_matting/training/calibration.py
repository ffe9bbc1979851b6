"""Calibration of a coarse alpha: a contrast and an offset, fitted on samples and folded into the last convolution.

What a network says of plain places is unsteady about 0 and 1, and averaged weights say the mean of it: some haze where
nothing is, some holes where all is solid. Two numbers take most of both away, before regions learn to correct the rest.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor, nn

from nuke_matting.errors import MattingError

LEAST, MOST = (0.5, -0.5), (3.0, 0.5)  # contrast, offset
UNCHANGED = (1.0, 0.0)


def fitted(alpha: Tensor, truth: Tensor) -> tuple[float, float]:
    """The (contrast, offset) with which `calibrated` alphas are nearest to the truth: least mean absolute difference.

    alpha : [N], unbounded. truth : [N], in [0, 1]. UNCHANGED where nothing is empty or nothing solid in the truth.
    Raises MattingError: values are not finite.
    """
    given, true = (each.detach().double().cpu().numpy().ravel() for each in (alpha, truth))
    if not np.isfinite(given).all():
        raise MattingError("the alphas to calibrate are not finite", advice="start from other weights")
    if not (true < 0.01).any() or not (true > 0.99).any():
        return UNCHANGED

    def mad(numbers: NDArray) -> float:
        return float(np.abs(calibrated(given, *np.clip(numbers, LEAST, MOST)) - true).mean())

    simplex = UNCHANGED + np.array([[0.0, 0.0], [0.4, 0.0], [0.0, -0.05]])
    found = minimize(mad, UNCHANGED, method="Nelder-Mead", options={"initial_simplex": simplex, "xatol": 1e-3}).x
    contrast, offset = np.clip(found, LEAST, MOST)
    return float(contrast), float(offset)


def calibrated(alpha: NDArray, contrast: float, offset: float) -> NDArray:
    """contrast (alpha - 1/2) + 1/2 + offset, in [0, 1]."""
    return np.clip(contrast * (alpha - 0.5) + 0.5 + offset, 0, 1)


@torch.no_grad()
def fold(head: nn.Conv2d, channels: int, contrast: float, offset: float) -> None:
    """Has a convolution's first `channels` outputs, which are alphas, come out as `fitted` says. It has a bias."""
    assert head.bias is not None
    head.weight[:channels] *= contrast
    head.bias[:channels] = contrast * (head.bias[:channels] - 0.5) + 0.5 + offset
