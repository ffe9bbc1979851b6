"""The decoder of the memory network: from 1/16 up to full size, by bilinear x2 and residual blocks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nuke_matting.nets.blocks import conv_block
from nuke_matting.nets.resize import bilinear


class ProjectedResidual(nn.Module):
    """Two 3x3 convolutions around a 1x1 one: [B, inputs, H, W] -> [B, outputs, H, W]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = conv_block(inputs, outputs)
        self.second = nn.Sequential(nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs))
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.second(self.first(x)) + self.shortcut(x))


class UpsamplingDecoder(nn.Module):
    """Song's up-sampling blocks and what of the output block comes before the last projection.

    Three times "block 1" (previous feature x2, the encoder's feature of that size, the image averaged to it), then
    "block 2" at full size (previous feature x2, image), then two 3x3 convolutions.
    """

    def __init__(self, inputs: int, skips: Sequence[int], channels: Sequence[int], hidden: int) -> None:
        """skips : of the features at 1/2, 1/4 and 1/8. channels : after the blocks at 1/8, 1/4 and 1/2."""
        super().__init__()
        (s2, s4, s8), (c8, c4, c2) = skips, channels
        self.to8 = ProjectedResidual(inputs + s8 + 3, c8)
        self.to4 = ProjectedResidual(c8 + s4 + 3, c4)
        self.to2 = ProjectedResidual(c4 + s2 + 3, c2)
        self.to1 = ProjectedResidual(c2 + 3, hidden)
        self.out = nn.Sequential(conv_block(hidden, hidden), conv_block(hidden, hidden))

    def forward(self, f16: Tensor, f8: Tensor, f4: Tensor, f2: Tensor, image: Tensor) -> Tensor:
        """Features at 1/16, 1/8, 1/4 and 1/2 of the image [B, 3, H, W], sides multiples of 16 -> [B, hidden, H, W]."""
        image2 = F.avg_pool2d(image, 2)
        image4 = F.avg_pool2d(image2, 2)
        image8 = F.avg_pool2d(image4, 2)
        x = self.to8(torch.cat([_to_size_of(f8, f16), f8, image8], dim=1))
        x = self.to4(torch.cat([_to_size_of(f4, x), f4, image4], dim=1))
        x = self.to2(torch.cat([_to_size_of(f2, x), f2, image2], dim=1))
        return self.out(self.to1(torch.cat([_to_size_of(image, x), image], dim=1)))


def _to_size_of(other: Tensor, x: Tensor) -> Tensor:
    return bilinear(x, other.shape[2], other.shape[3])
