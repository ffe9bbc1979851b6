"""Where cut-outs lie: heads in the frame, and the edges at which a picture ends out of it."""

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nuke_matting.training.framing import Path2D, cut_sides, draw_height, draw_place, hide_cuts, move
from nuke_matting.training.values import Sides


def figure(left=0, right=0, top=0, bottom=0):
    """The alpha of an ellipse in its box [320, 240], less so many pixels at each side."""
    alpha = np.zeros((320, 240), np.uint8)
    cv2.ellipse(alpha, (120, 160), (119, 159), 0, 0, 360, 255, -1, cv2.LINE_AA)
    return alpha[top : 320 - bottom, left : 240 - right]


def path(*, angle=0.0, scale=1.0, x=0.5, y=0.5, frames=1):
    return Path2D(*(np.full(frames, each, np.float32) for each in (angle, scale, x, y)))


CROPPED = Sides(True, True, True, True)


@pytest.mark.parametrize("ends", [Sides(), CROPPED])
def test_a_whole_figure_is_cut_at_no_side(ends):
    assert cut_sides([figure()], ends) == Sides()


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_a_figure_is_cut_where_its_picture_ends(side):
    for ends in (CROPPED, Sides(**{side: True})):
        assert cut_sides([figure(**{side: 40})], ends) == Sides(**{side: True})


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_a_hand_that_a_photograph_cuts_is_cut_and_a_hand_that_ends_within_it_is_not(side):
    alpha = np.zeros((100, 100), np.uint8)
    alpha[48:53] = alpha[:, 48:53] = 255
    assert cut_sides([alpha], Sides(**{side: True})) == Sides(**{side: True})
    assert cut_sides([alpha], Sides()) == Sides()


def test_shoulders_that_a_headshot_cuts_are_cut_where_hair_touches_its_upper_side():
    headshot = np.zeros((320, 240), np.uint8)
    cv2.ellipse(headshot, (120, 120), (70, 119), 0, 0, 360, 255, -1, cv2.LINE_AA)
    cv2.rectangle(headshot, (0, 280), (239, 319), 255, -1)
    assert cut_sides([headshot], CROPPED) == Sides(left=True, right=True, bottom=True)


def test_a_side_that_cuts_in_one_frame_of_a_clip_counts():
    assert cut_sides([figure(), figure(right=40)], CROPPED) == Sides(right=True)


def test_feet_do_not_make_a_lower_side_a_cut():
    alpha = np.zeros((80, 60), np.uint8)
    alpha[-1, 20:26] = alpha[-1, 34:40] = 255
    assert not cut_sides([alpha], CROPPED).bottom


@given(
    sides=st.lists(st.booleans(), min_size=4, max_size=4),
    size=st.tuples(st.integers(20, 90), st.integers(20, 90)),
    angle=st.floats(-0.3, 0.3),
    scale=st.floats(0.05, 3),
    x=st.floats(-0.5, 1.5),
    y=st.floats(-0.5, 1.5),
)
@example(sides=[True, False, True, True], size=(59, 20), angle=0.0, scale=0.5, x=-0.09375, y=0.0)
@settings(max_examples=200, deadline=None)
def test_cut_sides_are_out_of_every_frame(sides, size, angle, scale, x, y):
    cut, frame = Sides(*sides), (60, 100)
    drift = np.linspace(0.9, 1.1, 3, dtype=np.float32)
    moving = hide_cuts(Path2D(angle * drift, scale * drift, x * drift, y * drift), size, cut, frame)
    shown = move(np.ones((1, *size, 1), np.float32), moving, *frame, cv2.BORDER_CONSTANT)
    reach = 1 + int(np.ceil(moving.scale.max()))  # pixels over which a side fades
    lines = ((2, 0, reach), (2, -1, -1 - reach), (1, 0, reach), (1, -1, -1 - reach))
    opposite = (sides[1], sides[0], sides[3], sides[2])
    for cuts, other_cuts, (axis, side, further) in zip(sides, opposite, lines, strict=True):
        if not cuts:
            continue
        # where the frame's own side shows the layer, it does so in full, but for the ends of sides that turn
        along = shown.take(side, axis)
        partly = (along > 0.02) & (along < 0.7)
        if not other_cuts:  # the layer's other side, which is no cut, may end just there, and nothing follows it
            partly &= shown.take(further, axis) > 0.02
        assert partly.mean() < 0.1


def test_what_is_cut_nowhere_stays_where_it_was():
    before = path(angle=0.1, scale=0.7, x=0.1, y=1.2, frames=3)
    after = hide_cuts(before, (64, 48), Sides(), (60, 100))
    assert all(
        np.array_equal(one, other) for one, other in zip(vars(before).values(), vars(after).values(), strict=True)
    )


def test_most_who_are_taller_than_the_frame_show_their_head():
    random, shown = np.random.default_rng(0), []
    for _ in range(400):
        scale, _, y = draw_place(random, 2.0, (100, 60), Sides(bottom=True), (50, 90))
        shown.append(-0.1 < y - scale * 100 / 50 / 2 < 0.25)
    assert 0.8 < np.mean(shown) < 0.95


def test_a_bust_that_fills_its_picture_keeps_its_head_when_its_sides_are_hidden():
    random, cut, size, frame, shown = (
        np.random.default_rng(0),
        Sides(True, True, bottom=True),
        (400, 300),
        (288, 512),
        [],
    )
    for _ in range(200):
        scale, x, y = draw_place(random, draw_height(random), size, cut, frame)
        kept = hide_cuts(path(scale=scale, x=x, y=y), size, cut, frame)
        shown.append(kept.y[0] - kept.scale[0] * size[0] / frame[0] / 2 > -0.1)
    assert np.mean(shown) > 0.8


def test_those_who_fit_stand_low_and_those_cut_below_on_the_frames_edge():
    random = np.random.default_rng(0)
    for cut, least in ((Sides(), 0.5), (Sides(bottom=True), 1.0)):
        for _ in range(50):
            scale, _, y = draw_place(random, 0.5, (100, 60), cut, (50, 90))
            assert y + scale * 100 / 50 / 2 >= least


def test_those_who_fit_are_no_wider_than_the_frame_allows_and_of_the_height_asked_for():
    scale, _, _ = draw_place(np.random.default_rng(0), 0.5, (100, 60), Sides(), (50, 90))
    assert scale * 100 / 50 == pytest.approx(0.5)
    scale, _, _ = draw_place(np.random.default_rng(0), 0.5, (100, 2000), Sides(), (50, 90))
    assert scale * 2000 / 90 == pytest.approx(1.5)


def test_heights_range_from_a_fifth_of_the_frame_to_more_than_twice_it():
    random = np.random.default_rng(0)
    drawn = np.asarray([draw_height(random) for _ in range(2000)])
    assert drawn.min() < 0.25 and drawn.max() > 2.2 and 0.3 < (drawn < 0.75).mean() < 0.4
