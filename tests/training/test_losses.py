"""Losses, against values worked out by hand."""

import math

import pytest
import torch

from nuke_matting.training import losses


def image(*values):
    side = math.isqrt(len(values))
    return torch.tensor(values, dtype=torch.float32).view(1, 1, side, side)


def test_l1_is_the_mean_difference():
    assert losses.l1(image(0, 1, 0.5, 1), image(0, 0, 1, 1)).item() == pytest.approx(1.5 / 4)


def test_the_pyramid_of_equal_mattes_is_zero_and_of_a_constant_difference_too():
    alpha = torch.rand(2, 1, 32, 32)
    assert losses.laplacian(alpha, alpha).item() == 0
    assert losses.laplacian(alpha + 0.25, alpha).item() == pytest.approx(0, abs=1e-6)


def test_the_pyramid_of_the_finest_pattern_is_its_first_level():
    """The blur, 1 4 6 4 1, has nothing of a checkerboard's alternation: 1 - 4 + 6 - 4 + 1 = 0. Level 1 of 5 is it."""
    checks = (torch.arange(32)[:, None] + torch.arange(32)) % 2 * 2.0 - 1
    assert losses.laplacian(checks[None, None], torch.zeros(1, 1, 32, 32)).item() == pytest.approx(1 / 5)


def test_a_level_of_the_pyramid_counts_twice_the_one_before():
    stripes = ((torch.arange(64) // 2) % 2 * 2.0 - 1).expand(1, 1, 64, 64)
    first, second, *_ = losses.pyramid(stripes)
    whole = losses.laplacian(stripes, torch.zeros_like(stripes), levels=2)
    assert whole.item() == pytest.approx((first.abs().mean() + 2 * second.abs().mean()).item() / 2)


def test_the_pyramid_of_a_tiny_matte_has_no_levels():
    assert losses.laplacian(image(1, 0, 0, 1), image(0, 0, 0, 0)).item() == 0


def test_the_pyramid_sees_a_wrong_pixel_more_than_a_wrong_haze():
    true = torch.zeros(1, 1, 32, 32)
    spot = true.clone()
    spot[..., 16, 16] = 1
    assert losses.laplacian(spot, true) > 10 * losses.laplacian(true + 1 / 1024, true)


def test_the_gradients_of_equal_mattes_are_equal_and_of_a_constant_difference_too():
    alpha = torch.rand(2, 1, 8, 8)
    assert losses.gradient(alpha, alpha).item() == 0
    assert losses.gradient(alpha + 0.25, alpha).item() == pytest.approx(0, abs=1e-6)


def test_a_step_has_its_gradient_on_both_sides_of_it():
    """A Sobel filter over 8 sees half of a step of 1 from either side, and none from further away, across it alone."""
    step = torch.zeros(1, 1, 4, 8)
    step[..., 4:] = 1
    assert losses.gradient(step, torch.zeros_like(step)).item() == pytest.approx(2 * 0.5 / 8)
    assert losses.gradient(step.mT, torch.zeros_like(step.mT)).item() == pytest.approx(2 * 0.5 / 8)


def test_an_alpha_is_about_right_where_those_around_are():
    """Half a frame of 18 columns off by 1: nine columns around have none, four or all of it within them."""
    true, predicted = torch.zeros(1, 1, 9, 18), torch.zeros(1, 1, 9, 18)
    predicted[..., 9:] = 1
    right = losses.about_right(predicted, true)
    assert right[..., :5].min() == 1
    assert right[0, 0, 4, 5].item() == pytest.approx(1.5 - 5 / 9)  # one column of nine
    assert right[..., 7:].max() == 0


@pytest.mark.parametrize(("off", "right"), [(0.1, 1.0), (0.2, 0.5), (0.3, 0.0)])
def test_an_alpha_that_is_off_alike_everywhere_is_about_right_by_how_little(off, right):
    found = losses.about_right(torch.full((1, 1, 6, 7), 0.5 + off), torch.full((1, 1, 6, 7), 0.5))
    torch.testing.assert_close(found, torch.full((1, 1, 6, 7), right), atol=1e-5, rtol=0)


def test_the_error_map_says_by_how_much_the_alpha_is_off():
    predicted, true = image(1, 0.5, 0, 0).requires_grad_(), image(0, 0, 0, 0)
    said = image(1, 0, 0, 0.5).requires_grad_()
    loss = losses.error_size(said, predicted, true)  # off by 0, 0.5, 0, 0.5
    assert loss.item() == pytest.approx(2 * 0.25 / 4)
    loss.backward()
    assert predicted.grad is None  # it judges the alpha, and does not change it
    assert said.grad.flatten().tolist() == [0, -0.25, 0, 0.25]


def test_composition_compares_premultiplied_foregrounds():
    colour, true = torch.full((1, 3, 2, 2), 0.5), torch.full((1, 3, 2, 2), 1.0)
    alpha, true_alpha = image(1, 1, 0, 0), image(1, 0, 0, 0)
    # per pixel |a F - a' F'|: |.5 - 1|, |.5 - 0|, 0, 0
    assert losses.composition(alpha, colour, true_alpha, true).item() == pytest.approx(1.0 / 4)


def test_the_foreground_counts_where_there_is_one():
    predicted, true = torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)
    assert losses.foreground(predicted, true, image(0.1, 0, 0, 0)).item() == pytest.approx(1.0)
    assert losses.foreground(predicted, true, image(0, 0, 0, 0)).item() == 0


def test_the_temporal_loss_compares_steps_and_not_values():
    still = torch.zeros(1, 3, 1, 2, 2)
    moving = still.clone()
    moving[:, 1] = 0.5  # up by a half, and down again
    assert losses.temporal(still + 0.3, still).item() == pytest.approx(0)
    assert losses.temporal(moving, still).item() == pytest.approx(0.25)


def test_the_error_map_is_to_be_sure_where_the_alpha_is_off_by_a_quarter():
    logit = torch.full((1, 1, 2, 2), 20.0)
    assert losses.error(logit, image(0.25, 0.5, 1, 0.3), image(0, 0, 0, 0)).item() == pytest.approx(0, abs=1e-6)
    assert losses.error(logit, image(0, 0, 0, 0), image(0, 0, 0, 0)).item() == pytest.approx(20.0)


def test_a_clamp_that_lets_gradients_through_can_come_back():
    x = torch.tensor([-0.5, 0.5, 1.5], requires_grad=True)
    clamped = losses.clamp_through(x)
    assert clamped.tolist() == [0, 0.5, 1]
    (clamped - torch.tensor([1.0, 0.5, 1.0])).abs().sum().backward()
    assert x.grad.tolist() == [-1, 0, 0]


def test_a_clamp_that_lets_gradients_through_drives_nothing_further_out():
    x = torch.tensor([-0.5, 0.5, 1.5], requires_grad=True)
    (losses.clamp_through(x) * torch.tensor([1.0, 1.0, -1.0])).sum().backward()
    assert x.grad.tolist() == [0, 1, 0]


def test_a_clamp_may_leave_a_margin():
    assert losses.clamp_through(torch.tensor([-0.5, -0.05, 1.05, 1.5]), 0.1).tolist() == pytest.approx(
        [-0.1, -0.05, 1.05, 1.1]
    )


def test_more_is_asked_of_what_is_surely_in_or_out():
    asked = losses.decided(torch.tensor([0.0, 0.25, 1.0]))
    assert asked.tolist() == pytest.approx([-losses.MARGIN, 0.25, 1 + losses.MARGIN])


def test_an_alpha_is_off_by_what_it_lacks_of_what_is_asked():
    off = losses.undecided(torch.tensor([1.0, 1.5, 0.5, -0.3]), torch.tensor([1.0, 1.0, 0.25, 0.0]))
    assert off.tolist() == pytest.approx([0.1, 0, 0.25, 0])
