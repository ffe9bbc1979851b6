"""The trainer: a stage runs to its end, a cut one goes on to the same weights, and its weights serve."""

import csv
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from nuke_matting.models.registry import load_model
from nuke_matting.training.data import Sources
from nuke_matting.training.datasets import Source
from nuke_matting.training.stages import Stage
from nuke_matting.training.train import train

STILLS = Stage(steps=4, batch=2, frames=1, sizes=((32, 48), (48, 32)), enlarge=1.0, rate=1e-3, norms=True)
CLIPS = Stage(steps=2, batch=2, frames=2, sizes=((32, 32),), enlarge=2.0, rate=1e-3, norms=False)


@pytest.fixture
def sources(tmp_path):
    people, behind = tmp_path / "people", tmp_path / "backgrounds"
    people.mkdir()
    behind.mkdir()
    alpha = np.zeros((60, 40), np.uint8)
    cv2.ellipse(alpha, (20, 30), (15, 25), 0, 0, 360, 255, -1)
    cv2.imwrite(str(people / "a_alpha.png"), alpha)
    cv2.imwrite(str(people / "a_fg.png"), np.full((60, 40, 3), (90, 120, 200), np.uint8))
    noise = np.random.default_rng(0).integers(0, 255, (80, 120, 3), np.uint8)
    cv2.imwrite(str(behind / "noise.png"), noise)
    return Sources((Source(people),), (behind,))


def last(folder):
    return torch.load(folder / "last.pt", weights_only=True)


@pytest.mark.parametrize("stage", [STILLS, CLIPS], ids=["stills", "clips"])
def test_a_stage_leaves_weights_that_the_registry_loads(tmp_path, sources, stage):
    train(stage, sources, tmp_path / "out", None, seed=1)
    assert last(tmp_path / "out")["step"] == stage.steps
    assert load_model(str(tmp_path / "out" / "weights.safetensors"), "cpu", "fp32").name == "two_stage"
    assert list((tmp_path / "out").glob("*.jpg"))


def test_a_resumed_stage_ends_with_the_weights_of_an_unbroken_one(tmp_path, sources):
    # the rate is steady, so that a stage cut short is the beginning of the longer one
    steady = replace(STILLS, rate=0.0)
    train(replace(steady, steps=2), sources, tmp_path / "cut", None, seed=3)
    train(steady, sources, tmp_path / "cut", None, seed=3)
    train(steady, sources, tmp_path / "whole", None, seed=3)
    cut, whole = last(tmp_path / "cut"), last(tmp_path / "whole")
    assert cut["step"] == whole["step"] == 4
    for name, value in whole["student"].items():  # batch norm's statistics follow every batch, whatever the rate
        assert torch.equal(value, cut["student"][name]), name


def test_a_later_stage_starts_from_the_averaged_weights_of_an_earlier_one(tmp_path, sources):
    train(STILLS, sources, tmp_path / "stills", None, seed=1)
    train(replace(CLIPS, rate=0.0), sources, tmp_path / "clips", tmp_path / "stills" / "last.pt", seed=1)
    first, second = last(tmp_path / "stills"), last(tmp_path / "clips")
    for name, value in first["average"].items():
        if value.is_floating_point():
            assert torch.allclose(value, second["student"][name]), name


def test_the_log_has_the_losses_by_name(tmp_path, sources):
    train(replace(STILLS, steps=50, batch=1, sizes=((32, 32),)), sources, tmp_path / "out", None, seed=1)
    rows = list(csv.DictReader((tmp_path / "out" / "log.csv").open()))
    assert [row["step"] for row in rows] == ["50"]
    assert all(float(row[name]) > 0 for row in rows for name in ("alpha", "laplacian", "foreground", "error", "direct"))
