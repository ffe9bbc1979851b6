"""What things are painted with: instants of a motion, canvases of several samples a pixel, outlines, light.

Frames are 1 high; a thing's own space is about -1 to 1, laid into the frame by its motion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.opencv import blurred, resized, warped
from nuke_matting.training.textures import ramp

Array = NDArray[np.float32]
Random = np.random.Generator
SIDE = 192  # of a texture in the thing's own space
BITS = 4  # of sub-pixel positions


@dataclass(frozen=True)
class Motion:
    """Centre, size and turn of a thing over time (in frames): each starts, drifts and swings.

    Rows: x, y (frame heights), logarithm of the size, turn (radians); columns: start, drift, swing, pace, phase.
    """

    terms: NDArray[np.float64]

    @classmethod
    def draw(cls, random: Random, aspect: float) -> Motion:
        start = [random.uniform(0.2, 0.8) * aspect, random.uniform(0.2, 0.8), random.uniform(-1.7, -0.6)]
        start.append(random.normal(0, 0.4))
        scale = np.asarray([0.008, 0.006, 0.006, 0.01]) * random.choice([0.0, 0.5, 1.0, 2.0])
        terms = [start, random.normal(0, scale), random.normal(0, 2 * scale)]
        return cls(np.stack([*terms, random.uniform(0.1, 0.5, 4), random.uniform(0, 6.28, 4)], 1))

    def nearer(self, aspect: float) -> Motion:
        """Larger, more upright and nearer to the middle of a frame."""
        terms = self.terms.copy()
        terms[:2, 0] = np.asarray([aspect, 1.1]) / 2 + 0.5 * (terms[:2, 0] - np.asarray([aspect, 1]) / 2)
        terms[2, 0] = 0.75 * terms[2, 0] + 0.1
        terms[3, 0] *= 0.5
        return Motion(terms)

    def at(self, time: float) -> tuple[float, float, float, float]:
        """x, y, size and turn."""
        start, drift, swing, pace, phase = self.terms.T
        x, y, size, turn = start + drift * time + swing * np.sin(pace * time + phase)
        return float(x), float(y), float(np.exp(size)), float(turn)


@dataclass(frozen=True)
class Frame:
    """An instant of a motion, and the picture's size in pixels."""

    time: float
    motion: Motion
    height: int
    width: int

    def later(self, time: float) -> Frame:
        return replace(self, time=self.time + time) if time else self

    @property
    def samples(self) -> int:
        """Along each side of a pixel."""
        return 3 if self.height * self.width <= 200_000 else 2

    def matrix(self, scale: float) -> NDArray[np.float64]:
        """2x3, from a thing's own space to pixels times `scale`."""
        x, y, size, turn = self.motion.at(self.time)
        cos, sin = np.cos(turn) * size, np.sin(turn) * size
        return np.asarray([[cos, -sin, x], [sin, cos, y]]) * self.height * scale

    def place(self, points: NDArray) -> NDArray:
        """Points [..., 2] of a thing's own space, in samples."""
        matrix = self.matrix(self.samples)
        return points @ matrix[:, :2].T + matrix[:, 2]

    def canvas(self, channels: int) -> NDArray[np.uint8]:
        """Samples to draw on. 1 or 3 channels: OpenCV draws no smooth lines in 2."""
        return np.zeros((self.height * self.samples, self.width * self.samples, channels), np.uint8)

    @staticmethod
    def whole(width: float, share: float) -> int:
        """A line's width in samples, as OpenCV wants it; the higher its share, the sooner rounded up.

        So the lines of a thing that comes nearer do not all grow at once.
        """
        return max(1, int(width + share))

    def reduced(self, canvas: NDArray[np.uint8]) -> Array:
        """The mean of each pixel's samples, in [0, 1]."""
        size = (self.width, self.height)
        return resized(canvas, size).astype(np.float32) / np.float32(255)  # exact at whole factors

    def laid(self, picture: Array, border: int = cv2.BORDER_REFLECT_101) -> Array:
        """A picture of a thing's own space [S, S, C], in the frame."""
        side = picture.shape[0]
        into = np.asarray([[2 / side, 0, -1 + 1 / side], [0, 2 / side, -1 + 1 / side], [0, 0, 1]])
        matrix = self.matrix(1) @ into
        return warped(picture, matrix, (self.width, self.height), border)


Painter = Callable[[Frame], Array]  # an instant -> premultiplied scene-linear [H, W, 4]


def fixed(points: NDArray) -> NDArray[np.int32]:
    return np.round(np.clip(points, -20_000, 20_000) * 2**BITS).astype(np.int32)


def over(colour: Array, alpha: Array) -> Array:
    return np.concatenate([colour * alpha[..., None], alpha[..., None]], axis=2)


def inked(frame: Frame, canvas: NDArray[np.uint8], palette: Array) -> Array:
    """A canvas of shades, (shade times cover, cover, nothing), with the colours of a palette."""
    shade, alpha, _ = np.moveaxis(frame.reduced(canvas), 2, 0)
    return over(ramp(shade / np.maximum(alpha, 1e-3), palette), alpha)


def shaded(alpha: Array, frame: Frame, light: NDArray, roundness: float) -> Array:
    """Light on a body that bulges towards the middle of its outline: a factor [H, W]."""
    bulge = blurred(alpha, max(1.0, 0.035 * frame.height))
    slope = light[0] * cv2.Sobel(bulge, cv2.CV_32F, 1, 0) + light[1] * cv2.Sobel(bulge, cv2.CV_32F, 0, 1)
    return np.clip(0.75 + roundness * slope * 0.02 * frame.height + 0.25 * bulge, 0.12, 2.5)


def outline(random: Random, lumps: int = 6) -> Callable[[float], NDArray]:
    """A closed wobbling line, [120, 2]."""
    order = np.arange(1, lumps + 1)
    size = random.normal(0, 0.22, lumps) / order**0.8
    phase, pace = random.uniform(0, 6.28, lumps), random.normal(0, 0.12, lumps)
    squash = np.exp(random.normal(0, 0.3))
    angle = np.linspace(0, 2 * np.pi, 120, endpoint=False)

    def at(time: float) -> NDArray:
        reach = 0.75 + (size * np.cos(order * angle[:, None] + phase + pace * time)).sum(1)
        reach = np.maximum(reach, 0.12)[:, None]
        return np.stack([np.cos(angle) * squash, np.sin(angle) / squash], 1) * reach

    return at
