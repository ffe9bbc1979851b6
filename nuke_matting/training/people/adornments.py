"""What makes an outline fine: earrings, necklaces, collars of fur, fluffy and frayed clothes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.people import parts as shapes
from nuke_matting.training.people.assets import BODY_VERTICES, Assets
from nuke_matting.training.people.clothes import draw_colour
from nuke_matting.training.people.parts import Part, rigid_part
from nuke_matting.training.people.person import Coat, Person
from nuke_matting.training.people.render import CLOTH, PLAIN, SKIN, Surface, vertex_normals
from nuke_matting.training.people.strands import Style, draw_hair_colour, scatter

Rng = np.random.Generator
_METALS = ((0.75, 0.55, 0.22), (0.7, 0.7, 0.72), (0.75, 0.45, 0.35), (0.02, 0.02, 0.02))


def adorned(assets: Assets, rng: Rng, person: Person) -> Person:
    """The person with some of it, or none."""
    female = person.body.gender < 0.5
    parts, coats = list(person.parts), list(person.coats)
    if rng.random() < (0.35 if female else 0.06):
        parts += earrings(assets, rng, person)
    if rng.random() < (0.2 if female else 0.07):
        parts += necklace(rng, person)
    garments = [part for part in person.parts if part.surface.mode == CLOTH and len(part.triangles) > 500]
    kind = rng.random()
    if kind < 0.05:
        coats.append(fur_collar(assets, rng, person))
    elif garments and kind < 0.13:
        coats.append(fluff(rng, garments[rng.integers(len(garments))]))
    elif garments and kind < 0.21:
        coats += frayed(rng, garments[rng.integers(len(garments))])
    return replace(person, parts=tuple(parts), coats=tuple(coats))


def earrings(assets: Assets, rng: Rng, person: Person) -> list[Part]:
    """A pair of studs, hoops or drops."""
    skin = _skin_of(person)
    head, bones = person.skeleton.index("head"), len(person.skeleton.names)
    kind = str(rng.choice(["stud", "hoop", "drop"]))
    size, thick = float(rng.uniform(0.08, 0.35)), float(rng.uniform(0.008, 0.02))
    surface, colour = Surface(PLAIN, gloss=0.9, shine=70.0), _METALS[rng.integers(len(_METALS))]
    made = []
    for sign in (1.0, -1.0):
        at = skin.rest[_lobe(assets, sign)] + (0.02 * sign, 0.0, 0.02)
        ball = shapes.ball(float(thick * 3), 8)
        if kind == "stud":
            made.append((ball[0] + at, ball[1]))
        elif kind == "hoop":
            angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
            ring = np.stack([np.zeros(20), np.cos(angle) * size - size, np.sin(angle) * size], 1)
            made.append(shapes.tube(ring + at, thick, True, 6))
        else:
            line = np.array([[0, 0, 0], [0, -size * 0.6, 0], [0, -size * 1.6, 0]]) + at
            made += [shapes.tube(line, thick * 0.5, False, 6), (ball[0] + line[-1], ball[1])]
    return [rigid_part(points, triangles, head, bones, colour, surface) for points, triangles in made]


def _lobe(assets: Assets, sign: float) -> int:
    """The base vertex at the lower end of an ear; sign 1 for the left one."""
    p = assets.base.positions[:BODY_VERTICES]
    rows, shares = np.asarray(assets.weights["head"]).T
    head = np.zeros(len(assets.base.positions), bool)
    head[rows.astype(int)[shares > 0.9]] = True
    head = head[:BODY_VERTICES]
    out = p[:, 0] * sign
    ear = np.flatnonzero(head & (out > 0.86 * out[head].max()))
    return int(ear[np.argmin(p[ear, 1])])


def necklace(rng: Rng, person: Person) -> list[Part]:
    """A chain that lies on the shoulders and hangs in front, thin or of beads, with a pendant or without."""
    skeleton = person.skeleton
    bone, bones = skeleton.index("spine_03"), len(skeleton.names)
    neck = skeleton.heads[skeleton.index("neck_01")].astype(np.float64)
    cloud = np.concatenate([part.rest for part in person.parts if part.surface.mode in (SKIN, CLOTH)])
    cloud = cloud[(np.abs(cloud[:, 1] - neck[1]) < 2.5) & (np.abs(cloud[:, 0]) < 1.2)] - neck
    hang, angles = float(rng.uniform(0.2, 1.4)), np.linspace(0, 2 * np.pi, 48, endpoint=False)
    points = []
    for angle in angles:  # 0 in front
        side = np.array([np.sin(angle), 0, np.cos(angle)])
        height = 0.15 - hang * (0.5 + 0.5 * np.cos(angle)) ** 2
        near = cloud[(np.abs(cloud[:, 1] - height) < 0.25) & (cloud @ side > 0)]
        near = near[np.abs(np.cross(near, side)[:, 1]) < 0.2]
        reach = float((near @ side).max()) if len(near) else 0.7
        points.append(neck + side * (min(reach, 1.6) + 0.04) + (0, height, 0))
    path = np.stack(points)
    path = (np.roll(path, 1, 0) + 2 * path + np.roll(path, -1, 0)) / 4
    surface, colour = Surface(PLAIN, gloss=0.9, shine=70.0), _METALS[rng.integers(len(_METALS))]
    made = [shapes.tube(path, float(rng.uniform(0.008, 0.03)), True, 6)]
    if rng.random() < 0.4:
        beads = shapes.ball(float(rng.uniform(0.03, 0.08)), 6)
        made += [(beads[0] + at, beads[1]) for at in path]
    if rng.random() < 0.5:
        pendant = shapes.ball(float(rng.uniform(0.05, 0.15)), 8)
        made.append((pendant[0] + path[0] - (0, 0.08, 0), pendant[1]))
    return [rigid_part(at, triangles, bone, bones, colour, surface) for at, triangles in made]


def fur_collar(assets: Assets, rng: Rng, person: Person) -> Coat:
    """Fur about the neck and on the shoulders."""
    skin, skeleton, mesh = _skin_of(person), person.skeleton, assets.base
    neck = skeleton.heads[skeleton.index("neck_01")]
    away = np.linalg.norm((skin.rest - neck) * (1, 1.4, 1), axis=1)
    near = (away > 0.45) & (away < rng.uniform(1.0, 1.5)) & (np.arange(len(away)) < BODY_VERTICES)
    near &= skin.rest[:, 1] < neck[1] + 0.35
    body = mesh.groups == mesh.group_names.index("body")
    triangles = mesh.corner[mesh.triangles[body]]
    triangles = triangles[near[triangles].all(axis=1)]
    colour = draw_hair_colour(rng, 0.5, 0.3) if rng.random() < 0.7 else draw_colour(rng)
    style = Style(
        float(rng.uniform(0.2, 0.6)), 0.3, 0.8, (0, 0, 0), 0.12, 0.0, 0.0, float(rng.uniform(0, 0.5)), 0.3, colour, 6
    )
    return _skinned(rng, skin.rest, skin.weights, triangles, style, 9000, 0.15)


def fluff(rng: Rng, garment: Part) -> Coat:
    """Fibres all over a garment: wool, fleece, mohair."""
    style = _fibres(rng, garment, float(rng.uniform(0.05, 0.2)), 0.9, 0.05)
    return _skinned(rng, garment.rest, garment.weights, garment.corner[garment.triangles], style, 12000, 0.0)


def frayed(rng: Rng, garment: Part) -> list[Coat]:
    """Loose threads at a garment's edges; none where it has no edge."""
    edges = open_edges(garment.corner[garment.triangles])
    if len(edges) == 0:
        return []
    style = _fibres(rng, garment, float(rng.uniform(0.1, 0.5)), 0.3, 1.0)
    ends = garment.rest[edges]
    long = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    pick, share = rng.choice(len(edges), 1500, p=long / long.sum()), rng.random((1500, 1))
    normals = vertex_normals(garment.rest, garment.corner, garment.triangles)

    def between(values: NDArray) -> NDArray[np.float32]:
        first, second = values[edges[pick, 0]], values[edges[pick, 1]]
        return (first * (1 - share) + second * share).astype(np.float32)

    seed = int(rng.integers(2**31))
    return [Coat(between(garment.rest), between(normals), style, seed, between(garment.weights))]


def open_edges(triangles: NDArray) -> NDArray[np.int64]:
    """Edges [E, 2] that belong to one triangle [T, 3] alone."""
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    return unique[count == 1].astype(np.int64)


def _fibres(rng: Rng, garment: Part, length: float, lift: float, weight: float) -> Style:
    red, green, blue = garment.tint[:, :3].mean(axis=0) * rng.uniform(0.6, 1.2)
    colour = (float(red), float(green), float(blue))
    return Style(length, 0.5, lift, (0, 0, 0), weight, 0.0, 0.0, 0.2, float(rng.uniform(0.2, 0.8)), colour, 5, 0.003)


def _skinned(rng: Rng, rest, weights, triangles, style: Style, count: int, out: float) -> Coat:
    """Roots at random on triangles [T, 3] of rest positions [V, 3], `out` dm above them."""
    pick, share = scatter(rest, triangles, count, rng)
    held = triangles[pick]
    normals = vertex_normals(rest, np.arange(len(rest)), triangles)
    facing = np.einsum("nk,nkc->nc", share, normals[held])
    facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-9)
    roots = np.einsum("nk,nkc->nc", share, rest[held]) + out * facing
    bones = np.einsum("nk,nkb->nb", share, weights[held])
    return Coat(*(each.astype(np.float32) for each in (roots, facing)), style, int(rng.integers(2**31)), bones)


def _skin_of(person: Person) -> Part:
    return next(part for part in person.parts if part.surface.mode == SKIN)
