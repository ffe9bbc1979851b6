"""Light: a panorama as nine numbers a colour (order-2 spherical harmonics) and the direction of its brightest part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuke_matting.opencv import resized

_COSINE = np.array([np.pi] + [2 * np.pi / 3] * 3 + [np.pi / 4] * 5)  # a clamped cosine's bands 0, 1, 2


@dataclass(frozen=True)
class Light:
    """What falls on a person, camera axes (x right, y up, z towards the camera).

    ambient : [9, 3] irradiance / pi as spherical harmonics. key, rim : direction to the light and colour, each [3].
    scale : what the panorama's values were multiplied by.
    """

    ambient: NDArray[np.float32]
    key_direction: NDArray[np.float32]
    key_colour: NDArray[np.float32]
    rim_direction: NDArray[np.float32]
    rim_colour: NDArray[np.float32]
    scale: float = 1.0


def harmonics(directions: NDArray) -> NDArray[np.float64]:
    """The nine real spherical harmonics of unit directions [..., 3] -> [..., 9]."""
    x, y, z = np.moveaxis(np.asarray(directions, np.float64), -1, 0)
    return np.stack(
        [
            np.full_like(x, 0.282095), 0.488603 * y, 0.488603 * z, 0.488603 * x,
            1.092548 * x * y, 1.092548 * y * z, 0.315392 * (3 * z * z - 1), 1.092548 * x * z,
            0.546274 * (x * x - y * y),
        ],
        axis=-1,
    )  # fmt: skip


def panorama_directions(height: int, width: int) -> NDArray[np.float64]:
    """Unit directions [H, W, 3] of an equirectangular picture's pixels; its middle column looks along -z."""
    down = (np.arange(height) + 0.5) / height * np.pi
    around = ((np.arange(width) + 0.5) / width - 0.5) * 2 * np.pi
    ring = np.sin(down)[:, None]
    return np.stack(
        [ring * np.sin(around), np.broadcast_to(np.cos(down)[:, None], (height, width)), -ring * np.cos(around)], -1
    )


def light_of(panorama: NDArray[np.float32], turn: float, sun: float = 1.0) -> Light:
    """Light of a panorama turned about the vertical by `turn` radians, scaled so that the mean irradiance / pi is 1.

    The brightest part is clipped from the ambient term and becomes the key light, `sun` times as strong as it was
    there (at most 3 times the ambient).
    """
    small = resized(panorama, (64, 32)).astype(np.float64)
    directions = panorama_directions(32, 64)
    turned = directions @ np.array([[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]])
    area = np.sin((np.arange(32) + 0.5) / 32 * np.pi)[:, None] * (np.pi / 32) * (2 * np.pi / 64)
    luminance = small @ (0.2126, 0.7152, 0.0722)
    mean = float((luminance * area).sum() / area.sum())
    share = np.minimum(1.0, 4 * mean / np.maximum(luminance, 1e-9))[..., None]  # of a pixel that stays ambient
    soft, hard = small * share, small * (1 - share)
    ambient = np.einsum("hwk,hwc,hw->kc", harmonics(turned), soft, np.broadcast_to(area, luminance.shape))
    ambient *= _COSINE[:, None] / np.pi
    scale = 1.0 / max(float(ambient[0] @ (0.2126, 0.7152, 0.0722)) * 0.282095, 1e-9)
    power = np.einsum("hwc,hw->c", hard, np.broadcast_to(area, luminance.shape)) / np.pi * scale * sun
    strength = float(power @ (0.2126, 0.7152, 0.0722))
    bright = (hard @ (0.2126, 0.7152, 0.0722)) * area + 1e-12 * area * np.maximum(turned[..., 1], 0)
    direction = np.einsum("hw,hwk->k", bright, turned)
    direction /= max(float(np.linalg.norm(direction)), 1e-9)
    if strength > 3.0:
        power *= 3.0 / strength
    return Light(
        (ambient * scale).astype(np.float32), direction.astype(np.float32), power.astype(np.float32),
        np.array([0, 0, -1], np.float32), np.zeros(3, np.float32), scale,
    )  # fmt: skip


def draw_light(rng: np.random.Generator, panorama: NDArray[np.float32]) -> Light:
    """Light at random: a panorama turned anyhow, its sun or a lamp for key, at times a rim, partly white-balanced."""
    base = light_of(panorama, float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.3, 1.2)))
    ambient, key_direction = base.ambient.copy(), base.key_direction
    key: NDArray = base.key_colour
    white = ambient[0] / ambient[0].mean()
    balance = white ** -float(rng.uniform(0.4, 1.1))
    ambient, key = ambient * balance, key * balance
    if rng.random() < 0.55:  # a lamp of one's own
        across, up = rng.uniform(-1.4, 1.4), rng.uniform(-0.1, 1.2)
        key_direction = np.array([np.sin(across) * np.cos(up), np.sin(up), np.cos(across) * np.cos(up)])
        warmth = np.array([1 + rng.normal(0, 0.12), 1.0, 1 + rng.normal(0, 0.15)])
        key = warmth * rng.uniform(0.2, 2.5)
        ambient = ambient * rng.uniform(0.2, 1.0)
    rim = np.zeros(3)
    rim_direction = np.array([rng.uniform(-1, 1), rng.uniform(0.1, 0.9), -rng.uniform(0.4, 1.0)])
    if rng.random() < 0.35:
        rim = np.clip(rng.normal(1, 0.2, 3), 0.4, 1.6) * rng.uniform(0.5, 3.0)
    return Light(
        ambient.astype(np.float32), np.asarray(key_direction, np.float32), np.asarray(key, np.float32),
        (rim_direction / np.linalg.norm(rim_direction)).astype(np.float32), rim.astype(np.float32),
    )  # fmt: skip
