"""What a training leaves to be looked at: the log of its losses, and pictures."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from nuke_matting.plate.atomic import write_whole
from nuke_matting.training.data import Batch, reduce_clip
from nuke_matting.training.stages import Stage

SHOWN = 6  # samples in a picture


class Log:
    """A CSV file: step, seconds, and the mean of each loss since the line before.

    step : of the checkpoint that the run goes on from; what the file says of later steps is taken out.
    every : steps from line to line.
    Raises OutputError.
    """

    def __init__(self, path: Path, step: int, every: int) -> None:
        self._path, self._every = path, every
        self._sums: dict[str, float] = {}
        self._count = 0
        self._rows = [row for row in _rows(path) if row and (not row[0].isdecimal() or int(row[0]) <= step)]

    def add(self, step: int, seconds: float, losses: dict[str, float]) -> None:
        """A step's losses; writes a line after every so many of them. After a resumption it holds fewer."""
        self._count += 1
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        if step % self._every == 0:
            self._rows = self._rows or [["step", "seconds", *losses]]
            means = (f"{total / self._count:.5f}" for total in self._sums.values())
            self._rows.append([str(step), str(round(seconds)), *means])
            text = io.StringIO()
            csv.writer(text).writerows(self._rows)
            write_whole(self._path, text.getvalue().encode())
            self._sums, self._count = {}, 0


def _rows(path: Path) -> list[list[str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.reader(file))


def write_picture(path: Path, batch: Batch, alpha: Tensor, stage: Stage) -> None:
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
