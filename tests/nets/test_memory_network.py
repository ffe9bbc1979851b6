"""The memory network as a whole: the paper's size and work, its memory, its way to full size."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from nuke_matting.nets.guided_filter import DeepGuidedFilter
from nuke_matting.nets.memory_network import MemoryNetwork
from nuke_matting.nets.mobilenetv3 import CHANNELS, MobileNetV3


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    net = MemoryNetwork().eval().requires_grad_(False)
    for each in net.modules():
        if isinstance(each, torch.nn.Conv2d):  # else next to nothing comes through so many layers
            torch.nn.init.kaiming_normal_(each.weight)
    return net


def run(net, image, small, memory):
    frame, *others = (net.encode(each) for each in (small, *memory))
    return net.enlarge(image, frame, net.decode(frame, net.read(frame, [each.memory for each in others])))


def test_it_has_the_papers_parameters():
    with torch.device("meta"):
        count = sum(each.numel() for each in MemoryNetwork().parameters())
    assert count == pytest.approx(3.89e6, rel=0.02)


def test_it_does_the_papers_work_at_512x512():
    """One new frame, whose two memory frames are known."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        net = MemoryNetwork().eval()
        frame = net.encode(torch.empty(1, 3, 512, 512))
        net.decode(frame, net.read(frame, [frame.memory] * 2))
    assert counter.get_total_flops() / 2 == pytest.approx(9.69e9, rel=0.02)


def test_the_encoder_is_mobilenetv3_large_up_to_its_last_convolution():
    """Its published parts without the classifier have 2,971,952 parameters."""
    with torch.device("meta"):
        assert sum(each.numel() for each in MobileNetV3().parameters()) == 2_971_952


def test_the_encoders_features_are_at_four_scales():
    with torch.device("meta"):
        features = MobileNetV3().eval()(torch.empty(2, 3, 64, 96))
    assert [tuple(each.shape) for each in features] == [
        (2, c, 64 // scale, 96 // scale) for c, scale in zip(CHANNELS, (2, 4, 8, 16), strict=True)
    ]


def test_the_encoders_last_stage_sees_further_by_dilation():
    """Of 5x5 taps two pixels apart; a stride in its place would have halved the map."""
    last = MobileNetV3().blocks[-1].body[1][0]
    assert last.dilation == (2, 2) and last.stride == (1, 1) and last.padding == (4, 4)


def test_keys_have_an_eighth_of_the_channels_and_values_half(net):
    memory = net.encode(torch.rand(1, 3, 32, 48)).memory
    assert memory.key.shape == (1, 24, 2, 3) and memory.value.shape == (1, 96, 2, 3)


def test_the_answer_depends_on_the_memory(net):
    frame, *others = torch.rand(4, 1, 3, 32, 32)
    one, other = run(net, frame, frame, [others[0], others[1]]), run(net, frame, frame, [others[0], others[2]])
    assert all((a - b).abs().max() > 1e-4 for a, b in zip(one, other, strict=True))


def test_at_the_small_frames_size_there_is_nothing_to_enlarge(net):
    image = torch.rand(1, 3, 32, 32)
    frame = net.encode(image)
    small = net.decode(frame, net.read(frame, [frame.memory]))
    alpha, residual = net.enlarge(image, frame, small)
    assert torch.equal(alpha, small.alpha) and torch.equal(residual, small.residual)


@settings(max_examples=20)
@given(st.integers(1, 70), st.integers(1, 70))
def test_any_frame_size_works(net, height, width):
    alpha, residual = run(net, torch.rand(1, 3, height, width), torch.rand(1, 3, 16, 32), [torch.rand(1, 3, 16, 32)])
    assert alpha.shape == (1, 1, height, width) and residual.shape == (1, 3, height, width)
    assert alpha.isfinite().all() and residual.isfinite().all()


def test_no_head_of_the_training_is_in_the_network(net):
    parts = {name for name, _ in net.named_children()}
    assert parts == {"backbone", "aspp", "memory", "decoder", "project", "guided_filter"}


def test_training_reaches_every_parameter():
    """But for the guided filter's own network: at the small size it does not take part."""
    net = MemoryNetwork().train()
    alpha, residual = run(net, *[torch.rand(2, 3, 32, 32)] * 2, [torch.rand(2, 3, 32, 32)] * 2)
    (alpha.sum() + residual.square().sum()).backward()
    idle = {name for name, each in net.named_parameters() if each.grad is None}
    assert idle and all(name.startswith("guided_filter.") for name in idle)


def test_a_flat_matte_stays_flat_through_the_guided_filter():
    """No covariance and no slope of their own: the line through the local means."""
    torch.manual_seed(0)
    filter_ = DeepGuidedFilter(4).eval()
    torch.nn.init.zeros_(filter_.slope[-1].weight), torch.nn.init.zeros_(filter_.slope[-1].bias)
    alpha, residual = filter_(
        torch.rand(1, 3, 50, 70),
        torch.rand(1, 3, 16, 16),
        torch.full((1, 1, 16, 16), 0.25),
        torch.full((1, 3, 16, 16), -0.5),
        torch.rand(1, 4, 16, 16),
    )
    assert torch.allclose(alpha, torch.tensor(0.25)) and torch.allclose(residual, torch.tensor(-0.5))


def test_with_a_slope_of_one_the_guided_filter_brings_the_full_size_frames_detail():
    """alpha = mean + (grey - local mean of grey), on a small frame without detail."""
    filter_ = DeepGuidedFilter(4).eval()
    torch.nn.init.zeros_(filter_.slope[-1].weight), torch.nn.init.ones_(filter_.slope[-1].bias)
    image = torch.rand(1, 3, 40, 40)
    alpha, _ = filter_(
        image,
        torch.full((1, 3, 16, 16), 0.5),
        torch.full((1, 1, 16, 16), 0.3),
        torch.zeros(1, 3, 16, 16),
        torch.zeros(1, 4, 16, 16),
    )
    assert torch.allclose(alpha, 0.3 + image.mean(1, keepdim=True) - 0.5, atol=1e-6)
