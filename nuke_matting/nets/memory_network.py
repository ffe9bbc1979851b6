"""The `memory` network: Song, "Attention-based Memory video portrait matting" (arXiv 2203.06890).

small frame --> MobileNetV3-Large --> LR-ASPP --> memory of two other frames --> up-sampling blocks --> output block
small matte + full-size frame --> deep guided filter --> full-size matte

The paper leaves the widths open. These give its numbers, 3.89 M parameters and 9.69 GMACs at 512x512: 192 channels at
1/16 (so keys of 24 and values of 96, by 3x3 convolutions), up-sampling blocks of 80, 40 and 32, 16 at full size. Its
"direct supervision" of what the memory gives needs heads in training alone; they belong to the trainer.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from nuke_matting.nets.guided_filter import DeepGuidedFilter
from nuke_matting.nets.lraspp import LRASPP
from nuke_matting.nets.memory import KeyValue, Memory
from nuke_matting.nets.mobilenetv3 import CHANNELS, MobileNetV3
from nuke_matting.nets.upsampling import UpsamplingDecoder

WIDTH = 192  # C of the paper
HIDDEN = 16  # channels at full size


class Features(NamedTuple):
    """All that is ever needed of a frame.

    image : the small frame itself, [B, 3, h, w].
    f2, f4, f8 : the encoder's features at 1/2, 1/4 and 1/8 of it.
    memory : the key and value that its followers read too.
    """

    image: Tensor
    f2: Tensor
    f4: Tensor
    f8: Tensor
    memory: KeyValue


class Small(NamedTuple):
    """The answer at the small size: unbounded alpha [B, 1, h, w], foreground residual [B, 3, h, w], hidden features.

    foreground = image + residual, in the model space.
    """

    alpha: Tensor
    residual: Tensor
    hidden: Tensor


class MemoryNetwork(nn.Module):
    """Video matting with a memory of two named frames. Images are in the model space, about [0, 1].

    The paper clamps the foreground to [0, 1]; here neither it nor the alpha is, so that highlights survive and training
    can see what is out of range.
    """

    def __init__(self) -> None:
        super().__init__()
        *skips, deepest = CHANNELS
        self.backbone = MobileNetV3()
        self.aspp = LRASPP(deepest, WIDTH)
        self.memory = Memory(WIDTH)
        self.decoder = UpsamplingDecoder(WIDTH, skips, channels=(80, 40, 32), hidden=HIDDEN)
        self.project = nn.Conv2d(HIDDEN, 3 + 1, 1)
        self.guided_filter = DeepGuidedFilter(HIDDEN)

    def encode(self, image: Tensor) -> Features:
        """[B, 3, h, w], h and w multiples of 16 -> Features."""
        f2, f4, f8, f16 = self.backbone(image)
        return Features(image, f2, f4, f8, self.memory.remember(self.aspp(f16)))

    def read(self, frame: Features, memory: list[KeyValue]) -> Tensor:
        """What the memory gives, [B, 192, h/16, w/16]; training supervises it directly (equation 8).

        memory : of two frames, the same one twice where there are no two yet.
        """
        return self.memory(frame.memory, memory)

    def decode(self, frame: Features, f16: Tensor) -> Small:
        """A frame's features and what `read` gave for it -> the matte at the small size."""
        hidden = self.decoder(f16, frame.f8, frame.f4, frame.f2, frame.image)
        residual, alpha = self.project(hidden).split([3, 1], dim=1)
        return Small(alpha, residual, hidden)

    def enlarge(self, image: Tensor, frame: Features, small: Small) -> tuple[Tensor, Tensor]:
        """Alpha [B, 1, H, W] and residual [B, 3, H, W] for the full-size image [B, 3, H, W].

        Where that has the small frame's size, the small answer is the answer.
        """
        if image.shape == frame.image.shape:
            return small.alpha, small.residual
        return self.guided_filter(image, frame.image, small.alpha, small.residual, small.hidden)
