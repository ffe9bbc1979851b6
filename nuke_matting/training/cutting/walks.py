"""Mattes of people who walk through a shot, cut from a clip of one camera that stands still.

Frames of the same clip in which nobody is show what is behind, shadows aside: where a coloured floor is only darker, it
is floor. That starts a graph cut (GrabCut; Rother et al. 2004), whose border is refined by closed-form matting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.errors import UsageError
from nuke_matting.opencv import blurred, dilated, eroded
from nuke_matting.training.cutting.footage import read_clip
from nuke_matting.training.cutting.matte import band_matte, grab_cut, largest, without_holes, write_cut
from nuke_matting.training.cutting.tables import check_names, read_table
from nuke_matting.training.pairs import is_there

BAND = 2  # pixels to each side of the cut that are matted
SURELY, UNLIKE, LIKE = 45.0, 28.0, 9.0  # 8-bit steps from the empty frame: it, maybe it, as good as what is behind
REACH = 31  # pixels across, around what is unlike, in which the cut may be
DARKEST = 0.4  # of what is behind, in a shadow
COLOURED = (40.0, 80.0)  # 8-bit steps between channels: from here a shadow can be told, from here it surely can
MOST_HOLE = 0.0005  # of the picture


@dataclass(frozen=True)
class Walk:
    """A frame of a clip with somebody in it, and the frames from `first` to `last` without anybody."""

    clip: str
    frame: int
    first: int
    last: int


def read_walks(path: Path) -> list[Walk]:
    """From a CSV with the columns clip, frame, first, last; numbers count from 0. Raises UsageError."""

    def walk(row: dict[str, str]) -> Walk:
        frame, first, last = (int(row[key]) for key in ("frame", "first", "last"))
        if not 0 <= first <= last or frame < 0:
            raise ValueError(f"frames {frame}, {first} to {last} of {row['clip']}")
        return Walk(row["clip"], frame, first, last)

    return read_table(path, "walks", "clip, frame, first, last", walk)


def as_exposed(behind: NDArray[np.float32], picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What is behind [H, W, 3], as bright as the picture has it: cameras change their exposure when somebody enters."""
    gains = np.median((picture.astype(np.float32) + 2) / (behind + 2), axis=(0, 1))
    return np.clip(behind * gains, 0, 255)


def unlikeness(picture: NDArray[np.uint8], behind: NDArray[np.float32]) -> tuple[NDArray, NDArray]:
    """How far a picture [H, W, 3] is from what is behind: [H, W] in 8-bit steps; and again, with shadows for like.

    A shadow keeps a colour's direction; greys have none to be told by.
    """
    seen, empty = (blurred(each.astype(np.float32), 1.2) for each in (picture, behind))
    plain = np.abs(seen - empty).max(-1)
    shade = np.clip((seen * empty).sum(-1) / ((empty**2).sum(-1) + 1), DARKEST, 1.1)
    off = np.abs(seen - shade[..., None] * empty).max(-1)
    told = np.interp(empty.max(-1) - empty.min(-1), COLOURED, (0, 1))
    return plain, plain * (1 - told) + np.minimum(plain, 1.3 * off) * told


def cut(picture: NDArray[np.uint8], behind: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The person's mask, 0 or 1, [H, W]; all 0 where nobody is."""
    plain, unlike = unlikeness(picture, behind)
    labels = np.where(unlike > UNLIKE, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    near = dilated((unlike > UNLIKE).astype(np.uint8), np.ones((REACH, REACH), np.uint8))
    labels[(plain < LIKE) | (near == 0)] = cv2.GC_BGD
    core = largest(eroded((unlike > SURELY).astype(np.uint8), np.ones((5, 5), np.uint8)))
    if not core.any():
        return core
    labels[core > 0] = cv2.GC_FGD
    # nothing may be like the empty shot, as when the lights were off in one of the two
    return without_holes(grab_cut(picture, labels, 4), MOST_HOLE)


def cut_walks(folder: Path, table: Path, out: Path) -> Iterator[tuple[int, int, int]]:
    """Writes the mattes of a table's frames. Yields pictures done, of how many, and how many mattes are there.

    Raises MattingError: a clip cannot be read, or has no such frames.
    """
    walks, kept = read_walks(table), 0
    check_names((walk.clip for walk in walks), table)
    clips: dict[str, NDArray[np.uint8]] = {}
    empty: dict[tuple[str, int, int], NDArray[np.float32]] = {}  # of many frames the same
    for done, walk in enumerate(walks, 1):
        name = f"{Path(walk.clip).stem}_{walk.frame:04d}"
        if not is_there(out, name):
            if walk.clip not in clips:
                clips = {walk.clip: read_clip(folder / walk.clip)}  # one at a time is held
            clip = clips[walk.clip]
            if max(walk.frame, walk.last) >= len(clip):
                raise UsageError(
                    f"names frame {max(walk.frame, walk.last)} of {walk.clip}, which has {len(clip)}",
                    path=table,
                    advice="frames count from 0",
                )
            picture = clip[walk.frame]
            key = walk.clip, walk.first, walk.last
            if key not in empty:
                empty[key] = np.median(clip[walk.first : walk.last + 1], axis=0).astype(np.float32)
            mask = cut(picture, as_exposed(empty[key], picture))
            matte = band_matte(picture / 255.0, mask, BAND) if mask.any() else None
            if matte is not None:
                write_cut(out, name, *matte)
        kept += is_there(out, name)
        yield done, len(walks), kept
