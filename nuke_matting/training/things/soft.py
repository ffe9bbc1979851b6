"""Kinds of things that are open or soft all over: smoke, fences and nets, discs, veils. See `things.kinds`."""

from __future__ import annotations

import cv2
import numpy as np

from nuke_matting.opencv import blurred, warped
from nuke_matting.training.textures import colours, noise, ramp
from nuke_matting.training.things.frame import (
    BITS,
    SIDE,
    Array,
    Frame,
    Painter,
    Random,
    fixed,
    inked,
    outline,
    over,
)


def _shifted(picture: Array, x: float, y: float) -> Array:
    matrix = np.asarray([[1, 0, x], [0, 1, y]], np.float64)
    return warped(picture, matrix, picture.shape[1::-1], cv2.BORDER_REFLECT_101)


def smoke(random: Random) -> Painter:
    """Smoke, steam, dust, fire, cloud: noise on the move in a puff or a plume."""
    layers = [noise(random, SIDE, int(random.integers(2, 5)), 5, 0.55) for _ in range(2)]
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j].astype(np.float32)
    bent = x + 0.2 * np.sin(2 * y + random.uniform(0, 6)) + 0.12 * layers[1]
    if random.random() < 0.5:  # a plume that widens upwards
        wide = 0.12 + 0.3 * np.clip((0.9 - y) / 1.8, 0, 1)
        envelope = np.exp(-((bent / wide) ** 2))
    else:
        envelope = np.clip(1.25 - 1.45 * np.hypot(bent, y + 0.12 * layers[0]), 0, 1)
    envelope *= np.clip((0.98 - np.maximum(np.abs(x), np.abs(y))) * 3, 0, 1) ** 2  # nothing is cut off at the sides
    drift = random.normal(0, 1.2, (2, 2)) - (0, 1.0)
    dense, thin = random.uniform(0.5, 3.5), random.uniform(-0.2, 0.6)
    palette = colours(random, 2)
    if random.random() < 0.7:
        palette = palette.mean(1, keepdims=True) * np.exp(random.normal(0, 0.06, 3))
    palette = np.sort(palette.astype(np.float32), axis=0)
    if random.random() < 0.15:  # fire
        palette = np.asarray([[0.6, 0.08, 0.01], [4, 1.6, 0.3]], np.float32)

    def paint(frame: Frame) -> Array:
        moved = [_shifted(each, *(way * frame.time)) for each, way in zip(layers, drift, strict=True)]
        cloud = np.maximum(0.5 * (moved[0] + moved[1]) + thin + envelope - 0.4, 0) * envelope
        field = frame.laid(np.stack([cloud, 0.5 + 0.25 * moved[0] - 0.2 * y], 2), cv2.BORDER_CONSTANT)
        alpha = 1 - np.exp(-dense * np.maximum(field[..., 0], 0))
        alpha = np.clip((alpha - 0.004) / 0.996, 0, 1)
        return over(ramp(field[..., 1], palette), alpha)

    return paint


def _grid(random: Random, many: int) -> list[tuple[Array, bool]]:
    """Lines [N, 2] of a fence, a net, a lattice or a web, each with whether it is thick.

    many : bars, rungs or rings.
    """
    form = random.choice(["bars", "chain", "net", "rails", "web", "ladder"])
    at = np.linspace(-1, 1, many)
    ends = np.linspace(-1, 1, 12)
    lines: list[tuple[Array, bool]] = []
    if form in {"bars", "net"}:
        lines += [(np.stack([np.full(12, each), ends], 1), False) for each in at]
        if form == "net" or random.random() < 0.5:
            lines += [(np.stack([ends, np.full(12, each)], 1), False) for each in at]
    elif form == "chain":
        for each in np.linspace(-2, 2, 2 * many):
            for way in (1, -1):
                points = np.stack([ends, (ends * way + each)], 1)
                points = points[np.abs(points[:, 1]) <= 1]
                if len(points) > 1:
                    lines.append((points, False))
    elif form == "rails":
        lines += [(np.stack([np.full(12, each), ends * 0.9 + 0.05], 1), False) for each in at]
        lines += [(np.stack([ends, np.full(12, each)], 1), True) for each in (-0.75, 0.75)]
    elif form == "ladder":
        lines += [(np.stack([np.full(12, each), ends], 1), True) for each in (-0.35, 0.35)]
        lines += [(np.stack([ends * 0.35, np.full(12, each)], 1), False) for each in at]
    else:
        spokes = np.linspace(0, 2 * np.pi, many + 3, endpoint=False) + random.normal(0, 0.08, many + 3)
        lines += [(np.outer([0, 1], [np.cos(each), np.sin(each)]), False) for each in spokes]
        spokes = np.append(spokes, spokes[0])
        for ring in np.linspace(0.15, 0.95, many):
            lines.append((ring * np.stack([np.cos(spokes), np.sin(spokes)], 1), False))
    if form not in {"web", "ladder"} and random.random() < 0.4:  # a frame round it
        lines.append((np.asarray([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]), True))
    return lines


def lattice(random: Random) -> Painter:
    """Fences, railings, nets, ladders, webs; hung out of true, and swaying if they are cloth or wire."""
    many = int(random.integers(4, 15))
    lines = _grid(random, many)
    large = random.uniform(1, 2.2)
    lean = random.normal(0, 0.2, (2, 2)) + np.eye(2) * (1, random.uniform(0.6, 1.3))
    sag, pace = random.normal(0, random.choice([0.0, 0.04, 0.12])), random.uniform(0.1, 0.4)
    thickness = random.uniform(0.008, min(0.06, 0.4 / many)) * random.choice([0.5, 1.0])  # bars leave gaps
    palette, light = np.sort(colours(random, 2), axis=0), random.uniform(-1, 1, 2)

    def paint(frame: Frame) -> Array:
        canvas = frame.canvas(3)
        unit = float(np.hypot(*frame.matrix(frame.samples)[:, 0])) * large
        for index, (points, thick) in enumerate(lines):
            bent = points + sag * np.sin(3 * points[:, ::-1] + pace * frame.time)
            tone = 128 + 110 * float(np.clip(light @ bent.mean(0) + 0.4 * (index % 2), -1, 1))
            width = frame.whole(thickness * unit * (2.2 if thick else 1), index / len(lines))
            at = [fixed(frame.place(bent @ lean.T * large))]
            cv2.polylines(canvas, at, False, (tone, 255, 0), width, cv2.LINE_AA, BITS)
        return inked(frame, canvas, palette)

    return paint


def discs(random: Random) -> Painter:
    """Lights out of focus, snow, sparks, bubbles, bokeh: few or many, each on its way."""
    count = int(random.choice([3, 10, 30, 70]))
    place = random.uniform(-0.1, 1.1, (count, 2))
    way = random.normal(0, 0.012, 2) + random.normal(0, 0.006, (count, 2))
    size = np.clip(0.5 / np.sqrt(count) * np.exp(random.normal(-0.6, 0.5, count)), 0.006, 0.3)
    form = random.choice(["disc", "glow", "bubble", "flake"])
    opaque = np.clip(random.uniform(0.25, 1.1) + random.normal(0, 0.15, count), 0.3, 1)
    palette = colours(random, 3) * (3 if form == "glow" else 1)
    tint = ramp(random.random(count), palette)
    soft = random.uniform(0.04, 0.5)

    def profile(far: Array, reach: float) -> Array:
        if form == "glow":
            return np.clip(np.exp(-3.5 * far**2) - 0.03, 0, 1) / 0.97
        body = np.clip((1 - far) / max(soft, 1 / max(reach, 1)), 0, 1)
        if form == "bubble":
            return body * (0.12 + 0.85 * np.clip(far, 0, 1) ** 6)
        return body

    def paint(frame: Frame) -> Array:
        picture = np.zeros((frame.height, frame.width, 4), np.float32)
        for index in range(count):
            x, y = (place[index] + way[index] * frame.time) * (frame.width, frame.height)
            reach = max(0.7, size[index] * frame.height)
            left, right = max(0, int(x - reach) - 1), min(frame.width, int(x + reach) + 2)
            top, bottom = max(0, int(y - reach) - 1), min(frame.height, int(y + reach) + 2)
            if left >= right or top >= bottom:
                continue
            far = np.hypot(
                (np.arange(left, right, dtype=np.float32) - np.float32(x))[None] / reach,
                (np.arange(top, bottom, dtype=np.float32) - np.float32(y))[:, None] / reach,
            )
            cover = (profile(far, reach) * opaque[index])[..., None]
            part = picture[top:bottom, left:right]
            part *= 1 - cover
            part += cover * np.append(tint[index], np.float32(1))
        return picture

    return paint


def veil(random: Random) -> Painter:
    """Thin cloth, glass, plastic film: seen through, more or less so along its folds."""
    shape = outline(random, 4)
    folds = noise(random, SIDE, 2, 2)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j].astype(np.float32)
    turn, often = random.uniform(0, np.pi), random.uniform(3, 12)
    along = (x * np.cos(turn) + y * np.sin(turn)) * often + 1.5 * folds
    least, most = np.sort(random.uniform(0.08, 0.95, 2))
    pace, soft = random.normal(0, 0.25), random.uniform(0.3, 4)
    palette = np.sort(colours(random, 2), axis=0)

    def paint(frame: Frame) -> Array:
        canvas = frame.canvas(1)
        cv2.fillPoly(canvas, [fixed(frame.place(shape(frame.time)))], 255, cv2.LINE_AA, BITS)
        body = blurred(frame.reduced(canvas), max(0.3, soft * frame.height / 256))
        wave = 0.5 + 0.5 * np.sin(along + pace * frame.time)
        field = frame.laid(np.stack([least + (most - least) * wave**2, wave], 2))
        return over(ramp(field[..., 1], palette), np.clip(field[..., 0], 0, 1) * body)

    return paint
