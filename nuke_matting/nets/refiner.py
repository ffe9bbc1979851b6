"""The region stage's encoder and decoder around cross region attention: alpha and foreground at full size."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nuke_matting.nets.cross_region import CrossRegionAttention

HALO = 4  # pixels seen around an 8x8 region, so that neighbours agree along their border


class RegionRefiner(nn.Module):
    """Corrects the coarse alpha and foreground residual inside regions.

    A 16x16 cut becomes an 8x8 grid of 2x2-pixel cells, two unpadded 3x3 convolutions leave the region's own 4x4 grid;
    the coarse stage's hidden features, sampled at the region's centre, and what cross region attention brings are
    added to it; then back to 8x8 pixels, where the pixels themselves are looked at once more. The answer is a
    correction, zero before training.
    """

    def __init__(self, inputs: int, hidden: int, width: int = 64) -> None:
        super().__init__()
        self.halo = HALO
        self.encode1 = nn.Sequential(nn.Conv2d(4 * inputs, width, 3), nn.ReLU(inplace=True))
        self.encode2 = nn.Sequential(nn.Conv2d(width, width, 3), nn.ReLU(inplace=True))
        self.from_coarse = nn.Linear(hidden, width)
        self.cross_region = CrossRegionAttention(width)
        self.decode1 = nn.Sequential(nn.Conv2d(width, width, 1), nn.ReLU(inplace=True))
        self.decode2 = nn.Conv2d(width, 4 * width // 2, 1)
        self.decode3 = nn.Sequential(nn.Conv2d(width // 2 + inputs, width // 2, 1), nn.ReLU(inplace=True))
        self.head = nn.Conv2d(width // 2, 4, 1)
        nn.init.zeros_(self.head.weight)
        if self.head.bias is not None:
            nn.init.zeros_(self.head.bias)

    def encode(self, cuts: Tensor, hidden: Tensor) -> Tensor:
        """[N, inputs, 16, 16] cuts and [N, hidden] coarse features -> [N, width, 4, 4]."""
        x = self.encode2(self.encode1(F.pixel_unshuffle(cuts, 2)))
        return x + self.from_coarse(hidden)[..., None, None]

    def attend(self, deep: Tensor, regions: Tensor, near: Tensor) -> Tensor:
        """[N, width, 4, 4] -> [N, width], what the neighbours have to say."""
        return self.cross_region(deep.mean((2, 3)), regions, near)

    def decode(self, deep: Tensor, said: Tensor, pixels: Tensor) -> Tensor:
        """The two above and the regions' own [N, inputs, 8, 8] pixels -> [N, 4, 8, 8], to add to alpha and residual."""
        x = F.pixel_shuffle(self.decode2(self.decode1(deep + said[..., None, None])), 2)
        return self.head(self.decode3(torch.cat([F.relu(x), pixels], dim=1)))
