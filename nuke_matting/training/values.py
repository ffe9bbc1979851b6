"""What passes between those who find, read and place subjects: where files are, and what is read of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sides:
    """Some of a picture's sides."""

    left: bool = False
    right: bool = False
    top: bool = False
    bottom: bool = False


@dataclass(frozen=True)
class Cutout:
    """A frame of a subject, decoded and cropped to it; `grey` where it has no colour.

    foreground : [H, W, 3] straight, uint8 sRGB or float32 scene-linear; alpha : [H, W] uint8.
    ends : the sides at which the picture that it was cropped from ends.
    """

    name: str
    foreground: NDArray
    alpha: NDArray[np.uint8]
    grey: bool
    ends: Sides


@dataclass(frozen=True)
class Photograph:
    """A whole photograph in layers of one size: a subject where it was, and what is behind it.

    foreground, behind : [H, W, 3] straight, uint8 sRGB; alpha : [H, W] uint8.
    """

    foreground: NDArray[np.uint8]
    alpha: NDArray[np.uint8]
    behind: NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """The files of one frame of a subject; `alpha` is None where the matte is the foreground file's own alpha.

    behind : what is behind it in the photograph that it was cut from, of the same size; None where nobody knows.
    """

    foreground: Path
    alpha: Path | None = None
    behind: Path | None = None


@dataclass(frozen=True)
class Subject:
    """Where a subject's pictures are; nothing is read yet.

    frames : of a clip, consecutive and of one size; a still has one.
    premultiplied : the colour is multiplied by the alpha, in linear light.
    cache : set where the foreground of a still is the whole photograph: the colour of the subject alone is estimated
        when it is first drawn, and kept in this folder as `NAME_fg.png`, `NAME_alpha.png`.
    """

    name: str
    frames: tuple[Picture, ...]
    premultiplied: bool = False
    cache: Path | None = None
