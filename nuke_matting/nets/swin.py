"""Swin-T as an encoder of four scales, for a frame of any size.

Liu et al., "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows" (2021). Patches are 16 pixels a
side, as Zhong and Zharkov have them ("Lightweight Portrait Matting via Regional Attention and Refinement", WACV 2024):
tokens lower the resolution, and no pixel is lost before them.

A frame is padded to whole patches alone. Windows that hang over the token grid leave what is outside out of their
attention, so that a frame costs what its own tokens cost.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nuke_matting.nets.resize import pad_to_multiple

WINDOW = 7  # tokens a side
DEPTHS = (2, 2, 6, 2)
HEADS = (3, 6, 12, 24)


class Swin(nn.Module):
    """[B, 3, H, W] -> features at 1/16, 1/32, 1/64 and 1/128, sides rounded up, with `width` x 1, 2, 4, 8 channels."""

    def __init__(self, width: int = 96, patch: int = 16) -> None:
        super().__init__()
        self.patch = patch
        self.embed = nn.Conv2d(3, width, patch, patch)
        self.norm = nn.LayerNorm(width)
        self.stages = nn.ModuleList(
            nn.Sequential(*(SwinBlock(width << level, heads, shifted=index % 2 == 1) for index in range(depth)))
            for level, (depth, heads) in enumerate(zip(DEPTHS, HEADS, strict=True))
        )
        self.merges = nn.ModuleList(PatchMerging(width << level) for level in range(len(DEPTHS) - 1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x = self.norm(self.embed(pad_to_multiple(image, self.patch)).permute(0, 2, 3, 1))
        features = []
        for level, stage in enumerate(self.stages):
            x = stage(x if level == 0 else self.merges[level - 1](x))
            features.append(x.permute(0, 3, 1, 2))
        f16, f32, f64, f128 = features
        return f16, f32, f64, f128


class SwinBlock(nn.Module):
    """Attention within windows and a two-layer perceptron, each after a layer norm and around an identity.

    [B, h, w, width] -> [B, h, w, width].
    """

    def __init__(self, width: int, heads: int, shifted: bool) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = WindowAttention(width, heads, shifted)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class WindowAttention(nn.Module):
    """Multi-head attention within windows of 7x7 tokens, with a learned bias for each head and relative position.

    shifted : the windows lie half a window further right and down, so that borders of one block are inside of the next.
    """

    entries: Tensor

    def __init__(self, width: int, heads: int, shifted: bool) -> None:
        super().__init__()
        self.heads, self.shifted = heads, shifted
        self.scale = (width // heads) ** -0.5
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.bias = nn.Parameter(torch.zeros((2 * WINDOW - 1) ** 2, heads))
        nn.init.trunc_normal_(self.bias, std=0.02)
        self.register_buffer("entries", _relative_entries(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, h, w, width] -> [B, h, w, width]."""
        b, h, w, width = x.shape
        rows, columns = -(-h // WINDOW), -(-w // WINDOW)
        shift = tuple(WINDOW // 2 if self.shifted and count > 1 else 0 for count in (rows, columns))
        x = F.pad(self.qkv(x), (0, 0, 0, columns * WINDOW - w, 0, rows * WINDOW - h))
        x = x.roll((-shift[0], -shift[1]), (1, 2)).view(b, rows, WINDOW, columns, WINDOW, 3 * width).transpose(2, 3)
        q, k, v = x.reshape(b, rows * columns, WINDOW**2, 3, self.heads, -1).permute(3, 0, 1, 4, 2, 5)
        logits = (q * self.scale) @ k.transpose(-2, -1) + self.bias[self.entries].permute(2, 0, 1)
        if any(shift) or (h, w) != (rows * WINDOW, columns * WINDOW):
            logits = logits.masked_fill(~_may_meet(h, w, shift, x.device)[:, None], -torch.inf)
        x = (torch.softmax(logits, dim=-1) @ v).transpose(2, 3).reshape(b, rows, columns, WINDOW, WINDOW, width)
        x = x.transpose(2, 3).reshape(b, rows * WINDOW, columns * WINDOW, width).roll(shift, (1, 2))
        return self.out(x[:, :h, :w])


class PatchMerging(nn.Module):
    """Four neighbouring tokens become one of twice their width: [B, h, w, C] -> [B, ceil(h/2), ceil(w/2), 2C].

    Where a side is odd, its last tokens are repeated.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduce = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = pad_to_multiple(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
        parts = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.reduce(self.norm(torch.cat(parts, dim=-1)))


def _relative_entries() -> Tensor:
    """Which entry of the bias table serves each pair of a window's tokens: [49, 49]."""
    place = torch.arange(WINDOW**2)
    row, column = place // WINDOW, place % WINDOW
    down, right = (axis[:, None] - axis[None, :] + WINDOW - 1 for axis in (row, column))
    return down * (2 * WINDOW - 1) + right


def _may_meet(h: int, w: int, shift: tuple[int, ...], device: torch.device) -> Tensor:
    """Whether tokens of a window may attend to each other: [windows, 49, 49], windows in raster order.

    Not those that a roll brought together from two ends of the grid, and not the padding with what is no padding.
    """
    kinds = []
    for side, by in zip((h, w), shift, strict=True):
        padded = -(-side // WINDOW) * WINDOW
        place = torch.arange(padded, device=device)
        came_from = (place + by) % padded
        kinds.append(torch.where(came_from < side, (place + by >= padded).long(), 2))
    kind = torch.where((kinds[0][:, None] == 2) | (kinds[1] == 2), 9, kinds[0][:, None] * 2 + kinds[1])
    rows, columns = kind.shape[0] // WINDOW, kind.shape[1] // WINDOW
    kind = kind.view(rows, WINDOW, columns, WINDOW).transpose(1, 2).reshape(rows * columns, WINDOW**2)
    return kind[:, :, None] == kind[:, None, :]
