"""What training composites are made of: people with mattes, and backgrounds without people, held in memory.

People: folders of `NAME_fg.png` (straight foreground, sRGB, 8 bit) and `NAME_alpha.png` beside it. Backgrounds:
folders of photographs (sRGB) and of `.hdr` panoramas (scene-linear). All are kept small: training frames are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

LONG_SIDE = 640  # pixels; larger pictures are reduced to it

# 8-bit sRGB -> scene-linear
_DECODE = np.asarray(
    [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.arange(256) / 255.0], np.float32
)


def decode_srgb(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """8-bit sRGB, any shape -> scene-linear float32 in [0, 1]."""
    return _DECODE[picture]


@dataclass(frozen=True)
class Person:
    """A cut-out, cropped to what is not transparent; `grey` where it has no colour.

    foreground : [H, W, 3] uint8 sRGB, straight; alpha : [H, W] uint8.
    """

    name: str
    foreground: NDArray[np.uint8]
    alpha: NDArray[np.uint8]
    grey: bool


def load_people(folder: Path, known: dict[str, Person]) -> dict[str, Person]:
    """All whole pairs of a folder by name; those in `known` are not read again, so a growing folder can be reread."""
    people = {}
    for path in sorted(folder.rglob("*_alpha.png")):
        name = str(path.relative_to(folder))[: -len("_alpha.png")]
        person = known.get(name) or _load_person(name, path)
        if person is not None:
            people[name] = person
    return people


def _load_person(name: str, alpha_path: Path) -> Person | None:
    alpha = cv2.imread(str(alpha_path), cv2.IMREAD_GRAYSCALE)
    fg = cv2.imread(str(alpha_path).replace("_alpha.png", "_fg.png"), cv2.IMREAD_COLOR)
    if alpha is None or fg is None or fg.shape[:2] != alpha.shape:  # being written this moment, or damaged
        return None
    rows, columns = (np.flatnonzero(alpha.max(axis) > 4) for axis in (1, 0))
    if len(rows) * len(columns) < 1000:  # next to nothing of a person
        return None
    inside = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    fg, alpha = fg[inside], alpha[inside]
    scale = LONG_SIDE / max(alpha.shape)
    if scale < 1:
        size = (max(1, round(alpha.shape[1] * scale)), max(1, round(alpha.shape[0] * scale)))
        fg, alpha = (cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (fg, alpha))
    fg, alpha = np.ascontiguousarray(fg[..., ::-1]), np.ascontiguousarray(alpha)
    grey = bool((np.ptp(fg.astype(np.int16), axis=2) < 12).mean() > 0.98)
    return Person(name, fg, alpha, grey)


def load_backgrounds(folder: Path, long_side: int = 1024) -> list[NDArray]:
    """Photographs as uint8 sRGB, `.hdr` panoramas as float32 scene-linear, each [H, W, 3]."""
    found: list[NDArray] = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in {".jpg", ".jpeg", ".png", ".webp", ".hdr"}:
            continue
        picture = cv2.imread(str(path), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
        if picture is None:
            continue
        scale = long_side / max(picture.shape)
        if scale < 1:
            picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        picture = np.ascontiguousarray(picture[..., ::-1])
        found.append(picture if picture.dtype == np.uint8 else np.clip(picture, 0, 6e4).astype(np.float32))
    return found
