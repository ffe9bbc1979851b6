"""Procedural things: alpha and straight colour that fit, from a seed, at any size, in motion."""

import cv2
import numpy as np
import pytest

from nuke_matting.training import things
from nuke_matting.training.textures import colours, noise, ramp, texture
from nuke_matting.training.things import bodies, kinds, shapes, soft, surfaces
from nuke_matting.training.things.frame import Frame, Motion

KINDS = sorted(things.KINDS)
DRAWN = {"bodies", "fur", "grass", "leaves", "lattice", "prop", "solid", "wires"}  # with sharp outlines


def frame(height=64, width=96, size=0.35, time=0.0, drift=0.0):
    """A thing's own space in the middle of a frame, 2 * size frame heights wide."""
    terms = np.zeros((4, 5))
    terms[:, 0] = width / height / 2, 0.5, np.log(size), 0
    terms[0, 1] = drift
    return Frame(time, Motion(terms), height, width)


@pytest.mark.parametrize("kind", KINDS)
def test_a_thing_is_colour_with_light_and_an_alpha(kind):
    for seed in range(4):
        thing = things.make(seed, 40, 56, frames=2, kind=kind)
        assert thing.kind == kind
        assert thing.colour.shape == (2, 40, 56, 3) and thing.alpha.shape == (2, 40, 56, 1)
        assert thing.colour.dtype == thing.alpha.dtype == np.float32
        assert np.isfinite(thing.colour).all() and thing.colour.min() >= 0
        assert thing.alpha.min() >= 0 and thing.alpha.max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_thing_shows_without_filling_the_frame(kind):
    covers = [float(things.make(seed, 40, 56, kind=kind).alpha.mean()) for seed in range(12)]
    assert all(things.LEAST_COVER < each < things.MOST_COVER for each in covers)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_thing_and_another_another(kind):
    one, again, other = (things.make(seed, 40, 56, kind=kind) for seed in (5, 5, 6))
    assert np.array_equal(one.colour, again.colour) and np.array_equal(one.alpha, again.alpha)
    assert not np.array_equal(one.alpha, other.alpha)


@pytest.mark.parametrize("kind", KINDS)
def test_a_thing_is_the_same_at_any_size(kind):
    for seed in range(3):
        small, large = (things.make(seed, side, side * 3 // 2, kind=kind).alpha for side in (96, 192))
        reduced = large[0, ..., 0].reshape(96, 2, 144, 2).mean((1, 3))
        difference = cv2.GaussianBlur(reduced - small[0, ..., 0], (0, 0), 2)
        assert np.abs(difference).mean() < 0.05  # lines are of whole samples


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_begins_with_the_still_and_moves_little_by_little(kind):
    moved = 0.0
    for seed in range(4):
        still, clip = (things.make(seed, 48, 72, frames, kind).alpha for frames in (1, 4))
        assert np.array_equal(clip[0], still[0])
        blurred = np.stack(
            [cv2.GaussianBlur(each, (0, 0), 4) for each in clip]
        )  # thin lines leave their pixels at once
        steps = np.abs(np.diff(blurred, axis=0)).mean((1, 2))
        assert steps.max() < 0.05
        moved += steps.sum()
    assert moved > 0


def test_every_kind_is_drawn():
    assert {things.make(seed, 12, 16).kind for seed in range(90)} == set(KINDS)


@pytest.mark.parametrize("kind", sorted(DRAWN))
def test_edges_are_smooth(kind):
    levels = set()
    for seed in range(3):  # without motion blur and defocus, which would smooth anything
        picture = things.KINDS[kind][1](np.random.default_rng(seed))(frame())
        levels |= set(np.round(picture[..., 3] * 255).astype(int).ravel().tolist())
    assert len(levels) > 60 and {0, 255} <= levels


@pytest.mark.parametrize("kind", ["grass", "wires", "leaves", "fur", "lattice"])
def test_colour_is_straight_up_to_the_edge(kind, monkeypatch):
    one = np.float32([0.5, 0.25, 0.125])
    for module in (kinds, soft):
        monkeypatch.setattr(module, "colours", lambda random, count: np.repeat(one[None], count, 0))
    painter = next(
        painter
        for painter in (things.KINDS[kind][1](np.random.default_rng(seed)) for seed in range(20))
        if np.ptp(_hue(painter(frame()))) < 1e-3  # neither green by nature nor one of many colours
    )
    picture = painter(frame())
    edge = (picture[..., 3] > 0) & (picture[..., 3] < 1)
    straight = picture[edge][:, :3] / picture[edge][:, 3:]
    assert edge.sum() > 50 and np.ptp(straight / straight.max(1, keepdims=True), axis=0).max() < 1e-3


def _hue(picture):
    shown = picture[picture[..., 3] > 0.5]
    return shown[:, 1] / np.maximum(shown[:, 0], 1e-6)


def test_smoke_ends_before_its_own_space_does():
    for seed in range(8):
        picture = soft.smoke(np.random.default_rng(seed))(frame(96, 144, 0.4))
        y, x = np.mgrid[0:96, 0:144]
        beyond = np.maximum(np.abs(x + 0.5 - 72), np.abs(y + 0.5 - 48)) > 0.99 * 0.4 * 96
        assert picture[beyond, 3].max() == 0


def test_a_lattice_leaves_gaps():
    for seed in range(24):
        picture = soft.lattice(np.random.default_rng(seed))(frame(128, 128, 0.25))
        rows, columns = (np.flatnonzero(picture[..., 3].max(axis) > 0.5) for axis in (1, 0))
        inside = picture[rows[0] : rows[-1], columns[0] : columns[-1], 3]
        assert inside.mean() < 0.75


def test_a_drift_of_one_pixel_a_frame_moves_a_thing_by_one_pixel():
    painter = kinds.prop(np.random.default_rng(2))
    before, after = (painter(frame(64, 96, time=time, drift=1 / 64))[..., 3] for time in (0, 3))
    assert np.abs(after[:, 3:] - before[:, :-3]).max() < 0.02


def test_noise_has_a_mean_of_0_and_a_deviation_of_about_1():
    fields = np.stack([noise(np.random.default_rng(seed), 64, 4) for seed in range(40)])
    assert abs(fields.mean()) < 0.1 and 0.7 < fields.std() < 1.3


def test_surfaces_and_their_colours_are_light():
    for seed in range(24):
        random = np.random.default_rng(seed)
        palette, surface = colours(random, 4), texture(random, 48)
        assert palette.shape == (4, 3) and palette.min() > 0 and palette.max() <= 1.2
        assert surface.shape == (48, 48, 3) and surface.min() > 0 and np.isfinite(surface).all()


def test_a_ramp_runs_through_its_palette():
    palette = np.float32([[0, 0, 0], [1, 0, 0], [1, 1, 0]])
    assert np.allclose(ramp(np.float32([-1, 0, 0.25, 0.5, 1, 2]), palette)[:, :2].sum(1), [0, 0, 0.5, 1, 2, 2])


BALL = shapes.Body(lambda points: shapes.length(points) - np.float32(0.8), 0.85, True, ("plain",))
WHITE = surfaces.Stuff(lambda points: np.ones((points.shape[1], 3), np.float32))


def ball(at=(0, 0, 0)):
    return bodies.Placed(BALL, WHITE, np.eye(3, dtype=np.float32), 1.0, np.float32(at))


def test_rays_meet_a_body_at_its_surface_and_fill_its_outline():
    x, y = np.meshgrid(np.linspace(-1, 1, 40, dtype=np.float32), np.linspace(-1, 1, 40, dtype=np.float32))
    rays, points = bodies._met(ball(), np.eye(3, dtype=np.float32), x, y, 0.004)
    np.testing.assert_allclose(np.linalg.norm(points, axis=0), 0.8, atol=0.02)
    assert (points[2] > -0.05).all(), "the side that faces who looks"
    assert len(rays) == pytest.approx((np.hypot(x, y) < 0.8).sum(), rel=0.04)


def test_a_body_is_bright_where_the_lamp_is_and_dark_beyond_its_terminator_and_behind_others():
    lamp = bodies.Lamp(np.float32([1, 0, 0]), *np.float32([[1, 1, 1], [0.1, 0.1, 0.1], [0.1, 0.1, 0.1]]), 0.0)
    angle = np.linspace(-1.4, 1.4, 21, dtype=np.float32)
    points = 0.8 * np.stack([np.sin(angle), 0 * angle, np.cos(angle)])
    eye, bumps = np.eye(3, dtype=np.float32), surfaces.volume(np.random.default_rng(0))
    alone, hidden = (
        bodies._lit(ball(), points, points, eye, lamp, bumps, others, False)[:, 0] for others in ([], [ball((3, 0, 0))])
    )
    assert (np.diff(alone[10:]) > 0).all() and np.ptp(alone[:10]) < 0.01
    assert hidden[-1] < alone[-1] / 2


def test_a_lathe_turns_what_its_line_goes_around():
    table = shapes._table(np.asarray([(0, -0.5), (0.6, -0.5), (0.6, 0.5), (0, 0.5)]))
    across, up = np.float32([0.0, 0.3, 0.6, 0.9, 0.3, 2.0]), np.float32([0.0, 0.0, 0.0, 0.0, 0.7, 0.0])
    far = shapes._looked_up(table, across, up)
    np.testing.assert_allclose(far, [-0.5, -0.3, 0.0, 0.3, 0.2, 1.4], atol=0.03)


def test_no_body_reaches_out_of_the_ball_that_holds_it():
    for seed in range(60):
        body = shapes.draw_body(np.random.default_rng(seed))
        way = np.random.default_rng(seed).normal(0, 1, (3, 400))
        assert body.distance(np.float32(body.radius * way / np.linalg.norm(way, axis=0))).min() > -0.02
        assert set(body.stuff) <= set(surfaces.STUFF)


def test_what_is_near_is_larger_and_nearer_to_the_middle():
    covers = np.zeros(2)
    for seed in range(12):
        motion = Motion.draw(np.random.default_rng(seed), 1.5)
        assert abs(motion.nearer(1.5).at(0)[0] - 0.75) <= abs(motion.at(0)[0] - 0.75)
        for near in (False, True):
            covers[int(near)] += things.draw(np.random.default_rng(seed), 24, 36, 1, "solid", near).alpha.mean()
    assert covers[1] > covers[0]
