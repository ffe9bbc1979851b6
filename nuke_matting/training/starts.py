"""What a run starts from: checkpoints and weight files, and the mean of them by their shares."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nuke_matting.errors import ModelError, UsageError
from nuke_matting.models.weights import load_weights
from nuke_matting.training.provenance import Past, joined, past_of_checkpoint, past_of_weights
from nuke_matting.training.student import Student


@dataclass(frozen=True)
class Start:
    """A checkpoint of an earlier stage, or a weight file; share : of the mean of several, over the sum of theirs."""

    path: Path
    share: float = 1.0


def parse_start(text: str) -> Start:
    """`FILE` or `FILE:SHARE` -> Start. Raises UsageError."""
    path, colon, share = text.rpartition(":")
    if not colon or len(path) <= 1 or Path(text).exists():  # none given, or a drive's letter
        return Start(Path(text))
    try:
        value = float(share)
    except ValueError:
        return Start(Path(text))
    if not 0 < value < math.inf:
        raise UsageError(f"{text!r} is not a valid start", advice="write FILE[:SHARE], a share above 0")
    return Start(Path(path), value)


def take(student: Student, starts: Sequence[Start], helped: bool) -> Past:
    """Gives a student the mean of checkpoints' averaged weights and of weight files: runs of one beginning err apart,
    and their mean less so (Wortsman et al. 2022, "Model soups"). Returns what they come from.

    helped : of a weight file of several networks, that for frames with help is meant (see `Student.fill`).
    Raises ModelError.
    """
    own = student.state_dict()
    total = {name: torch.zeros_like(value) for name, value in own.items() if value.is_floating_point()}
    whole = sum(each.share for each in starts)
    pasts = []
    for each in starts:
        if each.path.suffix == ".safetensors":  # without what only training needs, which starts anew
            weights = load_weights(each.path)
            student.fill(weights, helped)
            pasts.append(past_of_weights(weights))
        else:
            last = read_checkpoint(each.path)
            with fitting(each.path):
                student.load_state_dict(last["average"])
                pasts.append(past_of_checkpoint(last))
        for name, sum_ in total.items():
            sum_ += own[name] * (each.share / whole)
    student.load_state_dict(own | total)
    return joined(pasts)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint's values, on the CPU: whoever loads them copies what belongs on a GPU. Raises ModelError."""
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror or error})", path=path, advice="check the path") from error
    except Exception as error:  # of bytes that are no pickle it raises whatever it stumbles over
        raise ModelError("is no whole checkpoint", path=path, advice="give a last.pt of a training") from error


@contextmanager
def fitting(path: Path) -> Iterator[None]:
    """Raises ModelError where a checkpoint's values do not go into the network."""
    try:
        yield
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(
            "does not fit the network and its optimiser", path=path, advice="it is of another model or version"
        ) from error
