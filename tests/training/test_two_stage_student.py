"""The student of `two_stage`: what its memory reads."""

import pytest
import torch

from nuke_matting.nets.memory import KeyValue
from nuke_matting.training.recipe import load_recipe
from nuke_matting.training.students import make_student

FRAMES, SIZE = 4, (2, 3)


@pytest.fixture(scope="module")
def student():
    torch.manual_seed(0)
    return make_student(load_recipe("two_stage")).requires_grad_(False)


@pytest.fixture(scope="module")
def memory():
    draw = torch.Generator().manual_seed(1)
    return KeyValue(torch.rand(FRAMES, 24, *SIZE, generator=draw), torch.rand(FRAMES, 96, *SIZE, generator=draw))


def read(student, memory):
    """What each frame of one clip reads, [T, C, h, w]. With this seed, none is alone."""
    return student._read(memory, FRAMES, torch.Generator().manual_seed(1))


def frames_that_differ(one, other):
    return [at for at in range(FRAMES) if not torch.equal(one[at], other[at])]


def test_frames_read_from_the_two_before_and_the_first_from_itself(student, memory):
    changed = KeyValue(memory.key, memory.value.index_add(0, torch.tensor([1]), torch.ones(1, 96, *SIZE)))
    assert frames_that_differ(read(student, memory), read(student, changed)) == [1, 2, 3]
    changed = KeyValue(memory.key, memory.value.index_add(0, torch.tensor([0]), torch.ones(1, 96, *SIZE)))
    assert frames_that_differ(read(student, memory), read(student, changed)) == [0, 1, 2]
