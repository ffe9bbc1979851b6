"""What every model promises to the engine, whatever network is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class FrameInput:
    """A frame as models take it.

    image : [H, W, 3] float32, model space.
    clean : the clean plate, likewise and of the same size, or None.
    guide : [H, W] float32 in [0, 1]: 1 inside, 0 outside, between is open; or None.
    pixel_aspect : width of a pixel over its height, of all of them; 1 but for anamorphic plates.
    """

    image: Array
    clean: Array | None = None
    guide: Array | None = None
    pixel_aspect: float = 1.0

    def unsqueezed(self, height: int, width: int) -> tuple[int, int]:
        """Height and width, of so many of its pixels, in square ones: what a reduced frame has the proportions of,
        since networks know people by theirs.

        >>> FrameInput(np.zeros((4, 6, 3), np.float32), pixel_aspect=2.0).unsqueezed(4, 6)
        (4, 12)
        """
        return height, max(1, round(width * self.pixel_aspect))


@dataclass(frozen=True)
class Quality:
    """How much work to spend: `regions` times (width + height) / 8 is the most regions of a frame, done by `batch`.

    foreground : whether it is wanted; a model may skip it when it is not wanted.
    """

    regions: float
    batch: int
    foreground: bool = True


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
        Where two of them are the same frame there is no full memory yet, and the frame reads itself in place of all.
    precision : the arithmetic that it runs in: fp32, bf16 or fp16.
    device : where it runs, e.g. cpu or cuda:0.
    takes : its inputs as users read of them: plate, clean plate, guide, key mattes, each maybe with a word in brackets.

    A model that gives no matte without a clean plate says so: it has an attribute `needs_clean_plate`, which is True.
    One whose network finds no foreground says so likewise: an attribute `has_foreground`, which is False.
    One that can use key mattes is a `KeyedModel`.
    """

    name: str
    digest: str
    precision: str
    device: str
    takes: tuple[str, ...]

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
            `KeyedModel`, those of key frames come as `correct` gave them, and the nearest key frames before and after
            follow, as far as there are any.
        """


class KeyedModel(Model, Protocol):
    """A model whose memory can be told the matte of a frame, such as an artist's, so that others read it there."""

    takes_keys: Literal[True]

    def correct(self, encoded: Any, alpha: Array) -> Any:
        """What a key frame offers to the frames that read from it.

        encoded : what `encode` gave for it. alpha : its matte, [H, W] float32 in [0, 1], of the frame's full size.
        """
