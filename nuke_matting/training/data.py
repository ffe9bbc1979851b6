"""Batches of samples as tensors, drawn by a background process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from nuke_matting.training.composite import Compositor
from nuke_matting.training.sources import Person, load_backgrounds, load_people
from nuke_matting.training.stages import Stage

REREAD = 200  # batches after which the folders of people are read again, since they may be growing


@dataclass(frozen=True)
class Sources:
    """Folders to draw from. people : (folder, weight) pairs; backgrounds : folders of photographs and panoramas."""

    people: tuple[tuple[Path, float], ...]
    backgrounds: tuple[Path, ...]


@dataclass(frozen=True)
class Batch:
    """Tensors [B, T, C, H, W]: see `composite.Sample`."""

    image: Tensor
    foreground: Tensor
    alpha: Tensor
    clean: Tensor
    guide: Tensor


class Batches(IterableDataset):
    """Batches of a stage, from `start` on. The same seed and sources give the same batches."""

    def __init__(self, sources: Sources, stage: Stage, seed: int, start: int) -> None:
        self.sources, self.stage, self.seed, self.start = sources, stage, seed, start

    def __iter__(self) -> Iterator[Batch]:
        cv2.setNumThreads(1)
        backgrounds = [each for folder in self.sources.backgrounds for each in load_backgrounds(folder)]
        known: dict[Path, dict[str, Person]] = {}
        for step in range(self.start, self.stage.steps):
            if (step - self.start) % REREAD == 0:
                known = {folder: load_people(folder, known.get(folder, {})) for folder, _ in self.sources.people}
            groups = [(weight, list(known[folder].values())) for folder, weight in self.sources.people]
            # counted from the step, so that a resumed run goes on as the unbroken one would
            draw = Compositor(groups, backgrounds, seed=self.seed * 1_000_003 + step)
            yield self._batch(draw)

    def _batch(self, draw: Compositor) -> Batch:
        stage = self.stage
        height, width = stage.sizes[draw.random.integers(len(stage.sizes))]
        height, width = round(height * stage.enlarge), round(width * stage.enlarge)
        samples = [draw.sample(height, width, stage.frames) for _ in range(stage.batch)]
        return Batch(*(_tensor([getattr(each, name) for each in samples]) for name in Batch.__dataclass_fields__))


def _tensor(clips: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.stack(clips), np.float32)).permute(0, 1, 4, 2, 3).contiguous()


def loader(sources: Sources, stage: Stage, seed: int, start: int) -> DataLoader:
    """The batches, made two ahead in one background process."""
    return DataLoader(Batches(sources, stage, seed, start), batch_size=None, num_workers=1, prefetch_factor=2)
