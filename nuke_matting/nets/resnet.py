"""ResNet-50 and ResNet-101 as encoders of five scales, their last stage dilated so that it stays at 1/16.

He et al., "Deep Residual Learning for Image Recognition" (2015), table 1, with the stride of a stage in its first
block's 3x3 convolution. Modules are named as in the checkpoints of Lin et al., "Real-Time High-Resolution Background
Matting" (2021), which are loaded by name.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}  # by the number of layers
_EXPANSION = 4


class ResNet(nn.Module):
    """[B, C, H, W] -> itself, then features of 64, 256, 512 and 2048 channels at 1/2, 1/4, 1/8 and 1/16."""

    skips = (6, 64, 256, 512)  # channels of what it hands to a decoder, the input of six channels first
    outputs = 2048

    def __init__(self, layers: int, inputs: int = 6) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        one, two, three, four = BLOCKS[layers]
        self.layer1 = _stage(64, 64, one)
        self.layer2 = _stage(256, 128, two, stride=2)
        self.layer3 = _stage(512, 256, three, stride=2)
        self.layer4 = _stage(1024, 512, four, dilation=2)

    def forward(self, x: Tensor) -> list[Tensor]:
        x2 = F.relu(self.bn1(self.conv1(x)))
        x4 = self.layer1(F.max_pool2d(x2, 3, stride=2, padding=1))
        x8 = self.layer2(x4)
        return [x, x2, x4, x8, self.layer4(self.layer3(x8))]


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions around an identity: [B, inputs, H, W] -> [B, 4 width, H/stride, W/stride]."""

    def __init__(self, inputs: int, width: int, stride: int, dilation: int) -> None:
        super().__init__()
        outputs = width * _EXPANSION
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if inputs != outputs or stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        own = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)) + own)


def _stage(inputs: int, width: int, count: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """`count` blocks; a stride is the first one's, a dilation that of those after it."""
    rest = [Bottleneck(width * _EXPANSION, width, 1, dilation) for _ in range(count - 1)]
    return nn.Sequential(Bottleneck(inputs, width, stride, 1), *rest)
