"""Models by name or by path, and the device and precision that they run in."""

from __future__ import annotations

import difflib
from pathlib import Path

import torch

from nuke_matting.errors import ModelError, UsageError
from nuke_matting.models.contract import Model
from nuke_matting.models.two_stage import TwoStageModel
from nuke_matting.models.weights import load_weights
from nuke_matting.resources import shipped

ARCHITECTURES = {"two_stage": TwoStageModel}


def shipped_weights() -> dict[str, Path]:
    """Name -> weight file of every model that comes with the package."""
    return {path.stem: path for path in sorted(shipped("weights").glob("*.safetensors"))}


def find_weights(model: str) -> Path:
    """The weight file that a name or a path means. Raises ModelError, with the names there are."""
    known = shipped_weights()
    if model in known:
        return known[model]
    if model.endswith(".safetensors") or "/" in model or "\\" in model:
        path = Path(model).expanduser()
        if path.is_file():
            return path
        raise ModelError("there is no such weight file", path=path, advice="check the path given with --model")
    near = difflib.get_close_matches(model, known, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    raise ModelError(
        f"no model is called {model!r}", advice=f"{meant}known: {', '.join(known) or 'none, the weights are missing'}"
    )


def choose_device(device: str) -> str:
    """A device that is there, as torch names it. Raises UsageError where the one asked for is not."""
    if device == "auto":
        if torch.cuda.is_available():
            return "cuda:0"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    if device.startswith("cuda"):
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        number = int(device.partition(":")[2] or 0)
        if number >= count:
            there = f"{count} CUDA GPUs are visible" if count else "no CUDA GPU is visible to torch"
            raise UsageError(
                f"device {device}: {there}", advice="check the driver with nvidia-smi, or use --device cpu"
            )
        return f"cuda:{number}"
    if device == "mps" and not torch.backends.mps.is_available():
        raise UsageError("device mps: Apple's GPU is not at hand", advice="use --device cpu")
    return device


def choose_precision(precision: str, device: str) -> str:
    """The arithmetic to run in. Raises UsageError for one that the device has not."""
    kind = device.partition(":")[0]
    if precision == "auto":
        return "fp32" if kind == "cpu" else "fp16"
    if precision == "fp16" and kind == "cpu":
        raise UsageError("precision fp16 is for GPUs", advice="use fp32 or bf16 on the CPU")
    return precision


def load_model(model: str, device: str, precision: str) -> Model:
    """The model that `settings.model` names, ready to run. Raises ModelError or UsageError."""
    at = choose_device(device)
    arithmetic = choose_precision(precision, at)
    weights = load_weights(find_weights(model))
    kind = weights.metadata["architecture"]
    if kind not in ARCHITECTURES:
        raise ModelError(
            f"the weights are for a network {kind!r} that this version does not know",
            path=weights.path,
            advice=f"known networks: {', '.join(ARCHITECTURES)}",
        )
    return ARCHITECTURES[kind](weights, at, arithmetic)
