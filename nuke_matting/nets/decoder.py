"""The coarse stage's decoder: from 1/16 up to the coarse frame's own size, with the stem's features on the way.

This module's annotations are not postponed: TorchScript cannot read those of a NamedTuple otherwise.
"""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from nuke_matting.nets.blocks import conv_block
from nuke_matting.nets.resize import join


class Coarse(NamedTuple):
    """The coarse stage's answer, at the coarse frame's size but for `hidden`.

    alpha : [B, 1, h, w], unbounded; clamp it to [0, 1].
    residual : [B, 3, h, w]; foreground = image + residual, in the model space.
    error : [B, 1, h, w], logit of "the alpha is wrong here".
    hidden : [B, C, h/2, w/2], features for the region stage.
    """

    alpha: Tensor
    residual: Tensor
    error: Tensor
    hidden: Tensor


SHUFFLED = 4  # values of the heads for each half-size position: a 2x2 block of the full-size map


class Decoder(nn.Module):
    """Bilinear x2, concatenation with the stem's feature of that size and one 3x3 block, three times; then heads.

    The heads, of which alpha is the first, give four values for each half-size position, which depth-to-space makes a
    full-size map (Zhong and Zharkov, "Lightweight Portrait Matting via Regional Attention and Refinement", WACV 2024,
    do the same at 1/16).
    """

    def __init__(self, width: int, stem: tuple[int, int, int], channels: tuple[int, int, int]) -> None:
        super().__init__()
        (s2, s4, s8), (c8, c4, c2) = stem, channels
        self.reduce = nn.Conv2d(width, s8, 1)
        self.to8 = conv_block(2 * s8, c8)
        self.to4 = conv_block(c8 + s4, c4)
        self.to2 = conv_block(c4 + s2, c2)
        self.head = nn.Conv2d(c2, 5 * SHUFFLED, 1)

    def forward(self, f16: Tensor, f8: Tensor, f4: Tensor, f2: Tensor) -> Coarse:
        """[B, width, h/16, w/16] and the stem's three features -> Coarse."""
        x = self.to8(join(self.reduce(f16), f8))
        x = self.to4(join(x, f4))
        hidden = self.to2(join(x, f2))
        alpha, residual, error = F.pixel_shuffle(self.head(hidden), 2).split([1, 3, 1], dim=1)
        return Coarse(alpha, residual, error, hidden)
