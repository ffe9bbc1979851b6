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


def box_mean(x: Tensor) -> Tensor:
    """Mean of the 3x3 pixels around each, of those within the frame."""
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def pad_to_multiple(x: Tensor, side: int) -> Tensor:
    """Repeats the right and bottom edges up to multiples of `side`: [B, C, H, W] -> [B, C, H', W']."""
    right, bottom = -x.shape[3] % side, -x.shape[2] % side
    return F.pad(x, (0, right, 0, bottom), mode="replicate") if right or bottom else x
