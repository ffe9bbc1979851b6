"""Resizing and averaging, by operators that TorchScript of any age knows: `F.interpolate` brings those of all its
modes with it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def bilinear(image: Tensor, height: int, width: int) -> Tensor:
    """[B, C, H, W] -> [B, C, height, width], without smoothing."""
    return torch.ops.aten.upsample_bilinear2d(image, [height, width], False, None, None)


def area(image: Tensor, height: int, width: int) -> Tensor:
    """[B, C, H, W] -> [B, C, height, width], smoothed where it shrinks (a triangle as wide as two steps)."""
    if image.shape[2] == height and image.shape[3] == width:
        return image
    return torch.ops.aten._upsample_bilinear2d_aa(image, [height, width], False, None, None)


def join(low: Tensor, high: Tensor) -> Tensor:
    """[B, C, h, w] enlarged to a map [B, D, H, W] that it is put before: [B, C + D, H, W]."""
    return torch.cat([bilinear(low, high.shape[2], high.shape[3]), high], dim=1)


def box_mean(x: Tensor) -> Tensor:
    """Mean of the 3x3 pixels around each, of those within the frame. Sums of shifted maps: pooling is slow on a CPU."""
    return _summed(x) / _summed(torch.ones_like(x[:1, :1]))


def _summed(x: Tensor) -> Tensor:
    """Sum of the 3x3 pixels around each, of those within the frame."""
    above = F.pad(x, (0, 0, 1, 1))
    x = above[:, :, :-2] + x + above[:, :, 2:]
    beside = F.pad(x, (1, 1, 0, 0))
    return beside[..., :-2] + x + beside[..., 2:]


def pad_to_multiple(x: Tensor, side: int) -> Tensor:
    """Repeats the right and bottom edges up to multiples of `side`: [B, C, H, W] -> [B, C, H', W']."""
    return pad_to(x, x.shape[2] + -x.shape[2] % side, x.shape[3] + -x.shape[3] % side)


def pad_to(x: Tensor, height: int, width: int) -> Tensor:
    """Repeats the right and bottom edges: [B, C, H, W] -> [B, C, height, width], which are no less."""
    right, bottom = width - x.shape[3], height - x.shape[2]
    return F.pad(x, (0, right, 0, bottom), mode="replicate") if right or bottom else x
