"""The `two_stage` model: the network of `nets/two_stage.py` behind the engine's contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from nuke_matting.errors import ModelError
from nuke_matting.models.contract import Array, FrameInput, Quality, RawMatte
from nuke_matting.models.tensors import array, autocast, memory_told, planes, to_device
from nuke_matting.models.weights import WeightFile, fill
from nuke_matting.nets import regions as rg
from nuke_matting.nets.resize import area
from nuke_matting.nets.two_stage import Features, TwoStage, coarse_size, stack

THRESHOLD = 0.05  # regions less likely wrong than this are left as they are


class TwoStageModel:
    """See `contract.KeyedModel`. Reads from the two frames before, and from key frames."""

    references: tuple[int | None, ...] = (-1, -2)
    takes_keys: Literal[True] = True

    def __init__(self, weights: WeightFile, device: str, precision: str) -> None:
        self.name = weights.metadata.get("name", weights.path.stem)
        self.digest, self.device, self.precision = weights.digest, device, precision
        self._long_side = coarse_long_side(weights)
        net = TwoStage()
        fill(net, weights)
        self._net = to_device(net, device)

    def prepare(self, frame: FrameInput) -> Tensor:
        """[1, 9, h, w] float32 on the CPU, at the coarse size: the frame's area average."""
        image, clean, guide = _tensors(frame)
        height, width = coarse_size(image.shape[-2], image.shape[-1], self._long_side)
        with torch.inference_mode():
            clean, guide = (None if each is None else area(each, height, width) for each in (clean, guide))
            return stack(area(image, height, width), clean, guide)

    def encode(self, prepared: Tensor) -> Features:
        with torch.inference_mode(), autocast(self.device, self.precision):
            return self._net.encode(prepared.to(self.device).contiguous(memory_format=torch.channels_last))

    def correct(self, encoded: Features, alpha: Array) -> Features:
        matte = torch.from_numpy(np.ascontiguousarray(alpha))[None, None]
        with torch.inference_mode(), autocast(self.device, self.precision):
            return self._net.correct(encoded, matte.to(self.device))

    def matte(self, frame: FrameInput, own: Features, memory: Sequence[Features], quality: Quality) -> RawMatte:
        image, clean, _ = _tensors(frame)
        image = image.to(self.device)
        clean = None if clean is None else clean.to(self.device)
        height, width = image.shape[-2:]
        rows, columns = rg.grid_size(height, width)
        budget = round(quality.regions * (height + width) / rg.CELL)
        advice = "lower --region-batch or --regions, close other programs on it, or use --device cpu"
        with memory_told(self.device, (height, width), advice), torch.inference_mode():
            with autocast(self.device, self.precision):
                coarse = self._net.coarse(own, [each.memory for each in memory])
                error = area(torch.sigmoid(coarse.error.float()), rows, columns)
                chosen = rg.choose(error, budget, THRESHOLD)
                alpha, residual = self._net.refine(image, clean, coarse, chosen, quality.batch)
            foreground = (image + residual.float())[0].permute(1, 2, 0)
            return RawMatte(array(alpha[0, 0].float().clamp(0, 1)), array(foreground))


def coarse_long_side(weights: WeightFile) -> int:
    """Pixels; the size that the weights were trained for. Raises ModelError."""
    given = weights.metadata.get("coarse_long_side", "512")
    if not given.isascii() or not given.isdigit() or not 32 <= int(given) <= 4096:
        raise ModelError(
            f"coarse_long_side in the metadata is {given!r}, not a number of pixels from 32 to 4096",
            path=weights.path,
            advice="save the weights again, or use --model two_stage",
        )
    return int(given)


def _tensors(frame: FrameInput) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """[1, 3, H, W], [1, 3, H, W] or None, [1, 1, H, W] or None; contiguous, since cuts and resizes are faster so."""
    clean = None if frame.clean is None else planes(frame.clean)
    guide = None if frame.guide is None else torch.from_numpy(np.ascontiguousarray(frame.guide))[None, None]
    return planes(frame.image), clean, guide
