"""Lite reduced atrous spatial pyramid pooling: a segmentation head that knows the whole frame, at next to no cost.

Howard et al., "Searching for MobileNetV3" (2019), section 6.4, without the classifier at its end.
"""

from __future__ import annotations

from torch import Tensor, nn

from nuke_matting.nets.blocks import conv_block


class LRASPP(nn.Module):
    """A 1x1 block, each of its channels weighed by the frame's average: [B, inputs, h, w] -> [B, outputs, h, w]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.local = conv_block(inputs, outputs, kernel=1)
        self.whole = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.local(x) * self.whole(x.mean((2, 3), keepdim=True)).sigmoid()
