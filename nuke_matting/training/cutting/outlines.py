"""Mattes of real people, cut out of photographs along outlines that somebody has looked at.

An outline is right to a few pixels, as a roto shape is; closed-form matting (Levin et al. 2008) finds the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.cutting.matte import band_matte, write_cut
from nuke_matting.training.cutting.tables import check_names, read_table
from nuke_matting.training.pairs import is_there, read_picture
from nuke_matting.training.resizing import reduced

LONG_SIDE = 512  # of the cut-outs; larger photographs are reduced
BAND = 60  # the matted band reaches this part of the long side to each side of the outline
Ring = NDArray[np.float64]  # [N, 2]: x, y in shares of the picture's width and height


def read_outlines(path: Path) -> dict[str, list[Ring]]:
    """The rings around each photograph's people, a ring within another being a hole.

    From a CSV with the columns photograph (a file's name) and outline (x y x y ..., thousandths of the width and of the
    height), a row for each ring. Raises UsageError.
    """
    outlines: dict[str, list[Ring]] = {}

    def ring(row: dict[str, str]) -> tuple[str, Ring]:
        points = np.asarray([int(each) for each in row["outline"].split()]).reshape(-1, 2)
        if len(points) < 3:
            raise ValueError(f"an outline of {len(points)} points")
        return row["photograph"], points / 1000

    for photograph, found in read_table(path, "outlines", "photograph, outline (x y x y ...)", ring):
        outlines.setdefault(photograph, []).append(found)
    return outlines


def inside(rings: list[Ring], height: int, width: int) -> NDArray[np.uint8]:
    """The mask [H, W], 0 or 1."""
    mask = np.zeros((height, width), np.uint8)
    points = [np.round(ring * (width, height) - 0.5).astype(np.int32) for ring in rings]
    cv2.fillPoly(mask, points, 1)
    return mask


def cut_photographs(folder: Path, outlines: Path, out: Path) -> Iterator[tuple[int, int, int]]:
    """Writes the mattes; yields how many photographs were looked at, of how many, and how many mattes are there.

    Raises UsageError; PlateError: one of the photographs cannot be read.
    """
    found, kept = read_outlines(outlines), 0
    check_names(found, outlines)
    for done, (name, rings) in enumerate(found.items(), 1):
        stem = Path(name).stem
        if not is_there(out, stem):
            picture = reduced(read_picture(folder / name), LONG_SIDE)
            mask = inside(rings, *picture.shape[:2])
            matte = band_matte(picture / 255.0, mask, max(2, max(mask.shape) // BAND))
            if matte is not None:
                write_cut(out, stem, *matte)
        kept += is_there(out, stem)
        yield done, len(found), kept
