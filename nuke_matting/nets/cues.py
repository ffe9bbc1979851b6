"""What a clean plate and a guide say of each pixel, said outright: layers would need long to find it by themselves."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def distance(image: Tensor, clean: Tensor, scale: float = 0.08) -> Tensor:
    """How far pixels are from the clean plate's: [B, 3, h, w] twice, in the model space -> [B, 1, h, w] in [0, 1).

    scale : of the channel that differs most; noise lies mostly below it.
    """
    return 1 - torch.exp((image - clean).abs().amax(1, keepdim=True) * (-1 / scale))


def traces(image: Tensor, clean: Tensor, reach: int = 3, noise: float = 3e-3, scale: float = 0.08) -> Tensor:
    """What is left of a clean plate in the window around each pixel: [B, 3, h, w] twice -> [B, 3, h, w] in [0, 1].

    A shadow leaves all of it but its light; smoke and glass leave some of it, under a colour of their own; a body
    leaves nothing. By least squares over the window and the colours:

    0. light : g of image = g clean, halved; 0.5 where nothing has changed. At most 1.
    1. rest : what g clean does not explain, 0 in a shadow, as `distance` has it.
    2. transmission : t of image = t clean + c, which is 1 - alpha behind a plain colour; 0 where the clean plate is
       plain as well, as then none can be told.

    image, clean : model space. reach : of the window, in pixels to each side. noise : variance that tells nothing.
    """
    image, clean = image.float(), clean.float()
    own, both, theirs = (image * image).sum(1, True), (image * clean).sum(1, True), (clean * clean).sum(1, True)
    means = torch.cat([own, both, theirs, image, clean], dim=1)
    means = F.avg_pool2d(means, [2 * reach + 1, 1], [1, 1], [reach, 0], count_include_pad=False)
    means = F.avg_pool2d(means, [1, 2 * reach + 1], [1, 1], [0, reach], count_include_pad=False)
    own, both, theirs, mean, clean_mean = means.split([1, 1, 1, 3, 3], dim=1)
    light = (both + 1e-4) / (theirs + 1e-4)
    rest = (own - 2 * light * both + light * light * theirs).clamp(min=0).sqrt()
    covariance = both - (mean * clean_mean).sum(1, keepdim=True)
    variance = theirs - (clean_mean * clean_mean).sum(1, keepdim=True)
    transmission = covariance / (variance.clamp(min=0) + noise)
    return torch.cat([(light / 2).clamp(0, 1), 1 - torch.exp(rest * (-1 / scale)), transmission.clamp(0, 1)], dim=1)


def likeness(image: Tensor, guide: Tensor, bins: int = 20, levels: int = 8) -> Tensor:
    """Whether a pixel's colour is rather one from inside the guide or from outside: -> [B, 1, h, w] in (0, 1).

    p(colour | inside) / (p(colour | inside) + p(colour | outside)), from histograms of the frame in and around the
    guide; so begins GrabCut (Rother, Kolmogorov and Blake, 2004), with mixtures of Gaussians.

    image : [B, 3, h, w], model space. guide : [B, 1, h, w] in [0, 1].
    levels : how finely it is told how surely a pixel is inside; whole numbers are counted, so that a GPU's sums are
        the same each time.
    """
    image, guide = image.float(), guide.float()
    side = min(guide.shape[2], guide.shape[3])
    inside = (_blurred(guide, side // 20).flatten(1) * (levels - 1)).round().long()  # outlines are rough
    reach = side // 8  # what is further away says nothing of what is behind the subject
    near = _blurred((guide > 0.15).to(guide.dtype), reach).flatten(1) > 0
    off = image - image.mean((2, 3), keepdim=True)
    spread = (off * off).mean((2, 3), keepdim=True) ** 0.5
    place = (off / (3 * spread + 0.02) + 0.5).clamp(0, 1)
    whole = (place * (bins - 1)).round().long().flatten(2)
    cell = (whole[:, 0] * bins + whole[:, 1]) * bins + whole[:, 2]
    weight = (torch.arange(levels, device=image.device).to(image.dtype) / (levels - 1)) ** 4
    count, volume = image.shape[0], bins * bins * bins * levels
    told = (torch.arange(count, device=image.device)[:, None] * volume + cell * levels + inside)[near]
    seen = torch.bincount(told, minlength=count * volume).reshape(count, bins, bins, bins, levels)
    smooth = F.avg_pool3d(seen.permute(0, 4, 1, 2, 3).to(image.dtype), 3, stride=1, padding=1)
    within = (smooth * weight[:, None, None, None]).sum(1, keepdim=True)
    without = (smooth * weight.flip(0)[:, None, None, None]).sum(1, keepdim=True)
    within, without = (each / (each.sum((1, 2, 3, 4), keepdim=True) + 1) + 1e-5 for each in (within, without))
    where = place.flip(1).permute(0, 2, 3, 1)[:, None] * 2 - 1  # the last axis of a volume comes first
    return F.grid_sample(within / (within + without), where, align_corners=True)[:, :, 0]


def _blurred(guide: Tensor, reach: int) -> Tensor:
    """By a box that reaches so many pixels to each side, of the 255ths of [B, 1, h, w] in [0, 1].

    From running sums: the time does not grow with the reach, and sums of whole numbers are the same everywhere.
    """
    guide = (guide * 255).round().long()
    height, width = guide.shape[2], guide.shape[3]
    below, above = _within(height, reach, guide.device)
    sums = F.pad(guide.cumsum(2), [0, 0, 1, 0])
    sums = sums.index_select(2, above) - sums.index_select(2, below)
    left, right = _within(width, reach, guide.device)
    sums = F.pad(sums.cumsum(3), [1, 0])
    sums = sums.index_select(3, right) - sums.index_select(3, left)
    return sums / (255.0 * (above - below)[:, None] * (right - left))


def _within(count: int, reach: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The first place, and the one after the last, of those that lie within reach of each of so many places."""
    at = torch.arange(count, device=device)
    return (at - reach).clamp(min=0), (at + reach + 1).clamp(max=count)
