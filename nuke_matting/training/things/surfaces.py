"""What bodies are made of: colours at points [3, N] of a body's own space, scene-linear, and how they shine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.textures import colours, ramp
from nuke_matting.training.things.frame import Array, Random

_CELLS = 16  # of a noise's volume, which repeats
_SKINS = ((0.55, 0.33, 0.22), (0.35, 0.18, 0.1), (0.12, 0.055, 0.03), (0.65, 0.45, 0.33))  # that people's skin has too
_DOUGH = ((0.1, 0.035, 0.012), (0.4, 0.18, 0.06), (0.75, 0.5, 0.25))
_RIPE = ((0.55, 0.03, 0.02), (0.8, 0.25, 0.02), (0.85, 0.6, 0.08), (0.18, 0.35, 0.04), (0.12, 0.02, 0.1),
         (0.5, 0.05, 0.1), (0.3, 0.17, 0.08))  # fmt: skip
_WOODS = ((0.25, 0.12, 0.05), (0.5, 0.3, 0.14), (0.1, 0.05, 0.025), (0.6, 0.42, 0.25))
_FURS = ((0.02, 0.018, 0.015), (0.16, 0.08, 0.03), (0.5, 0.25, 0.08), (0.6, 0.5, 0.38), (0.25, 0.24, 0.23),
         (0.75, 0.72, 0.68))  # fmt: skip
_METALS = ((0.75, 0.74, 0.72), (0.8, 0.55, 0.22), (0.7, 0.4, 0.28), (0.35, 0.36, 0.38))


@dataclass(frozen=True)
class Stuff:
    """colour : points -> [N, 3]. gloss : of highlights; shine : how sharp; mirror : 0 matt .. 1 metal.

    bump, often : how rough, and how fine. sheen : light at the outline, as of fur and felt.
    """

    colour: Callable[[Array], Array]
    gloss: float = 0.0
    shine: float = 20.0
    mirror: float = 0.0
    bump: float = 0.0
    often: float = 8.0
    sheen: float = 0.0


def _axes(x: float, y: float, z: float) -> Array:
    """Factors of the axes [3, 1], for points [3, N]."""
    return np.asarray([[x], [y], [z]], np.float32)


def volume(random: Random) -> Array:
    """Noise to look up with `looked_up`, of deviation 1."""
    return random.standard_normal((_CELLS,) * 3, dtype=np.float32)


def looked_up(cells: Array, points: Array) -> Array:
    """Smooth noise at points [3, N]; a cell is 1 long."""
    floor = np.floor(points)
    f = points - floor
    f = f * f * (3 - 2 * f)
    x0, y0, z0 = floor.astype(np.int32) % _CELLS
    x1, y1, z1 = (x0 + 1) % _CELLS, (y0 + 1) % _CELLS, (z0 + 1) % _CELLS
    flat = cells.reshape(-1)
    low, high = x0 * _CELLS**2, x1 * _CELLS**2

    def along(y: NDArray, z: NDArray) -> Array:
        row = y * _CELLS + z
        first = flat[low + row]
        return first + f[0] * (flat[high + row] - first)

    near, far = along(y0, z0), along(y0, z1)
    near = near + f[1] * (along(y1, z0) - near)
    far = far + f[1] * (along(y1, z1) - far)
    return near + f[2] * (far - near)


def _fine(cells: Array, points: Array, often: float, octaves: int = 2) -> Array:
    """Noise of some octaves, the first with `often` cells over a length of 1."""
    scaled = points * np.float32(often)
    total = looked_up(cells, scaled)
    for octave in range(1, octaves):
        total = total + np.float32(0.5**octave) * looked_up(cells, scaled * np.float32(2**octave) + octave)
    return total


def _one(random: Random, among: tuple, spread: float = 0.25) -> Array:
    """One of some colours, a little changed."""
    base = np.asarray(among[random.integers(len(among))])
    return np.clip(base * np.exp(random.normal(0, spread) + random.normal(0, 0.12, 3)), 0.004, 0.9).astype(np.float32)


def _any(random: Random) -> Array:
    """Any colour, at times one of skin."""
    return _one(random, _SKINS) if random.random() < 0.2 else colours(random, 1)[0]


def plain(random: Random) -> Stuff:
    """Plastic, paint, rubber, wax: one colour, at times another above."""
    one, other = _any(random), _any(random)
    edge, cells = random.uniform(-0.6, 1.6), volume(random)

    def colour(p: Array) -> Array:
        share = np.clip((p[1] - edge) * 40, 0, 1)[:, None]
        return (one + (other - one) * share) * (1 + 0.04 * looked_up(cells, p * 3))[:, None]

    return Stuff(colour, random.uniform(0, 0.7), float(np.exp(random.uniform(2, 5.5))), random.uniform(0, 0.15))


def fruit(random: Random) -> Stuff:
    """A skin that turns from one colour to another, streaked and speckled."""
    palette = np.stack([_one(random, _RIPE), _one(random, _RIPE), _one(random, _RIPE)])
    palette[1] = palette[0] * random.uniform(0.6, 1.3)
    cells, lean, spots = volume(random), random.normal(0, 0.5, 3).astype(np.float32), random.uniform(0, 0.5)

    def colour(p: Array) -> Array:
        streaks = looked_up(cells, p * _axes(6, 1.2, 6))
        base = ramp(0.35 + 0.4 * (lean @ p) + 0.16 * streaks + 0.1 * looked_up(cells, p * 2 + 5), palette)
        dots = looked_up(cells, p * 22) > 2.2
        return base * (1 + spots * dots + 0.06 * looked_up(cells, p * 14))[:, None]

    return Stuff(colour, random.uniform(0.02, 0.4), random.uniform(12, 90), 0.0, random.uniform(0, 0.06), 12)


def dough(random: Random) -> Stuff:
    """Bread, cake, biscuit, roast: light and dark crust, at times seeds or crumbs."""
    palette = np.asarray(_DOUGH, np.float32) * np.exp(random.normal(0, 0.2, 3)).astype(np.float32)
    cells, seeds, glossy = volume(random), random.random() < 0.4, random.random() < 0.3
    seed = _one(random, (*_DOUGH, (0.8, 0.75, 0.6), (0.02, 0.02, 0.02), *_RIPE))

    def colour(p: Array) -> Array:
        base = ramp(0.55 - 0.3 * p[1] + 0.2 * _fine(cells, p, 3), palette)
        if seeds:
            base = np.where((looked_up(cells, p * np.float32(11)) > 1.2)[:, None], seed, base)
        return base * (1 + 0.1 * looked_up(cells, p * 20))[:, None]

    return Stuff(colour, 0.3 if glossy else 0.03, 25, 0.0, random.uniform(0.05, 0.3), random.uniform(6, 14))


def stone(random: Random) -> Stuff:
    """Granite, sandstone, concrete, coal, clay; veined at times."""
    one, cells = _any(random), volume(random)
    one = one * random.uniform(0.1, 0.5) + one.mean() * np.float32(0.7)
    other, veins = one * np.float32(np.exp(random.normal(0, 0.5))), random.random() < 0.3
    grain = random.uniform(0.02, 0.3)

    def colour(p: Array) -> Array:
        coarse = _fine(cells, p, 2.5, 3)
        share = np.abs(coarse) < 0.12 if veins else np.clip(0.5 + 0.5 * coarse, 0, 1)
        return (one + (other - one) * share[:, None]) * np.exp(grain * looked_up(cells, p * 25))[:, None]

    return Stuff(colour, random.uniform(0, 0.1), 12, 0.0, random.uniform(0.1, 0.5), random.uniform(5, 12))


def wood(random: Random) -> Stuff:
    """Grain along one axis, turned or planed, oiled or raw."""
    one, cells, often = _one(random, _WOODS), volume(random), random.uniform(3, 9)
    stretch = _axes(1, 0.15, 1) if random.random() < 0.6 else _axes(0.15, 1, 1)
    at = random.uniform(-1.5, 1.5, (3, 1)).astype(np.float32)

    def colour(p: Array) -> Array:
        q = p * stretch + at
        rings = np.sqrt((q * q).sum(0)) * often + 0.5 * looked_up(cells, q * 2)
        saw = rings - np.floor(rings)
        tone = 0.65 + 0.5 * saw * saw + 0.12 * looked_up(cells, p * stretch * 30)
        return one * np.maximum(tone, 0.2)[:, None]

    return Stuff(colour, random.uniform(0, 0.35), random.uniform(10, 60), 0.0, 0.05, 14)


def fur(random: Random) -> Stuff:
    """Coats of animals and of plush: hairs, a lighter belly, patches or stripes."""
    one, other, belly = (_one(random, _FURS) for _ in range(3))
    if random.random() < 0.2:
        one = _any(random)
    cells, kind, often = volume(random), random.choice(["plain", "patches", "stripes"]), random.uniform(2, 6)

    def colour(p: Array) -> Array:
        share = np.zeros_like(p[0])
        if kind == "patches":
            share = np.clip(looked_up(cells, p * np.float32(often * 0.5)) * 6, 0, 1)
        elif kind == "stripes":
            share = np.clip(np.sin(p[0] * np.float32(3 * often) + looked_up(cells, p * 3)) * 3, 0, 1)
        base = one + (other - one) * share[:, None]
        base = base + (belly - base) * np.clip(-0.2 - 1.5 * p[1], 0, 0.8)[:, None]
        hairs = looked_up(cells, p * _axes(11, 28, 28)) + looked_up(cells, p * _axes(20, 45, 45))
        return base * np.exp(0.22 * hairs)[:, None]

    return Stuff(colour, 0.02, 10, 0.0, random.uniform(0.25, 0.6), random.uniform(14, 24), random.uniform(0.2, 0.6))


def label(random: Random) -> Stuff:
    """Printed: bands, stripes around, blocks like letters, on a smooth ground."""
    ground, ink, third = _any(random), _any(random), _any(random)
    low, high = np.sort(random.uniform(-0.8, 0.8, 2))
    cells, form, often = volume(random), random.choice(["bands", "blocks", "stripes"]), random.uniform(4, 14)

    def colour(p: Array) -> Array:
        inside = (p[1] > low) & (p[1] < high)
        if form == "blocks":
            q = np.floor(p * _axes(often, often * 0.6, often)) + np.float32(0.5)
            inside &= looked_up(cells, q) > 0.2
        elif form == "stripes":
            inside = np.sin(p[1] * np.float32(often * 2)) > 0
        base = np.where(inside[:, None], ink, ground)
        return np.where(((p[1] > high) & (p[1] < high + 0.08))[:, None], third, base)

    return Stuff(colour, random.uniform(0.05, 0.6), random.uniform(20, 150), random.uniform(0, 0.15))


def glaze(random: Random) -> Stuff:
    """Ceramic: white or tinted, bands at the rim, drops of glaze, hard highlights."""
    white = np.asarray([0.75, 0.72, 0.66], np.float32)
    ground = white * random.uniform(0.5, 1) if random.random() < 0.5 else _any(random)
    ink, cells = _any(random), volume(random)
    edge, drops = random.uniform(-0.3, 0.6), random.uniform(0, 0.15)

    def colour(p: Array) -> Array:
        over = np.clip((p[1] - edge + drops * looked_up(cells, p * _axes(4, 0.5, 4))) * 30, 0, 1)
        return (ground + (ink - ground) * over[:, None]) * (1 + 0.05 * looked_up(cells, p * 6))[:, None]

    return Stuff(colour, random.uniform(0.3, 0.9), float(np.exp(random.uniform(3.5, 5.5))), random.uniform(0.05, 0.2))


def metal(random: Random) -> Stuff:
    """Steel, brass, copper, iron; brushed or blank, some of it tarnished."""
    one, cells, dull = _one(random, _METALS, 0.15), volume(random), random.uniform(0, 0.4)

    def colour(p: Array) -> Array:
        return one * np.exp(-dull * np.maximum(_fine(cells, p, 3), 0))[:, None]

    return Stuff(
        colour, 0.5, float(np.exp(random.uniform(3, 5.5))), random.uniform(0.6, 1), random.uniform(0, 0.08), 20
    )


def glass(random: Random) -> Stuff:
    """Dark coloured glass."""
    one = _one(random, ((0.01, 0.06, 0.02), (0.07, 0.025, 0.005), (0.02, 0.03, 0.09), (0.2, 0.25, 0.24)))
    return Stuff(lambda p: np.repeat(one[None], p.shape[1], 0), 0.9, 200.0, 0.3)


def ball(random: Random) -> Stuff:
    """Of panels in two or three colours, seamed."""
    palette = np.stack([_any(random) for _ in range(3)])
    faces = random.normal(0, 1, (int(random.integers(2, 14)), 3)).astype(np.float32)
    faces /= np.linalg.norm(faces, axis=1, keepdims=True)

    def colour(p: Array) -> Array:
        near = np.sort(np.abs(faces @ p), axis=0)
        panel = np.argmax(np.abs(faces @ p), axis=0) % len(palette)
        seam = (near[-1] - near[-2]) < 0.03 * np.sqrt((p * p).sum(0))
        return palette[panel] * np.where(seam, 0.25, 1.0)[:, None]

    return Stuff(colour, random.uniform(0.05, 0.5), random.uniform(10, 80), 0.0, random.uniform(0, 0.1), 18)


def mottled(random: Random) -> Stuff:
    """Clouds of a few colours: marble, moulds, worn paint, camouflage."""
    palette, cells, often = colours(random, 3), volume(random), random.uniform(1.5, 6)
    return Stuff(lambda p: ramp(0.5 + 0.3 * _fine(cells, p, often, 3), palette), random.uniform(0, 0.4), 30.0)


def cloth(random: Random) -> Stuff:
    """Knitted or woven, with stripes at times."""
    one, other, cells = _any(random), _any(random), volume(random)
    often, stripes = random.uniform(18, 30), random.uniform(2, 8) * (random.random() < 0.5)

    def colour(p: Array) -> Array:
        share = np.sin(p[1] * np.float32(6.28 * stripes)) > 0.2 if stripes else np.zeros(p.shape[1], bool)
        base = np.where(share[:, None], other, one)
        weave = np.sin(p[0] * often) * np.sin(p[1] * often) + 0.5 * looked_up(cells, p * 12)
        return base * (1 + 0.15 * weave)[:, None].clip(0.3)

    return Stuff(colour, 0.0, 10.0, 0.0, 0.3, 12.0, 0.25)


STUFF: dict[str, Callable[[Random], Stuff]] = {
    each.__name__: each
    for each in (plain, fruit, dough, stone, wood, fur, label, glaze, metal, glass, ball, mottled, cloth)
}
