"""Models by name or by path, and the device and precision that they run in."""

from __future__ import annotations

import difflib
import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nuke_matting.errors import ModelError, UsageError
from nuke_matting.models.adapters.peers import FORMATS, PEERS, device_for, open_net, open_peer
from nuke_matting.models.added import Record, added_models, path_of, read_added
from nuke_matting.models.contract import Abilities, Model
from nuke_matting.models.weights import WeightFile, load_weights
from nuke_matting.nets.resize import area
from nuke_matting.resources import shipped


@dataclass(frozen=True)
class Architecture:
    """A network of ours: the module and class behind the contract, imported when asked for; its task."""

    module: str
    cls: str
    task: str

    @property
    def model(self) -> Any:
        """The class."""
        return getattr(importlib.import_module(self.module), self.cls)

    @property
    def abilities(self) -> Abilities:
        """What it takes and gives; see there of a network whose weights differ in it."""
        return self.model.abilities


ARCHITECTURES = {
    "two_stage": Architecture(
        "nuke_matting.models.two_stage",
        "TwoStageModel",
        "video matting of people, with a memory of the two frames before and the two after",
    ),
    "regional": Architecture(
        "nuke_matting.models.regional",
        "RegionalModel",
        "portrait matting, frame by frame, by regions of its own trimap; no foreground",
    ),
    "memory": Architecture(
        "nuke_matting.models.memory",
        "MemoryModel",
        "video matting of people, with an attention memory of two frames",
    ),
    "background": Architecture(
        "nuke_matting.models.background",
        "BackgroundModel",
        "video matting by a clean plate, frame by frame",
    ),
}

_OF_OTHERS = (".onnx", ".pt", ".pth", ".torchscript", ".ckpt")


def shipped_weights() -> dict[str, Path]:
    """Name -> weight file of every model that comes with the package."""
    return {path.stem: path for path in sorted(shipped("weights").glob("*.safetensors"))}


def known_models() -> dict[str, Path]:
    """Name -> file of every model that can be asked for by name: those that ship, and those that the user added."""
    return {**{name: path_of(record) for name, record in added_models().items()}, **shipped_weights()}


def record_of(name: str) -> Record | None:
    """The record of a model that the user added under a name; None where one of that name ships, or none was added."""
    return None if name in shipped_weights() else added_models().get(name)


def architecture_of(weights: WeightFile) -> Architecture:
    """The network of a weight file. Raises ModelError where this version does not know it."""
    kind = weights.metadata["architecture"]
    if kind not in ARCHITECTURES:
        raise ModelError(
            f"the weights are for a network {kind!r} that this version does not know",
            path=weights.path,
            advice=f"known networks: {', '.join(ARCHITECTURES)}",
        )
    return ARCHITECTURES[kind]


def find_weights(model: str) -> Path:
    """The file that a name or a path means. Raises ModelError, with the names there are."""
    known = known_models()
    if model in known:
        return known[model]
    if model.endswith(".safetensors") or "/" in model or "\\" in model:
        path = Path(os.path.expanduser(model))
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
        return "cpu" if _mps_lacks() else "mps"
    if device.startswith("cuda"):
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        number = int(device.partition(":")[2] or 0)
        if number >= count:
            there = f"{count} CUDA GPUs are visible" if count else "no CUDA GPU is visible to torch"
            raise UsageError(
                f"device {device}: {there}", advice="check the driver with nvidia-smi, or use --device cpu"
            )
        return f"cuda:{number}"
    if device == "mps" and (lacking := _mps_lacks()):
        raise UsageError(f"device mps: {lacking[0]}", advice=lacking[1])
    return device


def _mps_lacks() -> tuple[str, str] | tuple[()]:
    """Why networks cannot run on Apple's GPU, and what to do; nothing where they can.

    torch has the smoothed resize there since 2.7 only.
    """
    if not torch.backends.mps.is_available():
        return "Apple's GPU is not at hand", "use --device cpu"
    try:
        area(torch.zeros(1, 1, 4, 4, device="mps"), 2, 2)
    except NotImplementedError:
        return (
            f"torch {torch.__version__} cannot resize on Apple's GPU",
            "install torch 2.7 or later, or use --device cpu",
        )
    return ()


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
    record = record_of(model)
    if record is not None and record.format in FORMATS:
        return _open_added(record, device, precision)
    if record is not None:
        read_added(record)  # and looks whether it is the one
    return load_file(find_weights(model), device, precision)


def load_file(path: Path, device: str, precision: str) -> Model:
    """The model of a weight file of ours. Raises ModelError or UsageError."""
    at = choose_device(device)
    arithmetic = choose_precision(precision, at)
    if path.suffix.lower() in _OF_OTHERS:
        raise ModelError("is no weight file of ours", path=path, advice=f"run: nuke-matting model add {path}")
    weights = load_weights(path)
    return architecture_of(weights).model(weights, at, arithmetic)


def _open_added(record: Record, device: str, precision: str) -> Model:
    if record.kind not in PEERS:
        raise ModelError(
            f"the model {record.name} is a network {record.kind!r} that this version does not know",
            path=path_of(record),
            advice=f"known networks: {', '.join(PEERS)}",
        )
    at = device_for(record.format, device, choose_device)
    if precision not in ("auto", record.precision):
        raise UsageError(
            f"precision {precision}: the model {record.name} runs in {record.precision}, as its file is",
            advice="leave --precision out",
        )
    net = open_net(read_added(record), record.format, at)
    return open_peer(record.kind, net, record.name, record.digest, record.warm_up)
