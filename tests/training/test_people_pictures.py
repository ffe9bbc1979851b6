"""Hair, light and pictures of people: what a mat of strands may do, and what a rendered still must be."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from nuke_matting.training.people.light import draw_light, harmonics, light_of, panorama_directions
from nuke_matting.training.people.render import straight
from nuke_matting.training.people.stills import expose, write_still
from nuke_matting.training.people.strands import Style, grow, keep_out, scatter

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


def test_a_person_in_fur_is_wider_and_jewellery_is_drawn_with_them(still):
    from dataclasses import replace

    from nuke_matting.training.people import adornments
    from nuke_matting.training.people.person import draw_person
    from nuke_matting.training.people.pose import Pose
    from nuke_matting.training.people.scene import draw_camera, pose_scene

    assets, renderer = still
    rng = np.random.default_rng(5)
    person = draw_person(assets, rng, "none")
    light = draw_light(rng, assets.panorama(assets.panorama_names()[0]))
    camera = draw_camera(np.random.default_rng(2), person, Pose({}, {}))

    def cover(who):
        return float(renderer.render(pose_scene(who, Pose({}, {}), light, camera, rows=64))[..., 3].sum())

    furry = replace(person, coats=(*person.coats, adornments.fur_collar(assets, rng, person)))
    assert cover(furry) > cover(person) + 5  # pixels
    ears = adornments.earrings(assets, rng, person)
    skin = next(part for part in person.parts if part.surface.mode == 0)
    heights = [part.rest[:, 1].mean() for part in ears]
    chin = person.skeleton.heads[person.skeleton.index("neck_01"), 1]
    assert all(chin < each < skin.rest[:, 1].max() for each in heights), "at the head"
    assert min(part.rest[:, 0].max() for part in ears) < 0 < max(part.rest[:, 0].min() for part in ears)
    chain = adornments.necklace(rng, person)[0]
    assert np.abs(chain.rest[:, 1] - person.skeleton.heads[person.skeleton.index("neck_01"), 1]).max() < 2


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


def test_a_lens_blurs_what_it_is_not_focused_on_and_keeps_how_much_is_covered(still):
    from nuke_matting.training.people.stills import still_scene, through_lens

    assets, renderer = still
    scene = still_scene(assets, 12, 64)
    sharp = renderer.render(scene)[..., 3]
    soft = through_lens(renderer, scene, 3.0, 1.4, np.random.default_rng(0))[..., 3]

    def edge(alpha):
        return float(np.abs(np.diff(alpha, axis=0)).max(axis=0).mean())

    assert edge(soft) < 0.8 * edge(sharp)
    assert abs(float(soft.mean() - sharp.mean())) < 0.05


def test_edges_of_one_triangle_alone_are_open():
    from nuke_matting.training.people.adornments import open_edges

    square = np.array([[0, 1, 2], [2, 1, 3]])
    assert {tuple(edge) for edge in open_edges(square)} == {(0, 1), (0, 2), (1, 3), (2, 3)}
