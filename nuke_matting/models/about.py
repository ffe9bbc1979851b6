"""What a person wants to know of a model before they use it: what it is for, whose it is, what it takes and costs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nuke_matting.errors import ModelError
from nuke_matting.models.adapters.peers import PEERS
from nuke_matting.models.added import path_of, read_added
from nuke_matting.models.cost import SIZES, gmacs, parameters
from nuke_matting.models.registry import (
    ARCHITECTURES,
    architecture_of,
    find_weights,
    known_models,
    load_model,
    record_of,
    shipped_weights,
)
from nuke_matting.models.weights import LICENCES_BEFORE, load_weights

UNKNOWN = "not stated"


@dataclass(frozen=True)
class About:
    """A model.

    name : as in `--model`.
    kind : its network: one of ours, or rvm, bgmv2, modnet.
    task : what it is for.
    inputs : what it takes; all but the plate may be left out, but where it says needed.
    licence : of its weights, and of those that they were learnt from where these say one; for an added one, what its
        user noted.
    digest : SHA-256 of its file.
    origin : shipped, added, or file for one that was named by its path.
    format : safetensors, torchscript or onnx.
    path : where it is.
    """

    name: str
    kind: str
    task: str
    inputs: tuple[str, ...]
    licence: str
    digest: str
    origin: str
    format: str
    path: Path


@dataclass(frozen=True)
class Cost:
    """Parameters, and GMACs of a frame of 512x512, 1920x1080 and 3840x2160.

    warm_up : frames that a recurrent network sees, reduced, before each one; not in the GMACs.
    """

    parameters: int
    gmacs_512: float
    gmacs_hd: float
    gmacs_4k: float
    warm_up: int


def about(name: str) -> About:
    """What is known of a model without running it. Raises ModelError where it is not there, or damaged."""
    record = record_of(name)
    if record is not None:
        task, takes = UNKNOWN, tuple[str, ...]()
        for network in (PEERS.get(record.kind), ARCHITECTURES.get(record.kind)):
            if network is not None:
                task, takes = network.task, network.abilities.words()
        licence, path = record.licence or UNKNOWN, path_of(record)
        return About(name, record.kind, task, takes, licence, record.digest, "added", record.format, path)
    weights = load_weights(find_weights(name))
    ours, licence = architecture_of(weights), weights.metadata.get("licence", UNKNOWN)
    if LICENCES_BEFORE in weights.metadata:
        licence += f" (learnt from weights of: {weights.metadata[LICENCES_BEFORE]})"
    origin = "shipped" if name in shipped_weights() else "file"
    kind, takes = weights.metadata["architecture"], ours.abilities.words()
    return About(name, kind, ours.task, takes, licence, weights.digest, origin, "safetensors", weights.path)


def cost(name: str) -> Cost:
    """What a model costs; as found when it was added, or counted now, which takes some seconds. Raises ModelError."""
    record = record_of(name)
    if record is not None:
        return Cost(record.parameters, record.gmacs_512, record.gmacs_hd, record.gmacs_4k, record.warm_up)
    model = load_model(name, "cpu", "fp32")
    counts = {name: round(gmacs(model, *size), 3) for name, size in SIZES.items()}
    return Cost(parameters(model), **counts, warm_up=0)


def problem(name: str) -> str:
    """What is wrong with a model's file, and what to do; empty where it is whole and the one that was meant."""
    try:
        record = record_of(name)
        if record is not None:
            read_added(record)
        if record is None or record.format == "safetensors":
            load_weights(find_weights(name))
    except ModelError as error:
        return str(error)
    return ""


def names() -> tuple[str, ...]:
    """Those that `--model` knows, in order."""
    return tuple(sorted(known_models()))
