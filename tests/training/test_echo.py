"""Data echoing: steps that learn from batches drawn before, remixed, and repeatably so."""

from dataclasses import replace
from itertools import islice

import cv2
import numpy as np
import pytest
import torch

from nuke_matting.training import echo
from nuke_matting.training.data import LAYERS, Sources, loader
from nuke_matting.training.datasets import Source
from nuke_matting.training.stages import Stage

STAGE = Stage(
    steps=9, batch=2, frames=2, sizes=((16, 32), (32, 16)), enlarge=1.0, rate=1e-3, norms=True, learns="all", echo=3
)
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


def test_the_steps_between_remix_what_was_drawn(sources):
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


def test_of_old_batches_nothing_is_kept_that_no_remix_reads(sources, monkeypatch):
    seen, remixed = [], echo.remixed
    monkeypatch.setattr(echo, "remixed", lambda batch, *more: seen.append(batch) or remixed(batch, *more))
    drawn(sources, STAGE)
    layers = {getattr(each, name).data_ptr() for each in seen for name in LAYERS}
    needed = {getattr(each, name).data_ptr() for each in seen for name in ("foreground", "alpha", "guide", "behind")}
    assert seen and layers == needed
