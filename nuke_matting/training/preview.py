"""A contact sheet of training samples, to be judged by eye before hours are spent on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from nuke_matting.quality.sheet import lay_out
from nuke_matting.training.data import Sources
from nuke_matting.training.echo import batches
from nuke_matting.training.stages import Stage

FEW = 6  # samples of a step's batch, of which one is shown: remixed ones are made of several
COLUMNS = ("image", "alpha", "foreground", "guide", "clean plate")


def sample_sheet(sources: Sources, stage: Stage, seed: int = 1, count: int = 12, width: int = 256) -> NDArray[np.uint8]:
    """A sample of each of a training's first `count` steps, drawn or remixed as there, a row for each of its frames:
    [h, w, 3] sRGB.

    Images are in the model space, at full size, scaled to `width` pixels. The network itself is shown the clean plate
    and the guide now and then only (see its recipe). Raises MattingError.
    """
    rows = []
    first = replace(stage, batch=FEW, steps=count)
    for step, batch in enumerate(batches(sources, first, seed, 0, torch.device("cpu"), workers=0)):
        height, across = batch.image.shape[-2:]
        subject = "any subject, guided" if batch.guided[0] else "people"
        layers = (batch.image, batch.alpha, batch.foreground, batch.guide, batch.clean)
        for frame in range(stage.frames):
            label = f"step {step}: {across}x{height}, {subject}"
            label += f", frame {frame + 1} of {stage.frames}" if stage.frames > 1 else ""
            pictures = (layer[0, frame].expand(3, -1, -1).permute(1, 2, 0).clamp(0, 1).numpy() for layer in layers)
            rows.append((label, list(pictures)))
    return lay_out(COLUMNS, rows, width)
