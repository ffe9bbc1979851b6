"""What a step of learning needs beside its losses: a recipe's optimiser, arithmetic that repeats, averaged weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from nuke_matting.training import muon
from nuke_matting.training.stages import Optimiser
from nuke_matting.training.student import Student


def make_optimiser(student: Student, optimiser: Optimiser, rate: float) -> torch.optim.Optimizer:
    """The optimiser of a recipe, for all parameters of a student. rate : the highest learning rate."""
    learns = muon.Muon if optimiser.method == "muon" else torch.optim.AdamW
    return learns(_groups(student, optimiser), lr=rate)


def _groups(student: Student, optimiser: Optimiser) -> list[dict[str, Any]]:
    """Parameters by kind: matrix or not, of the refinement or not, Muon's or not. `factor` is over the stage's rate.

    By kind, not by value, so that a run whose recipe has been changed finds its groups again.
    """
    kinds: dict[tuple[bool, bool, int], list[nn.Parameter]] = {}
    late = {id(each) for each in student.refinement.parameters()}
    for name, parameter in student.named_parameters():
        matrices = muon.matrices(name, parameter) if optimiser.method == "muon" else 0
        kinds.setdefault((parameter.ndim > 1, id(parameter) in late, matrices), []).append(parameter)
    return [
        {
            "params": each,
            "weight_decay": optimiser.weight_decay if matrix else 0.0,
            "factor": optimiser.refiner_rate if refines else 1.0,
            "matrices": matrices,
        }
        for (matrix, refines, matrices), each in kinds.items()
    ]


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """On the CPU, has gradients of entries that are read more than once, as of bias tables, added up in one order.

    Otherwise several threads add them in any order.
    """
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    # torch makes the attribute as the module is loaded, so that its stubs know none of that name
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    if device.type == "cpu":
        torch.use_deterministic_algorithms(True, warn_only=True)
        # nothing reads it, and filling costs time
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]


@torch.no_grad()
def follow(average: nn.Module, student: nn.Module, decay: float) -> None:
    """Moves the average towards the student: the parameters alone, see `train.Trainer._see` for batch norms."""
    old: list[Tensor] = [*average.parameters()]
    new: list[Tensor] = [*student.parameters()]
    torch._foreach_lerp_(old, new, 1 - decay)  # at once, for GPUs' sake
