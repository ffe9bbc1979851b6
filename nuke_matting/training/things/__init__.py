"""Subjects that are no people, made from a seed: straight scene-linear colour with the alpha that made it.

Solids, props, fur, grass, wires, leaves, smoke, fences and nets, soft discs, veils, shaded bodies; stills, and clips
that move smoothly. With a clean plate or a guide, what a subject is need not be known, so these train those modes.
Shapes are drawn at several times the size and reduced by area; colour and alpha come of the same samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nuke_matting.opencv import blurred
from nuke_matting.training.things import bodies, kinds, soft
from nuke_matting.training.things.frame import Array, Frame, Motion, Painter, Random

LEAST_COVER, MOST_COVER = 0.004, 0.9  # mean alpha of the first frame, or it is drawn anew
TRIES = 6
SHUTTER = (-0.35, -0.175, 0.0, 0.175, 0.35)  # frames; instants that a blurred frame is the mean of

KINDS: dict[str, tuple[float, Callable[[Random], Painter]]] = {
    "solid": (1.6, kinds.solid),
    "prop": (1.6, kinds.prop),
    "fur": (1.5, kinds.fur),
    "grass": (1.0, kinds.grass),
    "wires": (1.0, kinds.wires),
    "leaves": (1.4, kinds.leaves),
    "smoke": (1.2, soft.smoke),
    "lattice": (1.3, soft.lattice),
    "discs": (1.0, soft.discs),
    "veil": (1.0, soft.veil),
    "bodies": (2.0, bodies.bodies),
    "laid": (0.6, bodies.laid),
}


@dataclass(frozen=True)
class Thing:
    """kind : a name of KINDS; colour : [T, H, W, 3] straight, scene-linear; alpha : [T, H, W, 1] in [0, 1]."""

    kind: str
    colour: Array
    alpha: Array


def make(seed: int, height: int, width: int, frames: int = 1, kind: str | None = None) -> Thing:
    """The thing of a seed; the same seed and size give the same pixels.

    >>> thing = make(3, 48, 64, frames=2, kind="leaves")
    >>> thing.colour.shape, thing.alpha.shape
    ((2, 48, 64, 3), (2, 48, 64, 1))
    """
    return draw(np.random.default_rng(seed), height, width, frames, kind)


def draw(
    random: Random, height: int, width: int, frames: int = 1, kind: str | None = None, near: bool = False
) -> Thing:
    """A thing at random, of a kind or of any, that shows in the frame without filling it; near : sharp, large and in
    the middle."""
    names = list(KINDS)
    weights = np.asarray([KINDS[name][0] for name in names])
    for _ in range(TRIES):
        chosen = kind or names[random.choice(len(names), p=weights / weights.sum())]
        paint = _with_camera(random, KINDS[chosen][1](random), sharp=near)
        motion = Motion.draw(random, width / height)
        motion = motion.nearer(width / height) if near else motion
        picture = paint(Frame(0.0, motion, height, width))
        if LEAST_COVER < float(picture[..., 3].mean()) < MOST_COVER:
            break
    pictures = [picture, *(paint(Frame(float(time), motion, height, width)) for time in range(1, frames))]
    layers = np.stack(pictures)
    alpha = np.clip(layers[..., 3:], 0, 1)
    # where nothing shows, colour carries on as the mean of what does
    mean = layers[..., :3].sum((0, 1, 2)) / max(float(alpha.sum()), 1e-3)
    known = np.minimum(alpha / 0.01, 1)
    colour = layers[..., :3] / np.maximum(alpha, 0.01) + (1 - known) * mean
    return Thing(chosen, np.maximum(colour, 0).astype(np.float32), alpha)


def _with_camera(random: Random, paint: Painter, sharp: bool = False) -> Painter:
    """Sometimes motion blur, defocus, light from a side; always an exposure. Premultiplied [H, W, 4] in and out."""
    exposure = np.float32(np.exp(random.normal(0.2, 0.4)))
    moving = random.random() < 0.12
    defocus = random.uniform(0.002, 0.014) if random.random() < 0.22 else 0.0
    slope = random.normal(0, 0.5, 2) * (random.random() < 0.5)
    if sharp:
        moving, defocus = False, 0.0

    def painted(frame: Frame) -> Array:
        instants = SHUTTER if moving else (0.0,)
        picture: Array = np.stack([paint(frame.later(each)) for each in instants]).mean(axis=0, dtype=np.float32)
        if defocus:
            picture = blurred(picture, max(0.3, defocus * frame.height))
        y, x = np.mgrid[-1 : 1 : frame.height * 1j, -1 : 1 : frame.width * 1j].astype(np.float32)
        picture[..., :3] *= (exposure * np.exp(slope[0] * x + slope[1] * y))[..., None]
        return picture

    return painted
