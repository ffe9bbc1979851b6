"""Plants: pots with leaves, bushes, hedges, trees, grass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.rooms.kit import Kit
from nuke_matting.training.rooms.mesh import Piece, boxes, cushion, join, lathe, leaves, piece, tube
from nuke_matting.training.rooms.surfaces import Material


def _both(kit: Kit, count: int) -> NDArray:
    first, second = kit.leaf()
    return np.where(kit.rng.random(count) < 0.6, first, second)


def potted(kit: Kit) -> Piece:
    """A plant in a pot: of long blades, of broad leaves on stems, or a little tree."""
    r, rise = kit.between(0.1, 0.24), kit.between(0.15, 0.4)
    pot = (
        kit.ceramic()
        if kit.chance(0.6)
        else kit.add(Material((0.4, 0.17, 0.09), (0.25, 0.1, 0.05), "paint", 2.0, 0.05))
    )
    soil = kit.add(Material((0.03, 0.02, 0.015), (0.05, 0.04, 0.03), "asphalt", 3.0, 0.0))
    parts = [
        lathe(
            [
                (0, 0),
                (r * 0.7, 0),
                (r, rise),
                (r * 1.08, rise),
                (r * 1.08, rise + 0.03),
                (r * 0.95, rise + 0.03),
                (r * 0.93, rise - 0.02),
            ],
            pot,
        ),
        lathe([(r * 0.94, rise - 0.02), (0, rise)], soil),
    ]
    kind, high = kit.pick("blades", "stems", "tree", "stems"), kit.between(0.4, 1.5)
    if kind == "blades":
        count = int(kit.rng.integers(12, 40))
        turn = kit.rng.uniform(0, 2 * np.pi, count)
        lean = kit.rng.uniform(0.1, 0.9, count)
        way = np.stack([np.sin(turn) * lean, np.ones(count), np.cos(turn) * lean], -1)
        at = np.stack([0.03 * np.sin(turn), np.full(count, rise), 0.03 * np.cos(turn)], -1)
        parts.append(
            leaves(at, way, high * kit.rng.uniform(0.5, 1, count), kit.rng, _both(kit, count), kit.between(0.06, 0.2))
        )
    else:
        stem = kit.add(Material((0.09, 0.07, 0.04), (0.05, 0.04, 0.02), "bark", 2.0, 0.0))
        places, ways = [], []
        for _ in range(int(kit.rng.integers(3, 9)) if kind == "stems" else 1):
            lean = kit.rng.normal(0, 0.2 if kind == "stems" else 0.04, 2)
            along = np.linspace(0, 1, 7)[:, None]
            line = np.array([0, rise, 0]) + along * np.array([lean[0], 1, lean[1]]) * high * kit.between(0.6, 1)
            parts.append(tube(line, np.linspace(0.012, 0.004, 7) * (2 if kind == "tree" else 1), stem, 6))
            count = int(kit.rng.integers(14, 30)) * (7 if kind == "tree" else 1)
            share = kit.rng.uniform(0.55 if kind == "tree" else 0.25, 1, count)
            way = kit.rng.normal((0, 0.5, 0), 1, (count, 3))
            way /= np.linalg.norm(way, axis=1, keepdims=True)
            spread = kit.rng.uniform(0, 0.3, (count, 1)) * high if kind == "tree" else 0.02
            places.append(line[0] + share[:, None] * (line[-1] - line[0]) + way * spread)
            ways.append(way)
        at = np.concatenate(places)
        size = high * kit.between(0.08, 0.24) * (0.5 if kind == "tree" else 1)
        parts.append(
            leaves(
                at,
                np.concatenate(ways),
                size * kit.rng.uniform(0.6, 1.2, len(at)),
                kit.rng,
                _both(kit, len(at)),
                kit.between(0.3, 0.75),
            )
        )
    return join(parts).placed((0, 0, r + 0.1))


def bush(kit: Kit, size: tuple[float, float, float], count: int, leaf: float) -> Piece:
    """A round bush or crown of leaves over a dark inside, about the origin."""
    way = kit.rng.normal(0, 1, (count, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    lumps = 1 + 0.13 * np.sin(way @ kit.rng.normal(0, 3, (3, 4)) + kit.rng.uniform(0, 6, 4)).sum(axis=1)
    at = way * np.asarray(size) / 2 * (lumps * kit.rng.uniform(0.75, 1.02, count))[:, None]
    dark = kit.add(Material((0.012, 0.02, 0.008), (0.03, 0.045, 0.015), "leafage", 2.0, 0.0))
    inside = cushion(np.asarray(size) * 0.72, dark, 1.0, 8)
    return join(
        [
            inside,
            leaves(
                at,
                way + kit.rng.normal(0, 0.6, (count, 3)) + (0, 0.2, 0),
                leaf * kit.rng.uniform(0.6, 1.3, count),
                kit.rng,
                _both(kit, count),
                kit.between(0.35, 0.7),
            ),
        ]
    )


def hedge(kit: Kit, long: float, high: float, deep: float) -> Piece:
    """A clipped hedge along x, standing on y = 0."""
    count = int(min(9000, 900 * long * (high + deep)))
    side = kit.rng.random(count)
    x = kit.rng.uniform(-0.5, 0.5, count) * long
    top = side < deep / (deep + 2 * high)
    y = np.where(top, high, kit.rng.uniform(0.02, 1, count) * high)
    sign = np.where(kit.rng.random(count) < 0.75, 1.0, -1.0)
    z = np.where(top, kit.rng.uniform(-0.5, 0.5, count), sign * 0.5) * deep
    bumpy = 0.05 * np.sin(x * 5) + kit.rng.normal(0, 0.03, count)
    way = np.stack(
        [kit.rng.normal(0, 0.5, count), np.where(top, 1.0, 0.3), np.where(top, 0, sign)], -1
    ) + kit.rng.normal(0, 0.5, (count, 3))
    at = np.stack([x, y + np.where(top, bumpy, 0), z + np.where(top, 0, bumpy)], -1)
    dark = kit.add(Material((0.012, 0.02, 0.008), (0.03, 0.045, 0.015), "leafage", 2.0, 0.0))
    core = boxes([(0, high / 2 - 0.02, 0)], [(long, high - 0.06, deep - 0.06)], dark)
    return join([core, leaves(at, way, kit.rng.uniform(0.04, 0.11, count), kit.rng, _both(kit, count), 0.6)])


def tree(kit: Kit) -> Piece:
    """A tree with a forked trunk and a crown of leaf clumps, or bare."""
    high, bark = (
        kit.between(3, 8),
        kit.add(Material((0.12, 0.095, 0.07), (0.05, 0.04, 0.03), "bark", 0.8, 0.0, bump=0.02)),
    )
    r = high * kit.between(0.018, 0.035)
    fork = high * kit.between(0.3, 0.5)
    lean = kit.rng.normal(0, 0.04, 2) * high
    parts = [
        tube(
            [(0, -0.1, 0), (lean[0] * 0.3, fork / 2, lean[1] * 0.3), (lean[0], fork, lean[1])],
            [r * 1.25, r, r * 0.85],
            bark,
            12,
        )
    ]
    bare = kit.chance(0.15)
    for _ in range(int(kit.rng.integers(4, 9))):
        turn, out = kit.between(0, 2 * np.pi), kit.between(0.15, 0.45) * high * 0.6
        end = np.array([lean[0] + out * np.sin(turn), high * kit.between(0.6, 1.0), lean[1] + out * np.cos(turn)])
        start = np.array([lean[0], fork * kit.between(0.85, 1), lean[1]])
        line = [start, (start + end) / 2 + (0, 0.1 * high * kit.between(-0.3, 0.6), 0), end]
        parts.append(tube(line, [r * 0.6, r * 0.4, r * 0.12], bark, 7))
        if bare:
            for _ in range(8):
                tip = end + kit.rng.normal(0, 0.12, 3) * high
                parts.append(tube([(line[1] + end) / 2, tip], [r * 0.15, r * 0.04], bark, 4))
        else:
            size = high * kit.between(0.2, 0.4)
            parts.append(bush(kit, (size, size * 0.8, size), 420, high * 0.03 + 0.05).placed(end))
    return join(parts)


def grass(kit: Kit, at: NDArray[np.float64], high: float) -> Piece:
    """Blades of grass at points [N, 3]."""
    count = len(at)
    turn, lean = kit.rng.uniform(0, 2 * np.pi, count), kit.rng.uniform(0, 0.6, count)
    size = high * kit.rng.uniform(0.4, 1.2, count)
    side = np.stack([np.cos(turn), np.zeros(count), np.sin(turn)], -1) * size[:, None] * 0.05
    tip = at + np.stack([np.sin(turn) * lean * size, size, np.cos(turn) * lean * size], -1)
    points = np.stack([at - side, at + side, tip], axis=1).reshape(-1, 3)
    normal = np.repeat(np.stack([np.sin(turn) * 0.3, np.ones(count), np.cos(turn) * 0.3], -1), 3, axis=0)
    triangles = np.arange(3 * count).reshape(-1, 3)
    return piece(
        points,
        normal / np.linalg.norm(normal, axis=1, keepdims=True),
        points[:, :2],
        triangles,
        np.repeat(_both(kit, count), 3),
    )
