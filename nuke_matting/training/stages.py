"""The stages that the two-stage network is trained in: small stills, larger ones, then clips with the regions.

Song, "Attention-based Memory video portrait matting", section 5.1, trains in the same order: short clips at low
resolution, longer ones, then high resolution with the refinement.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage.

    steps : optimiser steps.
    batch : clips in a step.
    frames : frames in a clip; 1 for stills, which are their own memory.
    sizes : (height, width) of the coarse frame, one drawn for each step; multiples of 16.
    enlarge : full-size sides over coarse ones; 1 leaves the regions untrained.
    rate : highest learning rate; warmed up over 5 % of the steps, then down to a twentieth along a cosine.
    norms : whether batch norm's statistics go on being learnt (small batches would spoil them).
    """

    steps: int
    batch: int
    frames: int
    sizes: tuple[tuple[int, int], ...]
    enlarge: float
    rate: float
    norms: bool


STAGES = {
    "small": Stage(4_500, 32, 1, ((128, 128), (112, 160), (160, 112), (112, 192), (176, 112)), 1.0, 4e-4, True),
    "stills": Stage(1_500, 16, 1, ((144, 256), (256, 144), (192, 192), (128, 256), (224, 160)), 1.0, 2.5e-4, True),
    "clips": Stage(700, 4, 2, ((144, 256), (256, 144), (192, 192), (160, 256)), 2.0, 1e-4, False),
}
COARSE_LONG_SIDE = 256  # of frames at work, pixels; the later stages are of that size
REGIONS = 160  # refined in each training frame
EMA = 0.999  # decay of the averaged weights, which are the ones that are kept
WEIGHT_DECAY = 0.02
REFINER_RATE = 5.0  # the region stage's learning rate over the others'
CLIP_GRADIENT = 1.0
