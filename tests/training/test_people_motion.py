"""How people of clips move: smoothly, and as what they do wants it."""

import numpy as np
import pytest

from nuke_matting.training.people import motion

KINDS = (motion.drift, motion.walk, motion.turn, motion.gesture, motion.talk)


def turned(pose):
    """All numbers of a pose, directions as such."""
    points = [np.asarray(each) / np.linalg.norm(each) for each in pose.points.values()]
    return np.concatenate([*map(np.asarray, pose.turns.values()), *points, pose.place, [pose.heading]])


@pytest.mark.parametrize("kind", KINDS)
def test_a_motion_is_smooth_and_moves(kind):
    for seed in range(20):
        made = kind(np.random.default_rng(seed))
        poses = np.stack([turned(made.pose_at(time)) for time in np.arange(0, 6, 0.25)])
        assert np.isfinite(poses).all()
        assert 1e-5 < np.abs(np.diff(poses, axis=0)).max() < 0.3, "a quarter of a frame"


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_one_motion(kind):
    first, second, other = (kind(np.random.default_rng(seed)).pose_at(2.5) for seed in (3, 3, 4))
    assert first == second and first != other


def test_walking_legs_and_arms_swing_against_each_other():
    for seed in range(10):
        made = motion.walk(np.random.default_rng(seed))
        poses = [made.pose_at(time) for time in range(40)]
        forward = {bone: np.array([pose.points[bone][2] for pose in poses]) for bone in poses[0].points}
        assert np.corrcoef(forward["thigh_l"], forward["thigh_r"])[0, 1] < -0.9
        assert np.corrcoef(forward["thigh_l"], forward["upperarm_l"])[0, 1] < -0.9
        assert all(pose.points["calf_l"][2] <= pose.points["thigh_l"][2] for pose in poses), "knees bend backwards"


def test_a_body_is_highest_as_one_leg_passes_the_other():
    for seed in range(10):
        poses = [motion.walk(np.random.default_rng(seed)).pose_at(time) for time in range(40)]
        apart = [abs(pose.points["thigh_l"][2] - pose.points["thigh_r"][2]) for pose in poses]
        assert np.corrcoef(apart, [pose.place[1] for pose in poses])[0, 1] < -0.9


def test_who_walks_goes_where_the_body_faces_or_the_camera_goes_along():
    ways = []
    for seed in range(30):
        made = motion.walk(np.random.default_rng(seed))
        gone = (np.subtract(made.pose_at(10).place, made.pose_at(0).place))[[0, 2]]
        heading = made.pose_at(0).heading
        ways.append(gone @ (np.sin(heading), np.cos(heading)))
    still = np.isclose(ways, 0)
    assert 5 <= still.sum() <= 25
    assert (np.asarray(ways)[~still] > 2).all(), "dm in ten frames"


def test_only_those_who_talk_move_their_mouth():
    talking = motion.talk(np.random.default_rng(1))
    opened = [talking.mouth_at(time) for time in np.arange(0, 30, 0.5)]
    assert min(opened) == 0 and 0.3 < max(opened) <= 1
    assert all(kind(np.random.default_rng(1)).mouth_at is None for kind in KINDS if kind is not motion.talk)


def test_all_kinds_are_drawn():
    made = {motion.draw_motion(np.random.default_rng(seed)).pose_at.__qualname__.split(".")[0] for seed in range(60)}
    assert made == {kind.__name__ for kind in KINDS}
