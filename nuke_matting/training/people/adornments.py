"""What makes an outline fine: earrings, necklaces, collars of fur, fluffy and frayed clothes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.people import parts as shapes
from nuke_matting.training.people.assets import BODY_VERTICES, Assets
from nuke_matting.training.people.clothes import draw_colour
from nuke_matting.training.people.gear import geared
from nuke_matting.training.people.parts import Part, rigid_part
from nuke_matting.training.people.person import Coat, Person, planted
from nuke_matting.training.people.render import CLOTH, PLAIN, SKIN, Surface, vertex_normals
from nuke_matting.training.people.strands import Style, draw_hair_colour

Rng = np.random.Generator
Piece = tuple[NDArray, NDArray]  # positions [V, 3] dm, triangles [T, 3]
_METALS = ((0.75, 0.55, 0.22), (0.7, 0.7, 0.72), (0.75, 0.45, 0.35), (0.02, 0.02, 0.02))
_THREADS = 1500  # of a frayed garment
_TORSO = ("spine", "clavicle", "upperarm", "thigh")


def adorned(assets: Assets, rng: Rng, person: Person) -> Person:
    """The person with some adornment or none, as it falls."""
    female = person.body.gender < 0.5
    parts, coats = list(person.parts), list(person.coats)
    if rng.random() < (0.35 if female else 0.06):
        parts.append(earrings(assets, rng, person))
    if rng.random() < (0.2 if female else 0.07):
        parts.append(necklace(rng, person))
    garments = plain_garments(person)
    kind = rng.random()
    if kind < 0.05:
        coats.append(fur_collar(assets, rng, person))
    elif garments and kind < 0.13:
        coats.append(fluff(rng, garments[rng.integers(len(garments))]))
    elif garments and kind < 0.21:
        coats += frayed(rng, garments[rng.integers(len(garments))])
    person = replace(person, parts=tuple(parts), coats=tuple(coats))
    return geared(assets, rng.spawn(1)[0], person)  # which takes nothing from what else is drawn


def plain_garments(person: Person) -> list[Part]:
    """Clothes of the trunk whose tint is their colour; textured ones have theirs in the texture."""
    trunk = [k for k, name in enumerate(person.skeleton.names) if name.startswith(_TORSO)]

    def worn(part: Part) -> bool:
        seen = np.unique(part.triangles)
        on_trunk = part.weights[part.corner[seen]][:, trunk].sum(axis=1).mean() > 0.4
        return bool(on_trunk and part.tint[seen, 3].all())

    return [part for part in person.parts if part.surface.mode == CLOTH and worn(part)]


def earrings(assets: Assets, rng: Rng, person: Person) -> Part:
    """A pair of studs, hoops or drops."""
    skin = _skin_of(person)
    kind = str(rng.choice(["stud", "hoop", "drop"]))
    size, thick = float(rng.uniform(0.08, 0.35)), float(rng.uniform(0.008, 0.02))
    ball = shapes.ball(thick * 3, 8)
    pieces: list[Piece] = []
    for sign in (1.0, -1.0):
        at = skin.rest[_lobe(assets, sign)] + (0.02 * sign, 0.0, 0.02)
        if kind == "stud":
            pieces.append((ball[0] + at, ball[1]))
        elif kind == "hoop":
            angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
            ring = np.stack([np.zeros(20), np.cos(angle) * size - size, np.sin(angle) * size], 1)
            pieces.append(shapes.tube(ring + at, thick, True, 6))
        else:
            line = np.array([[0, 0, 0], [0, -size * 0.6, 0], [0, -size * 1.6, 0]]) + at
            pieces += [shapes.tube(line, thick * 0.5, False, 6), (ball[0] + line[-1], ball[1])]
    return _metal(rng, person, "head", pieces)


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


def necklace(rng: Rng, person: Person) -> Part:
    """A chain that lies on the shoulders and hangs in front, thin or of beads, with a pendant or without."""
    neck = person.skeleton.heads[person.skeleton.index("neck_01")].astype(np.float64)
    solid = [part for part in person.parts if part.surface.mode in (SKIN, CLOTH)]
    cloud = np.concatenate([part.rest[np.unique(part.corner[part.triangles])] for part in solid]) - neck
    cloud = cloud[(np.abs(cloud[:, 1]) < 2) & (np.abs(cloud[:, 0]) < 1.6)]
    hang, angles = float(rng.uniform(0.2, 1.4)), np.linspace(0, 2 * np.pi, 48, endpoint=False)
    points = []
    for angle in angles:  # 0 in front
        side = np.array([np.sin(angle), 0, np.cos(angle)])
        height = 0.15 - hang * (0.5 + 0.5 * np.cos(angle)) ** 2
        near = cloud[(np.abs(cloud[:, 1] - height) < 0.12) & (cloud @ side > 0)]
        near = near[np.abs(np.cross(near, side)[:, 1]) < 0.25]
        reach = float(np.quantile(near @ side, 0.8)) if len(near) else 0.7
        points.append(side * (min(reach, 0.8 + hang * max(0.0, np.cos(angle))) + 0.04) + (0, height, 0))
    path = np.stack(points) + neck
    for _ in range(2):
        path = (np.roll(path, 1, 0) + 2 * path + np.roll(path, -1, 0)) / 4
    pieces: list[Piece] = [shapes.tube(path, float(rng.uniform(0.008, 0.03)), True, 6)]
    if rng.random() < 0.4:
        bead = shapes.ball(float(rng.uniform(0.03, 0.08)), 6)
        pieces += [(bead[0] + at, bead[1]) for at in path]
    if rng.random() < 0.5:
        pendant = shapes.ball(float(rng.uniform(0.05, 0.15)), 8)
        pieces.append((pendant[0] + path[0] - (0, 0.08, 0), pendant[1]))
    return _metal(rng, person, "spine_03", pieces)


def _metal(rng: Rng, person: Person, bone: str, pieces: list[Piece]) -> Part:
    """The pieces of a jewel as one part, fixed to a bone."""
    first = np.cumsum([0, *(len(positions) for positions, _ in pieces[:-1])])
    positions = np.concatenate([positions for positions, _ in pieces])
    triangles = np.concatenate([rows + begin for (_, rows), begin in zip(pieces, first, strict=True)])
    skeleton, colour = person.skeleton, _METALS[rng.integers(len(_METALS))]
    surface = Surface(PLAIN, gloss=0.9, shine=70.0)
    return rigid_part(positions, triangles, skeleton.index(bone), len(skeleton.names), colour, surface)


def fur_collar(assets: Assets, rng: Rng, person: Person) -> Coat:
    """Fur about the neck and on the shoulders, over whatever is worn."""
    skin, mesh = _skin_of(person), assets.base
    neck = person.skeleton.heads[person.skeleton.index("neck_01")]
    away = np.linalg.norm((skin.rest - neck) * (1, 1.4, 1), axis=1)
    near = (away > 0.45) & (away < rng.uniform(1.0, 1.5)) & (np.arange(len(away)) < BODY_VERTICES)
    near &= skin.rest[:, 1] < neck[1] + 0.35
    triangles = mesh.corner[mesh.triangles[mesh.groups == mesh.group_names.index("body")]]
    colour = draw_hair_colour(rng, 0.5, 0.3) if rng.random() < 0.7 else draw_colour(rng)
    style = Style(
        length=float(rng.uniform(0.2, 0.6)), spread=0.3, lift=0.8, comb=(0, 0, 0), weight=0.12, curl=0.0, turns=0.0,
        clump=float(rng.uniform(0, 0.5)), frizz=0.3, colour=colour, steps=6,
    )  # fmt: skip
    normals = vertex_normals(skin.rest, mesh.corner, mesh.triangles)
    return planted(
        rng, skin.rest + 0.15 * normals, normals, triangles[near[triangles].all(axis=1)], style, 9000,
        weights=skin.weights,
    )  # fmt: skip


def fluff(rng: Rng, garment: Part) -> Coat:
    """Fibres all over a garment: wool, fleece, mohair."""
    rest, normals, weights, inside = _by_corner(garment)
    triangles = garment.triangles[(inside[garment.triangles] > 0).all(axis=1)]
    style = _fibres(rng, garment, float(rng.uniform(0.05, 0.2)), 0.9, 0.05)
    return planted(rng, rest, normals, triangles, style, 12000, weights=weights)


def frayed(rng: Rng, garment: Part) -> list[Coat]:
    """Loose threads at a garment's edges; none where it has no edge."""
    corners, shares = hems(garment)
    if len(corners) == 0:
        return []
    rest, normals, weights, _ = _by_corner(garment)

    def ends(values: NDArray) -> NDArray:
        """[E, 2, C], of both ends of each piece of hem."""
        return values[corners[..., 0]] * (1 - shares[..., None]) + values[corners[..., 1]] * shares[..., None]

    long = np.linalg.norm(np.diff(ends(rest), axis=1)[:, 0], axis=1) + 1e-9
    pick, along = rng.choice(len(corners), _THREADS, p=long / long.sum()), rng.random((_THREADS, 1))

    def roots(values: NDArray) -> NDArray[np.float32]:
        first, second = np.moveaxis(ends(values)[pick], 1, 0)
        return (first * (1 - along) + second * along).astype(np.float32)

    style = _fibres(rng, garment, float(rng.uniform(0.1, 0.5)), 0.3, 1.0)
    return [Coat(roots(rest), roots(normals), style, int(rng.integers(2**31)), roots(weights))]


def hems(garment: Part) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Where a garment ends: pieces of hem, each from one point to another, and a point lies between two corners.

    Returns corners [E, 2, 2], the two of each end, and how far from the first to the second each end is [E, 2], 0 .. 1.
    """
    if not garment.surface.trimmed:
        edges = shapes.open_edges(garment.corner[garment.triangles])
        first = np.zeros(int(garment.corner.max()) + 1, np.int64)
        first[garment.corner] = np.arange(len(garment.corner))  # some corner of each position
        return np.repeat(first[edges][..., None], 2, axis=2), np.zeros((len(edges), 2))
    u = garment.uv[:, 0].astype(np.float64)
    inside = u[garment.triangles] > 0
    cut = garment.triangles[inside.any(axis=1) & ~inside.all(axis=1)]
    sides = np.stack([cut, np.roll(cut, -1, axis=1)], axis=2)  # [E, 3, 2]
    crossed = (u[sides[..., 0]] > 0) != (u[sides[..., 1]] > 0)
    corners = sides[crossed].reshape(-1, 2, 2).astype(np.int64)  # two sides of such a triangle are crossed
    start, end = u[corners[..., 0]], u[corners[..., 1]]
    return corners, start / (start - end)


def _by_corner(part: Part) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Of each corner [C]: rest position, normal, weights of the bones, and how far it is inside the trimmed part."""
    normals = vertex_normals(part.rest, part.corner, part.triangles)
    inside = part.uv[:, 0] if part.surface.trimmed else np.ones(len(part.corner))
    return part.rest[part.corner], normals[part.corner], part.weights[part.corner], inside


def _fibres(rng: Rng, garment: Part, length: float, lift: float, weight: float) -> Style:
    """Thin strands in the garment's colour; length in dm, lift and weight as in `Style`."""
    red, green, blue = garment.tint[np.unique(garment.triangles), :3].mean(axis=0) * rng.uniform(0.6, 1.2)
    return Style(
        length=length, spread=0.5, lift=lift, comb=(0, 0, 0), weight=weight, curl=0.0, turns=0.0, clump=0.2,
        frizz=float(rng.uniform(0.2, 0.8)), colour=(float(red), float(green), float(blue)), steps=5, radius=0.003,
    )  # fmt: skip


def _skin_of(person: Person) -> Part:
    return next(part for part in person.parts if part.surface.mode == SKIN)
