"""Background Matting V2 as its authors published it, in TorchScript or ONNX: the plate and a clean plate in."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from nuke_matting.errors import UsageError
from nuke_matting.models.adapters.net import Net, checked, image_tensor, with_residual
from nuke_matting.models.contract import Abilities, FrameInput, Quality, RawMatte
from nuke_matting.nets.background import coarse_scale
from nuke_matting.nets.regions import CELL
from nuke_matting.nets.resize import pad_to

STRIDE = 4  # sides are multiples of it


class Bgmv2Model:
    """See `contract.Model`. Each frame by itself. The regions' number is its TorchScript's alone; ONNX has its own."""

    task = "video matting with a clean plate"
    abilities = Abilities(clean_plate=True, needs_clean_plate=True)
    references: tuple[int, ...] = ()

    def __init__(self, net: Net, name: str, digest: str) -> None:
        self.name, self.digest, self.device, self.precision = name, digest, net.device, net.precision
        self._net = net

    @staticmethod
    def fits(inputs: Sequence[str], outputs: Sequence[str]) -> bool:
        """Whether a file with these inputs is of this kind."""
        return {"src", "bgr"} == set(inputs)

    def prepare(self, frame: FrameInput) -> tuple[()]:
        """Nothing. Raises UsageError without a clean plate."""
        _clean_of(frame, self.name)
        return ()

    def encode(self, prepared: tuple[()]) -> tuple[()]:
        return prepared

    def matte(self, frame: FrameInput, own: tuple[()], memory: Sequence[tuple[()]], quality: Quality) -> RawMatte:
        pictures = (image_tensor(frame.image), _clean_of(frame, self.name))
        height, width = frame.image.shape[:2]
        size = padded_size(height, width, self._net.picks)
        plate, clean = (pad_to(each, *size) for each in pictures)
        # it asks for as many patches of 4x4 pixels as it is told, whether or not they are there
        most = plate.shape[-2] * plate.shape[-1]
        self._net.tune(
            backbone_scale=coarse_scale(height, width),
            refine_mode="sampling",
            refine_sample_pixels=min(most, quality.budget(height, width) * CELL**2),
        )
        alpha, foreground = (
            each[..., :height, :width] for each in self._net.run({"src": plate, "bgr": clean}, ("pha", "fgr"))
        )
        return RawMatte(
            checked(alpha, 1, (height, width), self.name)[0].clip(0, 1),
            with_residual(frame.image, checked(foreground, 3, (height, width), self.name)),
        )


def padded_size(height: int, width: int, cells: int) -> tuple[int, int]:
    """Height and width that the network sees a frame at: multiples of 4, and of as many cells of 4x4 as it picks out.

    >>> padded_size(1080, 1921, 20000), padded_size(512, 512, 20000)
    ((1080, 1924), (568, 568))
    """
    grown = max(1.0, (cells * STRIDE**2 / (height * width)) ** 0.5)
    return math.ceil(height * grown / STRIDE) * STRIDE, math.ceil(width * grown / STRIDE) * STRIDE


def _clean_of(frame: FrameInput, name: str) -> Tensor:
    if frame.clean is None:
        raise UsageError(
            f"{name} needs a clean plate", advice="give one with --clean-plate, or use another model with --model"
        )
    return image_tensor(frame.clean)
