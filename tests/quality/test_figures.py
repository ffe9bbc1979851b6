"""The figures of a frame, a clip and a set."""

import math

import numpy as np
import pytest

from nuke_matting.errors import UsageError
from nuke_matting.quality.figures import TITLES, Sample, clip_figures, frame_figures, mean_figures


def sample(alpha, truth, foreground=None, true_foreground=None) -> Sample:
    colours = [None if each is None else np.full((1, len(alpha), 3), each) for each in (foreground, true_foreground)]
    return Sample(np.array([alpha], np.float32), np.array([truth], np.float32), *colours)


def test_a_frame_has_the_papers_figures_in_their_order():
    found = frame_figures(sample((0, 1), (0, 0.5)), sample((0, 1), (0, 1)))
    assert [name for name in found if name in ("mad", "mse", "grad", "conn", "dtssd", "sad")] == list(found)[:6]
    assert list(found) == [name for name in TITLES if name in found]
    assert found["mad"] == 250 and found["mse"] == 125 and found["sad"] == 0.0005
    assert found["dtssd"] == pytest.approx(100 * math.sqrt(0.25 / 2))


def test_flicker_needs_a_frame_before_of_the_same_size():
    now = sample((0, 1), (0, 1))
    assert "dtssd" not in frame_figures(now)
    assert "dtssd" not in frame_figures(now, sample((0, 1, 1), (0, 1, 1)))
    assert frame_figures(now, now)["dtssd"] == 0


def test_soft_iou_is_there_where_a_subject_is():
    assert frame_figures(sample((0, 1), (0, 0.5)))["soft_iou"] == 0.5
    assert frame_figures(sample((0, 0), (0, 0.5)))["soft_iou"] == 0
    assert "soft_iou" not in frame_figures(sample((0, 0.001), (0, 0)))


def test_the_foregrounds_error_is_there_where_foregrounds_and_a_subject_are():
    assert "fg_mse" not in frame_figures(sample((0, 1), (0, 1)))
    assert "fg_mse" not in frame_figures(sample((0, 1), (0, 0), 1.0, 2.0))
    assert frame_figures(sample((0, 1), (0, 1), 1.0, 1.5))["fg_mse"] == pytest.approx(250)


def test_a_clips_figures_are_means_over_frames_and_pairs():
    found = clip_figures([sample((0, 1), (0, 1)), sample((0, 0.5), (0, 1)), sample((0, 0.5), (0, 1))])
    assert found["mad"] == pytest.approx((0 + 250 + 250) / 3)
    assert found["dtssd"] == pytest.approx(100 * (math.sqrt(0.125) + 0) / 2)
    assert clip_figures([]) == {}


def test_a_mean_is_over_the_rows_that_have_the_figure():
    assert mean_figures([{"hair": 2.0, "mad": 1.0}, {"mad": 2.0}]) == {"mad": 1.5, "hair": 2.0}


def test_samples_of_different_shapes_are_refused():
    with pytest.raises(UsageError, match="cannot be compared"):
        frame_figures(sample((0, 1), (0, 1, 1)))
