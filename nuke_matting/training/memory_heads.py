"""What only training needs of the `memory` network: heads that supervise it from within.

Song, "Attention-based Memory video portrait matting": section 5.2 supervises what the memory gives, at 1/16; section 5
trains a segmentation beside the matting.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from nuke_matting.nets.memory_network import HIDDEN, WIDTH
from nuke_matting.training.losses import l1


class MemoryHeads(nn.Module):
    """1x1 convolutions: alpha and foreground of what the memory gives, and a segmentation of the decoder's features."""

    def __init__(self) -> None:
        super().__init__()
        self.direct = nn.Conv2d(WIDTH, 1 + 3, 1)
        self.segment = nn.Conv2d(HIDDEN, 1, 1)

    def supervise(self, f16: Tensor, alpha: Tensor, foreground: Tensor) -> Tensor:
        """The direct supervision's loss, a number.

        f16 : [B, 192, h/16, w/16] as in `MemoryNetwork.read`.
        alpha, foreground : the true ones, [B, 1, h, w] and [B, 3, h, w], sides multiples of 16.
        """
        found = self.direct(f16).float()
        return direct_supervision(found[:, :1], found[:, 1:], alpha, foreground)

    def segmentation(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Cross entropy of the segmentation with a mask: [B, 16, h, w], [B, 1, h, w] in [0, 1] -> a number."""
        return F.binary_cross_entropy_with_logits(self.segment(hidden).float(), mask)


def direct_supervision(small_alpha: Tensor, small_foreground: Tensor, alpha: Tensor, foreground: Tensor) -> Tensor:
    """Song, equation 8: mean |a_lr - a'_lr| + mean |F_lr - F'_lr|, the true ones averaged to the small size."""
    height, width = small_alpha.shape[-2:]
    true_alpha, true_foreground = (F.adaptive_avg_pool2d(each, (height, width)) for each in (alpha, foreground))
    return l1(small_alpha, true_alpha) + l1(small_foreground, true_foreground)
