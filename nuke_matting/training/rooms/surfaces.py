"""Surfaces: materials, and a bank of tiling patterns that they colour. Each pattern is three planes, 0..1:
the share of a second colour, the height, and how much of the gloss is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuke_matting.opencv import resized

Array = NDArray[np.float32]
Planes = tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]
Colour = tuple[float, float, float]
SIDE = 512  # pixels of a pattern
_SEED = 71


def triple(values: NDArray | Sequence[float]) -> tuple[float, float, float]:
    """Three numbers, such as a colour or a place, without their array."""
    return float(values[0]), float(values[1]), float(values[2])


@dataclass(frozen=True)
class Material:
    """How a piece looks. colour, second : scene-linear; pattern : a name of PATTERNS; repeat : tiles a metre.

    gloss, shine : size and sharpness of highlights; metal : 0 or 1; bump : depth of the relief, metres a tile side.
    glow : what it gives off, times its colour. picture : number of the scene's picture that it shows, or -1.
    thin : share of the light from behind that comes through.
    """

    colour: Colour
    second: Colour = (0.0, 0.0, 0.0)
    pattern: str = "plain"
    repeat: float = 1.0
    gloss: float = 0.1
    shine: float = 20.0
    bump: float = 0.0
    glow: float = 0.0
    picture: int = -1
    thin: float = 0.0
    metal: float = 0.0

    def row(self) -> list[float]:
        """Sixteen numbers for the shader."""
        layer = float(list(PATTERNS).index(self.pattern))
        return [*self.colour, layer, *self.second, self.repeat, self.gloss, self.shine, self.bump, self.glow,
                float(self.picture), self.thin, self.metal, 0.0]  # fmt: skip


def cloud(rng: np.random.Generator, low: float, slope: float = 1.5, stretch: float = 1.0) -> Array:
    """Tiling noise [SIDE, SIDE], mean 0, deviation 1: waves from `low` a side up, their power falling with `slope`.

    stretch : above 1 the noise is drawn out along the rows.
    """
    fx = np.fft.rfftfreq(SIDE, 1 / SIDE)[None] * stretch
    fy = np.fft.fftfreq(SIDE, 1 / SIDE)[:, None]
    wave = np.hypot(fx, fy)
    power = np.where(wave >= low, np.maximum(wave, 1e-3) ** -slope, 0.0)
    spectrum = np.fft.rfft2(rng.standard_normal((SIDE, SIDE))) * power
    field = np.fft.irfft2(spectrum, (SIDE, SIDE))
    return ((field - field.mean()) / max(float(field.std()), 1e-9)).astype(np.float32)


def _place() -> tuple[Array, Array]:
    """x and y in 0..1."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
    return x, y


def _step(value: Array, edge: float, soft: float) -> Array:
    share = np.clip((value - edge) / soft + 0.5, 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)


def _cells(rng: np.random.Generator, rows: int, columns: int, offset: float, joint: float) -> tuple[Array, Array]:
    """Courses of stones: how far inside a stone [0, 1] and a random number of each stone. joint : share of a course."""
    x, y = _place()
    course = np.floor(y * rows)
    across = x * columns + (course % 2) * offset
    column = np.floor(across).astype(int) % columns
    dx = np.minimum(across % 1, 1 - across % 1) * rows / columns
    dy = np.minimum(y * rows % 1, 1 - y * rows % 1)
    inside = _step(np.minimum(dx, dy), joint, joint * 0.8)
    own = rng.random((rows, columns), dtype=np.float32)[course.astype(int) % rows, column]
    return inside, own


def _plain(rng: np.random.Generator) -> Planes:
    fine = cloud(rng, 30, 0.6)
    return 0.12 + 0.05 * cloud(rng, 2), 0.5 + 0.05 * fine, 0.9 + 0.1 * fine


def _paint(rng: np.random.Generator) -> Planes:
    rough = cloud(rng, 40, 0.8)
    return 0.2 + 0.1 * cloud(rng, 1, 1.6), 0.5 + 0.12 * rough, 0.8 + 0.1 * cloud(rng, 3)


def _plaster(rng: np.random.Generator) -> Planes:
    rough = cloud(rng, 6, 1.3)
    return 0.3 + 0.2 * cloud(rng, 1, 1.7), 0.5 + 0.18 * rough, 0.6 + 0.1 * rough


def _brick(rng: np.random.Generator) -> Planes:
    inside, own = _cells(rng, 12, 4, 0.5, 0.07)
    rough = cloud(rng, 20, 1.0)
    return 1 - inside * (0.45 + 0.55 * own + 0.1 * rough), inside * (0.7 + 0.2 * own) + 0.08 * rough, 0.3 + 0.4 * inside


def _stones(rng: np.random.Generator) -> Planes:
    inside, own = _cells(rng, 5, 3, 0.5, 0.035)
    rough = cloud(rng, 4, 1.2)
    return 1 - inside * (0.6 + 0.35 * own + 0.12 * rough), inside * (0.6 + 0.2 * own) + 0.12 * rough, 0.5 * inside


def _wood(rng: np.random.Generator) -> Planes:
    _, y = _place()
    ring = np.sin(2 * np.pi * (y * 9 + 0.55 * cloud(rng, 1, 2.0, 5)))
    fibre = cloud(rng, 8, 0.7, 30)
    return 0.45 + 0.28 * ring + 0.13 * fibre, 0.5 + 0.12 * fibre, 0.8 + 0.1 * ring


def _planks(rng: np.random.Generator) -> Planes:
    inside, own = _cells(rng, 8, 1, 0.43, 0.025)
    _, y = _place()
    grain = np.sin(2 * np.pi * (y * 26 + own * 7 + 0.8 * cloud(rng, 1, 2.0, 6))) * 0.14 + 0.12 * cloud(rng, 8, 0.7, 30)
    return 1 - inside * np.clip(0.2 + 0.65 * own + grain, 0, 1), inside * 0.8 + 0.05 * grain, inside * (0.7 + 0.3 * own)


def _parquet(rng: np.random.Generator) -> Planes:
    x, y = _place()
    n = 8
    flip = (np.floor(x * n) + np.floor(y * n)) % 2 > 0.5
    strip = np.where(flip, y, x) * n * 4
    own = rng.random((n * 4, n), dtype=np.float32)[strip.astype(int) % (n * 4), (np.where(flip, x, y) * n).astype(int)]
    inside = _step(np.minimum(strip % 1, 1 - strip % 1), 0.05, 0.05)
    grain = np.where(flip, cloud(rng, 8, 0.7, 30), cloud(rng, 8, 0.7, 30).T) * 0.1
    return 1 - inside * np.clip(0.3 + 0.55 * own + grain, 0, 1), inside * 0.8 + 0.05 * grain, inside


def _tiles(rng: np.random.Generator) -> Planes:
    inside, own = _cells(rng, 4, 4, 0.0, 0.022)
    vein = cloud(rng, 2, 1.5)
    return np.clip(1 - inside * (0.85 + 0.12 * own + 0.06 * vein), 0, 1), inside * (0.9 + 0.03 * own), inside


def _subway(rng: np.random.Generator) -> Planes:
    inside, own = _cells(rng, 10, 5, 0.5, 0.04)
    return np.clip(1 - inside * (0.9 + 0.1 * own), 0, 1), inside * 0.9, inside


def _chequer(rng: np.random.Generator) -> Planes:
    x, y = _place()
    inside, own = _cells(rng, 4, 4, 0.0, 0.012)
    check = (np.floor(x * 4) + np.floor(y * 4)) % 2
    return np.clip(check + 0.1 * (own - 0.5) + 0.06 * cloud(rng, 2), 0, 1), inside * 0.9, inside


def _carpet(rng: np.random.Generator) -> Planes:
    fine = cloud(rng, 50, 0.3)
    return 0.35 + 0.16 * fine + 0.1 * cloud(rng, 2), 0.5 + 0.2 * fine, np.zeros_like(fine)


def _marble(rng: np.random.Generator) -> Planes:
    x, y = _place()
    wave = np.abs(np.sin(np.pi * (2 * x + y + 0.9 * cloud(rng, 1, 1.9))))
    return (1 - wave) ** 4 * 0.8 + 0.06 * cloud(rng, 3), np.full_like(x, 0.5), np.ones_like(x)


def _weave(rng: np.random.Generator) -> Planes:
    x, y = _place()
    thread = np.sin(2 * np.pi * x * 64) * np.sin(2 * np.pi * y * 64)
    fine = cloud(rng, 40, 0.4)
    return 0.35 + 0.25 * thread + 0.1 * fine + 0.08 * cloud(rng, 2), 0.5 + 0.3 * thread + 0.05 * fine, 0.4 + 0 * x


def _stripes(rng: np.random.Generator) -> Planes:
    x, _ = _place()
    wave = np.sin(2 * np.pi * x * 6) + 0.5 * np.sin(2 * np.pi * x * 18 + 1)
    return _step(wave, 0.1, 0.15) + 0.03 * cloud(rng, 20, 0.6), 0.5 + 0.05 * cloud(rng, 30, 0.5), 0.6 + 0 * x


def _tartan(rng: np.random.Generator) -> Planes:
    x, y = _place()
    lines = [sum(_step(np.sin(2 * np.pi * (w * n + 0.1 * n)), 0.5, 0.1) for n in (4, 12)) for w in (x, y)]
    return (lines[0] + lines[1]) / 4 + 0.04 * cloud(rng, 40, 0.4), 0.5 + 0.1 * cloud(rng, 50, 0.3), 0.3 + 0 * x


def _motif(rng: np.random.Generator, count: int, petals: tuple[int, int]) -> Planes:
    """Curled flowers and leaves scattered, then repeated by the tile."""
    picture = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(count):
        cx, cy = rng.random(2)
        x, y = _place()
        dx, dy = (x - cx + 0.5) % 1 - 0.5, (y - cy + 0.5) % 1 - 0.5
        r, a = np.hypot(dx, dy), np.arctan2(dy, dx)
        size, n = rng.uniform(0.05, 0.13), int(rng.integers(*petals))
        edge = size * (0.6 + 0.4 * np.cos(n * a + rng.uniform(0, 6) + rng.uniform(0, 25) * r))
        picture = np.maximum(picture, _step(edge - r, 0, 0.012) * rng.uniform(0.4, 1))
        picture *= 1 - 0.7 * _step(size * 0.22 - r, 0, 0.01)
    return picture, 0.4 + 0.2 * picture + 0.04 * cloud(rng, 40, 0.5), 0.4 + 0.5 * picture


def _floral(rng: np.random.Generator) -> Planes:
    return _motif(rng, 22, (3, 8))


def _damask(rng: np.random.Generator) -> Planes:
    x, y = _place()
    u, v = np.abs((x * 3) % 1 - 0.5) * 2, (y * 2 + (np.floor(x * 3) % 2) * 0.5) % 1
    wave = np.sin(6 * v * np.pi + 4 * np.sin(3 * u)) * np.cos(5 * u) + np.cos(2 * np.pi * v) * 0.7 - u * 0.4
    figure = _step(wave, 0.0, 0.12)
    return figure * 0.9 + 0.03 * cloud(rng, 30, 0.5), 0.5 + 0.15 * figure, 0.3 + 0.6 * figure


def _geometric(rng: np.random.Generator) -> Planes:
    x, y = _place()
    u, v = (x * 6 + (np.floor(y * 6) % 2) * 0.5) % 1 - 0.5, (y * 6) % 1 - 0.5
    figure = _step(np.cos(2 * np.pi * 2 * np.hypot(u, v)), 0.1, 0.25)
    return figure + 0.02 * cloud(rng, 20), 0.5 + 0.05 * figure, 0.5 + 0 * x


def _dots(rng: np.random.Generator) -> Planes:
    x, y = _place()
    u, v = (x * 10 + (np.floor(y * 10) % 2) * 0.5) % 1 - 0.5, (y * 10) % 1 - 0.5
    figure = _step(0.26 - np.hypot(u, v), 0, 0.06)
    return figure, 0.5 + 0.05 * cloud(rng, 40, 0.4), 0.5 + 0 * x


def _concrete(rng: np.random.Generator) -> Planes:
    fine = cloud(rng, 20, 0.7)
    holes = _step(cloud(rng, 25, 1.0), 2.3, 0.2)
    return (
        0.35 + 0.2 * cloud(rng, 1, 1.6) + 0.06 * fine + 0.4 * holes,
        0.6 + 0.06 * fine - 0.4 * holes,
        0.5 + 0.1 * fine,
    )


def _asphalt(rng: np.random.Generator) -> Planes:
    fine = cloud(rng, 60, 0.2)
    return 0.3 + 0.18 * fine + 0.12 * cloud(rng, 1, 1.6), 0.5 + 0.25 * fine, 0.5 + 0.2 * fine


def _paving(rng: np.random.Generator) -> Planes:
    inside, own = _cells(rng, 4, 3, 0.5, 0.03)
    fine = cloud(rng, 20, 0.7)
    return 1 - inside * (0.5 + 0.35 * own + 0.08 * fine), inside * (0.7 + 0.1 * own) + 0.05 * fine, 0.5 * inside


def _cobbles(rng: np.random.Generator) -> Planes:
    inside, own = _cells(rng, 12, 10, 0.5, 0.22)
    fine = cloud(rng, 20, 0.8)
    return 1 - inside * (0.5 + 0.4 * own + 0.08 * fine), inside * (0.7 + 0.2 * own), 0.6 * inside


def _leather(rng: np.random.Generator) -> Planes:
    grain = np.abs(cloud(rng, 18, 1.2))
    return 0.3 + 0.12 * cloud(rng, 2) - 0.1 * grain, 0.3 + 0.3 * np.minimum(grain, 1), 0.7 + 0.2 * grain


def _worn(rng: np.random.Generator) -> Planes:
    patch = _step(cloud(rng, 2, 1.3), 0.9, 0.5)
    return patch * (0.8 + 0.2 * cloud(rng, 20, 0.6)), 0.6 - 0.2 * patch, 1 - 0.8 * patch


def _corrugated(rng: np.random.Generator) -> Planes:
    x, _ = _place()
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * x * 10)
    return 0.3 * (1 - wave) + 0.12 * cloud(rng, 2, 1.3), wave, 0.6 + 0.3 * wave


def _boards(rng: np.random.Generator) -> Planes:
    second, height, gloss = (np.ascontiguousarray(plane.T) for plane in _planks(rng))
    return second, height, gloss


def _knit(rng: np.random.Generator) -> Planes:
    x, y = _place()
    v = np.abs((x * 24) % 1 - 0.5)
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * (y * 30 + v * 1.4))
    return 0.3 + 0.3 * (1 - wave) + 0.06 * cloud(rng, 2), wave, 0.1 + 0 * x


def _rug(rng: np.random.Generator) -> Planes:
    x, y = _place()
    u, v = np.abs(x - 0.5), np.abs(y - 0.5)
    edge = np.minimum(0.5 - u, 0.5 - v)
    bands = np.sin(edge * 150) * (edge < 0.12)
    centre = np.sin(30 * (u + v)) * np.cos(60 * u * v * 4 + 20 * (u - v)) * (edge >= 0.12)
    return 0.5 + 0.45 * np.sign(bands + centre) + 0.06 * cloud(rng, 60, 0.3), 0.5 + 0.2 * cloud(rng, 60, 0.2), 0 * x


def _leafage(rng: np.random.Generator) -> Planes:
    fine = cloud(rng, 10, 0.9)
    return np.clip(0.45 + 0.3 * fine, 0, 1), np.clip(0.5 + 0.3 * fine, 0, 1), 0.5 + 0.2 * fine


def _bark(rng: np.random.Generator) -> Planes:
    ridge = np.abs(cloud(rng, 5, 1.1, 0.2))
    return np.clip(1 - ridge, 0, 1), np.clip(ridge * 0.6, 0, 1), 0.2 + 0 * ridge


def _print(rng: np.random.Generator) -> Planes:
    """Lines of words."""
    x, y = _place()
    word = rng.random((40, 60), dtype=np.float32)[(y * 40).astype(int), (x * 60).astype(int)]
    ink = (word > 0.3) & ((y * 40) % 1 > 0.4) & (x > 0.06) & (x < 0.94)
    return ink * 0.85 + 0.03 * cloud(rng, 2), 0.5 + 0 * x, 0.3 + 0 * x


PATTERNS: dict[str, Callable[[np.random.Generator], Planes]] = {
    "plain": _plain, "paint": _paint, "plaster": _plaster, "brick": _brick, "stones": _stones, "wood": _wood,
    "planks": _planks, "boards": _boards, "parquet": _parquet, "tiles": _tiles, "subway": _subway,
    "chequer": _chequer, "carpet": _carpet, "marble": _marble, "weave": _weave, "stripes": _stripes,
    "tartan": _tartan, "floral": _floral, "damask": _damask, "geometric": _geometric, "dots": _dots,
    "concrete": _concrete, "asphalt": _asphalt, "paving": _paving, "cobbles": _cobbles, "leather": _leather,
    "worn": _worn, "corrugated": _corrugated, "knit": _knit, "rug": _rug, "leafage": _leafage, "bark": _bark,
    "print": _print,
}  # fmt: skip


def pattern_bank() -> NDArray[np.uint8]:
    """All patterns [N, SIDE, SIDE, 4] uint8 in the order of PATTERNS; the last plane is full. Always the same."""
    bank = np.full((len(PATTERNS), SIDE, SIDE, 4), 255, np.uint8)
    for number, draw in enumerate(PATTERNS.values()):
        planes = np.stack(draw(np.random.default_rng([_SEED, number])), axis=-1)
        bank[number, ..., :3] = np.clip(planes * 255 + 0.5, 0, 255).astype(np.uint8)
    return bank


def shrink(picture: NDArray, side: int) -> NDArray:
    """A picture made square, `side` pixels."""
    return resized(picture, (side, side))
