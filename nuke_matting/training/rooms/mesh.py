"""Geometry: pieces of triangles in metres (y up), the shapes that everything is built from, and their placing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float32]

_FACES = [(axis, sign) for axis in range(3) for sign in (-1, 1)]


@dataclass(frozen=True)
class Piece:
    """Triangles. vertices : [V, 9] float32: position 3, normal 3, uv 2 (metres, or 0..1 of a picture), material 1.

    triangles : [T, 3] int32.
    """

    vertices: Array
    triangles: NDArray[np.int32]

    def placed(self, at: ArrayLike = (0, 0, 0), turn: float = 0.0, scale: float = 1.0, tilt: float = 0.0) -> Piece:
        """The piece scaled, leant by `tilt` about x, turned about y (radians) and moved."""
        c, s, ct, st = np.cos(turn), np.sin(turn), np.cos(tilt), np.sin(tilt)
        matrix = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ np.array([[1, 0, 0], [0, ct, -st], [0, st, ct]])
        moved = self.vertices.copy()
        moved[:, 0:3] = moved[:, 0:3] @ (matrix.T * scale).astype(np.float32) + np.asarray(at, np.float32)
        moved[:, 3:6] = moved[:, 3:6] @ matrix.T.astype(np.float32)
        return Piece(moved, self.triangles)

    def stretched(self, by: ArrayLike) -> Piece:
        """The piece scaled by three factors."""
        factors = np.asarray(by, np.float32)
        moved = self.vertices.copy()
        moved[:, 0:3] *= factors
        moved[:, 3:6] /= factors
        moved[:, 3:6] /= np.maximum(np.linalg.norm(moved[:, 3:6], axis=1, keepdims=True), 1e-9)
        return Piece(moved, self.triangles)

    def bounds(self) -> tuple[Array, Array]:
        """Lowest and highest corner, each [3]."""
        return self.vertices[:, :3].min(axis=0), self.vertices[:, :3].max(axis=0)


def join(pieces: Iterable[Piece]) -> Piece:
    """All the pieces as one."""
    kept = [piece for piece in pieces if len(piece.triangles)]
    if not kept:
        return Piece(np.zeros((0, 9), np.float32), np.zeros((0, 3), np.int32))
    first = np.cumsum([0] + [len(piece.vertices) for piece in kept[:-1]])
    triangles = [piece.triangles + start for piece, start in zip(kept, first, strict=True)]
    return Piece(np.concatenate([piece.vertices for piece in kept]), np.concatenate(triangles).astype(np.int32))


def piece(positions: ArrayLike, normals: ArrayLike, uv: ArrayLike, triangles: ArrayLike, material: ArrayLike) -> Piece:
    """A piece of its parts; `material` is one number or [V]."""
    points = np.asarray(positions, np.float32)
    table = np.empty((len(points), 9), np.float32)
    table[:, 0:3], table[:, 3:6], table[:, 6:8], table[:, 8] = points, normals, uv, material
    return Piece(table, np.asarray(triangles, np.int32))


def smooth(positions: ArrayLike, uv: ArrayLike, triangles: ArrayLike, material: ArrayLike) -> Piece:
    """A piece whose normals follow from its shape, area-weighted."""
    points, rows = np.asarray(positions, np.float32), np.asarray(triangles, np.int32)
    face = np.cross(points[rows[:, 1]] - points[rows[:, 0]], points[rows[:, 2]] - points[rows[:, 0]])
    normals = np.stack([sum(np.bincount(rows[:, k], face[:, a], len(points)) for k in range(3)) for a in range(3)], 1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return piece(points, normals, uv, rows, material)


def _box_parts() -> tuple[Array, Array, NDArray[np.int32]]:
    """A bevelled box: the signs of each corner [24, 3] and its face's axis mask [24, 3], and the triangles [44, 3]."""
    signs, axes, triangles = [], [], []
    where: dict[tuple[int, tuple[int, ...]], int] = {}
    for axis, sign in _FACES:
        for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
            corner = [0, 0, 0]
            corner[axis], corner[(axis + 1) % 3], corner[(axis + 2) % 3] = sign, a, b
            where[axis, tuple(corner)] = len(signs)
            signs.append(corner)
            axes.append(np.eye(3)[axis])
        base = len(signs) - 4
        triangles += [[base, base + 1, base + 2], [base, base + 2, base + 3]]
    for axis in range(3):  # edges along an axis, between the faces of the two others
        u, v = (axis + 1) % 3, (axis + 2) % 3
        for su in (-1, 1):
            for sv in (-1, 1):
                low, high = [0, 0, 0], [0, 0, 0]
                low[axis], high[axis] = -1, 1
                low[u] = high[u] = su
                low[v] = high[v] = sv
                a, b = where[u, tuple(low)], where[u, tuple(high)]
                c, d = where[v, tuple(low)], where[v, tuple(high)]
                triangles += [[a, b, c], [c, b, d]]
    for corner in {tuple(row) for row in signs}:
        triangles.append([where[axis, corner] for axis in range(3)])
    return np.asarray(signs, np.float32), np.asarray(axes, np.float32), np.asarray(triangles, np.int32)


_SIGNS, _AXES, _BOX = _box_parts()


def boxes(
    centres: ArrayLike, sizes: ArrayLike, material: ArrayLike, bevel: float = 0.004, turns: ArrayLike = 0.0
) -> Piece:
    """Many boxes with rounded edges. centres, sizes : [N, 3]; material : one or [N]; turns : about y, one or [N]."""
    middle, size = np.atleast_2d(np.asarray(centres, np.float32)), np.atleast_2d(np.asarray(sizes, np.float32))
    count = len(middle)
    size = np.broadcast_to(size, (count, 3))
    half = size[:, None] / 2
    inset = np.minimum(bevel, half * 0.45) * (1 - _AXES)
    local = _SIGNS * (half - inset)
    normal = np.broadcast_to(_SIGNS * _AXES, local.shape)
    face = np.argmax(_AXES, axis=1)
    u = np.where(face == 0, 2, 0)
    v = np.where(face == 1, 2, 1)
    rows = np.arange(24)
    tall = (size[:, 1:2] < np.maximum(size[:, 0:1], size[:, 2:3])).astype(np.float32)  # grain runs along the length
    first, second = local[:, rows, u], local[:, rows, v]
    uv = np.stack([first * tall + second * (1 - tall), second * tall + first * (1 - tall)], -1)
    uv = uv + (np.arange(count) * 0.37 % 1.0)[:, None, None]
    turn = np.broadcast_to(np.asarray(turns, np.float32), (count,))[:, None]
    c, s = np.cos(turn), np.sin(turn)

    def turned(w: NDArray) -> NDArray:
        return np.stack([w[..., 0] * c + w[..., 2] * s, w[..., 1], w[..., 2] * c - w[..., 0] * s], -1)

    numbers = np.repeat(np.broadcast_to(np.asarray(material, np.float32), (count,)), 24)
    triangles = (np.arange(count)[:, None, None] * 24 + _BOX).reshape(-1, 3)
    points = (turned(local) + middle[:, None]).reshape(-1, 3)
    return piece(points, turned(normal).reshape(-1, 3), uv.reshape(-1, 2), triangles, numbers)


def box(centre: ArrayLike, size: ArrayLike, material: float, bevel: float = 0.004, turn: float = 0.0) -> Piece:
    """One box."""
    return boxes([centre], [size], material, bevel, turn)


def _grid(rows: int, columns: int) -> NDArray[np.int32]:
    """Triangles of a grid of vertices."""
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1, 1)
    return (first + np.array([0, 1, columns, columns, 1, columns + 1])).reshape(-1, 3).astype(np.int32)


def lathe(profile: ArrayLike, material: float, sides: int = 20) -> Piece:
    """A profile [N, 2] of radius and height turned about y."""
    line = np.asarray(profile, np.float32)
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    around = np.stack([np.cos(angle), np.sin(angle)], -1)
    points = np.empty((len(line), sides + 1, 3), np.float32)
    points[..., 0], points[..., 2] = line[:, :1] * around[:, 0], line[:, :1] * around[:, 1]
    points[..., 1] = line[:, 1:]
    slope = np.gradient(line, axis=0)
    slope /= np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9)
    normals = np.empty_like(points)
    normals[..., 0], normals[..., 2] = slope[:, 1:] * around[:, 0], slope[:, 1:] * around[:, 1]
    normals[..., 1] = -slope[:, :1]
    uv = np.empty((len(line), sides + 1, 2), np.float32)
    uv[..., 0], uv[..., 1] = angle * max(float(line[:, 0].max()), 0.01), line[:, 1:]
    grid = _grid(len(line), sides + 1)
    return piece(points.reshape(-1, 3), normals.reshape(-1, 3), uv.reshape(-1, 2), grid, material)


def cylinder(radius: float, height: float, material: float, sides: int = 16, top: float | None = None) -> Piece:
    """A closed upright cylinder, or a cone's stump with another radius at the top, that stands on the origin."""
    high = radius if top is None else top
    edge = min(radius, height) * 0.04
    profile = [(0, 0), (radius - edge, 0), (radius, 0), (radius, edge), (high, height - edge), (high, height)]
    return lathe([*profile, (high - edge, height), (0, height)], material, sides)


def tube(path: ArrayLike, radius: ArrayLike, material: float, sides: int = 8) -> Piece:
    """A round tube along points [N, 3]. radius : one or [N]."""
    line = np.asarray(path, np.float64)
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    helper = np.where(np.abs(along[:, 1:2]) < 0.9, (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    first = np.cross(along, helper)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-9)
    second = np.cross(along, first)
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    ring = np.cos(angle)[None, :, None] * first[:, None] + np.sin(angle)[None, :, None] * second[:, None]
    wide = np.broadcast_to(np.asarray(radius, np.float64), (len(line),))[:, None, None]
    points = line[:, None] + wide * ring
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    uv = np.stack(np.broadcast_arrays(angle[None] * np.mean(wide), length[:, None]), -1)
    grid = _grid(len(line), sides + 1)
    return piece(points.reshape(-1, 3), ring.reshape(-1, 3), uv.reshape(-1, 2), grid, material)


def cushion(size: ArrayLike, material: float, round_: float = 0.45, steps: int = 12) -> Piece:
    """A superellipsoid about the origin: `round_` 1 an ellipsoid, near 0 a box."""
    a = np.linspace(-np.pi / 2, np.pi / 2, steps + 1)[:, None]
    b = np.linspace(-np.pi, np.pi, 2 * steps + 1)[None]

    def power(value: NDArray, exponent: float) -> NDArray:
        return np.sign(value) * np.abs(value) ** exponent

    half = np.asarray(size, np.float64) / 2
    x, z = power(np.cos(a), round_) * power(np.cos(b), round_), power(np.cos(a), round_) * power(np.sin(b), round_)
    y = power(np.sin(a), round_) * np.ones_like(b)
    points = np.stack([x, y, z], -1) * half
    inverse = 2 - round_
    nx, nz = (
        power(np.cos(a), inverse) * power(np.cos(b), inverse),
        power(np.cos(a), inverse) * power(np.sin(b), inverse),
    )
    normals = np.stack([nx, power(np.sin(a), inverse) * np.ones_like(b), nz], -1) / half
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-9)
    flat = points.reshape(-1, 3)
    uv = np.stack([flat[:, 0] + flat[:, 2], flat[:, 1] + 0.7 * flat[:, 2]], -1)
    return piece(flat, normals.reshape(-1, 3), uv, _grid(steps + 1, 2 * steps + 1), material)


def panel(width: float, height: float, material: float, fitted: bool = False) -> Piece:
    """An upright rectangle that stands on the origin and faces +z. fitted : a picture fills it."""
    x, y = np.array([-0.5, 0.5, 0.5, -0.5]) * width, np.array([0, 0, 1, 1]) * height
    uv = np.stack([[0, 1, 1, 0], [1, 1, 0, 0]], -1) if fitted else np.stack([x, y], -1)
    points = np.stack([x, y, np.zeros(4)], -1)
    return piece(points, np.tile([0.0, 0, 1], (4, 1)), uv, [[0, 1, 2], [0, 2, 3]], material)


def surface(points: NDArray, material: float, fitted: bool = False) -> Piece:
    """A smooth surface through a grid of points [R, C, 3]; uv in metres along it. fitted : a picture fills it."""
    rows, columns = points.shape[:2]
    if fitted:
        whole = np.stack(np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows)), -1)
        return smooth(points.reshape(-1, 3), whole.reshape(-1, 2), _grid(rows, columns), material)
    down = np.concatenate([np.zeros((1, columns)), np.linalg.norm(np.diff(points, axis=0), axis=2).cumsum(0)])
    across = np.concatenate([np.zeros((rows, 1)), np.linalg.norm(np.diff(points, axis=1), axis=2).cumsum(1)], axis=1)
    uv = np.stack([across, down], -1).reshape(-1, 2)
    return smooth(points.reshape(-1, 3), uv, _grid(rows, columns), material)


def prism(outline: ArrayLike, depth: float, material: float) -> Piece:
    """A convex-enough outline [N, 2] (x, y, anticlockwise) given thickness along z, about z = 0."""
    line = np.asarray(outline, np.float32)
    count = len(line)
    parts = []
    for z, sign in ((depth / 2, 1.0), (-depth / 2, -1.0)):
        centre = np.append(line.mean(axis=0), z)
        points = np.concatenate([np.column_stack([line, np.full(count, z)]), centre[None]])
        fan = [[count, k, (k + 1) % count] for k in range(count)]
        parts.append(piece(points, np.tile([0, 0, sign], (count + 1, 1)), points[:, :2], fan, material))
    after = np.roll(line, -1, axis=0)
    edge = after - line
    normal = np.column_stack([edge[:, 1], -edge[:, 0], np.zeros(count)])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    sides = np.stack(
        [np.column_stack([p, np.full(count, z)]) for p, z in
         ((line, -depth / 2), (after, -depth / 2), (after, depth / 2), (line, depth / 2))], axis=1,
    )  # fmt: skip
    long = np.linalg.norm(edge, axis=1)
    uv = np.zeros((count, 4, 2), np.float32)
    uv[:, 1:3, 0] = long[:, None]
    uv[:, 2:, 1] = depth
    triangles = (np.arange(count)[:, None, None] * 4 + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3)
    parts.append(piece(sides.reshape(-1, 3), np.repeat(normal, 4, axis=0), uv.reshape(-1, 2), triangles, material))
    return join(parts)


def leaves(
    at: ArrayLike,
    outward: ArrayLike,
    length: ArrayLike,
    rng: np.random.Generator,
    material: ArrayLike,
    wide: float = 0.45,
) -> Piece:
    """Bent pointed leaves. at, outward : [N, 3], where they grow and which way; length : one or [N], metres."""
    start = np.asarray(at, np.float64)
    count = len(start)
    way = np.asarray(outward, np.float64) + rng.normal(0, 0.05, (count, 3))
    way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
    side = np.cross(way, rng.normal(0, 1, (count, 3)) * (1, 0.3, 1) + (0, 0.4, 0))
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    face = np.cross(side, way)
    size = np.broadcast_to(np.asarray(length, np.float64), (count,))[:, None, None]
    outline = np.array([[0, 0, 0], [0.4, 0.5, 0.07], [0.45, 0, 0], [0.4, -0.5, 0.07], [1, 0, -0.15]])
    points = start[:, None] + size * (
        outline[:, 0, None] * way[:, None] + wide * outline[:, 1, None] * side[:, None]
        + outline[:, 2, None] * face[:, None]
    )  # fmt: skip
    bend = np.array([0.0, 0.3, 0.0, -0.3, 0.0])[:, None]
    normals = face[:, None] - bend * side[:, None]
    uv = np.broadcast_to(outline[:, :2], (count, 5, 2)) * size + np.arange(count)[:, None, None] * 0.13
    triangles = (np.arange(count)[:, None, None] * 5 + [[0, 2, 1], [0, 3, 2], [1, 2, 4], [2, 3, 4]]).reshape(-1, 3)
    numbers = np.repeat(np.broadcast_to(np.asarray(material, np.float32), (count,)), 5)
    return piece(points.reshape(-1, 3), normals.reshape(-1, 3), uv.reshape(-1, 2), triangles, numbers)
