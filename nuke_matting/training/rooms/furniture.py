"""Furniture: each function makes one piece, its back at z = 0 and its front towards +z, standing on the origin."""

from __future__ import annotations

import numpy as np

from nuke_matting.training.rooms.kit import Kit
from nuke_matting.training.rooms.mesh import Piece, box, boxes, cushion, cylinder, join, lathe, panel, tube
from nuke_matting.training.rooms.small import books_row, draw_small


def table(kit: Kit, laid: bool = True) -> Piece:
    """A table or desk, round or not, with things on it."""
    height, wide, deep = kit.between(0.42, 0.78), kit.between(0.7, 2.0), kit.between(0.5, 0.95)
    wood = kit.wood()
    if kit.chance(0.3):
        wide = deep = kit.between(0.6, 1.2)
        column = lathe(
            [(0.22, 0), (0.2, 0.03), (0.05, 0.1), (0.035, height * 0.5), (0.05, height * 0.7), (0.03, height - 0.03)],
            wood,
        )
        parts = [
            cylinder(wide / 2, 0.03, wood, 28).placed((0, height - 0.03, deep / 2)),
            column.placed((0, 0, deep / 2)),
        ]
    else:
        leg, inset = kit.between(0.03, 0.08), kit.between(0.02, 0.12)
        x, z = wide / 2 - inset, deep / 2 - inset
        legs = [(a * x, height / 2 - 0.02, deep / 2 + b * z) for a in (-1, 1) for b in (-1, 1)]
        parts = [
            box((0, height - 0.018, deep / 2), (wide, 0.035, deep), wood, 0.006),
            boxes(legs, [(leg, height - 0.03, leg)], wood, 0.006),
            box((0, height - 0.08, deep / 2), (2 * x, 0.08, 2 * z), wood),
        ]
        if kit.chance(0.3):  # a cloth
            hang = kit.between(0.1, height - 0.05)
            cloth = kit.cloth(0.3)
            parts.append(box((0, height - hang / 2 + 0.006, deep / 2), (wide + 0.03, hang, deep + 0.03), cloth, 0.02))
    if laid:
        for _ in range(int(kit.rng.integers(1, 9))):
            spot = kit.between(-0.4, 0.4) * wide, height + 0.008, deep * kit.between(0.15, 0.85)
            parts.append(draw_small(kit).placed(spot, kit.between(-3, 3)))
    return join(parts)


def chair(kit: Kit) -> Piece:
    """A kitchen, office or dining chair."""
    seat, wide, deep = kit.between(0.42, 0.5), kit.between(0.38, 0.5), kit.between(0.38, 0.48)
    frame = kit.metal() if kit.chance(0.25) else kit.wood()
    top = seat + kit.between(0.35, 0.65)
    leg = kit.between(0.018, 0.045)
    x, z = wide / 2 - leg / 2, deep - leg
    parts = []
    if kit.chance(0.2):  # on castors
        parts.append(tube([(0, 0.08, deep / 2), (0, seat, deep / 2)], 0.03, frame))
        for a in np.arange(5) * 2 * np.pi / 5:
            end = (0.27 * np.cos(a), 0.05, deep / 2 + 0.27 * np.sin(a))
            parts.append(tube([(0, 0.1, deep / 2), end], 0.018, frame, 6))
            parts.append(cushion((0.06, 0.06, 0.05), kit.black(), 0.8, 6).placed((end[0], 0.03, end[2])))
    else:
        parts.append(boxes([(a * x, seat / 2, b) for a in (-1, 1) for b in (leg, z)], [(leg, seat, leg)], frame))
    if kit.chance(0.5):
        cover = kit.leather() if kit.chance(0.3) else kit.cloth()
        parts.append(cushion((wide, 0.08, deep), cover, 0.3).placed((0, seat, deep / 2)))
    else:
        cover = frame
        parts.append(box((0, seat, deep / 2), (wide, 0.03, deep), frame, 0.01))
    kind = kit.pick("slats", "rails", "pad", "board")
    lean = -kit.between(0.03, 0.2)
    rise = top - seat
    back = []
    if kind == "pad":
        back.append(cushion((wide * 0.95, rise * 0.8, 0.07), cover, 0.35).placed((0, rise * 0.6, 0)))
    elif kind == "board":
        back.append(box((0, rise * 0.55, 0), (wide, rise * 0.9, 0.02), frame, 0.01))
    else:
        count = int(kit.rng.integers(3, 7))
        if kind == "slats":
            back.append(
                boxes([(s * wide * 0.4, rise / 2, 0) for s in np.linspace(-1, 1, count)], [(0.025, rise, 0.014)], frame)
            )
        else:
            back.append(boxes([(0, rise * s, 0) for s in np.linspace(0.35, 0.9, 3)], [(wide, 0.05, 0.016)], frame))
        back.append(box((0, rise, 0), (wide, 0.07, 0.025), frame, 0.01))
    back.append(boxes([(a * x, rise / 2, 0) for a in (-1, 1)], [(leg, rise, leg)], frame))
    parts.append(join(back).placed((0, seat, leg), 0, 1, lean))
    if kit.chance(0.25):  # arms
        for a in (-1, 1):
            parts.append(box((a * x, seat + 0.22, deep * 0.45), (0.045, 0.03, deep * 0.9), frame, 0.008))
            parts.append(box((a * x, seat + 0.1, deep * 0.8), (0.03, 0.24, 0.03), frame))
    return join(parts)


def sofa(kit: Kit) -> Piece:
    """An armchair or sofa with cushions."""
    seats = int(kit.rng.choice([1, 1, 2, 3]))
    one, deep, seat = kit.between(0.55, 0.7), kit.between(0.75, 0.95), kit.between(0.36, 0.45)
    wide, arm, high = seats * one, kit.between(0.1, 0.24), kit.between(0.7, 1.05)
    cover = kit.leather() if kit.chance(0.3) else kit.cloth(0.6)
    round_ = kit.between(0.15, 0.4)
    parts = [
        cushion((wide + 2 * arm, seat - 0.12, deep), cover, 0.12).placed((0, seat / 2, deep / 2)),
        cushion((wide + 2 * arm, high - 0.1, 0.24), cover, round_).placed((0, high / 2 + 0.04, 0.12), 0, 1, -0.1),
    ]
    for side in (-1, 1):
        rise = seat + kit.between(0.12, 0.26)
        parts.append(
            cushion((arm, rise, deep), cover, round_).placed((side * (wide + arm) / 2, rise / 2 + 0.03, deep / 2))
        )
    for k in range(seats):
        x = (k - (seats - 1) / 2) * one
        parts.append(cushion((one * 0.98, 0.18, deep * 0.75), cover, 0.3).placed((x, seat, deep * 0.58)))
        parts.append(
            cushion((one * 0.95, high - seat, 0.2), cover, 0.4).placed((x, (high + seat) / 2 + 0.02, 0.3), 0, 1, -0.2)
        )
        if kit.chance(0.5):
            pad = cushion((0.4, 0.4, 0.14), kit.cloth(0.2), 0.6)
            parts.append(
                pad.placed((x + kit.between(-0.15, 0.15), seat + 0.28, 0.48), kit.between(-0.4, 0.4), 1, -0.35)
            )
    if kit.chance(0.25):  # a throw
        parts.append(
            cushion((0.5, high * 0.6, 0.3), kit.cloth(0.2), 0.2).placed(
                (kit.between(-0.3, 0.3) * wide, high * 0.75, 0.14)
            )
        )
    legs = [(a * wide / 2, 0.05, b) for a in (-1, 1) for b in (0.08, deep - 0.08)]
    parts.append(boxes(legs, [(0.05, 0.1, 0.05)], kit.wood()))
    return join(parts)


def shelves(kit: Kit) -> Piece:
    """Shelves full of books and things."""
    wide, high, deep = kit.between(0.5, 1.8), kit.between(0.7, 2.3), kit.between(0.22, 0.4)
    wood = kit.wood()
    board = kit.between(0.015, 0.035)
    parts = [boxes([(a * (wide - board) / 2, high / 2, deep / 2) for a in (-1, 1)], [(board, high, deep)], wood)]
    if kit.chance(0.7):
        parts.append(box((0, high / 2, 0.006), (wide, high, 0.012), wood))
    columns = max(1, round(wide / kit.between(0.5, 0.95)))
    rows = max(2, round(high / kit.between(0.27, 0.42)))
    cell = wide / columns
    levels = np.linspace(0.06, high - board, rows + 1)
    parts.append(boxes([(0, y, deep / 2) for y in levels], [(wide, board, deep)], wood))
    if columns > 1:
        walls = [((k + 1) * cell - wide / 2, high / 2, deep / 2) for k in range(columns - 1)]
        parts.append(boxes(walls, [(board, high, deep * 0.98)], wood))
    for row in range(rows):
        rise = float(levels[row + 1] - levels[row]) - board - 0.02
        for column in range(columns):
            left, floor = column * cell - wide / 2 + 0.03, float(levels[row]) + board / 2
            if kit.chance(0.62):
                parts.append(books_row(kit, cell - 0.06, rise, deep * 0.8).placed((left, floor, 0.02)))
            else:
                for _ in range(int(kit.rng.integers(0, 4))):
                    spot = left + kit.between(0.08, max(cell - 0.14, 0.09)), floor, deep * kit.between(0.4, 0.7)
                    parts.append(draw_small(kit, rise).placed(spot, kit.between(-1, 1)))
    if kit.chance(0.6):
        for _ in range(int(kit.rng.integers(1, 4))):
            parts.append(draw_small(kit).placed((kit.between(-0.4, 0.4) * wide, high, deep / 2), kit.between(-1, 1)))
    return join(parts)


def cupboard(kit: Kit) -> Piece:
    """A wardrobe, sideboard, chest of drawers, fridge or locker."""
    wide = kit.between(0.45, 1.7)
    high = kit.between(1.6, 2.25) if kit.chance(0.5) else kit.between(0.6, 1.1)
    deep, wood, knob = kit.between(0.35, 0.62), kit.wood() if kit.chance(0.7) else kit.painted(), kit.metal()
    base = kit.between(0.03, 0.12)
    parts = [
        box((0, (high + base) / 2, deep / 2), (wide, high - base, deep), wood, kit.between(0.004, 0.03)),
        box((0, base / 2, deep / 2 - 0.02), (wide - 0.06, base, deep - 0.06), wood),
        box((0, high, deep / 2), (wide + 0.04, 0.03, deep + 0.03), wood, 0.01),
    ]
    columns = max(1, round(wide / kit.between(0.4, 0.6)))
    rows = 1 if high > 1.3 or kit.chance(0.4) else int(kit.rng.integers(2, 5))
    cell, rise = wide / columns, (high - base - 0.05) / rows
    for row in range(rows):
        for column in range(columns):
            x, y = (column + 0.5) * cell - wide / 2, base + 0.02 + (row + 0.5) * rise
            parts.append(box((x, y, deep + 0.008), (cell - 0.012, rise - 0.012, 0.018), wood, 0.005))
            if rise > 0.5 and kit.chance(0.6):
                parts.append(box((x, y, deep + 0.018), (cell - 0.16, rise - 0.16, 0.014), wood, 0.012))
            away = 0.0 if rows > 1 else (cell / 2 - 0.05) * (1 if column % 2 == 0 else -1)
            parts.append(cushion((0.03, 0.03, 0.04), knob, 0.9, 6).placed((x + away, y, deep + 0.035)))
    if kit.chance(0.7):
        for _ in range(int(kit.rng.integers(1, 5))):
            parts.append(
                draw_small(kit).placed(
                    (kit.between(-0.42, 0.42) * wide, high + 0.015, deep * kit.between(0.3, 0.7)), kit.between(-1, 1)
                )
            )
    return join(parts)


def bed(kit: Kit) -> Piece:
    """A bed, its head at the wall."""
    wide, wood, high = kit.between(0.9, 1.7), kit.wood(), kit.between(0.3, 0.5)
    cover, linen = kit.cloth(0.3), kit.painted(0.8)
    parts = [
        box((0, kit.between(0.4, 0.6), 0.03), (wide, kit.between(0.8, 1.2), 0.05), wood, 0.02),
        box((0, high - 0.12, 1.05), (wide, 0.2, 2.0), wood, 0.02),
        cushion((wide - 0.04, 0.24, 1.95), linen, 0.15).placed((0, high + 0.05, 1.05)),
        cushion((wide + 0.1, 0.26, 1.45), cover, 0.2).placed((0, high + 0.07, 1.38)),
    ]
    for k in range(1 if wide < 1.2 else 2):
        x = 0.0 if wide < 1.2 else (k - 0.5) * wide * 0.48
        parts.append(
            cushion((0.6, 0.18, 0.42), linen, 0.6).placed((x, high + 0.24, 0.33), kit.between(-0.2, 0.2), 1, -0.4)
        )
    return join(parts)


def floor_lamp(kit: Kit) -> tuple[Piece, tuple[float, float, float]]:
    """A standard lamp, and where its bulb is."""
    high, metal = kit.between(1.3, 1.8), kit.metal()
    shade = kit.glowing(kit.between(0.3, 1.4), kit.between(0, 1)) if kit.chance(0.6) else kit.cloth(0.8, thin=0.4)
    low, top, rise = kit.between(0.14, 0.28), kit.between(0.07, 0.2), kit.between(0.18, 0.34)
    parts = [
        cylinder(kit.between(0.11, 0.17), 0.025, metal),
        tube([(0, 0, 0), (0, high / 2, 0), (0, high, 0)], 0.012, metal),
        lathe([(low, high - rise), (top, high)], shade, 28),
    ]
    return join(parts).placed((0, 0, 0.2)), (0.0, high - rise / 2, 0.2)


def stool(kit: Kit) -> Piece:
    """A stool or pouffe."""
    if kit.chance(0.4):
        return cushion((0.5, 0.42, 0.5), kit.cloth(0.4), 0.4).placed((0, 0.2, 0.25))
    high, wood = kit.between(0.42, 0.75), kit.wood()
    parts = [cylinder(0.17, 0.03, wood).placed((0, high - 0.03, 0.2))]
    for a in np.arange(4) * np.pi / 2 + 0.6:
        parts.append(
            tube(
                [
                    (0.11 * np.cos(a), high - 0.03, 0.2 + 0.11 * np.sin(a)),
                    (0.18 * np.cos(a), 0, 0.2 + 0.18 * np.sin(a)),
                ],
                0.014,
                wood,
            )
        )
    return join(parts)


def screen_desk(kit: Kit) -> Piece:
    """A desk with a screen or two."""
    wide, deep, high, wood = kit.between(1.1, 1.8), kit.between(0.6, 0.8), 0.74, kit.wood()
    parts = [
        box((0, high - 0.015, deep / 2), (wide, 0.03, deep), wood),
        boxes([(a * (wide / 2 - 0.03), high / 2, deep / 2) for a in (-1, 1)], [(0.04, high, deep - 0.05)], wood),
    ]
    dark = kit.black()
    for k in range(int(kit.rng.integers(1, 3))):
        x, shown = (
            (k - 0.4) * 0.6 + kit.between(-0.05, 0.05),
            kit.picture(kit.pick("screen", "view"), 0.4, kit.between(0, 1.0)),
        )
        one = [
            box((0, 0.34, 0), (0.58, 0.36, 0.03), dark),
            panel(0.55, 0.33, shown, fitted=True).placed((0, 0.175, 0.0165)),
            box((0, 0.09, -0.03), (0.05, 0.18, 0.03), dark),
            box((0, 0.01, 0), (0.24, 0.015, 0.18), dark),
        ]
        parts.append(join(one).placed((x, high, 0.25), kit.between(-0.3, 0.3)))
    parts.append(box((0, high + 0.012, deep - 0.2), (0.42, 0.02, 0.14), dark))
    for _ in range(int(kit.rng.integers(2, 8))):
        parts.append(
            draw_small(kit, 0.3).placed(
                (kit.between(-0.45, 0.45) * wide, high, deep * kit.between(0.2, 0.9)), kit.between(-2, 2)
            )
        )
    return join(parts)


def piano(kit: Kit) -> Piece:
    """An upright piano."""
    wood, white, black = kit.wood(), kit.painted(1.0), kit.black()
    parts = [
        box((0, 0.62, 0.2), (1.45, 1.24, 0.36), wood, 0.01), box((0, 0.66, 0.45), (1.45, 0.1, 0.3), wood, 0.01),
        box((0, 0.72, 0.5), (1.3, 0.02, 0.15), white, 0.003), box((0, 0.95, 0.385), (1.2, 0.3, 0.02), wood),
        boxes([(a * 0.68, 0.32, 0.52) for a in (-1, 1)], [(0.07, 0.62, 0.08)], wood, 0.01),
        boxes([(k * 0.05 - 0.62, 0.736, 0.47) for k in range(25) if k % 7 not in (2, 6)], [(0.02, 0.015, 0.09)], black),
    ]  # fmt: skip
    for _ in range(3):
        parts.append(draw_small(kit).placed((kit.between(-0.6, 0.6), 1.24, 0.2)))
    return join(parts)
