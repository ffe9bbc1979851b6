"""The figures of a frame, and of a clip: what the tables show.

A figure that has no value is left out: dtSSD of a first frame, a region that the frame does not have, the foreground
where none was given, soft IoU where the truth is empty, as a speck in the matte would make it 0. A clip's figure is the
mean over the frames that have it, a set's the mean over its clips.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuke_matting.quality.metrics import conn, dtssd, foreground_mse, grad, mad, mse, sad, soft_iou
from nuke_matting.quality.regions_of_matte import region_mads

Figures = dict[str, float]

# name -> title; in the order of the papers' tables
TITLES = {
    "mad": "MAD",
    "mse": "MSE",
    "grad": "Grad",
    "conn": "Conn",
    "dtssd": "dtSSD",
    "sad": "SAD",
    "soft_iou": "soft IoU",
    "fg_mse": "FG MSE",
    "core": "core",
    "edge": "edge",
    "hair": "hair",
    "outside": "outside",
}
UNITS = (
    "MAD, MSE, FG MSE x 1e3; dtSSD x 1e2; Grad, Conn, SAD / 1e3; soft IoU: 1 is the truth; "
    "core, edge, hair, outside: MAD there; -: none"
)
DECIMALS = {"soft_iou": 3}  # that a table shows; of the others 2


@dataclass(frozen=True, eq=False)
class Sample:
    """A frame's matte and its truth.

    alpha, truth : [H, W] in [0, 1].
    foreground, true_foreground : [H, W, 3], straight, scene-linear; both or none.
    remarks : how their files were read, each of what and how: ("truth", "is a colour picture: its red was read").
    """

    alpha: NDArray
    truth: NDArray
    foreground: NDArray | None = None
    true_foreground: NDArray | None = None
    remarks: tuple[tuple[str, str], ...] = ()


def frame_figures(sample: Sample, before: Sample | None = None) -> Figures:
    """The figures of one frame.

    before : the frame just before it, for dtSSD; one of another size is no such frame.

    Raises UsageError where the shapes of a sample differ.
    """
    alpha, truth = sample.alpha, sample.truth
    found = {each.__name__: each(alpha, truth) for each in (mad, mse, grad, conn, sad)} | region_mads(alpha, truth)
    if before is not None and before.alpha.shape == alpha.shape:
        found["dtssd"] = dtssd(alpha, before.alpha, truth, before.truth)
    subject = bool((truth > 0).any())
    if subject:
        found["soft_iou"] = soft_iou(alpha, truth)
    if sample.foreground is not None and sample.true_foreground is not None and subject:
        found["fg_mse"] = foreground_mse(sample.foreground, sample.true_foreground, truth)
    return {name: found[name] for name in TITLES if name in found}


def clip_figures(samples: Iterable[Sample]) -> Figures:
    """The figures of a clip of frames that follow each other; empty for a clip without frames."""
    rows, before = [], None
    for sample in samples:
        rows.append(frame_figures(sample, before))
        before = sample
    return mean_figures(rows)


def mean_figures(rows: Iterable[Figures]) -> Figures:
    """Each figure's mean over the rows that have it.

    >>> mean_figures([{"mad": 1.0}, {"mad": 2.0, "dtssd": 4.0}, {}])
    {'mad': 1.5, 'dtssd': 4.0}
    """
    rows = list(rows)
    values = {name: [row[name] for row in rows if name in row] for name in TITLES}
    return {name: float(np.mean(found)) for name, found in values.items() if found}
