"""What a training leaves to be looked at: the log of its losses, and pictures."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from nuke_matting.atomic import write_whole
from nuke_matting.training.data import Batch, reduce_clip
from nuke_matting.training.stages import Stage

SHOWN = 6  # samples in a picture


class Log:
    """A CSV file: step, seconds, and the mean of each loss since the line before, over the steps that had it.

    step : of the checkpoint that the run goes on from; what the file says of later steps is taken out.
    every : steps from line to line.
    Raises OutputError.
    """

    def __init__(self, path: Path, step: int, every: int) -> None:
        self._path, self._every = path, every
        self._since: dict[str, list[float]] = {}
        self._rows = [row for row in _rows(path) if row and (not row[0].isdecimal() or int(row[0]) <= step)]

    def add(self, step: int, seconds: float, losses: dict[str, float]) -> None:
        """A step's losses; writes a line after every so many of them. After a resumption it holds fewer."""
        for name, value in losses.items():
            self._since.setdefault(name, []).append(value)
        if step % self._every == 0:
            self._rows = self._rows or [["step", "seconds"]]
            head = self._rows[0]
            head += [name for name in self._since if name not in head]
            means = {name: f"{sum(values) / len(values):.5f}" for name, values in self._since.items()}
            self._rows.append([str(step), str(round(seconds)), *(means.get(name, "") for name in head[2:])])
            text = io.StringIO()
            csv.writer(text).writerows(self._rows)
            write_whole(self._path, text.getvalue().encode())
            self._since = {}


def _rows(path: Path) -> list[list[str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.reader(file))


def write_samples(path: Path, batch: Batch, alpha: Tensor, stage: Stage) -> None:
    """The last frames of some samples, a row each: image, alpha [B, T, 1, h, w] as the network says it, true alpha."""
    rows = []
    for index in range(min(SHOWN, len(batch.image))):
        image, true = (
            reduce_clip(each[index : index + 1, -1:], stage.enlarge)[0, 0].cpu() for each in (batch.image, batch.alpha)
        )
        mattes = [each.float().cpu().expand(3, -1, -1) for each in (alpha[index, -1], true)]
        rows.append(torch.cat([image, *mattes], 2))
    picture = (torch.cat(rows, 1).clamp(0, 1) * 255).byte().permute(1, 2, 0).numpy()
    write_whole(path, cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]))[1].tobytes())
