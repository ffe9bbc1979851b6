"""The coarse stage's encoder: a convolutional stem down to 16x16-pixel tokens, then transformer blocks over them.

The blocks are the pre-norm ones of Dosovitskiy et al., "An Image is Worth 16x16 Words" (2021). A convolutional stem in
place of one big patch projection (Xiao et al., "Early Convolutions Help Transformers See Better", 2021) learns from
little data and hands fine features to the decoder. Position comes from a depth-wise convolution over the token grid
(Chu et al., "Conditional Positional Encodings", 2021), so that any frame size works.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from nuke_matting.nets.blocks import ResidualBlock, conv_block


class Stem(nn.Module):
    """Features at 1/2, 1/4 and 1/8 of the frame, and tokens at 1/16."""

    def __init__(self, inputs: int, channels: tuple[int, int, int], width: int) -> None:
        super().__init__()
        c2, c4, c8 = channels
        self.to2 = conv_block(inputs, c2, stride=2)
        self.to4 = nn.Sequential(conv_block(c2, c4, stride=2), ResidualBlock(c4))
        self.to8 = nn.Sequential(conv_block(c4, c8, stride=2), ResidualBlock(c8))
        self.to16 = nn.Sequential(conv_block(c8, c8 * 2, stride=2), nn.Conv2d(c8 * 2, width, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """[B, inputs, H, W] -> [B, c2, H/2, W/2], [B, c4, H/4, W/4], [B, c8, H/8, W/8], [B, width, H/16, W/16]."""
        f2 = self.to2(x)
        f4 = self.to4(f2)
        f8 = self.to8(f4)
        return f2, f4, f8, self.to16(f8)


class Attention(nn.Module):
    """Multi-head self-attention: [B, N, width] -> [B, N, width]."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        b, n, width = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        x = F.scaled_dot_product_attention(q, k, v)
        return self.out(x.transpose(1, 2).reshape(b, n, width))


class Block(nn.Module):
    """Attention and a two-layer perceptron, each after a layer norm and around an identity."""

    def __init__(self, width: int, heads: int, expansion: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, width * expansion), nn.GELU(), nn.Linear(width * expansion, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """Blocks over a token grid of any size: [B, width, h, w] -> [B, width, h, w]."""

    def __init__(self, width: int, depth: int, heads: int, expansion: int) -> None:
        super().__init__()
        self.position = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.blocks = nn.ModuleList(Block(width, heads, expansion) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.position(x)
        tokens = x.flatten(2).transpose(1, 2)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens).transpose(1, 2).reshape(x.shape)
