"""Bodies: the base mesh moved by weighted morph targets, drawn from distributions of all kinds of people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.people.assets import Assets

_RACES = ("african", "asian", "caucasian")
_DETAILS = (  # folder, how many sliders are moved, spread of their weights
    ("head", 4, 0.35), ("forehead", 2, 0.4), ("eyes", 6, 0.35), ("nose", 8, 0.4), ("mouth", 7, 0.4), ("chin", 4, 0.4),
    ("cheek", 3, 0.4), ("ears", 3, 0.5), ("eyebrows", 1, 0.4), ("neck", 2, 0.3), ("torso", 3, 0.3), ("stomach", 1, 0.4),
    ("hip", 1, 0.3), ("arms", 3, 0.3), ("legs", 3, 0.3), ("hands", 1, 0.3), ("asym", 4, 0.35),
)  # fmt: skip
_LEFT_OUT = ("trans", "target-", "pregnant", "pointed", "ear-shape-triangle")  # sliders that break a face or a joint


@dataclass(frozen=True)
class Body:
    """Who somebody is. Each macro is 0..1: gender 0 female, 1 male; age 0.19 a child of 12, 0.5 young, 1 old.

    race : shares of african, asian, caucasian, summing to 1. details : weights of morph targets by name.
    """

    gender: float
    age: float
    weight: float
    muscle: float
    height: float
    proportions: float
    race: tuple[float, float, float]
    cup: float
    details: Mapping[str, float]


def draw_body(rng: np.random.Generator, target_names: frozenset[str]) -> Body:
    """A body at random: mostly adults of all ages, some children, all builds and origins."""
    female = rng.random() < 0.5
    age = rng.uniform(0.14, 0.4) if rng.random() < 0.12 else float(np.clip(rng.beta(1.3, 1.7) * 0.6 + 0.42, 0.42, 1.0))
    race = rng.dirichlet((0.35, 0.35, 0.35))
    return Body(
        gender=float(rng.beta(1, 8) if female else 1 - rng.beta(1, 8)),
        age=float(age),
        weight=float(np.clip(rng.normal(0.52, 0.2), 0, 1)),
        muscle=float(np.clip(rng.normal(0.5, 0.18), 0, 1)),
        height=float(np.clip(rng.normal(0.5, 0.17), 0, 1)),
        proportions=float(np.clip(rng.normal(0.62, 0.18), 0, 1)),
        race=(float(race[0]), float(race[1]), float(race[2])),
        cup=float(np.clip(rng.normal(0.5, 0.2), 0, 1)),
        details={**_draw_details(rng, target_names), **draw_expression(rng)},
    )


def _draw_details(rng: np.random.Generator, target_names: frozenset[str]) -> dict[str, float]:
    """Some sliders of every part of the body, left and right alike (`asym` apart)."""
    weights: dict[str, float] = {}
    for folder, count, spread in _DETAILS:
        sides = _sliders(target_names, folder)
        if not sides:
            continue
        for pick in rng.choice(len(sides), min(count, len(sides)), replace=False):
            value = float(min(abs(rng.normal(0, spread)), 0.9))
            for name in (sides[pick], sides[pick].replace("/l-", "/r-")):
                if name in target_names:
                    weights[name] = value
    return weights


@cache
def _sliders(target_names: frozenset[str], folder: str) -> list[str]:
    """Sorted names of a folder's sliders, of pairs the left ones."""
    names = (n for n in target_names if n.startswith(folder + "/") and not any(bad in n for bad in _LEFT_OUT))
    return sorted({n.replace("/r-", "/l-") for n in names})


def draw_expression(rng: np.random.Generator) -> dict[str, float]:
    """Face muscles: neutral, a smile, an open mouth, raised or lowered brows, narrowed eyes."""
    unit = "expression/units/caucasian/"
    weights: dict[str, float] = {}
    kind = rng.random()
    if kind < 0.35:  # a smile, closed or not
        weights[unit + "mouth-corner-puller"] = float(rng.uniform(0.3, 0.9))
        if rng.random() < 0.4:
            weights[unit + "mouth-part-later"] = float(rng.uniform(0.2, 0.7))
    elif kind < 0.5:  # talking
        weights[unit + "mouth-open"] = float(rng.uniform(0.1, 0.6))
    elif kind < 0.6:
        weights[unit + "mouth-pursing"] = float(rng.uniform(0.1, 0.5))
    if rng.random() < 0.4:
        brow = rng.choice(["up", "down", "inner-up", "extern-up"])
        for side in ("left", "right"):
            weights[f"{unit}eyebrows-{side}-{brow}"] = float(rng.uniform(0.1, 0.6))
    closed = 1.0 if rng.random() < 0.04 else max(0.0, float(rng.normal(0.05, 0.15)))
    for side in ("left", "right"):
        weights[f"{unit}eye-{side}-closure"] = min(closed, 1.0)
    return weights


def macro_weights(body: Body, target_names: frozenset[str]) -> dict[str, float]:
    """Weights of the macro targets: products of the shares that each of their parts has in this body."""
    gender = {"female": 1 - body.gender, "male": body.gender}
    age = _steps(body.age, ((0.0, "baby"), (0.1875, "child"), (0.5, "young"), (1.0, "old")))
    muscle = _steps(body.muscle, ((0.0, "minmuscle"), (0.5, "averagemuscle"), (1.0, "maxmuscle")))
    weight = _steps(body.weight, ((0.0, "minweight"), (0.5, "averageweight"), (1.0, "maxweight")))
    height = _steps(body.height, ((0.0, "minheight"), (0.5, ""), (1.0, "maxheight")))
    shape = _steps(body.proportions, ((0.0, "uncommonproportions"), (0.5, ""), (1.0, "idealproportions")))
    cup = _steps(body.cup, ((0.0, "mincup"), (0.5, "averagecup"), (1.0, "maxcup")))
    weights: dict[str, float] = {}

    def add(name: str, value: float) -> None:
        if value > 1e-4 and name in target_names:
            weights[name] = weights.get(name, 0.0) + value

    for g, wg in gender.items():
        for a, wa in age.items():
            for race, share in zip(_RACES, body.race, strict=True):
                add(f"macrodetails/{race}-{g}-{a}", wg * wa * share)
            for m, wm in muscle.items():
                for w, ww in weight.items():
                    build, value = f"{g}-{a}-{m}-{w}", wg * wa * wm * ww
                    add(f"macrodetails/universal-{build}", value)
                    for h, wh in height.items():
                        add(f"macrodetails/height/{build}-{h}", value * wh)
                    for s, ws in shape.items():
                        add(f"macrodetails/proportions/{build}-{s}", value * ws)
                    for c, wc in cup.items():
                        add(f"breast/{build}-{c}-averagefirmness", value * wc)
    return weights


def _steps(value: float, marks: tuple[tuple[float, str], ...]) -> dict[str, float]:
    """Shares of the two marks around a value, linear between them.

    >>> _steps(0.25, ((0.0, "low"), (0.5, "mid"), (1.0, "high")))
    {'low': 0.5, 'mid': 0.5}
    """
    for (low, name_low), (high, name_high) in pairwise(marks):
        if value <= high:
            share = (value - low) / (high - low)
            return {name_low: 1 - share, name_high: share}
    return {marks[-1][1]: 1.0}


def morph(
    positions: NDArray[np.float32],
    weights: Mapping[str, float],
    target: Callable[[str], tuple[NDArray[np.int32] | slice, NDArray[np.float32]]],
) -> NDArray[np.float32]:
    """Vertices [V, 3] moved by the sum of weight times target; `target(name)` gives (vertices [N], moves [N, 3]), each
    vertex once."""
    summed = np.zeros(positions.shape)
    for name, weight in weights.items():
        vertices, moves = target(name)
        summed[vertices] += np.float32(weight) * moves
    return positions + summed.astype(np.float32)


def shape_body(assets: Assets, body: Body) -> NDArray[np.float32]:
    """The base mesh's vertices [V, 3] for this body, in the rest pose, decimetres."""
    known = {name: weight for name, weight in body.details.items() if name in assets.target_names}
    return morph(assets.base.positions, {**macro_weights(body, assets.target_names), **known}, assets.moves)
