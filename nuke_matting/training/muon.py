"""Muon: steps for matrices that move all of their directions alike, so that few of them teach much.

Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks". A kernel [O, I, h, w] is the matrix
[O, I h w]. Rates are AdamW's: Liu et al. 2025, "Muon is Scalable for LLM Training", section 2.2, scales the steps so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

MOMENTUM = 0.95
LEAST_SIDE = 32  # below it a matrix has too few directions to gain


class Muon(torch.optim.AdamW):
    """Muon for the groups whose `orthogonal` is true, AdamW for the others.

    Gradients of the former are taken by `step`: they are None after it.
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float) -> None:
        super().__init__(groups, lr=lr, betas=(0.9, 0.99))

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One step. closure : not supported, None."""
        for group in self.param_groups:
            if group["orthogonal"]:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._turn(parameter, parameter.grad, group["lr"], group["weight_decay"])
                        parameter.grad = None
        return super().step(closure)

    def _turn(self, parameter: Tensor, gradient: Tensor, rate: float, decay: float) -> None:
        state = self.state[parameter]
        if not state:  # AdamW looks for a step in every state that it loads
            state["step"], state["momentum"] = torch.tensor(0.0), torch.zeros_like(parameter)
        state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        matrix = gradient.lerp(state["momentum"], MOMENTUM).flatten(1)  # Nesterov's
        stacked = 3 if matrix.shape[0] == 3 * matrix.shape[1] else 1  # queries, keys and values are a matrix each
        step = torch.cat([orthogonal(each) * 0.2 * max(each.shape) ** 0.5 for each in matrix.chunk(stacked)])
        parameter.mul_(1 - rate * decay).sub_(step.view(parameter.shape), alpha=rate)


def fits(parameter: Tensor) -> bool:
    """Whether a parameter is a matrix, or a kernel, that is large enough for Muon."""
    return parameter.ndim > 1 and min(parameter.shape[0], parameter[0].numel()) >= LEAST_SIDE


def orthogonal(matrix: Tensor, rounds: int = 5) -> Tensor:
    """U V^T of a matrix U S V^T, about: its singular values become some 0.7 to 1.2, by Newton-Schulz iterations.

    Jordan et al., whose coefficients these are. In bfloat16, which is enough; answers in the matrix's dtype.
    """
    x = matrix.bfloat16()
    if tall := x.shape[0] > x.shape[1]:
        x = x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(rounds):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x.T if tall else x).to(matrix.dtype)
