"""The student of `two_stage`: what its memory is given, and which frames are asked for."""

import pytest
import torch

from nuke_matting.nets.memory import KeyValue
from nuke_matting.training.recipe import load_recipe
from nuke_matting.training.students import make_student

FRAMES, SIZE = 4, (2, 3)


@pytest.fixture(scope="module")
def student():
    torch.manual_seed(0)
    made = make_student(load_recipe("two_stage"))
    torch.nn.init.normal_(made.net.key_matte.embed.weight)
    return made.requires_grad_(False)


@pytest.fixture(scope="module")
def memory():
    draw = torch.Generator().manual_seed(1)
    return KeyValue(torch.rand(FRAMES, 24, *SIZE, generator=draw), torch.rand(FRAMES, 96, *SIZE, generator=draw))


def read(student, memory, key, alpha=0.0, seed=1):
    """What each frame of one clip reads, [T, C, h, w]; `alpha` is the key frame's. With this seed, none is alone."""
    alphas = torch.full((1, FRAMES, 1, 32, 48), alpha)
    return student._read(memory, alphas, key, torch.Generator().manual_seed(seed))


def frames_that_differ(one, other):
    return [at for at in range(FRAMES) if not torch.equal(one[at], other[at])]


@pytest.mark.parametrize("key", range(FRAMES))
def test_every_other_frame_reads_a_key_frames_matte_wherever_it_is(student, memory, key):
    empty, full = (read(student, memory, key, alpha) for alpha in (0.0, 1.0))
    assert frames_that_differ(empty, full) == [at for at in range(FRAMES) if at != key]


def test_without_a_key_frame_no_true_alpha_is_read(student, memory):
    assert frames_that_differ(read(student, memory, None, 0.0), read(student, memory, None, 1.0)) == []


def test_frames_read_from_the_two_before_and_the_first_from_itself(student, memory):
    changed = KeyValue(memory.key, memory.value.index_add(0, torch.tensor([1]), torch.ones(1, 96, *SIZE)))
    assert frames_that_differ(read(student, memory, None), read(student, changed, None)) == [1, 2, 3]
    changed = KeyValue(memory.key, memory.value.index_add(0, torch.tensor([0]), torch.ones(1, 96, *SIZE)))
    assert frames_that_differ(read(student, memory, None), read(student, changed, None)) == [0, 1, 2]
