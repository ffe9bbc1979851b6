"""Guided filters: they take a small frame's matte to full size, along the full-size frame's own edges.

`enlarge` is the plain one of He, Sun and Tang, "Guided Image Filtering" (2010), which learns nothing. The deep one is
of Wu et al., "Fast End-to-End Trainable Guided Filter" (2018); its hidden features as in Lin et al., "Robust
High-Resolution Video Matting with Temporal Guidance" (2022). Each output of it is a line A x + b of the image, per
pixel and channel; A comes from a small network over the small frame's local statistics, b makes the local means fit.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nuke_matting.nets import regions as rg
from nuke_matting.nets.blocks import conv_block
from nuke_matting.nets.resize import area, bilinear


def enlarge(alpha: Tensor, image: Tensor, epsilon: float = 3e-4, faint: float = 1e-3) -> Tensor:
    """An alpha of a small frame at full size: bilinear, and where the image has detail that it lost, that too.

    Over each 3x3 box of the small frame a line A I + b of its colour is fitted to the alpha (He et al., equations 19
    and 20); then its fine detail is what A makes of the image's: alpha + A (I - enlarged small I). The alpha is the
    fitted one, so edges that are beside the image's by a pixel of the small frame are drawn to them.

    alpha : [B, 1, h, w], in [0, 1]. image : [B, 3, H, W], about [0, 1]. epsilon : of the variances; the larger, the
        less faint detail counts. faint : slopes up to which there is no edge.

    Returns [B, 1, H, W] in [0, 1]; only resized where the frame is no larger than the small one.
    """
    height, width, h, w = image.shape[2], image.shape[3], alpha.shape[2], alpha.shape[3]
    if height <= h or width <= w:
        return bilinear(alpha, height, width)
    # variances are differences of near numbers: never in half precision
    image, alpha = image.float(), alpha.float()
    small = area(image, h, w)
    mean, mean_alpha = _box(small), _box(alpha)
    covariance = _box(small * alpha) - mean * mean_alpha
    r, g, b = small.unbind(1)
    products = _box(torch.stack([r * r, r * g, r * b, g * g, g * b, b * b], dim=1))
    mr, mg, mb = mean.unbind(1)
    variance = products - torch.stack([mr * mr, mr * mg, mr * mb, mg * mg, mg * mb, mb * mb], dim=1)
    slope = _solve(variance, covariance, epsilon)
    offset = _box(mean_alpha - (slope * mean).sum(1, keepdim=True))
    slope = _box(slope)
    fitted = (slope * small).sum(1, keepdim=True) + offset
    out = bilinear(fitted, height, width)
    known = torch.cat([slope, small], dim=1)
    # in most cells there is no edge, and the slope is 0
    edge = F.max_pool2d((slope.abs().amax(1, keepdim=True) > faint).float(), 3, stride=1, padding=1)
    rows, columns = rg.grid_size(height, width)
    for cells in (area(edge, rows, columns)[:, 0] > 0).nonzero().split(4096):
        line = _sample(known, cells, height, width)
        detail = line[:, :3] * (rg.cut(image, cells, 0) - line[:, 3:])
        out = rg.paste(out, cells, rg.cut(out, cells, 0) + detail.sum(1, keepdim=True))
    return out.clamp(0, 1)


def _sample(small: Tensor, cells: Tensor, height: int, width: int, cell: int = rg.CELL) -> Tensor:
    """What `bilinear` would make of [B, C, h, w] at the pixels of some cells [N, 3] of a frame: [N, C, 8, 8]."""
    out = small.new_zeros(len(cells), small.shape[1], cell, cell)
    span = torch.arange(cell, device=small.device)
    for index in range(small.shape[0]):
        mine = cells[:, 0] == index
        y = ((cells[mine, 1, None] * cell + span).to(small.dtype) + 0.5) / height * 2 - 1
        x = ((cells[mine, 2, None] * cell + span).to(small.dtype) + 0.5) / width * 2 - 1
        shape = [len(y), cell, cell]
        where = torch.stack([x[:, None, :].expand(shape), y[:, :, None].expand(shape)], dim=3)
        found = F.grid_sample(
            small[index : index + 1], where.reshape(1, -1, cell, 2), padding_mode="border", align_corners=False
        )
        out[mine] = found[0].reshape(small.shape[1], -1, cell, cell).transpose(0, 1)
    return out


def _solve(variance: Tensor, covariance: Tensor, epsilon: float) -> Tensor:
    """x of (V + epsilon) x = c per pixel: V [B, 6, h, w] as rr, rg, rb, gg, gb, bb; c and x [B, 3, h, w].

    By elimination, which bears grey pictures, whose V is all but singular.
    """
    rr, rg, rb, gg, gb, bb = variance.unbind(1)
    cr, cg, cb = covariance.unbind(1)
    rr, gg, bb = rr + epsilon, gg + epsilon, bb + epsilon
    l_rg, l_rb = rg / rr, rb / rr
    gg, gb, bb = gg - l_rg * rg, gb - l_rg * rb, bb - l_rb * rb
    l_gb = gb / gg
    bb = bb - l_gb * gb
    cg = cg - l_rg * cr
    cb = cb - l_rb * cr - l_gb * cg
    x_b = cb / bb
    x_g = cg / gg - l_gb * x_b
    return torch.stack([cr / rr - l_rg * x_g - l_rb * x_b, x_g, x_b], dim=1)


CHANNELS = 4  # the image's three guide the foreground residual's three; their mean guides the alpha


class DeepGuidedFilter(nn.Module):
    """Alpha and foreground residual at full size from those of a small frame, over 3x3 boxes."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.slope = nn.Sequential(
            conv_block(2 * CHANNELS + hidden, hidden, kernel=1),
            conv_block(hidden, hidden, kernel=1),
            nn.Conv2d(hidden, CHANNELS, 1),
        )

    def forward(
        self, image: Tensor, small: Tensor, alpha: Tensor, residual: Tensor, hidden: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Alpha [B, 1, H, W] and residual [B, 3, H, W], unbounded.

        image : [B, 3, H, W].
        small : the image at the small size, [B, 3, h, w].
        alpha, residual, hidden : the network's for the small image, [B, 1, h, w], [B, 3, h, w], [B, hidden, h, w].
        """
        guide, values = _guide(small.float()), torch.cat([residual, alpha], dim=1).float()
        # variances are differences of near numbers: never in half precision
        mean_x, mean_y = _box(guide), _box(values)
        covariance = _box(guide * values) - mean_x * mean_y
        variance = _box(guide * guide) - mean_x * mean_x
        slope = self.slope(torch.cat([covariance, variance, hidden.float()], dim=1)).float()
        offset = mean_y - slope * mean_x
        height, width = image.shape[2], image.shape[3]
        out = bilinear(slope, height, width) * _guide(image.float()) + bilinear(offset, height, width)
        return out[:, 3:], out[:, :3]


def _guide(image: Tensor) -> Tensor:
    """[B, 3, H, W] -> [B, 4, H, W]: with the three channels' mean."""
    return torch.cat([image, image.mean(1, keepdim=True)], dim=1)


def _box(x: Tensor) -> Tensor:
    """Mean of the 3x3 pixels around each, of those within the frame."""
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
