"""Pictures that training draws from, decoded when they are drawn; the last ones stay in memory, within a bound."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.errors import PlateError, UsageError
from nuke_matting.plate.reader import read_frame
from nuke_matting.training.decoding import rec709, upright
from nuke_matting.training.folders import visible
from nuke_matting.training.reading import read, read_photograph
from nuke_matting.training.resizing import LONG_SIDE, reduced
from nuke_matting.training.values import Cutout, Photograph, Subject

MEMORY = 2**30  # bytes of subjects that are kept, and as many of backgrounds
TRIES = 20  # pictures that may turn out unreadable in a row
BACKGROUND_LONG_SIDE = 1024  # pixels, beside subjects of LONG_SIDE; larger pictures are reduced to it
_PIXELS, _END = b"\xff\xda", b"\xff\xd9"  # what stands before a JPEG's pixels, and after them
CODED, LINEAR = {".jpg", ".jpeg", ".png", ".webp"}, {".hdr", ".exr"}
BRIGHTEST = 6e4  # of a background; panoramas hold the sun

T = TypeVar("T")
Place = TypeVar("Place", Subject, Path)  # where a picture is


@dataclass
class Kept:
    """Values by key, the least recently used out first; `limit` : bytes of them. One is kept, however large."""

    limit: int
    _values: OrderedDict[Hashable, tuple[Any, int]] = field(default_factory=OrderedDict)
    _size: int = 0

    def get(self, key: Hashable, make: Callable[[], T], size: Callable[[T], int]) -> T:
        """The value of a key, made where it is not there."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key][0]
        value = make()
        self._values[key] = value, size(value)
        self._size += size(value)
        while self._size > self.limit and len(self._values) > 1:
            self._size -= self._values.popitem(last=False)[1][1]
        return value


class Store:
    """Draws cut-outs and backgrounds at random. One belongs to each process that draws.

    A picture that cannot be read is reported as a warning, and another drawn.

    memory : bytes of cut-outs that are kept, and as many of backgrounds.
    long_side : pixels of subjects' pictures; larger ones are reduced to it, and backgrounds to 1.6 times as many.
    """

    def __init__(self, memory: int = MEMORY, long_side: int = LONG_SIDE) -> None:
        self._cutouts, self._backgrounds = Kept(memory), Kept(memory)
        self._long_sides = long_side, BACKGROUND_LONG_SIDE * long_side // LONG_SIDE

    def cutouts(self, among: Sequence[Subject], random: np.random.Generator, frames: int = 1) -> list[Cutout]:
        """One cut-out of a still, or `frames` consecutive ones of a clip. Raises PlateError: none can be read."""

        def get(subject: Subject) -> list[Cutout]:
            length = len(subject.frames)
            start = int(random.integers(max(1, length - frames + 1)))
            count = frames if length > 1 else 1
            key = (subject.frames[start], subject.premultiplied, subject.cache, count)
            return self._cutouts.get(key, lambda: read(subject, start, count, self._long_sides[0]), _bytes)

        return _draw(among, random, get)

    def photograph(self, among: Sequence[Subject], random: np.random.Generator) -> Photograph:
        """A photograph of a still of which it is known what is behind. Raises PlateError: none can be read."""

        def get(subject: Subject) -> Photograph:
            picture, long_side = subject.frames[0], self._long_sides[0]
            return self._cutouts.get(
                picture, lambda: read_photograph(picture, long_side), lambda whole: 7 * whole.alpha.nbytes
            )

        return _draw(among, random, get)

    def background(self, among: Sequence[Path], random: np.random.Generator) -> NDArray:
        """See `read_background`. Raises PlateError: none can be read."""

        def get(path: Path) -> NDArray:
            long_side = self._long_sides[1]
            return self._backgrounds.get(path, lambda: read_background(path, long_side), lambda p: p.nbytes)

        return _draw(among, random, get)


def _bytes(cutouts: list[Cutout]) -> int:
    return sum(each.foreground.nbytes + each.alpha.nbytes for each in cutouts)


def _draw(among: Sequence[Place], random: np.random.Generator, get: Callable[[Place], T]) -> T:
    for _ in range(TRIES - 1):
        try:
            return get(among[int(random.integers(len(among)))])
        except PlateError as error:
            warnings.warn(f"left out of training: {error}", stacklevel=3)
    return get(among[int(random.integers(len(among)))])


def find_backgrounds(folder: Path) -> list[Path]:
    """Photographs, panoramas and other pictures in a folder and those below it. Raises UsageError: there are none.

    What is behind subjects is none: it is made up where they were, and whoever learns that such blurs are nobody takes
    what is plain, such as an arm, for nobody too.
    """
    found = sorted(path for path in visible(folder) if path.suffix.lower() in CODED | LINEAR)
    if not found:
        raise UsageError("holds no backgrounds", path=folder, advice="expected images: .jpg, .png, .webp, .hdr, .exr")
    found = [path for path in found if not path.stem.endswith(("_fg", "_alpha", "_behind"))]
    if not found:
        raise UsageError("holds subjects, and no backgrounds", path=folder, advice="give it with --people")
    return found


def read_background(path: Path, long_side: int = BACKGROUND_LONG_SIDE) -> NDArray:
    """A photograph as uint8 sRGB, an `.hdr` or `.exr` picture as float32 scene-linear: [H, W, 3]. Raises PlateError.

    long_side : pixels; larger ones are reduced to it.
    """
    if path.suffix.lower() in LINEAR:
        picture = upright(np.clip(rec709(read_frame(path, 0)), 0, BRIGHTEST), path)
    else:
        decoded = _decoded(path)
        if decoded is None:
            raise PlateError("cannot be read", path=path, advice="save it again, or take it out")
        picture = decoded[..., ::-1]
    return np.ascontiguousarray(reduced(np.ascontiguousarray(picture), long_side))


def _decoded(path: Path) -> NDArray | None:
    """A picture [H, W, 3] in BGR order; None where it cannot be read, claims a size that none has, or is a JPEG whose
    end is missing, which its reader would make up."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if not data or (path.suffix.lower() in (".jpg", ".jpeg") and data.rfind(_END) < data.rfind(_PIXELS)):
        return None
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
