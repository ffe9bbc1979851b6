"""Learning from each drawn batch several times over, each time varied, where drawing is slower than learning.

Choi et al. 2019, "Faster Neural Network Training with Data Echoing": what is drawn goes to more than one step. The last
batches stay on the device that learns, and are varied there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from nuke_matting.training.data import LAYERS, Batch, Sources, loader
from nuke_matting.training.stages import Stage

KEPT = 24  # batches that steps choose from
CLOSEST = 0.75  # of the frame's sides that a varied one shows
COLOURED = ("image", "foreground", "clean")


def batches(
    sources: Sources, stage: Stage, seed: int, start: int, device: torch.device, workers: int = 1
) -> Iterator[Batch]:
    """The batches of a stage's steps from `start` on, on the device.

    One is drawn for every `stage.echo` steps, and learnt from as it is; the other steps take one of the last KEPT,
    varied. The same seed gives the same batches from whichever step on. Raises MattingError.
    """
    first = max(0, start // stage.echo - KEPT + 1) if stage.echo > 1 else start
    count = -(-stage.steps // stage.echo)
    fresh = loader(sources, replace(stage, steps=count), seed, first, workers)
    kept: deque[Batch] = deque(maxlen=KEPT)
    drawn = first
    for step in range(start, stage.steps):
        while drawn <= step // stage.echo:
            kept.append(to(next(fresh), device))
            drawn += 1
        if step % stage.echo == 0:
            yield kept[-1]
            continue
        random = torch.Generator().manual_seed(seed * 104_729 + step)
        yield varied(kept[int(torch.randint(len(kept), (), generator=random))], random)


def to(batch: Batch, device: torch.device) -> Batch:
    """The same on a device."""
    return Batch(*(getattr(batch, name).to(device) for name in Batch.__dataclass_fields__))


def varied(batch: Batch, random: torch.Generator) -> Batch:
    """Each clip mirrored or not, somewhat closer, and of other colours; all its layers alike.

    random : of the CPU, whatever the batch's device.
    """
    b, device = len(batch.image), batch.image.device
    sides = 1 - (1 - CLOSEST) * torch.rand(b, 1, generator=random)
    sides = (sides * torch.exp(0.05 * torch.randn(b, 2, generator=random))).clamp(CLOSEST, 1)
    centre = (1 - sides) * (2 * torch.rand(b, 2, generator=random) - 1)
    mirrored = torch.where(torch.rand(b, generator=random) < 0.5, -1.0, 1.0)
    matrix = torch.zeros(b, 2, 3)
    matrix[:, 0, 0], matrix[:, 1, 1], matrix[:, :, 2] = sides[:, 0] * mirrored, sides[:, 1], centre
    layers = {name: getattr(batch, name).flatten(1, 2) for name in LAYERS}
    channels = [each.shape[1] for each in layers.values()]
    stacked = torch.cat(list(layers.values()), 1)
    grid = F.affine_grid(matrix.to(device), list(stacked.shape), align_corners=False)
    moved = F.grid_sample(stacked, grid, padding_mode="reflection", align_corners=False).split(channels, 1)
    clips = {name: each.unflatten(1, getattr(batch, name).shape[1:3]) for name, each in zip(layers, moved, strict=True)}
    gain = torch.exp(0.08 * torch.randn(b, 1, 1, 1, 1, generator=random) + _tint(b, random)).to(device)
    return Batch(**clips | {name: clips[name] * gain for name in COLOURED}, guided=batch.guided)


def _tint(count: int, random: torch.Generator) -> Tensor:
    return 0.04 * torch.randn(count, 1, 3, 1, 1, generator=random)
