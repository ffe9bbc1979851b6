"""What training composites are made of: subjects with mattes, read when they are drawn, and backgrounds in memory.

A `Subject` is a list of paths; `Store` decodes its frames on demand and keeps the last ones within a bound of bytes.
Integer pictures (8 and 16 bit) are sRGB and decoded; EXRs and other float pictures are scene-linear as they are.
All are reduced to what training frames need. `folders` and `datasets` find subjects.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.colour.model_space import srgb_curve, srgb_curve_inverse
from nuke_matting.errors import PlateError
from nuke_matting.plate.reader import align, read_frame, read_matte

LONG_SIDE = 640  # pixels; larger pictures are reduced to it
LEAST_ALPHA = 4 / 255  # below it a pixel shows nothing, and its colour cannot be known
LEAST_AREA = 1000  # pixels of the crop; less is next to nothing of a subject
MEMORY = 2**30  # bytes of decoded subjects that are kept
TRIES = 20  # subjects that may turn out unreadable in a row

# 8-bit sRGB -> scene-linear
_DECODE = np.asarray(
    [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.arange(256) / 255.0], np.float32
)


def decode_srgb(picture: NDArray) -> NDArray[np.float32]:
    """8-bit sRGB, any shape -> scene-linear float32 in [0, 1]; floats are scene-linear and stay."""
    return _DECODE[picture] if picture.dtype == np.uint8 else picture.astype(np.float32, copy=False)


@dataclass(frozen=True)
class Person:
    """A cut-out, decoded; `grey` where it has no colour. Despite its name it may be of anything.

    foreground : [H, W, 3] straight, uint8 sRGB or float32 scene-linear; alpha : [H, W] uint8.
    """

    name: str
    foreground: NDArray
    alpha: NDArray[np.uint8]
    grey: bool


@dataclass(frozen=True)
class Picture:
    """The files of one frame of a subject; `alpha` is None where the matte is the foreground file's own alpha."""

    foreground: Path
    alpha: Path | None = None


@dataclass(frozen=True)
class Subject:
    """Where a subject's pictures are; nothing is read yet.

    frames : of a clip, consecutive and of one size; a still has one.
    premultiplied : the colour is multiplied by the alpha, in linear light.
    cache : set where `foreground` is the whole photograph: the colour of the subject alone is estimated when it is
        first drawn, and kept in this folder as `NAME_fg.png`, `NAME_alpha.png`.
    """

    name: str
    frames: tuple[Picture, ...]
    premultiplied: bool = False
    cache: Path | None = None


def read(subject: Subject, start: int = 0, count: int = 1) -> list[Person]:
    """Consecutive frames, cropped alike to what shows in any of them, so that motion is kept, and reduced alike.

    A clip of fewer frames is run to and fro. Raises PlateError: missing, damaged, of unequal sizes, or empty.
    """
    if subject.cache is not None:
        from nuke_matting.training.foregrounds import kept_estimate  # brings numba, which is slow to start

        subject = kept_estimate(subject)
    there = list(range(len(subject.frames)))
    there = (there + there[-2:0:-1]) or there
    order = [there[(start + step) % len(there)] for step in range(count)]
    known = {index: decode(subject.frames[index], index, subject.premultiplied) for index in sorted(set(order))}
    first = subject.frames[order[0]]
    if len({alpha.shape for _, alpha in known.values()}) > 1:
        raise PlateError(
            "frames of a clip have different sizes",
            path=first.foreground.parent,
            advice="if they are stills, name the layout: stills=DIR",
        )
    inside = crop(np.max([alpha for _, alpha in known.values()], axis=0), first)
    cuts = {
        index: _finish(subject.name, colour[inside], alpha[inside], subject.premultiplied)
        for index, (colour, alpha) in known.items()
    }
    return [cuts[index] for index in order]


def decode(picture: Picture, number: int = 0, premultiplied: bool = False) -> tuple[NDArray, NDArray[np.float32]]:
    """Colour [H, W, 3], uint8 sRGB or float32 scene-linear, and alpha [H, W] in [0, 1], of the whole display window.

    Straight colour of 8 bits stays in 8 bits. Raises PlateError.
    """
    frame = read_frame(picture.foreground, number)
    alpha_path = picture.alpha or picture.foreground
    alpha, data_window, display = read_matte(alpha_path, number)
    if picture.alpha is not None and alpha.min() >= 1:  # a grey picture that was saved with an alpha channel
        alpha = np.ascontiguousarray(read_frame(alpha_path, number).pixels[..., 0])
    alpha = np.clip(align(alpha, data_window, display), 0, 1)
    colour = align(frame.pixels, frame.data_window, frame.display_window)
    if colour.shape[:2] != alpha.shape:
        raise PlateError(
            f"the matte is {alpha.shape[1]}x{alpha.shape[0]}, its foreground {colour.shape[1]}x{colour.shape[0]}",
            path=alpha_path,
            advice="give both at one size",
        )
    if frame.colour.integer:
        bytes_ = np.round(colour * 255)
        if not premultiplied and np.abs(colour * 255 - bytes_).max() < 1e-2:  # stored in 8 bits, so kept in 8 bits
            return bytes_.astype(np.uint8), alpha
        colour = srgb_curve_inverse(colour)
    return np.maximum(colour, 0).astype(np.float32), alpha


def crop(alpha: NDArray[np.float32], picture: Picture) -> tuple[slice, slice]:
    """Rows and columns of what shows. Raises PlateError where that is next to nothing."""
    rows, columns = (np.flatnonzero((alpha > LEAST_ALPHA).any(axis)) for axis in (1, 0))
    if len(rows) * len(columns) < LEAST_AREA:
        raise PlateError("the matte is as good as empty", path=picture.alpha or picture.foreground)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _finish(name: str, colour: NDArray, alpha: NDArray[np.float32], premultiplied: bool) -> Person:
    eight = colour.dtype == np.uint8
    if max(alpha.shape) > LONG_SIDE or premultiplied:
        linear = decode_srgb(colour)
        linear = linear if premultiplied else linear * alpha[..., None]  # colour counts as much as it shows
        linear, alpha = reduced(linear), reduced(alpha)
        colour = linear / np.maximum(alpha, LEAST_ALPHA)[..., None]
    colour = continued(colour, alpha)
    if eight and colour.dtype != np.uint8:
        colour = np.round(np.clip(srgb_curve(colour), 0, 1) * 255).astype(np.uint8)
    coded = colour if eight else np.clip(srgb_curve(colour), 0, 1) * 255
    grey = bool((np.ptp(coded.astype(np.int16), axis=2) < 12).mean() > 0.98)
    return Person(name, np.ascontiguousarray(colour), np.round(alpha * 255).astype(np.uint8), grey)


def reduced(picture: NDArray) -> NDArray:
    """[H, W] or [H, W, C], its longer side no longer than LONG_SIDE."""
    scale = LONG_SIDE / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def continued(colour: NDArray, alpha: NDArray[np.float32]) -> NDArray:
    """Straight colour [H, W, 3] carried on to where the alpha [H, W] is as good as 0, from where it is not.

    Files may hold anything there, and whatever is resized takes its neighbours in. The dtype stays.
    """
    hidden = alpha <= LEAST_ALPHA
    if not hidden.any():
        return colour
    weight = np.where(hidden, 0, alpha).astype(np.float32)
    levels = [(colour.astype(np.float32) * weight[..., None], weight)]
    while min(levels[-1][1].shape) > 1:
        size = tuple(max(1, side // 2) for side in levels[-1][1].shape[::-1])
        levels.append(tuple(cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in levels[-1]))
    filled = levels[-1][0] / np.maximum(levels[-1][1], 1e-6)[..., None]
    filled = filled.reshape(*levels[-1][1].shape, 3)
    for premultiplied, cover in reversed(levels[:-1]):
        wider = cv2.resize(filled, cover.shape[::-1], interpolation=cv2.INTER_LINEAR)
        share = np.minimum(cover * 4, 1)[..., None]  # a quarter of a cell suffices to know its colour
        filled = premultiplied / np.maximum(cover, 1e-6)[..., None] * share + wider * (1 - share)
    if colour.dtype == np.uint8:
        filled = np.clip(np.round(filled), 0, 255)
    return np.where(hidden[..., None], filled, colour).astype(colour.dtype)


@dataclass
class Store:
    """Decoded subjects, the least recently used out first. One belongs to each process that draws.

    limit : bytes of pictures kept.
    """

    limit: int = MEMORY
    _kept: OrderedDict[tuple, list[Person]] = field(default_factory=OrderedDict)
    _size: int = 0
    _told: set[str] = field(default_factory=set)

    def draw(self, among: Sequence[Subject | Person], random: np.random.Generator, frames: int = 1) -> list[Person]:
        """A subject at random: one cut-out of a still, `frames` consecutive ones of a clip.

        One that cannot be read is told once, as a warning, and another drawn. Raises the last PlateError after
        TRIES of them in a row.
        """
        for tries in range(TRIES):
            chosen = among[random.integers(len(among))]
            if isinstance(chosen, Person):
                return [chosen]
            length = len(chosen.frames)
            start = int(random.integers(max(1, length - frames + 1))) if length > 1 else 0
            try:
                return self.frames(chosen, start, frames if length > 1 else 1)
            except PlateError as error:
                if tries == TRIES - 1:
                    raise
                if str(error) not in self._told:
                    self._told.add(str(error))
                    warnings.warn(f"left out of training: {error}", stacklevel=2)
        raise AssertionError("unreachable")

    def frames(self, subject: Subject, start: int, count: int) -> list[Person]:
        """`read`, from memory where it is there."""
        key = (subject.frames[start], subject.premultiplied, subject.cache, count)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        people = read(subject, start, count)
        self._kept[key] = people
        self._size += _bytes(people)
        while self._size > self.limit and len(self._kept) > 1:
            self._size -= _bytes(self._kept.popitem(last=False)[1])
        return people


def _bytes(people: list[Person]) -> int:
    return sum(each.foreground.nbytes + each.alpha.nbytes for each in people)


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
