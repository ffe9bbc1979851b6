"""Poses: a skeleton inside the body, limbs pointed in drawn directions, and the skin that follows the bones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from nuke_matting.training.people.assets import Assets

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Skeleton:
    """Bones in order, parents first. heads, tails : [B, 3] in the rest pose. parent : [B], -1 for the root."""

    names: tuple[str, ...]
    parent: NDArray[np.int32]
    heads: NDArray[np.float32]
    tails: NDArray[np.float32]

    def index(self, name: str) -> int:
        """Where the bone stands in the order."""
        return self.names.index(name)


@dataclass(frozen=True)
class Pose:
    """Turns of bones, and directions that limbs point in.

    turns : bone -> rotation vector (radians, body axes: x to the body's left, y up, z forward), on top of its parent's.
    points : bone -> direction in body axes, whatever its parent does. curl : finger bend, radians a joint, left, right.
    heading : turn of the whole body about y, radians, 0 faces the camera. place : of the whole body, dm, world axes.
    """

    turns: Mapping[str, Vector]
    points: Mapping[str, Vector]
    curl: tuple[float, float] = (0.3, 0.3)
    heading: float = 0.0
    place: Vector = (0.0, 0.0, 0.0)


def skeleton_of(assets: Assets, vertices: NDArray[np.float32]) -> Skeleton:
    """The game-engine rig, its joints at the means of the joint helpers of this body's vertices [V, 3]."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name not in order:
            if parent := assets.rig[name]["parent"]:
                visit(parent)
            order.append(name)

    for bone in assets.rig:
        visit(bone)

    def joint(end: dict) -> NDArray[np.float32]:
        rows = assets.groups[end["cube_name"]] if end["strategy"] == "CUBE" else np.asarray(end["vertex_indices"])
        return vertices[rows].mean(axis=0)

    parents = [order.index(assets.rig[n]["parent"]) if assets.rig[n]["parent"] else -1 for n in order]
    heads = np.stack([joint(assets.rig[n]["head"]) for n in order])
    tails = np.stack([joint(assets.rig[n]["tail"]) for n in order])
    return Skeleton(tuple(order), np.asarray(parents, np.int32), heads, tails)


def skin_weights(assets: Assets, names: tuple[str, ...]) -> NDArray[np.float32]:
    """[V, B] shares of the bones in every vertex of the base mesh; rows sum to 1."""
    table = np.zeros((len(assets.base.positions), len(names)), np.float32)
    for column, name in enumerate(names):
        pairs = np.asarray(assets.weights.get(name, []), np.float64).reshape(-1, 2)
        table[pairs[:, 0].astype(int), column] = pairs[:, 1]
    total = table.sum(axis=1, keepdims=True)
    return np.where(total > 1e-6, table / np.maximum(total, 1e-6), np.eye(len(names), dtype=np.float32)[0])


def rotation(vector: NDArray | Vector) -> NDArray[np.float64]:
    """The 3x3 matrix of a rotation vector (axis times angle in radians)."""
    vector = np.asarray(vector, np.float64)
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def between(first: NDArray, second: NDArray) -> NDArray[np.float64]:
    """The smallest rotation, 3x3, that takes the direction of `first` to that of `second`."""
    a = np.asarray(first, np.float64) / max(float(np.linalg.norm(first)), 1e-9)
    b = np.asarray(second, np.float64) / max(float(np.linalg.norm(second)), 1e-9)
    axis = np.cross(a, b)
    size = float(np.linalg.norm(axis))
    if size < 1e-9:
        if a @ b > 0:
            return np.eye(3)
        axis = np.cross(a, np.eye(3)[int(np.argmin(np.abs(a)))])
        return rotation(axis / np.linalg.norm(axis) * np.pi)
    return rotation(axis / size * np.arctan2(size, a @ b))


def bone_transforms(skeleton: Skeleton, pose: Pose) -> NDArray[np.float32]:
    """[B, 3, 4] matrices that take rest positions to posed ones, bone by bone."""
    count = len(skeleton.names)
    turned = np.zeros((count, 3, 3))
    moved = np.zeros((count, 3))
    curls = _finger_axes(skeleton)
    whole = rotation((0.0, pose.heading, 0.0))
    for bone, name in enumerate(skeleton.names):
        parent = int(skeleton.parent[bone])
        above = np.eye(3) if parent < 0 else turned[parent]
        at = skeleton.heads[bone].astype(np.float64)
        posed_at = at if parent < 0 else above @ at + moved[parent]
        local = rotation(pose.turns[name]) if name in pose.turns else np.eye(3)
        if name in pose.points:
            rest = skeleton.tails[bone] - skeleton.heads[bone]
            if name.startswith("lowerarm"):  # its tail is the hand's head; the wrist's own bone is short
                rest = skeleton.heads[skeleton.index("hand" + name[-2:])] - skeleton.heads[bone]
            local = local @ between(rest, above.T @ np.asarray(pose.points[name]))
        if name in curls:
            local = local @ rotation(curls[name] * pose.curl[0 if name.endswith("_l") else 1])
        turned[bone] = above @ local
        moved[bone] = posed_at - turned[bone] @ at
    turned, moved = whole @ turned, moved @ whole.T + pose.place
    return np.concatenate([turned, moved[..., None]], axis=2).astype(np.float32)


def _finger_axes(skeleton: Skeleton) -> dict[str, NDArray[np.float64]]:
    """Per finger bone the unit axis about which it bends: the one its rest bend is about."""
    axes: dict[str, NDArray[np.float64]] = {}
    for side in ("_l", "_r"):
        for finger in ("index", "middle", "ring", "pinky"):
            bones = [f"{finger}_0{i}{side}" for i in (1, 2, 3)]
            if any(bone not in skeleton.names for bone in bones):
                continue
            rows = [skeleton.index(bone) for bone in bones]
            along = [skeleton.tails[row] - skeleton.heads[row] for row in rows]
            axis = np.cross(along[0], along[2]).astype(np.float64)
            size = float(np.linalg.norm(axis))
            if size > 1e-6:
                axes.update(dict.fromkeys(bones, axis / size))
    return axes


def skin(
    vertices: NDArray[np.float32], weights: NDArray[np.float32], transforms: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Linear blend skinning: vertices [N, 3], weights [N, B], transforms [B, 3, 4] -> [N, 3]."""
    by_column = np.ascontiguousarray(transforms.transpose(0, 2, 1)).reshape(len(transforms), 12)
    blended = (weights @ by_column).reshape(-1, 4, 3)
    moved = blended[:, 3].copy()
    for axis in range(3):
        moved += blended[:, axis] * vertices[:, axis, None]
    return moved


# Arm gestures: directions of the upper and the lower arm as (out from the body, up, forward).
_ARMS: dict[str, tuple[Vector, Vector]] = {
    "down": ((0.20, -1.0, -0.05), (0.10, -1.0, 0.25)),
    "loose": ((0.32, -1.0, 0.05), (0.15, -0.9, 0.5)),
    "hip": ((0.80, -0.75, -0.25), (-0.75, -0.55, 0.40)),
    "crossed": ((0.22, -0.90, 0.35), (-0.90, 0.12, 0.50)),
    "wave": ((0.80, 0.10, 0.25), (0.25, 0.95, 0.25)),
    "up": ((0.40, 0.90, 0.10), (0.10, 1.0, 0.10)),
    "phone": ((0.50, -0.75, 0.40), (-0.42, 0.90, 0.10)),
    "chin": ((0.15, -0.80, 0.55), (-0.42, 0.85, 0.25)),
    "hold": ((0.20, -0.90, 0.25), (-0.15, 0.15, 1.0)),
    "show": ((0.35, -0.70, 0.55), (0.20, 0.55, 0.80)),
    "point": ((0.40, -0.05, 1.0), (0.35, 0.02, 1.0)),
    "aside": ((1.0, 0.0, 0.1), (1.0, 0.05, 0.15)),
    "pocket": ((0.42, -1.0, -0.18), (-0.12, -1.0, 0.28)),
    "behind": ((0.25, -0.95, -0.35), (-0.35, -0.85, -0.30)),
    "lap": ((0.20, -0.95, 0.25), (-0.25, -0.40, 0.90)),
}
_ARM_CHANCES = {"down": 5, "loose": 4, "hip": 2, "wave": 1, "up": 1, "phone": 1, "chin": 1, "hold": 2, "show": 1.5,
                "point": 0.7, "aside": 0.7, "pocket": 1.5, "behind": 0.7}  # fmt: skip


def draw_pose(rng: np.random.Generator) -> Pose:
    """A pose at random: standing, walking or sitting, arms in some gesture, the head turned a little."""
    points: dict[str, Vector] = {}
    kind = str(rng.choice(["stand", "walk", "sit"], p=[0.68, 0.17, 0.15]))
    for side, sign, phase in (("_l", 1.0, 1.0), ("_r", -1.0, -1.0)):
        thigh, calf = np.array([0.10, -1.0, 0.02]), np.array([0.09, -1.0, -0.04])
        if kind == "walk":
            swing = rng.uniform(0.15, 0.45) * phase
            thigh, calf = np.array([0.06, -1.0, swing]), np.array([0.05, -1.0, min(swing, 0) * 1.5 - 0.15])
        elif kind == "sit":
            thigh, calf = (
                np.array([rng.uniform(0.02, 0.45), rng.uniform(-0.3, 0.05), 1.0]),
                np.array([0.05, -1.0, rng.uniform(-0.25, 0.3)]),
            )
        spread = rng.normal(0, 0.06, 3)
        points["thigh" + side] = vector((thigh + spread) * (sign, 1, 1))
        points["calf" + side] = vector((calf + spread) * (sign, 1, 1))
    both = rng.random()
    left, right = draw_gesture(rng), draw_gesture(rng)
    if both < 0.3:
        left = right
    elif both < 0.4:
        left = right = "crossed"
    elif both < 0.5 or (kind == "sit" and both < 0.75):
        left = right = "lap" if kind == "sit" else "down"
    points |= arm(left, "_l", rng, 0.1) | arm(right, "_r", rng, 0.1)
    if left == "crossed":  # one arm lies over the other
        points["upperarm_r"] = vector(np.asarray(points["upperarm_r"]) + np.array([0, 0.02, 0.2]))
    lean = rng.normal(0, 0.05, 3) + ((0.08, 0, 0) if kind == "sit" else (0, 0, 0))
    nod, turn, tilt = rng.normal(0.03, 0.12), rng.normal(0, 0.25), rng.normal(0, 0.08)
    turns: dict[str, Vector] = {
        bone: vector(lean + rng.normal(0, 0.03, 3)) for bone in ("spine_01", "spine_02", "spine_03")
    }
    turns["neck_01"] = (nod * 0.5, turn * 0.5, tilt * 0.5)
    turns["head"] = (nod * 0.5, turn * 0.5, tilt * 0.5)
    for side in ("_l", "_r"):
        turns["hand" + side] = vector(rng.normal(0, 0.2, 3))
    view = rng.random()
    heading = rng.normal(0, 0.4) if view < 0.86 else rng.uniform(-np.pi, np.pi)
    curl = (float(rng.uniform(-0.05, 0.8)), float(rng.uniform(-0.05, 0.8)))
    return Pose(turns, points, curl, float(heading))


def draw_gesture(rng: np.random.Generator) -> str:
    """The name of an arm's gesture at random, as often as it is seen."""
    chances = np.array(list(_ARM_CHANCES.values())) / sum(_ARM_CHANCES.values())
    return str(rng.choice(list(_ARM_CHANCES), p=chances))


def arm(gesture: str, side: str, rng: np.random.Generator, spread: float) -> dict[str, Vector]:
    """Directions of one arm in a gesture (a key of the table above), with a normal spread. side : ``_l`` or ``_r``."""
    out = (1.0, 1.0, 1.0) if side == "_l" else (-1.0, 1.0, 1.0)
    upper, lower = _ARMS[gesture]
    return {
        "upperarm" + side: vector((np.asarray(upper) + rng.normal(0, spread, 3)) * out),
        "lowerarm" + side: vector((np.asarray(lower) + rng.normal(0, spread, 3)) * out),
    }


def vector(values: NDArray) -> Vector:
    """Three numbers."""
    return float(values[0]), float(values[1]), float(values[2])


def mix(first: Pose, second: Pose, share: float) -> Pose:
    """The pose between two that move the same bones; share 0 is the first, 1 the second."""

    def blend(a: Mapping[str, Vector], b: Mapping[str, Vector]) -> dict[str, Vector]:
        return {
            k: vector((1 - share) * np.asarray(a.get(k, b.get(k))) + share * np.asarray(b.get(k, a.get(k))))
            for k in {**a, **b}
        }

    def pair(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
        return (1 - share) * a[0] + share * b[0], (1 - share) * a[1] + share * b[1]

    points = {
        k: _swung(np.asarray(first.points.get(k, v)), np.asarray(second.points.get(k, v)), share)
        for k, v in {**first.points, **second.points}.items()
    }
    heading = (1 - share) * first.heading + share * second.heading
    place = vector((1 - share) * np.asarray(first.place) + share * np.asarray(second.place))
    return replace(
        first, turns=blend(first.turns, second.turns), points=points,
        curl=pair(first.curl, second.curl), heading=heading, place=place,
    )  # fmt: skip


def _swung(first: NDArray, second: NDArray, share: float) -> Vector:
    """A direction on the way from one to another, turned at an even pace."""
    turn = Rotation.from_matrix(between(first, second)).as_rotvec() * share
    length = (1 - share) + share * float(np.linalg.norm(second)) / max(float(np.linalg.norm(first)), 1e-9)
    return vector(rotation(turn) @ first * length)
