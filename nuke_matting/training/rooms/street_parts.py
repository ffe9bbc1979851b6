"""What stands in streets: house fronts, cars, lamps, post boxes, bins, signs, benches. Each faces +z."""

from __future__ import annotations

import numpy as np

from nuke_matting.training.rooms import furniture
from nuke_matting.training.rooms.building import Opening, door, wall, wall_cover, window
from nuke_matting.training.rooms.figures import rounded_post
from nuke_matting.training.rooms.kit import Kit
from nuke_matting.training.rooms.mesh import Piece, box, boxes, cushion, cylinder, join, lathe, panel, prism, tube
from nuke_matting.training.rooms.plants import bush
from nuke_matting.training.rooms.small import draw_heap_thing
from nuke_matting.training.rooms.surfaces import Material


def ground(kit: Kit, *patterns: str, repeat: float = 0.5) -> int:
    """A ground of one of some patterns."""
    tone = np.array([0.3, 0.29, 0.27]) * kit.between(0.4, 1.5)
    return kit.add(
        Material(tuple(tone), tuple(tone * 0.5), kit.pick(*patterns), repeat * kit.between(0.7, 1.5), 0.15, 12.0, 0.006)
    )


def front(kit: Kit, wide: float) -> Piece:
    """A house front about x = 0: storeys of windows above doors, windows or a shop."""
    storeys, rise, cover = int(kit.rng.integers(1, 5)), kit.between(2.8, 3.5), wall_cover(kit)
    trim, dark = kit.painted(0.5) if kit.chance(0.5) else kit.stone(), kit.black()
    columns = max(1, round(wide / kit.between(1.7, 3.0)))
    cell = wide / columns
    w, h = min(cell * 0.6, kit.between(0.8, 1.5)), kit.between(1.1, 1.9)
    door_at, shop = int(kit.rng.integers(columns)), kit.chance(0.35)
    holes: list[tuple[Opening, str]] = []
    for storey in range(storeys):
        for column in range(columns):
            x, floor = (column + 0.5) * cell - wide / 2, storey * rise
            if storey == 0 and column == door_at:
                holes.append((Opening(x, min(0.95, cell * 0.8), 0.02, 2.15), "door"))
            elif storey == 0 and shop:
                holes.append((Opening(x, cell * 0.86, 0.5, 2.4), "shop"))
            else:
                holes.append((Opening(x, w, floor + 0.85, min(floor + 0.85 + h, floor + rise - 0.2)), "window"))
    high = storeys * rise + 0.3
    parts = []
    for storey in range(storeys):  # a wall's holes must not lie above one another
        own = [
            Opening(o.x, o.wide, o.low - storey * rise, o.high - storey * rise)
            for o, _ in holes
            if storey * rise <= o.low < (storey + 1) * rise
        ]
        parts.append(wall(wide, rise, own, cover).placed((0, storey * rise, 0)))
    parts.append(box((0, high, 0.02), (wide, 0.6, 0.3), cover if kit.chance(0.4) else trim))
    glass = kit.add(
        Material((0.03, 0.035, 0.04), (0.06, 0.065, 0.07), "worn", 0.4, 1.0, 150.0, glow=kit.between(0, 0.5))
    )
    lit = kit.glowing(kit.between(0.1, 0.9), 0.7)
    panes, surround = kit.chance(0.5), kit.chance(0.6)
    style = int(kit.rng.integers(2**31))
    for hole, kind in holes:
        tall = hole.high - hole.low
        alike = kit.again(style)  # all windows of a house are alike
        if kind == "door":
            parts.append(door(kit, hole.wide, hole.high).placed((hole.x, 0, 0)))
            parts.append(
                boxes(
                    [(hole.x, 0.07, 0.2), (hole.x, 0.03, 0.45)],
                    [(hole.wide + 0.4, 0.14, 0.4), (hole.wide + 0.6, 0.06, 0.5)],
                    kit.stone(),
                )
            )
            continue
        parts.append(window(alike, hole.wide, tall).placed((hole.x, hole.low, 0)))
        inside = lit if kit.chance(0.15) else glass
        parts.append(box((hole.x, hole.low + tall / 2, -0.2), (hole.wide, tall, 0.01), inside, 0.001))
        if kind == "shop":
            if kit.chance(0.6) and inside == glass:
                parts.append(
                    panel(hole.wide, tall, kit.picture(kit.pick("view", "poster", "abstract"), 0.5), True).placed(
                        (hole.x, hole.low, -0.19)
                    )
                )
            if kit.chance(0.5):
                sign = kit.picture("poster", 0.3) if kit.chance(0.7) else kit.painted(0.1)
                parts.append(panel(hole.wide + 0.3, 0.45, sign, True).placed((hole.x, 2.5, 0.12)))
            if kit.chance(0.4):
                awning = box((0, 0, 0.5), (hole.wide + 0.3, 0.02, 1.1), kit.cloth(0.3))
                parts.append(awning.placed((hole.x, 2.75, 0.05), 0, 1, 0.45))
        elif surround:
            parts.append(box((hole.x, hole.high + 0.1, 0.02), (hole.wide + 0.3, 0.18, 0.12), trim, 0.01))
        if panes and kind == "window" and hole.low > 1 and kit.chance(0.9):
            for side in (-1, 1):
                parts.append(
                    box(
                        (hole.x + side * (hole.wide * 0.77), hole.low + tall / 2, 0.03),
                        (hole.wide * 0.5, tall, 0.04),
                        trim,
                        0.006,
                    )
                )
    pipe_x = wide / 2 - 0.15
    parts.append(
        tube(
            [(pipe_x, 0, 0.08), (pipe_x, high / 2, 0.08), (pipe_x, high, 0.08)],
            0.045,
            dark if kit.chance(0.5) else trim,
        )
    )
    return join(parts)


def car(kit: Kit) -> Piece:
    """A parked car or van along x."""
    van = kit.chance(0.25)
    long, wide, high = (
        kit.between(3.7, 4.7),
        kit.between(1.65, 1.85),
        kit.between(1.8, 2.3) if van else kit.between(1.38, 1.65),
    )
    paint = kit.add(Material(kit.colour(0.6), kit.colour(0.6), "plain", 1.0, kit.between(0.6, 1.2), 120.0))
    black, metal = kit.black(), kit.metal()
    glass = kit.add(Material((0.02, 0.022, 0.025), (0.03, 0.03, 0.03), "plain", 1.0, 1.2, 200.0))
    h, waist = long / 2, 0.5 * high + 0.12
    nose = h * (0.75 if van else 0.42)
    tail = -h + (0.02 if van or kit.chance(0.4) else 0.5)
    body = [
        (-h, 0.35),
        (-h + 0.1, 0.22),
        (h - 0.1, 0.22),
        (h, 0.4),
        (h - 0.06, waist - 0.12),
        (nose, waist),
        (-h + 0.03, waist),
    ]
    roof = [
        (tail, waist),
        (nose, waist),
        (nose - 0.55, high - 0.06),
        (nose - 0.8, high),
        (tail + 0.3, high),
        (tail + 0.12, high - 0.08),
    ]
    side = [
        (tail + 0.2, waist + 0.03),
        (nose - 0.12, waist + 0.03),
        (nose - 0.62, high - 0.1),
        (tail + 0.3, high - 0.1),
    ]
    parts = [prism(body, wide, paint), prism(roof, wide - 0.22, paint), prism(side, wide - 0.2, glass)]
    parts.append(
        box((nose - 0.28, (waist + high) / 2, 0), (0.05, high - waist - 0.1, wide - 0.35), glass).placed((0, 0, 0))
    )
    parts.append(boxes([(0.1, waist - 0.12, s * wide / 2) for s in (-1, 1)], [(0.16, 0.03, 0.03)], metal))
    parts.append(
        boxes(
            [(x, (waist + high) / 2, s * (wide / 2 - 0.1)) for x in (0.0, tail + 0.9) for s in (-1, 1)],
            [(0.06, high - waist, 0.02)],
            paint,
        )
    )
    for x in (-h + 0.75, h - 0.8):
        for s in (-1, 1):
            tyre = lathe(
                [(0, -0.1), (0.2, -0.1), (0.31, -0.09), (0.32, 0), (0.31, 0.09), (0.2, 0.1), (0, 0.1)], black, 22
            )
            rim = lathe([(0, 0.1), (0.08, 0.115), (0.2, 0.105)], metal, 14)
            parts.append(join([tyre, rim]).placed((x, 0.32, s * (wide / 2 - 0.08)), 0, 1, s * np.pi / 2))
    lights = kit.add(Material((0.8, 0.8, 0.78), (0.6, 0.6, 0.6), "stripes", 4.0, 1.0, 100.0))
    red = kit.add(Material((0.35, 0.01, 0.01), (0.2, 0.0, 0.0), "plain", 1.0, 0.9, 80.0))
    parts.append(boxes([(h - 0.05, waist - 0.28, s * wide * 0.37) for s in (-1, 1)], [(0.08, 0.15, 0.3)], lights, 0.03))
    parts.append(boxes([(-h + 0.03, waist - 0.2, s * wide * 0.4) for s in (-1, 1)], [(0.06, 0.24, 0.18)], red, 0.02))
    parts.append(boxes([(s * (h + 0.005), 0.45, 0) for s in (-1, 1)], [(0.02, 0.12, 0.5)], kit.painted(0.9)))
    return join(parts)


def street_lamp(kit: Kit) -> Piece:
    """A lamp post, straight or bent."""
    high, metal = kit.between(2.8, 5.5), kit.metal() if kit.chance(0.5) else kit.painted(0.1)
    parts = [lathe([(0.13, 0), (0.13, 0.4), (0.07, 0.5), (0.055, high)], metal, 16)]
    if kit.chance(0.5):
        parts.append(
            lathe([(0.05, 0), (0.16, 0.05), (0.2, 0.4), (0.24, 0.42), (0.02, 0.6)], kit.glowing(0.3, 0.3), 8).placed(
                (0, high, 0)
            )
        )
    else:
        parts.append(tube([(0, high, 0), (0, high + 0.3, 0.3), (0, high + 0.35, 1.0)], 0.05, metal))
        parts.append(cushion((0.25, 0.12, 0.6), metal, 0.5).placed((0, high + 0.33, 1.1)))
    return join(parts)


def street_thing(kit: Kit) -> Piece:
    """Post boxes, bins, bollards, signs, benches, tables, tubs."""
    kind = kit.pick("post", "post", "bin", "sign", "bench", "tub", "tables", "heap", "cabinet", "hydrant")
    if kind == "post":
        return rounded_post(kit)
    if kind == "bin":
        paint, high = kit.painted(0.1), kit.between(0.8, 1.2)
        lid = cushion((0.62, 0.12, 0.72), paint, 0.4).placed((0, high, 0))
        return join([box((0, high / 2, 0), (0.56, high, 0.66), paint, 0.03), lid])
    if kind == "sign":
        high, metal = kit.between(1.9, 2.6), kit.metal()
        plate = (
            panel(0.6, 0.6, kit.picture("poster"), True)
            if kit.chance(0.5)
            else cylinder(0.3, 0.01, kit.painted(0.2), 28).placed((0, 0.3, 0), 0, 1, np.pi / 2)
        )
        return join(
            [tube([(0, 0, 0), (0, high / 2, 0), (0, high, 0)], 0.03, metal), plate.placed((0, high - 0.65, 0.035))]
        )
    if kind == "bench":
        wood, metal = kit.wood(), kit.metal()
        slats = boxes([(0, 0.45, z) for z in np.linspace(0.05, 0.45, 5)], [(1.6, 0.03, 0.07)], wood)
        back = boxes([(0, y, 0.0) for y in (0.6, 0.72, 0.84)], [(1.6, 0.08, 0.03)], wood)
        return join([slats, back, boxes([(s * 0.65, 0.43, 0.22) for s in (-1, 1)], [(0.06, 0.86, 0.45)], metal)])
    if kind == "tub":
        tub = lathe(
            [(0, 0), (0.3, 0), (0.36, 0.5), (0.38, 0.52), (0.3, 0.5), (0, 0.48)],
            kit.stone() if kit.chance(0.5) else kit.wood(),
            24,
        )
        size = kit.between(0.6, 1.3)
        return join([tub, bush(kit, (size * 0.8, size, size * 0.8), 700, 0.1).placed((0, 0.4 + size / 2, 0))])
    if kind == "tables":
        seats = [
            furniture.chair(kit).placed((0, 0, 0.65), np.pi).placed((0, 0, 0), a) for a in kit.rng.uniform(0, 6.3, 2)
        ]
        return join([furniture.table(kit).placed((0, 0, -0.3)), *seats])
    if kind == "cabinet":
        return box((0, 0.6, 0), (0.8, 1.2, 0.4), kit.painted(0.2), 0.02)
    if kind == "hydrant":
        paint = kit.painted(0.0)
        arms = tube([(-0.2, 0.5, 0), (0, 0.5, 0), (0.2, 0.5, 0)], 0.06, paint)
        return join(
            [
                lathe([(0.18, 0), (0.18, 0.05), (0.12, 0.07), (0.12, 0.6), (0.15, 0.62), (0.1, 0.75), (0, 0.8)], paint),
                arms,
            ]
        )
    return draw_heap_thing(kit)
