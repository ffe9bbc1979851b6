"""What a person is put together from: meshes in the rest pose that follow the bones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.people.assets import Fitting, Mesh
from nuke_matting.training.people.pose import skin
from nuke_matting.training.people.render import Drawing, Surface, vertex_normals


@dataclass(frozen=True)
class Part:
    """A mesh that follows the skeleton. rest : [V, 3]; weights : [V, B]; corner : [C]; uv : [C, 2]; triangles : [T, 3]
    into the corners; tint : [C, 4], its meaning is the surface's. kind : what it is, where something else asks."""

    rest: NDArray[np.float32]
    weights: NDArray[np.float32]
    corner: NDArray[np.int32]
    uv: NDArray[np.float32]
    triangles: NDArray[np.int32]
    tint: NDArray[np.float32]
    surface: Surface
    kind: str = ""

    def posed(self, transforms: NDArray[np.float32]) -> Drawing:
        """The part as it is drawn when the bones are where `transforms` [B, 3, 4] put them: what no triangle has is
        left out, in a part that shares the base mesh's tables nearly all of it."""
        drawn, triangles = _renumbered(self.triangles, len(self.corner))
        rows, corner = _renumbered(self.corner[drawn], len(self.rest))
        rest = self.rest[rows]
        positions = skin(rest, self.weights[rows], transforms)
        normals = vertex_normals(positions, corner, triangles)
        columns = (positions[corner], normals[corner], self.uv[drawn], self.tint[drawn], rest[corner])
        return Drawing(np.concatenate(columns, axis=1).astype(np.float32), triangles, self.surface)


def _renumbered(indices: NDArray[np.int32], count: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Which of `count` rows the indices name, in their order, and the indices into those alone."""
    used = np.zeros(count, bool)
    used[indices] = True
    return np.flatnonzero(used), (np.cumsum(used, dtype=np.int32) - 1)[indices]


def open_edges(triangles: NDArray) -> NDArray[np.int64]:
    """Edges [E, 2] that belong to one triangle [T, 3] alone."""
    first = np.asarray(triangles, np.int64).T.reshape(-1)
    second = np.roll(first, -len(triangles))
    edges = np.sort(np.minimum(first, second) << 32 | np.maximum(first, second))
    apart = np.ones(len(edges) + 1, bool)  # an edge from the one before it
    apart[1:-1] = edges[1:] != edges[:-1]
    alone = edges[apart[1:] & apart[:-1]]
    return np.stack([alone >> 32, alone & 0xFFFFFFFF], axis=1)


def fit(fitting: Fitting, vertices: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rest positions [N, 3] of a garment on a body's vertices [V, 3]."""
    scale = np.ones(3, np.float32)
    for axis, (first, second, distance) in enumerate(fitting.scales):
        if distance > 0:
            scale[axis] = abs(float(vertices[first, axis] - vertices[second, axis])) / distance
    held = np.einsum("nk,nkc->nc", fitting.share, vertices[fitting.hold])
    return (held + fitting.offset * scale).astype(np.float32)


def hung_weights(fitting: Fitting, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Skin weights [N, B] of a garment: those of the vertices it hangs on [V, B], by their shares."""
    mixed = np.maximum(np.einsum("nk,nkb->nb", fitting.share, weights[fitting.hold]), 0)
    return (mixed / np.maximum(mixed.sum(axis=1, keepdims=True), 1e-6)).astype(np.float32)


def fitted_part(
    mesh: Mesh, fitting: Fitting, vertices: NDArray, weights: NDArray, tint: NDArray, surface: Surface
) -> Part:
    """A garment's mesh on a body. vertices : [V, 3], weights : [V, B] of the base mesh; tint : [4] or [C, 4]."""
    rest = fit(fitting, vertices)
    tint = np.broadcast_to(np.asarray(tint, np.float32), (len(mesh.corner), 4))
    return Part(rest, hung_weights(fitting, weights), mesh.corner, mesh.uv, mesh.triangles, tint, surface)


def rigid_part(
    positions: NDArray, triangles: NDArray, bone: int, bones: int, colour: tuple[float, float, float], surface: Surface
) -> Part:
    """A hard thing fixed to one bone. positions : [V, 3] in the rest pose."""
    weights = np.zeros((len(positions), bones), np.float32)
    weights[:, bone] = 1
    tint = np.tile(np.asarray([*colour, 1.0], np.float32), (len(positions), 1))
    corner = np.arange(len(positions), dtype=np.int32)
    uv = np.zeros((len(positions), 2), np.float32)
    return Part(np.asarray(positions, np.float32), weights, corner, uv, np.asarray(triangles, np.int32), tint, surface)


def tube(path: NDArray, radius: float, closed: bool, sides: int = 8) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """A round tube along points [N, 3]: (positions, triangles)."""
    path = np.asarray(path, np.float64)
    along = np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    helper = np.where(np.abs(along[:, 1:2]) < 0.9, (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    first = np.cross(along, helper)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-9)
    second = np.cross(along, first)
    angle = np.arange(sides) / sides * 2 * np.pi
    ring = np.cos(angle)[None, :, None] * first[:, None] + np.sin(angle)[None, :, None] * second[:, None]
    points = (path[:, None] + radius * ring).reshape(-1, 3)
    rows = np.arange(len(path) if closed else len(path) - 1)
    quads = []
    for row in rows:
        after = (row + 1) % len(path)
        for side in range(sides):
            beside = (side + 1) % sides
            a, b, c, d = row * sides + side, row * sides + beside, after * sides + side, after * sides + beside
            quads += [[a, b, c], [c, b, d]]
    return points.astype(np.float32), np.asarray(quads, np.int32)


def box(size: tuple[float, float, float]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """A box about the origin with its own corners on each side: (positions, triangles)."""
    points: list[NDArray] = []
    triangles: list[list[int]] = []
    for axis in range(3):
        for sign in (-1, 1):
            u, v = (axis + 1) % 3, (axis + 2) % 3
            base = len(points)
            for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                point = np.zeros(3)
                point[axis], point[u], point[v] = sign, a, b
                points.append(point * np.asarray(size) / 2)
            triangles += [[base, base + 1, base + 2], [base, base + 2, base + 3]]
    return np.asarray(points, np.float32), np.asarray(triangles, np.int32)


def cylinder(radius: float, height: float, sides: int = 24) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """A closed cylinder about the origin, along y: (positions, triangles)."""
    angle = np.arange(sides) / sides * 2 * np.pi
    ring = np.stack([np.cos(angle) * radius, np.zeros(sides), np.sin(angle) * radius], 1)
    up = np.array([0, height / 2, 0])
    low, high = ring - up, ring + up
    points = np.concatenate([low, high, low, high, [[0, -height / 2, 0], [0, height / 2, 0]]])
    triangles = []
    for k in range(sides):
        n = (k + 1) % sides
        triangles += [[k, n, sides + k], [sides + k, n, sides + n]]
        triangles += [[4 * sides, 2 * sides + k, 2 * sides + n], [4 * sides + 1, 3 * sides + k, 3 * sides + n]]
    return points.astype(np.float32), np.asarray(triangles, np.int32)


def ball(radius: float, rings: int = 16) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """A sphere about the origin: (positions, triangles)."""
    down, around = np.meshgrid(
        np.linspace(0, np.pi, rings + 1), np.linspace(0, 2 * np.pi, 2 * rings + 1), indexing="ij"
    )
    points = np.stack([np.sin(down) * np.cos(around), np.cos(down), np.sin(down) * np.sin(around)], -1).reshape(-1, 3)
    width = 2 * rings + 1
    first = (np.arange(rings)[:, None] * width + np.arange(width - 1)).reshape(-1, 1)
    triangles = (first + np.array([0, 1, width, width, 1, width + 1])).reshape(-1, 3)
    return (points * radius).astype(np.float32), triangles.astype(np.int32)


def soft_box(half: NDArray, soft: float) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """A box about the origin with rounded edges, half as large as it is: soft 0 has corners, 1 is an ellipsoid."""
    points, triangles = ball(1.0, 10)
    return np.sign(points) * np.abs(points) ** soft * half, triangles
