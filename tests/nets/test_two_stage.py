"""The two-stage network as a whole."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nuke_matting.models.cost import counted
from nuke_matting.nets import regions as rg
from nuke_matting.nets.two_stage import STRIDE, TwoStage, coarse_size, stack


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    net = TwoStage().eval().requires_grad_(False)
    torch.nn.init.normal_(net.refiner.head.weight, std=0.1)
    return net


def run(net, image, regions, batch=1024, clean=None):
    features = net.encode(stack(image, clean))
    return refined(net, image, clean, net.coarse(features, [features.memory] * 2), regions, batch)


def refined(net, image, clean, coarse, regions, batch=1024):
    """Full-size alpha and foreground residual."""
    alpha, patches = net.refine(image, clean, coarse, regions, batch)
    return alpha, net.residual(coarse, regions, patches, *image.shape[-2:])


def test_the_coarse_answer_has_the_coarse_frames_size(net):
    features = net.encode(torch.rand(1, 9, 48, 80))
    coarse = net.coarse(features, [features.memory])
    assert coarse.alpha.shape == (1, 1, 48, 80)
    assert coarse.residual.shape == (1, 3, 48, 80)
    assert coarse.error.shape == (1, 1, 48, 80)
    assert coarse.hidden.shape[-2:] == (24, 40)


def test_the_number_of_regions_at_once_changes_no_more_than_the_last_bits(net):
    image = torch.rand(1, 3, 64, 96)
    regions = rg.choose(torch.rand(1, 1, 8, 12), 30, 0.0)
    assert torch.allclose(run(net, image, regions)[0], run(net, image, regions, batch=7)[0], atol=1e-5)


def test_only_regions_are_refined(net):
    image = torch.rand(1, 3, 64, 96)
    regions = torch.tensor([[0, 2, 3]])
    before, after = run(net, image, regions[:0])[0], run(net, image, regions)[0]
    changed = (before != after)[0, 0].nonzero()
    assert changed.amin(0).tolist() == [16, 24] and changed.amax(0).tolist() == [23, 31]


def test_a_coarse_alpha_far_beyond_its_range_leaves_its_neighbours_alone(net):
    features = net.encode(torch.rand(1, 9, 32, 32))
    coarse = net.coarse(features, [features.memory])
    alpha = torch.full_like(coarse.alpha, -5000.0)
    alpha[..., 16:] = 1.0
    image, none = torch.rand(1, 3, 64, 64), torch.zeros(0, 3, dtype=torch.long)
    far, near = (net.refine(image, None, coarse._replace(alpha=each), none)[0] for each in (alpha, alpha.clamp(0, 1)))
    assert torch.equal(far, near) and 0 <= far.min() < far.max() <= 1


def test_a_clean_plate_is_seen_by_both_stages(net):
    image, regions = torch.rand(1, 3, 64, 96), torch.tensor([[0, 2, 3]])
    without, given_one = run(net, image, regions)[0], run(net, image, regions, clean=torch.rand(1, 3, 64, 96))[0]
    assert not torch.equal(without, given_one)


def test_a_guide_comes_halfway_to_the_answer_where_it_alone_is_given(net):
    x = torch.rand(4, 9, 48, 80)
    x[:, 8] = torch.tensor([1.0, 1.0, 0.5, 0.0]).view(4, 1, 1)  # given; what another network found; none
    x[:, 6] = torch.tensor([0.0, 1.0, 0.0, 0.0]).view(4, 1, 1)  # a clean plate is
    features = net.encode(x)
    answer = net.coarse(features, [features.memory]).alpha.clamp(0, 1)
    found = net.closer(x)
    assert torch.allclose(found[:1, 7:8], (x[:1, 7:8] + answer[:1]) / 2, atol=1e-5)
    found[0, 7] = x[0, 7]
    assert torch.equal(found, x)


def test_absent_helpers_are_zeros_marked_absent():
    image = torch.rand(1, 3, 4, 4)
    bare = stack(image)
    assert bare.shape == (1, 9, 4, 4)
    assert torch.equal(bare[:, :3], image) and not bare[:, 3:].any()
    full = stack(image, image, image[:, :1])
    assert full[:, 6].all() and full[:, 8].all()


@given(st.integers(1, 9000), st.integers(1, 9000))
def test_the_coarse_size_fits_the_network_for_every_frame(height, width):
    h, w = coarse_size(height, width, 512)
    assert h % STRIDE == w % STRIDE == 0 and 16 <= h <= 1024 and 16 <= w <= 1024
    assert h * w <= 1.1 * 512 * 288 or min(h, w) == 16


def test_coarse_frames_of_every_aspect_have_as_many_pixels():
    assert coarse_size(1080, 1920, 512) == (288, 512)
    for height, width in ((1000, 1000), (1920, 1080), (1716, 4096)):
        h, w = coarse_size(height, width, 512)
        assert h * w == pytest.approx(512 * 288, rel=0.06) and h / w == pytest.approx(height / width, rel=0.06)


@settings(max_examples=10)
@given(st.integers(1, 70), st.integers(1, 70))
def test_any_frame_size_works(height, width):
    net = TwoStage().eval().requires_grad_(False)
    size = coarse_size(height, width, 64)
    features = net.encode(torch.rand(1, 9, *size))
    coarse = net.coarse(features, [features.memory])
    regions = rg.choose(torch.rand(1, 1, *rg.grid_size(height, width)), 5, 0.0)
    alpha, residual = refined(net, torch.rand(1, 3, height, width), None, coarse, regions)
    assert alpha.shape == (1, 1, height, width) and residual.shape == (1, 3, height, width)


def test_the_default_network_stays_under_its_budget_of_work():
    """Under 10 GMACs at 1920x1080 with the default budget of regions, and under 4 M parameters."""
    net = TwoStage().eval().requires_grad_(False)
    assert sum(each.numel() for each in net.parameters()) < 4e6
    image = torch.rand(1, 3, 1080, 1920)
    regions = rg.choose(torch.rand(1, 1, 135, 240), 4 * (135 + 240), 0.0)

    def frame():
        features = net.encode(torch.rand(1, 9, 288, 512))
        net.refine(image, None, net.coarse(features, [features.memory] * 2), regions)

    assert counted(frame) < 10
