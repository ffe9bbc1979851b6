"""Clothes: modelled suits with textures or colours of our own, and garments cut from the base mesh's helpers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from nuke_matting.training.people.assets import BODY_VERTICES, Assets, Mesh
from nuke_matting.training.people.parts import Part, fitted_part, open_edges
from nuke_matting.training.people.render import CLOTH, Surface, vertex_normals

_SUITS = (
    "female_casualsuit01", "female_casualsuit02", "female_elegantsuit01", "female_sportsuit01", "male_casualsuit01",
    "male_casualsuit02", "male_casualsuit03", "male_casualsuit04", "male_casualsuit05", "male_casualsuit06",
    "male_elegantsuit01", "male_worksuit01",
)  # fmt: skip
_SHOES = tuple(f"shoes0{number}" for number in range(1, 7))
_BAREFOOT = 0.08
THICK, HAT = "thick", "hat"  # kinds of parts that what is worn above them asks for
Outfit = tuple[list[Part], NDArray[np.int32]]  # parts, and the body vertices they hide


Colour = tuple[float, float, float]  # scene-linear Rec.709
_USUAL = ((0.02, 0.04, 0.12), (0.08, 0.15, 0.3), (0.2, 0.14, 0.07), (0.08, 0.09, 0.03))  # navy, denim, earth, olive


def _colour(values: NDArray[np.float64]) -> Colour:
    red, green, blue = np.clip(values, 0.004, 0.85)
    return float(red), float(green), float(blue)


def draw_colour(rng: np.random.Generator) -> Colour:
    """A colour that cloth comes in, scene-linear: blacks, greys, whites, navy, denim, earth, and anything."""
    kind = rng.random()
    if kind < 0.32:
        value = rng.choice([0.015, 0.04, 0.12, 0.3, 0.6, 0.78]) * rng.uniform(0.7, 1.2)
        return _colour(value * (1 + rng.normal(0, 0.05, 3)))
    if kind < 0.5:
        return _colour(np.array(_USUAL)[rng.integers(4)]
                       * rng.uniform(0.5, 1.8))  # fmt: skip
    hue, saturation, value = rng.random(), rng.beta(2, 1.6), rng.beta(1.3, 1.6) * 0.75 + 0.02
    angles = (hue + np.array([0, 1 / 3, 2 / 3])) * 2 * np.pi
    return _colour(value * (1 - saturation * (0.5 - 0.5 * np.cos(angles))))


def _trousers_colour(rng: np.random.Generator) -> Colour:
    """As `draw_colour`, but half of them black, charcoal, navy or denim, as most trousers are."""
    if rng.random() < 0.5:
        return draw_colour(rng)
    return _colour(np.array(((0.012,) * 3, (0.04,) * 3, *_USUAL[:2])[rng.integers(4)]) * rng.uniform(0.5, 1.5))


def draw_cloth(rng: np.random.Generator, texture: str = "") -> Surface:
    """How a cloth looks: its weave, pattern, folds and sheen at random."""
    pattern = int(rng.integers(1, 9)) if rng.random() < 0.3 else 0
    sheen = rng.random() < 0.12
    second = draw_colour(rng)
    return Surface(
        CLOTH, texture, gloss=0.35 if sheen else float(rng.uniform(0.0, 0.06)), shine=30.0 if sheen else 8.0,
        pattern=pattern, second=second,
        scale=float(np.exp(rng.uniform(np.log(0.5), np.log(6.0)))), wrinkle=float(rng.uniform(0.1, 0.6)),
    )  # fmt: skip


def diffuse_of(assets: Assets, folder: str) -> str:
    """Path of the diffuse texture in `folder` of the textures, or "" where there is none."""
    found = sorted((assets.textures / folder).glob("*diffuse*"))
    return str(found[0].relative_to(assets.textures)) if found else ""


def draw_outfit(assets: Assets, rng: np.random.Generator, vertices: NDArray, weights: NDArray, female: bool) -> Outfit:
    """Clothes at random on a body, mostly with shoes; vertices [V, 3] and weights [V, B] of the base mesh, at rest."""
    kind = rng.random()
    if kind < 0.48:
        own = [s for s in _SUITS if s.startswith("female") == female] if rng.random() < 0.85 else list(_SUITS)
        parts, hidden = _suit(assets, rng, str(rng.choice(own)), vertices, weights)
    elif kind < 0.62:
        parts, hidden = thick_clothes(assets, rng, vertices, weights)
    else:
        parts, hidden = _cut_clothes(assets, rng, vertices, weights, female)
    if rng.random() < _BAREFOOT:
        return parts, hidden
    shoes, under = _suit(assets, rng, str(rng.choice(_SHOES)), vertices, weights)
    return parts + shoes, np.union1d(hidden, under)


def _suit(assets: Assets, rng: np.random.Generator, name: str, vertices: NDArray, weights: NDArray) -> Outfit:
    """A modelled garment; each of its separate pieces keeps its texture or takes a colour of its own."""
    mesh = assets.mesh(f"clothes/{name}/{name}.obj")
    fitting = assets.fitting(f"clothes/{name}/{name}.mhclo")
    texture = diffuse_of(assets, f"clothes/{name}")
    piece = _pieces(assets, name)
    pieces = int(piece.max()) + 1
    tint = np.ones((len(mesh.corner), 4), np.float32)
    keep_all = texture and rng.random() < 0.25
    colours = [draw_colour(rng) for _ in range(min(pieces, 6))]
    pair = 2 if name.startswith("shoes") else 1  # a left one and a right one look alike
    for index in range(0, pieces, pair):
        own = index == 0 or rng.random() < 0.7
        colour = colours[index // pair % len(colours)] if own else colours[0]
        rows = piece // pair == index // pair
        if keep_all or (texture and rng.random() < 0.25):
            tint[rows] = (*rng.uniform(0.75, 1.2, 3), 0.0)
        else:
            tint[rows] = (*colour, 1.0)
    surface = draw_cloth(rng, texture)
    if name.startswith("shoes"):
        surface = replace(surface, pattern=0, wrinkle=0.05, gloss=0.15, shine=40.0)
    return [fitted_part(mesh, fitting, vertices, weights, tint, surface)], fitting.hidden


@cache
def _pieces(assets: Assets, name: str) -> NDArray[np.int32]:
    """[C] which connected piece of a garment each corner is in, the largest first."""
    mesh = assets.mesh(f"clothes/{name}/{name}.obj")
    rows = mesh.corner[mesh.triangles]
    count = len(mesh.positions)
    edges = coo_matrix(
        (np.ones(len(rows) * 2), (np.r_[rows[:, 0], rows[:, 0]], np.r_[rows[:, 1], rows[:, 2]])), (count, count)
    )
    _, label = connected_components(edges, directed=False)
    order = np.argsort(-np.bincount(label))
    return np.argsort(order)[label].astype(np.int32)[mesh.corner]


def _cut_clothes(assets: Assets, rng: np.random.Generator, vertices: NDArray, weights: NDArray, female: bool) -> Outfit:
    """A top and trousers, shorts, a skirt or a dress, cut from the helper geometry around the body."""
    sleeve = float(rng.choice([0.06, 0.4, 0.55, WRIST], p=[0.1, 0.3, 0.15, 0.45]))
    waist = float(rng.uniform(0.5, 1.5))
    shirt = waist - float(rng.uniform(0.2, 1.6)) if rng.random() < 0.85 else waist + 0.4
    hem = float(rng.choice([-3.2, -4.5, -7.4], p=[0.3, 0.1, 0.6]) + rng.uniform(-0.3, 0.3))
    neck = float(rng.uniform(5.75, 6.3)) if rng.random() < 0.85 else 5.1
    if female and rng.random() < 0.06:  # as on a beach
        sleeve, neck, shirt = 0.06, 5.1, float(rng.uniform(3.2, 4.2))
    bare = not female and rng.random() < 0.1
    deep = float(rng.uniform(0.2, 1.3)) if rng.random() < 0.5 else 0.0
    steep = float(rng.uniform(0.8, 3.0))

    def top(p: NDArray, reach: NDArray) -> NDArray:
        front = np.where(p[:, 2] > 0, np.maximum(deep - steep * np.abs(p[:, 0]), 0.0), 0.0)
        return np.minimum.reduce([(sleeve - reach) * 3, p[:, 1] - shirt, neck - front - p[:, 1]])

    parts, hidden = [], []
    loose = float(rng.uniform(0.03, 0.25))
    surfaces, colours = (draw_cloth(rng), draw_cloth(rng)), (draw_colour(rng), _trousers_colour(rng))
    skirt = female and rng.random() < 0.4
    if rng.random() < (0.4 if skirt else 0.12):  # a dress, an overall
        surfaces, colours = surfaces[:1] * 2, colours[:1] * 2
    if skirt:
        length = float(rng.uniform(-6.8, -1.5))
        parts.append(_shell(assets, "helper-skirt", _skirt(length), vertices, weights, 0.04, colours[1], surfaces[1]))
        hem = -1.2  # a slip below the skirt
    pieces = [(_legs(waist, hem), 1, 0.02 + loose * 0.4)]
    if not bare:
        pieces.append((top, 0, 0.05 + loose))
    for cut, which, out in pieces:
        parts.append(_shell(assets, "helper-tights", cut, vertices, weights, out, colours[which], surfaces[which]))
        hidden.append(_below(assets, cut(*_tight_places(assets)) > 0))
    return parts, np.concatenate(hidden)


def thick_clothes(assets: Assets, rng: np.random.Generator, vertices: NDArray, weights: NDArray) -> Outfit:
    """A padded jacket or coat over trousers, or an overall of one piece, as wide as people wear for work and weather.

    Nothing of a body's shape shows under them, and many are of colours that nobody wears otherwise.
    """
    thick = float(np.exp(rng.uniform(np.log(0.3), np.log(1.2))))
    waist = float(rng.uniform(0.5, 1.5))
    overall = rng.random() < 0.45
    shirt = waist - float(rng.uniform(0.3, 1.2) if rng.random() < 0.6 else rng.uniform(1.5, 4.5))
    hem, neck = float(rng.uniform(-7.7, -6.9)), float(rng.uniform(5.8, 6.3))
    sleeve = WRIST + float(rng.uniform(-0.08, 0.03))
    places, reach = _tight_places(assets)
    down = np.where(reach > 0.1, np.abs(places[:, 0]), places[:, 1])  # along arms, along the trunk and the legs
    seams = np.abs(np.sin(down * np.pi / rng.uniform(0.5, 1.8))) ** 0.5 if rng.random() < 0.6 else 1.0
    lumps = sum(np.sin(places @ rng.normal(0, 1.6, 3) + rng.uniform(0, 6.3)) for _ in range(5)) / 5
    padding = thick * np.clip(0.75 + 0.25 * seams + 0.45 * lumps, 0.15, 1.6)

    def top(p: NDArray, reach: NDArray) -> NDArray:
        return np.minimum.reduce([(sleeve - reach) * 3, p[:, 1] - (hem if overall else shirt), neck - p[:, 1]])

    colour, surface = bright_colour(rng) if rng.random() < 0.6 else draw_colour(rng), draw_cloth(rng)
    padding = padding * np.interp(places[:, 1], (5.2, 6.0), (1.0, 0.4))  # collars leave the face free
    pieces: list[tuple[Cut, NDArray, Colour, Surface]] = [(top, padding, colour, surface)]
    if not overall:
        thinner = padding * rng.uniform(0.2, 0.9)
        pieces.insert(0, (_legs(waist, hem), thinner, _trousers_colour(rng), draw_cloth(rng)))
    parts = [
        _shell(assets, "helper-tights", cut, vertices, weights, out + 0.02, cloth, look)
        for cut, out, cloth, look in pieces
    ]
    if not overall and shirt < waist - 1.5:  # a coat, which is one around both legs
        parts.append(
            _shell(assets, "helper-skirt", _skirt(shirt), vertices, weights, padding * 0.7 + 0.05, colour, surface)
        )
    parts = [replace(part, kind=THICK) for part in parts]
    return parts, np.concatenate([_below(assets, cut(places, reach) > 0) for cut, *_ in pieces])


def bright_colour(rng: np.random.Generator) -> Colour:
    """Of what is made to be seen: oranges, reds and yellows mostly, scene-linear."""
    hue = rng.normal(0.06, 0.05) if rng.random() < 0.7 else rng.random()
    rgb = np.clip(np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)  # of full saturation
    return _colour(float(rng.uniform(0.15, 0.8)) * (0.02 + rgb**2.2 * rng.uniform(0.7, 1)))


WRIST = 1.12  # how far down the arm it is, as cuts have it
Cut = Callable[[NDArray, NDArray], NDArray]  # rest position, reach -> how far inside the cut


def _legs(waist: float, hem: float) -> Cut:
    """Trousers or shorts, between two heights."""
    return lambda p, reach: np.minimum.reduce([0.5 - reach * 20, waist - p[:, 1], p[:, 1] - hem])


def _skirt(hem: float) -> Cut:
    """A skirt, or what of a coat is around both legs, down to a height."""
    return lambda p, reach: p[:, 1] - hem


@cache
def _group(assets: Assets, name: str) -> Mesh:
    return assets.base.only(assets.base.groups == assets.base.group_names.index(name))


@cache
def _tight_places(assets: Assets) -> tuple[NDArray, NDArray]:
    """Of every base vertex: rest position, and how far down the arm it is (0 not on it, WRIST)."""
    p = assets.base.positions
    arm = [name for name in assets.weights if name.startswith(("upperarm", "lowerarm", "hand"))]
    on_arm = np.zeros(len(p))
    for name in arm:
        pairs = np.asarray(assets.weights[name])
        on_arm[pairs[:, 0].astype(int)] += pairs[:, 1]
    outward = (np.abs(p[:, 0]) - 1.68) / (4.31 - 1.68)  # shoulder to wrist in the rest pose
    reach = np.clip(outward + WRIST - 1, 0.0, 2.0) * np.clip(on_arm * 1.5, 0, 1)
    return p, reach


def _shell(
    assets: Assets, group: str, cut: Cut, vertices, weights, out: float | NDArray, colour: Colour, surface: Surface
) -> Part:
    """A helper group where `cut` is above 0, pushed outward by `out` dm, of each base vertex [V] or of all; u holds the
    cut, to trim by."""
    mesh = _group(assets, group)
    inside = cut(*_tight_places(assets))
    triangles = mesh.triangles[(inside[mesh.corner[mesh.triangles]] > 0).any(axis=1)]
    normals = vertex_normals(vertices, mesh.corner, mesh.triangles)
    rows, index = np.unique(mesh.corner[triangles], return_inverse=True)
    tint = np.tile(np.asarray([*colour, 1.0], np.float32), (len(rows), 1))
    uv = np.stack([inside[rows], np.zeros(len(rows))], axis=1).astype(np.float32)
    out = np.broadcast_to(out, len(vertices))[rows, None]
    rest = (vertices[rows] + normals[rows] * out).astype(np.float32)
    corner = np.arange(len(rows), dtype=np.int32)
    return Part(
        rest, weights[rows], corner, uv, index.reshape(-1, 3).astype(np.int32), tint, replace(surface, trimmed=True)
    )


@cache
def _nearest_tights(assets: Assets) -> tuple[NDArray, NDArray]:
    """For every body vertex the nearest vertex of the tights, and its distance."""
    rows = assets.groups["helper-tights"]
    distance, index = cKDTree(assets.base.positions[rows]).query(assets.base.positions[:BODY_VERTICES])
    return rows[index], distance


def _below(assets: Assets, kept: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Body vertices well inside a garment: their tights vertex and all its neighbours are kept. kept : [V].

    Where the tights themselves end, at the neck, hands and feet, is no inside: chins are near.
    """
    mesh = _group(assets, "helper-tights")
    rows = mesh.corner[mesh.triangles]
    edge = np.zeros(len(kept), bool)
    edge[rows[~kept[rows].all(axis=1)].reshape(-1)] = True
    edge[open_edges(rows)] = True
    nearest, distance = _nearest_tights(assets)
    return np.flatnonzero(kept[nearest] & ~edge[nearest] & (distance < 1.0)).astype(np.int32)
