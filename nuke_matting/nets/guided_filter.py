"""The deep guided filter: takes a small frame's matte to full size, along the full-size frame's own edges.

Wu et al., "Fast End-to-End Trainable Guided Filter" (2018); the hidden features as in Lin et al., "Robust
High-Resolution Video Matting with Temporal Guidance" (2022). Each output is a line A x + b of the image, per pixel and
channel; A comes from a small network over the small frame's local statistics, b makes the local means fit.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nuke_matting.nets.blocks import conv_block
from nuke_matting.nets.resize import bilinear, box_mean

CHANNELS = 4  # the image's three guide the foreground residual's three; their mean guides the alpha


class DeepGuidedFilter(nn.Module):
    """Alpha and foreground residual at full size from those of a small frame, over 3x3 boxes."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.slope = nn.Sequential(
            conv_block(2 * CHANNELS + hidden, hidden, kernel=1),
            conv_block(hidden, hidden, kernel=1),
            nn.Conv2d(hidden, CHANNELS, 1),
        )

    def forward(
        self, image: Tensor, small: Tensor, alpha: Tensor, residual: Tensor, hidden: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Alpha [B, 1, H, W] and residual [B, 3, H, W], unbounded.

        image : [B, 3, H, W].
        small : the image at the small size, [B, 3, h, w].
        alpha, residual, hidden : the network's for the small image, [B, 1, h, w], [B, 3, h, w], [B, hidden, h, w].
        """
        guide, values = _guide(small.float()), torch.cat([residual, alpha], dim=1).float()
        # variances are differences of near numbers: never in half precision
        mean_x, mean_y = box_mean(guide), box_mean(values)
        covariance = box_mean(guide * values) - mean_x * mean_y
        variance = box_mean(guide * guide) - mean_x * mean_x
        slope = self.slope(torch.cat([covariance, variance, hidden.float()], dim=1)).float()
        offset = mean_y - slope * mean_x
        height, width = image.shape[2], image.shape[3]
        out = bilinear(slope, height, width) * _guide(image.float()) + bilinear(offset, height, width)
        return out[:, 3:], out[:, :3]


def _guide(image: Tensor) -> Tensor:
    """[B, 3, H, W] -> [B, 4, H, W]: with the three channels' mean."""
    return torch.cat([image, image.mean(1, keepdim=True)], dim=1)
