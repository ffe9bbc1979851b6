"""The memory network's heads for training."""

import pytest
import torch

from nuke_matting.nets.memory_network import MemoryNetwork
from nuke_matting.training.memory_heads import MemoryHeads, direct_supervision


def test_the_direct_supervision_compares_with_the_true_ones_averaged():
    alpha = torch.zeros(1, 1, 16, 32)
    alpha[..., :8] = 1  # averages 0.5 and 0
    small_alpha = torch.tensor([[[[1.0, 0.0]]]])  # off by 0.5 and 0
    small, true = torch.zeros(1, 3, 1, 2), torch.full((1, 3, 16, 32), 0.4)
    assert direct_supervision(small_alpha, small, alpha, true).item() == pytest.approx(0.25 + 0.4, abs=1e-5)


def test_it_teaches_the_memory_and_nothing_after_it():
    net, heads = MemoryNetwork().train(), MemoryHeads()
    frame = net.encode(torch.rand(2, 3, 32, 32))
    heads.supervise(net.read(frame, [frame.memory]), torch.rand(2, 1, 32, 32), torch.rand(2, 3, 32, 32)).backward()
    taught = {name.partition(".")[0] for name, each in net.named_parameters() if each.grad is not None}
    assert taught == {"backbone", "aspp", "memory"}


def test_the_segmentation_teaches_the_decoder_too():
    net, heads = MemoryNetwork().train(), MemoryHeads()
    frame = net.encode(torch.rand(2, 3, 32, 32))
    small = net.decode(frame, net.read(frame, [frame.memory]))
    heads.segmentation(small.hidden, torch.rand(2, 1, 32, 32).round()).backward()
    taught = {name.partition(".")[0] for name, each in net.named_parameters() if each.grad is not None}
    assert taught == {"backbone", "aspp", "memory", "decoder"}
