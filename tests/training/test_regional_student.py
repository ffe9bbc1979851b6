"""The student of `regional`: which cells it refines, and what its losses ask for."""

from dataclasses import replace

import pytest
import torch

from nuke_matting.training.data import Batch
from nuke_matting.training.recipe import load_recipe
from nuke_matting.training.stages import Stage
from nuke_matting.training.students.regional import RegionalStudent, choose

STAGE = Stage(1, batch=2, frames=1, sizes=((64, 96),), enlarge=1.0, rate=1e-3, norms=True, learns="all", echo=1)


def logits(row):
    """[1, 3, 1, columns] of a text: b, u and f for background, unknown and foreground, U for surely unknown."""
    columns = {"b": (4.0, 0.0, 0.0), "u": (0.0, 4.0, 0.0), "U": (0.0, 8.0, 0.0), "f": (0.0, 0.0, 4.0)}
    return torch.tensor([columns[each] for each in row]).T[None, :, None]


def trimap(row):
    return (logits(row) > 0).float().repeat_interleave(8, 2).repeat_interleave(8, 3)


def columns_of(said, true, budget, seed=0):
    return choose(logits(said), trimap(true), budget, torch.Generator().manual_seed(seed))[:, 2].tolist()


def test_cells_that_the_trimap_calls_unknown_are_refined_the_surest_first():
    assert columns_of("buUfub", "bbbbbb", 6) == [1, 2, 4]
    assert columns_of("buUfub", "bbbbbb", 1) == [2]


def test_half_of_the_truly_unknown_cells_come_before_them():
    drawn = columns_of("U" * 50 + "b" * 50, "b" * 50 + "u" * 50, 100)
    assert drawn[:50] == list(range(50))
    assert 10 < len(drawn[50:]) < 40
    assert set(columns_of("U" * 50 + "b" * 50, "b" * 50 + "u" * 50, 10)) <= set(range(50, 100))


def test_no_cell_is_refined_where_all_is_sure():
    assert columns_of("bbff", "bbff", 4) == []


def student():
    torch.manual_seed(0)
    return RegionalStudent(replace(load_recipe("regional"), shrink=4, regions=50))


def flat(value):
    """A frame that is all background, or all foreground."""
    layer = torch.full((2, 1, 3, 64, 96), 0.5)
    alpha = torch.full((2, 1, 1, 64, 96), value)
    return Batch(layer, layer, alpha, layer, alpha, layer, torch.tensor([False, False]), torch.tensor([False, False]))


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("training", [True, False])
def test_frames_without_an_edge_have_losses_too(value, training):
    losses, alpha = student().train(training)(flat(value), STAGE, torch.Generator())
    assert all(each.isfinite() for each in losses.values()) and alpha.shape == (2, 1, 1, 64, 96)
    sum(losses.values()).backward()


def test_a_right_alpha_composes_to_no_loss_whatever_noise_the_picture_has():
    """The losses compare with what the layers compose to, not with what a camera made of it."""
    one, shown = student().eval(), flat(1.0)
    noisy = replace(shown, clean=torch.rand_like(shown.clean), foreground=torch.rand_like(shown.image))
    bias = one.net.decoder.heads[2].bias.detach()
    bias[:4], bias[4:12], bias[12:] = 40, 0, 40  # nothing is unknown, and all is the person
    losses, alpha = one(noisy, STAGE, torch.Generator())
    assert torch.allclose(alpha, torch.ones_like(alpha))
    assert losses["composition"].item() == pytest.approx(0, abs=1e-5)
