"""Losses of the regional network, against values worked out by hand."""

import math

import pytest
import torch

from nuke_matting.training import regional_losses as losses

BACKGROUND, UNKNOWN, FOREGROUND = (
    torch.tensor(each).view(1, 3, 1, 1) for each in ([1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0])
)


def halves(left, right, side=8):
    """[1, C, side, 2 * side]: one value on the left, another on the right."""
    return torch.cat([torch.as_tensor(each).float().expand(1, -1, side, side) for each in (left, right)], dim=3)


def test_the_trimap_is_unknown_around_the_edge_and_sure_elsewhere():
    alpha = torch.zeros(1, 1, 1, 20)
    alpha[..., 10:] = 1
    classes = losses.true_trimap(alpha).argmax(1)[0, 0].tolist()
    # 3 pixels from the first solid one are still unknown, and 3 from the last empty one
    assert classes == [0] * 7 + [1] * 6 + [2] * 7


def test_soft_pixels_are_unknown_and_the_frames_edge_is_none():
    alpha = torch.full((1, 1, 9, 9), 0.5)
    assert losses.true_trimap(alpha)[:, 1].all()
    assert losses.true_trimap(torch.ones_like(alpha))[:, 2].all()
    assert losses.true_trimap(torch.zeros_like(alpha))[:, 0].all()


def test_the_segmentation_is_compared_with_each_cells_mean_at_every_level():
    alpha = halves([[[0.0]]], [[[1.0]]])
    fine = torch.tensor([[[[-2.0, 2.0]]]])  # right, both: log(1 + e^-2) each
    unsure = torch.zeros(1, 1, 1, 1)  # log 2 each
    expected = math.log1p(math.exp(-2)) + 2 * math.log(2)
    assert losses.segmentation([unsure, unsure, fine], alpha).item() == pytest.approx(expected, rel=1e-6)


def test_a_surely_right_trimap_costs_nothing():
    trimap = halves(BACKGROUND, UNKNOWN)
    sure = torch.stack([BACKGROUND[0, :, 0, 0], UNKNOWN[0, :, 0, 0]], dim=1).view(1, 3, 1, 2) * 60
    assert losses.trimap_focal([sure], trimap).item() == pytest.approx(0, abs=1e-9)


def test_the_trimaps_loss_is_focal_and_weighs_rare_classes_more():
    """Three cells of background, one unknown; no opinion, so p = 1/3 and each term is (2/3)^2 log 3."""
    trimap = torch.cat([BACKGROUND.expand(1, 3, 8, 24), UNKNOWN.expand(1, 3, 8, 8)], dim=3)
    weights = [3**-0.5, 1.0]  # a class that is not there has none
    expected = (4 / 9) * math.log(3) * (3 * weights[0] + weights[1]) / sum(weights) / 4
    assert losses.trimap_focal([torch.zeros(1, 3, 1, 4)], trimap).item() == pytest.approx(expected, rel=1e-6)


def test_a_cell_of_two_classes_wants_its_shares():
    trimap = torch.cat([BACKGROUND.expand(1, 3, 8, 2), UNKNOWN.expand(1, 3, 8, 6)], dim=3)
    # shares 1/4 and 3/4; both counts are below one, so the weights are a half each; p = 1/3
    assert losses.trimap_focal([torch.zeros(1, 3, 1, 1)], trimap).item() == pytest.approx((4 / 9) * math.log(3) / 2)


def test_a_batch_without_a_person_weighs_as_much_as_any():
    nobody = losses.trimap_focal([torch.zeros(1, 3, 8, 8)], BACKGROUND.expand(1, 3, 64, 64))
    assert nobody.item() == pytest.approx((4 / 9) * math.log(3))


@pytest.mark.parametrize("height, width", [(1, 1), (20, 37), (64, 64)])
def test_levels_of_any_frame_fit(height, width):
    sizes = [(-(-height // cell), -(-width // cell)) for cell in (32, 16, 8)]
    alpha = torch.rand(2, 1, height, width)
    assert losses.segmentation([torch.randn(2, 1, *size) for size in sizes], alpha).isfinite()
    trimap = losses.true_trimap(alpha)
    assert losses.trimap_focal([torch.randn(2, 3, *size) for size in sizes], trimap).isfinite()


def test_the_rarer_of_known_and_unknown_pixels_count_more():
    trimap = torch.cat([BACKGROUND.expand(1, 3, 1, 3), UNKNOWN.expand(1, 3, 1, 1)], dim=3)
    # u = 1, k = 3: w = 1 / (1 + 1/9) = 0.9
    assert losses.band_weights(trimap).flatten().tolist() == pytest.approx([0.1, 0.1, 0.1, 0.9])


def test_the_alphas_loss_is_a_weighted_mean():
    predicted, true = torch.tensor([1.0, 0.5, 0.0]).view(1, 1, 1, 3), torch.zeros(1, 1, 1, 3)
    weights = torch.tensor([0.25, 0.5, 0.25]).view(1, 1, 1, 3)
    assert losses.alpha(predicted, true, weights).item() == pytest.approx(0.5, abs=1e-5)


def test_a_constant_difference_is_all_in_the_pyramids_rest():
    true, weights = torch.rand(1, 1, 32, 32), torch.rand(1, 1, 32, 32)
    assert losses.laplacian(true + 0.25, true, weights).item() == pytest.approx(0.25, abs=1e-4)


def test_the_pyramid_looks_where_the_weights_are():
    true, spot = torch.zeros(1, 1, 32, 32), torch.zeros(1, 1, 32, 32)
    spot[..., 4, 4] = 1
    there, elsewhere = torch.full_like(true, 0.01), torch.full_like(true, 0.01)
    there[..., :8, :8], elsewhere[..., 24:, 24:] = 1, 1
    assert losses.laplacian(spot, true, there) > 5 * losses.laplacian(spot, true, elsewhere)


def test_composition_puts_the_layers_together_again():
    foreground, background = torch.full((1, 3, 1, 2), 1.0), torch.full((1, 3, 1, 2), 0.2)
    image = torch.tensor([1.0, 0.2]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    alpha = torch.tensor([1.0, 0.5]).view(1, 1, 1, 2)  # off by 0, and by 0.5 * 0.8
    assert losses.composition(alpha, image, foreground, background, torch.ones(1, 1, 1, 2)).item() == pytest.approx(
        0.2, abs=1e-5
    )
