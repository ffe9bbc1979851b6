"""What a recipe says whatever its model: the stages that a network is trained in, and how it learns.

Each model's own kind of recipe, beside its student in `students`, adds the model's options and its losses' weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from nuke_matting.resources import shipped


def shipped_recipes() -> dict[str, Path]:
    """Name -> file of every recipe that comes with the package."""
    return {path.stem: path for path in sorted(shipped("training/recipes").glob("*.yaml"))}


@dataclass(frozen=True)
class Within:
    """Holds a number to what lies from `least` to `most`, both inclusive: see `recipe`."""

    least: float
    most: float


@dataclass(frozen=True)
class Among:
    """Holds a value to some, likewise."""

    values: tuple[int | str, ...]


Weight = Annotated[float, Within(0, 1e4)]  # what a loss is multiplied by


@dataclass(frozen=True)
class Stage:
    """One stage.

    steps : optimiser steps.
    batch : clips in a step, of all processes together.
    frames : frames in a clip; 1 for stills, which are their own memory.
    sizes : (height, width) of the coarse frame, one drawn for each step; multiples of 16.
    enlarge : full-size sides over coarse ones; 1 leaves the refinement untrained where it is a stage of its own.
    rate : highest learning rate.
    norms : whether batch norm's statistics go on being learnt (small batches would spoil them).
    learns : "all"; "refinement": it alone, which wants a coarse stage that no longer changes; "memory", of
        `two_stage`: what reads it and what follows alone, so that clips, which are dear, need little work (no norms).
    echo : steps that learn from each drawn batch, remixed (see `echo`); 1 draws one for each. More for GPUs that wait.
    """

    steps: Annotated[int, Within(1, 100_000_000)]
    batch: Annotated[int, Within(1, 4096)]
    frames: Annotated[int, Within(1, 64)]
    sizes: tuple[tuple[int, int], ...]
    enlarge: Annotated[float, Within(1, 16)]
    rate: Annotated[float, Within(0, 1)]
    norms: bool
    learns: Annotated[str, Among(("all", "refinement", "memory"))]
    echo: Annotated[int, Within(1, 1000)]


@dataclass(frozen=True)
class Optimiser:
    """The optimiser, and the average of the weights that it makes.

    method : "adamw", or "muon": AdamW but for matrices and kernels (see `muon`), which takes far fewer steps.
    weight_decay : of matrices and kernels; gains and biases have none.
    refiner_rate : the refinement's learning rate over the others'; it starts last.
    clip_gradient : longest gradient, as its norm.
    warm_up : share of a stage's steps in which the rate climbs to its highest.
    last_rate : rate at a stage's end over the highest; it falls along a cosine.
    ema : decay of the averaged weights, which are the ones that are kept.
    """

    method: Annotated[str, Among(("adamw", "muon"))]
    weight_decay: Annotated[float, Within(0, 1)]
    refiner_rate: Annotated[float, Within(0, 1000)]
    clip_gradient: Annotated[float, Within(1e-6, 1e6)]
    warm_up: Annotated[float, Within(0, 1)]
    last_rate: Annotated[float, Within(0, 1)]
    ema: Annotated[float, Within(0, 1)]


@dataclass(frozen=True)
class Recipe:
    """How a model is trained, whatever it is trained on. Each model's kind adds `losses`, the weight of each.

    model : one of `students.MODELS`.
    stages : by name, in their order.
    """

    model: str
    optimiser: Optimiser
    stages: Mapping[str, Stage]


def rate_at(step: int, stage: Stage, optimiser: Optimiser) -> float:
    """Learning rate: linear warm-up, then down along a cosine."""
    warm = max(1, round(stage.steps * optimiser.warm_up))
    if step < warm:
        return stage.rate * (step + 1) / warm
    along = (step - warm) / max(1, stage.steps - warm)
    last = optimiser.last_rate
    return stage.rate * (last + (1 - last) * (1 + math.cos(math.pi * along)) / 2)
