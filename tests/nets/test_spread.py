"""What the mattes of other frames say of a frame."""

import pytest
import torch

from nuke_matting.nets.resize import area
from nuke_matting.nets.spread import cell_matte, consensus, gather, joined, keyed, news, placed, votes_of, with_alpha

ROWS, COLUMNS = 6, 8


def looks(columns):
    """A frame of two looks, the second one in the given columns of cells, as image [1, 3, h, w] and stem features."""
    second = torch.zeros(1, 1, ROWS, COLUMNS)
    second[..., columns] = 1
    image = second.repeat_interleave(8, 2).repeat_interleave(8, 3)
    return image.expand(1, 3, -1, -1) * 0.8 + 0.1, torch.cat([second, 1 - second], dim=1)


def matte(columns):
    alpha = torch.zeros(1, 1, ROWS * 8, COLUMNS * 8)
    for column in columns:
        alpha[..., 8 * column : 8 * column + 8] = 1
    return alpha


def cells(alpha):
    return torch.nn.functional.avg_pool2d(alpha, 8)[0, 0]


def moved(alpha, own, others):
    """Of an alpha of the size of the frame that shows itself."""
    return consensus(alpha, own, said(own, others), alpha.shape[2] // 8, alpha.shape[3] // 8)


def said(own, others):
    return gather(own.cells, [each.cells for each in others], [votes_of(each) for each in others]) if others else None


@pytest.fixture
def key():
    """What a key frame shows whose subject has the second look."""
    return keyed(cell_matte(*looks([2, 3]), matte([])), cells(matte([2, 3]))[None, None], 10.0)


def test_a_known_matte_is_found_where_its_subject_has_moved_to(key):
    own = cell_matte(*looks([4, 5]), matte([]))
    found = cells(moved(matte([]), own, [key]))
    assert (found[:, 4:6] > 0.6).all() and (found[:, [0, 1, 7]] < 0.1).all() and (found[:, 2:4] < 0.4).all()


def test_a_frame_that_took_something_else_is_put_right(key):
    own = cell_matte(*looks([2, 3]), matte([6, 7]))
    found = cells(moved(matte([6, 7]), own, [key]))
    assert (found[:, 2:4] > 0.6).all() and (found[:, 7] < 0.3).all()


def test_of_frames_that_differ_the_decided_ones_are_followed():
    look = looks([2, 3])
    vague, sure = cell_matte(*look, torch.full((1, 1, ROWS * 8, COLUMNS * 8), 0.45)), cell_matte(*look, matte([2, 3]))
    assert torch.allclose(cells(moved(matte([2, 3]), sure, [vague, vague])), cells(matte([2, 3])), atol=0.1)
    found = cells(moved(torch.full((1, 1, ROWS * 8, COLUMNS * 8), 0.45), vague, [sure]))
    assert (found[:, 2:4] > 0.7).all() and (found[:, [0, 6, 7]] < 0.2).all()


def test_of_known_mattes_joined_each_cell_follows_the_one_that_shows_it(key):
    own = cell_matte(*looks([2, 3]), matte([]))
    empty = keyed(cell_matte(*looks([]), matte([])), cells(matte([]))[None, None], 10.0)
    apart, one = (cells(moved(matte([]), own, others)) for others in ([empty, key], [joined([empty, key])]))
    assert (one[:, 2:4] > 0.6).all() and (one[:, 2:4] > apart[:, 2:4]).all()


def test_what_another_frame_does_not_show_is_left_alone():
    own, before = cell_matte(*looks([2, 3]), matte([2, 3])), cell_matte(*looks([]), matte([]))
    assert (cells(moved(matte([2, 3]), own, [before, before]))[:, 2:4] > 0.8).all()


def test_frames_that_agree_change_nothing():
    own = cell_matte(*looks([2, 3]), matte([2, 3]))
    assert torch.allclose(moved(matte([2, 3]), own, [own, own]), matte([2, 3]), atol=0.01)


def test_small_differences_are_left_alone():
    own, other = (cell_matte(*looks([2, 3]), matte([2, 3]) * value) for value in (1.0, 0.95))
    assert (moved(matte([2, 3]), own, [other]) - matte([2, 3])).abs().max() < 0.01


@pytest.mark.parametrize("inside, outside", [(0.8, 0.2), (0.65, 0.35), (1.0, 0.6), (0.4, 0.0)])
def test_what_is_solid_stays_exactly_so_where_all_frames_together_are_on_its_side(inside, outside):
    """Even of others that are far less sure: a body must not become haze, nor what is around it."""
    alpha = matte([2, 3])
    own, other = (cell_matte(*looks([2, 3]), each) for each in (alpha, alpha * (inside - outside) + outside))
    assert (other.matte.flatten() - own.matte.flatten()).abs().max() > 0.19, "cells' differences are no small ones"
    found = moved(alpha, own, [other, other])
    for where in (slice(0, 12), slice(20, 28), slice(36, None)):  # half a cell from the edges, which all together blur
        assert torch.equal(found[..., where], alpha[..., where])
    assert (found - alpha).abs().max() < 0.1


def test_nothing_is_held_where_doubt_is_infinite():
    """As where key mattes vote: what the network is wrongly sure of must give way to them."""
    full = matte(range(COLUMNS))
    own = cell_matte(*looks([2, 3]), full)
    others = torch.cat([4 * 0.6 * torch.ones_like(own.matte), 4 * torch.ones_like(own.matte)], dim=1)
    held, moved_ = (consensus(full, own, others, ROWS, COLUMNS, doubt=each) for each in (0.1, float("inf")))
    assert (held == 1).all() and (moved_ < 0.9).all()


def test_an_all_but_solid_pixel_lies_beside_a_solid_one():
    """No step is drawn between a pixel that is held and one that just is not, whatever the others say."""
    full = matte(range(COLUMNS))
    own = cell_matte(*looks([2, 3]), full)
    for value in torch.linspace(0, 1, 21):
        others = torch.cat([4 * value * torch.ones_like(own.matte), 4 * torch.ones_like(own.matte)], dim=1)
        one, other = (consensus(full * each, own, others, ROWS, COLUMNS) for each in (1.0, 0.999))
        assert (one - other).abs().max() < 0.02


def test_frames_may_have_other_sizes(key):
    image, f8 = torch.rand(1, 3, 32, 80), torch.rand(1, 2, 4, 10)
    own = cell_matte(image, f8, torch.rand(1, 1, 32, 80))
    found = moved(torch.rand(1, 1, 32, 80), own, [key, own])
    assert found.shape == (1, 1, 32, 80) and found.min() >= 0 and found.max() <= 1


def test_an_alpha_that_heard_other_frames_goes_to_what_all_show():
    empty, full = matte([]), matte(range(COLUMNS))
    own, sure = (cell_matte(*looks([2, 3]), alpha) for alpha in (empty, full))
    assert (moved(full, own, [own]) < 0.06).all()
    assert (moved(full, own, [sure] * 20) > 0.95).all()


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0, 1e4])
def test_a_flat_picture_of_a_cell_gives_numbers(value):
    own = cell_matte(torch.full((1, 3, 8, 8), value), torch.full((1, 2, 1, 1), value), torch.full((1, 1, 8, 8), value))
    found = moved(torch.full((1, 1, 8, 8), value), own, [own])
    assert torch.isfinite(found).all() and found.min() >= 0 and found.max() <= 1


def test_where_most_are_sure_no_haze_is_left_of_the_one_that_is_not():
    subject = [1, 2, 3, 4, 5]
    own, sure = (cell_matte(*looks(subject), matte(columns)) for columns in ([], subject))
    found = cells(moved(matte([]), own, [sure] * 4))
    assert (found[:, 2:5] > 0.85).all() and (found[:, 7] < 0.05).all()


def test_an_alpha_may_be_larger_than_the_frame_that_shows_itself():
    own, other = (cell_matte(*looks([2, 3]), matte(columns)) for columns in ([], [2, 3]))
    larger = torch.nn.functional.interpolate(matte([]), scale_factor=1.5)
    found = consensus(larger, with_alpha(own.cells, larger, ROWS, COLUMNS), said(own, [other] * 2), ROWS, COLUMNS)
    assert found.shape == larger.shape
    assert (found[0, 0, :, 30:42] > 0.6).all() and (found[0, 0, :, 80:] < 0.1).all()


def test_alone_a_frame_stays_as_it_is():
    alpha = torch.rand(1, 1, ROWS * 8, COLUMNS * 8)
    assert torch.equal(moved(alpha, cell_matte(*looks([2, 3]), alpha), []), alpha)


def test_what_moves_a_cell_is_news_in_part_from_the_least_on_whatever_its_pixels_do():
    before = torch.zeros(1, 1, 16, 24)
    after = before.clone()
    after[..., :8, 8:16] = torch.rand(8, 8, generator=torch.Generator().manual_seed(0)) - 0.1  # clamped to [0, 1]
    moves = float(area(after.clamp(0, 1), 2, 3).max())
    assert 0.1 < moves < 0.5
    for least, more, share in ((moves + 0.01, 0.1, 0), (moves - 0.1, 0.2, 0.5), (moves - 0.1, 0.05, 1)):
        assert news(before, after, 2, 3, least, more).item() == pytest.approx(share, abs=1e-4)
    assert news(after, after, 2, 3, 0.1, 0.2).item() == 0


def test_places_in_another_cut_are_those_of_the_picture():
    cells = cell_matte(*looks([2]), matte([])).cells
    half = placed(cells, (ROWS, COLUMNS), (0.0, 0.0, 0.75, 1.0), (ROWS, COLUMNS // 2), (0.0, 0.5, 0.75, 0.5))
    own = cell_matte(*(each[..., : each.shape[3] // 2] for each in looks([2])), matte([])[..., : COLUMNS * 4]).cells
    there = own.reshape(1, -1, ROWS, COLUMNS // 2)[:, -2:]
    found = half.reshape(1, -1, ROWS, COLUMNS)[:, -2:]
    # the right half of the whole frame lies where the cut does, the left half before it
    assert torch.allclose(found[..., COLUMNS // 2 :], there, atol=1e-5)
    assert (found[:, 1, :, : COLUMNS // 2] < 0).all()
    same = placed(cells, (ROWS, COLUMNS), (0.0, 0.0, 0.75, 1.0), (ROWS, COLUMNS), (0.0, 0.0, 0.75, 1.0))
    assert torch.allclose(same, cells, atol=1e-5)
