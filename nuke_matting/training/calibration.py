"""Calibration of a coarse alpha: a contrast and an offset, fitted on samples and folded into the last convolution.

Absolute errors of alphas that a network is unsure of are least at neither end, so it leaves a haze over what is empty
and holes in what is solid. Two numbers take most of both away, before the regions learn to correct the rest.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor, nn

CLEAREST = 3.0  # contrast at most


def fitted(alpha: Tensor, truth: Tensor) -> tuple[float, float]:
    """The (contrast, offset) with which clip(contrast (alpha - 1/2) + 1/2 + offset, 0, 1) is nearest to the truth.

    alpha : [N], unbounded. truth : [N], in [0, 1]. Nearest as MAD has it, the mean of absolute differences.
    """
    given, true = (each.detach().double().cpu().numpy().ravel() for each in (alpha, truth))

    def mad(numbers: np.ndarray) -> float:
        contrast, offset = np.clip(numbers, (0.5, -0.5), (CLEAREST, 0.5))
        return float(np.abs(np.clip(contrast * (given - 0.5) + 0.5 + offset, 0, 1) - true).mean())

    start = np.array([1.0, 0.0])
    simplex = start + np.array([[0.0, 0.0], [0.4, 0.0], [0.0, -0.05]])
    found = minimize(mad, start, method="Nelder-Mead", options={"initial_simplex": simplex, "xatol": 1e-3}).x
    contrast, offset = np.clip(found, (0.5, -0.5), (CLEAREST, 0.5))
    return float(contrast), float(offset)


@torch.no_grad()
def fold(head: nn.Conv2d, channels: int, contrast: float, offset: float) -> None:
    """Has a convolution's first `channels` outputs, which are alphas, come out as `fitted` says. It has a bias."""
    assert head.bias is not None
    head.weight[:channels] *= contrast
    head.bias[:channels] = contrast * (head.bias[:channels] - 0.5) + 0.5 + offset
