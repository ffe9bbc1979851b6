"""Steps that move all directions of a matrix alike."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nuke_matting.training.muon import Muon, matrices, orthogonal


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(1, 80), columns=st.integers(1, 80), seed=st.integers(0, 99), size=st.sampled_from([1e-6, 1, 1e4])
)
def test_the_singular_values_of_any_matrix_become_about_one(rows, columns, seed, size):
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)) * size
    values = torch.linalg.svdvals(orthogonal(matrix, rounds=12))  # square ones have values near zero, which take longer
    assert 0.5 < values.max() < 1.4
    assert values.median() > 0.5


def test_the_directions_stay():
    u, _, v = torch.linalg.svd(torch.randn(40, 90, generator=torch.Generator().manual_seed(1)), full_matrices=False)
    answer = orthogonal(u @ torch.diag(torch.linspace(0.2, 1.0, 40)) @ v)
    assert ((u.T @ answer @ v.T) - torch.eye(40)).abs().max() < 0.35


def test_a_zero_gradient_moves_nothing():
    assert torch.equal(orthogonal(torch.zeros(40, 40)), torch.zeros(40, 40))


@pytest.mark.parametrize("shape", [(64, 64), (32, 200), (192, 64), (48, 32, 3, 3)])
def test_a_step_is_as_long_as_adamws(shape):
    parameter = torch.nn.Parameter(torch.zeros(shape))
    parameter.grad = torch.randn(shape, generator=torch.Generator().manual_seed(2)) * 1e-3
    Muon([{"params": [parameter], "matrices": 1, "weight_decay": 0.0}], lr=0.01).step()
    assert parameter.detach().square().mean().sqrt() == pytest.approx(0.2 * 0.01, rel=0.25)
    assert parameter.grad is None


def test_queries_keys_and_values_are_a_matrix_each():
    parameter = torch.nn.Parameter(torch.zeros(3 * 40, 40))
    parameter.grad = torch.randn(120, 40, generator=torch.Generator().manual_seed(3))
    parts = [orthogonal(each) * 0.2 * 40**0.5 for each in (parameter.grad * (1 - 0.95**2)).chunk(3)]
    Muon([{"params": [parameter], "matrices": 3, "weight_decay": 0.0}], lr=1.0).step()
    assert torch.allclose(parameter, -torch.cat(parts), atol=0.03)


def test_weights_decay():
    parameter = torch.nn.Parameter(torch.ones(40, 40))
    parameter.grad = torch.zeros(40, 40)
    Muon([{"params": [parameter], "matrices": 1, "weight_decay": 0.5}], lr=0.1).step()
    assert torch.allclose(parameter, torch.tensor(0.95))


def test_all_else_learns_by_adamw():
    def learnt(make):
        parameter = torch.nn.Parameter(torch.ones(7))
        optimiser = make(parameter)
        for step in range(3):
            parameter.grad = torch.arange(7.0) - step
            optimiser.step()
        return parameter.detach()

    def ours(parameter):
        return Muon([{"params": [parameter], "matrices": 0, "weight_decay": 0.1}], lr=0.1)

    def torchs(parameter):
        return torch.optim.AdamW([parameter], lr=0.1, weight_decay=0.1, betas=(0.9, 0.99))

    assert torch.equal(learnt(ours), learnt(torchs))


def test_a_kept_state_goes_on_as_if_unbroken():
    def fresh():
        parameters = [torch.nn.Parameter(torch.ones(32, 32)), torch.nn.Parameter(torch.ones(3))]
        groups = [{"params": [each], "matrices": int(each.ndim > 1), "weight_decay": 0.1} for each in parameters]
        return parameters, Muon(groups, lr=0.1)

    def learn(parameters, optimiser, steps):
        for step in steps:
            for each in parameters:
                each.grad = torch.randn(each.shape, generator=torch.Generator().manual_seed(step))
            optimiser.step()

    whole, optimiser = fresh()
    learn(whole, optimiser, range(6))
    first, before = fresh()
    learn(first, before, range(3))
    second, after = fresh()
    after.load_state_dict(before.state_dict())
    with torch.no_grad():
        for new, old in zip(second, first, strict=True):
            new.copy_(old)
    learn(second, after, range(3, 6))
    assert all(torch.equal(a, b) for a, b in zip(whole, second, strict=True))


@pytest.mark.parametrize(
    ("name", "shape", "count"),
    [
        ("a.weight", (64, 64), 1),
        ("a.weight", (48, 4, 3, 3), 1),
        ("a.weight", (1, 192), 0),
        ("a.weight", (192, 1, 3, 3), 0),
        ("a.bias", (64,), 0),
        ("attention.qkv.weight", (192, 64), 3),
        ("mlp.0.weight", (192, 64), 1),
    ],
)
def test_large_matrices_and_kernels_are_taken_those_of_queries_keys_and_values_as_three(name, shape, count):
    assert matrices(name, torch.zeros(shape)) == count
