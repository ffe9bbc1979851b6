"""Cross region attention: every region looks at its nearest ones before it is drawn.

After Zhong and Zharkov, "Lightweight Portrait Matting via Regional Attention and Refinement" (WACV 2024): a pre-norm
transformer over a region and its 8 nearest, with a learned bias for each head and relative position in a 7x7 table,
everything further away sharing one entry. Unlike theirs, which runs the first layer anew for each region's sequence,
each layer here updates all regions at once: a ninth of the work, and the second layer sees neighbours of neighbours.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

REACH = 3  # cells in each direction that have a bias of their own
TABLE = (2 * REACH + 1) ** 2 + 1


class NeighbourAttention(nn.Module):
    """Attention of each region to itself and its neighbours."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (width // heads) ** -0.5
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.bias = nn.Parameter(torch.zeros(TABLE, heads))

    def forward(self, tokens: Tensor, near: Tensor, offset: Tensor) -> Tensor:
        """[N, width], [N, K] indices, [N, K] entries of the bias table -> [N, width]."""
        n, width = tokens.shape
        q, k, v = self.qkv(tokens).view(n, 3, self.heads, -1).unbind(1)
        logits = torch.einsum("nhd,nkhd->nkh", q, k[near]) * self.scale + self.bias[offset]
        read = torch.einsum("nkh,nkhd->nhd", torch.softmax(logits, dim=1), v[near])
        return self.out(read.reshape(n, width))


class CrossRegionAttention(nn.Module):
    """[N, inputs] region vectors -> [N, inputs], to be added to the regions' deepest features."""

    def __init__(self, inputs: int, width: int = 128, depth: int = 2, heads: int = 8) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, width)
        self.norm1 = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.attention = nn.ModuleList(NeighbourAttention(width, heads) for _ in range(depth))
        self.norm2 = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.mlp = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width)) for _ in range(depth)
        )
        self.leave = nn.Linear(width, inputs)

    def forward(self, vectors: Tensor, regions: Tensor, near: Tensor) -> Tensor:
        """[N, inputs], [N, 3] as of `regions.choose`, [N, K] as of `regions.nearest` -> [N, inputs]."""
        offset = bias_entry(regions, near)
        tokens = self.enter(vectors)
        for norm1, attention, norm2, mlp in zip(self.norm1, self.attention, self.norm2, self.mlp, strict=True):
            tokens = tokens + attention(norm1(tokens), near, offset)
            tokens = tokens + mlp(norm2(tokens))
        return self.leave(tokens)


def bias_entry(regions: Tensor, near: Tensor) -> Tensor:
    """Which entry of the bias table serves each neighbour: [N, 3], [N, K] -> [N, K]."""
    step = regions[near][..., 1:] - regions[:, None, 1:]
    inside = (step.abs() <= REACH).all(-1)
    entry = (step[..., 0] + REACH) * (2 * REACH + 1) + step[..., 1] + REACH
    return torch.where(inside, entry, torch.full_like(entry, TABLE - 1))
