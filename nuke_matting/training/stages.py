"""What a recipe says: the stages that a network is trained in, how it learns, and what each loss weighs.

Song, "Attention-based Memory video portrait matting", section 5.1, trains in the same order as the shipped recipe:
short clips at low resolution, longer ones, then high resolution with the refinement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MODELS = ("two_stage",)  # that the trainer knows


def _within(least: float, most: float) -> Any:
    """A number from `least` to `most`, both inclusive; `recipe` holds recipes to it."""
    return field(metadata={"range": (least, most)})


@dataclass(frozen=True)
class Stage:
    """One stage.

    steps : optimiser steps.
    batch : clips in a step, of all processes together.
    frames : frames in a clip; 1 for stills, which are their own memory.
    sizes : (height, width) of the coarse frame, one drawn for each step; multiples of 16.
    enlarge : full-size sides over coarse ones; 1 leaves the regions untrained.
    rate : highest learning rate.
    norms : whether batch norm's statistics go on being learnt (small batches would spoil them).
    """

    steps: int = _within(1, 100_000_000)
    batch: int = _within(1, 4096)
    frames: int = _within(1, 64)
    sizes: tuple[tuple[int, int], ...]
    enlarge: float = _within(1, 16)
    rate: float = _within(0, 1)
    norms: bool


@dataclass(frozen=True)
class Optimiser:
    """AdamW, and the average of the weights that it makes.

    weight_decay : of matrices and kernels; gains and biases have none.
    refiner_rate : the region stage's learning rate over the others'; it starts last.
    clip_gradient : longest gradient, as its norm.
    warm_up : share of a stage's steps in which the rate climbs to its highest.
    last_rate : rate at a stage's end over the highest; it falls along a cosine.
    ema : decay of the averaged weights, which are the ones that are kept.
    """

    weight_decay: float = _within(0, 1)
    refiner_rate: float = _within(0, 1000)
    clip_gradient: float = _within(1e-6, 1e6)
    warm_up: float = _within(0, 1)
    last_rate: float = _within(0, 1)
    ema: float = _within(0, 1)


@dataclass(frozen=True)
class LossWeights:
    """What each loss is multiplied by; `student` says what they are. The fine ones are of the regions at full size."""

    alpha: float = _within(0, 1e4)
    laplacian: float = _within(0, 1e4)
    foreground: float = _within(0, 1e4)
    error: float = _within(0, 1e4)
    direct: float = _within(0, 1e4)
    cover: float = _within(0, 1e4)
    temporal: float = _within(0, 1e4)
    fine_alpha: float = _within(0, 1e4)
    fine_laplacian: float = _within(0, 1e4)
    fine_foreground: float = _within(0, 1e4)


@dataclass(frozen=True)
class Recipe:
    """How a model is trained, whatever it is trained on.

    model : one of MODELS.
    coarse_long_side : pixels; the long side of the coarse frame at work, about that of the last stages' sizes.
    regions : refined in each training frame.
    stages : by name, in their order.
    """

    model: str = field(metadata={"among": MODELS})
    coarse_long_side: int = _within(32, 4096)
    regions: int = _within(1, 100_000)
    optimiser: Optimiser
    losses: LossWeights
    stages: Mapping[str, Stage]
