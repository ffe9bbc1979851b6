"""The `memory` model: the network of `nets/memory_network.py` behind the engine's contract."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nuke_matting.models.contract import Abilities, FrameInput, Quality, RawMatte
from nuke_matting.models.tensors import array, autocast, memory_told, seen, tensor, to_device
from nuke_matting.models.weights import WeightFile, coarse_long_side, fill, stated
from nuke_matting.nets.memory_network import Features, MemoryNetwork
from nuke_matting.nets.resize import area
from nuke_matting.nets.two_stage import coarse_size

ADVICE = "close other programs on it, or use --device cpu"  # it has no regions
REFERENCES: dict[str, tuple[int | None, ...]] = {"previous_two": (-1, -2), "first_and_previous": (None, -1)}


class MemoryModel:
    """See `contract.Model`. Reads from two other frames; takes no clean plate and no guide.

    The weights' metadata may have `coarse_long_side` in pixels, and which frames they read from as `references`:
    "previous_two", as it is without, or "first_and_previous", as section 3.2 of the paper has it.
    """

    abilities = Abilities()

    def __init__(self, weights: WeightFile, device: str, precision: str) -> None:
        self.name = weights.metadata.get("name", weights.path.stem)
        self.digest, self.device, self.precision = weights.digest, device, precision
        self._long_side = coarse_long_side(weights)
        self.references = REFERENCES[stated(weights, "references", tuple(REFERENCES))]
        net = MemoryNetwork()
        fill(net, weights)
        self.net = to_device(net, device)

    def prepare(self, frame: FrameInput) -> Tensor:
        """[1, 3, h, w] float32 on the CPU, at the coarse size: the frame's area average, unsqueezed."""
        image = seen(tensor(frame.image))
        with torch.inference_mode():
            return area(image, *coarse_size(*frame.unsqueezed(image.shape[-2], image.shape[-1]), self._long_side))

    def encode(self, prepared: Tensor) -> Features:
        with (
            memory_told(self.device, prepared.shape[-2:], ADVICE),
            torch.inference_mode(),
            autocast(self.device, self.precision),
        ):
            return self.net.encode(prepared.to(self.device).contiguous(memory_format=torch.channels_last))

    def matte(self, frame: FrameInput, own: Features, memory: Sequence[Features], quality: Quality) -> RawMatte:
        """`quality` changes nothing: the network has no regions."""
        with memory_told(self.device, frame.image.shape[:2], ADVICE), torch.inference_mode():
            pixels = tensor(frame.image, self.device)
            with autocast(self.device, self.precision):
                small = self.net.decode(own, self.net.read(own, [each.memory for each in memory]))
                alpha, residual = self.net.enlarge(seen(pixels), own, small)
            foreground = pixels + residual[0].float().permute(1, 2, 0)
            return RawMatte(array(alpha[0, 0].float().clamp(0, 1)), array(foreground))
