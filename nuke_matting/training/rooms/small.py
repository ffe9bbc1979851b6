"""Small things: books, pots, boxes, lamps, fruit, toys, clocks. Each stands on the origin."""

from __future__ import annotations

import numpy as np

from nuke_matting.training.rooms.kit import Kit
from nuke_matting.training.rooms.mesh import Piece, box, boxes, cushion, cylinder, join, lathe, leaves, panel, tube
from nuke_matting.training.rooms.surfaces import Material


def books_row(kit: Kit, wide: float, high: float, deep: float) -> Piece:
    """Books side by side from x = 0, some leaning, some lying."""
    thick = kit.rng.uniform(0.012, 0.05, 80)
    edge = np.cumsum(thick)
    count = int(np.searchsorted(edge, wide * kit.between(0.5, 1.0)))
    if count == 0:
        return join([])
    tall = high * np.clip(kit.rng.normal(0.78, 0.1, count), 0.45, 0.98)
    long = deep * np.clip(kit.rng.normal(0.8, 0.1, count), 0.5, 1)
    covers = [_cover(kit) for _ in range(min(count, 7))]
    which = np.asarray(covers)[kit.rng.integers(len(covers), size=count)]
    centres = np.stack([edge[:count] - thick[:count] / 2, tall / 2, deep - long / 2 - 0.01], -1)
    parts = [boxes(centres, np.stack([thick[:count] - 0.002, tall, long], -1), which, 0.003)]
    labels = kit.rng.random(count) < 0.4
    if labels.any():
        band = centres[labels].copy()
        band[:, 1] = tall[labels] * kit.between(0.6, 0.8)
        band[:, 2] += long[labels] / 2
        sizes = np.stack([thick[:count][labels] * 0.7, tall[labels] * 0.2, np.full(labels.sum(), 0.002)], -1)
        parts.append(boxes(band, sizes, kit.add(Material((0.7, 0.66, 0.5), (0.1, 0.1, 0.1), "print", 12.0)), 0.0005))
    return join(parts)


def _cover(kit: Kit) -> int:
    return kit.add(
        Material(
            kit.colour(0.2), kit.colour(), "worn" if kit.chance(0.4) else "paint", 3.0, kit.between(0.05, 0.6), 20.0
        )
    )


def _vase(kit: Kit, high: float) -> Piece:
    y = np.linspace(0, 1, 14)
    wave = kit.rng.normal(0, 0.1, 3)
    radius = 0.3 + sum(w * np.sin((k + 1) * np.pi * y + k) for k, w in enumerate(wave)) + 0.12 * np.sin(np.pi * y)
    radius = np.clip(radius, 0.09, 0.6) * high * kit.between(0.7, 1.3)
    profile = np.column_stack([radius, y * high])
    inner = [(radius[-1] * 0.85, high), (radius[-1] * 0.7, high * 0.8), (0, high * 0.75)]
    return lathe(np.concatenate([[(0, 0)], profile, inner]), kit.ceramic())


def _bottle(kit: Kit, high: float) -> Piece:
    r = high * kit.between(0.11, 0.17)
    profile = [
        (0, 0),
        (r, 0),
        (r, 0.02),
        (r, high * 0.55),
        (r * 0.9, high * 0.62),
        (r * 0.35, high * 0.75),
        (r * 0.33, high),
        (0, high),
    ]
    parts = [lathe(profile, kit.ceramic())]
    if kit.chance(0.6):
        parts.append(
            lathe(
                [(r * 1.02, high * 0.15), (r * 1.02, high * 0.42)],
                kit.add(Material((0.8, 0.78, 0.7), kit.colour(), "print", 6.0)),
            )
        )
    return join(parts)


def _stack(kit: Kit, high: float) -> Piece:
    count = int(kit.rng.integers(2, 8))
    thick = kit.rng.uniform(0.012, 0.045, count)
    y = np.cumsum(thick) - thick / 2
    sizes = np.stack([kit.rng.uniform(0.15, 0.3, count), thick - 0.002, kit.rng.uniform(0.12, 0.22, count)], -1)
    covers = [_cover(kit) for _ in range(count)]
    return boxes(
        np.stack([kit.rng.normal(0, 0.01, count), y, kit.rng.normal(0, 0.01, count)], -1),
        sizes,
        covers,
        0.003,
        kit.rng.normal(0, 0.15, count),
    )


def _frame(kit: Kit, high: float) -> Piece:
    wide, shown = high * kit.between(0.65, 1.3), kit.picture(kit.pick("view", "abstract", "portrait"), 0.3)
    frame = box((0, high / 2, 0), (wide, high, 0.015), kit.wood())
    inner = panel(wide * 0.82, high * 0.82, shown, fitted=True).placed((0, high * 0.09, 0.0085))
    return join([frame, inner]).placed(tilt=-0.15)


def _lamp(kit: Kit, high: float) -> Piece:
    base = _vase(kit, high * 0.55)
    shade = kit.glowing(kit.between(0.3, 1.6), kit.between(0.2, 1)) if kit.chance(0.6) else kit.cloth(0.7)
    r = high * kit.between(0.28, 0.4)
    return join(
        [
            base,
            tube([(0, high * 0.5, 0), (0, high * 0.8, 0)], 0.008, kit.metal()),
            lathe([(r, high * 0.58), (r * kit.between(0.4, 0.9), high)], shade, 24),
        ]
    )


def _bowl(kit: Kit, high: float) -> Piece:
    r = high * kit.between(0.7, 1.1)
    high *= 0.5
    profile = [
        (0, 0),
        (r * 0.4, 0),
        (r * 0.75, high * 0.4),
        (r, high),
        (r * 0.95, high),
        (r * 0.7, high * 0.45),
        (0, high * 0.15),
    ]
    parts = [lathe(profile, kit.ceramic() if kit.chance(0.7) else kit.wood(), 24)]
    if kit.chance(0.6):
        fruit = kit.add(Material(kit.colour(0.0), kit.colour(0.0), "paint", 3.0, 0.4, 40.0))
        for _ in range(int(kit.rng.integers(3, 8))):
            a, d = kit.between(0, 6.3), kit.between(0, 0.6) * r
            size = min(r * 0.5, 0.09)
            parts.append(cushion((size, size, size), fruit, 1.0, 8).placed((d * np.cos(a), high * 0.8, d * np.sin(a))))
    return join(parts)


def _carton(kit: Kit, high: float) -> Piece:
    wide, deep = high * kit.between(0.5, 1.8), high * kit.between(0.4, 1.2)
    if kit.chance(0.5):
        card = kit.add(Material((0.42, 0.28, 0.15), (0.34, 0.22, 0.12), "paint", 1.0, 0.02))
    else:
        card = kit.add(
            Material(
                kit.colour(),
                kit.colour(),
                kit.pick("print", "stripes", "dots", "plain", "geometric"),
                kit.between(1.5, 5),
                0.3,
                30.0,
            )
        )
    parts = [box((0, high / 2, 0), (wide, high, deep), card, 0.004)]
    parts.append(box((0, high + 0.001, 0), (wide * 0.12, 0.002, deep), kit.painted(0.6), 0.0005))
    return join(parts)


def _clock(kit: Kit, high: float) -> Piece:
    face, dark = kit.painted(0.9), kit.black()
    r = high / 2
    disc = cylinder(r, 0.05, kit.wood(), 28).placed((0, 0, 0), 0, 1, np.pi / 2)
    white = cylinder(r * 0.86, 0.055, face, 28).placed((0, 0, 0), 0, 1, np.pi / 2)
    angle = np.arange(12) * np.pi / 6
    marks = boxes(
        np.stack([np.sin(angle) * r * 0.74, np.cos(angle) * r * 0.74, np.full(12, 0.056)], -1),
        [(0.012, 0.012, 0.004)],
        dark,
        0.001,
    )
    hands = [
        box((0, r * 0.28, 0.058), (0.01, r * 0.55, 0.004), dark),
        box((r * 0.18, 0.05 * r, 0.058), (r * 0.4, 0.012, 0.004), dark),
    ]
    return join([disc, white, marks, *hands]).placed((0, r, 0))


def _toy(kit: Kit, high: float) -> Piece:
    """A bear: a round body, a head with ears, four limbs."""
    fur = kit.add(Material(kit.colour(0.1), kit.colour(), "knit", 6.0, 0.02, bump=0.004))
    dark = kit.black()
    parts = [
        cushion((0.5, 0.55, 0.42), fur, 0.9).placed((0, 0.3, 0)),
        cushion((0.42, 0.4, 0.4), fur, 1.0).placed((0, 0.72, 0.02)),
    ]
    for side in (-1, 1):
        parts.append(cushion((0.14, 0.14, 0.07), fur, 1.0, 8).placed((side * 0.17, 0.9, 0)))
        parts.append(cushion((0.16, 0.36, 0.16), fur, 0.9, 8).placed((side * 0.28, 0.4, 0.08), 0, 1, -0.5))
        parts.append(cushion((0.18, 0.17, 0.4), fur, 0.9, 8).placed((side * 0.17, 0.09, 0.22), side * 0.3))
        parts.append(cushion((0.04, 0.04, 0.03), dark, 1.0, 6).placed((side * 0.08, 0.77, 0.2)))
    parts.append(cushion((0.07, 0.05, 0.05), dark, 1.0, 6).placed((0, 0.69, 0.23)))
    return join(parts).placed((0, 0, 0), 0, high)


def _candles(kit: Kit, high: float) -> Piece:
    metal, wax = kit.metal(), kit.painted(0.7)
    parts = []
    for k in range(int(kit.rng.integers(1, 4))):
        h = high * kit.between(0.6, 1.0)
        stick = lathe(
            [(0, 0), (0.05, 0), (0.045, 0.01), (0.012, 0.03), (0.01, h * 0.55), (0.025, h * 0.6), (0, h * 0.6)],
            metal,
            14,
        )
        parts.append(
            join([stick, cylinder(0.011, h * 0.4, wax, 10).placed((0, h * 0.6, 0))]).placed(
                (k * 0.12, 0, kit.between(-0.05, 0.05))
            )
        )
    return join(parts)


def _globe(kit: Kit, high: float) -> Piece:
    r = high * 0.36
    ball = kit.add(Material(kit.colour(0.0), kit.colour(0.0), "worn", 3.0, 0.5, 50.0))
    foot = lathe([(0, 0), (r * 0.6, 0), (r * 0.5, 0.02), (0.015, 0.04), (0.015, high * 0.3)], kit.wood())
    return join([foot, cushion((2 * r, 2 * r, 2 * r), ball, 1.0).placed((0, high - r, 0))])


def _posy(kit: Kit, high: float) -> Piece:
    """A pot with leaves and flowers."""
    pot = _vase(kit, high * 0.45)
    count = int(kit.rng.integers(14, 60))
    way = kit.rng.normal(0, 1, (count, 3))
    way[:, 1] = np.abs(way[:, 1]) + 0.3
    first, second = kit.leaf()
    flower = kit.add(Material(kit.colour(0.0), kit.colour(0.0), "plain", thin=0.3))
    kinds = np.where(
        kit.rng.random(count) < kit.between(0, 0.5), flower, np.where(kit.rng.random(count) < 0.5, first, second)
    )
    at = np.array([0, high * 0.42, 0]) + way / np.linalg.norm(way, axis=1, keepdims=True) * high * kit.rng.uniform(
        0.02, 0.3, (count, 1)
    )
    return join([pot, leaves(at, way, kit.rng.uniform(0.15, 0.45, count) * high, kit.rng, kinds)])


def _machine(kit: Kit, high: float) -> Piece:
    """A radio, loudspeaker or kettle-like appliance."""
    wide, deep = high * kit.between(0.7, 1.6), high * kit.between(0.5, 0.9)
    case = kit.painted(0.3) if kit.chance(0.5) else kit.wood()
    parts = [box((0, high / 2, 0), (wide, high, deep), case, 0.015)]
    dark, metal = kit.black(), kit.metal()
    for _ in range(int(kit.rng.integers(1, 4))):
        r = high * kit.between(0.06, 0.3)
        spot = kit.between(-0.3, 0.3) * wide, high * kit.between(0.3, 0.7), deep / 2
        parts.append(cylinder(r, 0.012, dark if kit.chance(0.6) else metal, 18).placed(spot, 0, 1, np.pi / 2))
    parts.append(box((0, high * 0.85, deep / 2), (wide * 0.8, high * 0.1, 0.01), metal, 0.002))
    return join(parts)


def _mug(kit: Kit, high: float) -> Piece:
    high *= 0.5
    r = high * 0.42
    glaze = kit.ceramic()
    a = np.linspace(-1.3, 1.3, 9)
    handle = tube(
        np.stack([r * 0.95 + high * 0.25 * np.cos(a), high * (0.5 + 0.3 * np.sin(a)), 0 * a], -1), high * 0.05, glaze, 6
    )
    return join(
        [
            lathe(
                [
                    (0, 0),
                    (r * 0.9, 0),
                    (r, high * 0.1),
                    (r, high),
                    (r * 0.92, high),
                    (r * 0.9, high * 0.2),
                    (0, high * 0.15),
                ],
                glaze,
            ),
            handle,
        ]
    )


_KINDS = (
    _vase,
    _bottle,
    _stack,
    _frame,
    _lamp,
    _bowl,
    _carton,
    _clock,
    _toy,
    _candles,
    _globe,
    _posy,
    _posy,
    _machine,
    _mug,
    _stack,
)


def draw_small(kit: Kit, most: float = 0.55) -> Piece:
    """A small thing at random, no higher than `most` metres about."""
    make = _KINDS[int(kit.rng.integers(len(_KINDS)))]
    return make(kit, min(most * 0.92, float(np.exp(kit.rng.normal(np.log(0.24), 0.35)))))


def draw_heap_thing(kit: Kit) -> Piece:
    """Something for a heap: a box, a bag, a rolled carpet, a suitcase, a bucket, a cushion, a crate."""
    kind = kit.pick("carton", "bag", "roll", "case", "bucket", "cushion", "crate", "small")
    if kind == "carton":
        return _carton(kit, kit.between(0.2, 0.55))
    if kind == "bag":
        size = kit.between(0.3, 0.7), kit.between(0.35, 0.8), kit.between(0.25, 0.5)
        dark = kit.add(Material(kit.colour(0.6), kit.colour(0.6), "leather", 0.6, kit.between(0.1, 0.9), 30.0, 0.02))
        return cushion(size, dark, 0.7).placed((0, size[1] * 0.42, 0))
    if kind == "roll":
        rug, long = kit.cloth(0.2), kit.between(0.8, 2.0)
        return tube([(0, 0, 0), (0.03, long / 2, 0.02), (0, long, 0)], kit.between(0.07, 0.15), rug, 14)
    if kind == "case":
        leather, metal = kit.leather(), kit.metal()
        size = kit.between(0.45, 0.75), kit.between(0.35, 0.55), kit.between(0.16, 0.28)
        handle = tube(
            [(-0.09, size[1], 0), (-0.07, size[1] + 0.04, 0), (0.07, size[1] + 0.04, 0), (0.09, size[1], 0)],
            0.012,
            leather,
        )
        locks = boxes([(a * size[0] * 0.3, size[1] * 0.8, size[2] / 2) for a in (-1, 1)], [(0.05, 0.06, 0.012)], metal)
        return join([box((0, size[1] / 2, 0), size, leather, 0.03), handle, locks])
    if kind == "bucket":
        return lathe(
            [(0, 0), (0.12, 0), (0.16, 0.3), (0.165, 0.3), (0.155, 0.29), (0.11, 0.03), (0, 0.03)],
            kit.painted(0.2) if kit.chance(0.6) else kit.metal(),
        )
    if kind == "cushion":
        return cushion((0.5, 0.18, 0.5), kit.cloth(0.2), 0.6).placed((0, 0.09, 0))
    if kind == "crate":
        wood, side = kit.wood(), kit.between(0.3, 0.6)
        rows = np.linspace(0.12, 0.88, 3) * side
        sides = (
            [(0, y, s * side / 2) for y in rows for s in (-1, 1)],
            [(s * side / 2, y, 0) for y in rows for s in (-1, 1)],
        )
        return join(
            [boxes(sides[0], [(side, side * 0.22, 0.02)], wood), boxes(sides[1], [(0.02, side * 0.22, side)], wood)]
        )
    return draw_small(kit)
