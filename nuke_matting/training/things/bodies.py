"""Bodies with three dimensions: one or several, lit from a side, shaded, on nothing or on a table.

Rays are marched to the distances of `shapes`, seen from a little above without perspective; what they meet is
coloured by `surfaces`. Balls that hold the bodies stand for them where they keep light from one another.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.opencv import resized, warped
from nuke_matting.training.things import shapes, surfaces
from nuke_matting.training.things.frame import Array, Frame, Motion, Painter, Random, over
from nuke_matting.training.things.surfaces import Stuff, looked_up

_STEPS = 22  # of a ray
_MOST = 300  # pixels of a picture of bodies, over a length of 1
_ALONE = 0.5
_WIDE, _HIGH = 1.6, 1.05  # half of what bodies are drawn in; a group is wider than high


@dataclass(frozen=True)
class Placed:
    """A body in the scene: its axes (columns, y up, z to who looks), size and place."""

    body: shapes.Body
    stuff: Stuff
    axes: Array
    size: float
    at: Array


@dataclass(frozen=True)
class Lamp:
    """Light from a side, from above and from below: where from, and colours."""

    toward: Array
    key: Array
    sky: Array
    ground: Array
    wrap: float


def bodies(random: Random) -> Painter:
    """A body or several: fruit, bread, crockery, bottles, stones, boxes, balls, animals."""
    return _scene(random, table=False)


def laid(random: Random) -> Painter:
    """Bodies on a table, a shelf, a plinth, with their shadows on it."""
    return _scene(random, table=True)


def _scene(random: Random, table: bool) -> Painter:
    pitch = random.uniform(0.12, 0.7) if table else random.uniform(0.0, 0.7)
    view = np.asarray([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]], np.float32)
    lamp, placed = _lamp(random), _arranged(random)
    bumps = surfaces.volume(random)
    shift, fit = _fitted(placed, view)
    board = _Board.draw(random, placed) if table else None
    level = random.random() < 0.85 or table
    kept: list[Array] = []  # drawn once, at the first frame's size

    def paint(frame: Frame) -> Array:
        if level:  # things lie as the ground does
            terms = frame.motion.terms.copy()
            terms[3] *= 0.15
            frame = Frame(frame.time, Motion(terms), frame.height, frame.width)
        matrix = frame.matrix(1)
        if not kept:
            sharp = int(np.clip(np.hypot(*matrix[:, 0]), 20, _MOST))
            kept.append(_drawn(placed, view, lamp, bumps, shift, fit, sharp, board is not None))
        (picture,) = kept
        across, down = 2 * _WIDE / picture.shape[1], 2 * _HIGH / picture.shape[0]
        into = np.asarray([[across, 0, across / 2 - _WIDE], [0, down, down / 2 - _HIGH], [0, 0, 1]])
        seen = warped(picture, matrix @ into, (frame.width, frame.height), cv2.BORDER_CONSTANT)
        if board is None:
            return np.maximum(seen, 0)
        below = board.drawn(frame, placed, view, lamp, shift, fit)
        return np.maximum(seen + below * (1 - seen[..., 3:]), 0)

    return paint


def _lamp(random: Random) -> Lamp:
    side = random.choice([-1, 1]) * random.uniform(0.4, 2.0) if random.random() < 0.85 else random.uniform(-3.1, 3.1)
    high = random.uniform(0.1, 1.2)
    toward = np.asarray([np.sin(side) * np.cos(high), np.sin(high), np.cos(side) * np.cos(high)], np.float32)
    tint = np.exp(random.normal(0, 0.08, 3) + random.normal(0, 0.15) * np.asarray([1, 0, -1]))
    key = random.uniform(0.5, 1.7) * tint
    sky = random.uniform(0.12, 0.6) * np.exp(random.normal(0, 0.08, 3)) / tint
    ground = sky * random.uniform(0.15, 0.8) * np.exp(random.normal(0, 0.15, 3))
    wrap = float(random.uniform(0, 0.25))
    return Lamp(toward, key.astype(np.float32), sky.astype(np.float32), ground.astype(np.float32), wrap)


def _arranged(random: Random) -> list[Placed]:
    """One, or several of a kind or of any, side by side and before one another on a ground at y = 0."""
    count = 1 if random.random() < _ALONE else int(random.integers(2, 7))
    alike, close = random.random() < 0.45, random.uniform(0.45, 0.9)
    first, stuff = _made(random)
    placed: list[Placed] = []
    x = 0.0
    for index in range(count):
        if index and not alike:
            first, stuff = _made(random)
        elif index and random.random() < 0.3:
            stuff = _stuff(random, first)
        size = float(np.exp(random.normal(0, 0.12 if alike else 0.35)))
        axes = _turned(random, first.turned)
        low = _lowest(first, axes)
        reach = first.radius * size
        x += reach * close * random.uniform(0.6, 1.0) if index else 0.0
        at = np.asarray([x, -low * size - 0.01, random.normal(0, 0.7) if count > 1 else 0.0], np.float32)
        x += reach * close * random.uniform(0.6, 1.0)
        placed.append(Placed(first, stuff, axes, size, at))
    return [placed[k] for k in random.permutation(count)]


def _made(random: Random) -> tuple[shapes.Body, Stuff]:
    body = shapes.draw_body(random)
    return body, _stuff(random, body)


def _stuff(random: Random, body: shapes.Body) -> Stuff:
    return surfaces.STUFF[body.stuff[random.integers(len(body.stuff))]](random)


def _turned(random: Random, anyhow: bool) -> Array:
    """Axes of a body that stands, turned about the vertical, or lies in some way."""
    yaw = random.uniform(-3.14, 3.14)
    axes = np.asarray([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    tilt = random.uniform(-0.5, 0.5) if random.random() < 0.6 else random.uniform(-1.6, 1.6)
    tilt = tilt if anyhow else random.normal(0, 0.02)
    lean = np.asarray([[np.cos(tilt), -np.sin(tilt), 0], [np.sin(tilt), np.cos(tilt), 0], [0, 0, 1]])
    return (axes @ lean).astype(np.float32)


def _lowest(body: shapes.Body, axes: Array) -> float:
    """The height of a body's lowest point over its origin: where rays from below meet it."""
    side = np.linspace(-1, 1, 15, dtype=np.float32) * body.radius
    start = np.stack([each.ravel() for each in np.meshgrid(side, [-body.radius], side)])
    up = np.zeros(start.shape[1], np.float32)
    for _ in range(14):
        far = body.distance(axes.T @ (start + np.asarray([[0], [1], [0]], np.float32) * up))
        up = np.minimum(up + np.maximum(far, 0), np.float32(2 * body.radius))
    return float(min(np.min(up - body.radius), 0.0))


def _fitted(placed: list[Placed], view: Array) -> tuple[NDArray, float]:
    """What to add to places on the screen, then what to multiply by, so that all is within -1 .. 1, a group
    within half as much again to the sides."""
    centres = np.stack([view @ each.at for each in placed])[:, :2]
    reach = np.asarray([each.body.radius * each.size for each in placed])[:, None]
    low, high = (centres - reach).min(0), (centres + reach).max(0)
    return -(low + high) / 2, 2 / float(((high - low) / (1.5 if len(placed) > 1 else 1, 1)).max())


def _drawn(placed: list[Placed], view: Array, lamp: Lamp, bumps: Array, shift: NDArray, fit: float, sharp: int,
           ground: bool) -> Array:  # fmt: skip
    """The bodies, premultiplied [h, w, 4], of all that they are drawn in; sharp : pixels over a length of 1."""
    finer = 2 if sharp <= 160 else 1
    w, h = (int(2 * half * sharp) * finer for half in (_WIDE, _HIGH))
    scale = h / (2 * _HIGH) * fit  # of a length of 1 in the scene
    depth = np.full((h, w), -1e9, np.float32)
    picture = np.zeros((h, w, 4), np.float32)
    for index, each in enumerate(placed):
        centre = (view @ each.at)[:2] + shift
        middle = np.asarray([centre[0], -centre[1]]) * scale + (w / 2, h / 2)
        reach = each.body.radius * each.size * scale
        left, top = np.maximum(np.floor(middle - reach), 0).astype(int)
        right, bottom = np.minimum(np.ceil(middle + reach) + 1, (w, h)).astype(int)
        if left >= right or top >= bottom:
            continue
        half, unit = np.float32(0.5), np.float32(scale)
        across = (np.arange(left, right, dtype=np.float32) + half - np.float32(middle[0]))[None] / unit
        down = (np.arange(top, bottom, dtype=np.float32) + half - np.float32(middle[1]))[:, None] / unit
        x, y = np.broadcast_arrays(across, -down)
        rays, points = _met(each, view, x, y, 0.4 / scale)
        if len(rays) == 0:
            continue
        rows, columns = np.divmod(rays, right - left)
        world = each.axes @ points * np.float32(each.size) + each.at[:, None]
        far = view[2] @ world
        at = (rows + top, columns + left)
        nearer = far > depth[at]
        at, points, world = (at[0][nearer], at[1][nearer]), points[:, nearer], world[:, nearer]
        depth[at] = far[nearer]
        others = [other for k, other in enumerate(placed) if k != index]
        picture[at[0], at[1], :3] = _lit(each, points, world, view, lamp, bumps, others, ground)
        picture[at[0], at[1], 3] = 1
    if finer == 1:
        return picture
    return resized(picture, (w // finer, h // finer))


def _met(each: Placed, view: Array, x: Array, y: Array, near: float) -> tuple[NDArray, Array]:
    """Which rays, through x and y from the body's middle on the screen, meet it, and where in its own axes [3, N].

    near : what of a distance is none.
    """
    local = (each.axes.T @ view.T).astype(np.float32)  # of the screen's axes in the body's
    u, v = (each_.reshape(-1) / np.float32(each.size) for each_ in (x, y))
    half = np.float32(each.body.radius**2) - u * u - v * v
    rays = np.flatnonzero(half > 0)
    half = np.sqrt(half[rays])
    origin = local[:, :1] * u[rays] + local[:, 1:2] * v[rays] + local[:, 2:] * half
    way, along = -local[:, 2:], np.zeros(len(rays), np.float32)
    found: list[tuple[NDArray, Array]] = []
    close = np.float32(max(0.003, near / each.size))
    for step in range(_STEPS):
        points = origin + way * along
        far = each.body.distance(points)
        met = far < close
        if step == _STEPS - 1:
            met = far < 4 * close
        if met.any():
            found.append((rays[met], points[:, met]))
        on = ~met & (along < 2 * half)
        rays, origin, half, along = rays[on], origin[:, on], half[on], along[on] + np.maximum(far[on], close)
        if len(rays) == 0:
            break
    if not found:
        return rays[:0], origin[:, :0]
    return np.concatenate([first for first, _ in found]), np.concatenate([second for _, second in found], axis=1)


def _lit(each: Placed, points: Array, world: Array, view: Array, lamp: Lamp, bumps: Array, others: list[Placed],
         ground: bool) -> Array:  # fmt: skip
    """Light that comes from a body's points: colour [N, 3]."""
    stuff, distance, e = each.stuff, each.body.distance, np.float32(0.012)
    corners = np.asarray([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], np.float32)
    normal: NDArray[np.floating] = sum(
        (corner[:, None] * distance(points + e * corner[:, None]) for corner in corners), np.zeros_like(points)
    )
    normal /= np.maximum(shapes.length(normal), 1e-9)
    open_ = np.ones(points.shape[1], np.float32)
    for near, share in ((0.08, 2.0), (0.25, 1.0)):  # less where the body itself is near: inside bowls, between legs
        open_ -= np.float32(share) * np.clip(near - distance(points + normal * np.float32(near)), 0, near)
    open_ = np.clip(open_, 0.25, 1)
    if stuff.bump:
        q = points * np.float32(stuff.often)
        rough = np.stack([looked_up(bumps, q + k * 5.3) for k in range(3)])
        normal = normal + np.float32(stuff.bump * 0.5) * (rough - normal * (rough * normal).sum(0))
        normal /= shapes.length(normal)
    n = each.axes @ normal
    clear = _unshaded(world, lamp, others) if others else np.ones(points.shape[1], np.float32)
    for other in others:  # and where others are near
        away = other.at[:, None] - world
        far = shapes.length(away)
        ball = np.float32(0.85 * other.body.radius * other.size)
        open_ = open_ * (1 - 0.7 * np.clip((n * away).sum(0) / far, 0, 1) * np.minimum((ball / far) ** 2, 1))
    touched = np.exp(-np.maximum(world[1], 0) / np.float32(0.16 * each.size)) * (0.5 - 0.45 * n[1])
    open_ = open_ * (1 - np.float32(0.85 if ground else 0.55) * touched)
    base, eye = stuff.colour(points), view[2]
    facing = n.T @ lamp.toward
    sun = np.clip((facing + lamp.wrap) / (1 + lamp.wrap), 0, 1) * clear
    up = (0.5 + 0.5 * n[1])[:, None]
    around = lamp.sky * up + lamp.ground * (1 - up)
    seen = np.clip(n.T @ eye, 0, 1)
    half = (lamp.toward + eye) / np.linalg.norm(lamp.toward + eye)
    spot = np.clip(n.T @ half, 0, 1) ** np.float32(stuff.shine) * np.float32((stuff.shine + 8) / 25) * (facing > 0)
    back = 2 * seen * n - eye[:, None]  # where a mirror looks
    sky = np.clip(0.5 + 3 * back[1], 0, 1)[:, None]
    window = (np.clip((back.T @ lamp.toward - 0.86) * 12, 0, 1) * clear)[:, None]
    mirrored = lamp.sky * sky * 1.6 + lamp.ground * (1 - sky) + lamp.key * window * 1.5
    fresnel = (stuff.gloss * (0.05 + 0.6 * (1 - seen) ** 5))[:, None]
    light = base * (lamp.key * sun[:, None] + around * open_[:, None]) * (1 - 0.85 * stuff.mirror)
    light = light + base * mirrored * open_[:, None] * (stuff.mirror if stuff.mirror > 0.5 else 0)
    light = light + lamp.key * (stuff.gloss * 0.4 * spot * clear)[:, None] + mirrored * open_[:, None] * fresnel
    if stuff.sheen:
        light = light + base * around * (2.5 * stuff.sheen * (1 - seen) ** 2 * open_)[:, None]
    return np.maximum(light, 0).astype(np.float32)


def _unshaded(world: Array, lamp: Lamp, others: list[Placed]) -> Array:
    """Which share of the lamp's light reaches points past balls in its way."""
    clear = np.ones(world.shape[1], np.float32)
    for other in others:
        away = other.at[:, None] - world
        along = lamp.toward @ away
        beside = np.sqrt(np.maximum((away * away).sum(0) - along * along, 0))
        ball = np.float32(0.72 * other.body.radius * other.size)
        softness = ball * 0.25 + 0.08 * np.maximum(along, 0)
        clear *= np.where(along > 0, np.clip((beside - ball) / softness + 0.5, 0, 1), 1)
    return clear


@dataclass(frozen=True)
class _Board:
    """What things stand on: its top at y = 0, from `back` to `front`, as wide and as thick."""

    left: float
    right: float
    back: float
    front: float
    thick: float
    stuff: Stuff

    @classmethod
    def draw(cls, random: Random, placed: list[Placed]) -> _Board:
        reach = [each.body.radius * each.size for each in placed]
        left, right = (
            f(each.at[0] + s * r for each, r in zip(placed, reach, strict=True)) for f, s in ((min, -1), (max, 1))
        )
        back, front = (
            f(each.at[2] + s * r for each, r in zip(placed, reach, strict=True)) for f, s in ((min, -0.8), (max, 0.8))
        )
        if random.random() < 0.65:  # a table across the frame, or what ends on one side
            left, right = (
                left - random.choice([0.3, 40.0], p=[0.3, 0.7]),
                right + random.choice([0.3, 40.0], p=[0.3, 0.7]),
            )
        thick = random.uniform(0.06, 0.4) if random.random() < 0.6 else 40.0
        kind = str(random.choice(["wood", "wood", "stone", "cloth", "plain", "metal"]))
        margin = random.uniform(0, 1.5, 2)
        return cls(left, right, back - margin[0], front + 0.4 * margin[1], thick, surfaces.STUFF[kind](random))

    def drawn(self, frame: Frame, placed: list[Placed], view: Array, lamp: Lamp, shift: NDArray, fit: float) -> Array:
        """Premultiplied [H, W, 4], its edges smooth."""
        matrix = frame.matrix(1)
        pixels = np.stack(np.meshgrid(np.arange(frame.width) + 0.5, np.arange(frame.height) + 0.5), -1)
        own = (pixels - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
        x, high = own[..., 0] / fit - shift[0], -own[..., 1] / fit - shift[1]
        pixel = 1 / (np.hypot(*matrix[:, 0]) * fit)
        cos, sin = float(view[1, 1]), float(-view[1, 2])
        edge = -self.front * sin  # of top and front, on the screen
        top = high >= edge
        z = np.where(top, -high / max(sin, 0.05), self.front)
        y = np.where(top, 0, (high - edge) / cos)
        sides = np.minimum(x - self.left, self.right - x)
        ends = np.minimum(-self.back * sin - high, high - edge + self.thick * cos)
        alpha = np.clip(np.minimum(sides, ends) / pixel + 0.5, 0, 1).astype(np.float32)
        shown = np.flatnonzero(alpha.reshape(-1))
        world = np.stack([each.reshape(-1)[shown] for each in (x, y, z)]).astype(np.float32)
        flat = top.reshape(-1)[shown]
        normal = np.where(flat[:, None], np.asarray([0, 1, 0], np.float32), np.asarray([0, 0, 1], np.float32))
        clear, open_ = _unshaded(world, lamp, placed), np.ones(len(shown), np.float32)
        for each in placed:
            away = each.at[:, None] - world
            far = np.maximum(shapes.length(away), 1e-6)
            ball = np.float32(0.8 * each.body.radius * each.size)
            near = np.clip((normal.T * away).sum(0) / far, 0.15, 1) * np.minimum((ball / far) ** 3, 1)
            open_ *= 1 - 0.75 * near * flat
        sun = np.clip(normal @ lamp.toward, 0, 1) * clear
        up = (0.5 + 0.5 * normal[:, 1])[:, None]
        around = (lamp.sky * up + lamp.ground * (1 - up)) * open_[:, None]
        light = self.stuff.colour(world * np.float32(0.5)) * (lamp.key * sun[:, None] + around)
        light = np.maximum(light + lamp.sky * (self.stuff.gloss * 0.15 * flat * open_)[:, None], 0)
        picture = np.zeros((frame.height * frame.width, 3), np.float32)
        picture[shown] = light
        return over(picture.reshape(frame.height, frame.width, 3), alpha)
