"""Calibration: what is fitted brings an alpha nearest to the truth, and the folded convolution says just that."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nuke_matting.training.calibration import fitted, fold


def calibrated(alpha, contrast, offset):
    return (contrast * (alpha - 0.5) + 0.5 + offset).clamp(0, 1)


def mattes(seed, count=20_000):
    """Alphas as mattes have them: most are 0 or 1."""
    random = np.random.default_rng(seed)
    kind = random.random(count)
    return torch.from_numpy(np.where(kind < 0.6, 0.0, np.where(kind < 0.9, 1.0, random.random(count)))).float()


@settings(max_examples=20, deadline=None)
@given(st.floats(0.6, 1.1), st.floats(-0.1, 0.1), st.integers(0, 1000))
def test_what_was_done_to_a_matte_is_undone(gain, haze, seed):
    truth = mattes(seed)
    seen = gain * (truth - 0.5) + 0.5 + haze
    assert (calibrated(seen, *fitted(seen, truth)) - truth).abs().mean() < 2e-3


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_it_never_makes_an_alpha_worse(seed):
    truth = mattes(seed)
    seen = truth + 0.3 * torch.randn(len(truth), generator=torch.Generator().manual_seed(seed))
    made = calibrated(seen, *fitted(seen, truth))
    assert (made - truth).abs().mean() <= (seen.clamp(0, 1) - truth).abs().mean() + 1e-4


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_frames_of_one_value_give_numbers_within_their_bounds(value):
    contrast, offset = fitted(torch.full((50,), 0.4), torch.full((50,), value))
    assert 0.5 <= contrast <= 3 and -0.5 <= offset <= 0.5


def test_the_convolution_says_the_calibrated_alpha_and_else_what_it_said():
    torch.manual_seed(0)
    head, x = nn.Conv2d(3, 6, 1).requires_grad_(False), torch.rand(2, 3, 4, 5)
    before = head(x)
    fold(head, 4, 1.5, -0.05)
    torch.testing.assert_close(head(x)[:, :4], 1.5 * (before[:, :4] - 0.5) + 0.45)
    torch.testing.assert_close(head(x)[:, 4:], before[:, 4:])
