"""Robust Video Matting (RVM), which is recurrent: order matters to it, so every frame has its own warm-up.

Before a frame, the network sees those before it, oldest first, from an empty state; how many, the user said when the
file was added. So a matte depends on named frames alone, as every model's here: the same in any order and any chunk.
It is near to what one long run gives, and not the same, but in the first frames of a shot, where nothing is left out.
Frames whose files are the same to the byte are one frame to the memory, so they warm nothing up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor

from nuke_matting.errors import ModelError
from nuke_matting.models.adapters.net import Net, checked, image_tensor, with_residual
from nuke_matting.models.contract import Abilities, FrameInput, Quality, RawMatte

LONG_SIDE = 512  # pixels; size of the reduced frame that its authors advise
WARM_UP = 10  # frames

_STATES = {"torchscript": ("r1", "r2", "r3", "r4"), "onnx": ("r1i", "r2i", "r3i", "r4i")}
_OUTPUTS = ("fgr", "pha", "r1o", "r2o", "r3o", "r4o")

States = Sequence[Tensor | None]


class RvmModel:
    """See `contract.Model`. What is remembered of a frame is the reduced frame itself, as the network reduces it."""

    task = "video matting of people, recurrent"
    abilities = Abilities()

    def __init__(self, net: Net, name: str, digest: str, warm_up: int = WARM_UP) -> None:
        self.name, self.digest, self.device, self.precision = name, digest, net.device, net.precision
        self.references = tuple(range(-1, -warm_up - 1, -1))
        self._net = net
        self._states = _STATES["onnx" if "r1i" in net.inputs else "torchscript"]

    @staticmethod
    def fits(inputs: Sequence[str], outputs: Sequence[str]) -> bool:
        """Whether a file with these inputs is of this kind."""
        return {"src", "downsample_ratio"} < set(inputs) and any({*each} < set(inputs) for each in _STATES.values())

    def prepare(self, frame: FrameInput) -> Tensor:
        """[1, 3, h, w] float32 on the CPU, the longer side at most 512."""
        image = image_tensor(frame.image)
        height, width = image.shape[-2:]
        ratio = ratio_of(height, width)
        if ratio == 1:
            return image
        if min(height, width) * ratio < 1:
            raise ModelError(
                f"{self.name} reduces a frame of {width}x{height} to a longer side of {LONG_SIDE} pixels, less "
                "than one of the other",
                advice="use another model with --model",
            )
        # as the network itself does it, so that the states are those of frames at full size
        return F.interpolate(
            image, scale_factor=ratio, mode="bilinear", align_corners=False, recompute_scale_factor=False
        )

    def encode(self, prepared: Tensor) -> Tensor:
        return prepared

    def matte(self, frame: FrameInput, own: Tensor, memory: Sequence[Tensor], quality: Quality) -> RawMatte:
        states: States = (None,) * 4
        warm = 0
        for earlier in reversed(memory):
            if earlier.shape != own.shape:  # states of another size are of no use: as at the head of a shot
                states, warm = (None,) * 4, 0
            elif earlier is not own:  # else it stands for a frame that is not there
                states, warm = self._step(earlier, states, 1.0)[2:], warm + 1
        image = image_tensor(frame.image)
        height, width = image.shape[-2:]
        foreground, alpha, *_ = self._step(image, states, ratio_of(height, width))
        return RawMatte(
            checked(alpha, 1, (height, width), self.name)[0].clip(0, 1),
            with_residual(frame.image, checked(foreground, 3, (height, width), self.name)),
            (f"{self.name} is recurrent: warmed up over {warm} frames, near to a run from the head, not equal",),
        )

    def _step(self, image: Tensor, states: States, ratio: float) -> list[Tensor]:
        given: Mapping[str, Tensor | float | None] = {
            "src": image,
            **dict(zip(self._states, states, strict=True)),
            "downsample_ratio": ratio,
        }
        return self._net.run(given, _OUTPUTS)


def ratio_of(height: int, width: int) -> float:
    """By how much the network reduces a frame: to a longer side of 512 pixels, or not at all.

    A hundredth of a pixel or so more, such that no size is a whole number: the ends of two roundings, here and in the
    network, must be the same.
    """
    longer = max(height, width)
    if longer <= LONG_SIDE:
        return 1.0
    ratios = ((LONG_SIDE + more / 100) / longer for more in range(1, 50))
    return next(each for each in ratios if all(1e-3 < side * each % 1 < 0.999 for side in (height, width)))
