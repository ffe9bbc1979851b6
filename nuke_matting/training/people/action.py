"""People of stills who do something: stride, run, crouch, kneel, bend, seen from any side and at times from above."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nuke_matting.training.people.person import Person
from nuke_matting.training.people.pose import Pose, Vector, arm, draw_gesture, vector
from nuke_matting.training.people.render import Camera
from nuke_matting.training.people.scene import direction, draw_camera

Rng = np.random.Generator
_KINDS = {"stride": 0.4, "run": 0.2, "crouch": 0.12, "kneel": 0.08, "bend": 0.2}
_LEANS = {"stride": (0, 0.08), "run": (0.03, 0.15), "crouch": (0.05, 0.3), "kneel": (0, 0.08), "bend": (0.15, 0.5)}


def in_action(rng: Rng, pose: Pose) -> Pose:
    """The pose with other legs, arms that go along, and a spine that leans forward, each of three bones by up to half a
    radian; the head, the hands and the fingers stay."""
    kind = str(rng.choice(list(_KINDS), p=list(_KINDS.values())))
    points, lean, first = dict(pose.points), rng.uniform(*_LEANS[kind]), rng.choice([-1.0, 1.0])
    for side, sign in (("_l", 1.0), ("_r", -1.0)):
        phase = first * sign  # of the leg in front 1, of the other -1
        hip, knee, out = _leg(rng, kind, phase)
        points["thigh" + side] = (sign * out, -float(np.cos(hip)), float(np.sin(hip)))
        points["calf" + side] = (sign * 0.05, -float(np.cos(hip - knee)), float(np.sin(hip - knee)))
        if kind in ("stride", "run") and rng.random() < 0.7:
            points |= _swung_arm(rng, side, sign, -phase, kind == "run")
        elif kind == "bend" and rng.random() < 0.5:  # it reaches down
            points |= {f"{part}arm{side}": _near(rng, (0.15 * sign, -0.8, 0.6)) for part in ("upper", "lower")}
        elif rng.random() < 0.4:
            points |= arm(draw_gesture(rng), side, rng, 0.2)
    turns = dict(pose.turns)
    for bone in ("spine_01", "spine_02", "spine_03"):
        turned = np.asarray(turns.get(bone, (0.0, 0.0, 0.0))) + rng.normal((lean, 0, 0), (0, 0.08, 0.06))
        turns[bone] = vector(turned)
    return replace(pose, turns=turns, points=points, heading=float(rng.uniform(-np.pi, np.pi)))


def action_camera(rng: Rng, person: Person, pose: Pose) -> Camera:
    """A framing that shows more than a head, a third of them from above, a fifth askew."""
    camera = draw_camera(rng, person, pose, rng.uniform(0.3, 1.0))
    if rng.random() < 0.35:
        across = camera.eye - camera.target
        pitch, far = rng.uniform(0.2, 0.8), float(np.linalg.norm(across))
        yaw = np.arctan2(across[0], across[2])
        camera = replace(camera, eye=camera.target + far * direction(pitch, yaw))
    return replace(camera, roll=camera.roll + float(rng.normal(0, 0.3))) if rng.random() < 0.2 else camera


def _leg(rng: Rng, kind: str, phase: float) -> tuple[float, float, float]:
    """Angles of hip and knee, radians, forward and bent above 0; and how far the thigh points outward."""
    front = phase > 0
    if kind == "stride":
        return phase * rng.uniform(0.15, 0.65), rng.uniform(0, 0.35) if front else rng.uniform(0.05, 0.9), 0.06
    if kind == "run":
        return phase * rng.uniform(0.4, 1.1), rng.uniform(0.3, 1.6) if front else rng.uniform(0.2, 1.8), 0.06
    if kind == "crouch":
        return rng.uniform(1.2, 2.0), rng.uniform(1.8, 2.5), rng.uniform(0.1, 0.5)
    if kind == "kneel":
        return (rng.uniform(1.2, 1.6), rng.uniform(1.3, 1.7), 0.15) if front else (0.0, rng.uniform(1.4, 1.7), 0.1)
    return rng.uniform(-0.1, 0.3), rng.uniform(0, 0.5), rng.uniform(0.05, 0.25)


def _swung_arm(rng: Rng, side: str, sign: float, phase: float, bent: bool) -> dict[str, Vector]:
    """An arm as it swings against the legs."""
    swing = phase * rng.uniform(0.2, 0.9)
    fore = swing + (rng.uniform(0.8, 1.8) if bent else rng.uniform(0.1, 0.6))
    angles = {"upperarm": swing, "lowerarm": fore}
    return {
        part + side: _near(rng, (0.12 * sign, -float(np.cos(angle)), float(np.sin(angle))))
        for part, angle in angles.items()
    }


def _near(rng: Rng, way: Vector) -> Vector:
    return vector(np.asarray(way) + rng.normal(0, 0.1, 3))
