"""Background matting: what differs from a clean plate, coarse first, then in patches at full size.

Lin et al., "Real-Time High-Resolution Background Matting" (CVPR 2021). Their checkpoints fit by name and shape.

plate, clean plate --reduced--> encoder --> ASPP --> decoder --> alpha, foreground residual, error, hidden
                                                \\-> plate decoder --> the clean plate, where none is given (ours)
full-size plate and clean plate --> refiner, where the error is largest --> alpha, foreground residual

The plate decoder is not in the paper: it is taught the true background in training, and at work it gives what is then
taken for the clean plate, in a second pass.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nuke_matting.nets import regions as rg
from nuke_matting.nets.aspp import ASPP
from nuke_matting.nets.background_refiner import HIDDEN, PATCH, Refiner
from nuke_matting.nets.mobilenetv2 import MobileNetV2
from nuke_matting.nets.resize import bilinear, join
from nuke_matting.nets.resnet import ResNet

BASES = ("mobilenetv2", "resnet50", "resnet101")
LONG_SIDE = 480  # pixels of the first stage: a scale of 0.25 at HD and 0.125 at 4K, as its authors advise
LARGEST_SCALE = 0.5  # of the first stage; the refiner works at half size and at full
ABSENT = -1.0  # stands for a clean plate that is not there; no plate is as dark


class Coarse(NamedTuple):
    """The first stage's answer, at the reduced size.

    alpha : [B, 1, h, w] in [0, 1]; residual : [B, 3, h, w], foreground = image + residual.
    error : [B, 1, h, w] in [0, 1], how far off the alpha is thought to be; hidden : [B, 32, h, w], not negative.
    """

    alpha: Tensor
    residual: Tensor
    error: Tensor
    hidden: Tensor


class Decoder(nn.Module):
    """Bilinear to the next larger scale, concatenation with it, 3x3 convolution; four times."""

    def __init__(self, inputs: int, skips: tuple[int, ...], widths: tuple[int, int, int], outputs: int) -> None:
        super().__init__()
        c8, c4, c2 = widths
        s1, s2, s4, s8 = skips
        self.conv1 = nn.Conv2d(inputs + s8, c8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c8)
        self.conv2 = nn.Conv2d(c8 + s4, c4, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c4)
        self.conv3 = nn.Conv2d(c4 + s2, c2, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(c2)
        self.conv4 = nn.Conv2d(c2 + s1, outputs, 3, padding=1)

    def forward(self, deep: Tensor, scales: list[Tensor]) -> Tensor:
        """The deepest feature and the encoder's scales, largest first -> [B, outputs, H, W] of the largest."""
        x1, x2, x4, x8 = scales
        x = F.relu(self.bn1(self.conv1(join(deep, x8))))
        x = F.relu(self.bn2(self.conv2(join(x, x4))))
        x = F.relu(self.bn3(self.conv3(join(x, x2))))
        return self.conv4(join(x, x1))


class BackgroundNetwork(nn.Module):
    """Images are RGB of about [0, 1], as one sees them; alpha is coverage in [0, 1].

    base : one of BASES.
    predicts_plate : has the plate decoder, so that it works without a clean plate; the authors' networks have not.
    """

    def __init__(self, base: str = "mobilenetv2", predicts_plate: bool = False) -> None:
        super().__init__()
        self.backbone = MobileNetV2() if base == "mobilenetv2" else ResNet(int(base.removeprefix("resnet")))
        skips = self.backbone.skips
        self.aspp = ASPP(self.backbone.outputs)
        self.decoder = Decoder(256, skips, (128, 64, 48), 1 + 3 + 1 + HIDDEN)
        self.refiner = Refiner()
        self.plate_decoder = Decoder(256, skips, (64, 32, 16), 3) if predicts_plate else None

    def coarse(self, image: Tensor, clean: Tensor) -> Coarse:
        """The first stage on a reduced plate and clean plate, [B, 3, h, w] each."""
        *scales, deep = self.backbone(torch.cat([image, clean], dim=1))
        alpha, residual, error, hidden = self.decoder(self.aspp(deep), scales).split([1, 3, 1, HIDDEN], dim=1)
        return Coarse(alpha.clamp(0, 1), residual, error.clamp(0, 1), hidden.relu())

    def plate(self, image: Tensor) -> Tensor:
        """The clean plate of a reduced plate, guessed: [B, 3, h, w] -> the same. For networks that predict it."""
        assert self.plate_decoder is not None
        *scales, deep = self.backbone(torch.cat([image, torch.full_like(image, ABSENT)], dim=1))
        return image + self.plate_decoder(self.aspp(deep), scales)

    def refine(
        self, image: Tensor, clean: Tensor, coarse: Coarse, patches: Tensor | None, batch: int = 8192
    ) -> tuple[Tensor, Tensor]:
        """Full-size alpha [B, 1, H, W] in [0, 1] and foreground residual [B, 3, H, W].

        image, clean : [B, 3, H, W]; H and W are multiples of 4.
        patches : [N, 3] as in `choose`; None refines every pixel.
        batch : patches at once; it bounds the memory.
        """
        pair, said = torch.cat([image, clean], dim=1), torch.cat([coarse.alpha, coarse.residual], dim=1)
        if patches is None:
            out = self.refiner.everywhere(pair, said, coarse.hidden)
        else:
            out = self.refiner(pair, said, coarse.hidden, patches, batch)
        return out[:, :1].clamp(0, 1), out[:, 1:]


def coarse_scale(height: int, width: int) -> float:
    """What the first stage sees a full-size frame reduced by.

    >>> coarse_scale(1080, 1920), coarse_scale(100, 100)
    (0.25, 0.5)
    """
    return min(LARGEST_SCALE, LONG_SIDE / max(height, width))


def choose(error: Tensor, height: int, width: int, budget: int, threshold: float = 0.0) -> Tensor:
    """The patches of a full-size frame that are likeliest wrong: [N, 3] int64, frame, row, column.

    error : [B, 1, h, w] of the first stage.
    budget : most patches in a frame: the authors' mode `sampling`. As many as there are makes it `thresholding`.
    threshold : an error that patches must be above; 0 for `sampling`, 0.1 for `thresholding` with the authors.
    """
    return rg.choose(bilinear(error, height // PATCH, width // PATCH), budget, threshold)
