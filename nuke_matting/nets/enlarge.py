"""Enlarging a small frame's alpha along the full-size frame's edges, with nothing to learn.

The guided filter of He, Sun and Tang, "Guided Image Filtering" (2010), whose lines are fitted at the small size.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from nuke_matting.nets import regions as rg
from nuke_matting.nets.resize import area, bilinear, box_mean


def enlarge(
    alpha: Tensor,
    image: Tensor,
    small: Tensor | None = None,
    epsilon: float = 3e-4,
    faint: float = 1e-3,
    cell: int = rg.CELL,
) -> Tensor:
    """An alpha of a small frame at full size: bilinear where the image is plain, along its edges where it has some.

    Over each 3x3 box of the small frame a line A I + b of its colour is fitted to the alpha (He et al., equations 19
    and 20). Where the colours vary, the lines' mean takes the alpha's place, so that edges beside the image's by a
    pixel of the small frame are drawn to them; and it gets the detail that the small frame lost, A (I - enlarged
    small I).

    alpha : [B, 1, h, w], in [0, 1]. image : [B, 3, H, W], about [0, 1].
    small : the image's area average [B, 3, h, w], where it is known; made where None.
    epsilon : variance of a colour below which it says little. faint : slopes A up to which there is no edge.

    Returns [B, 1, H, W] float32 in [0, 1]; only resized where the frame is no larger than the small one.
    """
    # variances are differences of near numbers: never in half precision
    image, alpha = image.float(), alpha.float()
    height, width, h, w = image.shape[2], image.shape[3], alpha.shape[2], alpha.shape[3]
    if height <= h or width <= w:
        return bilinear(alpha, height, width)
    small = area(image, h, w) if small is None else small.float()
    mean, mean_alpha = box_mean(small), box_mean(alpha)
    covariance = box_mean(small * alpha) - mean * mean_alpha
    r, g, b = small.unbind(1)
    products = box_mean(torch.stack([r * r, r * g, r * b, g * g, g * b, b * b], dim=1))
    r, g, b = mean.unbind(1)
    variance = products - torch.stack([r * r, r * g, r * b, g * g, g * b, b * b], dim=1)
    slope = _solve(variance, covariance, epsilon)
    offset = box_mean(mean_alpha - (slope * mean).sum(1, keepdim=True))
    slope = box_mean(slope)
    varied = variance[:, 0:1] + variance[:, 3:4] + variance[:, 5:6]
    share = varied / (varied + epsilon)
    out = bilinear(alpha + share * ((slope * small).sum(1, keepdim=True) + offset - alpha), height, width)
    # most cells have no edge, and so no slope
    edge = bilinear((slope.abs().amax(1, keepdim=True) > faint).float(), height, width)
    known = torch.cat([slope, small], dim=1)
    rows, columns = rg.grid_size(height, width)
    out = F.pad(out, [0, cell * columns - width, 0, cell * rows - height])  # or each `paste` would copy it
    for cells in (F.max_pool2d(edge, 8, 8, ceil_mode=True)[:, 0] > 0).nonzero().split(4096):
        line = rg.sample_pixels(known, cells, height, width)
        detail = line[:, :3] * (rg.cut(image, cells, 0) - line[:, 3:])
        out = rg.paste(out, cells, rg.cut(out, cells, 0) + detail.sum(1, keepdim=True))
    return out[..., :height, :width].clamp(0, 1)


def _solve(variance: Tensor, covariance: Tensor, epsilon: float) -> Tensor:
    """x of (V + epsilon) x = c per pixel: V [B, 6, h, w] as rr, rg, rb, gg, gb, bb; c and x [B, 3, h, w].

    By elimination, which bears grey pictures, whose V is all but singular.
    """
    v00, v01, v02, v11, v12, v22 = variance.unbind(1)
    c0, c1, c2 = covariance.unbind(1)
    v00, v11, v22 = v00 + epsilon, v11 + epsilon, v22 + epsilon
    l01, l02 = v01 / v00, v02 / v00
    v11, v12, v22 = v11 - l01 * v01, v12 - l01 * v02, v22 - l02 * v02
    l12 = v12 / v11
    c1 = c1 - l01 * c0
    x2 = (c2 - l02 * c0 - l12 * c1) / (v22 - l12 * v12)
    x1 = c1 / v11 - l12 * x2
    return torch.stack([c0 / v00 - l01 * x1 - l02 * x2, x1, x2], dim=1)
