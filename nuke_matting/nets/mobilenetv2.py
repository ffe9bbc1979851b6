"""MobileNetV2 as an encoder of five scales, its last stage dilated so that it stays at 1/16.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (2018), table 2. Modules are named as in the
checkpoints of Lin et al., "Real-Time High-Resolution Background Matting" (2021), which are loaded by name.
"""

from __future__ import annotations

from torch import Tensor, nn

# expansion, outputs, blocks, stride of the first, dilation of those after it
_STAGES = (
    (1, 16, 1, 1, 1),
    (6, 24, 2, 2, 1),
    (6, 32, 3, 2, 1),
    (6, 64, 4, 2, 1),
    (6, 96, 3, 1, 1),
    (6, 160, 3, 1, 2),  # dilated in place of a stride of 2
    (6, 320, 1, 1, 2),
)
_TAPS = (1, 3, 6)  # the last blocks at 1/2, 1/4 and 1/8


class MobileNetV2(nn.Module):
    """[B, C, H, W] -> itself, then features of 16, 24, 32 and 320 channels at 1/2, 1/4, 1/8 and 1/16."""

    skips = (6, 16, 24, 32)  # channels of what it hands to a decoder, the input of six channels first
    outputs = 320

    def __init__(self, inputs: int = 6) -> None:
        super().__init__()
        features: list[nn.Module] = [_conv(inputs, 32, 3, stride=2)]
        width = 32
        for expansion, outputs, count, stride, dilation in _STAGES:
            for index in range(count):
                first = index == 0
                # the first block after a stage's place for a stride still sees undilated features
                spread = 1 if first and outputs == 160 else dilation
                features.append(InvertedResidual(width, expansion, outputs, stride if first else 1, spread))
                width = outputs
        self.features = nn.Sequential(*features)

    def forward(self, x: Tensor) -> list[Tensor]:
        scales = [x]
        for index, block in enumerate(self.features):
            x = block(x)
            if index in _TAPS:
                scales.append(x)
        return [*scales, x]


class InvertedResidual(nn.Module):
    """Widens by 1x1, filters each channel by 3x3, narrows by 1x1; around an identity where shapes allow.

    [B, inputs, H, W] -> [B, outputs, ceil(H/stride), ceil(W/stride)].
    """

    def __init__(self, inputs: int, expansion: int, outputs: int, stride: int, dilation: int) -> None:
        super().__init__()
        width = inputs * expansion
        layers: list[nn.Module] = [] if expansion == 1 else [_conv(inputs, width, 1)]
        layers += [
            _conv(width, width, 3, stride, dilation, groups=width),
            nn.Conv2d(width, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        self.conv = nn.Sequential(*layers)
        self.identity = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.identity else self.conv(x)


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch norm and ReLU6."""
    padding = kernel // 2 * dilation
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    )
