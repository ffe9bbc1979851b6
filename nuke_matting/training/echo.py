"""Learning from each drawn batch several times over, each time remixed, where drawing is slower than learning.

Choi et al. 2019, "Faster Neural Network Training with Data Echoing": what is drawn goes to more than one step. The last
batches stay on the device that learns, and are remixed there; of each pixel eight numbers are kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import replace

import torch

from nuke_matting.training.data import Batch, Sources, loader
from nuke_matting.training.remix import remixed
from nuke_matting.training.stages import Stage

KEPT = 24  # batches that steps choose from


def batches(
    sources: Sources, stage: Stage, seed: int, start: int, device: torch.device, workers: int = 1
) -> Generator[Batch, None, None]:
    """The batches of a stage's steps from `start` on, on the device.

    One is drawn for every `stage.echo` steps, and learnt from as it is; the other steps make theirs of the last KEPT.
    The same seed gives the same batches from whichever step on. Close it, and the processes end that draw them. Raises
    MattingError.
    """
    most = KEPT if stage.echo > 1 else 1
    kept: deque[Batch] = deque(maxlen=most)
    first = max(0, start // stage.echo - most + 1)
    count = -(-stage.steps // stage.echo)
    fresh = loader(sources, replace(stage, steps=count), seed, first, workers)
    drawn = first
    whole: Batch | None = None
    try:
        for step in range(start, stage.steps):
            while drawn <= step // stage.echo:
                whole = to(next(fresh), device)
                kept.append(lean(whole))
                drawn += 1
            batch = whole if step % stage.echo == 0 else None
            whole = None
            yield echoed(kept, seed, step) if batch is None else batch
    finally:
        fresh.close()


def echoed(kept: Sequence[Batch], seed: int, step: int) -> Batch:
    """A step's batch: the subjects of one of those kept, over the backgrounds of another of its size, or its own.

    But over none of photographs as they were taken, if there are others: where somebody was they are made up.
    """
    random = torch.Generator().manual_seed(seed * 104_729 + step)
    batch = kept[int(torch.randint(len(kept), (), generator=random))]
    others = [each for each in kept if each.behind.shape == batch.behind.shape]
    other = others[int(torch.randint(len(others), (), generator=random))]
    order = torch.randperm(len(other.behind), generator=random).to(other.behind.device, non_blocking=True)
    order = order[other.in_place[order].to(torch.uint8).argsort(stable=True)]
    known = (~other.in_place).sum().clamp(min=1)
    return remixed(batch, other.behind[order[torch.arange(len(order), device=order.device) % known]], random)


def lean(batch: Batch) -> Batch:
    """The batch as it is kept: without the layers that `remixed` makes anew, 43 % of it."""
    return replace(batch, image=batch.behind, clean=batch.behind)


def to(batch: Batch, device: torch.device) -> Batch:
    """The same on a device."""
    return Batch(*(getattr(batch, name).to(device) for name in Batch.__dataclass_fields__))
