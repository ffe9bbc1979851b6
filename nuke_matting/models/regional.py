"""The `regional` model: the network of `nets/regional.py` behind the engine's contract."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nuke_matting.models.contract import Abilities, FrameInput, Quality, RawMatte
from nuke_matting.models.tensors import array, autocast, memory_told, seen, tensor, to_device
from nuke_matting.models.weights import WeightFile, fill, stated
from nuke_matting.nets.regional import RegionalNetwork, called, unknown_cells
from nuke_matting.nets.regions import CELL
from nuke_matting.nets.trimap_decoder import FOREGROUND, UNKNOWN, Level

SHRINKS = ("1", "2", "4")


class RegionalModel:
    """See `contract.Model`. Reads from no other frame; takes no clean plate and no guide.

    Unknown cells are refined as far as `quality` allows, the most surely unknown first; the notes say where some are
    left. What the trimap calls background or foreground is 0 or 1: ours, as the authors have the segmentation there,
    whose sigmoid reaches neither. The network has no foreground: the matte's is the image itself. The weights' metadata
    may have `shrink`.
    """

    abilities = Abilities(foreground=False)
    references: tuple[int, ...] = ()

    def __init__(self, weights: WeightFile, device: str, precision: str) -> None:
        self.name = weights.metadata.get("name", weights.path.stem)
        self.digest, self.device, self.precision = weights.digest, device, precision
        net = RegionalNetwork(int(stated(weights, "shrink", SHRINKS)))
        fill(net, weights)
        self.net = to_device(net, device)

    def prepare(self, frame: FrameInput) -> Tensor:
        """[1, 3, H, W] float32 on the CPU: the network sees the frame at its full size."""
        return seen(tensor(frame.image))

    def encode(self, prepared: Tensor) -> Level:
        """The trimap and segmentation at 1/8."""
        with (
            memory_told(self.device, prepared.shape[-2:]),
            torch.inference_mode(),
            autocast(self.device, self.precision),
        ):
            level = self.net.coarse(prepared.to(self.device))[-1]
            return Level(level.trimap.float(), level.segmentation.float())

    def matte(self, frame: FrameInput, own: Level, memory: Sequence[Level], quality: Quality) -> RawMatte:
        size = frame.image.shape[:2]
        budget = quality.budget(*size)
        with memory_told(self.device, size), torch.inference_mode(), autocast(self.device, self.precision):
            chosen = unknown_cells(own.trimap, budget)
            alpha = self.net.refine(seen(tensor(frame.image, self.device)), own, chosen, quality.batch)
            cells = called(own.trimap)
            is_ = cells.repeat_interleave(CELL, 2).repeat_interleave(CELL, 3)[..., : alpha.shape[2], : alpha.shape[3]]
            alpha = torch.where(is_ == UNKNOWN, alpha.float().clamp(0, 1), (is_ == FOREGROUND).float())
            unknown = int((cells == UNKNOWN).sum())
            return RawMatte(array(alpha[0, 0]), frame.image.copy(), _left(unknown, len(chosen)))


def _left(unknown: int, refined: int) -> tuple[str, ...]:
    """A note of unknown regions that were not refined."""
    if unknown == refined:
        return ()
    return (f"{unknown - refined} of {unknown} unknown regions are left as plain 8x8 blocks: raise --regions",)
