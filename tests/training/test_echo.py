"""Data echoing: steps that learn from batches drawn before, varied, and repeatably so."""

from dataclasses import replace
from itertools import islice

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from nuke_matting.training import echo
from nuke_matting.training.data import LAYERS, Batch, Sources, loader
from nuke_matting.training.datasets import Source
from nuke_matting.training.stages import Stage

STAGE = Stage(steps=9, batch=2, frames=2, sizes=((16, 32), (32, 16)), enlarge=1.0, rate=1e-3, norms=True, echo=3)
CPU = torch.device("cpu")


@pytest.fixture
def sources(tmp_path):
    random = np.random.default_rng(0)
    for name, size in (("people/a_fg", (60, 40, 3)), ("people/a_alpha", (60, 40)), ("behind/a", (80, 120, 3))):
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), random.integers(0, 255, size, np.uint8))
    return Sources((Source(tmp_path / "people"),), (Source(tmp_path / "behind"),))


def drawn(sources, stage, start=0, count=None):
    return list(islice(echo.batches(sources, stage, 1, start, CPU, workers=0), count))


def same(one, other):
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in (*LAYERS, "guided"))


def test_without_echo_each_step_has_a_drawn_batch_as_it_is(sources):
    stage = replace(STAGE, echo=1)
    plain = loader(sources, stage, 1, 0, workers=0)
    steps = drawn(sources, stage)
    assert len(steps) == stage.steps and all(same(each, other) for each, other in zip(steps, plain, strict=True))


def test_one_batch_is_drawn_for_so_many_steps(sources):
    fresh = list(loader(sources, replace(STAGE, steps=3), 1, 0, workers=0))
    steps = drawn(sources, STAGE)
    assert len(steps) == STAGE.steps
    assert all(same(steps[index * 3], each) for index, each in enumerate(fresh))


def test_the_steps_between_vary_what_was_drawn(sources):
    steps = drawn(sources, STAGE, count=3)
    assert steps[1].image.shape == steps[0].image.shape
    assert not same(steps[1], steps[0]) and not same(steps[2], steps[1])


@pytest.mark.parametrize("start", range(1, 9))
def test_a_run_that_goes_on_sees_what_an_unbroken_one_sees(sources, start):
    assert same(drawn(sources, STAGE, start, 1)[0], drawn(sources, STAGE)[start])


def test_old_batches_are_let_go(sources, monkeypatch):
    monkeypatch.setattr(echo, "KEPT", 1)
    newest = None
    for step, batch in enumerate(drawn(sources, STAGE)):
        newest = batch if step % STAGE.echo == 0 else newest
        assert batch.image.shape == newest.image.shape and torch.equal(batch.guided, newest.guided)


@for_all(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_all_layers_are_varied_alike(seed):
    """The composite of the varied layers is the varied composite."""
    random = torch.Generator().manual_seed(seed)
    alpha = torch.rand(3, 2, 1, 24, 32, generator=random)
    foreground, clean = torch.rand(2, 3, 2, 3, 1, 1, generator=random).expand(2, 3, 2, 3, 24, 32)
    image = alpha * foreground + (1 - alpha) * clean
    varied = echo.varied(Batch(image, foreground, alpha, clean, alpha, torch.zeros(3, dtype=torch.bool)), random)
    again = varied.alpha * varied.foreground + (1 - varied.alpha) * varied.clean
    torch.testing.assert_close(varied.image, again, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(varied.guide, varied.alpha)
    assert varied.alpha.min() >= 0 and varied.alpha.max() <= 1
