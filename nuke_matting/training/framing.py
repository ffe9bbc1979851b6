"""Where a cut-out lies in the frame: as people stand in pictures, and as cameras frame them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuke_matting.opencv import resized, warped
from nuke_matting.training.values import Sides

Array = NDArray[np.float32]
Random = np.random.Generator

_CUT = 0.03  # share of a side that is solid where the photograph, and not the subject, ends
# where a picture was cropped to its subject all around, the subject's own ends touch the sides as well, and widen soon:
_WIDENS = 0.5  # by what is solid at a side, over that a little further in: more at 96 of 100 cut sides, at no others
_FURTHER = 0.03  # of the picture's height or width
_STANDS = 0.25  # share of the lower side, where feet end, which do not widen
_SOFT = 1  # pixels by which filters soften a layer's sides
_HEAD_SHOWN = 0.85  # share of those who are taller than the frame


@dataclass(frozen=True)
class Path2D:
    """Where a layer lies in each frame: rotation (radians), scale, centre (fractions of the frame), all [T]."""

    angle: Array
    scale: Array
    x: Array
    y: Array


def cut_sides(alphas: Sequence[NDArray[np.uint8]], ends: Sides) -> Sides:
    """The sides at which its picture cuts a subject off in any frame: nothing of the subject is known beyond.

    alphas : [H, W] each, cropped to the subject. ends : the sides at which that is where their picture ends.
    """
    cropped = ends == Sides(True, True, True, True)

    def cuts(touches: bool, turned: list[NDArray[np.uint8]], least: float) -> bool:
        return touches and any(_cuts_left(each, least, cropped) for each in turned)

    return Sides(
        left=cuts(ends.left, list(alphas), _CUT),
        right=cuts(ends.right, [each[:, ::-1] for each in alphas], _CUT),
        top=cuts(ends.top, [each.T for each in alphas], _CUT),
        bottom=cuts(ends.bottom, [each[::-1].T for each in alphas], _STANDS if cropped else _CUT),
    )


def _cuts_left(alpha: NDArray[np.uint8], least: float, cropped: bool) -> bool:
    solid = (alpha > 128).mean(0)
    further_in = solid[min(max(1, round(_FURTHER * len(solid))), len(solid) - 1)]
    return bool(solid[0] > least and not (cropped and solid[0] < _WIDENS * further_in))


def draw_height(random: Random) -> float:
    """How tall a subject is, over the frame: about half of them fill it, a fifth are nearer, a third farther away."""
    kind = random.random()
    if kind < 0.45:
        return float(random.uniform(0.75, 1.25))
    return float(random.uniform(1.25, 2.4) if kind < 0.65 else random.uniform(0.2, 0.75))


def draw_place(
    random: Random,
    tall: float,
    size: tuple[int, int],
    cut: Sides,
    frame: tuple[int, int],
    largest: float = np.inf,
) -> tuple[float, float, float]:
    """Scale and centre (x, y; fractions of the frame) of a picture of a subject. size, frame : height, width, pixels.

    largest : scale that is not exceeded, but to hide where the picture cuts the subject off.
    Those who fit in stand on something, those who do not show their head, mostly: cameras look at heads, not at feet.
    """
    (h, w), (height, width) = size, frame
    scale = min(tall * height / h, 1.5 * width / w, largest)
    if cut.left and cut.right:  # `hide_cuts` would enlarge it about its middle, and so its head out of the frame
        scale = max(scale, 1.1 * width / w)
    half = scale * h / height / 2
    if 2 * half > 0.95:
        shown = random.random() < _HEAD_SHOWN
        y = half + random.uniform(-0.06, 0.2) if shown else random.uniform(0.5 - half, 0.5 + half)
    elif cut.bottom:
        y = 1 - half + abs(random.normal(0, 0.05))
    else:
        y = random.uniform(0.55, 1.15) - half
    return scale, float(random.uniform(0.15, 0.85)), float(y)


def hide_cuts(path: Path2D, size: tuple[int, int], cut: Sides, frame: tuple[int, int]) -> Path2D:
    """The path, moved and enlarged as far as it takes to keep cut sides out of every frame.

    Otherwise a straight edge in mid-picture would be taught as that of a subject. size, frame : height, width, pixels.
    """
    (h, w), (height, width) = ([side - 1 for side in each] for each in (size, frame))  # from pixel to pixel
    steepest = 0.25 * min(size) / max(size)  # so that turned sides still reach along the frame's
    angle = np.clip(path.angle, -steepest, steepest) if cut != Sides() else path.angle
    turn, lean = np.cos(angle), np.abs(np.sin(angle))
    across, down = np.maximum(turn * w - lean * h, 1), np.maximum(turn * h - lean * w, 1)
    scale = path.scale
    if cut.left and cut.right:
        scale = np.maximum(scale, (width + 2 * _SOFT) / across)
    if cut.top and cut.bottom:
        scale = np.maximum(scale, (height + 2 * _SOFT) / down)
    x = _held(path.x * frame[1], across * scale / 2 - _SOFT, width, cut.left, cut.right) / frame[1]
    y = _held(path.y * frame[0], down * scale / 2 - _SOFT, height, cut.top, cut.bottom) / frame[0]
    return Path2D(*(each.astype(np.float32) for each in (angle, scale, x, y)))


def _held(centre: Array, half: Array, end: int, first: bool, last: bool) -> Array:
    """Centres, in pixels, at which the first side is at or before 0, the last at or after `end`."""
    if last:
        centre = np.maximum(centre, end - half)
    if first:
        centre = np.minimum(centre, half)
    return centre


def move(layers: Array, path: Path2D, height: int, width: int, border: int) -> Array:
    """Draws a layer [1, h, w, C], or one for each frame [T, h, w, C], along a path: [T, height, width, C].

    Reduced by area first, so nothing aliases.
    """
    least = float(path.scale.min())
    shrunk = 1.0
    if least < 0.75:
        size = (max(1, round(layers.shape[2] * least)), max(1, round(layers.shape[1] * least)))
        reduced = [resized(each, size).reshape(*size[::-1], -1) for each in layers]
        layers, shrunk = np.stack(reduced), least
    h, w = layers.shape[1:3]
    frames = []
    for index, (angle, scale, x, y) in enumerate(zip(path.angle, path.scale / shrunk, path.x, path.y, strict=True)):
        cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
        matrix = np.asarray([[cos, -sin, 0], [sin, cos, 0]], np.float64)
        matrix[:, 2] = (x * width, y * height) - matrix[:, :2] @ ((w - 1) / 2, (h - 1) / 2)
        layer = layers[min(index, len(layers) - 1)]
        moved = warped(layer, matrix, (width, height), border)
        frames.append(moved.reshape(height, width, -1))
    return np.stack(frames)
