"""Background matting's second stage: 4x4-pixel patches of the full-size frame, where the first one says it is wrong.

Lin et al., "Real-Time High-Resolution Background Matting" (CVPR 2021), section 4.2. Modules are named as in their
checkpoints.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nuke_matting.nets import regions as rg
from nuke_matting.nets.resize import bilinear

PATCH = 4  # pixels a side
HIDDEN = 32  # channels that the first stage hands on
_NEAR, _WIDE = 2, 3  # pixels seen around a patch at full size, and around its 2x2 ones at half size


class Refiner(nn.Module):
    """Alpha and foreground residual of patches: two 3x3 convolutions at half size, two at full size, none padded."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(HIDDEN + 4 + 6, 24, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(24)
        self.conv2 = nn.Conv2d(24, 16, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(16)
        self.conv3 = nn.Conv2d(16 + 6, 12, 3, bias=False)
        self.bn3 = nn.BatchNorm2d(12)
        self.conv4 = nn.Conv2d(12, 4, 3)

    def forward(self, pair: Tensor, coarse: Tensor, hidden: Tensor, patches: Tensor, batch: int) -> Tensor:
        """Refined alpha and residual, [B, 4, H, W] float32.

        pair : [B, 6, H, W], plate and clean plate; H and W are multiples of 4.
        coarse : [B, 4, h, w], alpha and residual of the first stage; hidden : [B, 32, h, w].
        patches : [N, 3] int64, frame, row and column in the grid of patches, as in `regions.choose`.
        batch : patches refined at once; it bounds the memory.

        Elsewhere it is the coarse answer, bilinear.
        """
        height, width = pair.shape[2], pair.shape[3]
        out = bilinear(coarse.float(), height, width)  # half floats have too few steps for an alpha
        if len(patches) == 0:
            return out
        half = (height // 2, width // 2)
        low = torch.cat([bilinear(torch.cat([hidden, coarse], dim=1), *half), bilinear(pair, *half)], dim=1)
        low, high = F.pad(low, (_WIDE,) * 4), F.pad(pair, (_NEAR,) * 4)
        new = [
            self._patch(_crop(low, part, 2, _WIDE), _crop(high, part, PATCH, _NEAR)) for part in patches.split(batch)
        ]
        return rg.paste(out, patches, torch.cat(new), PATCH)

    def everywhere(self, pair: Tensor, coarse: Tensor, hidden: Tensor) -> Tensor:
        """The same with every pixel refined."""
        height, width = pair.shape[2], pair.shape[3]
        half = (height // 2, width // 2)
        low = torch.cat([bilinear(torch.cat([hidden, coarse], dim=1), *half), bilinear(pair, *half)], dim=1)
        return self._patch(F.pad(low, (_WIDE,) * 4), F.pad(pair, (_NEAR,) * 4))

    def _patch(self, low: Tensor, high: Tensor) -> Tensor:
        """[N, 42, n + 6, n + 6] at half size and [N, 6, 2n + 4, 2n + 4] -> [N, 4, 2n, 2n]; n is 2 for a patch."""
        x = F.relu(self.bn1(self.conv1(low)))
        x = F.relu(self.bn2(self.conv2(x)))
        x = torch.cat([F.interpolate(x, size=high.shape[2:], mode="nearest"), high], dim=1)
        return self.conv4(F.relu(self.bn3(self.conv3(x))))


def _crop(padded: Tensor, patches: Tensor, size: int, halo: int) -> Tensor:
    """Cuts patches and what is around them from a frame that was padded by `halo`: [N, C, size + 2 halo, ...]."""
    frame, row, column = patches.unbind(1)
    side = size + 2 * halo
    return padded.permute(0, 2, 3, 1).unfold(1, side, size).unfold(2, side, size)[frame, row, column]
