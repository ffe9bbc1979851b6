"""The region stage of the regional network, to the letter: an 8x8 region in, its alpha out, nothing seen around it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from nuke_matting.nets.cross_region import CrossRegionSequence


class Encoded(NamedTuple):
    """Regions on their way: [N, 32, 8, 8], [N, 64, 4, 4] and [N, 64, 2, 2]."""

    f8: Tensor
    f4: Tensor
    f2: Tensor


class RegionalRefiner(nn.Module):
    """Encoder and decoder of unpadded convolutions, mirrored, with skips; cross region attention at the deepest.

    cross_region : without it, every region is drawn for itself alone.
    """

    def __init__(self, cross_region: bool = True) -> None:
        super().__init__()
        self.encode8 = nn.Sequential(_conv(4, 32, 1), _conv(32, 32, 1))
        self.encode4 = nn.Sequential(_conv(32, 64, 3), _conv(64, 64, 3))
        self.encode2 = nn.Sequential(_conv(64, 64, 3), _conv(64, 64, 1))
        self.cross_region = CrossRegionSequence(64) if cross_region else None
        self.decode2 = nn.Sequential(_conv(64, 32, 1), _back(32, 32))
        self.decode4 = nn.Sequential(_back(32 + 64, 32), _back(32, 32))
        self.decode8 = nn.Sequential(_conv(32 + 32, 16, 1), _conv(16, 16, 1))
        self.head = nn.Conv2d(16, 1, 1)

    def encode(self, cuts: Tensor) -> Encoded:
        """[N, 4, 8, 8], the image and the segmentation -> Encoded."""
        f8 = self.encode8(cuts)
        f4 = self.encode4(f8)
        return Encoded(f8, f4, self.encode2(f4))

    def attend(self, f2: Tensor, regions: Tensor, near: Tensor, batch: int) -> Tensor:
        """[N, 64, 2, 2] of all regions -> [N, 64], what the neighbours have to say; zeros without attention."""
        if self.cross_region is None:
            return f2.new_zeros(f2.shape[:2])
        return self.cross_region(f2.mean((2, 3)), regions, near, batch)

    def decode(self, encoded: Encoded, said: Tensor) -> Tensor:
        """The two above -> [N, 1, 8, 8], unbounded alpha."""
        x = self.decode2(encoded.f2 + said[..., None, None])
        x = self.decode4(torch.cat([x, encoded.f4], dim=1))
        return self.head(self.decode8(torch.cat([x, encoded.f8], dim=1)))


def _conv(inputs: int, outputs: int, kernel: int) -> nn.Module:
    """[N, inputs, S, S] -> [N, outputs, S - kernel + 1, S - kernel + 1]."""
    convolution = nn.Conv2d(inputs, outputs, kernel, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1, inplace=True))


def _back(inputs: int, outputs: int) -> nn.Module:
    """[N, inputs, S, S] -> [N, outputs, S + 2, S + 2]."""
    convolution = nn.ConvTranspose2d(inputs, outputs, 3, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1, inplace=True))
