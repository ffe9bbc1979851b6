"""Memory of named frames: attention over the features of other frames, never a state that is rolled forward.

Song, "Attention-based Memory video portrait matting" (arXiv 2203.06890), section 3.2. Here the memory may hold any
number of frames of any size; the paper's holds two.

This module's annotations are not postponed: TorchScript cannot read those of a NamedTuple otherwise.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn


class KeyValue(NamedTuple):
    """What a frame offers to its followers: key [B, C/8, h, w] and value [B, C/2, h, w]."""

    key: Tensor
    value: Tensor


class Memory(nn.Module):
    """Reads, for every position of a frame, from all positions of the memory's frames.

    Equation 2 with the usual reading: softmax over the positions of all memory frames together, scaled by
    1 / sqrt(C/8). Equation 3: what was read and the frame's own value, concatenated, take the place of its feature.
    Keys and values are shared between the two roles of a frame.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.to_key = nn.Sequential(nn.Conv2d(channels, channels // 8, 3, padding=1), nn.ReLU())
        self.to_value = nn.Sequential(nn.Conv2d(channels, channels // 2, 3, padding=1), nn.ReLU())

    def remember(self, feature: Tensor) -> KeyValue:
        """[B, C, h, w] -> the frame's key and value."""
        return KeyValue(self.to_key(feature), self.to_value(feature))

    def forward(self, query: KeyValue, memory: list[KeyValue]) -> Tensor:
        """The frame's own key and value, and those of one or more frames to read from -> [B, C, h, w]."""
        keys = torch.cat([each.key.flatten(2) for each in memory], dim=2)
        values = torch.cat([each.value.flatten(2) for each in memory], dim=2)
        scale = 1.0 / math.sqrt(query.key.shape[1])
        weights = torch.softmax(query.key.flatten(2).transpose(1, 2) @ keys * scale, dim=2)
        read = (weights @ values.transpose(1, 2)).transpose(1, 2)
        return torch.cat([read.reshape(query.value.shape), query.value], dim=1)
