"""Batches of samples as tensors, drawn by a background process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from nuke_matting.errors import MattingError
from nuke_matting.training.composite import Compositor, Groups
from nuke_matting.training.datasets import KNOWN, Source, find_subjects
from nuke_matting.training.folders import as_stills
from nuke_matting.training.resizing import LONG_SIDE
from nuke_matting.training.stages import Stage
from nuke_matting.training.store import MEMORY, Store, find_backgrounds
from nuke_matting.training.values import Subject

REREAD = 200  # batches after which users' own folders are read again, since they may be growing
LARGEST = 1.2  # scale of pictures in stages that learn detail
LAYERS = ("image", "foreground", "alpha", "clean", "guide", "behind")  # the pictures of a batch
FLAGS = ("guided", "in_place")


@dataclass(frozen=True)
class Sources:
    """What is drawn from.

    people : sources of people; those of a known set that does not hold people alone count as others.
    backgrounds : folders of photographs and panoramas, with weights.
    others : sources of subjects that need not be people.
    things : weight of procedural things among the sources.
    foregrounds : where foreground colours are kept that have to be estimated; beside each set, if None.
    memory : bytes of decoded subjects that are kept, over all workers, and as many of backgrounds.
    """

    people: tuple[Source, ...]
    backgrounds: tuple[Source, ...]
    others: tuple[Source, ...] = ()
    things: float = 0.0
    foregrounds: Path | None = None
    memory: int = MEMORY

    @property
    def some_people(self) -> bool:
        """Whether subjects are drawn that may be shown without a clean plate and a guide."""
        return any(each.people and each.weight > 0 for each in self.people)

    @property
    def people_alone(self) -> bool:
        """Whether no other subjects are drawn."""
        others = [*self.others, *(each for each in self.people if not each.people)]
        return self.things == 0 and not any(each.weight > 0 for each in others)


@dataclass(frozen=True)
class Batch:
    """Tensors [B, T, C, H, W]: see `composite.Sample`; guided, in_place : [B] bool."""

    image: Tensor
    foreground: Tensor
    alpha: Tensor
    clean: Tensor
    guide: Tensor
    behind: Tensor
    guided: Tensor
    in_place: Tensor


class Batches(IterableDataset[Batch]):
    """Batches of a stage, from `start` on. The same seed and sources give the same batches, however many workers."""

    def __init__(self, sources: Sources, stage: Stage, seed: int, start: int) -> None:
        self.sources, self.stage, self.seed, self.start = sources, stage, seed, start

    def __iter__(self) -> Iterator[Batch]:
        cv2.setNumThreads(1)
        worker = get_worker_info()
        first, every = (worker.id, worker.num_workers) if worker else (0, 1)
        sides = [round(max(size) * self.stage.enlarge) for size in self.stage.sizes]
        store = Store(self.sources.memory // every, max(LONG_SIDE, *sides))
        largest = LARGEST if self.stage.enlarge > 1 else np.inf
        found: dict[Source, list[Subject]] = {}
        for count, step in enumerate(range(self.start + first, self.stage.steps, every)):
            if count % max(1, REREAD // every) == 0:
                people, others = self._subjects(found)
                backgrounds = [(each.weight, find_backgrounds(each.path)) for each in self.sources.backgrounds]
            # counted from the step, so that a resumed run goes on as the unbroken one would
            seed = self.seed * 1_000_003 + step
            yield self._batch(Compositor(people, backgrounds, seed, others, self.sources.things, store, largest))

    def _subjects(self, found: dict[Source, list[Subject]]) -> tuple[Groups, Groups]:
        """Subjects of people and of others. `found` : those of earlier calls; known sets do not grow.

        Where stills are drawn, each frame of a clip is one, or numbered stills of a folder would count as one picture.
        """
        people: list[tuple[float, list[Subject]]] = []
        others: list[tuple[float, list[Subject]]] = []
        for sources, group in ((self.sources.people, people), (self.sources.others, others)):
            for source in sources:
                if source not in found or source.layout not in KNOWN:
                    subjects = find_subjects(source, self.sources.foregrounds)
                    found[source] = as_stills(subjects) if self.stage.frames == 1 else subjects
                (group if source.people else others).append((source.weight, found[source]))
        return people, others

    def _batch(self, draw: Compositor) -> Batch:
        stage = self.stage
        height, width = stage.sizes[draw.random.integers(len(stage.sizes))]
        height, width = round(height * stage.enlarge), round(width * stage.enlarge)
        samples = [draw.sample(height, width, stage.frames) for _ in range(stage.batch)]
        layers = (_tensor([getattr(each, name) for each in samples]) for name in LAYERS)
        flags = (torch.tensor([getattr(each, name) for each in samples]) for name in FLAGS)
        return Batch(*layers, *flags)


def given(guided: Tensor, shown: float, together: bool, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Which samples of a batch are shown their clean plate and which their guide: two bool tensors [B, 1, 1, 1, 1].

    A guided sample is always shown one of them, as nothing else says what is wanted.

    guided : [B] bool.
    shown : how often each is, of the others.
    together : all samples have their clean plate or none.
    """
    count = len(guided)
    drawn = torch.rand(2, 1 if together else count, 1, 1, 1, 1, generator=generator) < shown
    clean, guide = drawn[0].expand(count, 1, 1, 1, 1), drawn[1].expand(count, 1, 1, 1, 1)
    lacking = guided.cpu().view(count, 1, 1, 1, 1) & ~clean & ~guide
    if lacking.any():
        by_clean = torch.rand(1 if together else count, 1, 1, 1, 1, generator=generator) < 0.5
        clean = clean | (by_clean & (lacking.any() if together else lacking))
        guide = guide | (lacking & ~by_clean)
    return clean.to(guided.device), guide.to(guided.device)


def layers_of(batch: Batch, factor: float) -> dict[str, Tensor]:
    """The pictures of a batch by name, [B, T, C, H, W], smaller by a factor; as they are where it is 1."""
    return {name: reduce_clip(getattr(batch, name), factor) for name in LAYERS}


def flat(clips: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Pictures by name, [B, T, C, H, W] -> [B * T, C, H, W]."""
    return {name: each.flatten(0, 1) for name, each in clips.items()}


def reduce_clip(clip: Tensor, factor: float) -> Tensor:
    """[B, T, C, H, W] -> [B, T, C, H / factor, W / factor], by area."""
    if factor == 1:
        return clip
    size = tuple(round(side / factor) for side in clip.shape[-2:])
    b = clip.shape[0]
    return F.interpolate(clip.flatten(0, 1), size=size, mode="bilinear", antialias=True).unflatten(0, (b, -1))


def _tensor(clips: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.stack(clips), np.float32)).permute(0, 1, 4, 2, 3).contiguous()


class _WithErrors(IterableDataset[Batch | MattingError]):
    """Batches that end with an error as a value: raised in a worker, it would come with a traceback for its message."""

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[Batch | MattingError]:
        try:
            yield from self.batches
        except MattingError as error:
            yield error


def loader(sources: Sources, stage: Stage, seed: int, start: int, workers: int = 1) -> Generator[Batch, None, None]:
    """The batches in their order. Close it, and the processes end that make them. Raises MattingError.

    workers : processes that make them, two ahead each; 0 makes them in this one.
    """
    batches = _WithErrors(Batches(sources, stage, seed, start))
    ahead = 2 if workers else None
    drawing = iter(
        DataLoader(
            batches, batch_size=None, num_workers=workers, prefetch_factor=ahead, worker_init_fn=_leave_interrupts
        )
    )
    try:
        for each in drawing:
            if isinstance(each, MattingError):
                raise each
            yield each
    finally:
        del drawing  # its processes end with it


def _leave_interrupts(_worker: int) -> None:
    """Ctrl-C and a farm's kill are for the process that trains: it ends its step first. Without it, workers end too.

    A kill that comes from it ends this one at once: it waits for that, were it to end for whatever reason.
    """
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    trainer = multiprocessing.parent_process()  # the one that forked this one may be a server, as newer Pythons have
    if trainer is not None and hasattr(signal, "sigwaitinfo"):  # elsewhere torch's own handler ends it, whoever asks
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_when_told, args=(trainer.pid,), daemon=True).start()


def _end_when_told(trainer: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != trainer:
        pass
    os._exit(0)
