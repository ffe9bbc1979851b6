"""The model space of `model_space`, for tensors, on any device; TorchScript reads it."""

from __future__ import annotations

import torch
from torch import Tensor

from nuke_matting.colour.model_space import KNEE, SOFTNESS


def to_model(linear: Tensor, knee: float = KNEE, softness: float = SOFTNESS) -> Tensor:
    """Scene-linear Rec.709 -> model space, as `colour.model_space.to_model`."""
    above = linear.clamp(min=knee) - knee
    rolled = linear.clamp(max=knee) + softness * torch.log1p(above / softness)
    size = rolled.abs()
    curved = torch.where(size <= 0.0031308, size * 12.92, 1.055 * size.clamp(min=0.0031308).pow(1 / 2.4) - 0.055)
    return torch.copysign(curved, rolled)


def from_model(model: Tensor, knee: float = KNEE, softness: float = SOFTNESS) -> Tensor:
    """Model space -> scene-linear Rec.709, as `colour.model_space.from_model`."""
    size = model.abs()
    linear = torch.where(size <= 0.04045, size / 12.92, ((size.clamp(min=0.04045) + 0.055) / 1.055).pow(2.4))
    rolled = torch.copysign(linear, model)
    above = rolled.clamp(min=knee) - knee
    return rolled.clamp(max=knee) + softness * torch.expm1(above / softness)
