"""The processes of one training: this one alone, or several that torchrun has started, a GPU each or all on the CPU."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from nuke_matting.errors import MattingError, UsageError
from nuke_matting.training.stages import Stage

GO_ON = "the same command goes on from the last checkpoint"
_BROKEN = ("gloo", "nccl", "closed by peer", "reset by peer")  # words of torch's where another process is gone


@dataclass(frozen=True)
class Processes:
    """This process among those of the training: its number, how many there are, and its device."""

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this one writes files and reports."""
        return self.rank == 0

    def share(self, stage: Stage) -> Stage:
        """The stage with this process's part of each batch. Raises UsageError: it cannot be shared evenly."""
        if stage.batch % self.count:
            raise UsageError(
                f"a batch of {stage.batch} cannot be shared evenly among {self.count} processes",
                advice="start as many as divide it, or change the recipe's batch",
            )
        return replace(stage, batch=stage.batch // self.count)

    def wrap(self, module: nn.Module) -> nn.Module:
        """The module as it is called to learn: with the first process's values, and the means of all gradients."""
        if self.count == 1:
            return module
        # what only some steps use, such as the guess of a clean plate, has no gradient in the others
        return DistributedDataParallel(module, find_unused_parameters=True)

    def any(self, here: bool) -> bool:
        """Whether it is so in any process. All must ask, at the same step."""
        return bool(self.most(float(here)))

    def most(self, here: float) -> float:
        """The highest of all processes' values. All must ask, at the same step. Raises MattingError: one has ended."""
        if self.count == 1:
            return here
        told = torch.tensor(here, device=self.device, dtype=torch.float64)
        try:
            dist.all_reduce(told, dist.ReduceOp.MAX)
            return told.item()
        except RuntimeError as error:
            if is_lost(error):
                raise lost() from error
            raise


def is_lost(error: RuntimeError) -> bool:
    """Whether an error of torch's means that another process has ended; mostly its text alone says so."""
    text = str(error).lower()
    return isinstance(error, dist.DistError) or any(each in text for each in _BROKEN)


def lost() -> MattingError:
    """That another process has ended, which says itself why."""
    return MattingError("another process of the training has ended", advice=f"see its line above; {GO_ON}")


@contextmanager
def joined() -> Iterator[Processes]:
    """Joins the processes that torchrun started (NCCL on GPUs, else gloo); without torchrun this one is alone."""
    gpu = torch.cuda.is_available()
    torch.backends.cudnn.benchmark = True  # a stage has few sizes, again and again
    if not dist.is_torchelastic_launched():
        yield Processes(torch.device("cuda" if gpu else "cpu"))
        return
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if gpu else torch.device("cpu")
    if gpu:
        if torch.cuda.device_count() <= device.index:
            raise UsageError(
                f"there are {torch.cuda.device_count()} GPUs and more processes", advice="start a process a GPU"
            )
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if gpu else "gloo")
    try:
        yield Processes(device, dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
