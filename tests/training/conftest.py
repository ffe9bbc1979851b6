"""What the trainer's tests share: people and backgrounds on disk, as small as can be."""

import cv2
import numpy as np
import pytest
import torch

from nuke_matting.training.data import Sources
from nuke_matting.training.datasets import Source
from nuke_matting.training.processes import Processes
from nuke_matting.training.train import Trainer


@pytest.fixture
def sources(tmp_path):
    """One person, who is an ellipse, and one background, which is noise."""
    people, behind = tmp_path / "people", tmp_path / "backgrounds"
    people.mkdir()
    behind.mkdir()
    alpha = np.zeros((60, 40), np.uint8)
    cv2.ellipse(alpha, (20, 30), (15, 25), 0, 0, 360, 255, -1)
    cv2.imwrite(str(people / "a_alpha.png"), alpha)
    cv2.imwrite(str(people / "a_fg.png"), np.full((60, 40, 3), (90, 120, 200), np.uint8))
    noise = np.random.default_rng(0).integers(0, 255, (80, 120, 3), np.uint8)
    cv2.imwrite(str(behind / "noise.png"), noise)
    return Sources((Source(people),), (Source(behind),))


@pytest.fixture(scope="session")
def run():
    """Trains in this process, to the end or until some steps are done; gives the checkpoint that is left."""

    def trained(job, stop_after=None):
        running = Trainer(job, Processes(torch.device("cpu"))).run(workers=0)
        for progress in running:
            if progress.step == stop_after:
                running.close()
        return torch.load(job.out / "last.pt", weights_only=True)

    return trained
