"""What every model promises to the engine, whatever network is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nuke_matting.nets.regions import CELL

Array = NDArray[np.float32]


# top, left, height and width of a frame's data window, from the corner of its format, in square pixels, by that one's
# long side
Lies = tuple[float, float, float, float]


@dataclass(frozen=True)
class FrameInput:
    """A frame as models take it.

    image : [H, W, 3] float32, model space.
    clean : the clean plate, likewise and of the same size, or None.
    guide : [H, W] float32 in [0, 1]: 1 inside, 0 outside, between is open; or None.
    pixel_aspect : width of a pixel over its height, of all of them; 1 but for anamorphic plates.
    lies : where it lies in its format, so that places of frames can be compared that show more or less of it; or None.
    """

    image: Array
    clean: Array | None = None
    guide: Array | None = None
    pixel_aspect: float = 1.0
    lies: Lies | None = None

    def unsqueezed(self, height: int, width: int) -> tuple[int, int]:
        """Height and width, of so many of its pixels, in square ones: what a reduced frame has the proportions of,
        since networks know people by theirs.

        >>> FrameInput(np.zeros((4, 6, 3), np.float32), pixel_aspect=2.0).unsqueezed(4, 6)
        (4, 12)
        """
        return height, max(1, round(width * self.pixel_aspect))


@dataclass(frozen=True)
class Abilities:
    """What a model takes beside the plate, and whether it finds a foreground.

    clean_plate : it takes one.
    needs_clean_plate : it gives no matte without one.
    guesses_clean_plate : it guesses one where there is none. Of a network whose weights differ in it, this and
        `needs_clean_plate` are both True; of one with its weights, one of them.
    guide : it takes one.
    keys : it reads key mattes: it is a `KeyedModel`.
    foreground : it finds one; else the frame's own colours stand in.
    """

    clean_plate: bool = False
    needs_clean_plate: bool = False
    guesses_clean_plate: bool = False
    guide: bool = False
    keys: bool = False
    foreground: bool = True

    def words(self) -> tuple[str, ...]:
        """The inputs as users read of them.

        >>> Abilities(clean_plate=True, needs_clean_plate=True, guide=True).words()
        ('plate', 'clean plate (needed)', 'guide')
        """
        needed = ", but by weights that guess it" if self.guesses_clean_plate else ""
        clean_plate = f"clean plate (needed{needed})" if self.needs_clean_plate else "clean plate"
        given = ((self.clean_plate, clean_plate), (self.guide, "guide"), (self.keys, "key mattes"))
        return ("plate", *(word for taken, word in given if taken))


@dataclass(frozen=True)
class Quality:
    """How much work to spend: `regions` times (width + height) / 8 is the most regions of a frame, done by `batch`.

    foreground : whether it is wanted; a model may skip it when it is not wanted.
    """

    regions: float
    batch: int
    foreground: bool = True

    def budget(self, height: int, width: int) -> int:
        """The most regions, of 8x8 pixels, of a frame of that size.

        >>> Quality(regions=4.0, batch=1024).budget(1080, 1920)
        1500
        """
        return round(self.regions * (height + width) / CELL)


@dataclass(frozen=True)
class RawMatte:
    """A model's answer.

    alpha : [H, W] float32 in [0, 1].
    foreground : [H, W, 3] float32 in the model space, straight; always there where it was wanted, the frame's own
        colours from a network that has none.
    notes : what its user should know of how it came about.
    """

    alpha: Array
    foreground: Array | None
    notes: tuple[str, ...] = ()


class Model(Protocol):
    """A model. The answer depends on the arguments alone: nothing is kept between calls.

    name, digest : of the weights; `digest` is the SHA-256 of their file.
    references : which other frames a frame reads from, as offsets, e.g. (-1, -2); None is the first frame of the shot.
        `named_frames` makes frames of them.
    precision : the arithmetic that it runs in: fp32, bf16 or fp16.
    device : where it runs, e.g. cpu or cuda:0.
    abilities : what it takes and gives. One that reads key mattes is a `KeyedModel`.
    """

    name: str
    digest: str
    precision: str
    device: str
    abilities: Abilities

    @property
    def references(self) -> tuple[int | None, ...]:
        """See above."""

    def prepare(self, frame: FrameInput) -> Any:
        """The small input that `encode` takes, made where files are read, beside the network. Thread-safe."""

    def encode(self, prepared: Any) -> Any:
        """What is to be remembered of a frame."""

    def matte(self, frame: FrameInput, own: Any, memory: Sequence[Any], quality: Quality) -> RawMatte:
        """The matte of a frame from what `encode` gave for it and for the frames that it reads from.

        memory : one for each of `references`, in that order; `own` itself in place of a frame that is not there. To a
            `KeyedModel`, those of key frames come as `correct` and `away` gave them, and the nearest key frames before
            and after follow, as far as there are any; one frame is one object, however often it is there.
        """


class KeyedModel(Model, Protocol):
    """A model whose memory can be told the matte of a frame, such as an artist's, so that others read it there.

    Its `abilities.keys` is True.
    """

    def correct(self, encoded: Any, alpha: Array) -> Any:
        """What a key frame offers to the frames that read from it.

        encoded : what `encode` gave for it. alpha : its matte, [H, W] float32 in [0, 1], of the frame's full size.
        """

    def away(self, corrected: Any, frames: int) -> Any:
        """What a key frame, as `correct` gave it, offers to one that is so many frames away, at least 1."""


def named_frames(frame: int, first: int, offsets: Sequence[int | None], last: int | None = None) -> tuple[int, ...]:
    """The frames that one reads from, a frame for each of the `offsets`, which are as `Model.references`.

    first, last : of the shot, or of a clip in training; no `last` is no end. The frame itself stands for those beyond.

    Where two offsets name the same frame, it stands for all: one frame is not yet a memory of two, as in Song (arXiv
    2203.06890), section 3.2, "starts from the third".

    >>> [named_frames(frame, 1, (None, -1)) for frame in (1, 2, 3, 9)]
    [(1, 1), (2, 2), (1, 2), (1, 8)]
    >>> [named_frames(frame, 1, (-1, -2)) for frame in (1, 2, 3, 9)]
    [(1, 1), (1, 2), (2, 1), (8, 7)]
    """
    named = [first if offset is None else frame + offset for offset in offsets]
    if len(set(named)) < len(named):
        return (frame,) * len(named)
    return tuple(each if first <= each and (last is None or each <= last) else frame for each in named)
