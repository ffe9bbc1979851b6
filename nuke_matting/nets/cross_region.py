"""Cross region attention: every region looks at its nearest ones before it is drawn.

After Zhong and Zharkov, "Lightweight Portrait Matting via Regional Attention and Refinement" (WACV 2024): a pre-norm
transformer over a region and its 8 nearest, with a learned bias for each head and relative position in a 7x7 table,
everything further away sharing one entry.

`CrossRegionSequence` is theirs to the letter: each region's sequence has its own first layer. `CrossRegionAttention`,
which `two_stage` has, updates all regions at once in each layer: a ninth of the work, and the second layer sees
neighbours of neighbours.
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
        """[N, inputs], [N, 3] as in `regions.choose`, [N, K] as in `regions.nearest` -> [N, inputs]."""
        offset = bias_entry(regions[near][..., 1:] - regions[:, None, 1:])
        tokens = self.enter(vectors)
        for norm1, attention, norm2, mlp in zip(self.norm1, self.attention, self.norm2, self.mlp):  # noqa: B905, for TorchScript
            tokens = tokens + attention(norm1(tokens), near, offset)
            tokens = tokens + mlp(norm2(tokens))
        return self.leave(tokens)


class SequenceLayer(nn.Module):
    """Attention and a two-layer perceptron, each after a layer norm and around an identity, over many sequences."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (width // heads) ** -0.5
        self.norm1 = nn.LayerNorm(width)
        self.q = nn.Linear(width, width, bias=False)
        self.kv = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width)
        self.bias = nn.Parameter(torch.zeros(TABLE, heads))
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, tokens: Tensor, offset: Tensor) -> Tensor:
        """[N, S, width] tokens, [N, Q, S] entries of the bias table -> [N, Q, width]: the first Q tokens anew."""
        n, count = offset.shape[:2]
        asking, normed = tokens[:, :count], self.norm1(tokens)
        q = self.q(normed[:, :count]).view(n, count, self.heads, -1)
        k, v = self.kv(normed).view(n, tokens.shape[1], 2, self.heads, -1).unbind(2)
        logits = torch.einsum("nqhd,nshd->nqsh", q, k) * self.scale + self.bias[offset]
        read = torch.einsum("nqsh,nshd->nqhd", torch.softmax(logits, dim=2), v)
        x = asking + self.out(read.reshape(asking.shape))
        return x + self.mlp(self.norm2(x))


class CrossRegionSequence(nn.Module):
    """[N, inputs] region vectors -> [N, inputs], to be added to the regions' deepest features."""

    def __init__(self, inputs: int, width: int = 128, depth: int = 2, heads: int = 8) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, width)
        self.layers = nn.ModuleList(SequenceLayer(width, heads) for _ in range(depth))
        self.leave = nn.Linear(width, inputs)

    def forward(self, vectors: Tensor, regions: Tensor, near: Tensor, batch: int = 1024) -> Tensor:
        """[N, inputs], [N, 3] as in `regions.choose`, [N, K] as in `regions.nearest` -> [N, inputs].

        batch : sequences at once; it bounds the memory.
        """
        tokens = self.enter(vectors)
        return torch.cat([self._sequences(tokens, regions, part) for part in near.split(batch)])

    def _sequences(self, tokens: Tensor, regions: Tensor, near: Tensor) -> Tensor:
        sequences, place = tokens[near], regions[near][..., 1:]
        offset = bias_entry(place[:, None] - place[:, :, None])
        *before, last = self.layers
        for layer in before:
            sequences = layer(sequences, offset)
        return self.leave(last(sequences, offset[:, :1])[:, 0])  # what the region itself has learnt


def bias_entry(step: Tensor, reach: int = REACH) -> Tensor:
    """Which entry of the bias table serves each step from one region to another, in cells: [..., 2] -> [...]."""
    inside, side = (step.abs() <= reach).all(-1), 2 * reach + 1
    entry = (step[..., 0] + reach) * side + step[..., 1] + reach
    return torch.where(inside, entry, torch.full_like(entry, side * side))
