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
    "small": Stage(4_600, 32, 1, ((128, 128), (112, 160), (160, 112), (96, 176)), 1.0, 1e-3, True),
    "stills": Stage(1_650, 16, 1, ((192, 192), (144, 256), (256, 144), (176, 320)), 1.0, 3e-4, True),
    "again": Stage(1_100, 32, 1, ((128, 128), (112, 192), (176, 112), (96, 176)), 1.0, 6e-4, True),
    "clips": Stage(420, 6, 2, ((112, 160), (128, 128), (112, 192), (160, 112)), 2.5, 2e-4, False),
}
COARSE_LONG_SIDE = 192  # of frames at work, pixels; the stages end near it
REGIONS = 160  # refined in each training frame
EMA = 0.999  # decay of the averaged weights, which are the ones that are kept
WEIGHT_DECAY = 0.02
CLIP_GRADIENT = 1.0
