"""A file of a network, open: what the adapters ask of TorchScript and ONNX alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from nuke_matting.errors import ModelError
from nuke_matting.models.contract import Array

LARGEST = 2 << 30  # bytes; what protobuf, hence ONNX, can hold in one file


class Net(Protocol):
    """A network as a function.

    inputs, outputs : their names, in order; none of the outputs where the file does not say.
    parameters : how many numbers it learned.
    precision : fp32 or fp16, whichever its weights are in.
    device : where it runs.
    picks : how many cells of a frame it picks out, where the file fixes that, so that no frame may have fewer; or 0.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: int
    precision: str
    device: str
    picks: int

    def run(self, given: Mapping[str, Tensor | float | None], wanted: Sequence[str]) -> list[Tensor]:
        """The outputs `wanted` for the inputs `given`, both in the published order. Raises ModelError.

        given : a tensor, a number, or None for a recurrent state that there is not yet. Tensors are fp32 or those that
            an earlier run gave.
        """

    def tune(self, **attributes: float | int | str) -> None:
        """Sets those of the attributes that the file has; an ONNX file has none."""

    def operations(self) -> float:
        """Multiply-accumulates since it was opened, in GMACs, where it was opened to count them; else 0."""


def image_tensor(pixels: Array, clip: bool = True) -> Tensor:
    """[H, W, C] -> [1, C, H, W] float32, within [0, 1] as the peers' networks were trained on."""
    tensor = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32))[None]
    return tensor.clamp(0, 1) if clip else tensor


def checked(tensor: Tensor, channels: int, size: tuple[int, int], name: str) -> Array:
    """The [C, H, W] of an output, float32. Raises ModelError where the network gave no [1, C, H, W] of that size."""
    if tuple(tensor.shape) != (1, channels, *size):
        raise ModelError(
            f"{name} gave {tuple(tensor.shape)} for a frame of {size[1]}x{size[0]}, not {(1, channels, *size)}",
            advice="the file is not of this kind of network; remove it with nuke-matting model remove",
        )
    values = tensor[0].float().cpu()
    if not bool(torch.isfinite(values).all()):
        raise ModelError(
            f"{name} gave numbers that are not finite", advice="use its fp32 file, or another model with --model"
        )
    return np.ascontiguousarray(values.numpy())


def with_residual(image: Array, foreground: Array) -> Array:
    """The network's foreground [3, H, W] in [0, 1] as a change to the frame [H, W, 3], whose highlights stay."""
    shown = foreground.transpose(1, 2, 0)
    return np.ascontiguousarray(image + (shown - np.clip(image, 0, 1)))


def failure(what: str, error: Exception) -> ModelError:
    """What a runtime said, in one line that ends somewhere."""
    said = " ".join(str(error).split())
    return ModelError(
        f"{what} ({said[:300]}{'...' if len(said) > 300 else ''})",
        advice="check that it is the file its authors published, for this kind of network",
    )
