"""What people wear over their clothes, for work, weather and custom: gloves, vests, bands, patches, aprons, rucksacks
and bags, and what `headgear` has. All of a space suit is among it, and mostly on thick clothes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.people import parts as shapes
from nuke_matting.training.people.assets import Assets
from nuke_matting.training.people.clothes import HAT, THICK, bright_colour, draw_cloth, draw_colour
from nuke_matting.training.people.headgear import hard_hat, headscarf, helmet, hood, scarf, without_hair
from nuke_matting.training.people.layers import SILVER, Colour, Cut, Places, face_of, joint, over, places, skin_of
from nuke_matting.training.people.parts import Part
from nuke_matting.training.people.person import Person
from nuke_matting.training.people.render import CLOTH, PLAIN, Surface

Rng = np.random.Generator
_REFLECTIVE = Surface(PLAIN, gloss=0.35, shine=12.0)
_SUITS = ((0.75, 0.74, 0.72), (0.75, 0.74, 0.72), (0.4, 0.41, 0.43), (0.75, 0.2, 0.03), (0.05, 0.1, 0.3))
_OF_SUITS = 0.14  # of thick clothes, those with all that an astronaut wears


def geared(assets: Assets, rng: Rng, person: Person) -> Person:
    """The person with some of it or none, as it falls."""
    thick = any(part.kind == THICK for part in person.parts)
    hat = any(part.kind == HAT for part in person.parts)
    female, suit = person.body.gender < 0.5, thick and rng.random() < _OF_SUITS
    if suit:
        person = _of_one_colour(rng, person)
    face = face_of(assets.groups, person)
    parts: list[Part | None] = []
    main = bright_colour(rng) if rng.random() < 0.3 else draw_colour(rng)
    garments = over_trunk(person)
    if suit or rng.random() < (0.4 if thick else 0.04):
        parts += gloves(assets, rng, person, thick)
    if garments and (suit or rng.random() < (0.4 if thick else 0.02)):
        parts += bands(rng, person)
    if garments and (suit or rng.random() < (0.4 if thick else 0.1)):
        parts += patches(rng, person, garments)
    kind = rng.random()
    if garments and (suit or kind < 0.05):
        parts += rucksack(rng, person, garments, 1.3 if suit else 1.0)
    elif garments and kind < 0.1:
        parts += bag(rng, person, garments)
    elif garments and kind < (0.2 if thick else 0.14):
        parts += vest(rng, person, garments)
    elif garments and kind < 0.17:
        parts += apron(rng, person, garments, main)
    head, covered = rng.random(), ""
    chances = (0.24, 0.44, 0.54, 0.56, 0.6) if thick else (0.01, 0.03, 0.045, 0.11 if female else 0.045, 0.16)
    if hat:
        head = max(head, chances[3])
    if suit or head < chances[0]:
        parts += helmet(rng, person, face, suit)
        covered = "whole"
    elif head < chances[1]:
        parts.append(hood(rng, person, face, main if rng.random() < 0.5 else draw_colour(rng)))
        covered = "whole"
    elif head < chances[2]:
        parts += hard_hat(rng, person, face)
        covered = "top"
    elif head < chances[3]:
        parts.append(headscarf(rng, person, face))
        covered = "whole"
    elif head < chances[4]:
        parts += scarf(rng, person, face)
    person = without_hair(person, face, covered)
    return replace(person, parts=person.parts + tuple(part for part in parts if part is not None))


def _of_one_colour(rng: Rng, person: Person) -> Person:
    """Thick clothes as one suit: white or silver mostly, or orange, or blue."""
    colour = np.asarray(_SUITS[rng.integers(len(_SUITS))]) * rng.uniform(0.75, 1.1)
    tint = np.asarray([*colour, 1.0], np.float32)
    gloss = float(rng.choice([0.02, 0.3]))

    def dyed(part: Part) -> Part:
        surface = replace(part.surface, pattern=0, gloss=gloss)
        return replace(part, tint=np.broadcast_to(tint, part.tint.shape), surface=surface)

    return replace(person, parts=tuple(dyed(part) if part.kind == THICK else part for part in person.parts))


def over_trunk(person: Person) -> list[Part]:
    """Clothes of the trunk, the top first, in the rest pose."""
    rows = [k for k, name in enumerate(person.skeleton.names) if name.startswith(("spine", "clavicle"))]
    hips = joint(person, "pelvis")[1]
    found = []
    for part in person.parts:
        seen = np.unique(part.corner[part.triangles])
        if part.surface.mode == CLOTH and part.weights[seen][:, rows].sum(axis=1).mean() > 0.12:
            high = part.rest[seen, 1]
            found.append((float(-(high > hips + 1.5).mean()), part))
    return [part for above, part in sorted(found, key=lambda each: each[0]) if above < 0]


def gloves(assets: Assets, rng: Rng, person: Person, thick: bool) -> list[Part | None]:
    """A pair, thin or padded, with cuffs."""
    mesh, skin = assets.base, skin_of(person)
    body = mesh.triangles[mesh.groups == mesh.group_names.index("body")]
    cuff = float(rng.uniform(0.03, 0.3 if thick else 0.12))
    surface = draw_cloth(rng) if rng.random() < 0.6 else Surface(CLOTH, gloss=0.3, shine=30.0, wrinkle=0.3)
    whole = Part(skin.rest, skin.weights, mesh.corner, mesh.uv, body, skin.tint, Surface(CLOTH))
    out = float(rng.uniform(0.05, 0.13) if thick else rng.uniform(0.025, 0.06))
    colour = bright_colour(rng) if rng.random() < 0.3 else draw_colour(rng)
    hands = over(person, whole, lambda at: np.where(at.arm > 0.5, (at.along - 1 + cuff) * 5, -1), out, colour, surface)
    if not thick:
        return [hands]
    ring: Cut = lambda at: np.where(at.arm > 0.5, 0.12 - np.abs(at.along - 1 + cuff) * 5, -1)  # noqa: E731
    return [hands, over(person, whole, ring, out + float(rng.uniform(0.1, 0.3)), draw_colour(rng), surface)]


def bands(rng: Rng, person: Person) -> list[Part | None]:
    """Bright or reflective bands around trunk, arms and legs."""
    wide = float(rng.uniform(0.12, 0.32))
    hips, neck, knee = (joint(person, name)[1] for name in ("pelvis", "neck_01", "calf_l"))
    levels = rng.choice([hips + 0.3, hips + 1.5, hips + 2.3, neck - 0.9], int(rng.integers(1, 3)), replace=False)
    on_arms = rng.choice([0.3, 0.45, 0.65, 0.85], int(rng.integers(0, 3)), replace=False)
    on_legs = rng.choice([knee - 1.6, knee - 0.7, knee + 0.8], int(rng.integers(1, 3)), replace=False)
    upright = float(rng.uniform(0.5, 0.9)) if rng.random() < 0.35 else 0.0

    def cut(at: Places) -> NDArray:
        high, trunk = at.rest[:, 1], (at.arm < 0.5) & (at.leg < 0.6)
        inside = np.full(len(high), -1.0)
        for rows, values, where in (
            (levels, high, trunk), (on_arms * 5, at.along * 5, at.arm >= 0.5), (on_legs, high, at.leg >= 0.6),
        ):  # fmt: skip
            for middle in rows:
                inside = np.maximum(inside, np.where(where, wide / 2 - np.abs(values - middle), -1))
        if upright:
            line = wide / 2 - np.abs(np.abs(at.rest[:, 0]) - upright)
            inside = np.maximum(inside, np.where(trunk & (high > hips + 1), line, -1))
        return inside

    colour, surface = (SILVER, _REFLECTIVE) if rng.random() < 0.6 else (bright_colour(rng), Surface(CLOTH, wrinkle=0.1))
    worn = [part for part in person.parts if part.surface.mode == CLOTH and part.kind != HAT]
    return [over(person, garment, cut, 0.025, colour, surface) for garment in worn]


def patches(rng: Rng, person: Person, garments: list[Part]) -> list[Part | None]:
    """Badges, name tags, flags, a print on the chest or the back, pockets."""
    neck, side = joint(person, "neck_01"), float(rng.choice([-1, 1]))
    found: list[Part | None] = []
    for _ in range(int(rng.integers(1, 5))):
        kind = str(rng.choice(["chest", "arm", "print", "pocket"]))
        half = rng.uniform((0.15, 0.1), (0.4, 0.35))
        at, back = np.array([side * rng.uniform(0.5, 0.8), neck[1] - rng.uniform(0.9, 1.5)]), False
        if kind == "print":
            half, back = rng.uniform((0.4, 0.2), (1.0, 0.8)), rng.random() < 0.4
            at = np.array([0.0, neck[1] - rng.uniform(1.3, 2.0)])
        elif kind == "pocket":
            half, at = rng.uniform((0.35, 0.3), (0.6, 0.6)), np.array([side * 0.75, neck[1] - rng.uniform(1.2, 3.4)])
        power = float(rng.choice([2.0, 8.0]))  # round or of corners

        def cut(where: Places, kind=kind, half=half, at=at, back=back, power=power, side=side) -> NDArray:
            if kind == "arm":
                across, high = where.rest[:, 2] - joint(person, "upperarm_l")[2], (where.along - 0.22) * 5
                on = (where.arm > 0.5) & (where.rest[:, 0] * side > 0)
            else:
                across, high = where.rest[:, 0] - at[0], where.rest[:, 1] - at[1]
                on = (where.arm < 0.5) & ((where.rest[:, 2] < neck[2]) == back)
            far = (np.abs(across / half[0]) ** power + np.abs(high / half[1]) ** power) ** (1 / power)
            return np.where(on, (1 - far) * half.min(), -1)

        cloth = Surface(
            CLOTH, pattern=int(rng.choice([0, 0, 1, 2, 4, 5, 6, 8])), second=draw_colour(rng),
            scale=float(rng.uniform(1.5, 7)), wrinkle=0.05, gloss=float(rng.uniform(0, 0.2)),
        )  # fmt: skip
        colour = draw_colour(rng) if rng.random() < 0.6 else bright_colour(rng)
        found += [over(person, garment, cut, 0.02, colour, cloth) for garment in garments[:2]]
        side = -side
    return found


def vest(rng: Rng, person: Person, garments: list[Part]) -> list[Part | None]:
    """A vest that warns: a bright one with reflective bands, open in front or closed."""
    neck, hips = joint(person, "neck_01"), joint(person, "pelvis")[1]
    shoulder = joint(person, "upperarm_l")[0] * float(rng.uniform(0.95, 1.15))
    low, deep, gap = hips + float(rng.uniform(-0.8, 0.6)), float(rng.uniform(0.6, 1.6)), float(rng.uniform(-0.1, 0.35))
    wide, level = float(rng.uniform(0.2, 0.35)), hips + rng.uniform(0.3, 1.2)

    def cut(at: Places) -> NDArray:
        across, high, front = np.abs(at.rest[:, 0]), at.rest[:, 1], at.rest[:, 2] > neck[2]
        throat = np.where(front, across - 0.45 - 0.5 * (high - neck[1] + deep), across - 0.5)
        throat = np.where(high > neck[1] - deep * front, throat, 1)
        opened = np.where(front, across - gap, 1)
        return np.where(at.leg > 0.9, -1, np.minimum.reduce([shoulder - across, high - low, throat, opened]))

    def shine(at: Places) -> NDArray:
        across, high = np.abs(at.rest[:, 0]), at.rest[:, 1]
        lines = [wide / 2 - np.abs(high - level), wide / 2 - np.abs(high - level - 1.2)]
        lines.append(np.where(high > level, wide / 2 - np.abs(across - 0.8), -1))
        return np.minimum(cut(at), np.maximum.reduce(lines))

    colour = (0.55, 0.8, 0.03) if rng.random() < 0.5 else (0.9, 0.2, 0.01)
    cloth = Surface(CLOTH, wrinkle=float(rng.uniform(0.1, 0.4)), gloss=0.05)
    found = [over(person, garment, cut, 0.07, colour, cloth) for garment in garments]
    return found + [over(person, garment, shine, 0.09, SILVER, _REFLECTIVE) for garment in garments]


def apron(rng: Rng, person: Person, garments: list[Part], colour: Colour) -> list[Part | None]:
    """A bib in front, and its straps."""
    neck, hips = joint(person, "neck_01"), joint(person, "pelvis")[1]
    top, low, half = neck[1] - float(rng.uniform(0.7, 1.3)), hips - float(rng.uniform(0.5, 3.5)), rng.uniform(0.7, 1.0)

    def cut(at: Places) -> NDArray:
        across, high, front = np.abs(at.rest[:, 0]), at.rest[:, 1], at.rest[:, 2] > neck[2] - 0.1
        wide = np.where(high > hips + 1.3, half, half + 0.6)
        bib = np.where(front, np.minimum.reduce([wide - across, top - high, high - low]), -1)
        strap = np.where(high > top - 0.1, 0.09 - np.abs(across - half * 0.85), -1)
        return np.where(at.arm > 0.6, -1, np.maximum.reduce([bib, strap, 0.09 - np.abs(high - hips - 1.3)]))

    surface = draw_cloth(rng)
    return [over(person, garment, cut, 0.08, colour, surface) for garment in garments]


def rucksack(rng: Rng, person: Person, garments: list[Part], large: float = 1.0) -> list[Part | None]:
    """A box on the back, soft or hard, with straps over the shoulders."""
    neck, hips = joint(person, "neck_01"), joint(person, "pelvis")[1]
    tall = float(rng.uniform(0.55, 0.95)) * (neck[1] - hips) * large
    half = np.array([rng.uniform(0.9, 1.4), tall / 2, rng.uniform(0.35, 0.7)]) * (large, 1, large)
    high = neck[1] - 0.2 - half[1] + 0.35 * (large - 1) * 3
    behind = float(garments_at(person, garments, high)[:, 2].min())
    colour = draw_colour(rng)
    hard = large > 1 and rng.random() < 0.7
    surface = Surface(PLAIN, gloss=0.3, shine=30.0) if hard else replace(draw_cloth(rng), pattern=0)
    box = shapes.soft_box(half, 0.18 if hard else float(rng.uniform(0.25, 0.6)))
    pieces = [(box[0] + (0, high, behind - half[2] * 0.9), box[1], colour)]
    for _ in range(int(rng.integers(0, 3))):  # pockets, tanks
        small = half * rng.uniform((0.4, 0.2, 0.3), (0.8, 0.45, 0.5))
        pocket = shapes.soft_box(small, 0.3)
        at = (rng.choice([-0.4, 0, 0.4]) * half[0], high + rng.uniform(-0.5, 0.4) * half[1], behind - 2 * half[2])
        pieces.append((pocket[0] + at, pocket[1], colour if rng.random() < 0.5 else draw_colour(rng)))
    bone, bones = person.skeleton.index("spine_03"), len(person.skeleton.names)
    found: list[Part | None] = [
        shapes.rigid_part(points, rows, bone, bones, tone, surface) for points, rows, tone in pieces
    ]
    wide, beside, low = float(rng.uniform(0.25, 0.45)), float(rng.uniform(0.6, 0.85)), high - half[1] * 0.5

    def straps(at: Places) -> NDArray:
        line = wide / 2 - np.abs(np.abs(at.rest[:, 0]) - beside)
        return np.where(at.arm > 0.75, -1, np.minimum(line, at.rest[:, 1] - low))

    dark = draw_colour(rng)
    return found + [over(person, each, straps, 0.06, dark, Surface(CLOTH, wrinkle=0.05)) for each in garments]


def garments_at(person: Person, garments: list[Part], high: float) -> NDArray:
    """Places [N, 3] of garments of the trunk near a height, arms left out; the spine where there are none."""
    near = []
    for part in garments:
        rows = np.unique(part.corner[part.triangles])
        at = places(person, part.rest[rows], part.weights[rows])
        near.append(at.rest[(at.arm < 0.3) & (np.abs(at.rest[:, 1] - high) < 0.6)])
    return np.concatenate([*near, joint(person, "spine_02")[None]])


def bag(rng: Rng, person: Person, garments: list[Part]) -> list[Part | None]:
    """A bag at the hip, its strap across the chest."""
    side, neck, hips = float(rng.choice([-1, 1])), joint(person, "neck_01"), joint(person, "pelvis")
    shoulder = np.array([-side * 0.75, neck[1], 0])
    high = hips[1] + float(rng.uniform(-0.5, 0.6))
    worn = garments_at(person, garments, high)
    hip = np.array([side * np.abs(worn[:, 0]).max(), high, 0])
    way = (hip - shoulder) / np.linalg.norm(hip - shoulder)
    across, wide = np.array([-way[1], way[0], 0]), float(rng.uniform(0.2, 0.45))

    def strap(at: Places) -> NDArray:
        line = wide / 2 - np.abs((at.rest - shoulder) @ across)
        ends = np.minimum((at.rest - shoulder) @ way + 0.3, (hip - at.rest) @ way + 0.2)
        return np.where((at.arm > 0.75) | (at.leg > 0.95), -1, np.minimum(line, ends))

    half = rng.uniform((0.3, 0.6, 0.7), (0.55, 1.2, 1.4))
    points, rows = shapes.soft_box(half, float(rng.uniform(0.2, 0.6)))
    at = hip + np.array([side * half[0] * 0.9, -half[1] * 0.7, hips[2] + rng.uniform(-0.3, 0.4)])
    colour, surface = draw_colour(rng), draw_cloth(rng)
    bone = person.skeleton.index("pelvis")
    found: list[Part | None] = [shapes.rigid_part(points + at, rows, bone, len(person.skeleton.names), colour, surface)]
    dark = colour if rng.random() < 0.5 else draw_colour(rng)
    return found + [over(person, each, strap, 0.06, dark, Surface(CLOTH, wrinkle=0.05)) for each in garments]
