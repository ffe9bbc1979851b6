"""Pictures that are alike to all their edges, and hold nobody: heaps of bodies, lights that a camera has smeared.

[T, H, W, 3] float32, scene-linear. Where a network sees no place and no ground, it may take all of them for a subject.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.opencv import resized, warped
from nuke_matting.training import things
from nuke_matting.training.camera import smeared

Array = NDArray[np.float32]
Random = np.random.Generator
SIDE = 96  # pixels, of what is drawn of each body


def heap(random: Random, height: int, width: int, frames: int) -> Array:
    """Pebbles, fruit, goods: copies of some bodies side by side and over one another, as seen from above."""
    bodies = [_body(random) for _ in range(random.integers(2, 5))]
    apart = random.uniform(0.07, 0.35) * min(height, width)
    ground = random.uniform(0.02, 0.3, 3)
    picture = np.broadcast_to(ground.astype(np.float32), (height, width, 3)).copy()
    rows, columns = (np.arange(-0.5, side / apart + 1) for side in (height, width))
    places = np.stack(np.meshgrid(columns, rows), -1).reshape(-1, 2)
    spread = 0.5 * random.random()  # of sizes and light
    for x, y in apart * (random.permutation(places) + random.uniform(-0.45, 0.45, places.shape)):
        body = bodies[random.integers(len(bodies))]
        size = apart * random.uniform(1.2, 1.9) * np.exp(spread * random.normal()) / SIDE
        turn = random.uniform(0, 2 * np.pi)
        around = size * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        reach = size * SIDE * 0.75  # half a diagonal, and a little
        left, top = (max(0, int(each - reach)) for each in (x, y))
        right, bottom = min(width, int(x + reach) + 1), min(height, int(y + reach) + 1)
        if left >= right or top >= bottom:
            continue
        matrix = np.column_stack([around, np.array([x - left, y - top]) - around @ (SIDE / 2, SIDE / 2)])
        layer = warped(body, matrix, (right - left, bottom - top), cv2.BORDER_CONSTANT)
        light = np.exp(random.normal(0, 0.3 * spread, 3) + random.normal(0, spread))
        below = picture[top:bottom, left:right]
        below[:] = below * (1 - layer[..., 3:]) + layer[..., :3] * light
    return np.repeat(np.maximum(picture, 0)[None], frames, axis=0)


def _body(random: Random) -> Array:
    """One or some bodies that touch, premultiplied with their alpha [SIDE, SIDE, 4], as large as that allows."""
    thing = things.draw(random, 2 * SIDE, 2 * SIDE, kind="bodies", near=True)
    alpha = thing.alpha[0]
    rows, columns = (np.flatnonzero(alpha[..., 0].max(axis) > 0.5) for axis in (1, 0))
    if len(rows) == 0:
        rows = columns = np.arange(2 * SIDE)
    layer = np.concatenate([thing.colour[0] * alpha, alpha], axis=2)
    cut = layer[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    around = (max(cut.shape) - np.array(cut.shape[:2])) // 2
    square = np.pad(cut, [(around[0] + 1,) * 2, (around[1] + 1,) * 2, (0, 0)])  # an edge of nothing
    return resized(square, (SIDE, SIDE))


def streaks(random: Random, linear: Array) -> Array:
    """A picture [T, H, W, 3] of lights, smeared along a line by a camera that moved far while it was open."""
    harsh = linear ** random.uniform(1, 2.5)
    harsh = harsh * (linear.mean() / max(float(harsh.mean()), 1e-3))
    line = smeared(random.uniform(0.15, 0.8) * max(linear.shape[1:3]), random.uniform(0, np.pi))
    return np.stack([cv2.filter2D(each, -1, line, borderType=cv2.BORDER_REFLECT_101) for each in harsh])
