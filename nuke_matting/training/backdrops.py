"""Parts of backgrounds that no photograph is needed for: [T, H, W, C] float32, scene-linear, or cover in [0, 1]."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.opencv import resized, sampled
from nuke_matting.training import textures

Array = NDArray[np.float32]
Random = np.random.Generator


def ramp(random: Random, height: int, width: int, frames: int) -> Array:
    """A wall, a sky: colours that change smoothly from corner to corner."""
    corners = random.uniform(0, 1, (1, 1, 3)) ** 2 * np.exp(random.normal(0, 0.25, (2, 2, 3)))
    picture = resized(corners.astype(np.float32), (width, height), cv2.INTER_LINEAR)
    return np.repeat(picture[None], frames, axis=0)


def screen(random: Random, height: int, width: int, frames: int) -> Array:
    """A green or a blue screen, unevenly lit, creased, with or without tracking marks."""
    paint = (0.05, 0.4, 0.07) if random.random() < 0.7 else (0.03, 0.1, 0.45)
    colour = np.asarray(paint) * np.exp(random.normal(0, 0.3, 3))
    light, creases = (
        random.normal(0, random.uniform(0.05, 0.45), (3, 3)),
        random.normal(0, random.uniform(0, 0.06), (4, 16)),
    )
    light, creases = (resized(each, (width, height), cv2.INTER_CUBIC) for each in (light, creases))
    picture = (colour * np.exp(light + creases)[..., None]).astype(np.float32)
    if random.random() < 0.5:
        mark = picture.mean((0, 1)) * random.uniform(0.1, 0.6) if random.random() < 0.6 else random.uniform(0.3, 1.0, 3)
        apart, size = random.uniform(0.15, 0.4) * height, random.uniform(0.01, 0.03) * height
        thick, shift = max(1, round(size * 0.6)), random.uniform(0, 1, 2)
        for x in np.arange(shift[0], width / apart) * apart:
            for y in np.arange(shift[1], height / apart) * apart:
                for step in ((size, 0), (0, size)):
                    first, last = ((round(x + sign * step[0]), round(y + sign * step[1])) for sign in (-1, 1))
                    cv2.line(picture, first, last, mark.tolist(), thick, cv2.LINE_AA)
    return np.repeat(picture[None], frames, axis=0)


def floor(random: Random, height: int, width: int, frames: int) -> Array:
    """Cover of a floor, table or wall: all on one side of a line. They fill a frame's lower edge as people do."""
    angle = random.normal(0, 0.15) if random.random() < 0.8 else random.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) + 0.5
    across = (y - random.uniform(0.3, 0.95) * height) * np.cos(angle) + (x - width / 2) * np.sin(angle)
    cover = np.clip(across / random.uniform(1, 3) + 0.5, 0, 1)[..., None]  # pixels
    return np.repeat(cover.astype(np.float32)[None], frames, axis=0)


def rearranged(random: Random, picture: NDArray) -> NDArray:
    """A photograph [H, W, 3] of any type as if it were another: mirrored, upside down, bent.

    There are never as many photographs as a network can learn by heart.
    """
    picture = picture[:, ::-1] if random.random() < 0.5 else picture
    picture = np.ascontiguousarray(picture[::-1] if random.random() < 0.1 else picture)
    if random.random() < 0.25:
        h, w = picture.shape[:2]
        coarse = random.normal(0, random.uniform(0.01, 0.05) * min(h, w), (2, *random.integers(3, 7, 2)))
        bend = [resized(each.astype(np.float32), (w, h), cv2.INTER_CUBIC) for each in coarse]
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        picture = sampled(picture, x + bend[0], y + bend[1], cv2.BORDER_REFLECT_101)
    return picture


def recoloured(random: Random, linear: Array) -> Array:
    """Scene-linear colours [..., 3] at times duller or more vivid, flatter or harsher, in another order."""
    if random.random() < 0.35:
        linear = linear[..., random.permutation(3)]
    if random.random() < 0.5:
        grey = linear.mean(-1, keepdims=True)
        linear = np.maximum(grey + (linear - grey) * random.uniform(0, 1.6), 0)
    return linear ** random.uniform(0.75, 1.3) if random.random() < 0.3 else linear


def ragged(random: Random, side: int) -> Array:
    """The shape of a heap, a bush, an animal, a stain: solid within an outline like a coast's. [side, side] in 0, 1."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
    far = np.hypot(x / random.uniform(0.12, 0.3), y / random.uniform(0.12, 0.3))
    field = 1 - far + random.uniform(0.1, 0.5) * textures.noise(random, side, int(random.integers(1, 5)))
    return ((field > 0) & (np.hypot(x, y) < 0.45)).astype(np.float32)  # no square cuts it
