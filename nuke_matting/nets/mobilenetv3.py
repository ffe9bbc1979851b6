"""MobileNetV3-Large as an encoder of four scales, its last stage dilated so that it stays at 1/16.

Howard et al., "Searching for MobileNetV3" (2019), table 1. The dilation in place of the last stride is that of Chen et
al., "Rethinking Atrous Convolution for Semantic Image Segmentation" (2017).
"""

from __future__ import annotations

from torch import Tensor, nn

from nuke_matting.nets.imagenet import Normalise

CHANNELS = (16, 24, 40, 960)  # of the features at 1/2, 1/4, 1/8 and 1/16

# kernel, expansion, outputs, squeeze and excitation, hard swish, stride, dilation
_BLOCKS = (
    (3, 16, 16, False, False, 1, 1),
    (3, 64, 24, False, False, 2, 1),
    (3, 72, 24, False, False, 1, 1),
    (5, 72, 40, True, False, 2, 1),
    (5, 120, 40, True, False, 1, 1),
    (5, 120, 40, True, False, 1, 1),
    (3, 240, 80, False, True, 2, 1),
    (3, 200, 80, False, True, 1, 1),
    (3, 184, 80, False, True, 1, 1),
    (3, 184, 80, False, True, 1, 1),
    (3, 480, 112, True, True, 1, 1),
    (3, 672, 112, True, True, 1, 1),
    (5, 672, 160, True, True, 1, 2),
    (5, 960, 160, True, True, 1, 2),
    (5, 960, 160, True, True, 1, 2),
)
_TAPS = (0, 2, 5)  # the last blocks at 1/2, 1/4 and 1/8


class MobileNetV3(nn.Module):
    """[B, 3, H, W] in [0, 1] -> [B, 16, H/2, W/2], [B, 24, H/4, W/4], [B, 40, H/8, W/8], [B, 960, H/16, W/16].

    Sides that are no multiples of 16 round up at each scale.
    """

    def __init__(self) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.stem = _conv(3, 16, 3, stride=2, activation=nn.Hardswish)
        inputs, blocks = 16, []
        for kernel, expansion, outputs, squeeze, swish, stride, dilation in _BLOCKS:
            blocks.append(InvertedResidual(inputs, kernel, expansion, outputs, squeeze, swish, stride, dilation))
            inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        self.last = _conv(inputs, CHANNELS[-1], 1, activation=nn.Hardswish)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x = self.stem(self.normalise(image))
        features = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in _TAPS:
                features.append(x)
        f2, f4, f8 = features
        return f2, f4, f8, self.last(x)


class InvertedResidual(nn.Module):
    """Widens by 1x1, filters each channel, weighs the channels, narrows by 1x1; around an identity where shapes allow.

    [B, inputs, H, W] -> [B, outputs, ceil(H/stride), ceil(W/stride)].
    """

    def __init__(
        self,
        inputs: int,
        kernel: int,
        expansion: int,
        outputs: int,
        squeeze: bool,
        swish: bool,
        stride: int,
        dilation: int,
    ) -> None:
        super().__init__()
        activation = nn.Hardswish if swish else nn.ReLU
        self.identity = stride == 1 and inputs == outputs
        parts = [] if expansion == inputs else [_conv(inputs, expansion, 1, activation=activation)]
        parts.append(_conv(expansion, expansion, kernel, stride, dilation, groups=expansion, activation=activation))
        if squeeze:
            parts.append(SqueezeExcitation(expansion))
        self.body = nn.Sequential(*parts, _conv(expansion, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.identity else self.body(x)


class SqueezeExcitation(nn.Module):
    """Weighs each channel by what all channels' averages say: [B, C, H, W] -> [B, C, H, W]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = _multiple_of_8(channels / 4)
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.excite = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        average = x.mean((2, 3), keepdim=True)
        return x * nn.functional.hardsigmoid(self.excite(self.squeeze(average).relu()))


def _multiple_of_8(width: float) -> int:
    """The nearest multiple of 8, but never a tenth less than asked for."""
    near = max(8, int(width + 4) // 8 * 8)
    return near if near >= 0.9 * width else near + 8


def _conv(
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = None,
) -> nn.Module:
    """Convolution, batch norm, and the activation if one."""
    padding = (kernel - 1) // 2 * dilation
    parts: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01),
    ]
    if activation is not None:
        parts.append(activation(inplace=True))
    return nn.Sequential(*parts)
