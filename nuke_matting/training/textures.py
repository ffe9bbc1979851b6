"""Procedural noise, colours and textures, scene-linear, from a random generator."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.opencv import resized

Array = NDArray[np.float32]


def noise(random: np.random.Generator, side: int, cells: int, octaves: int = 4, gain: float = 0.5) -> Array:
    """Smooth noise [side, side] of mean 0 and deviation about 1: octaves from `cells` over the side upwards."""
    total = np.zeros((side, side), np.float32)
    size = 1.0
    power = 0.0
    for octave in range(octaves):
        count = min(side, cells * 2**octave + 1)
        grid = random.standard_normal((count, count), dtype=np.float32)
        total += size * resized(grid, (side, side), cv2.INTER_CUBIC)
        power += size**2 * 0.5
        size *= gain
    return total / np.float32(np.sqrt(power))


def colours(random: np.random.Generator, count: int) -> Array:
    """Colours that go together [count, 3]: a hue and its neighbours or its opposite, from black over dull to vivid."""
    hue = (
        random.random() + random.choice([0.0, 0.0, 0.33, 0.5]) * (np.arange(count) % 2) + random.normal(0, 0.05, count)
    )
    saturation = np.clip(random.beta(1.2, 1.8) + random.normal(0, 0.12, count), 0, 0.97)
    value = np.exp(random.uniform(np.log(0.03), np.log(0.9)) + random.normal(0, 0.5, count))
    around = np.abs((hue[:, None] + np.asarray([0, 2 / 3, 1 / 3])) % 1 * 6 - 3) - 1
    vivid = 1 - saturation[:, None] * (1 - np.clip(around, 0, 1))
    return np.clip(vivid * value[:, None], 0.004, 1.2).astype(np.float32)


def ramp(along: NDArray[np.floating], palette: Array) -> Array:
    """Colours [..., 3] from values [...] in [0, 1] along a palette [N, 3]."""
    place = np.clip(along, 0, 1) * (len(palette) - 1)
    low = np.minimum(place.astype(np.int32), len(palette) - 2)
    share = (place - low)[..., None]
    return (palette[low] * (1 - share) + palette[low + 1] * share).astype(np.float32)


def texture(random: np.random.Generator, side: int) -> Array:
    """A surface [side, side, 3], scene-linear: plain, clouded, marbled, striped, checked, dotted, patched or worn."""
    kind = random.choice(["plain", "clouds", "marble", "stripes", "checks", "dots", "patches", "worn"])
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
    turn = random.uniform(0, np.pi)
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    rough = noise(random, side, int(random.integers(2, 7)))
    often = random.uniform(3, 22)
    if kind == "plain":
        field = 0.5 + 0.06 * rough
    elif kind == "clouds":
        field = 0.5 + 0.25 * rough
    elif kind == "marble":
        field = 0.5 + 0.5 * np.sin(2 * np.pi * (u * often * 0.4 + 0.35 * rough))
    elif kind == "stripes":
        wave = np.sin(2 * np.pi * (u * often + random.uniform(0, 0.3) * v + random.choice([0.0, 0.08]) * rough))
        field = 0.5 + 0.5 * np.clip(wave * random.uniform(1, 9) + random.uniform(-0.7, 0.7), -1, 1)
    elif kind == "checks":
        waves = np.sin(2 * np.pi * u * often), np.sin(2 * np.pi * v * often)
        field = 0.5 + 0.5 * np.clip(waves[0] * waves[1] * 9, -1, 1)
        if random.random() < 0.5:  # tartan
            field = 0.25 * (2 + np.clip(waves[0] * 5, -1, 1) + np.clip(waves[1] * 5, -1, 1))
    elif kind == "dots":
        far = np.hypot((u * often) % 1 - 0.5, (v * often) % 1 - 0.5)
        field = np.clip((random.uniform(0.2, 0.45) - far) * 12, 0, 1)
    elif kind == "patches":
        grid = random.random((int(random.integers(3, 10)),) * 2, dtype=np.float32)
        bent = ((np.stack([x, y]) + 0.5 + 0.03 * rough) * len(grid)).astype(np.int32) % len(grid)
        field = grid[bent[0], bent[1]]
    else:
        field = np.clip(0.5 + rough * 2 + random.uniform(-1, 1), 0, 1)
    picture = ramp(field, colours(random, int(random.integers(2, 5))))
    grain = noise(random, side, side // 4, octaves=1) * random.uniform(0, 0.12)
    return np.maximum(picture * (1 + grain[..., None]), 0.002).astype(np.float32)
