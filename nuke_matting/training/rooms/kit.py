"""What a scene is being made with: its random generator, and the materials and pictures that it has so far."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy

import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.rooms.surfaces import Colour, Material, triple
from nuke_matting.training.textures import colours

_WOODS: tuple[tuple[Colour, Colour], ...] = (
    ((0.42, 0.26, 0.13), (0.26, 0.14, 0.06)), ((0.20, 0.09, 0.04), (0.09, 0.035, 0.015)),
    ((0.55, 0.40, 0.24), (0.40, 0.27, 0.14)), ((0.09, 0.05, 0.03), (0.035, 0.02, 0.012)),
    ((0.62, 0.52, 0.38), (0.50, 0.39, 0.26)), ((0.33, 0.12, 0.05), (0.16, 0.05, 0.02)),
    ((0.30, 0.25, 0.20), (0.18, 0.14, 0.11)),
)  # fmt: skip
_METALS: tuple[Colour, ...] = (
    (0.75, 0.75, 0.76), (0.75, 0.55, 0.22), (0.60, 0.35, 0.20), (0.05, 0.05, 0.055), (0.35, 0.35, 0.36),
)  # fmt: skip
_STONES: tuple[tuple[Colour, Colour], ...] = (
    ((0.75, 0.72, 0.66), (0.45, 0.42, 0.40)), ((0.50, 0.47, 0.42), (0.30, 0.28, 0.25)),
    ((0.62, 0.52, 0.38), (0.40, 0.32, 0.22)), ((0.16, 0.16, 0.17), (0.40, 0.40, 0.40)),
    ((0.35, 0.16, 0.11), (0.2, 0.1, 0.08)),
)  # fmt: skip
PICTURE_SIDE = 256


class Kit:
    """Gives out materials, each the number of a new one.

    draw_picture : makes a picture [PICTURE_SIDE, PICTURE_SIDE, 3] uint8 sRGB of a kind.
    """

    def __init__(
        self, rng: np.random.Generator, draw_picture: Callable[[np.random.Generator, str], NDArray[np.uint8]]
    ) -> None:
        self.rng = rng
        self.materials: list[Material] = []
        self.pictures: list[NDArray[np.uint8]] = []
        self._draw_picture = draw_picture
        self._woods = [self._wood_pair() for _ in range(2)]  # a place has few woods
        self._tones = colours(rng, 5)

    def again(self, seed: int) -> Kit:
        """The same kit, drawing from a generator of its own: what is drawn after the same seed is alike."""
        other = copy(self)
        other.rng = np.random.default_rng(seed)
        return other

    def add(self, material: Material) -> int:
        """The number of a new material."""
        self.materials.append(material)
        return len(self.materials) - 1

    def chance(self, share: float) -> bool:
        """True as often as `share` says."""
        return bool(self.rng.random() < share)

    def between(self, low: float, high: float) -> float:
        """Evenly between two numbers."""
        return float(self.rng.uniform(low, high))

    def pick(self, *names: str) -> str:
        """One of some names."""
        return str(self.rng.choice(names))

    def colour(self, dull: float = 0.35) -> Colour:
        """One of the place's few colours, or any; with the chance `dull` near to grey."""
        base = self._tones[self.rng.integers(5)] if self.chance(0.5) else colours(self.rng, 1)[0]
        base = np.clip(base, 0.01, 0.8)
        if self.chance(dull):
            base = base.mean() * self.rng.uniform(0.9, 1.1, 3)
        return triple(base)

    def _wood_pair(self) -> NDArray[np.float64]:
        pair = np.asarray(_WOODS[self.rng.integers(len(_WOODS))])
        return np.clip(pair * np.exp(self.rng.normal(0, 0.2)) * (1 + self.rng.normal(0, 0.05, 3)), 0.01, 0.9)

    def wood(self, pattern: str = "wood") -> int:
        """Wood with its grain; one of the place's two kinds mostly. At times painted."""
        if self.chance(0.18):
            return self.painted()
        pair = self._woods[self.rng.integers(2)] if self.chance(0.8) else self._wood_pair()
        repeat = self.between(0.8, 1.6) if pattern == "wood" else self.between(0.35, 0.8)
        return self.add(
            Material(
                triple(pair[0]), triple(pair[1]), pattern, repeat, self.between(0.1, 0.8), self.between(10, 60), 0.002
            )
        )

    def painted(self, light: float = 0.5) -> int:
        """Painted wood or metal; white with the chance `light`."""
        colour = (
            triple(self.rng.uniform(0.6, 0.82) * self.rng.uniform(0.93, 1, 3)) if self.chance(light) else self.colour()
        )
        darker = triple(np.asarray(colour) * 0.8)
        return self.add(Material(colour, darker, "paint", 1.0, self.between(0.15, 0.7), self.between(15, 60), 0.0005))

    def cloth(self, plain: float = 0.5, thin: float = 0.0) -> int:
        """Woven, knitted or printed cloth."""
        pattern = (
            "weave"
            if self.chance(plain)
            else self.pick(
                "stripes", "stripes", "tartan", "tartan", "floral", "damask", "geometric", "dots", "knit", "knit"
            )
        )
        first = np.asarray(self.colour(0.4))
        second = first * self.between(0.5, 0.85) if pattern in ("weave", "knit") else np.asarray(self.colour(0.3))
        repeat = 2.5 if pattern in ("weave", "knit") else self.between(1.2, 4)
        return self.add(Material(triple(first), triple(second), pattern, repeat, 0.05, 8.0, 0.002, thin=thin))

    def leather(self) -> int:
        """Leather, brown or black mostly."""
        first = np.array([0.16, 0.07, 0.035]) * self.between(0.2, 2) if self.chance(0.7) else np.asarray(self.colour())
        return self.add(
            Material(triple(first), triple(first * 0.6), "leather", 3.0, self.between(0.3, 0.8), 20.0, 0.001)
        )

    def metal(self) -> int:
        """Bare or blackened metal."""
        first = np.asarray(_METALS[self.rng.integers(len(_METALS))])
        pattern = "worn" if self.chance(0.15) else "plain"
        return self.add(
            Material(
                triple(first),
                triple(first * 0.5),
                pattern,
                2.0,
                self.between(0.4, 0.9),
                self.between(15, 90),
                metal=self.between(0.7, 1),
            )
        )

    def stone(self) -> int:
        """Marble, sandstone, granite or concrete."""
        first, second = _STONES[self.rng.integers(len(_STONES))]
        pattern = self.pick("marble", "concrete", "plaster", "plain")
        return self.add(Material(first, second, pattern, self.between(0.5, 1.5), self.between(0.05, 0.6), 25.0, 0.001))

    def ceramic(self) -> int:
        """Glazed pottery, glass or plastic."""
        pattern = self.pick("plain", "plain", "plain", "stripes", "floral", "damask", "worn")
        return self.add(
            Material(
                self.colour(), self.colour(), pattern, self.between(2, 6), self.between(0.5, 1), self.between(30, 150)
            )
        )

    def black(self) -> int:
        """Black rubber or a dark gap."""
        return self.add(Material((0.012, 0.012, 0.012), (0.02, 0.02, 0.02), "plain", gloss=0.15))

    def glowing(self, strength: float, warm: float = 0.5) -> int:
        """Something that shines: a shade, a bulb, a tube."""
        colour = triple(np.array([1.0, 0.93, 0.85]) * (1 - warm) + np.array([1.0, 0.72, 0.42]) * warm)
        return self.add(Material(colour, colour, "weave", 2.0, 0.05, glow=strength, thin=0.5))

    def picture(self, kind: str, gloss: float = 0.1, glow: float = 0.0) -> int:
        """A picture of a kind; a place shows at most ten, then the same again."""
        if len(self.pictures) < 10:
            self.pictures.append(self._draw_picture(self.rng, kind))
            number = len(self.pictures) - 1
        else:
            number = int(self.rng.integers(len(self.pictures)))
        return self.add(Material((1.0, 1.0, 1.0), picture=number, gloss=gloss, glow=glow, shine=60.0))

    def leaf(self) -> tuple[int, int]:
        """Two greens, or reds and yellows, of one plant."""
        green = np.array([0.06, 0.14, 0.025]) * np.exp(self.rng.normal(0, 0.35)) * np.exp(self.rng.normal(0, 0.18, 3))
        if self.chance(0.12):
            green = np.array([0.3, 0.14, 0.03]) * np.exp(self.rng.normal(0, 0.3, 3))
        gloss = self.between(0.1, 0.6)
        both = [
            self.add(Material(triple(green * k), triple(green * k * 0.6), "leafage", 4.0, gloss, 25.0, thin=0.45))
            for k in (1.0, self.between(1.2, 1.8))
        ]
        return both[0], both[1]
