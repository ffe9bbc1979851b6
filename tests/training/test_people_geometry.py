"""Morphing, skinning, posing and fitting, on meshes of a few vertices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting.training.people.action import in_action
from nuke_matting.training.people.assets import Fitting, read_fitting, read_obj
from nuke_matting.training.people.body import Body, draw_body, macro_weights, morph
from nuke_matting.training.people.parts import Part, fit, hung_weights
from nuke_matting.training.people.pose import Pose, Skeleton, between, bone_transforms, draw_pose, mix, rotation, skin
from nuke_matting.training.people.render import Camera, Surface, vertex_normals

UNIT = st.floats(0, 1)


def two_bones() -> Skeleton:
    """A chain along y: a bone from 0 to 1, and one from 1 to 2 on top of it."""
    heads = np.array([[0, 0, 0], [0, 1, 0]], np.float32)
    tails = np.array([[0, 1, 0], [0, 2, 0]], np.float32)
    return Skeleton(("low", "high"), np.array([-1, 0], np.int32), heads, tails)


def test_without_morphs_positions_are_copied():
    positions = np.ones((3, 3), np.float32)
    moved = morph(positions, {}, {}.__getitem__)
    assert np.array_equal(moved, positions) and moved is not positions


def test_a_morph_moves_only_the_vertices_it_names_by_its_weight():
    targets = {
        "wide": (np.array([1]), np.array([[2.0, 0, 0]], np.float32)),
        "tall": (np.array([1, 2]), np.ones((2, 3), np.float32)),
    }
    moved = morph(np.zeros((3, 3), np.float32), {"wide": 0.5, "tall": 2.0}, targets.__getitem__)
    np.testing.assert_allclose(moved, [[0, 0, 0], [3, 2, 2], [2, 2, 2]])


@given(UNIT, UNIT, UNIT, UNIT, UNIT)
def test_shares_of_the_builds_sum_to_one(gender, age, weight, muscle, height):
    ages, builds = ("baby", "child", "young", "old"), ("min{}", "average{}", "max{}")
    names = frozenset(
        f"macrodetails/universal-{g}-{a}-{m.format('muscle')}-{w.format('weight')}"
        for g in ("female", "male") for a in ages for m in builds for w in builds
    )  # fmt: skip
    body = Body(gender, age, weight, muscle, height, 0.5, (0.2, 0.3, 0.5), 0.5, {})
    assert sum(macro_weights(body, names).values()) == pytest.approx(1.0, abs=0.02)


def test_a_seed_gives_one_body_and_one_pose():
    names = frozenset({"nose/nose-hump-incr", "arms/l-upperarm-fat-incr", "arms/r-upperarm-fat-incr"})
    first, second = (draw_body(np.random.default_rng(5), names) for _ in range(2))
    assert first == second
    assert draw_pose(np.random.default_rng(6)) == draw_pose(np.random.default_rng(6))
    assert draw_pose(np.random.default_rng(6)) != draw_pose(np.random.default_rng(7))


def test_both_arms_get_the_same_slider():
    names = frozenset({"arms/l-upperarm-fat-incr", "arms/r-upperarm-fat-incr"})
    details = draw_body(np.random.default_rng(1), names).details
    assert details["arms/l-upperarm-fat-incr"] == details["arms/r-upperarm-fat-incr"]


@given(st.tuples(*[st.floats(-3, 3)] * 3))
def test_a_rotation_keeps_lengths_and_handedness(vector):
    matrix = rotation(vector)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(matrix) == pytest.approx(1.0)


@given(st.tuples(*[st.floats(-1, 1)] * 3), st.tuples(*[st.floats(-1, 1)] * 3))
def test_the_smallest_rotation_points_where_it_is_told(first, second):
    a, b = np.asarray(first), np.asarray(second)
    if min(np.linalg.norm(a), np.linalg.norm(b)) < 1e-3:
        return
    turned = between(a, b) @ a / np.linalg.norm(a)
    np.testing.assert_allclose(turned, b / np.linalg.norm(b), atol=1e-5)


def test_a_pose_without_turns_leaves_the_body_where_it_is():
    points = np.array([[0.3, 0.2, 0], [0.1, 1.7, 0.4]], np.float32)
    weights = np.array([[1, 0], [0.5, 0.5]], np.float32)
    np.testing.assert_allclose(skin(points, weights, bone_transforms(two_bones(), Pose({}, {}))), points, atol=1e-6)


def test_a_child_bone_follows_its_parent_and_turns_about_its_own_head():
    quarter = np.pi / 2
    transforms = bone_transforms(two_bones(), Pose({"low": (0, 0, quarter), "high": (0, 0, quarter)}, {}))
    tip = skin(np.array([[0, 2, 0]], np.float32), np.array([[0, 1]], np.float32), transforms)
    np.testing.assert_allclose(tip, [[-1, -1, 0]], atol=1e-6)  # to the left by one, then down by one


def test_a_limb_points_in_its_direction_whatever_its_parent_does():
    pose = Pose({"low": (0.4, -1.0, 0.3)}, {"high": (1.0, 0.0, 0.0)})
    ends = skin(
        np.array([[0, 1, 0], [0, 2, 0]], np.float32),
        np.array([[0, 1], [0, 1]], np.float32),
        bone_transforms(two_bones(), pose),
    )
    np.testing.assert_allclose(ends[1] - ends[0], [1, 0, 0], atol=1e-6)


def test_people_in_action_are_seen_from_any_side_and_bend_their_legs():
    quiet = draw_pose(np.random.default_rng(0))
    acting = [in_action(np.random.default_rng(seed), quiet) for seed in range(60)]
    assert acting[0] == in_action(np.random.default_rng(0), quiet)
    assert all(set(each.points) >= set(quiet.points) and each.turns["head"] == quiet.turns["head"] for each in acting)
    headings = np.array([each.heading for each in acting])
    assert (np.abs(headings) > np.pi / 2).mean() > 0.3
    forward = np.array([each.points["thigh_l"][2] for each in acting])
    assert (forward > 0.3).any() and (forward < -0.3).any(), "either leg may be the one in front"
    knees = [np.dot(each.points["thigh_l"], each.points["calf_l"]) for each in acting]
    assert min(knees) < 0, "some are bent by more than a right angle"


def test_half_way_between_two_poses_is_half_way():
    first, second = (
        Pose({"low": (0, 0, 0)}, {"high": (0, 1, 0)}, heading=0.0),
        Pose({"low": (0, 0, 1)}, {"high": (1, 0, 0)}, heading=1.0),
    )
    half = mix(first, second, 0.5)
    assert half.heading == 0.5
    assert half.turns["low"] == (0, 0, 0.5)
    np.testing.assert_allclose(half.points["high"], (np.sqrt(0.5), np.sqrt(0.5), 0), atol=1e-9)


def test_a_garment_scales_with_the_body_it_hangs_on():
    vertices = np.array([[0, 0, 0], [2, 0, 0], [0, 1, 0]], np.float32)
    fitting = Fitting(
        np.array([[0, 1, 2]], np.int32), np.array([[0.5, 0.5, 0.0]], np.float32), np.array([[0.1, 0.2, 0]], np.float32),
        ((0, 1, 1.0), (0, 0, 0.0), (0, 0, 0.0)), np.zeros(0, np.int32),
    )  # fmt: skip
    np.testing.assert_allclose(
        fit(fitting, vertices), [[1.2, 0.2, 0.0]], atol=1e-6
    )  # x is twice as wide as it was made for
    np.testing.assert_allclose(hung_weights(fitting, np.eye(3, dtype=np.float32)), [[0.5, 0.5, 0.0]])


def test_a_mesh_file_is_read_with_its_groups_and_its_quads_split(tmp_path):
    path = tmp_path / "mesh.obj"
    path.write_text(
        "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 1\ng one\nf 1/1 2/1 3/2 4/2\ng two\nf 1/2 2/1 3/2\n"
    )
    mesh = read_obj(path)
    assert mesh.group_names == ("one", "two")
    assert mesh.triangles.shape == (3, 3)
    assert len(mesh.corner) == 5  # the first vertex has two texture coordinates
    assert mesh.only(mesh.groups == 1).triangles.shape == (1, 3)


def test_a_fitting_file_is_read_with_its_ranges_of_hidden_vertices(tmp_path):
    path = tmp_path / "coat.mhclo"
    path.write_text("# x\nx_scale 0 1 2.0\nverts 0\n7\n1 2 3 0.2 0.3 0.5 0 0 1\n\ndelete_verts\n3 - 6 9\n")
    fitting = read_fitting(path)
    assert fitting.hold.tolist() == [[7, 7, 7], [1, 2, 3]]
    assert fitting.hidden.tolist() == [3, 4, 5, 6, 9]
    assert fitting.scales[0] == (0, 1, 2.0)


def test_normals_are_of_unit_length_and_face_outward():
    positions = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    normals = vertex_normals(positions, np.arange(3), np.array([[0, 1, 2]]))
    np.testing.assert_allclose(normals, np.tile([0, 0, 1], (3, 1)), atol=1e-6)


def test_the_camera_sees_its_target_in_the_middle_and_up_as_up():
    camera = Camera(np.array([3.0, 2.0, 8.0]), np.array([0.0, 1.0, 0.0]), 0.5)
    matrix = camera.matrix(1.5)
    middle, above = (matrix @ np.array([0, y, 0, 1.0]) for y in (1.0, 1.5))
    np.testing.assert_allclose(middle[:2] / middle[3], 0, atol=1e-9)
    assert above[1] / above[3] > 0
    assert -1 < middle[2] / middle[3] < 1


def test_what_no_triangle_has_is_not_drawn():
    rest = np.random.default_rng(0).normal(0, 1, (9, 3)).astype(np.float32)
    corner = np.array([8, 1, 2, 3, 4, 5], np.int32)
    uv, tint = np.arange(12, dtype=np.float32).reshape(6, 2), np.arange(24, dtype=np.float32).reshape(6, 4)
    triangles = np.array([[5, 2, 0], [2, 5, 3]], np.int32)
    part = Part(rest, np.ones((9, 1), np.float32), corner, uv, triangles, tint, Surface(5))
    drawn = part.posed(np.eye(3, 4, dtype=np.float32)[None])
    assert drawn.vertices.shape == (4, 15)
    np.testing.assert_array_equal(drawn.vertices[:, 6:8][drawn.triangles], uv[triangles])
    np.testing.assert_allclose(drawn.vertices[:, :3][drawn.triangles], rest[corner[triangles]], atol=1e-6)
    normals = vertex_normals(rest, corner, triangles)
    np.testing.assert_allclose(drawn.vertices[:, 3:6][drawn.triangles], normals[corner[triangles]], atol=1e-6)
