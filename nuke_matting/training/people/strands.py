"""Hair as strands: thousands of curves grown from the skin, pulled down, combed, curled, kept off the body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree


@dataclass(frozen=True)
class Style:
    """How hair grows. length : dm; spread : of the length, relative. lift : 0 flat .. 1 away from the skin.

    comb : direction in head axes. weight : pull of gravity. curl : radius of curls, dm; turns : of a curl on a strand.
    clump : 0..1, how far tips gather. frizz : waviness. steps : points a strand. radius : dm. colour : scene-linear.
    part : hair falls to both sides and hangs beside the face.
    """

    length: float
    spread: float
    lift: float
    comb: tuple[float, float, float]
    weight: float
    curl: float
    turns: float
    clump: float
    frizz: float
    colour: tuple[float, float, float]
    steps: int = 11
    radius: float = 0.0045
    part: bool = False


POINTS_A_TURN = 5  # of a curl, at the least
_CURLY = 28  # points of a strand of tight curls; there are fewer such strands
_COLOURS = (
    (0.006, 0.005, 0.005), (0.012, 0.008, 0.006), (0.03, 0.017, 0.010), (0.07, 0.037, 0.018), (0.13, 0.07, 0.03),
    (0.30, 0.19, 0.09), (0.48, 0.36, 0.20), (0.22, 0.07, 0.025), (0.35, 0.34, 0.33), (0.6, 0.59, 0.57),
)  # fmt: skip


def draw_hair_colour(rng: np.random.Generator, age: float, dark: float) -> tuple[float, float, float]:
    """A hair colour: mostly natural, greyer with age (0..1), darker with `dark` (0..1), at times dyed."""
    chances = np.array([2, 2.5, 3, 3, 2, 1.4, 1, 0.8, 0.25, 0.1])
    chances[:3] *= 1 + 4 * dark
    chances[8:] *= 1 + 40 * max(age - 0.6, 0)
    colour = np.asarray(_COLOURS[rng.choice(len(_COLOURS), p=chances / chances.sum())])
    if rng.random() < 0.04:
        colour = rng.uniform(0.02, 0.5, 3)
    colour = np.clip(colour * np.exp(rng.normal(0, 0.25)) * (1 + rng.normal(0, 0.06, 3)), 0.002, 0.8)
    return float(colour[0]), float(colour[1]), float(colour[2])


def draw_style(rng: np.random.Generator, female: bool, colour: tuple[float, float, float], curly: float) -> Style:
    """A hair style at random. curly : chance of tight curls."""
    kind = rng.random()
    comb = rng.normal(0, 0.5, 3) + np.array([0, 0, -0.5 if rng.random() < 0.7 else 0.6])
    way = (float(comb[0]), float(comb[1] * 0.3), float(comb[2]))
    if rng.random() < curly:
        length = float(rng.uniform(0.3, 1.6) if female else rng.uniform(0.15, 0.9))
        weight, radius, turns = 0.05 + 0.15 * rng.random(), float(rng.uniform(0.05, 0.12)), length * 7 + 2
        most = (_CURLY - 1) / POINTS_A_TURN  # with more turns, a few points draw zigzags
        wide, turns = radius * max(1.0, turns / most) ** 0.5, min(turns, most)
        return Style(
            length, 0.25, 0.9, (0, 0, 0), weight, wide, turns, 0.55, 0.26, colour, _CURLY, 0.007,
        )  # fmt: skip
    if kind < (0.2 if female else 0.75):  # short
        length = float(rng.uniform(0.15, 0.8))
        return Style(
            length,
            0.3,
            float(rng.uniform(0.25, 0.8)),
            way,
            0.25,
            0.0,
            0.0,
            0.3 * rng.random(),
            0.25 * rng.random(),
            colour,
            8,
        )
    length = float(rng.uniform(1.0, 2.2) if kind < 0.55 else rng.uniform(2.2, 4.6))
    wavy = rng.random() < 0.45
    return Style(
        length, 0.15, float(rng.uniform(0.1, 0.35)), (way[0] * 0.4, 0, -0.9), float(rng.uniform(0.9, 1.6)),
        0.08 * wavy * rng.random(), float(rng.uniform(1.0, 15 / POINTS_A_TURN)), float(rng.uniform(0.2, 0.7)),
        float(rng.uniform(0.02, 0.18)), colour, 16, 0.005, part=bool(rng.random() < 0.8),
    )  # fmt: skip


def grow(
    roots: NDArray[np.float32],
    normals: NDArray[np.float32],
    style: Style,
    rng: np.random.Generator,
    down: NDArray,
    ellipsoids: NDArray,
) -> NDArray[np.float32]:
    """Strands [N, steps, 3] from roots [N, 3] along normals [N, 3], in axes that move with them: hair's are the head's.

    down : [1, 3] or [N, 3] where gravity (and the wind of a movement) pulls. ellipsoids : [E, 6] centre and radii of
    what hair cannot enter; the first is the skull, the second the face, which parted hair hangs beside.
    """
    count = len(roots)
    stray = rng.random(count) < 0.06
    length = style.length * np.exp(rng.normal(0, style.spread, count)) * np.where(stray, 1.05, 1.0)
    guides = rng.choice(count, max(1, min(count, count // 45)), replace=False)
    group = cKDTree(roots[guides]).query(roots)[1]
    own = rng.standard_normal((count, 3), np.float32)
    shared = rng.standard_normal((len(guides), 3), np.float32)[group]
    comb = np.tile(np.asarray(style.comb, np.float32), (count, 1))
    if style.part:
        comb[:, 0] += np.sign(roots[:, 0] + 0.15) * 1.1
    comb -= (comb * normals).sum(1, keepdims=True) * normals
    heading = (
        normals * (0.3 + style.lift)
        + comb * (1 - 0.5 * style.lift)
        + (0.10 * own + 0.10 * shared) * (1 + 2.0 * stray[:, None])
    )
    heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    points = np.empty((count, style.steps, 3), np.float32)
    points[:, 0] = roots
    stride = (length / (style.steps - 1))[:, None].astype(np.float32)
    heading, down = heading.astype(np.float32), np.asarray(down, np.float32)
    wilder, freer = (np.where(stray, each, 1.0)[:, None].astype(np.float32) for each in (1.3, 0.85))
    for step in range(1, style.steps):
        share = step / (style.steps - 1)
        pull = style.weight * (0.35 + 1.2 * share) * min(1.0, 9.0 / style.steps) * freer
        alone, together = (rng.standard_normal((n, 3), np.float32) for n in (count, len(guides)))
        heading = _unit(heading + pull * down + (style.frizz * 0.225) * (alone + together[group]) * wilder)
        at = points[:, step - 1] + heading * stride
        at = keep_out(at, ellipsoids, 1 + 0.06 * rng.random((count, 1), np.float32))
        if style.part and len(ellipsoids) > 1:
            at = _beside_face(at, roots, ellipsoids[1], 0.5)
        heading = _unit(at - points[:, step - 1])
        points[:, step] = at
    along = np.linspace(0, 1, style.steps, dtype=np.float32)
    if style.clump > 0:
        towards = points[guides][group]
        gather = (style.clump * along**1.3)[None, :, None] * np.where(stray, 0.1, 1.0).astype(np.float32)[:, None, None]
        points = points + gather * (towards - points) * (0.55 + 0.45 * rng.random((count, 1, 1), np.float32))
    if style.curl > 0:
        phase = (shared[:, :1] * 3.0 + own[:, :1] * 0.6)[..., None][:, :, 0]
        angle = phase + along[None] * style.turns * 2 * np.pi
        size = style.curl * np.minimum(along * 3, 1)[None]
        side = _unit(np.cross(heading, np.array((0.3, 1.0, 0.2), np.float32)))
        other = np.cross(heading, side)
        points = (
            points
            + (size * np.cos(angle))[..., None] * side[:, None]
            + (size * np.sin(angle))[..., None] * other[:, None]
        )
    return points.astype(np.float32)


def _unit(vectors: NDArray) -> NDArray:
    """[N, 3], each of length 1."""
    return vectors / np.maximum(np.sqrt(np.einsum("nk,nk->n", vectors, vectors)), 1e-9)[:, None]


def _beside_face(points: NDArray, roots: NDArray, face: NDArray, share: float) -> NDArray:
    """Points [N, 3] in front of the face's ellipsoid [6] moved sideways by `share` of the way to its sides."""
    centre, radii = face[:3], face[3:]
    ahead = (points[:, 2] > centre[2] + 0.2 * radii[2]) & (points[:, 1] < centre[1] + 0.6 * radii[1])
    edge = np.sign(roots[:, 0] + 0.15) * radii[0] * 0.95
    short = np.abs(points[:, 0]) < np.abs(edge)
    moved = points.copy()
    moved[:, 0] = np.where(ahead & short, points[:, 0] + share * (edge - points[:, 0]), points[:, 0])
    return moved


def keep_out(points: NDArray, ellipsoids: NDArray, margin: NDArray | float = 1.0) -> NDArray:
    """Points [N, 3] moved to the surface of every ellipsoid (rows: centre 3, radii 3) they are inside of.

    margin : [N, 1], or one for all; times the radii.
    """
    everywhere = np.array(points, np.result_type(points, np.float32))
    margin = np.broadcast_to(margin, (len(points), 1))
    rows = np.asarray(ellipsoids, everywhere.dtype)
    if len(rows) == 0:
        return everywhere
    near = np.nonzero(_least(everywhere, rows) < margin[:, 0] ** 2 + 1e-3)[0]  # what is in none of them stays
    points, margin = everywhere[near], margin[near]
    for row in rows:
        local = (points - row[:3]) / row[3:]
        squared = np.einsum("nk,nk->n", local, local)
        (inside,) = np.nonzero(squared < margin[:, 0] ** 2)
        scale = margin[inside] / np.maximum(np.sqrt(squared[inside, None]), 1e-6)
        points[inside] = row[:3] + local[inside] * scale * row[3:]
    everywhere[near] = points
    return everywhere


def _least(points: NDArray, ellipsoids: NDArray) -> NDArray:
    """Squared distance [N] of points [N, 3] from the centre of the ellipsoid they are deepest in, 1 at its surface."""
    centre = ellipsoids[0, :3]  # rounding grows with the distance from the origin
    points, shift, share = points - centre, ellipsoids[:, :3] - centre, ellipsoids[:, 3:] ** -2.0
    squared = (points * points) @ share.T
    squared -= points @ (2 * shift * share).T
    squared += (shift * shift * share).sum(axis=1)
    return squared.min(axis=1)


def scatter(
    positions: NDArray, triangles: NDArray, count: int, rng: np.random.Generator, share: NDArray | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """`count` random places on triangles [T, 3], by area (times `share` [T]): (triangle [N], barycentric [N, 3])."""
    a, b, c = (positions[triangles[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) * (1.0 if share is None else share)
    pick = rng.choice(len(triangles), count, p=area / area.sum())
    u, v = rng.random(count), rng.random(count)
    flip = u + v > 1
    u, v = np.where(flip, 1 - u, u), np.where(flip, 1 - v, v)
    return pick.astype(np.int32), np.stack([1 - u - v, u, v], axis=1).astype(np.float32)
