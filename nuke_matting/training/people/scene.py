"""A person in a pose, under a light, before a camera: all that the renderer needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.people.held import grasped
from nuke_matting.training.people.light import Light
from nuke_matting.training.people.person import Person
from nuke_matting.training.people.pose import Pose, bone_transforms
from nuke_matting.training.people.render import Camera, Scene, Strands
from nuke_matting.training.people.strands import grow


def pose_scene(
    person: Person,
    pose: Pose,
    light: Light,
    camera: Camera,
    exposure: float = 1.0,
    pull=(0.0, 0.0, 0.0),
    rows: int = 320,
) -> Scene:
    """The person in a pose. pull : [3] world direction and strength that hair is dragged in, beside gravity.

    rows : height of the picture in pixels; hairs far thinner than a pixel are drawn as fewer, wider ones.
    """
    pose, held = grasped(person.skeleton, person.held, pose)
    transforms = bone_transforms(person.skeleton, pose)
    drawings = tuple(part.posed(transforms) for part in (*person.parts, *held))
    head = transforms[person.skeleton.index("head")]
    turn = head[:, :3].astype(np.float64)
    distance = float(np.linalg.norm(camera.target - camera.eye))
    least = 0.2 * 2 * distance * np.tan(camera.field / 2) / rows  # radius of the thinnest ribbon, dm
    away = _in_head(person, transforms, turn, head[:, 3])
    strands = []
    for coat in person.coats:
        rng = np.random.default_rng(coat.seed)
        hair = coat.weights is None
        if coat.weights is None:
            turns = head[None]
        else:
            turns = (coat.weights @ transforms.reshape(-1, 12)).reshape(-1, 3, 4)  # of each root
        down = (np.array([0.0, -1.0, 0.0]) + pull) @ turns[..., :3]
        points = grow(coat.roots, coat.normals, coat.style, rng, down, away if hair else away[:0])
        points = points @ np.swapaxes(turns[..., :3], 1, 2) + turns[:, None, :, 3]
        outward = np.squeeze(turns[..., :3] @ coat.normals[..., None], -1)
        if hair:
            from_skull = points[:, -1] - (turn @ person.headspace[:3] + head[:, 3])
            outward = outward + from_skull / np.maximum(np.linalg.norm(from_skull, axis=1, keepdims=True), 1e-6)
        share = min(1.0, coat.style.radius / least)
        some = slice(0, max(1, int(len(points) * share)))  # roots are in random order
        points, outward = points[some], outward[some]
        colour = np.asarray(coat.style.colour) * np.exp(rng.normal(0, 0.22, (len(points), 1)))
        radius = max(coat.style.radius, least) * rng.uniform(0.6, 1.3, len(points))
        strands.append(
            Strands(
                points.astype(np.float32),
                outward.astype(np.float32),
                radius.astype(np.float32),
                colour.astype(np.float32),
            )
        )
    radius = float(np.clip(distance * np.tan(camera.field / 2) * 1.5, 2.5, 11.0))
    return Scene(drawings, tuple(strands), light, camera, np.asarray(camera.target, np.float64), radius, exposure)


def _in_head(person: Person, transforms: NDArray, turn: NDArray, moved: NDArray) -> NDArray[np.float64]:
    """Ellipsoids [E, 6] of skull, neck, shoulders and chest, in the head's rest axes."""
    skeleton = person.skeleton
    wide = person.height / 16.5

    def at(bone: str, share: float) -> NDArray:
        row = skeleton.index(bone)
        rest = skeleton.heads[row] * (1 - share) + skeleton.tails[row] * share
        return turn.T @ (transforms[row][:, :3] @ rest + transforms[row][:, 3] - moved)

    rows = [np.concatenate([person.headspace[:3], person.headspace[3:] * 1.02])]
    face = person.headspace[:3] + np.array([0, -0.55, 0.25]) * wide
    rows.append(np.concatenate([face, np.array([0.68, 0.8, 0.72]) * wide]))
    for share in (0.0, 0.5, 0.9):
        rows.append(np.concatenate([at("neck_01", share), np.full(3, 0.66 * wide)]))
    neck, left, right = at("neck_01", 0.0), at("upperarm_l", 0.0), at("upperarm_r", 0.0)
    for share in (0.25, 0.5, 0.75, 1.0):
        for end in (left, right):
            rows.append(
                np.concatenate([neck * (1 - share) + end * share + turn.T @ (0, -0.25, 0), np.full(3, 0.85 * wide)])
            )
    chest = at("spine_03", 0.6)
    for out in (-0.7, 0.0, 0.7):
        rows.append(np.concatenate([chest + turn.T @ np.array([out * wide, 0, 0.1]), np.full(3, 1.35 * wide)]))
    return np.stack(rows)


def bone_at(person: Person, pose: Pose, bone: str, share: float = 0.0) -> NDArray[np.float64]:
    """Where a point of a bone is in a pose, world axes; share 0 its head, 1 its tail."""
    return _place(person, bone_transforms(person.skeleton, pose), bone, share)


def _place(person: Person, transforms: NDArray, bone: str, share: float = 0.0) -> NDArray[np.float64]:
    row = person.skeleton.index(bone)
    rest = person.skeleton.heads[row] * (1 - share) + person.skeleton.tails[row] * share
    return (transforms[row][:, :3] @ rest + transforms[row][:, 3]).astype(np.float64)


def direction(pitch: float, yaw: float) -> NDArray[np.float64]:
    """From a target to who looks at it so much from above and from the side, radians; of length 1."""
    return np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])


def draw_camera(rng: np.random.Generator, person: Person, pose: Pose, kind: float | None = None) -> Camera:
    """A framing at random: 30 % head and shoulders, 30 % half body, 20 % full body, 10 % partly out of frame, 10 % legs
    or a hand alone, as cuts and inserts have them.

    kind : which of them, 0 to 1 in that order; drawn where None.
    """
    bones = bone_transforms(person.skeleton, pose)
    crown, neck = _place(person, bones, "head", 1.0), _place(person, bones, "neck_01")
    hips, foot = _place(person, bones, "pelvis"), _place(person, bones, "foot_l", 1.0)
    tall = float(np.linalg.norm(crown - hips)) * 1.1
    kind = rng.random() if kind is None else kind
    shift = rng.normal(0, 0.08, 2)
    if kind < 0.3:
        target, span = neck * 0.75 + crown * 0.25, tall * rng.uniform(0.55, 0.85)
    elif kind < 0.6:
        target, span = neck * 0.55 + hips * 0.45 + (0, 0.5, 0), tall * rng.uniform(0.95, 1.4)
    elif kind < 0.8:
        middle = (crown + np.minimum(foot, hips)) / 2
        target, span = np.array([hips[0], middle[1], hips[2]]), abs(float(crown[1] - foot[1])) * rng.uniform(1.05, 1.45)
    elif kind < 0.9:
        target, span = neck * 0.5 + crown * 0.5, tall * rng.uniform(0.6, 1.8)
        shift = np.clip(rng.normal(0, 0.4, 2), -0.8, 0.8)
    else:
        down = rng.uniform(0, 0.8)
        part = hips * (1 - down) + foot * down if rng.random() < 0.65 else _place(person, bones, "hand_l", 1.0)
        target, span = part, tall * rng.uniform(0.5, 1.3)
    field = float(rng.choice([0.25, 0.4, 0.6, 0.85], p=[0.25, 0.35, 0.3, 0.1]))
    distance = span / (2 * np.tan(field / 2))
    pitch, yaw = float(rng.normal(0.02, 0.12)), float(rng.normal(0, 0.15))
    eye = target + distance * direction(pitch, yaw)
    return Camera(
        eye, np.asarray(target, np.float64), field, float(rng.normal(0, 0.04)), (float(shift[0]), float(shift[1]))
    )
