"""Losses of the `regional` network: each one a function with its equation.

After Zhong and Zharkov, "Lightweight Portrait Matting via Regional Attention and Refinement" (WACV 2024), who add them
up with equal weights. Alpha is [B, 1, H, W] in [0, 1]; logits are `trimap_decoder.Level`s at 1/32, 1/16 and 1/8.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from nuke_matting.nets.regions import CELL
from nuke_matting.nets.resize import bilinear, pad_to_multiple
from nuke_matting.training.losses import NEAR, pyramid

FOCUS = 2  # the focal loss's gamma


def true_trimap(alpha: Tensor, radius: int = 3) -> Tensor:
    """Background, unknown and foreground, 0 or 1 each: [B, 3, H, W].

    Unknown is all within `radius` pixels of an alpha above 0 but what is further than that from any alpha below 1.
    """
    span = torch.arange(-radius, radius + 1, device=alpha.device)
    disc = (span[:, None] ** 2 + span**2 <= radius**2).to(alpha.dtype)[None, None]
    background = F.conv2d((alpha > NEAR).to(alpha.dtype), disc, padding=radius) == 0
    foreground = F.conv2d((alpha < 1 - NEAR).to(alpha.dtype), disc, padding=radius) == 0
    return torch.cat([background, ~background & ~foreground, foreground], dim=1).to(alpha.dtype)


def segmentation(logits: Sequence[Tensor], alpha: Tensor) -> Tensor:
    """Sum over the levels of the mean of -(a log s + (1 - a) log(1 - s)), s a level's segmentation enlarged to 1/8.

    a is the mean alpha of each 8x8 cell. logits : [B, 1, h, w] each, the one at 1/8 last.
    """
    cells = _cell_means(alpha)
    losses = [F.binary_cross_entropy_with_logits(each, cells) for each in _at_an_eighth(logits)]
    return torch.stack(losses).sum()


def trimap_focal(logits: Sequence[Tensor], trimap: Tensor) -> Tensor:
    """Sum over the levels of the mean of -sum_c w_c y_c (1 - p_c)^2 log p_c, p a level's trimap enlarged to 1/8.

    y_c is the share of class c in each 8x8 cell; w_c is proportional to n_c^(-1/2), n_c being all cells' y_c together,
    and those of the classes that are there add up to 1: the others would have nearly all of it, of a batch without a
    person. Lin et al., "Focal Loss for Dense Object Detection" (2017), for soft classes.

    logits : [B, 3, h, w] each, the one at 1/8 last. trimap : [B, 3, H, W] as in `true_trimap`.
    """
    share = _cell_means(trimap)
    count = share.sum((0, 2, 3))
    weight = (count > 0) * count.clamp(min=1) ** -0.5
    weight = (weight / weight.sum()).view(1, 3, 1, 1)
    losses = []
    for each in _at_an_eighth(logits):
        log_p = each.log_softmax(1)
        losses.append(-(weight * share * (1 - log_p.exp()) ** FOCUS * log_p).sum(1).mean())
    return torch.stack(losses).sum()


def band_weights(trimap: Tensor) -> Tensor:
    """How much each pixel counts: w where the trimap is unknown, 1 - w elsewhere. [B, 3, H, W] -> [B, 1, H, W].

    w = u^-2 / (u^-2 + k^-2) with u unknown and k known pixels: the fewer, the more; the usual thin band has nearly all.
    """
    unknown = trimap[:, 1:2]
    u, k = unknown.sum().clamp(min=1), (1 - unknown).sum().clamp(min=1)
    w = k**2 / (u**2 + k**2)
    return torch.where(unknown > 0, w, 1 - w)


def alpha(predicted: Tensor, true: Tensor, weights: Tensor) -> Tensor:
    """sum w |a - a'| / sum w, |x| being sqrt(x^2 + 1e-12); weights as in `band_weights`."""
    return _weighted(predicted - true, weights)


def laplacian(predicted: Tensor, true: Tensor, weights: Tensor) -> Tensor:
    """Sum over the pyramid's five bands and its rest of sum w |L_s(a) - L_s(a')| / sum w, w averaged to each size."""
    terms = []
    for band in pyramid(predicted - true):
        terms.append(_weighted(band, weights))
        weights = F.avg_pool2d(weights, 2, ceil_mode=True)
    return torch.stack(terms).sum()


def composition(predicted: Tensor, image: Tensor, foreground: Tensor, background: Tensor, weights: Tensor) -> Tensor:
    """sum w |a F + (1 - a) B - I| / sum w, over the three channels' mean."""
    return _weighted(predicted * foreground + (1 - predicted) * background - image, weights)


def _weighted(difference: Tensor, weights: Tensor) -> Tensor:
    size = (difference.square() + 1e-12).sqrt().mean(1, keepdim=True)
    return (size * weights).sum() / weights.sum().clamp(min=1e-12)


def _cell_means(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, C, rows, columns] at 1/8, edges repeated in the last cells."""
    return F.avg_pool2d(pad_to_multiple(x, CELL), CELL)


def _at_an_eighth(levels: Sequence[Tensor]) -> list[Tensor]:
    """Each level's logits at the last one's size; each level is half the next, rounded up."""
    height, width = levels[-1].shape[-2:]
    out = []
    for index, each in enumerate(levels):
        factor = 2 ** (len(levels) - 1 - index)
        out.append(bilinear(each.float(), each.shape[2] * factor, each.shape[3] * factor)[..., :height, :width])
    return out
