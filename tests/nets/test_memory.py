"""Memory: attention over the features of named frames."""

import math

import torch

from nuke_matting.nets.memory import KeyValue, Memory


def test_a_position_reads_the_value_whose_key_is_its_own():
    memory = Memory(16)
    query = KeyValue(torch.tensor([[[[100.0]], [[0.0]]]]), torch.zeros(1, 8, 1, 1))
    key = torch.tensor([[[[100.0, 0.0]], [[0.0, 100.0]]]])
    value = torch.cat([torch.full((1, 8, 1, 1), 5.0), torch.full((1, 8, 1, 1), 9.0)], dim=3)
    read = memory(query, [KeyValue(key, value)])
    assert torch.allclose(read[:, :8], torch.full((1, 8, 1, 1), 5.0))


def test_products_of_keys_are_scaled_by_the_root_of_their_channels():
    """C/8 = 4 channels: products of 2 and 0 weigh as e^1 and e^0."""
    query = KeyValue(torch.tensor([2.0, 0.0, 0.0, 0.0]).reshape(1, 4, 1, 1), torch.zeros(1, 16, 1, 1))
    key = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]).reshape(1, 4, 1, 2)
    value = torch.tensor([1.0, 0.0]).expand(1, 16, 1, 2)
    read = Memory(32)(query, [KeyValue(key, value)])[:, :16]
    assert torch.allclose(read, torch.full((1, 16, 1, 1), math.e / (math.e + 1)), atol=1e-6)


def test_what_was_read_comes_first_and_the_own_value_second():
    memory = Memory(16)
    own = memory.remember(torch.rand(1, 16, 3, 4))
    out = memory(own, [own, own])
    assert out.shape == (1, 16, 3, 4)
    assert torch.equal(out[:, 8:], own.value)


def test_the_order_of_the_memory_frames_does_not_matter_to_the_mathematics():
    torch.manual_seed(0)
    memory = Memory(16)
    own, one, two = (memory.remember(torch.rand(1, 16, 3, 4)) for _ in range(3))
    assert torch.allclose(memory(own, [one, two]), memory(own, [two, one]), atol=1e-6)


def test_memory_frames_may_have_another_size():
    memory = Memory(16)
    own, other = memory.remember(torch.rand(1, 16, 3, 4)), memory.remember(torch.rand(1, 16, 5, 2))
    assert memory(own, [other]).shape == (1, 16, 3, 4)


def test_weights_are_shared_over_all_positions_of_all_frames():
    memory = Memory(16)
    own = memory.remember(torch.rand(1, 16, 2, 2))
    one = KeyValue(torch.zeros(1, 2, 2, 2), torch.zeros(1, 8, 2, 2))
    two = KeyValue(torch.zeros(1, 2, 2, 2), torch.ones(1, 8, 2, 2))
    assert torch.allclose(memory(own, [one, two])[:, :8], torch.full((1, 8, 2, 2), 0.5))
