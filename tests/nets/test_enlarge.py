"""What enlarging along the image's edges keeps, and what it brings back."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nuke_matting.nets.enlarge import _solve, enlarge
from nuke_matting.nets.resize import area, bilinear

SIDES = st.integers(1, 40)


def disc(side, radius=0.3):
    """A picture of a disc before something else, and its true alpha."""
    y, x = torch.meshgrid(*[torch.linspace(-0.5, 0.5, side)] * 2, indexing="ij")
    alpha = ((radius - (x * x + y * y).sqrt()) * side + 0.5).clamp(0, 1)[None, None]
    inside, outside = torch.tensor([0.8, 0.5, 0.3]).view(1, 3, 1, 1), torch.tensor([0.1, 0.3, 0.5]).view(1, 3, 1, 1)
    return alpha * inside + (1 - alpha) * outside, alpha


def test_edges_that_the_image_shows_come_back():
    image, alpha = disc(120)
    small = area(alpha, 30, 30)
    smooth, sharp = bilinear(small, 120, 120), enlarge(small, image)
    assert (sharp - alpha).abs().mean() < 0.3 * (smooth - alpha).abs().mean()


def test_an_edge_beside_the_images_own_is_drawn_to_it():
    image, alpha = disc(120)
    off = area(torch.roll(alpha, 2, dims=3), 30, 30)  # half a pixel of the small frame
    smooth, sharp = bilinear(off, 120, 120), enlarge(off, image)
    assert (sharp - alpha).abs().mean() < 0.8 * (smooth - alpha).abs().mean()


@settings(max_examples=40, deadline=None)
@given(SIDES, SIDES, SIDES, SIDES, st.sampled_from([0.0, 1.0]), st.integers(0, 1000))
def test_where_all_is_solid_it_stays_so_whatever_the_image(h, w, height, width, value, seed):
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))
    made = enlarge(torch.full((1, 1, h, w), value), image)
    torch.testing.assert_close(made, torch.full((1, 1, height, width), value), atol=3e-7 * value, rtol=0)


@settings(max_examples=40, deadline=None)
@given(SIDES, SIDES, st.integers(0, 1000))
def test_values_stay_in_their_range(height, width, seed):
    random = torch.Generator().manual_seed(seed)
    image = torch.rand(1, 3, height, width, generator=random) * 1.5
    made = enlarge(torch.rand(1, 1, 5, 6, generator=random), image)
    assert made.shape == (1, 1, height, width) and made.min() >= 0 and made.max() <= 1


def test_a_plain_image_adds_nothing_and_takes_nothing_away():
    alpha = torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    made = enlarge(alpha, torch.full((1, 3, 48, 48), 0.4))
    torch.testing.assert_close(made, bilinear(alpha, 48, 48), atol=1e-3, rtol=0)


@settings(max_examples=30, deadline=None)
@given(st.integers(17, 70), st.integers(17, 70), st.integers(0, 1000))
def test_no_cell_with_an_edge_is_left_out(height, width, seed):
    random = torch.Generator().manual_seed(seed)
    image = torch.rand(1, 3, height, width, generator=random)
    alpha = (bilinear(torch.rand(1, 1, 3, 3, generator=random), 16, 16) * 6 - 2.5).clamp(0, 1)
    torch.testing.assert_close(enlarge(alpha, image), enlarge(alpha, image, faint=-1.0), atol=4e-3, rtol=0)


@pytest.mark.parametrize("side", [12, 48])
def test_half_precision_is_made_of_full(side):
    image, alpha = disc(side)
    small = area(alpha, 16, 16).bfloat16()
    made = enlarge(small, image)
    assert made.dtype == torch.float32
    torch.testing.assert_close(made, enlarge(small.float(), image))


def test_a_frame_no_larger_than_the_small_one_is_not_filtered():
    alpha, image = torch.rand(2, 1, 16, 16), torch.rand(2, 3, 16, 16)
    assert torch.equal(enlarge(alpha, image), alpha)


def test_the_small_image_may_be_given():
    image, alpha = disc(120)
    small = area(alpha, 30, 30)
    assert torch.equal(enlarge(small, image, area(image, 30, 30)), enlarge(small, image))
    assert not torch.equal(enlarge(small, image, area(image.flip(3) * 0.5, 30, 30)), enlarge(small, image))


def test_frames_of_a_batch_do_not_mix():
    first, second = disc(64, 0.3), disc(64, 0.2)
    small = torch.cat([area(each[1], 16, 16) for each in (first, second)])
    both = enlarge(small, torch.cat([first[0], second[0]]))
    torch.testing.assert_close(both[1:], enlarge(small[1:], second[0]))


@given(st.integers(0, 10_000), st.booleans())
def test_the_three_equations_are_solved_for_grey_pictures_too(seed, grey):
    random = torch.Generator().manual_seed(seed)
    pixels = torch.rand(50, 3, generator=random)
    if grey:
        pixels = pixels[:, :1].expand(50, 3)
    pixels = pixels - pixels.mean(0)
    v, c = pixels.T @ pixels / 50, torch.rand(3, generator=random) - 0.5
    packed = torch.stack([v[0, 0], v[0, 1], v[0, 2], v[1, 1], v[1, 2], v[2, 2]]).view(1, 6, 1, 1)
    x = _solve(packed, c.view(1, 3, 1, 1), 3e-4).flatten()
    exact = torch.linalg.solve(v.double() + 3e-4 * torch.eye(3).double(), c.double()).float()
    torch.testing.assert_close(x, exact, rtol=2e-3, atol=1e-2)
