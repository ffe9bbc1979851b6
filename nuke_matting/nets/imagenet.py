"""ImageNet's statistics, by which encoders made for it want their images normalised."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Normalise(nn.Module):
    """[B, 3, H, W] in [0, 1] -> [B, 3, H, W] of about zero mean and unit deviation."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        return (image - self.mean) / self.std
