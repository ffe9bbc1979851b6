"""Kinds of things with an outline: each draws its nature from a random generator, and gives a painter of its frames."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.textures import colours, texture
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
    shaded,
)


def solid(random: Random) -> Painter:
    """A smooth body or an edgy one, with a texture and light from a side."""
    shape, surface = outline(random), texture(random, SIDE)
    light, roundness = random.normal(0, 1, 2), random.uniform(0, 4)
    every = 1 if random.random() < 0.6 else int(random.integers(6, 24))

    def paint(frame: Frame) -> Array:
        canvas = frame.canvas(1)
        cv2.fillPoly(canvas, [fixed(frame.place(shape(frame.time)[::every]))], 255, cv2.LINE_AA, BITS)
        alpha = frame.reduced(canvas)
        return over(frame.laid(surface) * shaded(alpha, frame, light, roundness)[..., None], alpha)

    return paint


def prop(random: Random) -> Painter:
    """Made things: boxes, bars, rings, rounds and letters joined, with holes."""
    parts: list[tuple[NDArray, float, bool]] = []  # points, thickness (0: filled), hole
    for _ in range(random.integers(2, 8)):
        centre, turn = random.normal(0, 0.35, 2), random.choice([0, np.pi / 2, random.uniform(0, np.pi)])
        form = random.choice(["box", "round", "bar", "ring"])
        angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        if form == "box":
            points = np.asarray([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * random.uniform(0.1, 0.55, 2)
        elif form == "bar":
            points = np.asarray([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (
                random.uniform(0.3, 1),
                random.uniform(0.01, 0.07),
            )
        else:
            points = np.stack([np.cos(angle), np.sin(angle)], 1) * random.uniform(0.12, 0.5)
        turned = points @ np.asarray([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + centre
        parts.append((turned, random.uniform(0.02, 0.1) if form == "ring" else 0.0, random.random() < 0.15))
    letters = "".join(chr(each) for each in random.integers(65, 91, random.integers(1, 4)))
    letters = letters if random.random() < 0.35 else ""
    glyphs = np.zeros((SIDE * 2, SIDE * 2), np.uint8)
    font = int(random.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_SCRIPT_COMPLEX]))
    size = 13.0 / max(1, len(letters))
    (wide, high), _ = cv2.getTextSize(letters, font, size, int(3 * size))
    cv2.putText(glyphs, letters, (SIDE - wide // 2, SIDE + high // 2), font, size, 255, int(3 * size), cv2.LINE_AA)
    surface, light, roundness = texture(random, SIDE), random.normal(0, 1, 2), random.uniform(0, 2)

    def paint(frame: Frame) -> Array:
        canvas = frame.canvas(1)
        if letters:
            side = glyphs.shape[0]
            into = np.asarray([[2 / side, 0, -1], [0, 2 / side, -1], [0, 0, 1]])
            cv2.warpAffine(glyphs, frame.matrix(frame.samples) @ into, canvas.shape[1::-1], dst=canvas[..., 0])
        unit = np.hypot(*frame.matrix(frame.samples)[:, 0])
        for points, thickness, hole in parts if not letters else parts[:1]:
            at, value = [fixed(frame.place(points))], 0 if hole else 255
            if thickness:
                cv2.polylines(canvas, at, True, value, max(1, round(thickness * unit)), cv2.LINE_AA, BITS)
            else:
                cv2.fillPoly(canvas, at, value, cv2.LINE_AA, BITS)
        alpha = frame.reduced(canvas)
        return over(frame.laid(surface) * shaded(alpha, frame, light, roundness)[..., None], alpha)

    return paint


@dataclass(frozen=True)
class Strands:
    """Many curves: roots [N, 2], directions (radians), lengths, bends, curls, sways and shades, each [N]."""

    root: NDArray
    direction: NDArray
    length: NDArray
    bend: NDArray
    curl: NDArray
    sway: NDArray
    shade: NDArray

    def at(self, time: float, steps: int = 9) -> NDArray:
        """[N, steps, 2]"""
        along = np.linspace(0, 1, steps)
        turn = self.direction[:, None] + self.bend[:, None] * along + self.curl[:, None] * np.sin(9 * along)
        turn = turn + self.sway[:, None] * along * np.sin(0.35 * time + 3 * self.root[:, :1])
        step = np.stack([np.cos(turn), np.sin(turn)], 2) * (self.length[:, None, None] / (steps - 1))
        return self.root[:, None] + np.concatenate([np.zeros_like(step[:, :1]), np.cumsum(step[:, 1:], 1)], 1)


def _strands(random: Random, root: NDArray, direction: NDArray, length: float, bend: float) -> Strands:
    count = len(root)
    return Strands(
        root,
        direction + random.normal(0, random.uniform(0.05, 0.45), count),
        length * np.exp(random.normal(0, random.uniform(0.1, 0.5), count)),
        bend + random.normal(0, random.uniform(0.1, 0.8), count),
        random.normal(0, random.choice([0.0, 0.15, 0.5]), count),
        random.normal(0.0, random.uniform(0, 0.3), count),
        random.beta(2, 2, count),
    )


def _ink(frame: Frame, canvas: NDArray[np.uint8], strands: Strands, width: float, tapered: bool) -> None:
    """Strands into a canvas of (shade times cover, cover, nothing); the later ones lie over the earlier ones.

    width : in a thing's own space, at the root if tapered.
    """
    lines = frame.place(strands.at(frame.time))
    thick = width * float(np.hypot(*frame.matrix(frame.samples)[:, 0]))
    if tapered and thick > 2:
        step = np.gradient(lines, axis=1)
        normal = (
            np.stack([-step[..., 1], step[..., 0]], 2) / np.maximum(np.hypot(*np.moveaxis(step, 2, 0)), 1e-6)[..., None]
        )
        side = normal * (thick / 2 * np.linspace(1, 0.08, lines.shape[1])[:, None])
        blades = fixed(np.concatenate([lines + side, (lines - side)[:, ::-1]], 1))
        for blade, shade in zip(blades, strands.shade, strict=True):
            cv2.fillPoly(canvas, [blade], (255 * float(shade), 255, 0), cv2.LINE_AA, BITS)
        return
    at, handfuls = fixed(lines), np.array_split(np.arange(len(lines)), min(24, len(lines)))
    for index, handful in enumerate(handfuls):  # each of one shade
        shade = 255 * float(strands.shade[handful[0]])
        whole = frame.whole(thick, index / len(handfuls))
        cv2.polylines(canvas, list(at[handful]), False, (shade, 255, 0), whole, cv2.LINE_AA, BITS)


def fur(random: Random) -> Painter:
    """A shaggy body: a plush thing, a wig, a fur collar."""
    shape, palette = outline(random, 4), np.sort(colours(random, 3), axis=0) * np.float32(0.8)
    count = int(random.integers(250, 700))
    edge = shape(0.0)
    where = random.random(count)
    at = np.stack(
        [np.interp(where * len(edge), np.arange(len(edge) + 1), np.append(edge[:, i], edge[0, i])) for i in (0, 1)], 1
    )
    depth = 1 - 0.9 * random.random(count) ** 2
    comb = random.normal(0, 0.6)
    order = np.argsort(depth)[::-1]  # the outer ones first, so that the inner ones lie over their roots
    strands = _strands(
        random,
        (at * depth[:, None])[order],
        (np.arctan2(at[:, 1], at[:, 0]) + comb)[order],
        random.uniform(0.1, 0.45),
        random.normal(0, 0.8),
    )
    width, light = random.uniform(0.004, 0.02), random.normal(0, 1, 2)

    def paint(frame: Frame) -> Array:
        canvas = frame.canvas(3)
        cv2.fillPoly(canvas, [fixed(frame.place(edge))], (60, 255, 0), cv2.LINE_AA, BITS)
        _ink(frame, canvas, strands, width, tapered=False)
        picture = inked(frame, canvas, palette)
        picture[..., :3] *= shaded(picture[..., 3], frame, light, 2.0)[..., None]
        return picture

    return paint


def grass(random: Random) -> Painter:
    """Blades from the ground up, in the wind."""
    count = int(random.integers(25, 130))
    root = np.stack([np.sort(random.normal(0, random.uniform(0.3, 1.3), count)), 0.95 + 0.1 * random.random(count)], 1)
    root = root[random.permutation(count)]
    strands = _strands(random, root, np.full(count, -np.pi / 2), random.uniform(0.6, 1.7), random.normal(0, 0.5))
    tints = colours(random, 3)
    if random.random() < 0.7:
        tints = tints.mean(1, keepdims=True) * np.asarray([random.uniform(0.4, 1), 1, random.uniform(0.1, 0.5)])
    palette, width = np.sort(tints, axis=0).astype(np.float32), random.uniform(0.015, 0.09)

    def paint(frame: Frame) -> Array:
        canvas = frame.canvas(3)
        _ink(frame, canvas, strands, width, tapered=True)
        return inked(frame, canvas, palette)

    return paint


def wires(random: Random) -> Painter:
    """Threads, cables, locks: a few or many long curves from one place or from all over."""
    count = int(random.choice([4, 12, 60, 250]))
    spread = random.uniform(0.02, 0.9)
    away = random.uniform(0, 6.28, count) if random.random() < 0.3 else np.full(count, random.uniform(0, 6.28))
    root = random.normal(0, spread, (count, 2)) - 0.6 * np.stack([np.cos(away), np.sin(away)], 1)
    strands = _strands(random, root, away, random.uniform(0.8, 2.2), random.normal(0, 1.2))
    palette = np.sort(colours(random, 3), axis=0)
    width = random.uniform(0.006, 0.03) if count > 20 else random.uniform(0.01, 0.06)

    def paint(frame: Frame) -> Array:
        canvas = frame.canvas(3)
        _ink(frame, canvas, strands, width, tapered=False)
        return inked(frame, canvas, palette)

    return paint


def leaves(random: Random) -> Painter:
    """Twigs with leaves on both sides."""
    twigs = int(random.integers(2, 6))
    away = random.uniform(0, 6.28) + random.normal(0, 0.8, twigs)
    start = -0.8 * np.asarray([[np.cos(away[0]), np.sin(away[0])]]) + random.normal(0, 0.05, (twigs, 2))
    stems = _strands(random, start, away, random.uniform(1.1, 1.8), random.normal(0, 0.5))
    each = int(random.integers(6, 16))
    slim, reach = random.uniform(0.12, 0.4), random.uniform(0.15, 0.42)
    size = reach * np.exp(random.normal(0, 0.25, (twigs, each)))
    tilt = random.normal(0, 0.3, (twigs, each)) + 0.9 * np.where(np.arange(each) % 2, 1, -1)
    shade = 0.25 + 0.75 * random.random((twigs, each))
    flutter = random.uniform(0, 0.25)
    along = np.linspace(0, 1, 9)
    half = np.sin(np.pi * along ** random.uniform(0.6, 1.1)) * slim
    leaf = np.concatenate([np.stack([along, half], 1), np.stack([along, -half], 1)[::-1]])
    greens = np.asarray([[0.03, 0.07, 0.01], [0.12, 0.28, 0.04], [0.4, 0.55, 0.12]]) * np.exp(random.normal(0, 0.3, 3))
    palette = (greens if random.random() < 0.6 else np.sort(colours(random, 3), axis=0)).astype(np.float32)

    def paint(frame: Frame) -> Array:
        canvas = frame.canvas(3)
        _ink(frame, canvas, stems, 0.02, tapered=False)
        lines = stems.at(frame.time, each + 1)
        for twig in range(twigs):
            step = np.diff(lines[twig], axis=0)
            turns = (
                np.arctan2(step[:, 1], step[:, 0]) + tilt[twig] + flutter * np.sin(0.5 * frame.time + np.arange(each))
            )
            for foot, turn, long, tone in zip(lines[twig, 1:], turns, size[twig], shade[twig], strict=True):
                points = leaf * long @ np.asarray([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + foot
                at = fixed(frame.place(points))
                cv2.fillPoly(canvas, [at], (255 * tone, 255, 0), cv2.LINE_AA, BITS)
                cv2.line(canvas, at[0], at[8], (160 * tone, 255, 0), 1, cv2.LINE_AA, BITS)  # the rib
        return inked(frame, canvas, palette)

    return paint
