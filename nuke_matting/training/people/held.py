"""What people hold: in a hand whose fingers close on it, or hung from a fist."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.people import parts as shapes
from nuke_matting.training.people.clothes import draw_cloth, draw_colour
from nuke_matting.training.people.parts import Part, rigid_part
from nuke_matting.training.people.pose import Pose, Skeleton, bone_transforms
from nuke_matting.training.people.render import CLOTH, Surface

Rng = np.random.Generator
Piece = tuple[NDArray, NDArray]  # positions [V, 3] dm, triangles [T, 3]
_CURLS = 0.1, 1.25  # of fingers that close, radians a joint
_DOWN = 0.8  # share of a hand's length that points down where a bag hangs from it


@dataclass(frozen=True)
class Held:
    """parts : in the rest pose, fixed to the hand. left : in which hand. curl : of its fingers, radians a joint.

    down : [3] where it hangs to, in the rest pose; None where it is held at any angle.
    """

    parts: tuple[Part, ...]
    left: bool
    curl: float
    down: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Grip:
    """What fingers close on: a rod's middle, its axis from the little finger's side on, its radius; the direction from
    the wrist to the knuckles, and that out of the palm."""

    middle: NDArray[np.float64]
    axis: NDArray[np.float64]
    radius: float
    along: NDArray[np.float64]
    palm: NDArray[np.float64]


def grip_of(skeleton: Skeleton, side: str, curl: float) -> Grip:
    """The rod that touches the palm and three fingers bent by `curl` radians a joint; side : `_l` or `_r`."""
    moved = bone_transforms(skeleton, Pose({}, {}, (curl, curl))).astype(np.float64)

    def at(bone: str, tail: bool = False) -> NDArray[np.float64]:
        row = skeleton.index(bone + side)
        return moved[row, :, :3] @ (skeleton.tails if tail else skeleton.heads)[row] + moved[row, :, 3]

    wrist = at("hand")
    axis = at("index_01") - at("pinky_01")
    axis /= np.linalg.norm(axis)
    found = []
    for finger in ("index", "middle", "ring"):
        line = [wrist, *(at(f"{finger}_0{k}") for k in (1, 2, 3)), at(f"{finger}_03", tail=True)]
        flat = np.stack([each - (each @ axis) * axis for each in line])
        first = flat[1] - flat[0]
        first /= np.linalg.norm(first)
        second = np.cross(axis, first)
        plane = flat @ np.stack([first, second], 1)
        within = plane[1:].mean(0)
        step = np.diff(plane, axis=0)
        normal = np.stack([-step[:, 1], step[:, 0]], 1) / np.linalg.norm(step, axis=1, keepdims=True)
        middle = (plane[1:] + plane[:-1]) / 2
        side_of = np.sign(((within - middle)[1:] * normal[1:]).sum())  # one side of all, or knuckles bent back turn it
        normal = normal * side_of
        (x, y, radius), *_ = np.linalg.lstsq(
            np.concatenate([normal, -np.ones((4, 1))], 1), (normal * middle).sum(1), rcond=None
        )
        found.append((x * first + y * second, radius, first, second * side_of))
    centre, radius, along, palm = (np.mean([each[k] for each in found], axis=0) for k in range(4))
    middle = centre + np.mean([at(f"{finger}_01") @ axis for finger in ("index", "middle", "ring")]) * axis
    return Grip(middle, axis, float(radius), along / np.linalg.norm(along), palm / np.linalg.norm(palm))


def closed_on(skeleton: Skeleton, side: str, radius: float) -> tuple[float, Grip]:
    """How far the fingers bend that close on a rod of a radius, dm, and their grip."""
    low, high = _CURLS
    for _ in range(7):
        curl = (low + high) / 2
        low, high = (curl, high) if grip_of(skeleton, side, curl).radius > radius else (low, curl)
    return high, grip_of(skeleton, side, high)


def draw_held(rng: Rng, skeleton: Skeleton) -> Held:
    """A bottle, a mug, a tin, a stick, an umbrella, a torch, a ball, a phone, or a bag that hangs from the fist."""
    side = str(rng.choice(["_l", "_r"]))
    size = float(np.linalg.norm(skeleton.heads[skeleton.index("middle_01" + side)]
                                - skeleton.heads[skeleton.index("hand" + side)])) / 0.95  # fmt: skip
    kind = str(rng.choice(["bottle", "tin", "mug", "stick", "umbrella", "ball", "phone", "bag"]))
    radius = {"bottle": 0.3, "tin": 0.32, "mug": 0.36, "stick": 0.14, "umbrella": 0.16, "ball": 0.4, "phone": 0.24,
              "bag": 0.1}[kind] * float(rng.uniform(0.85, 1.15)) * size  # fmt: skip
    curl, grip = closed_on(skeleton, side, radius + 0.09 * size)  # and half as thick as a finger is
    bone, bones = skeleton.index("hand" + side), len(skeleton.names)
    axes = np.stack([grip.along, grip.axis, grip.palm])
    cloth = replace(draw_cloth(rng), wrinkle=0.05, gloss=float(rng.uniform(0, 0.5)), shine=40.0)
    plain = Surface(CLOTH, gloss=float(rng.uniform(0, 0.5)), shine=40.0)

    def part(pieces: list[Piece], surface: Surface) -> Part:
        first = np.cumsum([0, *(len(points) for points, _ in pieces[:-1])])
        points = np.concatenate([points for points, _ in pieces]) @ axes + grip.middle
        triangles = np.concatenate([rows + begin for (_, rows), begin in zip(pieces, first, strict=True)])
        return rigid_part(points, triangles, bone, bones, draw_colour(rng), surface)

    if kind == "bag":
        return Held(tuple(_bag(rng, radius, size, part, cloth, plain)), side == "_l", curl, grip.along)
    found = [part(_pieces(rng, kind, radius, size), cloth if kind in ("tin", "ball", "mug") else plain)]
    if kind in ("bottle", "umbrella"):  # a label, what is wound about the stick
        tall, high = (0.7, 0.0) if kind == "bottle" else (4.0, 3.3)
        band = shapes.cylinder(radius * (1.03 if kind == "bottle" else 2.2), tall * size)
        found.append(part([(band[0] + (0, high * size, 0), band[1])], cloth))
    return Held(tuple(found), side == "_l", curl)


def _pieces(rng: Rng, kind: str, radius: float, size: float) -> list[Piece]:
    """A thing about the origin, along y, gripped there."""
    if kind == "ball":
        return [shapes.ball(radius)]
    if kind == "phone":
        return [shapes.box((0.75, 1.5, 0.09))]
    if kind in ("stick", "umbrella"):
        long = 7.0 * size if kind == "umbrella" else float(rng.uniform(2, 9))
        points, rows = shapes.cylinder(radius, long)
        up = (long / 2 - 0.7) * (1 if kind == "umbrella" else rng.choice([-1, 1]))
        return [(points + np.array([0, up, 0]), rows)]
    tall = {"bottle": 1.5, "tin": 1.15, "mug": 0.95}[kind] * float(rng.uniform(0.85, 1.2))
    found: list[Piece] = [shapes.cylinder(radius, tall)]
    if kind == "bottle":
        for share, at, long in ((0.7, 0.5, 0.2), (0.4, 0.5, 0.7)):
            points, rows = shapes.cylinder(radius * share, long * tall)
            found.append((points + np.array([0, at * tall, 0]), rows))
    if kind == "mug":
        angle = np.linspace(-1.4, 1.4, 10)
        loop = np.stack([-radius * 0.9 - 0.3 * np.cos(angle), 0.33 * tall * np.sin(angle), 0 * angle], 1)
        found.append(shapes.tube(loop, 0.05, False, 6))
    return found


def _bag(rng: Rng, radius: float, size: float, part, cloth: Surface, plain: Surface) -> list[Part]:
    """Below the fist, on a loop that goes through it."""
    half = rng.uniform((0.7, 0.7, 0.2), (1.5, 1.4, 0.6))
    drop, wide = float(rng.uniform(0.9, 1.5)) * size, float(rng.uniform(0.35, 0.6)) * half[1]
    wide = max(wide, 0.5 * size)
    loop = np.array([[drop, -wide, 0], [0.1, -0.45 * size, 0], [0, 0, 0], [0.1, 0.45 * size, 0], [drop, wide, 0]])
    body, rows = shapes.soft_box(half, float(rng.uniform(0.15, 0.5)))
    body = body + np.array([drop + half[0] * 0.95, 0, 0])
    return [part([shapes.tube(loop, radius, False, 6)], plain), part([(body, rows)], cloth)]


def grasped(skeleton: Skeleton, held: Held | None, pose: Pose) -> tuple[Pose, tuple[Part, ...]]:
    """The pose with the hand closed on what is held, and its parts; no parts where it would not hang down."""
    if held is None:
        return pose, ()
    closed = replace(pose, curl=(held.curl, pose.curl[1]) if held.left else (pose.curl[0], held.curl))
    if held.down is not None:
        hand = bone_transforms(skeleton, closed)[skeleton.index("hand_l" if held.left else "hand_r")]
        if (hand[:, :3] @ held.down)[1] > -_DOWN:
            return pose, ()
    return closed, held.parts
