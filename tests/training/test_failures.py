"""What a machine may do to a training, and what is said of it."""

import multiprocessing
import os
import signal
from dataclasses import replace

import pytest
import torch

from nuke_matting.errors import MattingError
from nuke_matting.training.failures import failures_told
from nuke_matting.training.processes import Processes
from nuke_matting.training.recipe import load_recipe
from nuke_matting.training.stages import Stage
from nuke_matting.training.train import Job, Trainer

CLIPS = Stage(3, batch=8, frames=2, sizes=((64, 96), (96, 64)), enlarge=1.5, rate=0, norms=True, learns="all", echo=1)


@pytest.mark.parametrize("text", ["CUDA out of memory. Tried to allocate 2 GiB", "can't allocate memory: you tried"])
def test_a_step_too_large_for_the_memory_is_told_with_its_size_and_what_to_lower(text):
    with pytest.raises(MattingError) as told, failures_told(CLIPS, "cuda"):
        raise RuntimeError(text)
    assert str(told.value).startswith("cuda has no memory left for 8 clips of 2 frames of up to 144x144; lower the")
    assert str(told.value).endswith(
        "batch, sizes or enlarge in the recipe; the same command goes on from the last checkpoint"
    )


def test_a_stage_with_an_echo_may_go_without_for_want_of_memory():
    with (
        pytest.raises(MattingError, match="enlarge, or write echo: 1, in the recipe"),
        failures_told(replace(CLIPS, echo=3), "cuda"),
    ):
        raise RuntimeError("CUDA out of memory")


def test_arrays_for_which_there_is_no_memory_are_told():
    with (
        pytest.raises(MattingError, match="no memory is left to draw samples; lower --workers"),
        failures_told(CLIPS, "cpu"),
    ):
        raise MemoryError


@pytest.mark.parametrize(
    "text", ["[gloo/pair.cc:553] Connection closed by peer [127.0.0.1]", "NCCL communicator was aborted"]
)
def test_a_process_that_waits_for_one_that_has_ended_points_to_its_line(text):
    with (
        pytest.raises(MattingError, match="another process of the training has ended; see its line"),
        failures_told(CLIPS, "cpu"),
    ):
        raise RuntimeError(text)


def test_what_nobody_knows_stays_as_it_is():
    with pytest.raises(RuntimeError, match="a fault of ours"), failures_told(CLIPS, "cpu"):
        raise RuntimeError("a fault of ours")


@pytest.fixture
def trainer(sources, tmp_path):
    stage = Stage(50, batch=2, frames=1, sizes=((32, 32),), enlarge=1.0, rate=1e-3, norms=True, learns="all", echo=1)
    recipe = replace(load_recipe("two_stage"), stages={"stills": stage})
    return Trainer(Job(recipe, "stills", sources, tmp_path / "out"), Processes(torch.device("cpu")))


def test_an_error_that_nobody_expects_leaves_no_worker_behind_that_would_be_waited_for(trainer, monkeypatch):
    def fails(_batch):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(trainer, "learn", fails)
    with pytest.raises(RuntimeError, match="a fault of ours") as told:
        list(trainer.run(workers=1))
    assert told.tb and not multiprocessing.active_children()  # even while the traceback holds all frames


def test_a_killed_worker_ends_a_run_in_one_line(trainer):
    running = trainer.run(workers=1)
    with pytest.raises(MattingError, match=r"draws samples was killed.*--workers.*the same command goes on") as told:
        for _ in running:
            for child in multiprocessing.active_children():
                os.kill(child.pid, signal.SIGKILL)
                child.join()
    assert "\n" not in str(told.value)
