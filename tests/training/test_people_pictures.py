"""Hair, light and pictures of people: what a mat of strands may do, and what a rendered still must be."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from nuke_matting.training.people.light import draw_light, harmonics, light_of, panorama_directions
from nuke_matting.training.people.render import Camera, straight
from nuke_matting.training.people.stills import blur_between, defocus, expose, lens_cameras, write_still
from nuke_matting.training.people.strands import POINTS_A_TURN, Style, draw_style, grow, keep_out, scatter

HEAD = np.array([[0, 0, 0, 1.0, 1.0, 1.0]])


def crown(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Roots and normals on the upper half of a unit sphere."""
    normals = np.random.default_rng(0).normal(0, 1, (count, 3))
    normals[:, 1] = np.abs(normals[:, 1])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return normals.astype(np.float32), normals.astype(np.float32)


def test_strands_stay_out_of_the_head_and_keep_their_roots():
    roots, normals = crown()
    style = Style(1.0, 0.1, 0.4, (0.2, 0, -0.5), 0.9, 0.0, 0.0, 0.0, 0.2, (0.1, 0.05, 0.02), steps=9)
    hair = grow(roots, normals, style, np.random.default_rng(3), np.array([0, -1.0, 0]), HEAD)
    assert hair.shape == (40, 9, 3)
    np.testing.assert_allclose(hair[:, 0], roots, atol=1e-6)
    assert np.linalg.norm(hair, axis=2).min() > 0.999


def test_strands_are_the_same_for_the_same_seed():
    roots, normals = crown()
    style = Style(0.8, 0.2, 0.4, (0, 0, 0), 0.5, 0.05, 3.0, 0.5, 0.2, (0.1, 0.05, 0.02))
    first, second = (
        grow(roots, normals, style, np.random.default_rng(9), np.array([0, -1.0, 0]), HEAD) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_curls_have_points_enough_for_each_turn_and_cost_no_more_triangles():
    from nuke_matting.training.people.person import _strands_of

    for seed in range(80):
        style = draw_style(np.random.default_rng(seed), bool(seed % 2), (0.1, 0.1, 0.1), seed % 3 / 2)
        assert style.curl == 0 or style.steps - 1 >= POINTS_A_TURN * style.turns
        assert _strands_of(style) * style.steps <= 20000 * 16


def test_heavy_hair_hangs_lower_than_light_hair():
    roots, normals = crown(200)
    low, high = (
        grow(
            roots,
            normals,
            Style(1.5, 0.1, 0.5, (0, 0, 0), weight, 0, 0, 0, 0.1, (0, 0, 0)),
            np.random.default_rng(1),
            np.array([0, -1.0, 0]),
            HEAD,
        )
        for weight in (1.2, 0.0)
    )
    assert low[:, -1, 1].mean() < high[:, -1, 1].mean() - 0.3


def test_points_inside_are_moved_out_and_others_stay():
    points = np.array([[0.1, 0.0, 0.0], [3.0, 0.0, 0.0]])
    np.testing.assert_allclose(keep_out(points, HEAD), [[1.0, 0, 0], [3.0, 0, 0]])


def test_roots_are_scattered_by_area():
    positions = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 5], [3, 0, 5], [0, 3, 5]], np.float32)
    pick, weights = scatter(positions, np.array([[0, 1, 2], [3, 4, 5]]), 4000, np.random.default_rng(0))
    assert (pick == 1).mean() == pytest.approx(0.9, abs=0.03)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    assert weights.min() >= 0


def test_an_even_room_lights_all_sides_alike_with_one():
    light = light_of(np.full((64, 128, 3), 7.0, np.float32), 0.3)
    directions = panorama_directions(4, 8).reshape(-1, 3)
    np.testing.assert_allclose(harmonics(directions) @ light.ambient, 1.0, atol=0.02)
    assert float(light.key_colour.sum()) == pytest.approx(0, abs=1e-6)
    assert light.scale * 7.0 == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("turn", [0.0, 1.0, -2.0])
def test_the_key_light_comes_from_the_lamp_and_turns_with_the_room(turn):
    room = np.full((64, 128, 3), 0.1, np.float32)
    room[30:34, 94:98] = 500.0  # a quarter turn right of the middle, at the horizon
    light = light_of(room, turn)
    expected = np.array([np.cos(turn), 0, -np.sin(turn)])
    assert float(light.key_direction @ expected) > 0.98


def test_a_seed_gives_one_light():
    room = np.random.default_rng(0).random((32, 64, 3)).astype(np.float32)
    first, second = (draw_light(np.random.default_rng(4), room) for _ in range(2))
    np.testing.assert_array_equal(first.ambient, second.ambient)
    np.testing.assert_array_equal(first.key_colour, second.key_colour)


def test_the_straight_colour_goes_on_beyond_the_edge_and_is_exact_inside():
    alpha = np.zeros((16, 16, 1), np.float32)
    alpha[4:12, 4:12] = 1.0
    alpha[4:12, 12] = 0.5
    colour = np.array([0.8, 0.3, 0.1], np.float32)
    filled, matte = straight(np.concatenate([alpha * colour, alpha], axis=2))
    np.testing.assert_allclose(filled, np.broadcast_to(colour, (16, 16, 3)), atol=1e-3)
    np.testing.assert_array_equal(matte, alpha[..., 0])


def test_an_empty_picture_is_black_and_clear():
    filled, matte = straight(np.zeros((8, 8, 4), np.float32))
    assert np.isfinite(filled).all() and not filled.any() and not matte.any()


def test_exposing_leaves_the_alpha_and_tames_highlights():
    picture = np.ones((20, 20, 4), np.float32)
    picture[..., :3] *= 0.1
    picture[0, :8, :3] = 5.0
    bright = expose(picture, 0.6)
    np.testing.assert_array_equal(bright[..., 3], picture[..., 3])
    assert bright[0, 0, 0] == pytest.approx(1.1, rel=0.01)


def test_a_pair_is_written_whole_and_leaves_nothing_else(tmp_path):
    write_still(tmp_path, "00007", np.ones((6, 5, 4), np.float32))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00007_alpha.png", "00007_fg.png"]


@pytest.fixture(scope="module")
def still():
    """(assets, renderer): skips where there are no assets or no EGL."""
    folder = os.environ.get("NUKE_MATTING_ASSETS")
    if not folder:
        pytest.skip("NUKE_MATTING_ASSETS does not name the assets folder")
    from nuke_matting.training.people.assets import Assets
    from nuke_matting.training.people.render import Renderer

    assets = Assets(Path(folder))
    try:
        return assets, Renderer(64, 64, assets.texture, supersample=1)
    except Exception as problem:  # moderngl raises plain exceptions where there is no EGL
        pytest.skip(f"no EGL rendering context: {problem}")


def test_a_rendered_still_is_finite_has_true_coverage_and_repeats_from_its_seed(still):
    from nuke_matting.training.people.stills import still_scene

    assets, renderer = still
    first, second = (renderer.render(still_scene(assets, 12, 96)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert np.isfinite(first).all()
    assert first[..., 3].min() >= 0 and first[..., 3].max() == 1.0
    assert 0.03 < first[..., 3].mean() < 0.97
    assert not first[..., :3][first[..., 3] == 0].any()
    filled, _ = straight(first)
    assert np.isfinite(filled).all()


@pytest.fixture(scope="module")
def somebody(still):
    from nuke_matting.training.people.person import draw_person

    return draw_person(still[0], np.random.default_rng(5), "none")


def seen(part):
    """The positions of a part's triangles."""
    return part.rest[np.unique(part.corner[part.triangles])]


def test_jewellery_is_where_it_is_worn(still, somebody):
    from nuke_matting.training.people import adornments

    heads = somebody.skeleton.heads
    neck = heads[somebody.skeleton.index("neck_01")]
    body = np.concatenate([seen(part) for part in somebody.parts if part.surface.mode in (0, 1)])
    for seed in range(8):
        ears = adornments.earrings(still[0], np.random.default_rng(seed), somebody).rest
        assert ears[:, 0].min() < -0.5 and ears[:, 0].max() > 0.5
        assert neck[1] - 0.3 < ears[:, 1].min() and ears[:, 1].max() < neck[1] + 1.2
        chain = adornments.necklace(np.random.default_rng(seed), somebody).rest
        away = np.linalg.norm(chain[:, None] - body[None, ::3], axis=2).min(axis=1)
        assert np.quantile(away, 0.9) < 0.45, "dm from skin or clothes"
        assert np.linalg.norm((chain - neck)[:, [0, 2]], axis=1).max() < 2.4


def test_fur_and_fibres_turn_with_the_body(still, somebody):
    from nuke_matting.training.people import adornments
    from nuke_matting.training.people.pose import Pose, rotation
    from nuke_matting.training.people.scene import draw_camera, pose_scene

    assets, _ = still
    rng = np.random.default_rng(1)
    light = draw_light(rng, assets.panorama(assets.panorama_names()[0]))
    camera = draw_camera(rng, somebody, Pose({}, {}))
    garments = adornments.plain_garments(somebody)
    coats = [adornments.fur_collar(assets, rng, somebody)]
    for garment in garments:
        coats += [adornments.fluff(rng, garment), *adornments.frayed(rng, garment)]
    for coat in coats:
        who = replace(somebody, coats=(coat,))
        straight_on, turned = (
            pose_scene(who, Pose({}, {}, heading=heading), light, camera).strands[0].points for heading in (0.0, 1.0)
        )
        length = np.linalg.norm(np.diff(straight_on, axis=1), axis=2).sum(axis=1)
        assert np.isfinite(straight_on).all() and 0 < length.mean() < 1.0
        np.testing.assert_allclose(turned, straight_on @ rotation((0, 1.0, 0)).T, atol=2e-3)


def test_fur_is_wider_than_the_neck(still, somebody):
    from nuke_matting.training.people import adornments

    roots = adornments.fur_collar(still[0], np.random.default_rng(0), somebody).roots
    neck = somebody.skeleton.heads[somebody.skeleton.index("neck_01")]
    assert np.linalg.norm((roots - neck)[:, [0, 2]], axis=1).max() > 0.6 and len(roots) == 9000


def test_thick_clothes_stand_off_the_body_and_leave_head_and_hands_bare(still):
    from nuke_matting.training.people.assets import BODY_VERTICES
    from nuke_matting.training.people.clothes import thick_clothes
    from nuke_matting.training.people.pose import skeleton_of, skin_weights

    assets, _ = still
    vertices = assets.base.positions
    skeleton = skeleton_of(assets, vertices)
    weights = skin_weights(assets, skeleton.names)
    neck = skeleton.heads[skeleton.index("neck_01"), 1]
    body = cKDTree(vertices[:BODY_VERTICES])
    for seed in range(6):
        parts, hidden = thick_clothes(assets, np.random.default_rng(seed), vertices, weights)
        kept = np.concatenate([part.rest[part.uv[:, 0] > 0] for part in parts])
        assert np.median(body.query(kept)[0]) > 0.12, "dm"
        assert np.abs(kept[:, 0]).max() > 4.1, "sleeves reach the wrists, which are at 4.3"
        assert vertices[hidden, 1].max() < neck + 0.5 and np.abs(vertices[hidden, 0]).max() < 4.6


def test_some_coats_are_one_around_both_legs(still):
    from nuke_matting.training.people.clothes import thick_clothes
    from nuke_matting.training.people.pose import skeleton_of, skin_weights

    assets, _ = still
    vertices = assets.base.positions
    weights = skin_weights(assets, skeleton_of(assets, vertices).names)
    drawn = [thick_clothes(assets, np.random.default_rng(seed), vertices, weights)[0] for seed in range(24)]
    coats = [parts[-1] for parts in drawn if len(parts) == 3]
    assert coats
    for coat in coats:
        kept = coat.rest[coat.uv[:, 0] > 0]
        low = kept[kept[:, 1] < kept[:, 1].min() + 0.3]
        assert (np.abs(low[:, 0]) < 0.2).any(), "between the legs too"


def test_the_shoes_of_a_pair_look_alike(still):
    from nuke_matting.training.people.clothes import _SHOES, _pieces, _suit
    from nuke_matting.training.people.pose import skeleton_of, skin_weights

    assets, _ = still
    vertices = assets.base.positions
    weights = skin_weights(assets, skeleton_of(assets, vertices).names)
    for name in _SHOES:
        ((shoes,), _), piece = _suit(assets, np.random.default_rng(3), name, vertices, weights), _pieces(assets, name)
        across = [shoes.rest[shoes.corner[piece == side], 0].mean() for side in (0, 1)]
        assert across[0] * across[1] < 0, "the two largest pieces are a left and a right one"
        left, right = (shoes.tint[piece == side] for side in (0, 1))
        np.testing.assert_array_equal(left.min(0), right.min(0))


def test_an_open_mouth_moves_the_chin_alone(still):
    from nuke_matting.training.people.person import draw_person, speaking

    assets, _ = still
    person = draw_person(assets, np.random.default_rng(8), "none", {})
    shut, wide = (speaking(assets, person, share).parts for share in (0.0, 1.0))
    skin = next(k for k, part in enumerate(person.parts) if part.surface.mode == 0)
    np.testing.assert_allclose(shut[skin].rest, person.parts[skin].rest, atol=1e-6)
    moved = np.linalg.norm(wide[skin].rest - shut[skin].rest, axis=1)
    head = person.skeleton.heads[person.skeleton.index("neck_01"), 1]
    assert moved.max() > 0.1 and (shut[skin].rest[moved > 1e-4][:, 1] > head - 0.5).all()


@pytest.mark.parametrize("focus", [0.75, 1.4])
def test_through_a_lens_what_is_in_focus_stays_and_the_target_is_blurred(focus):
    camera = Camera(np.array([1.0, 2.0, 20.0]), np.array([0.5, 1.0, 0.0]), 0.4, 0.1, (0.2, -0.1))
    ray = camera.target - camera.eye
    height, blur = 320, 4.0

    def pixels(at):
        views = lens_cameras(camera, blur, focus, height, np.random.default_rng(0))
        seen = np.stack([view.matrix(1.0) @ np.append(at, 1.0) for view in views])
        return seen[:, :2] / seen[:, 3:] * height / 2

    sharp, soft = pixels(camera.eye + focus * ray), pixels(camera.target)
    assert np.ptp(sharp, axis=0).max() <= 1.0, "no more than what spreads the samples within a pixel"
    out = np.linalg.norm(soft - soft.mean(0), axis=1)
    assert blur - 1 < out.max() < blur + 1 and out.mean() == pytest.approx(blur * 2 / 3, rel=0.15)
    spread = (out**2).mean() + blur_between(blur) ** 2 / 2  # as wide as a whole disc of the lens
    assert spread == pytest.approx(blur**2 / 2, rel=0.15)


def test_a_point_out_of_focus_is_a_disc_that_keeps_its_light():
    point = np.zeros((31, 31, 4), np.float32)
    point[15, 15] = 1.0
    disc = defocus(point, 5.0)
    np.testing.assert_allclose(disc.sum((0, 1)), 1.0, rtol=1e-5)
    assert np.ptp(disc[15, 11:20, 3]) < 1e-6 and np.abs(disc[15, 21:]).max() < 1e-6


def test_a_trimmed_garment_ends_where_it_is_cut_and_another_at_its_border():
    from nuke_matting.training.people.adornments import hems
    from nuke_matting.training.people.parts import Part
    from nuke_matting.training.people.render import Surface

    rest = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0]], np.float32)
    uv = np.array([[1, 0], [1, 0], [-3, 0], [-3, 0]], np.float32)  # cut a quarter of the way
    triangles = np.array([[0, 1, 2], [2, 1, 3]], np.int32)
    corner = np.arange(4, dtype=np.int32)
    for trimmed, count in ((True, 2), (False, 4)):
        part = Part(rest, np.ones((4, 1)), corner, uv, triangles, np.ones((4, 4)), Surface(1, trimmed=trimmed))
        corners, shares = hems(part)
        at = rest[corners[..., 0]] * (1 - shares[..., None]) + rest[corners[..., 1]] * shares[..., None]
        assert at.shape == (count, 2, 3)
        if trimmed:
            np.testing.assert_allclose(at[..., 0], 0.25)


def test_edges_of_one_triangle_alone_are_open():
    from nuke_matting.training.people.parts import open_edges

    square = np.array([[0, 1, 2], [2, 1, 3]])
    assert {tuple(edge) for edge in open_edges(square)} == {(0, 1), (0, 2), (1, 3), (2, 3)}
