"""Flags: their pictures, made up, and the cloth that hangs from a staff or on a wall.

They stand behind people in official pictures, as bright as clothes, and beside them look like a shoulder.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.decoding import encode_srgb
from nuke_matting.training.rooms.kit import Kit
from nuke_matting.training.rooms.mesh import Piece, box, cushion, join, lathe, surface, tube

_TINCTURES = (  # what flags are dyed with, scene-linear
    (0.45, 0.02, 0.03), (0.02, 0.04, 0.22), (0.01, 0.015, 0.06), (0.75, 0.74, 0.70), (0.70, 0.42, 0.02),
    (0.01, 0.16, 0.05), (0.015, 0.012, 0.012), (0.06, 0.20, 0.50), (0.65, 0.18, 0.01), (0.20, 0.02, 0.06),
)  # fmt: skip


def flag_picture(rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
    """A flag laid out [side, side, 3] uint8 sRGB, its hoist on the left: stripes, crosses, discs, stars, a seal."""
    dyes = np.clip(np.asarray(_TINCTURES)[rng.permutation(len(_TINCTURES))] * np.exp(rng.normal(0, 0.2, 3)), 0, 0.9)
    drawn = np.empty((side, side, 3), np.float32)
    drawn[:] = dyes[0]
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    kind = str(rng.choice(["stripes", "canton", "cross", "disc", "seal", "stars", "saltire", "triangle"]))
    if kind in ("stripes", "canton", "triangle"):
        count = int(rng.choice([2, 3, 3, 5, 7, 9, 11, 13]))
        along = x if kind == "stripes" and rng.random() < 0.4 else y
        band = np.minimum((along * count).astype(int), count - 1)
        used = dyes[: 3 if count == 3 else 2]
        drawn[:] = used[band % len(used)]
    if kind == "canton":
        high, wide = rng.uniform(0.4, 0.6, 2)
        drawn[(y < high) & (x < wide)] = dyes[3]
        _stars(rng, drawn, (0, 0, wide, high), dyes[4])
    elif kind == "cross":
        at, thick = float(rng.choice([0.36, 0.5])), rng.uniform(0.06, 0.14)
        drawn[(abs(x - at) < thick * 0.67) | (abs(y - 0.5) < thick)] = dyes[1]
        drawn[(abs(x - at) < thick * 0.3) | (abs(y - 0.5) < thick * 0.45)] = dyes[2]
    elif kind == "saltire":
        drawn[np.minimum(abs(x - y), abs(x + y - 1)) < rng.uniform(0.06, 0.15)] = dyes[1]
    elif kind in ("disc", "seal"):
        far = np.hypot((x - 0.5) * 1.5, y - 0.5) / rng.uniform(0.22, 0.36)
        drawn[far < 1] = dyes[1]
        if kind == "seal":
            drawn[far < 0.85] = dyes[2]
            drawn[(far < 0.62) & (np.sin(np.arctan2(y - 0.5, x - 0.5) * rng.integers(3, 13)) > 0)] = dyes[3]
    elif kind == "stars":
        _stars(rng, drawn, (0, 0, 1, 1), dyes[1])
    elif kind == "triangle":
        drawn[x * rng.uniform(1.1, 1.7) < 0.5 - abs(y - 0.5)] = dyes[3]
    return encode_srgb(drawn)


def _stars(
    rng: np.random.Generator, drawn: NDArray[np.float32], area: tuple[float, float, float, float], dye: NDArray
) -> None:
    """Rows of stars in an area (left, top, right, bottom; 0..1) of a picture."""
    side = len(drawn)
    left, top, right, bottom = (each * side for each in area)
    rows = int(rng.integers(2, 8))
    step = (bottom - top) / rows
    radius = step * rng.uniform(0.25, 0.42)
    angle = np.arange(10) * np.pi / 5 - np.pi / 2
    reach = np.where(np.arange(10) % 2 == 0, radius, radius * 0.4)
    star = np.stack([np.cos(angle) * reach * 0.67, np.sin(angle) * reach], -1)  # flags are wider than their pictures
    for row in range(rows):
        for column in np.arange(left + step / 2 * (0.7 + row % 2), right - step * 0.3, step):
            at = np.round(star + np.array([column, top + (row + 0.5) * step])).astype(np.int32)
            cv2.fillPoly(drawn, [at], tuple(map(float, dye)))


def flag(kit: Kit) -> Piece:
    """A flag that hangs from a staff on a foot, about the origin; at times two, or one spread on a wall."""
    if kit.chance(0.15):
        wide = kit.between(0.9, 1.8)
        return _spread(kit, wide, wide * kit.between(0.55, 0.7)).placed((0, kit.between(1.0, 1.6), 0.05))
    first = _on_staff(kit)
    if kit.chance(0.7):
        return first
    return join([first.placed((-0.35, 0, 0)), _on_staff(kit).placed((0.35, 0, 0.05))])


def _on_staff(kit: Kit) -> Piece:
    high, hoist = kit.between(2.0, 2.6), kit.between(0.75, 1.15)
    staff, gilt = kit.wood() if kit.chance(0.7) else kit.metal(), kit.metal()
    side = -1.0 if kit.chance(0.5) else 1.0
    cloth = _hung(kit, hoist, hoist * kit.between(1.3, 1.8), side)
    lean = kit.between(0, 0.12)
    foot = lathe([(0.16, 0.0), (0.15, 0.03), (0.05, 0.06), (0.03, 0.1)], gilt, 20)
    top = (side * lean, high, 0.0)
    parts = [
        tube([(0, 0, 0), top], 0.014, staff),
        foot,
        cushion((0.03, 0.06, 0.03), gilt, 1.0, 8).placed((top[0], high + 0.05, 0)),
        cloth.placed((top[0], high - 0.06, 0)),
    ]
    if kit.chance(0.2):
        parts.append(box((0, high * 0.45, -0.01), (0.04, 0.3, 0.02), gilt, 0.005))
    return join(parts)


def _hung(kit: Kit, hoist: float, fly: float, side: float) -> Piece:
    """Cloth whose hoist is down a staff at x = 0 from y = 0, and whose far end has fallen, in folds."""
    u, v = np.meshgrid(np.linspace(0, 1, 48), np.linspace(0, 1, 28))
    out, gathered = fly * kit.between(0.2, 0.5), kit.between(0.3, 0.7)
    fall = np.sqrt(max(fly**2 - out**2, 0.01)) * kit.between(0.6, 0.95)
    x = out * u ** kit.between(0.6, 1.0) * (1 - 0.45 * v * kit.between(0.3, 1))
    y = -v * hoist * (1 - gathered * u) - fall * u ** kit.between(0.9, 1.3)
    wave = np.sin(2 * np.pi * (kit.between(1.5, 3.5) * x / out + kit.between(0.3, 1) * v) + kit.between(0, 6))
    wave += 0.4 * np.sin(2 * np.pi * (kit.between(3, 6) * u + kit.between(0, 2) * v))
    z = kit.between(0.03, 0.08) * wave * np.minimum(1, 3 * u)
    points = np.stack([side * x, y, z], -1)
    return surface(points, kit.picture("flag", kit.between(0, 0.3)), fitted=True)


def _spread(kit: Kit, wide: float, high: float) -> Piece:
    """A whole flag against a wall, hardly in folds, about x = 0 and upwards from y = 0."""
    u, v = np.meshgrid(np.linspace(0, 1, 40), np.linspace(0, 1, 16))
    z = 0.012 * np.sin(2 * np.pi * kit.between(2, 5) * u + 3 * v) * v
    points = np.stack([(u - 0.5) * wide, (1 - v) * high, z], -1)
    return surface(points, kit.picture("flag", kit.between(0, 0.3)), fitted=True)
