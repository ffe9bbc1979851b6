"""What people wear on the head and about the neck: hoods, helmets, hard hats, headscarves, scarves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.people import parts as shapes
from nuke_matting.training.people.assets import BODY_VERTICES
from nuke_matting.training.people.clothes import HAT, bright_colour, draw_cloth, draw_colour
from nuke_matting.training.people.layers import SILVER, Colour, Face, cover, grid, hung, joint, part_of, skin_of
from nuke_matting.training.people.parts import Part
from nuke_matting.training.people.person import Person
from nuke_matting.training.people.render import CARD, CLOTH, PLAIN, Surface

Rng = np.random.Generator
_VISORS = ((0.01, 0.01, 0.012), (0.25, 0.14, 0.03), (0.02, 0.03, 0.06), (0.12, 0.12, 0.13))


def without_hair(person: Person, face: Face, covered: str) -> Person:
    """Without the hair and the hat that a cover would be full of; beards stay, and hair below what covers the top."""
    if not covered:
        return person
    parts = [p for p in person.parts if not (p.surface.mode == CARD and p.surface.texture.startswith("hair/"))]
    parts = [part for part in parts if part.kind != HAT]
    coats = []
    for coat in person.coats:
        high = coat.roots[:, 1]
        if coat.weights is not None or high.mean() < face.mouth + 0.1:
            coats.append(coat)
        elif covered == "top":
            low = high < face.eyes + 0.25
            coats.append(replace(coat, roots=coat.roots[low], normals=coat.normals[low]))
    return replace(person, parts=tuple(parts), coats=tuple(coat for coat in coats if len(coat.roots)))


def hood(rng: Rng, person: Person, face: Face, colour: Colour) -> Part:
    """Drawn over the head and closed at the neck: the face shows, or the eyes alone."""
    masked = rng.random() < 0.25
    high = face.eyes + float(rng.uniform(0.25, 0.6))
    low = face.eyes - 0.25 if masked else face.chin + float(rng.uniform(-0.15, 0.1))
    cut = _around_face(face, low, high, face.wide * float(rng.uniform(0.7, 1.05)))
    out = float(rng.uniform(0.05, 0.12) if masked else rng.uniform(0.08, 0.35))
    return cover(person, face, joint(person, "neck_01")[1] - 0.3, out, not masked, cut, colour, draw_cloth(rng))


def headscarf(rng: Rng, person: Person, face: Face) -> Part:
    """Around head, neck and shoulders, the face left free."""
    cut = _around_face(
        face, face.chin + float(rng.uniform(-0.12, 0.02)), face.eyes + float(rng.uniform(0.3, 0.55)),
        face.wide * float(rng.uniform(0.75, 0.95)),
    )  # fmt: skip
    low = joint(person, "neck_01")[1] - float(rng.uniform(0.3, 1.6))
    slant = float(rng.normal(0, 0.3))

    def hem(rest: NDArray) -> NDArray:
        return np.minimum(cut(rest), rest[:, 1] - low - 0.25 + slant * rest[:, 0] - 0.2 * rest[:, 2])

    colour = draw_colour(rng)
    return cover(person, face, low, float(rng.uniform(0.06, 0.14)), True, hem, colour, draw_cloth(rng))


def _around_face(face: Face, low: float, high: float, half: float):
    """A cut that leaves an oval of the face free."""

    def cut(rest: NDArray) -> NDArray:
        middle, tall = (low + high) / 2, (high - low) / 2
        far = np.hypot(rest[:, 0] / half, (rest[:, 1] - middle) / tall)
        return np.where(rest[:, 2] > face.middle[2] - 0.1, far - 1, 1)

    return cut


def helmet(rng: Rng, person: Person, face: Face, space: bool) -> list[Part | None]:
    """Around the whole head, with a visor or open in front; of an astronaut, a large one on a ring."""
    radii = (face.high - face.low) / 2 * 1.08 + float(rng.uniform(0.15, 0.35))
    if space:
        radii = np.full(3, radii.max() * float(rng.uniform(1.05, 1.3)))
    middle = face.middle + np.array([0, 0.03, 0.0 if space else 0.03])
    half, tall = float(rng.uniform(0.75, 1.25)), float(rng.uniform(0.4, 0.75))
    up = float(rng.uniform(0.0, 0.2))

    def window(rest: NDArray) -> NDArray:
        local = (rest - middle) / radii
        turn, high = np.arctan2(local[:, 0], local[:, 2]), local[:, 1] - up + 0.1
        return (1 - ((turn / half) ** 4 + (high / tall) ** 4) ** 0.25) * np.where(np.abs(turn) < 2, 1, 5)

    colour = (0.75, 0.75, 0.74) if space and rng.random() < 0.7 else draw_colour(rng)
    hull = Surface(PLAIN, gloss=float(rng.uniform(0.1, 0.7)), shine=float(rng.uniform(15, 80)))
    low = middle[1] - radii[1] * (0.93 if space else 0.8)
    found: list[Part | None] = [
        _dome(person, middle, radii, lambda at: np.minimum(-window(at), at[:, 1] - low), colour, hull)
    ]
    if space or rng.random() < 0.55:
        glass = _VISORS[rng.integers(len(_VISORS))]
        surface = Surface(PLAIN, gloss=0.95, shine=90.0)
        found.append(_dome(person, middle, radii * 0.99, lambda at: window(at) + 0.06, glass, surface))
    if space:
        ring = np.stack([np.sin(np.arange(32) / 16 * np.pi), np.zeros(32), np.cos(np.arange(32) / 16 * np.pi)], 1)
        thick = float(rng.uniform(0.1, 0.22))
        points, rows = shapes.tube(ring * radii * 0.62 + middle - (0, radii[1] * 0.8, 0), thick, True, 8)
        tone = SILVER if rng.random() < 0.5 else draw_colour(rng)
        found.append(_fixed(person, points, rows, tone, Surface(PLAIN, gloss=0.5, shine=40.0), "neck_01"))
    return found


def hard_hat(rng: Rng, person: Person, face: Face) -> list[Part | None]:
    """A shell on the crown with a brim: of builders, cyclists, climbers."""
    brow = face.eyes + float(rng.uniform(0.35, 0.55))
    middle = np.array([0.0, brow, person.headspace[2] + 0.02])
    radii = np.array([face.wide, face.high[1] - brow, person.headspace[5]]) + float(rng.uniform(0.12, 0.22))
    colour = bright_colour(rng) if rng.random() < 0.6 else draw_colour(rng)
    hull = Surface(PLAIN, gloss=float(rng.uniform(0.1, 0.5)), shine=30.0)
    found: list[Part | None] = [_dome(person, middle, radii, lambda at: at[:, 1] - brow, colour, hull)]
    angle = np.arange(40) / 20 * np.pi
    ring = np.stack([np.sin(angle) * radii[0], 0 * angle, np.cos(angle) * radii[2]], 1)
    brim = 1 + rng.uniform(0.03, 0.1) + rng.uniform(0.1, 0.35) * np.maximum(np.cos(angle), 0)[:, None] ** 2
    rows = [ring * 0.98, ring * brim - (0, 0.08, 0), ring * brim - (0, 0.12, 0), ring * 0.98 - (0, 0.06, 0)]
    points = np.concatenate(rows) + middle
    found.append(_fixed(person, points, grid(4, 40), colour, hull, "head"))
    return found


def _dome(person: Person, middle: NDArray, radii: NDArray, cut, colour: Colour, surface: Surface) -> Part:
    """What of an ellipsoid fixed to the head is inside a cut of its positions."""
    down, turn = np.meshgrid(np.linspace(0.001, np.pi - 0.001, 25), np.arange(48) / 24 * np.pi, indexing="ij")
    way = np.stack([np.sin(down) * np.sin(turn), np.cos(down), np.sin(down) * np.cos(turn)], -1).reshape(-1, 3)
    rest = middle + way * radii
    weights = np.zeros((len(rest), len(person.skeleton.names)), np.float32)
    weights[:, person.skeleton.index("head")] = 1
    uv = np.stack([cut(rest), np.zeros(len(rest))], 1)
    return part_of(rest, weights, grid(25, 48), uv, colour, replace(surface, trimmed=True))


def _fixed(person: Person, points: NDArray, rows: NDArray, colour: Colour, surface: Surface, bone: str) -> Part:
    skeleton = person.skeleton
    return shapes.rigid_part(points, rows, skeleton.index(bone), len(skeleton.names), colour, surface)


def scarf(rng: Rng, person: Person, face: Face) -> list[Part | None]:
    """Wound about the neck, with an end that hangs down in front or none."""
    neck, thick = joint(person, "neck_01"), float(rng.uniform(0.15, 0.26))
    skin = skin_of(person).rest[:BODY_VERTICES]
    colour, surface = draw_colour(rng), draw_cloth(rng)
    angle = np.arange(40) / 20 * np.pi
    found: list[Part | None] = []
    for turn in range(int(rng.integers(1, 3))):
        high = min(neck[1] + 0.2 + 0.8 * thick * turn, face.chin - 0.12)
        near = skin[(np.abs(skin[:, 1] - high) < 0.12) & (np.abs(skin[:, 0]) < 0.75)] - (0, 0, neck[2])
        wide = float(np.percentile(np.hypot(near[:, 0], near[:, 2]), 60)) if len(near) else 0.6
        lumps = 1 + 0.08 * np.sin(angle * rng.integers(2, 6) + rng.uniform(0, 6))
        reach = (wide + thick * 0.75) * lumps
        lean = 0.12 * np.cos(angle) + rng.normal(0, 0.06) * np.sin(angle + rng.uniform(0, 6))
        ring = np.stack([np.sin(angle) * reach, high - lean, np.cos(angle) * reach * 1.05 + neck[2]], 1)
        points, rows = shapes.tube(ring, thick, True, 10)
        found.append(part_of(points, hung(person, points), rows, np.zeros((len(points), 2)), colour, surface))
    if rng.random() < 0.5:
        found += [_scarf_end(rng, person, neck, thick, colour, surface)]
    return found


def _scarf_end(rng: Rng, person: Person, neck: NDArray, thick: float, colour: Colour, surface: Surface) -> Part:
    """What of a scarf hangs in front of the chest."""
    solid = [part for part in person.parts if part.surface.mode == CLOTH] + [skin_of(person)]
    cloud = np.concatenate([part.rest[np.unique(part.corner[part.triangles])] for part in solid])
    across = float(rng.choice([-1, 1])) * rng.uniform(0.15, 0.5)
    heights = np.linspace(neck[1] + 0.1, neck[1] - rng.uniform(1.5, 4.0), 14)
    ahead: list[float] = []
    for high in heights:
        near = cloud[(np.abs(cloud[:, 1] - high) < 0.3) & (np.abs(cloud[:, 0] - across) < 0.4)]
        ahead.append(float(near[:, 2].max()) if len(near) else ahead[-1] if ahead else neck[2] + 0.6)
    smooth = np.convolve(np.pad(np.maximum.accumulate(ahead), 3, mode="edge"), np.ones(7) / 7, mode="valid")
    path = np.stack([np.full(14, across), heights, np.maximum(smooth, ahead) * 0.5 + smooth * 0.5 + 0.1], 1)
    points, rows = shapes.tube(path, 1.0, False, 10)
    off = points - np.repeat(path, 10, axis=0)
    points = np.repeat(path, 10, axis=0) + off * (thick * 1.6, 0.3, 0.1)
    return part_of(points, hung(person, points), rows, np.zeros((len(points), 2)), colour, surface)
