"""What a picture's alpha is: shares of 8x8 samples a pixel, of meshes, ribbons and cards."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nuke_matting.training.people.coverage import no_samples, share_of, take_cards, take_ribbons, take_triangles, taken
from nuke_matting.training.people.light import Light
from nuke_matting.training.people.render import CLOTH, SKIN, Camera, Drawing, Scene, Strands, Surface
from nuke_matting.training.people.silhouette import covered, pictured, recovered, within

AHEAD = Camera(np.array([0, 0, 10.0]), np.zeros(3), 2 * np.arctan(0.1))  # sees from -1 to 1 in a square
DARK = Light(np.zeros((9, 3), np.float32), *(np.array([0, 0, 1], np.float32),) * 4)


def shares(*triangles, size=8):
    """The coverage of triangles whose corners are in pixels."""
    bits = no_samples(size, size)
    take_triangles(bits, np.array(triangles, float) * 8)
    return share_of(bits)


def scene(*drawings, strands=()):
    return Scene(drawings, strands, DARK, AHEAD, np.zeros(3), 3.0)


def drawing(corners, surface, u=(1, 1, 1)):
    """One triangle at depth 0, whose corners are x, y."""
    vertices = np.zeros((3, 15), np.float32)
    vertices[:, :2], vertices[:, 6] = corners, u
    return Drawing(vertices, np.array([[0, 1, 2]], np.int32), surface)


def seen(*drawings, size=16, **more):
    return covered(scene(*drawings, **more), size, size, lambda _: None)


def half_plane(through, slope, size, samples):
    """The share of each pixel below a line through a point, by a square of samples a pixel."""
    at = (np.arange(size * samples) + 0.5) / samples
    inside = at[:, None] - through[1] > slope * (at[None] - through[0])
    return inside.reshape(size, samples, size, samples).mean((1, 3))


def test_a_square_of_two_triangles_has_its_area_and_no_gap_along_the_diagonal():
    a, b, c, d = (1.25, 1.5), (5.75, 1.5), (5.75, 6.25), (1.25, 6.25)
    cover = shares((a, b, c), (c, d, a))
    assert cover.sum() == 4.5 * 4.75
    assert (cover[2:6, 2:5] == 1).all() and cover[1, 3] == 0.5 and cover[3, 5] == 0.75 and not cover[7].any()


def test_triangles_around_a_point_leave_no_sample_between_them():
    rng = np.random.default_rng(0)
    for _ in range(20):
        middle, angles = rng.uniform(3, 5, 2), np.linspace(0, 2 * np.pi, 12)
        ring = middle + 30 * np.stack([np.cos(angles), np.sin(angles)], 1)
        assert (shares(*((middle, one, other) for one, other in pairwise(ring))) == 1).all()


def test_which_way_round_a_triangle_is_and_where_it_begins_makes_no_difference():
    corners = np.array([(0.3, 7.1), (6.9, 2.2), (-3.0, -1.7)])
    for order in ((0, 1, 2), (1, 2, 0), (2, 1, 0), (0, 2, 1)):
        np.testing.assert_array_equal(shares(corners[list(order)]), shares(corners))


@pytest.mark.parametrize("slope", [0.03, 0.21, 0.47, 0.83, 3.7, 30.0])
def test_edges_are_nearer_to_16x16_samples_than_4x4_are(slope):
    size, middle = 64, np.array([32.37, 31.81])
    along = 900 * np.array([1.0, slope]) / np.hypot(1, slope)
    line = (middle - along, middle + along, middle + np.array([-along[1], along[0]]))
    cover, reference, coarse = shares(line, size=size), *(half_plane(middle, slope, size, n) for n in (16, 4))
    edge = (reference > 0) & (reference < 1)
    error, before = (np.abs(each - reference)[edge] for each in (cover, coarse))
    assert error.mean() < 0.03 and error.max() < 0.08
    assert error.mean() < 0.8 * before.mean()


def test_what_is_out_of_frame_takes_nothing_and_what_leaves_it_is_cut():
    assert not shares(((-9, 1), (-2, 1), (-2, 7)), ((1, 9), (7, 9), (3, 20)), ((3, 3), (3, 3), (3, 3))).any()
    assert (shares(((-100, -100), (200, -100), (-100, 200))) == 1).all()


def test_a_front_of_skin_covers_and_its_back_does_not_but_that_of_cloth_does():
    front = ((-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5))
    for mode, corners, expected in ((SKIN, front, 0.5), (SKIN, front[::-1], 0), (CLOTH, front[::-1], 0.5)):
        assert seen(drawing(corners, Surface(mode))).mean() * 4 == pytest.approx(expected, abs=0.04)


def test_the_first_row_is_the_top():
    cover = seen(drawing(((-1, 1), (1, 1), (0, 0.5)), Surface(CLOTH)))
    assert cover[0].any() and not cover[8:].any()


def test_cloth_is_cut_where_it_is_trimmed():
    corners = ((-1, -1), (1, -1), (1, 1))
    cut, whole = (
        seen(drawing(corners, Surface(CLOTH, trimmed=trimmed), u=(-1, 1, 1))).mean() for trimmed in (True, False)
    )
    assert cut == pytest.approx(0.75 * whole, abs=0.02)


def test_a_cut_keeps_the_side_where_the_quantity_is_above_0():
    triangle = np.array([[[0, 0], [4, 0], [0, 4]]], float)
    for inside, area in (((1, -1, -1), 2), ((-1, 1, 1), 6), ((1, 1, 1), 8), ((-1, -1, 0), 0)):
        kept = within(triangle, np.array([inside], float))
        (ax, ay), (bx, by) = (np.moveaxis(kept[:, k] - kept[:, 0], -1, 0) for k in (1, 2))
        assert (ax * by - ay * bx).sum() / 2 == pytest.approx(area), "and is turned as it was"


def test_what_is_behind_the_eye_is_not_seen():
    behind = drawing(((-1, -1), (1, -1), (0, 1)), Surface(CLOTH))
    behind.vertices[:, 2] = 30.0
    assert not seen(behind).any()
    behind.vertices[:2, 2] = -100.0  # comes towards the eye and passes it
    assert seen(behind).any()


def test_a_ribbon_is_as_wide_as_its_strand_and_tapers():
    points = np.stack([np.linspace(-0.8, 0.8, 9), np.zeros(9), np.zeros(9)], 1)[None].astype(np.float32)
    strands = Strands(points, np.zeros((1, 3)), np.array([0.1], np.float32), np.zeros((1, 3)))
    cover = seen(strands=(strands,), size=32)
    assert cover.mean() * 4 == pytest.approx(1.6 * 0.2 * 0.75, rel=0.02)  # the mean of 1 - 0.75 x^2 is 0.75
    wide = cover.sum(axis=0)
    assert wide[4] > 3 * wide[27] > 0


def test_ribbons_over_what_is_taken_already_change_nothing():
    bits = no_samples(4, 4)
    bits[:] = 255
    points = np.array([[[-0.5, 0, 0], [0.5, 0.1, 0]]], np.float32)
    take_ribbons(bits, taken(bits), points, np.array([0.2], np.float32), AHEAD.eye, AHEAD.matrix(1.0))
    assert (share_of(bits) == 1).all()
    np.testing.assert_array_equal(taken(bits)[-1], np.arange(5) * 4)


@pytest.mark.parametrize("opacity", [0.0, 0.25, 0.6, 1.0])
def test_a_card_takes_the_share_of_samples_that_its_opacity_says(opacity):
    bits = no_samples(32, 32)
    corners = np.array([[[0, 0], [256, 0], [0, 256]], [[256, 256], [0, 256], [256, 0]]], float)
    take_cards(bits, corners, corners / 256, np.full(1, opacity, np.float32), np.array([[1, 1]]))
    assert share_of(bits).mean() == pytest.approx(min(max(opacity * 1.15 - 0.03, 0), 1), abs=0.01)


def test_a_card_is_cut_along_its_picture():
    bits = no_samples(8, 8)
    corners = np.array([[[0, 0], [64, 0], [0, 64]], [[64, 64], [0, 64], [64, 0]]], float)
    picture = np.zeros((8, 8), np.float32)
    picture[:4, 2:6] = 1.0  # the first row is at v = 0
    sizes = np.array([[8, 8]])
    take_cards(bits, corners, corners / 64, picture.ravel(), sizes)
    cover = share_of(bits)
    assert (cover[1:3, 3:5] == 1).all() and not cover[5:7].any() and not cover[:, [0, 7]].any()


def test_another_alpha_keeps_the_straight_colour_and_takes_what_is_near_where_there_is_none():
    picture = np.zeros((16, 16, 4), np.float32)
    picture[4:8, 4:8] = (0.4, 0.2, 0.1, 0.5)
    alpha = np.zeros((16, 16), np.float32)
    alpha[4:8, 4:8], alpha[5, 8], alpha[0, 15] = 0.75, 0.1, 0.2  # the last is far from all that has a colour
    anew = recovered(picture, alpha)
    np.testing.assert_array_equal(anew[..., 3], alpha)
    inside = alpha > 0
    np.testing.assert_allclose(anew[inside][:, :3] / alpha[inside, None], [[0.8, 0.4, 0.2]] * 18, rtol=1e-4)
    assert not anew[~inside].any()


def test_a_scene_covers_what_the_renderer_draws_of_it():
    folder = os.environ.get("NUKE_MATTING_ASSETS")
    if not folder:
        pytest.skip("NUKE_MATTING_ASSETS does not name the assets folder")
    from nuke_matting.errors import MattingError
    from nuke_matting.training.people.assets import Assets
    from nuke_matting.training.people.render import Renderer
    from nuke_matting.training.people.stills import still_scene

    assets = Assets(Path(folder))
    try:
        renderer, one = (Renderer(96, 96, assets.texture, multisamples=many) for many in (4, 1))
    except MattingError as problem:
        pytest.skip(str(problem))
    for seed in (12, 13):
        whole = still_scene(assets, seed, 96)
        picture, cover = renderer.render(whole), covered(whole, 96, 96, assets.texture)
        drawn = picture[..., 3]
        for camera in ((), (whole.camera, whole.camera)):
            same = pictured(one, whole, assets.texture, camera)
            np.testing.assert_array_equal(same[..., 3], cover)
            assert np.abs(same - picture)[..., :3].mean() < 0.02, "of colours about 0.5"
        assert np.abs(drawn - cover).max() < 0.35, "of 16 samples, strands among them"
        edge = (drawn > 0) & (drawn < 1)
        assert abs((drawn - cover)[edge].mean()) < 0.01 and np.abs(drawn - cover)[edge].mean() < 0.06
