"""Rooms and corridors: walls with doors and windows, furniture along them and in the middle, lamps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.rooms import furniture
from nuke_matting.training.rooms.building import (
    Opening,
    curtains,
    door,
    drape,
    floor_cover,
    hung_picture,
    radiator,
    stairs,
    wall,
    wall_cover,
    window,
)
from nuke_matting.training.rooms.figures import Figures, coat_hooks, draw_figure
from nuke_matting.training.rooms.flags import flag
from nuke_matting.training.rooms.kit import Kit
from nuke_matting.training.rooms.mesh import Piece, box, boxes, cushion, join, lathe, tube
from nuke_matting.training.rooms.place import Place
from nuke_matting.training.rooms.plants import potted
from nuke_matting.training.rooms.render import Lamp
from nuke_matting.training.rooms.small import draw_heap_thing
from nuke_matting.training.rooms.surfaces import Material

_ALONG: tuple[tuple[Callable[[Kit], Piece], float], ...] = (  # what stands at a wall, and how often
    (furniture.shelves, 4), (furniture.cupboard, 4), (furniture.table, 2), (furniture.sofa, 2.5), (furniture.chair, 2),
    (furniture.screen_desk, 1.5), (furniture.bed, 0.7), (furniture.piano, 0.4), (furniture.stool, 0.7), (radiator, 1),
    (stairs, 0.25), (potted, 1.6), (draw_heap_thing, 1.0), (flag, 1.5),
)  # fmt: skip
_MIDDLE: tuple[tuple[Callable[[Kit], Piece], float], ...] = (
    (furniture.table, 3), (furniture.chair, 4), (furniture.sofa, 2), (furniture.stool, 1), (potted, 1),
    (draw_heap_thing, 1), (furniture.shelves, 0.4), (flag, 0.7),
)  # fmt: skip


def _draw(kit: Kit, kinds: tuple[tuple[Callable[[Kit], Piece], float], ...]) -> Piece:
    chance = np.array([share for _, share in kinds])
    return kinds[int(kit.rng.choice(len(kinds), p=chance / chance.sum()))][0](kit)


def make_room(kit: Kit, figures: Figures, corridor: bool = False) -> Place:
    """A furnished room about the origin, its floor y = 0; or a corridor along z."""
    rng = kit.rng
    wide, deep, high = 2.6 + 4.5 * rng.random() ** 1.5, 2.8 + 5 * rng.random() ** 1.5, rng.uniform(2.35, 3.5)
    if corridor:
        wide, deep = rng.uniform(1.5, 3.0), rng.uniform(7, 18)
    place = Place(
        np.array([-wide / 2 + 0.25, 0.4, -deep / 2 + 0.25]),
        np.array([wide / 2 - 0.25, high - 0.3, deep / 2 - 0.25]),
        sealed=True,
    )
    _floor_and_ceiling(kit, place, wide, deep, high)
    cover = wall_cover(kit)
    skirting, rail = kit.painted(0.6) if kit.chance(0.6) else kit.wood(), kit.between(0.05, 0.18)
    dado = (kit.between(0.8, 1.3), wall_cover(kit)) if kit.chance(0.25) else None
    lit = int(rng.integers(4))  # the wall that surely has windows
    for side in range(4):
        length = wide if side % 2 == 0 else deep
        turn = side * np.pi / 2
        at = np.array([[0, 0, -deep / 2], [-wide / 2, 0, 0], [0, 0, deep / 2], [wide / 2, 0, 0]][side])
        own = cover if kit.chance(0.8) else wall_cover(kit)
        _wall(kit, figures, place, length, high, at, turn, own, skirting, rail, dado, side == lit, corridor)
    count = 0 if corridor else int(rng.integers(1, 3))
    for _ in range(count):
        if kit.chance(0.75):
            _stand(kit, place, draw_figure(kit, figures), wide, deep, worth=True)
    if corridor and kit.chance(0.6):
        _stand(kit, place, draw_figure(kit, figures), wide, deep, worth=True)
    for _ in range(int(rng.integers(2, 9)) if not corridor else int(rng.integers(0, 4))):
        _stand(kit, place, _draw(kit, _MIDDLE), wide * 0.8, deep * 0.8, worth=kit.chance(0.5))
    if kit.chance(0.5):
        lamp, bulb = furniture.floor_lamp(kit)
        x, z = kit.between(-0.45, 0.45) * wide, kit.between(-0.45, 0.45) * deep
        if place.put(lamp.placed((x, 0, z))) and kit.chance(0.6):
            place.lamps.append(Lamp((x, bulb[1], z + bulb[2]), _warm(kit, kit.between(0.2, 0.9)), 0.15))
    _ceiling_lamps(kit, place, wide, deep, high)
    return place


def _floor_and_ceiling(kit: Kit, place: Place, wide: float, deep: float, high: float) -> None:
    place.add(box((0, -0.1, 0), (wide + 0.4, 0.2, deep + 0.4), floor_cover(kit), 0.001))
    light = kit.between(0.5, 0.85)
    ceiling = kit.add(
        Material((light, light, light * 0.97), (light * 0.85,) * 3, kit.pick("paint", "plain", "plaster", "tiles"), 0.8)
    )
    place.add(box((0, high + 0.1, 0), (wide + 0.4, 0.2, deep + 0.4), ceiling, 0.001))
    if kit.chance(0.2):
        z = np.arange(-deep / 2 + 0.5, deep / 2, kit.between(0.7, 1.4))
        place.add(boxes([(0, high - 0.07, each) for each in z], [(wide, 0.16, 0.14)], kit.wood(), 0.01))
    if kit.chance(0.45):
        size = kit.between(0.4, 0.75) * wide, 0.012, kit.between(0.4, 0.7) * min(deep, 4.5)
        rug = kit.add(
            Material(
                kit.colour(0.1),
                kit.colour(0.2),
                kit.pick("rug", "rug", "floral", "stripes", "geometric"),
                1 / size[2],
                0.0,
            )
        )
        place.add(
            box(
                (kit.between(-0.1, 0.1) * wide, 0.006, kit.between(-0.1, 0.1) * deep),
                size,
                rug,
                0.003,
                kit.between(-0.2, 0.2),
            )
        )


def _wall(
    kit: Kit, figures: Figures, place: Place, length: float, high: float, at: NDArray, turn: float, cover: int,
    skirting: int, rail: float, dado: tuple[float, int] | None, lit: bool, corridor: bool,
) -> None:  # fmt: skip
    """One wall with its openings and what stands and hangs along it."""
    rng = kit.rng
    holes: list[tuple[Opening, str]] = []
    at_x = -length / 2 + rng.uniform(0.3, 0.9)
    while at_x < length / 2 - 0.8:
        kind = str(rng.choice(["door", "window", "none"], p=[0.2, 0.6, 0.2] if lit else [0.3, 0.08, 0.62]))
        if corridor:
            kind = str(rng.choice(["door", "window", "none"], p=[0.2, 0.6, 0.2] if lit else [0.55, 0.02, 0.43]))
        if kind == "door":
            one = Opening(at_x + 0.45, rng.uniform(0.75, 0.95), 0.0, min(high - 0.15, rng.uniform(1.95, 2.25)))
        elif kind == "window":
            one = Opening(0.0, rng.uniform(0.8, 2.2), rng.uniform(0.3, 1.0), min(high - 0.2, rng.uniform(1.9, 2.6)))
            one = Opening(at_x + one.wide / 2, one.wide, one.low, one.high)
        else:
            at_x += rng.uniform(0.8, 2.0)
            continue
        if one.x + one.wide / 2 > length / 2 - 0.2:
            break
        holes.append((one, kind))
        at_x = one.x + one.wide / 2 + rng.uniform(0.25, 1.6)
    place.add(wall(length, high, [hole for hole, _ in holes], cover).placed(at, turn))
    edges = [
        -length / 2,
        *[
            e
            for hole, kind in holes
            if kind == "door"
            for e in (hole.x - hole.wide / 2 - 0.1, hole.x + hole.wide / 2 + 0.1)
        ],
        length / 2,
    ]
    for left, right in zip(edges[::2], edges[1::2], strict=True):
        if right - left > 0.05:
            middle = (left + right) / 2
            place.add(box((middle, rail / 2, 0.008), (right - left, rail, 0.018), skirting, 0.005).placed(at, turn))
            if dado and not any(
                kind == "window" and left < hole.x < right and hole.low < dado[0] for hole, kind in holes
            ):
                level, material = dado
                place.add(
                    box((middle, level / 2, 0.004), (right - left, level, 0.006), material, 0.001).placed(at, turn)
                )
                place.add(box((middle, level, 0.012), (right - left, 0.05, 0.03), skirting, 0.008).placed(at, turn))
    for hole, kind in holes:
        if kind == "door":
            place.add(door(kit, hole.wide, hole.high).placed(_at(at, turn, hole.x, 0, 0), turn))
            low, high_corner = (
                _at(at, turn, hole.x - hole.wide / 2, 0, 0),
                _at(at, turn, hole.x + hole.wide / 2, hole.high, 0.5),
            )
            place.taken.append((np.minimum(low, high_corner), np.maximum(low, high_corner)))
            place.focus.append(_at(at, turn, hole.x, 1.2, 0))
        else:
            place.add(window(kit, hole.wide, hole.high - hole.low).placed(_at(at, turn, hole.x, hole.low, 0), turn))
            low, high_corner = (
                _at(at, turn, hole.x - hole.wide / 2, hole.low, 0),
                _at(at, turn, hole.x + hole.wide / 2, hole.high, 0.3),
            )
            place.taken.append((np.minimum(low, high_corner), np.maximum(low, high_corner)))
            inside = _at(at, turn, hole.x, (hole.low + hole.high) / 2, 0.15)
            area = hole.wide * (hole.high - hole.low)
            place.lamps.append(Lamp(tuple(map(float, inside)), (0.5 * area, 0.55 * area, 0.62 * area), 0.8))
            if kit.chance(0.5):
                hung = curtains(kit, hole.wide, hole.low, hole.high)
                place.add(hung.placed(_at(at, turn, hole.x, 0, 0), turn))
                if kit.chance(0.3):
                    place.focus.append(_at(at, turn, hole.x, 1.3, 0))
    if kit.chance(0.06):
        place.add(drape(kit, length * 0.6, high - 0.1, kit.cloth(0.7)).placed(_at(at, turn, 0, 0, 0.1), turn))
    _along(kit, figures, place, length, high, at, turn, corridor)


def _along(
    kit: Kit, figures: Figures, place: Place, length: float, high: float, at: NDArray, turn: float, corridor: bool
) -> None:
    """Fills a wall from left to right, then hangs pictures where it is free."""
    rng = kit.rng
    at_x = -length / 2 + 0.1
    while at_x < length / 2 - 0.3:
        if rng.random() < (0.6 if corridor else 0.16):
            at_x += rng.uniform(0.3, 1.2)
            continue
        if rng.random() < 0.07:
            piece = coat_hooks(kit, figures)
        elif rng.random() < 0.11:
            piece = draw_figure(kit, figures).placed((0, 0, 0.4), rng.normal(0, 0.5))
        elif corridor:
            piece = _draw(
                kit, ((furniture.chair, 2), (furniture.cupboard, 1), (radiator, 2), (potted, 1), (draw_heap_thing, 1))
            )
        else:
            piece = _draw(kit, _ALONG)
        used = piece.vertices[piece.triangles.reshape(-1), :3]
        low, top = used.min(axis=0), used.max(axis=0)
        wide = float(top[0] - low[0])
        if at_x + wide < length / 2:
            x = at_x - float(low[0])
            placed = piece.placed(_at(at, turn, x, 0, 0.03 - min(0.0, float(low[2]))), turn)
            place.put(placed, 0.02, worth=kit.chance(0.4))
        at_x += wide + rng.uniform(0.02, 0.6)
    for _ in range(int(rng.integers(0, 7))):
        picture = hung_picture(kit)
        x, y = rng.uniform(-0.45, 0.45) * length, rng.uniform(1.3, max(1.35, high - 0.7))
        place.put(picture.placed(_at(at, turn, x, y, 0.0), turn), 0.03, worth=kit.chance(0.25))
    if kit.chance(0.2):
        shelf = join(
            [
                box((0, 0, 0.1), (1.1, 0.025, 0.2), kit.wood()),
                furniture.books_row(kit, 1.0, 0.28, 0.18).placed((-0.5, 0.014, 0.0)),
            ]
        )
        place.put(shelf.placed(_at(at, turn, rng.uniform(-0.4, 0.4) * length, rng.uniform(1.3, 2.0), 0), turn))


def _at(at: NDArray, turn: float, x: float, y: float, z: float) -> NDArray[np.float64]:
    """A wall's own place in the room."""
    c, s = np.cos(turn), np.sin(turn)
    return np.asarray(at, np.float64) + np.array([x * c + z * s, y, z * c - x * s])


def _stand(kit: Kit, place: Place, piece: Piece, wide: float, deep: float, worth: bool) -> None:
    for _ in range(4):
        at = kit.between(-0.42, 0.42) * wide, 0.0, kit.between(-0.42, 0.42) * deep
        turn = float(kit.rng.integers(4)) * np.pi / 2 + float(kit.rng.normal(0, 0.3))
        if place.put(piece.placed(at, turn), 0.05, worth):
            return


def _warm(kit: Kit, strength: float) -> tuple[float, float, float]:
    warm = kit.between(0, 1)
    return strength, strength * (0.95 - 0.25 * warm), strength * (0.9 - 0.5 * warm)


def _ceiling_lamps(kit: Kit, place: Place, wide: float, deep: float, high: float) -> None:
    """Lamps that hang or lie in the ceiling; the first is the one with shadows. They may be off."""
    on = kit.chance(0.65)
    strength = kit.between(0.6, 3.0) * (wide * deep / 20) ** 0.5 if on else 0.05
    kind = kit.pick("shade", "ball", "panel", "bulb", "tube", "chandelier")
    spots = [(0.0, 0.0)]
    if kind in ("panel", "tube") or deep > 7:
        spots = [(0.0, z) for z in np.arange(-deep / 2 + 1.2, deep / 2 - 0.6, 2.4)]
        spots.sort(key=lambda spot: abs(spot[1]))
    colour = _warm(kit, strength)
    glow = kit.glowing(3.0 if on else 0.1, kit.between(0, 0.8))
    front = []
    for x, z in spots:
        drop = 0.06 if kind in ("panel", "tube") else kit.between(0.35, 0.9)
        if kind == "panel":
            place.add(box((x, high - 0.01, z), (0.6, 0.03, 0.6), glow, 0.002))
        elif kind == "tube":
            place.add(
                join(
                    [
                        box((x, high - 0.03, z), (0.16, 0.05, 1.25), kit.painted(1)),
                        tube([(x, high - 0.075, z - 0.6), (x, high - 0.075, z + 0.6)], 0.018, glow),
                    ]
                )
            )
        else:
            y = high - drop
            parts = [tube([(x, high, z), (x, y + 0.1, z)], 0.006, kit.black())]
            if kind == "shade":
                r, shade = kit.between(0.15, 0.3), kit.glowing(0.6 if on else 0.05, 0.6)
                parts.append(lathe([(r, -0.1), (r * kit.between(0.3, 1), 0.14)], shade, 28).placed((x, y, z)))
            elif kind == "chandelier":
                for a in np.arange(6) * np.pi / 3:
                    end = (x + 0.3 * np.cos(a), y + 0.05, z + 0.3 * np.sin(a))
                    parts.append(
                        tube(
                            [(x, y - 0.1, z), ((x + end[0]) / 2, y - 0.14, (z + end[2]) / 2), end], 0.01, kit.metal(), 6
                        )
                    )
                    parts.append(cushion((0.05, 0.1, 0.05), glow, 1.0, 6).placed(end))
            else:
                r = 0.32 if kind == "ball" else 0.08
                parts.append(cushion((r, r, r), glow, 1.0).placed((x, y, z)))
            place.add(join(parts))
        front.append(Lamp((x, high - drop - 0.2, z), colour, 0.25))
    place.lamps[:0] = front[:4]
    if not on:
        place.lamps = [front[0], *[lamp for lamp in place.lamps if lamp not in front]]
