"""The regional network's coarse decoder: from 1/128 up to 1/16, a trimap and a segmentation at three levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nuke_matting.nets.resize import bilinear

BACKGROUND, UNKNOWN, FOREGROUND = range(3)  # the trimap's classes


class Level(NamedTuple):
    """One level's answer: trimap [B, 3, h, w], logits of the three classes; segmentation [B, 1, h, w], a logit."""

    trimap: Tensor
    segmentation: Tensor


class TrimapDecoder(nn.Module):
    """Bilinear x2, concatenation with the encoder's feature of that size and one 3x3 convolution, three times.

    The heads at each level give four values for each position, which depth-to-space makes a map of twice the size.
    """

    def __init__(self, inputs: Sequence[int], channels: Sequence[int]) -> None:
        """inputs : of the features at 1/16, 1/32, 1/64, 1/128. channels : at 1/64, 1/32 and 1/16."""
        super().__init__()
        i16, i32, i64, i128 = inputs
        c64, c32, c16 = channels
        self.to64 = _block(i128 + i64, c64)
        self.to32 = _block(c64 + i32, c32)
        self.to16 = _block(c32 + i16, c16)
        self.heads = nn.ModuleList(nn.Conv2d(each, (3 + 1) * 4, 1) for each in channels)

    def forward(
        self, f16: Tensor, f32: Tensor, f64: Tensor, f128: Tensor, grid: tuple[int, int]
    ) -> tuple[Level, Level, Level]:
        """The encoder's four features, and rows and columns at 1/8 -> the levels at 1/32, 1/16 and 1/8."""
        x64 = self.to64(_join(f128, f64))
        x32 = self.to32(_join(x64, f32))
        x16 = self.to16(_join(x32, f16))
        sizes = ((f32.shape[2], f32.shape[3]), (f16.shape[2], f16.shape[3]), grid)
        coarse, middle, fine = (
            Level(*F.pixel_shuffle(head(x), 2)[..., : size[0], : size[1]].split([3, 1], dim=1))
            for head, x, size in zip(self.heads, (x64, x32, x16), sizes, strict=True)
        )
        return coarse, middle, fine


def _block(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.LeakyReLU(0.1, inplace=True))


def _join(low: Tensor, high: Tensor) -> Tensor:
    """Twice the size, whatever the higher one's: where that is odd, the last row or column is left off."""
    up = bilinear(low, 2 * low.shape[2], 2 * low.shape[3])
    return torch.cat([up[..., : high.shape[2], : high.shape[3]], high], dim=1)
