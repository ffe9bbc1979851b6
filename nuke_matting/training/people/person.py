"""Somebody from a random generator: body, skin, eyes, clothes, hair, and what they wear and hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nuke_matting.opencv import blurred
from nuke_matting.training.people.accessories import draw_beanie, draw_glasses
from nuke_matting.training.people.assets import BODY_VERTICES, Assets
from nuke_matting.training.people.body import Body, draw_body, shape_body
from nuke_matting.training.people.clothes import HAT, draw_colour, draw_outfit
from nuke_matting.training.people.held import Held, draw_held
from nuke_matting.training.people.parts import Part, fitted_part
from nuke_matting.training.people.pose import Skeleton, skeleton_of, skin_weights
from nuke_matting.training.people.render import CARD, CLOTH, EYE, PLAIN, SKIN, Surface, vertex_normals
from nuke_matting.training.people.strands import Style, draw_hair_colour, draw_style, scatter

_CARDS = ("bob02", "long01", "ponytail01", "short01", "short02", "short03", "short04")
_HOLDING = 0.06  # share of people with something in a hand
_SKINS = {  # texture: female, young, dark
    "creamy_female_diffuse.jpg": (1, 1, 0.35), "darthfurby_caucasian_female.jpg": (1, 1, 0.0),
    "middleage_eurasian_female_diffuse.jpg": (1, 0.5, 0.1), "old_eurasian_female_diffuse.jpg": (1, 0, 0.1),
    "old_eurasian_male_diffuse.jpg": (0, 0, 0.1), "skin_male_african_middleage.jpg": (0, 0.5, 1.0),
    "young_eurasian_female_diffuse.jpg": (1, 1, 0.1), "young_lightskinned_female_diffuse_Bronze.jpg": (1, 1, 0.3),
}  # fmt: skip


@dataclass(frozen=True)
class Coat:
    """Strands that wait for a pose: roots and normals [N, 3] in the rest pose, their style and their own seed.

    weights : [N, B] of the bones that the roots follow; None for hair, which follows the head.
    """

    roots: NDArray[np.float32]
    normals: NDArray[np.float32]
    style: Style
    seed: int
    weights: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Person:
    """Somebody in the rest pose. headspace : centre and radii [6] of the skull in the rest pose. held : in a hand."""

    body: Body
    skeleton: Skeleton
    parts: tuple[Part, ...]
    coats: tuple[Coat, ...]
    headspace: NDArray[np.float32]
    height: float
    held: Held | None = None


@cache
def _weights(assets: Assets, names: tuple[str, ...]) -> NDArray[np.float32]:
    return skin_weights(assets, names)


@cache
def _scalp(assets: Assets) -> NDArray[np.float32]:
    """[V] how much hair grows on each base vertex, read from the shaved scalp of a skin texture."""
    picture = assets.texture("skins/creamy_female_diffuse.jpg")[..., :3].astype(np.float32).mean(axis=2)
    picture = blurred(picture, 6)
    base = assets.base
    side = picture.shape[0]
    pixel = np.clip((base.uv * side).astype(int), 0, side - 1)
    dark = np.zeros(len(base.positions), np.float32)
    inside = (base.uv[:, 0] > 0.63) & (base.uv[:, 1] > 0.14)
    dark[base.corner[inside]] = np.clip((118 - picture[pixel[inside, 1], pixel[inside, 0]]) / 14, 0, 1)
    p = base.positions
    dark[(p[:, 1] < 6.75) | (np.arange(len(p)) >= BODY_VERTICES) | ((p[:, 1] < 7.75) & (p[:, 2] > 0.75))] = 0
    return dark


@cache
def _chin(assets: Assets) -> NDArray[np.float32]:
    """[V] how much beard grows on each base vertex."""
    p = assets.base.positions
    mouth = p[assets.groups["joint-mouth"]].mean(axis=0)
    grown = np.zeros(len(p), np.float32)
    low = (p[:, 1] < mouth[1] + 0.14 - 0.25 * np.abs(p[:, 0])) & (p[:, 1] > mouth[1] - 0.75) & (p[:, 2] > 0.35)
    cheeks = (
        (p[:, 1] < mouth[1] - 0.05 + 1.2 * (np.abs(p[:, 0]) - 0.5))
        & (p[:, 1] > mouth[1] - 0.75)
        & (np.abs(p[:, 0]) > 0.5)
        & (p[:, 2] > 0.1)
    )
    lips = ((p[:, 0] / 0.34) ** 2 + ((p[:, 1] - mouth[1]) / 0.14) ** 2) < 1
    head = np.zeros(len(p), bool)
    head[np.asarray(assets.weights["head"])[:, 0].astype(int)] = True
    grown[(low | cheeks) & ~lips & head & (np.arange(len(p)) < BODY_VERTICES)] = 1
    return np.where(_scalp(assets) > 0.5, 0, grown).astype(np.float32)


def draw_person(
    assets: Assets, rng: np.random.Generator, hair: str = "", face: Mapping[str, float] | None = None
) -> Person:
    """Somebody at random. hair : ``strands``, ``cards`` or ``none``; "" draws that too.

    face : weights of expression targets in place of the drawn ones.
    """
    body = draw_body(rng, assets.target_names)
    if face is not None:
        kept = {name: weight for name, weight in body.details.items() if not name.startswith("expression/")}
        body = replace(body, details={**kept, **face})
    vertices = shape_body(assets, body)
    skeleton = skeleton_of(assets, vertices)
    weights = _weights(assets, skeleton.names)
    female = body.gender < 0.5
    hidden = np.zeros(len(vertices), bool)
    clothes, covered = draw_outfit(assets, rng, vertices, weights, female)
    hidden[covered] = True
    dark = float(np.clip(body.race[0] * 1.1 + 0.25 * body.race[1], 0, 1))
    hair_colour = draw_hair_colour(rng, body.age, max(body.race[0], body.race[1]))
    kind = hair or str(rng.choice(["strands", "cards", "none"], p=[0.6, 0.37, 0.03] if female else [0.6, 0.28, 0.12]))
    hat = "fedora" if rng.random() < 0.06 else "beanie" if rng.random() < 0.06 else ""
    beard_length = 0.0
    if not female and body.age > 0.42 and rng.random() < 0.38:
        beard_length = float(rng.choice([0.05, 0.12, 0.3, 0.6], p=[0.3, 0.35, 0.25, 0.1]))
    pieces = [*clothes, _skin(assets, rng, body, vertices, weights, hidden, hair_colour, kind, dark, beard_length > 0)]
    pieces += _eyes(assets, rng, vertices, weights, dark)
    pieces += _face_cards(assets, rng, vertices, weights, hair_colour)
    coats = []
    rows = _scalp(assets) > 0.5
    skull = vertices[rows]
    centre = (skull.max(0) + skull.min(0)) / 2
    headspace = np.concatenate([centre, (skull.max(0) - skull.min(0)) / 2 * 1.0]).astype(np.float32)
    if kind == "strands":
        style = draw_style(rng, female, hair_colour, 0.05 + 0.75 * body.race[0])
        if hat:
            style = (
                draw_style(rng, True, hair_colour, 0.0)
                if female
                else Style(0.3, 0.3, 0.2, (0, 0, -0.3), 0.3, 0, 0, 0.2, 0.1, hair_colour, 7)
            )
        grown = _scalp(assets) * ((assets.base.positions[:, 1] < 7.6) if hat else 1.0)
        coats.append(_coat(assets, rng, vertices, grown, style, _strands_of(style)))
    elif kind == "cards" and not hat:
        pieces.append(_hair_cards(assets, rng, vertices, weights, hair_colour, female))
    if beard_length:
        beard = Style(beard_length, 0.3, 0.5, (0, -0.7, 0.2), 0.35, 0.0, 0.0, 0.3, 0.2, hair_colour, 6, 0.0045)
        coats.append(_coat(assets, rng, vertices, _chin(assets), beard, 9000))
    bones = skeleton.names
    if hat == "fedora":
        mesh, fitting = assets.mesh("clothes/fedora01/fedora.obj"), assets.fitting("clothes/fedora01/fedora.mhclo")
        colour = draw_colour(rng)
        felt = Surface(CLOTH, wrinkle=0.05)
        pieces.append(replace(fitted_part(mesh, fitting, vertices, weights, np.array([*colour, 1.0]), felt), kind=HAT))
    elif hat:
        pieces.append(replace(draw_beanie(assets, rng, vertices, weights), kind=HAT))
    if rng.random() < 0.2:
        pieces += draw_glasses(assets, rng, vertices, bones)
    held = draw_held(rng.spawn(1)[0], skeleton) if rng.random() < _HOLDING else None
    height = float(vertices[:BODY_VERTICES, 1].max() - vertices[:BODY_VERTICES, 1].min())
    return Person(body, skeleton, tuple(pieces), tuple(coats), headspace, height, held)


def _strands_of(style: Style) -> int:
    """How many strands a head has: fewer long ones, and fewer of many points."""
    return int(np.clip(17000 * style.length**-0.3, 11000, 20000) * min(1.0, 16 / style.steps))


def speaking(assets: Assets, person: Person, share: float) -> Person:
    """The person with the mouth open by a share of what it can, 0 .. 1."""
    name = "expression/units/caucasian/mouth-open"
    vertices, moves = assets.target(name)
    moved = np.zeros_like(assets.base.positions)
    moved[vertices] = moves * share * max(0.0, 0.8 - person.body.details.get(name, 0.0))
    parts = [replace(each, rest=each.rest + moved) if len(each.rest) == len(moved) else each for each in person.parts]
    skin = next(each for each in person.parts if each.surface.mode == SKIN)
    near = cKDTree(skin.rest[vertices])

    def follow(coat: Coat) -> Coat:
        away, which = near.query(coat.roots)
        return replace(coat, roots=coat.roots + moved[vertices[which]] * (away < 0.1)[:, None])

    return replace(person, parts=tuple(parts), coats=tuple(follow(each) for each in person.coats))


def _skin(assets, rng, body: Body, vertices, weights, hidden, hair_colour, kind: str, dark: float, beard: bool) -> Part:
    """The body's visible skin, its texture chosen by who it is, its tone drawn."""
    young = 1 - np.clip((body.age - 0.5) * 2, 0, 1)
    names = list(_SKINS)
    fit = np.array(
        [abs(f - (1 - body.gender)) * 0.5 + abs(y - young) + 1.3 * abs(d - dark) for f, y, d in _SKINS.values()]
    )
    chance = np.exp(-3.0 * fit)
    name = names[int(rng.choice(len(names), p=chance / chance.sum()))]
    already = _SKINS[name][2]
    depth = max(0.0, dark + rng.normal(0, 0.12) - already)
    tone = np.array([1.0, 1.0, 1.0]) * (1 - depth) + np.array([0.30, 0.20, 0.14]) * depth
    tone = tone * np.exp(rng.normal(0, 0.12)) * (1 + rng.normal(0, 0.04, 3))
    mesh = assets.base
    keep = (mesh.groups == mesh.group_names.index("body")) & ~hidden[mesh.corner[mesh.triangles]].all(axis=1)
    tint = np.empty((len(mesh.corner), 4), np.float32)
    tint[:, :3] = np.clip(tone, 0.02, 1.3)
    cover = {"strands": 0.85, "cards": 0.8, "none": 0.6 * rng.random()}[kind]
    tint[:, 3] = np.maximum(_scalp(assets) * cover, _chin(assets) * (0.45 if beard else 0.0))[mesh.corner]
    surface = Surface(
        SKIN,
        f"skins/{name}",
        gloss=float(rng.uniform(0.1, 0.4)),
        shine=float(rng.uniform(12, 40)),
        hair_colour=hair_colour,
    )
    triangles = mesh.triangles[keep]
    return Part(vertices, weights, mesh.corner, mesh.uv, triangles, tint, surface)


def _eyes(assets, rng, vertices, weights, dark: float) -> list[Part]:
    """Two eyeballs whose tint holds the direction from their centre, turned by the gaze."""
    mesh = assets.base
    turn = (rng.normal(0, 0.12), rng.normal(0.0, 0.06))
    colours = ((0.05, 0.022, 0.010), (0.10, 0.05, 0.02), (0.10, 0.16, 0.25), (0.10, 0.14, 0.06), (0.2, 0.22, 0.23))
    chance = np.array([2 + 20 * dark, 2, 1.2, 0.8, 0.5])
    colour = colours[int(rng.choice(5, p=chance / chance.sum()))]
    cy, sy, cx, sx = np.cos(turn[0]), np.sin(turn[0]), np.cos(turn[1]), np.sin(turn[1])
    look_at = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    parts = []
    for group in ("helper-l-eye", "helper-r-eye"):
        rows = assets.groups[group]
        centre = (vertices[rows].max(0) + vertices[rows].min(0)) / 2
        part = mesh.groups == mesh.group_names.index(group)
        tint = np.zeros((len(mesh.corner), 4), np.float32)
        tint[:, :3] = (vertices - centre)[mesh.corner] @ look_at
        surface = Surface(EYE, gloss=0.25, shine=60.0, iris_size=0.47, iris_colour=colour)
        parts.append(Part(vertices, weights, mesh.corner, mesh.uv, mesh.triangles[part], tint, surface))
    for group in ("helper-upper-teeth", "helper-lower-teeth"):
        part = mesh.groups == mesh.group_names.index(group)
        tint = np.tile(np.array([0.6, 0.55, 0.45, 0], np.float32), (len(mesh.corner), 1))
        parts.append(
            Part(vertices, weights, mesh.corner, mesh.uv, mesh.triangles[part], tint, Surface(PLAIN, gloss=0.2))
        )
    return parts


def _face_cards(assets, rng, vertices, weights, hair_colour) -> list[Part]:
    """Brows and lashes."""
    parts = []
    brow, lash = f"eyebrow{rng.integers(1, 13):03d}", f"eyelashes{rng.integers(1, 5):02d}"
    colour = np.asarray(hair_colour) * 0.6
    for kind, name, tint in (("eyebrows", brow, colour), ("eyelashes", lash, np.full(3, 0.01))):
        mesh, fitting = assets.mesh(f"{kind}/{name}/{name}.obj"), assets.fitting(f"{kind}/{name}/{name}.mhclo")
        parts.append(
            fitted_part(
                mesh, fitting, vertices, weights, np.array([*tint, 1.0]), Surface(CARD, f"{kind}/{name}/{name}.png")
            )
        )
    return parts


def _hair_cards(assets, rng, vertices, weights, hair_colour, female: bool) -> Part:
    names = [n for n in _CARDS if female or n.startswith("short") or rng.random() < 0.15]
    name = str(rng.choice(names))
    mesh, fitting = assets.mesh(f"hair/{name}/{name}.obj"), assets.fitting(f"hair/{name}/{name}.mhclo")
    own = 0.0 if rng.random() < 0.25 else 1.0
    tint = (*(hair_colour if own else rng.uniform(0.7, 1.3, 3)), own)
    surface = Surface(CARD, f"hair/{name}/{name}_diffuse.webp", gloss=float(rng.uniform(0.02, 0.1)), shine=25.0)
    return fitted_part(mesh, fitting, vertices, weights, np.array(tint), surface)


def _coat(assets, rng, vertices, grown, style: Style, count: int) -> Coat:
    """Roots of strands on the base mesh where `grown` [V] says."""
    mesh = assets.base
    body = mesh.groups == mesh.group_names.index("body")
    triangles = mesh.corner[mesh.triangles[body]]
    share = grown[triangles].mean(axis=1)
    triangles, share = triangles[share > 0.05], share[share > 0.05]
    normals = vertex_normals(vertices, mesh.corner, mesh.triangles)
    return planted(rng, vertices, normals, triangles, style, count, share)


def planted(
    rng: np.random.Generator,
    rest: NDArray,
    normals: NDArray,
    triangles: NDArray,
    style: Style,
    count: int,
    share: NDArray | None = None,
    weights: NDArray | None = None,
) -> Coat:
    """A coat with roots at random on triangles [T, 3] of rest positions [V, 3], whose normals are [V, 3].

    share : [T] how densely, as `scatter` has it. weights : [V, B] of the bones; None for hair.
    """
    pick, place = scatter(rest, triangles, count, rng, share)
    held = triangles[pick]

    def at(values: NDArray) -> NDArray[np.float32]:
        return np.einsum("nk,nkc->nc", place, values[held]).astype(np.float32)

    facing = at(normals)
    facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-9)
    bones = None if weights is None else at(weights)
    return Coat(at(rest), facing, style, int(rng.integers(2**31)), bones)
