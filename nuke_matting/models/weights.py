"""Weight files: safetensors with metadata that says what they are, whose, and what from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from nuke_matting.atomic import write_whole
from nuke_matting.errors import ModelError

LICENCES_BEFORE = "licences_before"  # key of the metadata: what was stated of weights that these come from
LONG_SIDE = "coarse_long_side"  # key of the metadata
LONGEST_NAME = 255  # characters
LARGEST = 1024  # pixels of a coarse frame's long side; what mattes are spread by grows with its fourth power
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@dataclass(frozen=True)
class WeightFile:
    """A weight file's tensors, its metadata (all text) and the SHA-256 of its bytes."""

    path: Path
    tensors: dict[str, Tensor]
    metadata: dict[str, str]
    digest: str


def save_weights(path: Path, net: nn.Module, metadata: dict[str, str], dtype: torch.dtype = torch.float16) -> None:
    """Writes a network's weights, whole or not at all.

    dtype : of those that are no whole numbers; fp16 makes small files.
    metadata : needs `architecture` and `name`; the weights that ship also say `version`, `licence` and `training`. A
        digest of the values is added, by which `load_weights` finds damage.

    Raises OutputError.
    """
    tensors = {
        name: (value.to(dtype) if value.is_floating_point() else value).contiguous().cpu()
        for name, value in net.state_dict().items()
    }
    metadata = {**metadata, "digest": _digest_of(tensors)}
    write_whole(path, save(tensors, metadata))


def load_weights(path: Path) -> WeightFile:
    """Reads a weight file. Raises ModelError where it is missing, damaged, not ours, or of numbers that none takes."""
    advice = "copy the file anew, or name another model with --model"
    try:
        data = path.read_bytes()  # once: a training may put another file in its place
        digest, tensors = hashlib.sha256(data).hexdigest(), load(data)
        metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__") or {}
    except OSError as error:
        raise ModelError(f"the weights cannot be read ({error.strerror or error})", path=path, advice=advice) from error
    except (SafetensorError, ValueError, KeyError) as error:  # a key: of a type of numbers that this torch has not
        raise ModelError(f"not a whole safetensors file ({error})", path=path, advice=advice) from error
    odd = sorted({str(value.dtype).removeprefix("torch.") for value in tensors.values() if not _is_known(value.dtype)})
    if odd:
        raise ModelError(
            f"the weights hold numbers of a kind that no network here takes ({', '.join(odd)})",
            path=path,
            advice="save them as fp16, bf16, fp32 or fp64",
        )
    found = _digest_of(tensors)
    if metadata.get("digest", found) != found:
        raise ModelError("the weights were changed or damaged: their digest is another", path=path, advice=advice)
    if "architecture" not in metadata:
        raise ModelError("the file does not say which network it is for", path=path, advice=advice)
    name = metadata.get("name", "")
    if not name.isprintable() or len(name) > LONGEST_NAME:  # it goes into lines of a log, and into each matte's header
        raise ModelError(f"{name[:40]!r} in the metadata is no name of a model", path=path, advice=advice)
    return WeightFile(path, tensors, metadata, digest)


def _is_known(dtype: torch.dtype) -> bool:
    return dtype in _FLOATS or not (dtype.is_floating_point or dtype.is_complex)


def stated(weights: WeightFile, key: str, known: Sequence[str]) -> str:
    """What the metadata say under a key; where they say nothing, the first that is known. Raises ModelError."""
    value = weights.metadata.get(key, known[0])
    if value not in known:
        raise ModelError(
            f"{key} in the metadata is {value!r}, not one of {', '.join(known)}",
            path=weights.path,
            advice="save the weights again, or name another model with --model",
        )
    return value


def coarse_long_side(weights: WeightFile, key: str = LONG_SIDE) -> int:
    """Pixels; the size that the weights were trained for. Raises ModelError."""
    given = weights.metadata.get(key, "512")
    if given not in map(str, range(32, LARGEST + 1)):  # it may be any text, and longer than a number is read from
        raise ModelError(
            f"{key} in the metadata is {given[:40]!r}, not a number of pixels from 32 to {LARGEST}",
            path=weights.path,
            advice="save the weights again, or use --model two_stage",
        )
    return int(given)


def _digest_of(tensors: dict[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and values, whatever their order in the file."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        # as one row: what is contiguous in channels-last order may have sides of 1 with any stride
        digest.update(value.contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def fill(net: nn.Module, weights: WeightFile) -> None:
    """Loads the tensors into a network as fp32. Raises ModelError where names, shapes or values do not fit."""
    wanted = net.state_dict()
    missing, unknown = sorted(set(wanted) - set(weights.tensors)), sorted(set(weights.tensors) - set(wanted))
    wrong = sorted(n for n, v in wanted.items() if n in weights.tensors and weights.tensors[n].shape != v.shape)
    broken = sorted(n for n, v in weights.tensors.items() if v.is_floating_point() and not v.float().isfinite().all())
    for names, what in (
        (missing, "are missing"),
        (unknown, "are unknown"),
        (wrong, "have another shape"),
        (broken, "are not finite"),
    ):
        if names:
            shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            raise ModelError(
                f"the weights do not fit the network: {len(names)} tensors {what} ({shown})",
                path=weights.path,
                advice="use the weights that came with this version, or name another model with --model",
            )
    net.load_state_dict({name: value.to(wanted[name].dtype) for name, value in weights.tensors.items()})
