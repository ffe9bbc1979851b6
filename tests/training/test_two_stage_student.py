"""The student of `two_stage`: what its memory reads, and what its regions learn from."""

from dataclasses import replace

import pytest
import torch

from nuke_matting.nets.memory import KeyValue
from nuke_matting.training.data import loader
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


def test_regions_learn_detail_from_a_true_alpha_that_is_coarse(sources):
    """Nothing is trained yet, so what is asked of the regions is how wrong the alpha is that they start from."""
    recipe = load_recipe("two_stage")
    stage = replace(recipe.stages["regions"], sizes=((48, 48),), batch=4)
    batch, off = next(loader(sources, stage, 1, 0, workers=0)), {}
    for detail in (0.0, 1.0):
        torch.manual_seed(0)
        student = make_student(replace(recipe, detail=detail, regions=30)).requires_grad_(False)
        off[detail] = student(batch, stage, torch.Generator().manual_seed(0))[0]["fine_alpha"]
    assert off[1.0] < off[0.0] / 2
