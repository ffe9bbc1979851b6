"""Bodies as distances: how far points [3, N] of a body's own axes (y up, about -1 to 1) are from it, below 0 inside.

Vessels, bottles and fruit are turned on a lathe; boxes, stones, rings and loaves are formulas; animals grow together
of ellipsoids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from nuke_matting.opencv import blurred, distances
from nuke_matting.training.things.frame import Random

Array = NDArray[np.floating]  # float32, or float64 where a number drawn at random takes part
Distance = Callable[[Array], Array]
Lump = tuple[Sequence[float], Sequence[float]]  # centre and radii
_HALF = 72  # pixels of a lathe's table to one side of its axis
_REACH = 1.25  # how far that is
TURN_WITHOUT = 1e-4  # a length that divides


@dataclass(frozen=True)
class Body:
    """A body's distance, and the radius of a sphere about the origin that holds it. turned : it may lie on any side.

    stuff : what it may be made of, names of `surfaces`.
    """

    distance: Distance
    radius: float
    turned: bool
    stuff: tuple[str, ...]


def _column(values: ArrayLike) -> Array:
    """[3] -> [3, 1]"""
    return np.asarray(values, np.float32)[:, None]


def length(points: Array) -> Array:
    """[3, N] or [2, N] -> [N]"""
    return np.sqrt(np.einsum("kn,kn->n", points, points))


def ellipsoid(points: Array, centre: ArrayLike, radii: ArrayLike) -> Array:
    """About how far from an ellipsoid; exact at its surface."""
    scaled = (points - _column(centre)) / _column(radii)
    far = length(scaled)
    return far * (far - 1) / np.maximum(length(scaled / _column(radii)), TURN_WITHOUT)


def capsule(points: Array, start: ArrayLike, end: ArrayLike, radius: float, tip: float) -> Array:
    """A round bar between two points, as thick as `radius` at the first and `tip` at the second."""
    way = np.asarray(end, np.float32) - np.asarray(start, np.float32)
    local = points - _column(start)
    along = np.clip(way @ local / max(float(way @ way), TURN_WITHOUT), 0, 1)
    return length(local - way[:, None] * along) - (radius + (tip - radius) * along)


def merged(one: Array, other: Array, soft: float) -> Array:
    """Both bodies, grown together as softly as that."""
    near = np.maximum(soft - np.abs(one - other), 0) / soft
    return np.minimum(one, other) - near * near * np.float32(soft / 4)


def rippled(distance: Distance, random: Random, deep: float, often: float) -> Distance:
    """With hills and hollows `deep`, some `often` of them over a length of 1."""
    waves = (random.normal(0, 1, (5, 3)) * often * 2.2).astype(np.float32)
    phase = random.uniform(0, 6.28, (5, 1)).astype(np.float32)
    return lambda points: distance(points) + np.float32(deep / 2.5) * np.sin(waves @ points + phase).sum(0)


# -- one of each family at random --


def egg(random: Random) -> Body:
    """Balls, eggs, melons, lemons, potatoes."""
    radii = 0.8 * np.exp(random.normal(0, random.choice([0.0, 0.15, 0.3]), 3))
    radii[2] = radii[0]
    tip, dimple = random.uniform(0, 0.35) * (random.random() < 0.5), random.uniform(0, 0.25) * (random.random() < 0.4)

    def distance(points: Array) -> Array:
        slim = points.copy()
        slim[[0, 2]] *= 1 + tip * points[1] / radii[1]
        far = ellipsoid(slim, (0, 0, 0), radii)
        hollow = dimple * np.exp(-(points[0] ** 2 + points[2] ** 2) / 0.05) * (points[1] > 0)
        return far * np.float32(0.8) + hollow

    stuff = ("fruit", "fruit", "plain", "dough", "stone", "ball", "mottled")
    return Body(distance, float(radii.max()) * (1.3 if tip else 1.05), True, stuff)


def pebble(random: Random) -> Body:
    """Stones, clods, buns, crumpled things."""
    radii = random.uniform(0.45, 0.9, 3)
    shape = rippled(
        lambda p: ellipsoid(p, (0, 0, 0), radii), random, random.uniform(0.03, 0.16), random.uniform(0.6, 2)
    )
    return Body(
        lambda p: shape(p) * np.float32(0.7), float(radii.max()) + 0.2, True, ("stone", "stone", "dough", "fur")
    )


def gem(random: Random) -> Body:
    """Of flat faces: rocks, crystals, crumpled boxes, dice."""
    count = int(random.integers(7, 22))
    faces = random.normal(0, 1, (count, 3))
    faces /= np.linalg.norm(faces, axis=1, keepdims=True)
    far = (random.uniform(0.5, 0.75) * np.exp(random.normal(0, 0.12, count))).astype(np.float32)[:, None]
    around = np.concatenate([np.eye(3), -np.eye(3)])
    faces, far = np.concatenate([faces, around]).astype(np.float32), np.concatenate([far, np.full((6, 1), 0.69)])
    far = far.astype(np.float32)
    return Body(lambda p: (faces @ p - far).max(0), 1.2, True, ("stone", "plain", "metal", "wood", "mottled"))


def block(random: Random) -> Body:
    """Boxes, parcels, loaves, tins, books, cushions, phones."""
    half = (0.75 * np.exp(random.normal(-0.25, 0.4, 3))).astype(np.float32).clip(0.12, 0.85)[:, None]
    soft = float(half.min()) * random.choice([0.06, 0.3, 0.9])
    bulge = random.uniform(0, 0.15) * (soft > 0.1)

    def distance(points: Array) -> Array:
        q = np.abs(points) - half + soft + bulge * (points * points).sum(0)
        return length(np.maximum(q, 0)) + np.minimum(q.max(0), 0) - np.float32(soft)

    stuff = (
        ("plain", "wood", "label", "label", "mottled", "cloth") if soft < 0.1 else ("dough", "cloth", "plain", "fur")
    )
    return Body(lambda p: distance(p) * np.float32(0.85), float(np.linalg.norm(half)) + 0.05, False, stuff)


def ring(random: Random) -> Body:
    """Rings, tyres, wreaths, doughnuts, pretzel-like loops."""
    wide, thick, flat = random.uniform(0.45, 0.7), random.uniform(0.1, 0.32), random.uniform(0.7, 1.2)

    def distance(points: Array) -> Array:
        across = np.hypot(points[0], points[2]) - np.float32(wide)
        return (np.hypot(across, points[1] / flat) - np.float32(thick)) * np.float32(min(flat, 1) * 0.9)

    return Body(distance, wide + thick * 1.25, True, ("dough", "plain", "metal", "cloth", "wood", "label"))


def bar(random: Random) -> Body:
    """Bananas, sausages, rolls, logs, carrots: bent and tapered."""
    turn, thick = random.uniform(0, 1.6), random.uniform(0.12, 0.3)
    angle = np.linspace(-turn / 2, turn / 2, 5)
    bend = np.stack([np.sin(angle), -np.cos(angle), 0 * angle], 1) * (1.5 / max(turn, 0.2))
    bend -= bend.mean(0)
    sizes = thick * np.interp(np.linspace(0, 1, 5), [0, 0.5, 1], [random.uniform(0.3, 1), 1, random.uniform(0.2, 1)])

    def distance(points: Array) -> Array:
        pieces = [capsule(points, bend[k], bend[k + 1], sizes[k], sizes[k + 1]) for k in range(4)]
        return np.minimum.reduce(pieces) * np.float32(0.9)

    return Body(distance, 1.15, True, ("fruit", "dough", "wood", "fruit"))


def bunch(random: Random) -> Body:
    """Grapes, berries, cauliflowers, clusters."""
    count = int(random.integers(6, 16))
    at = random.normal(0, 0.36, (count, 3)).clip(-0.6, 0.6)
    size, soft = random.uniform(0.18, 0.32), random.uniform(0.01, 0.12)

    def distance(points: Array) -> Array:
        far = length(points - _column(at[0]))
        for each in at[1:]:
            far = merged(far, length(points - _column(each)), soft)
        return far - np.float32(size)

    return Body(distance, float(np.linalg.norm(at, axis=1).max() + size), True, ("fruit", "fruit", "dough", "plain"))


def animal(random: Random) -> Body:
    """Cats, dogs, birds, bears, plush ones: lumps that have grown together, looking to a side."""
    kind = random.choice(["standing", "sitting", "bear", "bird"])
    fat, long = random.uniform(0.8, 1.25), random.uniform(0.7, 1.4)
    ear = random.uniform(0.5, 1.6)
    bars: list[tuple[Sequence[float], Sequence[float], float, float]] = []
    if kind == "standing":
        lumps: list[Lump] = [((0, 0, 0), (0.52, 0.24 * fat, 0.2 * fat)), ((0.62, 0.34, 0), (0.2, 0.17, 0.16))]
        lumps += [((0.8, 0.28, 0), (0.14, 0.08, 0.08)), ((0.36, 0.05, 0), (0.25, 0.27 * fat, 0.2 * fat))]
        lumps += [((0.55, 0.36 + 0.16 * ear, side), (0.06, 0.13 * ear, 0.04)) for side in (-0.11, 0.11)]
        bars += [((x, -0.05, z), (x + random.normal(0, 0.06), -0.62, z), 0.11, 0.06) for x in (-0.4, 0.4)
                 for z in (-0.12, 0.12)]  # fmt: skip
        bars += [((0.4, 0.1, 0), (0.6, 0.3, 0), 0.17, 0.13)]
        bars += [((-0.48, 0.08, 0), (-0.48 - 0.35 * long, random.uniform(-0.3, 0.5), 0), 0.06, 0.035)]
    elif kind == "sitting":
        lumps = [((0, -0.25, 0), (0.34 * fat, 0.42, 0.3 * fat)), ((0.12, 0.08, 0), (0.24, 0.34, 0.22))]
        lumps += [((0.2, 0.5, 0), (0.22, 0.2, 0.21)), ((0.38, 0.43, 0), (0.12, 0.08, 0.09))]
        lumps += [((0.15, 0.58 + 0.15 * ear, side), (0.05, 0.14 * ear, 0.07)) for side in (-0.14, 0.14)]
        bars += [((0.24, -0.05, side), (0.3, -0.64, side), 0.11, 0.07) for side in (-0.12, 0.12)]
        bars += [((-0.25, -0.58, 0), (-0.5 * long, -0.5, 0.25), 0.07, 0.05)]
    elif kind == "bear":
        lumps = [((0, -0.2, 0), (0.36 * fat, 0.42, 0.3 * fat)), ((0.03, 0.42, 0), (0.31, 0.29, 0.31))]
        lumps += [((0.28, 0.34, 0), (0.13, 0.1, 0.12))]
        lumps += [((0, 0.68, side), (0.06, 0.12, 0.12)) for side in (-0.24, 0.24)]
        bars += [((0, 0.05, side), (0.25, -0.25, 1.8 * side), 0.13, 0.12) for side in (-0.26, 0.26)]
        bars += [((0.05, -0.48, side), (0.5, -0.55, 1.4 * side), 0.16, 0.13) for side in (-0.22, 0.22)]
    else:
        lumps = [((0, 0, 0), (0.44 * long, 0.27 * fat, 0.24 * fat)), ((0.4 * long, 0.28, 0), (0.17, 0.17, 0.16))]
        bars += [((0.5 * long, 0.27, 0), (0.5 * long + 0.22, 0.22, 0), 0.06, 0.01)]
        bars += [((-0.35 * long, 0.02, 0), (-0.8 * long, -0.08, 0), 0.13, 0.05)]
        bars += [((0.02, -0.2, side), (0.05, -0.55, side), 0.035, 0.03) for side in (-0.09, 0.09)]

    def distance(points: Array) -> Array:
        far = ellipsoid(points, *lumps[0])
        for lump in lumps[1:]:
            far = merged(far, ellipsoid(points, *lump), 0.1)
        for start, end, radius, tip in bars:
            far = merged(far, capsule(points, start, end, radius, tip), 0.08)
        return far

    furry = ("fur", "fur", "fur", "mottled", "plain", "stone")
    if random.random() < 0.6:
        shaggy = rippled(distance, random, random.uniform(0.008, 0.03), random.uniform(4, 9))
        return Body(lambda p: shaggy(p) * np.float32(0.75), 1.25, False, furry[:4])
    return Body(lambda p: distance(p) * np.float32(0.9), 1.25, False, furry)


_PROFILES: dict[str, tuple[tuple[float, float], ...]] = {  # radius, height from the foot up, and down again inside
    "bowl": ((0, -0.4), (0.35, -0.4), (0.38, -0.33), (0.7, -0.1), (0.88, 0.3), (0.82, 0.3), (0.64, -0.04), (0, -0.27)),
    "plate": ((0, -0.1), (0.5, -0.1), (0.92, 0.08), (0.92, 0.14), (0.5, 0.0), (0, -0.02)),
    "cup": ((0, -0.6), (0.42, -0.6), (0.5, -0.5), (0.56, 0.55), (0.5, 0.55), (0.44, -0.45), (0, -0.5)),
    "vase": ((0, -0.9), (0.3, -0.9), (0.55, -0.3), (0.45, 0.3), (0.2, 0.6), (0.3, 0.9), (0.24, 0.9), (0.14, 0.6),
             (0, 0.5)),
    "bottle": ((0, -0.95), (0.27, -0.95), (0.28, -0.9), (0.28, 0.2), (0.24, 0.38), (0.1, 0.55), (0.1, 0.95), (0, 0.95)),
    "jar": ((0, -0.7), (0.45, -0.7), (0.5, -0.6), (0.5, 0.35), (0.4, 0.48), (0.44, 0.5), (0.44, 0.7), (0, 0.7)),
    "tin": ((0, -0.6), (0.42, -0.6), (0.45, -0.57), (0.42, -0.52), (0.42, 0.52), (0.45, 0.57), (0.42, 0.6), (0, 0.58)),
    "bulb": ((0, -0.75), (0.3, -0.72), (0.6, -0.45), (0.62, -0.15), (0.35, 0.25), (0.14, 0.45), (0.06, 0.85),
             (0, 0.85)),
    "apple": ((0, -0.5), (0.2, -0.56), (0.5, -0.45), (0.7, 0.0), (0.62, 0.42), (0.3, 0.56), (0.08, 0.42), (0.03, 0.7),
              (0, 0.7)),
    "mushroom": ((0, -0.7), (0.2, -0.7), (0.15, 0.0), (0.3, 0.0), (0.75, -0.05), (0.7, 0.3), (0.35, 0.58), (0, 0.62)),
    "lamp": ((0, -0.9), (0.4, -0.9), (0.4, -0.84), (0.06, -0.78), (0.06, 0.0), (0.6, 0.0), (0.35, 0.75), (0, 0.75)),
    "cone": ((0, -0.8), (0.5, -0.8), (0.5, -0.72), (0.42, -0.7), (0.06, 0.85), (0, 0.85)),
    "cake": ((0, -0.45), (0.72, -0.45), (0.76, -0.3), (0.76, 0.2), (0.6, 0.4), (0.3, 0.42), (0, 0.4)),
}  # fmt: skip
_MADE_OF = {"bulb": ("fruit", "plain"), "apple": ("fruit", "fruit", "mottled"), "mushroom": ("dough", "fruit"),
            "cake": ("dough", "label", "plain"), "bottle": ("label", "glass", "plain"), "tin": ("label", "metal"),
            "jar": ("label", "glass", "plain"), "cone": ("label", "plain")}  # fmt: skip
_WARE = ("glaze", "glaze", "plain", "metal", "wood", "label", "stone")


def lathe(random: Random) -> Body:
    """Bowls, plates, cups with a handle, vases, bottles, jars, tins, apples, onions, mushrooms, lamps, cakes."""
    name = str(random.choice(list(_PROFILES)))
    wide, tall = np.exp(random.normal(0, 0.16, 2))
    points = np.asarray(_PROFILES[name]) * (min(wide, 1.3), min(tall, 1.25))
    points = points / max(1.0, float(np.abs(points).max()))
    points[1:-1] += random.normal(0, 0.02, (len(points) - 2, 2)) * (points[1:-1, :1] > 0.1)
    table, lobes = _table(points), int(random.integers(4, 12)) * (name in ("apple", "bulb") and random.random() < 0.4)
    dent = random.uniform(0.03, 0.1) if lobes else 0.0
    handle = name == "cup" and random.random() < 0.7

    def distance(at: Array) -> Array:
        across = np.hypot(at[0], at[2])
        if lobes:  # of pumpkins, garlic
            across = across * (1 + dent * np.abs(np.sin(np.arctan2(at[2], at[0]) * np.float32(lobes / 2))))
        far = _looked_up(table, across, at[1])
        if handle:
            beside = np.hypot(at[0] - np.float32(0.62), at[1]) - np.float32(0.26)
            bent = np.hypot(beside, at[2]) - np.float32(0.06)
            far = np.where(across > 0.46, merged(far, bent, 0.06), far)
        return far * np.float32(0.9)

    reach = 1.08 if handle else 1.02
    return Body(distance, float(np.hypot(*points.T).max()) * reach + 0.02, False, _MADE_OF.get(name, _WARE))


def _table(profile: NDArray) -> Array:
    """Signed distances [2 _HALF, _HALF], rows from below up, columns from the axis out, of what a line goes around."""
    side = 2 * _HALF
    points = np.concatenate([profile, profile[::-1] * (-1, 1)])
    mask = np.zeros((side, side), np.uint8)
    cv2.fillPoly(mask, [np.round((points / _REACH + 1) * (_HALF * 16) - 8).astype(np.int32)], 1, cv2.LINE_8, 4)
    far = distances(1 - mask, 5) - distances(mask, 5)
    far -= 0.5 * np.sign(far)
    return blurred(far, 0.9)[:, _HALF:] * np.float32(_REACH / _HALF)


def _looked_up(table: Array, across: Array, up: Array) -> Array:
    """Between a table's pixels; beyond its borders as far as they are, and how far beyond."""
    x = across * np.float32(_HALF / _REACH) - np.float32(0.5)
    y = (up * np.float32(1 / _REACH) + 1) * np.float32(_HALF) - np.float32(0.5)
    inside = np.clip(x, 0, _HALF - 1.001), np.clip(y, 0, 2 * _HALF - 1.001)
    columns, rows = (each.astype(np.int32) for each in inside)
    right, below = inside[0] - columns, inside[1] - rows
    flat, at = table.reshape(-1), rows * _HALF + columns
    upper = flat[at] + right * (flat[at + 1] - flat[at])
    lower = flat[at + _HALF] + right * (flat[at + _HALF + 1] - flat[at + _HALF])
    beyond = np.hypot(np.maximum(x - inside[0], 0), y - inside[1]) * np.float32(_REACH / _HALF)
    return upper + below * (lower - upper) + beyond


SHAPES: tuple[tuple[Callable[[Random], Body], float], ...] = (
    (lathe, 3.2), (egg, 2.0), (animal, 2.0), (block, 1.6), (pebble, 1.0), (gem, 0.7), (ring, 0.7), (bar, 1.0),
    (bunch, 0.8),
)  # fmt: skip


def draw_body(random: Random) -> Body:
    """A body of some family."""
    chances = np.asarray([chance for _, chance in SHAPES])
    return SHAPES[random.choice(len(SHAPES), p=chances / chances.sum())][0](random)
