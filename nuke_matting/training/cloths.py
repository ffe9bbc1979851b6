"""Cloths that hang about and are not worn: cover [T, H, W, 1] in [0, 1] and colour [T, H, W, 3], scene-linear."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.opencv import resized, sampled
from nuke_matting.training import textures

Array = NDArray[np.float32]
Random = np.random.Generator
SIDE = 96  # pixels of a pattern
FINER = 3  # than the frame: cloths are drawn so, for soft outlines
PIECES = 48, 72  # of a draped cloth, along what hangs free and along what holds it


def cloth(random: Random, height: int, width: int, frames: int) -> tuple[Array, Array]:
    """A cloth that hangs in folds: a curtain, a banner, a flag at its pole; patterned as flags and clothes are."""
    pattern = _flag(random, SIDE) if random.random() < 0.6 else textures.texture(random, SIDE)
    moves = np.arange(frames)[:, None] * random.normal(0, 0.015, 2)
    return (_draped if random.random() < 0.5 else _hung)(random, pattern, height, width, moves)


def _hung(random: Random, pattern: Array, height: int, width: int, moves: NDArray) -> tuple[Array, Array]:
    """Between four corners, in folds that run down."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
    waves = 2 * np.pi * random.uniform(1.5, 7) * (x + random.normal(0, 0.25) * y)
    fold = waves + random.uniform(0, 2) * textures.noise(random, SIDE, 3, octaves=2)
    shift = random.uniform(0, 0.08) * np.sin(fold)
    across, down = ((np.clip(each, 0, 1) * (SIDE - 1)).astype(np.float32) for each in (x + shift, y + 0.5 * shift))
    picture = sampled(pattern, across, down) * np.exp(random.uniform(0.1, 0.7) * np.cos(fold))[..., None]
    layer = np.concatenate([picture, np.ones_like(picture[..., :1])], axis=2).astype(np.float32)

    tall, lean = random.uniform(0.5, 1.8), random.normal(0, 0.15)
    left, top = random.uniform(-0.3, 1.5), random.uniform(-0.5, 0.5)
    above, below = random.uniform(0.2, 0.9, 2)  # widths
    corners = [(left, top), (left + above, top + random.normal(0, 0.05)), (left + lean + below, top + tall)]
    corners += [(left + lean, top + tall + random.normal(0, 0.05))]
    whole = (0.6 * width * FINER, height * FINER)
    square = np.asarray([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]], np.float32)
    layers = []
    for moved_by in moves:
        there = ((np.asarray(corners) + moved_by) * whole).astype(np.float32)
        place = cv2.getPerspectiveTransform(square, there)
        large = cv2.warpPerspective(layer, place, (width * FINER, height * FINER), flags=cv2.INTER_LINEAR)
        layers.append(resized(np.asarray(large, np.float32), (width, height)))
    return _split(layers)


def _draped(random: Random, pattern: Array, height: int, width: int, moves: NDArray) -> tuple[Array, Array]:
    """Held along one side, as a flag is at a pole, and fallen together: its outline leans, its folds run out of the
    place that holds it, and stripes run down with them."""
    free, held = (np.linspace(0, 1, count + 1) for count in PIECES)
    hoist = random.uniform(0.4, 1.3)  # of the frame's height
    fly = hoist * random.uniform(1.1, 1.9)
    phase = 2 * np.pi * (random.uniform(1.5, 6) * held + random.random())
    fold = random.uniform(0.05, 0.3) * np.sin(phase) * np.minimum(4 * held + 0.2, 1)
    lean = random.uniform(0.1, 0.7) * (1 - held) ** random.uniform(0.5, 1.5) + fold  # radians off the vertical
    lean = lean[None] * (1 - random.uniform(0, 0.6) * free[:, None])
    step = fly / PIECES[0] * np.stack([np.sin(lean), np.cos(lean)], 2)  # [free, held, 2]
    pole = np.stack([held * np.tan(random.normal(0, 0.12)), held], 1) * hoist
    at = pole + np.cumsum(step, 0) - step
    at[..., 0] *= random.choice([-1, 1])
    at = (at + np.array([random.uniform(-0.2, 1.2) * width / height, random.uniform(-0.5, 0.4)])) * height
    light = np.exp(random.uniform(0.1, 0.7) * np.cos(phase + random.normal(0, 0.5)))[None, :, None]
    rows, columns = ((np.linspace(0, 1, count + 1) * (SIDE - 1)).astype(int) for count in PIECES[::-1])
    colour = pattern[rows][:, columns].transpose(1, 0, 2) * light
    colours = np.concatenate([colour, np.ones_like(colour[..., :1])], 2).astype(np.float64)
    layers = []
    for moved_by in moves:
        large = np.zeros((height * FINER, width * FINER, 4), np.float32)
        places = np.round((at + moved_by * height) * FINER * 16).astype(np.int32)  # in sixteenths of its pixels
        for v in reversed(range(PIECES[1])):  # what is held higher hangs in front
            for u in range(PIECES[0]):
                corners = places[[u, u + 1, u + 1, u], [v, v, v + 1, v + 1]]
                cv2.fillConvexPoly(large, corners, colours[u, v].tolist(), cv2.LINE_8, shift=4)
        layers.append(resized(large, (width, height)))
    return _split(layers)


def _split(layers: list[Array]) -> tuple[Array, Array]:
    """Premultiplied frames [H, W, 4] -> cover and straight colour."""
    whole = np.stack(layers)
    divisor: Array = np.maximum(whole[..., 3:], 1e-6)
    return np.clip(whole[..., 3:], 0, 1), whole[..., :3] / divisor


def _flag(random: Random, side: int) -> Array:
    """Bands of a few colours, at times with a field in a corner that holds stars. [side, side, 3]."""
    palette = random.uniform(0, 1, (4, 3)) ** 2.5
    palette[random.integers(4)] = random.uniform(0.5, 0.9)  # white, which flags like
    palette[random.integers(4)] = ([0.35, 0.02, 0.03], [0.02, 0.04, 0.2])[random.integers(2)]
    count, colours = random.integers(1, 14), random.integers(1, 4)
    bands = palette[np.arange(side) * count // side % colours]
    flag = np.repeat(bands[:, None], side, axis=1).astype(np.float32)
    if random.random() < 0.5:
        flag = np.ascontiguousarray(flag.transpose(1, 0, 2))
    if random.random() < 0.6:
        h, w = (random.uniform(0.35, 1, 2) * side).astype(int)
        flag[:h, :w] = palette[3]
        apart = random.uniform(0.08, 0.25) * side
        for row, top in enumerate(np.arange(apart / 2, h, apart)):
            for left in np.arange(apart / 2 * (1 + row % 2), w, apart):
                star = (round(left), round(top)), max(1, round(apart * 0.3))
                cv2.circle(flag, *star, palette[0].tolist(), -1)
    return flag
