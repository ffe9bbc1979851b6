"""Losses: each one a function with its equation.

"Song" is "Attention-based Memory video portrait matting", section 5.2; its sums, equations 7, 10 and 11, are up to the
weights that recipes give.

Alpha is [..., 1, H, W] in [0, 1], foreground [..., 3, H, W] in the model space.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

MARGIN = 0.1  # of alpha
NEAR = 1e-3  # of 0 and 1: resampling and blurring leave a true alpha a little beside them


class _ClampThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, beyond: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.beyond = beyond
        return x.clamp(-beyond, 1 + beyond)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (x,), (gradient,) = ctx.saved_tensors, gradients
        away = ((x < -ctx.beyond) & (gradient > 0)) | ((x > 1 + ctx.beyond) & (gradient < 0))
        return gradient.masked_fill(away, 0), None


def clamp_through(x: Tensor, beyond: float = 0.0) -> Tensor:
    """Clamps to [0, 1], or to so much beyond it; of the gradient further out only what leads back passes.

    So a pixel that is saturated on the wrong side can come back, and none is driven ever further out, unseen: the
    pyramid's gradients would, as they spread over neighbours.
    """
    return _ClampThrough.apply(x, beyond)  # type: ignore[no-any-return]


def l1(predicted: Tensor, true: Tensor) -> Tensor:
    """Song, equation 4: mean |a - a'|."""
    return (predicted - true).abs().mean()


def decided(true: Tensor) -> Tensor:
    """What is asked of an alpha that is clamped later: MARGIN more where the true one is 0 or 1.

    What a network says is never quite steady. Asked for 1 and no more, it says less as often as not, and the inside of
    a subject is a little transparent; of what lies beyond 1 the clamp leaves nothing. See `undecided`.
    """
    return true + MARGIN * ((true >= 1 - NEAR).to(true.dtype) - (true <= NEAR).to(true.dtype))


def undecided(unbounded: Tensor, true: Tensor) -> Tensor:
    """How far each pixel of an alpha that is clamped later is from what is asked of it: |a - decided(a')|."""
    return (clamp_through(unbounded, MARGIN) - decided(true)).abs()


def laplacian(predicted: Tensor, true: Tensor, levels: int = 5) -> Tensor:
    """Song, equation 5: sum over s = 1..levels of 2^(s-1) / levels times the mean |L_s(a) - L_s(a')|.

    L_s are the levels of a Laplacian pyramid; the division by their number keeps the sum near an L1 loss's size.
    Fewer levels are taken where the frame is too small for all.
    """
    *bands, _ = pyramid(predicted - true, levels)  # it is linear: that of a difference is the difference
    total = predicted.new_zeros(())
    for level, band in enumerate(bands):
        total = total + 2**level / levels * band.abs().mean()
    return total


def pyramid(x: Tensor, levels: int = 5) -> list[Tensor]:
    """Laplacian pyramid: [..., 1, H, W] -> bands of [B, 1, H, W], half of it, and so on, then the small rest.

    Fewer bands are taken where the frame is too small for all.
    """
    x, bands = x.flatten(0, -4), []
    for _ in range(levels):
        if min(x.shape[-2:]) < 4:
            break
        small = F.avg_pool2d(_blur(x), 2, ceil_mode=True)
        bands.append(x - F.interpolate(small, size=x.shape[-2:], mode="bilinear", align_corners=False))
        x = small
    return [*bands, x]


def _blur(x: Tensor) -> Tensor:
    """Binomial 5x5 blur with reflected borders, each channel alone."""
    taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], device=x.device, dtype=x.dtype) / 16
    c = x.shape[1]
    mode = "reflect" if min(x.shape[-2:]) > 2 else "replicate"
    x = F.conv2d(F.pad(x, (2, 2, 0, 0), mode=mode), taps.view(1, 1, 1, 5).expand(c, 1, 1, 5), groups=c)
    return F.conv2d(F.pad(x, (0, 0, 2, 2), mode=mode), taps.view(1, 1, 5, 1).expand(c, 1, 5, 1), groups=c)


def gradient(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean of `gradients`."""
    return gradients(predicted, true).mean()


def gradients(predicted: Tensor, true: Tensor) -> Tensor:
    """|S_x(a) - S_x(a')| + |S_y(a) - S_y(a')|, S the Sobel filter over 8, edges repeated. [B, 1, H, W].

    Lin et al., "Real-Time High-Resolution Background Matting" (2021), section 4.3: their |grad a - grad a'|.
    """
    wide = F.pad(predicted - true, (1, 1, 1, 1), mode="replicate")  # the filter is linear: one for the difference
    total = torch.zeros_like(predicted)
    for turned in (False, True):
        each = wide.mT if turned else wide
        step = each[..., 2:] - each[..., :-2]
        smooth = (step[..., :-2, :] + 2 * step[..., 1:-1, :] + step[..., 2:, :]).abs() / 8
        total = total + (smooth.mT if turned else smooth)
    return total


def about_right(predicted: Tensor, true: Tensor) -> Tensor:
    """1 where an alpha is off by at most 0.1, as the 9x9 pixels around have it on average, down to 0 from 0.3 on.

    [B, 1, H, W] each. Where a coarse alpha has a whole part wrong, nothing near by tells what is right, and what is
    asked for it all the same learns to hedge.
    """
    off = F.avg_pool2d((predicted - true).abs(), 9, stride=1, padding=4, count_include_pad=False)
    return (1.5 - 5 * off).clamp(0, 1)


def composition(alpha: Tensor, foreground: Tensor, true_alpha: Tensor, true_foreground: Tensor) -> Tensor:
    """Song, equation 6: mean |a F - a' F'|, the premultiplied foregrounds' difference."""
    return (alpha * foreground - true_alpha * true_foreground).abs().mean()


def foreground(predicted: Tensor, true: Tensor, true_alpha: Tensor) -> Tensor:
    """Mean |F - F'| over the pixels where the true alpha is above 0."""
    seen = (true_alpha > 0).to(predicted.dtype)
    return ((predicted - true).abs() * seen).sum() / (3 * seen.sum()).clamp(min=1)


def temporal(predicted: Tensor, true: Tensor) -> Tensor:
    """Song, equation 9, as a mean square: mean ((a_t - a_{t-1}) - (a'_t - a'_{t-1}))^2. [B, T, C, H, W], T > 1."""
    step, true_step = predicted[:, 1:] - predicted[:, :-1], true[:, 1:] - true[:, :-1]
    return (step - true_step).square().mean()


def error_size(error: Tensor, predicted: Tensor, true: Tensor) -> Tensor:
    """Lin et al., as above: mean (e - |a - a'|)^2, the error map against how far off the alpha is."""
    return (error - (predicted.detach() - true).abs()).square().mean()


def error(logit: Tensor, predicted: Tensor, true: Tensor) -> Tensor:
    """Cross entropy of the error map with where the alpha is wrong: min(1, 4 |a - a'|), so 0.25 off is surely wrong."""
    wrong = (4 * (predicted.detach() - true).abs()).clamp(max=1)
    return F.binary_cross_entropy_with_logits(logit, wrong)
