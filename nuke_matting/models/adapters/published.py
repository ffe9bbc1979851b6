"""PyTorch files that authors published for a network that we have ourselves, made into weight files of ours.

Such a file is a pickle, which can run anything. It is read by torch's own reader of nothing but tensors, which refuses
whatever else there is in one.
"""

from __future__ import annotations

import io
from pathlib import Path

import torch
from torch import Tensor

from nuke_matting.errors import ModelError
from nuke_matting.models.weights import save_weights
from nuke_matting.nets.background import BASES, BackgroundNetwork


def write_ours(data: bytes, path: Path, name: str) -> None:
    """Writes a published checkpoint as a weight file of ours, at fp32: the same network to the last bit.

    Known are those of "Real-Time High-Resolution Background Matting", by the names and shapes of their tensors. Raises
    ModelError for anything else, OutputError if it cannot be written.
    """
    tensors = _tensors(data)
    shapes = {key: value.shape for key, value in tensors.items()}
    for base in BASES:
        with torch.device("meta"):
            net = BackgroundNetwork(base)
        if {key: value.shape for key, value in net.state_dict().items()} == shapes:
            net.load_state_dict(tensors, assign=True)
            about = {"architecture": "background", "name": name, "base": base, "training": "by its authors"}
            return save_weights(path, net, about, torch.float32)
    raise ModelError(
        f"its {len(tensors)} tensors fit no network that is known",
        advice=f"known are Background Matting V2's {', '.join(f'pytorch_{base}.pth' for base in BASES)}",
    )


def _tensors(data: bytes) -> dict[str, Tensor]:
    """The state of a network. Raises ModelError where there is anything but tensors by name."""
    advice = "get its authors' TorchScript or ONNX file"
    try:
        found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # of bytes that are no pickle it raises whatever it stumbles over
        raise ModelError(
            "is a pickle with more in it than tensors, or damaged: it is not opened, since a pickle can run anything",
            advice=advice,
        ) from error
    if not isinstance(found, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in found.items()
    ):
        raise ModelError("holds something else than tensors by name", advice=advice)
    return {key: value.contiguous() for key, value in found.items()}
