"""The `regional` network: Zhong and Zharkov, "Lightweight Portrait Matting via Regional Attention and Refinement".

full-size frame --16x16 patches--> Swin-T --> decoder --> trimap and segmentation at 1/8
unknown cells of the trimap, 8x8 pixels each --> encoder, cross region attention, decoder --> alpha
elsewhere: the segmentation

WACV 2024, arXiv 2311.03770. Stills: each frame is matted by itself. There is no foreground.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nuke_matting.nets import regions as rg
from nuke_matting.nets.imagenet import Normalise
from nuke_matting.nets.regional_refiner import Encoded, RegionalRefiner
from nuke_matting.nets.resize import bilinear
from nuke_matting.nets.swin import Swin
from nuke_matting.nets.trimap_decoder import UNKNOWN, Level, TrimapDecoder

NEIGHBOURS = 8


class RegionalNetwork(nn.Module):
    """Portrait matting of a frame of any size. Images are in the model space, about [0, 1].

    shrink : 1, 2 or 4, divides the widths of the coarse stage (Swin's 96 and what follows, the decoder's 256, 128 and
        64) and so its work and parameters by about its square. Depths, heads and region stage stay. For training from
        scratch on little data.
    neighbours : that a region attends to beside itself; 0 for itself alone, None for no cross region attention.
    """

    def __init__(self, shrink: int = 1, neighbours: int | None = NEIGHBOURS) -> None:
        super().__init__()
        width = 96 // shrink
        self.neighbours = neighbours
        self.normalise = Normalise()
        self.encoder = Swin(width)
        self.decoder = TrimapDecoder(
            [width << level for level in range(4)], [channels // shrink for channels in (256, 128, 64)]
        )
        self.refiner = RegionalRefiner(cross_region=neighbours is not None)

    def coarse(self, image: Tensor) -> tuple[Level, Level, Level]:
        """[B, 3, H, W] -> trimap and segmentation at 1/32, 1/16 and 1/8, sides rounded up; work goes on with the last.

        Training supervises all three.
        """
        features = self.encoder(self.normalise(image))
        return self.decoder(*features, rg.grid_size(image.shape[2], image.shape[3]))

    def refine(self, image: Tensor, level: Level, regions: Tensor, batch: int = 1024) -> Tensor:
        """Full-size alpha [B, 1, H, W], unbounded: the segmentation, nearest, and in regions what the regions say.

        image : [B, 3, H, W].
        level : at 1/8, as in `coarse`.
        regions : [N, 3] as in `unknown_cells`.
        batch : regions at once; it bounds the memory, and changes the answer's last bits alone.
        """
        height, width = image.shape[2], image.shape[3]
        segmentation = level.segmentation.to(image.dtype).sigmoid()
        alpha = segmentation.repeat_interleave(rg.CELL, 2).repeat_interleave(rg.CELL, 3)[..., :height, :width]
        if len(regions) == 0:
            return alpha
        encoded = [self.refiner.encode(_cut(image, segmentation, part)) for part in regions.split(batch)]
        near = repeated(rg.nearest(regions, self.neighbours or 0))
        said = self.refiner.attend(torch.cat([each.f2 for each in encoded]), regions, near, batch)
        patches = [
            self.refiner.decode(Encoded(*each), heard) for each, heard in zip(encoded, said.split(batch), strict=True)
        ]
        return rg.paste(alpha, regions, torch.cat(patches))


def repeated(near: Tensor) -> Tensor:
    """[N, 1 + K] as in `regions.nearest` -> the same, but where there are fewer than K, they are repeated in turn, as
    the authors do; a region that has none attends to itself alone."""
    other = near[:, 1:]
    count = (other != near[:, :1]).sum(1, keepdim=True).clamp(min=1)
    turn = torch.arange(other.shape[1], device=near.device) % count
    return torch.cat([near[:, :1], other.gather(1, turn)], dim=1)


def called(trimap: Tensor) -> Tensor:
    """What a trimap calls its cells: logits [B, 3, rows, columns] -> the likeliest class, [B, 1, rows, columns]."""
    return trimap.float().softmax(1).argmax(1, keepdim=True)


def unknown_cells(trimap: Tensor, budget: int | None = None) -> Tensor:
    """The cells to refine: all that the trimap calls unknown, or as many as `budget` in each frame.

    trimap : [B, 3, rows, columns] logits. Of more cells than `budget`, those that are most surely unknown are taken.

    Returns [N, 3] as in `regions.choose`.
    """
    probability = trimap.float().softmax(1)
    unknown = (called(trimap) == UNKNOWN).float()
    cells = trimap.shape[2] * trimap.shape[3]
    return rg.choose(probability[:, UNKNOWN, None] * unknown, cells if budget is None else budget, 0.0)


def _cut(image: Tensor, segmentation: Tensor, regions: Tensor) -> Tensor:
    """[N, 4, 8, 8]: the image's pixels, and the segmentation enlarged by 8, bilinear."""
    around = rg.cut(segmentation, regions, halo=1, cell=1)  # the neighbouring cells are all that an enlarged one needs
    side = rg.CELL
    enlarged = bilinear(around, 3 * side, 3 * side)[..., side : 2 * side, side : 2 * side]
    return torch.cat([rg.cut(image, regions, halo=0), enlarged], dim=1)
