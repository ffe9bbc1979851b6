"""Calibration: what is fitted brings an alpha nearest to the truth, and the folded convolution says just that."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from nuke_matting.errors import MattingError
from nuke_matting.training.calibration import LEAST, MOST, UNCHANGED, calibrated, fitted, fold


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
    assert np.abs(calibrated(seen.numpy(), *fitted(seen, truth)) - truth.numpy()).mean() < 2e-3


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_it_never_makes_an_alpha_worse(seed):
    truth = mattes(seed)
    seen = truth + 0.3 * torch.randn(len(truth), generator=torch.Generator().manual_seed(seed))
    made = torch.from_numpy(calibrated(seen.numpy(), *fitted(seen, truth)))
    assert (made - truth).abs().mean() <= (seen.clamp(0, 1) - truth).abs().mean() + 1e-4


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_samples_that_are_all_empty_or_all_solid_tell_nothing(value):
    assert fitted(torch.linspace(-0.1, 1.1, 50), torch.full((50,), value)) == UNCHANGED


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_alphas_that_are_no_numbers_are_an_error(value):
    with pytest.raises(MattingError, match="not finite"):
        fitted(torch.tensor([0.1, value, 0.9]), torch.tensor([0.0, 0.0, 1.0]))


def test_the_numbers_stay_within_bounds_whatever_the_alphas():
    contrast, offset = fitted(0.5 + 1e-3 * mattes(0), mattes(0))
    assert LEAST[0] <= contrast <= MOST[0] and LEAST[1] <= offset <= MOST[1]


def test_the_convolution_says_the_calibrated_alpha_and_else_what_it_said():
    torch.manual_seed(0)
    head, x = nn.Conv2d(3, 6, 1).requires_grad_(False), torch.rand(2, 3, 4, 5)
    before = head(x)
    fold(head, 4, 1.5, -0.05)
    torch.testing.assert_close(head(x)[:, :4], 1.5 * (before[:, :4] - 0.5) + 0.45)
    torch.testing.assert_close(head(x)[:, 4:], before[:, 4:])
