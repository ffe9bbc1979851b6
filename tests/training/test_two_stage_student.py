"""The student of `two_stage`: what its memory reads, and what its regions learn from."""

from dataclasses import replace

import pytest
import torch

from nuke_matting.models.weights import load_weights, save_weights
from nuke_matting.nets.memory import KeyValue
from nuke_matting.nets.two_stage import OWN, TwoStage
from nuke_matting.training.data import loader
from nuke_matting.training.recipe import load_recipe
from nuke_matting.training.students import make_student, two_stage

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
    stage = replace(recipe.stages["regions"], sizes=((48, 48),), batch=16)
    batch, off = next(loader(sources, stage, 1, 0, workers=0)), {}
    for detail in (0.0, 1.0):
        torch.manual_seed(0)
        student = make_student(replace(recipe, detail=detail, regions=30)).requires_grad_(False)
        off[detail] = student(batch, stage, torch.Generator().manual_seed(0))[0]["fine_alpha"]
    assert off[1.0] < 0.7 * off[0.0]  # what is left is mostly the margin that is asked of solid pixels


def first_that_finds(alpha, tmp_path):
    """A weight file of a network that finds this alpha everywhere."""
    net = TwoStage()
    torch.nn.init.zeros_(net.decoder.head.weight)
    torch.nn.init.constant_(net.decoder.head.bias, alpha)
    path = tmp_path / "first.safetensors"
    save_weights(path, net, {"architecture": "two_stage", "name": "first", "coarse_long_side": "64"})
    return load_weights(path)


def shown(student, batch, monkeypatch):
    """What the network is shown in a step, [B, 9, h, w]."""
    seen = []
    encode = student.net.encode
    monkeypatch.setattr(student.net, "encode", lambda x: (seen.append(x), encode(x))[1])
    student(batch, STAGE, torch.Generator().manual_seed(0))
    return seen[-1]


STAGE = replace(load_recipe("two_stage").stages["small"], sizes=((48, 64),), batch=4)


def test_after_another_network_its_finding_is_the_guide_where_there_is_no_help(sources, tmp_path, monkeypatch):
    monkeypatch.setattr(two_stage, "LOST", 0.0)
    batch = next(loader(sources, STAGE, 1, 0, workers=0))
    student = make_student(replace(load_recipe("two_stage_again"), shown=0)).requires_grad_(False)
    assert (shown(student, batch, monkeypatch)[:, 3:] == 0).all(), "no help"
    student.follow(first_that_finds(0.75, tmp_path), torch.device("cpu"))
    x = shown(student, batch, monkeypatch)
    assert (x[:, 3:7] == 0).all() and torch.allclose(x[:, 7], torch.tensor(0.75)) and (x[:, 8] == OWN).all()


def test_what_another_network_finds_has_parts_of_other_samples_added_and_taken_out():
    found = torch.zeros(200, 1, 1, 2, 100)
    found[:, :, :, 0, :50] = 1  # upper left; another one, mirrored, is upper right
    made = two_stage._erring(found, torch.Generator().manual_seed(0))
    false, lost = (made[:, 0, 0, 0, 60] > 0), (made[:, 0, 0, 0, 10] < 1)
    assert 0.1 < false.float().mean() < 0.3 and not lost.any(), "the mirrored one hides nothing here"
    assert (made[:, :, :, 1] == 0).all() and made.max() <= 1
    both = torch.ones(200, 1, 1, 2, 100)
    assert (
        0.05 < (two_stage._erring(both, torch.Generator().manual_seed(0)) == 0).flatten(1).all(1).float().mean() < 0.3
    )


def test_where_there_is_help_the_network_before_says_nothing(sources, tmp_path, monkeypatch):
    batch = next(loader(sources, STAGE, 1, 0, workers=0))
    student = make_student(replace(load_recipe("two_stage_again"), shown=1)).requires_grad_(False)
    student.follow(first_that_finds(0.75, tmp_path), torch.device("cpu"))
    x = shown(student, batch, monkeypatch)
    assert torch.equal(x[:, 7:8], batch.guide[:, 0]) and (x[:, 6] == 1).all() and (x[:, 8] == 1).all()


@pytest.mark.parametrize("twice", [0.0, 1.0])
def test_guides_are_as_close_as_at_work_as_often_as_the_recipe_says(sources, monkeypatch, twice):
    batch = next(loader(sources, STAGE, 1, 0, workers=0))
    student = make_student(replace(load_recipe("two_stage_aided"), twice=twice)).requires_grad_(False)
    all_ = torch.ones(len(batch.guided), 1, 1, 1, 1, dtype=torch.bool)
    monkeypatch.setattr(two_stage, "given", lambda *_: (~all_, all_))
    monkeypatch.setattr(student.net, "closer", lambda x: torch.cat([x[:, :7], x[:, 7:8] / 2, x[:, 8:]], dim=1))
    guide = shown(student, batch, monkeypatch)[:, 7:8]
    assert torch.equal(guide, batch.guide[:, 0] / (1 + twice))


def test_the_network_before_is_no_part_of_the_student(tmp_path):
    student = make_student(load_recipe("two_stage_again"))
    before = set(student.state_dict())
    student.follow(first_that_finds(0.75, tmp_path), torch.device("cpu"))
    assert set(student.state_dict()) == before
