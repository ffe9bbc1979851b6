"""What the trainer's tests share: people and backgrounds on disk, as small as can be."""

import cv2
import numpy as np
import pytest

from nuke_matting.training.data import Sources
from nuke_matting.training.datasets import Source


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
