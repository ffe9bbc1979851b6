"""How bright a network is shown a frame: a plate by night as bright as those that it learnt from, or as the user says.

What is found is undone on the foreground; alpha knows no light.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nuke_matting.colour.model_space import BOUNDS, from_model, to_model

Array = NDArray[np.float32]

LIGHTS = 0.04  # of a frame's pixels are its lights: the mean of so many brightest ones
WHITE = 1.0  # scene-linear; none counts for more, or a lamp in a dark frame would make day of it
LIT = 0.5  # scene-linear; a frame with brighter lights is shown as it is
MOST = 6.0  # stops; beyond, a fade to black would be shown as noise
EVERY = 4  # of rows and columns are looked at


def stops(image: Array, more: float) -> float:
    """By how many stops a frame is to be shown brighter.

    image : [H, W, 3] float32, model space. more : stops that the user adds to what a dark frame is given by itself: as
        many as bring its lights to LIT. They change little by little with how much of the frame is lit.
    """
    if image.size == 0:
        return more
    known = image[::EVERY, ::EVERY].max(axis=2)
    darker = int((1 - LIGHTS) * (known.size - 1))
    brightest = np.partition(known, darker, axis=None)[darker:].astype(np.float64)
    lights = float(np.minimum(from_model(brightest), WHITE).mean())
    own = MOST if lights <= 0 else math.log2(LIT / lights)
    return more + min(MOST, max(0.0, own))


def brighter(image: Array, by: float) -> Array:
    """A picture [H, W, 3] float32 of the model space, brighter by so many stops: the same array where they are 0."""
    return image if by == 0 else to_model(from_model(image.clip(*BOUNDS)) * np.float32(2.0**by)).astype(np.float32)
