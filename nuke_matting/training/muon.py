"""Muon: steps for matrices that move all of their directions alike, so that few of them teach much.

Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks". A kernel [O, I, h, w] is the matrix
[O, I h w]. Rates are AdamW's: Liu et al. 2025, "Muon is Scalable for LLM Training", section 2.2, scales the steps so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from nuke_matting.models.tensors import bf16_is_fast

MOMENTUM = 0.95
LEAST_SIDE = 32  # below it a matrix has too few directions to gain


class Muon(torch.optim.AdamW):
    """Muon for the groups whose `matrices` are not 0, so many of each parameter (see `matrices`), AdamW for the others.

    Gradients of the former are taken by `step`: they are None after it.
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float) -> None:
        super().__init__(groups, lr=lr, betas=(0.9, 0.99))

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # without closures, unlike torch's
        """One step."""
        for group in self.param_groups:
            moving = [each for each in group["params"] if group["matrices"] and each.grad is not None]
            if moving:
                self._turn(moving, group["lr"], group["weight_decay"], group["matrices"])
        super().step()

    def _turn(self, parameters: list[Tensor], rate: float, decay: float, count: int) -> None:
        gradients = [each.grad for each in parameters if each.grad is not None]  # all of them
        momenta = []
        for parameter in parameters:
            state = self.state[parameter]
            if not state:  # AdamW looks for a step in every state that it loads
                state["step"], state["momentum"] = torch.tensor(0.0), torch.zeros_like(parameter)
            momenta.append(state["momentum"])
            parameter.grad = None
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        ahead = torch._foreach_lerp(gradients, momenta, MOMENTUM)  # Nesterov's
        torch._foreach_mul_(parameters, 1 - rate * decay)
        torch._foreach_add_(parameters, _steps(ahead, count), alpha=-rate)


def _steps(gradients: Sequence[Tensor], count: int) -> list[Tensor]:
    """The directions of gradients of so many matrices each, as long as AdamW's. Those of one shape are turned at once,
    for GPUs' sake."""
    flat = [each.flatten(1) for each in gradients]
    matrices = [part for each in flat for part in each.chunk(count)]
    alike: dict[torch.Size, list[int]] = {}
    for number, matrix in enumerate(matrices):
        alike.setdefault(matrix.shape, []).append(number)
    for shape, numbers in alike.items():
        turned = orthogonal(torch.stack([matrices[number] for number in numbers])) * 0.2 * max(shape) ** 0.5
        for number, each in zip(numbers, turned, strict=True):
            matrices[number] = each
    left = iter(matrices)
    whole = (torch.cat([next(left) for _ in range(count)]) for _ in flat)
    return [step.view(each.shape) for step, each in zip(whole, gradients, strict=True)]


def matrices(name: str, parameter: Tensor) -> int:
    """As how many matrices Muon moves a parameter: three where it is of queries, keys and values, which are one each; 0
    where it is no matrix or kernel that is large enough, and AdamW's."""
    large = parameter.ndim > 1 and min(parameter.shape[0], parameter[0].numel()) >= LEAST_SIDE
    return (3 if name.endswith("qkv.weight") else 1) if large else 0


def orthogonal(matrices: Tensor, rounds: int = 5) -> Tensor:
    """U V^T of matrices U S V^T, [..., rows, columns], about: their singular values become some 0.7 to 1.2, by
    Newton-Schulz iterations.

    Jordan et al., whose coefficients these are. In bfloat16, which is enough, where that is fast; answers in the
    matrices' dtype.
    """
    dtype = torch.bfloat16 if bf16_is_fast(str(matrices.device)) else matrices.dtype
    x = matrices.to(dtype).reshape(-1, *matrices.shape[-2:])
    if tall := x.shape[-2] > x.shape[-1]:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(rounds):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
    return (x.mT if tall else x).reshape(matrices.shape).to(matrices.dtype)
