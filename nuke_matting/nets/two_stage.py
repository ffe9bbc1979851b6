"""The default network: coarse ViT with frame memory, then regions at full size with cross region attention.

image, clean plate, guide --reduced--> stem --> ViT --> memory (t-1, t+1, ...) --> decoder --> coarse
coarse + mattes of other frames (`spread`) --> coarse
coarse + image at full size --> regions --> refiner --> alpha, foreground

All of it can be scripted by TorchScript, for `export`; hence annotations that are not postponed (it cannot read those
of a NamedTuple else), plain `zip`, and no constants of a module within functions.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nuke_matting.nets import cues
from nuke_matting.nets import regions as rg
from nuke_matting.nets.decoder import Coarse, Decoder
from nuke_matting.nets.enlarge import enlarge
from nuke_matting.nets.memory import KeyValue, Memory
from nuke_matting.nets.refiner import RegionRefiner
from nuke_matting.nets.resize import bilinear
from nuke_matting.nets.vit import Stem, VisionTransformer

INPUTS = 9  # image 3, clean plate 3, clean plate given 1, guide 1, guide given 1
CUES = 5  # `cues.distance` 1, `cues.likeness` 1, `cues.traces` 3
OWN = 0.5  # in the guide's "given" channel, where the guide is what the first network made of the frame
STRIDE = 16  # the coarse frame's sides are multiples of it


class Features(NamedTuple):
    """What the decoder needs of a frame: its stem features, and the key and value that its followers read too."""

    f2: Tensor
    f4: Tensor
    f8: Tensor
    memory: KeyValue


class TwoStage(nn.Module):
    """Two-stage matting with a memory of named frames.

    Images are in the model space (about [0, 1]), alpha and guide are coverage in [0, 1]. An absent clean plate or
    guide is zeros, with zeros in its "given" channel (see `stack`).
    """

    def __init__(self) -> None:
        super().__init__()
        stem, width = (24, 48, 96), 192
        self.stem = Stem(INPUTS + CUES, stem, width)
        self.vit = VisionTransformer(width, depth=6, heads=6, expansion=3)
        self.memory = Memory(width)
        self.decoder = Decoder(width, stem, channels=(64, 48, 32))
        self.refiner = RegionRefiner(inputs=3 + 4 + 4 + 1, hidden=32)

    def encode(self, x: Tensor) -> Features:
        """[B, 9, h, w] coarse input, h and w multiples of 16 -> Features.

        The stem sees CUES more, each 0 where there is no clean plate, or no guide, that it could be of.
        """
        image, clean, guide = x[:, :3], x[:, 3:6], x[:, 7:8]
        far = cues.distance(image, clean) * x[:, 6:7]
        like = torch.zeros_like(far)
        guided = x[:, 8, 0, 0].nonzero()[:, 0]
        if len(guided) > 0:
            like[guided] = cues.likeness(image[guided], guide[guided]).to(like.dtype)
        traces = torch.zeros_like(image)
        kept = x[:, 6, 0, 0].nonzero()[:, 0]
        if len(kept) > 0:
            traces[kept] = cues.traces(image[kept], clean[kept]).to(traces.dtype)
        f2, f4, f8, f16 = self.stem(torch.cat([x, far, like, traces], dim=1) - 0.5)
        return Features(f2, f4, f8, self.memory.remember(self.vit(f16)))

    def coarse(self, frame: Features, memory: list[KeyValue]) -> Coarse:
        """A frame's features and its memory (one frame or more; the frame's own where there is no other) -> Coarse."""
        return self.decoder(self.memory(frame.memory, memory), frame.f8, frame.f4, frame.f2)

    def closer(self, x: Tensor) -> Tensor:
        """A coarse input [B, 9, h, w] with each rough guide halfway to what the network makes of it; but those beside a
        clean plate, which tells more, stay as they are.

        Given that for a guide, it makes more of the frame: the colours inside and outside (`cues.likeness`) are told by
        its last answer, as GrabCut tells them again and again (Rother, Kolmogorov and Blake, 2004).
        """
        alone = ((x[:, 8, 0, 0] == 1) & (x[:, 6, 0, 0] == 0)).nonzero()[:, 0]
        if len(alone) == 0:
            return x
        frame = self.encode(x if len(alone) == len(x) else x[alone])  # as it lies in memory, where all are
        alpha = self.coarse(frame, [frame.memory]).alpha.clamp(0, 1)
        closer = x.clone(memory_format=torch.contiguous_format)
        closer[alone, 7:8] = (x[alone, 7:8] + alpha.to(x.dtype)) / 2
        return closer

    def refine(
        self,
        image: Tensor,
        clean: Tensor | None,
        coarse: Coarse,
        regions: Tensor,
        batch: int = 1024,
        small: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Full-size alpha, and what the regions say of the foreground residual.

        image, clean : [B, 3, H, W]; no clean plate where None.
        regions : [N, 3] as in `regions.choose`.
        batch : regions encoded and decoded at once; it bounds the memory, and changes the answer's last bits alone.
        small : the image [B, 3, h, w] that the coarse stage saw; made again where None.

        Returns unbounded alpha [B, 1, H, W]: the coarse one, clamped and enlarged along the image's edges, corrected in
        regions; and the regions' residual [N, 3, 8, 8], for `residual`.
        """
        height, width = image.shape[2], image.shape[3]
        alpha = enlarge(coarse.alpha.clamp(0, 1), image, small).to(image.dtype)
        if len(regions) == 0:
            return alpha, torch.zeros(0, 3, 8, 8, dtype=image.dtype, device=image.device)
        residual = coarse.residual.to(image.dtype)
        halo, dtype = self.refiner.halo, self.refiner.head.weight.dtype
        grid = rg.grid_size(height, width)
        hidden = rg.sample(coarse.hidden.to(image.dtype), regions, grid).to(dtype)
        deep: list[Tensor] = []
        pixels: list[Tensor] = []
        for part in regions.split(batch):
            cuts = self._cut(image, clean, alpha, residual, part)
            deep.append(self.refiner.encode(cuts.to(dtype), hidden[len(pixels) * batch :][: len(part)]))
            pixels.append(cuts[..., halo:-halo, halo:-halo].clone())
        said = self.refiner.attend(torch.cat(deep), regions, rg.nearest(regions, 8)).split(batch)
        corrections = [
            self.refiner.decode(inner, attended, own.to(dtype)).to(own.dtype)
            for inner, attended, own in zip(deep, said, pixels)  # noqa: B905, see above
        ]
        old = torch.cat([own[:, 7:11] for own in pixels])
        new = old + torch.cat(corrections) * rg.fade(regions, grid, image)
        return rg.paste(alpha, regions, new[:, :1]), new[:, 1:]

    def residual(self, coarse: Coarse, regions: Tensor, patches: Tensor, height: int, width: int) -> Tensor:
        """The foreground residual [B, 3, height, width]: the coarse one, enlarged, with `refine`'s patches."""
        residual = bilinear(coarse.residual.to(patches.dtype), height, width)
        return rg.paste(residual, regions, patches) if len(regions) > 0 else residual

    def _cut(self, image: Tensor, clean: Tensor | None, alpha: Tensor, residual: Tensor, regions: Tensor) -> Tensor:
        """The refiner's 12 channels: image 3, clean plate 3, clean plate given 1, coarse alpha 1 and residual 3, and
        `cues.distance`, which is 0 without a clean plate. residual : of the coarse frame's size.
        """
        halo = self.refiner.halo
        own = rg.cut(image, regions, halo)
        if clean is None:
            plate = own.new_zeros(len(own), 4, own.shape[2], own.shape[3])
            far = plate[:, :1]
        else:
            behind = rg.cut(clean, regions, halo)
            plate = torch.cat([behind, torch.ones_like(own[:, :1])], dim=1)
            far = cues.distance(own, behind)
        foreground = rg.sample_pixels(residual, regions, image.shape[2], image.shape[3], halo)
        return torch.cat([own, plate, rg.cut(alpha, regions, halo), foreground, far], dim=1)


def stack(image: Tensor, clean: Tensor | None = None, guide: Tensor | None = None) -> Tensor:
    """The network's input [B, 9, H, W] of [B, 3, H, W], a clean plate alike or None, a guide [B, 1, H, W] or None."""
    none, one = torch.zeros_like(image[:, :1]), torch.ones_like(image[:, :1])
    parts = [image, image * 0, none] if clean is None else [image, clean, one]
    parts += [none, none] if guide is None else [guide, one]
    return torch.cat(parts, dim=1)


def coarse_size(height: int, width: int, long_side: int, stride: int = STRIDE) -> tuple[int, int]:
    """Size of the coarse frame: multiples of 16, about as near to the frame's aspect as that allows.

    long_side : of a frame of 16:9. Others have as many pixels, since what is near in a square frame is as large as in
        a wide one; but no side is longer than twice it.
    """
    scale = min(1.0, 0.75 * long_side / math.sqrt(height * width))
    scale = min(scale, 2 * long_side / max(height, width))
    steps = [int(round(side * scale / stride)) for side in (height, width)]  # noqa: RUF046, TorchScript rounds to a float
    return max(1, steps[0]) * stride, max(1, steps[1]) * stride
