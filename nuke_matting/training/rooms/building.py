"""Parts of a building: walls with openings, doors, windows, curtains, radiators, stairs.

Each stands before a wall: the wall's face is z = 0, the room is at +z, x runs along the wall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nuke_matting.training.rooms.kit import Kit
from nuke_matting.training.rooms.mesh import Piece, box, boxes, cushion, join, panel, surface, tube
from nuke_matting.training.rooms.surfaces import Material, triple

THICK = 0.22  # of walls, metres


@dataclass(frozen=True)
class Opening:
    """A hole in a wall: its middle along the wall, its width, and from where to where it reaches, metres."""

    x: float
    wide: float
    low: float
    high: float


def wall(length: float, height: float, openings: Sequence[Opening], material: int) -> Piece:
    """A wall about x = 0, behind z = 0, with holes."""
    centres, sizes = [], []

    def add(left: float, right: float, low: float, high: float) -> None:
        if right - left > 1e-3 and high - low > 1e-3:
            centres.append(((left + right) / 2, (low + high) / 2, -THICK / 2))
            sizes.append((right - left, high - low, THICK))

    at = -length / 2 - THICK
    for hole in sorted(openings, key=lambda each: each.x):
        left, right = hole.x - hole.wide / 2, hole.x + hole.wide / 2
        add(at, left, 0, height)
        add(left, right, 0, hole.low)
        add(left, right, hole.high, height)
        at = right
    add(at, length / 2 + THICK, 0, height)
    parts = []
    for centre, size in zip(centres, sizes, strict=True):  # texture runs on from part to part
        part = box(centre, size, material, 0.001)
        flat = np.abs(part.vertices[:, 5]) > 0.5
        part.vertices[flat, 6:8] = part.vertices[flat, 0:2]
        parts.append(part)
    return join(parts)


def wall_cover(kit: Kit) -> int:
    """Paint, paper, plaster, brick, boards, stone or tiles."""
    kind = kit.pick(
        "paint",
        "paint",
        "paint",
        "paint",
        "plaster",
        "paper",
        "paper",
        "brick",
        "boards",
        "stones",
        "subway",
        "concrete",
        "white",
    )
    if kind == "white":
        tone = kit.between(0.5, 0.8)
        return kit.add(Material((tone, tone * 0.985, tone * 0.95), (tone * 0.9,) * 3, "paint", 0.7, 0.05))
    if kind == "paint":
        first = np.clip(np.asarray(kit.colour(0.3)) * kit.between(0.8, 2.5), 0.02, 0.75)
        return kit.add(
            Material(triple(first), triple(first * 0.85), "paint", 0.7, kit.between(0.02, 0.3), 15.0, 0.0005)
        )
    if kind == "paper":
        first = np.clip(np.asarray(kit.colour(0.2)) * kit.between(0.8, 2), 0.02, 0.75)
        second = np.clip(first * kit.between(0.4, 1.8), 0.02, 0.8) if kit.chance(0.7) else np.asarray(kit.colour())
        pattern = kit.pick("damask", "floral", "stripes", "geometric", "dots", "damask")
        return kit.add(
            Material(triple(first), triple(second), pattern, kit.between(0.5, 1.6), kit.between(0.02, 0.2), 12.0)
        )
    if kind == "brick":
        red = np.array([0.32, 0.13, 0.08]) if kit.chance(0.6) else np.asarray(kit.colour(0.6))
        red = np.clip(red * kit.between(0.5, 1.6), 0.02, 0.7)
        return kit.add(Material(triple(red), (0.45, 0.42, 0.38), "brick", 1.05, 0.05, 10.0, 0.01))
    if kind == "boards":
        return kit.wood("boards")
    if kind == "subway":
        shade = np.clip(np.asarray(kit.colour(0.7)) * 2 + 0.1, 0.1, 0.8)
        return kit.add(
            Material(
                triple(shade), triple(shade * 0.5), kit.pick("subway", "tiles"), kit.between(0.7, 1.4), 0.8, 90.0, 0.004
            )
        )
    if kind == "stones":
        shade = np.array([0.42, 0.38, 0.32]) * kit.between(0.6, 1.4)
        return kit.add(Material(triple(shade), triple(shade * 0.45), "stones", 0.7, 0.05, 10.0, 0.02))
    shade = np.array([0.4, 0.39, 0.37]) * kit.between(0.7, 1.6)
    return kit.add(Material(triple(shade), triple(shade * 0.6), kind, 0.6, 0.05, 10.0, 0.003))


def floor_cover(kit: Kit) -> int:
    """Boards, parquet, tiles, carpet, stone or concrete."""
    kind = kit.pick("planks", "planks", "parquet", "tiles", "chequer", "carpet", "carpet", "concrete", "marble")
    if kind in ("planks", "parquet"):
        return kit.wood(kind)
    if kind == "carpet":
        first = np.asarray(kit.colour(0.5))
        return kit.add(Material(triple(first), triple(first * 0.7), "carpet", 1.5, 0.0))
    first, second = np.asarray(kit.colour(0.7)), np.asarray(kit.colour(0.7))
    if kind == "concrete":
        first = np.array([0.35, 0.34, 0.32]) * kit.between(0.5, 1.5)
        second = first * 0.6
    if kind == "tiles":
        second = first * 0.5
    return kit.add(
        Material(triple(first), triple(second), kind, kit.between(0.5, 1.2), kit.between(0.2, 0.9), 60.0, 0.002)
    )


def door(kit: Kit, wide: float, high: float) -> Piece:
    """A door in its frame, in an opening about x = 0: panels, handle; shut or ajar, at times with glass."""
    frame = kit.painted(0.7) if kit.chance(0.5) else kit.wood()
    leaf = frame if kit.chance(0.5) else kit.wood() if kit.chance(0.6) else kit.painted(0.3)
    trim = kit.between(0.05, 0.13)
    parts = [
        boxes([(s * (wide + trim) / 2, high / 2, 0.012) for s in (-1, 1)], [(trim, high + trim, 0.035)], frame, 0.008),
        box((0, high + trim / 2, 0.012), (wide + 2 * trim, trim, 0.035), frame, 0.008),
        boxes([(s * (wide / 2 - 0.01), high / 2, -THICK / 2) for s in (-1, 1)], [(0.03, high, THICK)], frame),
        box((0, high - 0.01, -THICK / 2), (wide, 0.03, THICK), frame),
    ]
    body = [box((wide / 2, high / 2, 0), (wide - 0.03, high - 0.02, 0.04), leaf)]
    kind = kit.pick("flat", "two", "four", "six", "glass")
    if kind != "flat":
        columns, rows = {"two": (1, 2), "four": (2, 2), "six": (2, 3), "glass": (1, 1)}[kind]
        glass = kit.add(
            Material((0.35, 0.4, 0.4), (0.2, 0.22, 0.22), "worn", 0.5, 0.9, 120.0, glow=kit.between(0, 0.6))
        )
        margin, inner = 0.11, 0.08
        w = (wide - 2 * margin - (columns - 1) * inner) / columns
        edges = np.linspace(0.18, high - 0.12, rows + 1)
        for row in range(rows):
            for column in range(columns):
                x, y = margin + w / 2 + column * (w + inner), (edges[row] + edges[row + 1]) / 2
                tall = edges[row + 1] - edges[row] - inner
                low = glass if kind == "glass" or (row == rows - 1 and kit.chance(0.15)) else leaf
                body.append(box((x, y, 0.018), (w, tall, 0.016), low, 0.02 if low == leaf else 0.002))
                rim = [(x, y + s * tall / 2, 0.024) for s in (-1, 1)]
                body.append(boxes(rim, [(w + 0.03, 0.025, 0.014)], leaf, 0.006))
                rim = [(x + s * w / 2, y, 0.024) for s in (-1, 1)]
                body.append(boxes(rim, [(0.025, tall + 0.03, 0.014)], leaf, 0.006))
    metal = kit.metal()
    body.append(box((wide - 0.075, 1.02, 0.026), (0.04, 0.2, 0.012), metal))
    if kit.chance(0.6):
        body.append(
            tube([(wide - 0.075, 1.05, 0.03), (wide - 0.075, 1.05, 0.07), (wide - 0.2, 1.05, 0.07)], 0.01, metal)
        )
    else:
        body.append(cushion((0.06, 0.06, 0.06), metal, 1.0, 8).placed((wide - 0.075, 1.05, 0.06)))
    ajar = kit.between(0.1, 1.4) if kit.chance(0.25) else 0.0
    leaf_piece = join(body)
    parts.append(leaf_piece.placed((-wide / 2, 0, -0.05), -ajar))
    if ajar:  # a dim room behind
        parts.append(box((0, high / 2, -0.9), (wide + 1.5, high + 0.4, 0.05), wall_cover(kit)))
    return join(parts)


def window(kit: Kit, wide: float, high: float) -> Piece:
    """A window's frame, bars and sill in an opening about x = 0 whose low edge is y = 0; there is no glass."""
    frame = kit.painted(0.75) if kit.chance(0.75) else kit.wood()
    bar = kit.between(0.035, 0.075)
    parts = [
        boxes([(s * (wide / 2 - bar / 2), high / 2, -THICK * 0.6) for s in (-1, 1)], [(bar, high, 0.06)], frame),
        boxes([(0, y, -THICK * 0.6) for y in (bar / 2, high - bar / 2)], [(wide, bar, 0.06)], frame),
        box((0, -0.02, 0.03), (wide + 0.14, 0.04, 0.2), frame, 0.01),
    ]
    columns, rows = max(1, round(wide / kit.between(0.35, 1.0))), max(1, round(high / kit.between(0.4, 1.6)))
    thin = bar * 0.7
    if columns > 1:
        parts.append(
            boxes(
                [((k / columns - 0.5) * wide, high / 2, -THICK * 0.6) for k in range(1, columns)],
                [(thin, high, 0.045)],
                frame,
            )
        )
    if rows > 1:
        parts.append(boxes([(0, k / rows * high, -THICK * 0.6) for k in range(1, rows)], [(wide, thin, 0.045)], frame))
    trim = kit.between(0, 0.1)
    if trim > 0.03:
        parts.append(
            boxes([(s * (wide + trim) / 2, high / 2, 0.01) for s in (-1, 1)], [(trim, high + trim, 0.03)], frame)
        )
        parts.append(box((0, high + trim / 2, 0.01), (wide + 2 * trim, trim, 0.03), frame))
    if kit.chance(0.15):  # a blind
        slats = np.arange(high * kit.between(0.1, 0.9), high, 0.04)
        parts.append(boxes([(0, y, -0.03) for y in slats], [(wide - 0.02, 0.004, 0.035)], kit.painted(0.7), 0.001))
    return join(parts)


def drape(kit: Kit, wide: float, high: float, material: int) -> Piece:
    """Cloth that hangs in folds from y = high, about x = 0."""
    columns = max(12, int(wide * 60))
    x = np.linspace(-0.5, 0.5, columns)
    y = np.linspace(high, 0.01, 9)
    down = (1 - y / high)[:, None]
    fold = kit.between(0.02, 0.05)
    often, shift = wide * kit.between(5, 9), kit.between(0, 6)
    wave = np.sin(2 * np.pi * often * x + shift + 0.5 * np.sin(9 * x)) + 0.4 * np.sin(2 * np.pi * often * 2.3 * x + 1)
    points = np.empty((len(y), columns, 3))
    points[..., 0] = x * wide * (1 + 0.06 * down) + 0.01 * np.sin(5 * down + x * 4)
    points[..., 1] = y[:, None]
    points[..., 2] = fold * wave * (0.6 + 0.5 * down)
    return surface(points, material)


def curtains(kit: Kit, wide: float, low: float, high: float) -> Piece:
    """A rod with two curtains beside a window of a width, from `low` to `high`."""
    cloth, rod = kit.cloth(0.5, thin=kit.between(0.1, 0.5)), kit.metal()
    top, share = high + 0.14, kit.between(0.15, 0.5)
    bottom = 0.02 if kit.chance(0.6) else max(low - 0.15, 0.02)
    one = wide * share + 0.12
    parts = [tube([(-wide / 2 - 0.25, top, 0.1), (0, top, 0.1), (wide / 2 + 0.25, top, 0.1)], 0.013, rod)]
    for side in (-1, 1):
        at = (side * (wide / 2 + 0.14 - one / 2), bottom, 0.1)
        parts.append(drape(kit, one, top - bottom, cloth).placed(at))
        parts.append(cushion((0.05, 0.05, 0.05), rod, 1.0, 6).placed((side * (wide / 2 + 0.26), top, 0.1)))
    return join(parts)


def radiator(kit: Kit) -> Piece:
    """A ribbed radiator with its pipe."""
    count, high, paint = int(kit.rng.integers(6, 18)), kit.between(0.45, 0.75), kit.painted(0.85)
    x = (np.arange(count) - (count - 1) / 2) * 0.065
    ribs = boxes(
        np.stack([x, np.full(count, high / 2 + 0.12), np.full(count, 0.1)], -1), [(0.05, high, 0.1)], paint, 0.02
    )
    pipe = tube([(x[-1] + 0.03, 0.18, 0.1), (x[-1] + 0.1, 0.18, 0.1), (x[-1] + 0.1, 0, 0.1)], 0.012, paint)
    rails = boxes([(0, 0.17, 0.1), (0, high + 0.07, 0.1)], [(x[-1] * 2, 0.04, 0.05)], paint, 0.015)
    return join([ribs, pipe, rails])


def hung_picture(kit: Kit) -> Piece:
    """A framed picture or a bare poster, flat on the wall, about x = 0 and its middle at y = 0."""
    kind = kit.pick("view", "abstract", "portrait", "portrait", "poster", "abstract")
    wide, high = kit.between(0.25, 1.1), kit.between(0.25, 1.1)
    if kind in ("portrait", "poster"):
        high = kit.between(0.45, 1.5)
        wide = high * kit.between(0.62, 0.8)
    shown = kit.picture(kind, kit.between(0, 0.6))
    if kit.chance(0.3):
        return panel(wide, high, shown, True).placed((0, -high / 2, 0.006))
    frame, rim = kit.wood() if kit.chance(0.6) else kit.metal(), kit.between(0.015, 0.08)
    parts = [
        panel(wide, high, shown, True).placed((0, -high / 2, 0.012)),
        boxes([(s * (wide + rim) / 2, 0, 0.015) for s in (-1, 1)], [(rim, high + 2 * rim, 0.035)], frame, 0.01),
        boxes([(0, s * (high + rim) / 2, 0.015) for s in (-1, 1)], [(wide, rim, 0.035)], frame, 0.01),
    ]
    return join(parts)


def stairs(kit: Kit) -> Piece:
    """A flight up along the wall, with a rail."""
    count, wide, tread, rise = int(kit.rng.integers(8, 15)), kit.between(0.8, 1.1), 0.26, 0.18
    wood, rail = kit.wood(), kit.wood()
    k = np.arange(count)
    x = (k - count / 2) * tread
    steps = boxes(
        np.stack([x, (k + 1) * rise / 2, np.full(count, wide / 2)], -1),
        np.stack([np.full(count, tread), (k + 1) * rise, np.full(count, wide)], -1),
        wood,
    )
    posts = boxes(np.stack([x, (k + 1) * rise + 0.45, np.full(count, wide - 0.04)], -1), [(0.03, 0.9, 0.03)], rail)
    hand = tube([(x[0], rise + 0.92, wide - 0.04), (x[-1], count * rise + 0.92, wide - 0.04)], 0.03, rail)
    return join([steps, posts, hand])
