"""Atrous spatial pyramid pooling: one feature map seen at several spreads, and as a whole.

Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation" (2017), section 3.3. Modules are named as
in the checkpoints of Lin et al., "Real-Time High-Resolution Background Matting" (2021), which are loaded by name.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nuke_matting.nets.resize import bilinear

RATES = (3, 6, 9)


class ASPP(nn.Module):
    """[B, inputs, h, w] -> [B, outputs, h, w]: 1x1, three dilated 3x3 and the mean, side by side, then 1x1."""

    def __init__(self, inputs: int, outputs: int = 256) -> None:
        super().__init__()
        whole = nn.Sequential(nn.AdaptiveAvgPool2d(1), *_block(inputs, outputs, 1))
        spread = [_block(inputs, outputs, 3, rate) for rate in RATES]
        self.convs = nn.ModuleList([_block(inputs, outputs, 1), *spread, whole])
        self.project = nn.Sequential(*_block((len(RATES) + 2) * outputs, outputs, 1), nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        seen = [conv(x) for conv in self.convs]
        seen[-1] = bilinear(seen[-1], x.shape[2], x.shape[3])
        return self.project(torch.cat(seen, dim=1))


def _block(inputs: int, outputs: int, kernel: int, rate: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2 * rate, dilation=rate, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))
