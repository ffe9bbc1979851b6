"""Memory of named frames: attention over the features of other frames, never a state that is rolled forward.

Song, "Attention-based Memory video portrait matting" (arXiv 2203.06890), section 3.2. Here the memory may hold any
number of frames of any size; the paper's holds two.

This module's annotations are not postponed: TorchScript cannot read those of a NamedTuple otherwise.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nuke_matting.nets.resize import area


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


class KeyMatte(nn.Module):
    """Lets the followers of a frame whose matte is known read that matte: it is added to the frame's value.

    Not in the paper, whose memory holds features alone. Known mattes are those of key frames, corrected by an artist.
    """

    def __init__(self, channels: int, cells: int = 4) -> None:
        super().__init__()
        self.cells = cells  # a token is told the means of cells x cells parts of it
        self.embed = nn.Conv2d(cells**2, channels, 1)  # zero until trained: tells nothing
        nn.init.zeros_(self.embed.weight)
        if self.embed.bias is not None:
            nn.init.zeros_(self.embed.bias)

    def forward(self, own: KeyValue, alpha: Tensor) -> KeyValue:
        """A frame's key and value, and its matte [B, 1, H, W] of any size, in [0, 1]."""
        rows, columns = own.value.shape[2] * self.cells, own.value.shape[3] * self.cells
        told = self.embed(F.pixel_unshuffle(area(alpha, rows, columns) - 0.5, self.cells))
        return KeyValue(own.key, own.value + told.to(own.value.dtype))
