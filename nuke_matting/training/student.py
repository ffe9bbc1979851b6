"""What the trainer knows of a student: a network that learns, with what only training needs of it.

There is one a model, in `students`; each turns a batch into losses in its own way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import ClassVar

import torch
from torch import Tensor, nn

from nuke_matting.errors import ModelError, UsageError
from nuke_matting.models.weights import WeightFile, fill
from nuke_matting.training.data import Batch
from nuke_matting.training.stages import Recipe, Stage


class Student(nn.Module, ABC):
    """A student.

    kind : the class of its recipes.
    takes_help : it is shown clean plates or guides, and so may learn from subjects that are not people.
    least : frames that each process needs in a step, for batch norm to have statistics.
    recipe : of its `kind`.
    net : the network, whose weights are kept.
    """

    kind: ClassVar[type[Recipe]]
    takes_help: ClassVar[bool]
    least: ClassVar[int] = 1
    recipe: Recipe
    net: nn.Module

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe

    @abstractmethod
    def forward(self, batch: Batch, stage: Stage, generator: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
        """Losses by name, weighted (to be summed), and the alpha [B, T, 1, h, w] at the coarse size, for a look.

        generator : of the CPU, whatever the device.
        """

    @property
    @abstractmethod
    def refinement(self) -> nn.Module:
        """The part of the network that has a learning rate of its own, since it starts last."""

    def fill(self, weights: WeightFile, helped: bool) -> None:
        """Takes the network's weights from a file. Raises ModelError: they are of another network.

        helped : what it is to learn is always shown with a clean plate or a guide.
        """
        self._check(weights)
        self._fill(weights, helped)

    def _check(self, weights: WeightFile) -> None:
        """Raises ModelError where they are of another network."""
        architecture = weights.metadata["architecture"]
        if architecture != self.recipe.model:
            raise ModelError(
                f"it is of the network {architecture}, the recipe of {self.recipe.model}",
                path=weights.path,
                advice="give weights of the recipe's own network",
            )

    def _fill(self, weights: WeightFile, helped: bool) -> None:
        fill(self.net, weights)

    @property
    def comes_after(self) -> bool:
        """Whether the recipe is of a network that comes after another one, which `follow` gives it."""
        return False

    def follow(self, weights: WeightFile, device: torch.device) -> None:
        """Has the network come after the one of a file, and learn from what that finds. Raises ModelError, UsageError.

        device : where both run.
        """
        raise UsageError(
            f"{self.recipe.model} comes after no other network", advice="leave out --after: it is for two_stage"
        )

    def learners(self, stage: Stage) -> Sequence[nn.Module]:
        """What learns in a stage, beside the refinement (see `refines`)."""
        return (self,) if stage.learns == "all" else ()

    def begin(self, stage: Stage, batches: Iterator[Batch], generator: torch.Generator) -> str:
        """Called once, when an earlier stage's weights are in and before the first step; what to tell of it, or "".

        batches : of the stage's kind, on the device, as many as are wanted. generator : of the CPU.
        """
        return ""

    def refines(self, stage: Stage) -> bool:
        """Whether the refinement learns in a stage; otherwise it stays as it is."""
        return stage.enlarge > 1

    @abstractmethod
    def about(self) -> dict[str, str]:
        """What the metadata of its weights say, so that the model of that name runs them as they were trained."""


def weighed(losses: Mapping[str, Tensor], weights: object) -> dict[str, Tensor]:
    """Each loss times its weight. weights : those of a recipe, which have the losses' names."""
    return {name: getattr(weights, name) * value for name, value in losses.items()}


@contextmanager
def at_work(net: nn.Module) -> Iterator[None]:
    """The network as it is at work: no gradients, batch norm and drop-out at rest. It then learns on as before."""
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training
        torch.clear_autocast_cache()  # autocast keeps the weights that it rounds, and these know no gradients
