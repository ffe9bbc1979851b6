"""How somebody moves through a clip: at every time a pose, and how far the mouth is open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from nuke_matting.training.people.pose import Pose, arm, draw_gesture, draw_pose, mix

Rng = np.random.Generator
_CYCLE = 26.0  # frames of two steps, at 24 frames a second
_LEG = 8.0  # dm


@dataclass(frozen=True)
class Motion:
    """pose_at, mouth_at : of the time in frames; a mouth is open by a share of what it can, 0 .. 1."""

    pose_at: Callable[[float], Pose]
    mouth_at: Callable[[float], float] | None = None


def draw_motion(rng: Rng) -> Motion:
    """A motion at random: from pose to pose, walking, turning, arms that gesture, or somebody who talks."""
    kinds = {drift: 0.35, walk: 0.2, turn: 0.12, gesture: 0.15, talk: 0.18}
    return list(kinds)[rng.choice(len(kinds), p=list(kinds.values()))](rng)


def drift(rng: Rng) -> Motion:
    """On the way from one pose towards another, whatever they are."""
    start, end = draw_pose(rng), draw_pose(rng)
    end = replace(end, heading=start.heading + float(rng.normal(0, 0.5)))
    begin, pace = float(rng.uniform(0.0, 0.6)), float(np.exp(rng.uniform(np.log(0.01), np.log(0.09))))
    return Motion(lambda time: mix(start, end, float(np.clip(begin + pace * time, 0, 1))))


def walk(rng: Rng) -> Motion:
    """Step by step: legs swing and bend, arms swing against them, hips rise and fall; seen from any side.

    In half of them the camera goes along, so that they walk on the spot.
    """
    base = draw_pose(rng)
    heading = float(rng.uniform(-np.pi, np.pi))
    pace, phase = float(np.exp(rng.normal(0, 0.25))), float(rng.uniform(0, 2 * np.pi))
    stride, bend, swing = rng.uniform(0.3, 0.55), rng.uniform(0.6, 1.1), rng.uniform(0.15, 0.6)
    step = float(2 * _LEG * np.sin(stride))  # dm, so that no foot slides
    along = 0.0 if rng.random() < 0.5 else 2 * step / _CYCLE * pace  # a frame

    def pose_at(time: float) -> Pose:
        angle = phase + time * pace * 2 * np.pi / _CYCLE
        points = dict(base.points)
        for side, sign, turned in (("_l", 1.0, angle), ("_r", -1.0, angle + np.pi)):
            hip = stride * np.sin(turned)
            knee = 0.08 + bend * max(0.0, np.cos(turned)) ** 1.5  # bent while the leg comes forward
            points["thigh" + side] = (0.06 * sign, -float(np.cos(hip)), float(np.sin(hip)))
            points["calf" + side] = (0.05 * sign, -float(np.cos(hip - knee)), float(np.sin(hip - knee)))
            forward = -swing * np.sin(turned)
            points["upperarm" + side] = (0.16 * sign, -1.0, float(forward))
            points["lowerarm" + side] = (0.08 * sign, -0.95, float(forward + 0.3 + 0.3 * swing))
        rise = 0.2 * stride * np.cos(2 * angle)  # highest as one leg passes the other
        place = (along * time * float(np.sin(heading)), float(rise), along * time * float(np.cos(heading)))
        return replace(_swaying(base, time, phase), points=points, heading=heading, place=place)

    return Motion(pose_at)


def turn(rng: Rng) -> Motion:
    """About the own axis, the head first."""
    base, speed, phase = draw_pose(rng), float(rng.choice([-1, 1]) * rng.uniform(0.02, 0.14)), rng.uniform(0, 2 * np.pi)

    def pose_at(time: float) -> Pose:
        turned = _added(base, "head", (0.0, float(np.clip(speed * 5, -0.5, 0.5)), 0.0))
        return replace(_swaying(turned, time, phase), heading=base.heading + speed * time)

    return Motion(pose_at)


def gesture(rng: Rng) -> Motion:
    """One arm or both go to and fro between two gestures."""
    base, phase, period = draw_pose(rng), float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(10, 40))
    sides = ("_l", "_r") if rng.random() < 0.4 else (str(rng.choice(["_l", "_r"])),)
    name = draw_gesture(rng)
    moved = {bone: way for side in sides for bone, way in arm(name, side, rng, 0.1).items()}
    end = replace(base, points={**base.points, **moved})
    lag = float(rng.uniform(-1.5, 1.5))  # of the second arm

    def pose_at(time: float) -> Pose:
        points = dict(base.points)
        for nth, side in enumerate(sides):
            share = 0.5 - 0.5 * np.cos(phase + nth * lag + time * 2 * np.pi / period)
            between = mix(base, end, float(share)).points
            points |= {bone + side: between[bone + side] for bone in ("upperarm", "lowerarm")}
        return _swaying(replace(base, points=points), time, phase)

    return Motion(pose_at)


def talk(rng: Rng) -> Motion:
    """The mouth opens and closes, the head nods, turns and tilts, the hands may help."""
    quiet = draw_pose(rng)
    hands = gesture(rng) if rng.random() < 0.4 else Motion(lambda time: _swaying(quiet, time, 0.0))
    rates, phases = rng.uniform(0.05, 0.35, 3), rng.uniform(0, 2 * np.pi, 5)
    sizes = rng.uniform(0.02, 0.14, 3)
    syllable = float(rng.uniform(4, 8))  # frames

    def pose_at(time: float) -> Pose:
        nods = sizes * np.sin(phases[:3] + time * rates)
        return _added(hands.pose_at(time), "head", tuple(float(n) for n in nods))

    def mouth_at(time: float) -> float:
        loud = 0.6 + 0.4 * np.sin(phases[3] + 0.2 * time)
        return float(loud * max(0.0, np.sin(phases[4] + time * 2 * np.pi / syllable)) ** 0.7)

    return Motion(pose_at, mouth_at)


def _added(pose: Pose, bone: str, more: tuple[float, ...]) -> Pose:
    x, y, z = np.asarray(pose.turns.get(bone, (0.0, 0.0, 0.0))) + more
    return replace(pose, turns={**pose.turns, bone: (float(x), float(y), float(z))})


def _swaying(pose: Pose, time: float, phase: float) -> Pose:
    """Nobody stands quite still: breath and balance."""
    return _added(pose, "spine_02", (0.012 * np.sin(phase + time * 0.13), 0.0, 0.01 * np.sin(2 * phase + time * 0.08)))
