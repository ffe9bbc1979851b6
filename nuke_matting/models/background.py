"""The `background` model: the network of `nets/background.py` behind the engine's contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from nuke_matting.errors import UsageError
from nuke_matting.models.contract import Abilities, FrameInput, Quality, RawMatte
from nuke_matting.models.tensors import array, autocast, memory_told, seen, tensor, to_device
from nuke_matting.models.weights import WeightFile, fill, stated
from nuke_matting.nets.background import BASES, BackgroundNetwork, choose, coarse_scale
from nuke_matting.nets.background_refiner import PATCH
from nuke_matting.nets.regions import CELL
from nuke_matting.nets.resize import bilinear, pad_to_multiple

PATCHES = (CELL // PATCH) ** 2  # of the network's, in a region
GUESSED = "there is no clean plate: the network guessed it from the frame"


class BackgroundModel:
    """See `contract.Model`. Each frame by itself; takes a clean plate, and no guide.

    The weights' metadata may have `base`, one of `BASES`, and `predicts_plate`, "yes" where the network can do without
    a clean plate; those of its authors cannot.
    """

    abilities = Abilities(clean_plate=True, needs_clean_plate=True, guesses_clean_plate=True)  # of all weights
    references: tuple[int, ...] = ()

    def __init__(self, weights: WeightFile, device: str, precision: str) -> None:
        self.name = weights.metadata.get("name", weights.path.stem)
        self.digest, self.device, self.precision = weights.digest, device, precision
        guesses = stated(weights, "predicts_plate", ("no", "yes")) == "yes"
        self.abilities = replace(self.abilities, needs_clean_plate=not guesses, guesses_clean_plate=guesses)
        net = BackgroundNetwork(stated(weights, "base", BASES), guesses)
        fill(net, weights)
        self.net = to_device(net, device)

    def prepare(self, frame: FrameInput) -> tuple[()]:
        """Nothing: no other frame reads from this one. Raises UsageError without a clean plate that is needed."""
        if frame.clean is None and self.abilities.needs_clean_plate:
            raise UsageError(
                f"{self.name} needs a clean plate", advice="give one with --clean-plate, or use another --model"
            )
        return ()

    def encode(self, prepared: tuple[()]) -> tuple[()]:
        return prepared

    def matte(self, frame: FrameInput, own: tuple[()], memory: Sequence[tuple[()]], quality: Quality) -> RawMatte:
        """`quality` counts regions of 8x8 pixels; each is PATCHES of the network's."""
        height, width = frame.image.shape[:2]
        budget = quality.budget(height, width) * PATCHES
        with memory_told(self.device, (height, width)), torch.inference_mode():
            pixels = tensor(frame.image, self.device)
            image = pad_to_multiple(seen(pixels), PATCH)
            given = None
            if frame.clean is not None:
                given = pad_to_multiple(seen(tensor(frame.clean, self.device)), PATCH)
            with autocast(self.device, self.precision):
                size = (image.shape[2], image.shape[3])
                reduced = coarse_size(*frame.unsqueezed(*size))
                small = bilinear(image, *reduced)
                if given is None:
                    guessed = self.net.plate(small).to(image.dtype)
                    coarse, clean = self.net.coarse(small, guessed), bilinear(guessed, *size)
                else:
                    coarse, clean = self.net.coarse(small, bilinear(given, *reduced)), given
                patches = choose(coarse.error, *size, budget)
                alpha, residual = self.net.refine(image, clean, coarse, patches, PATCHES * quality.batch)
            foreground = pixels + residual[0, :, :height, :width].float().permute(1, 2, 0)
            notes = (GUESSED,) if given is None else ()
            return RawMatte(array(alpha[0, 0, :height, :width].float()), array(foreground), notes)


def coarse_size(height: int, width: int) -> tuple[int, int]:
    """Height and width that the first stage sees a frame at, rounded down as its authors do."""
    scale = coarse_scale(height, width)
    return max(1, int(height * scale)), max(1, int(width * scale))
