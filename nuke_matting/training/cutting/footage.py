"""Mattes of real people, cut from clips of one camera that stands still.

A clip of somebody else shows what is behind: what looks like none of the others' clips is the person. That, a head that
somebody pointed at, and what hangs below it start a graph cut (GrabCut; Rother et al. 2004), whose border is refined by
closed-form matting as that of a portrait is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.errors import PlateError, UsageError
from nuke_matting.opencv import blurred
from nuke_matting.training.cutting.matte import band_matte, grab_cut, without_holes, write_cut
from nuke_matting.training.cutting.tables import check_names, read_table
from nuke_matting.training.pairs import is_there

BAND = 3  # pixels to each side of the cut that are matted
UNLIKE, LIKE = 28.0, 7.0  # 8-bit steps from what others' clips show: surely not it, as good as it
ABOVE = 60.0  # the same above a head, where a ceiling flickers
MOST_HOLE = 0.005  # of the picture; smaller holes are a badge, larger ones lie between arm and body


@dataclass(frozen=True)
class Head:
    """Where a clip's head is, in shares of the picture's width and height, and how wide; who it is, as a number.

    cut : whether mattes are cut of it; else it shows what is behind others, and is left to be looked at.
    """

    clip: str
    person: int
    x: float
    y: float
    size: float
    cut: bool = True


def read_heads(path: Path) -> list[Head]:
    """From a CSV with the columns clip, person, x, y, size, cut (yes or no, in any case). Raises UsageError."""

    def head(r: dict[str, str]) -> Head:
        x, y, size = (float(r[name]) for name in ("x", "y", "size"))
        if not (0 <= x <= 1 and 0 <= y <= 1 and 0 < size <= 1):
            raise ValueError(f"x {x:g}, y {y:g} and size {size:g} are no shares of the picture, from 0 to 1")
        cut = r["cut"].strip().lower()
        if cut not in ("yes", "no"):
            raise ValueError(f"cut is {r['cut']!r}, not yes or no")
        return Head(r["clip"], int(r["person"]), x, y, size, cut == "yes")

    return read_table(path, "heads", "clip, person, x, y, size (shares of the picture), cut (yes or no)", head)


def read_clip(path: Path) -> NDArray[np.uint8]:
    """All frames of a video, [T, H, W, 3] BGR. Raises PlateError."""
    video = cv2.VideoCapture(str(path))
    frames = []
    while (got := video.read())[0]:
        frames.append(got[1])
    if not frames:
        raise PlateError("is no video that can be read", path=path, advice="check the file")
    return np.stack(frames)


def unlikeness(picture: NDArray[np.uint8], behind: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far a picture [H, W, 3] is from what others' clips show at each pixel: [H, W], in 8-bit steps.

    behind : [N, H, W, 3], the medians of clips of other people. The second nearest counts: one may have the same cloth.
    """
    steps = np.sort(np.abs(behind - picture.astype(np.float32)).max(-1), axis=0)
    return blurred(steps[min(1, len(steps) - 1)], 1.5)


def cut(picture: NDArray[np.uint8], behind: NDArray[np.float32], head: Head) -> NDArray[np.uint8]:
    """The person's mask, 0 or 1, [H, W]; all 0 where nothing can be told from what is behind."""
    h, w = picture.shape[:2]
    unlike = unlikeness(picture, behind)
    x, y, size = round(head.x * w), round(head.y * h), head.size * w
    labels = np.where(unlike > UNLIKE, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    rows = np.arange(h)[:, None]
    labels[(unlike < LIKE) & (rows < y + size)] = cv2.GC_BGD
    labels[np.abs(np.arange(w) - x)[None].repeat(h, 0) > 2.9 * size] = cv2.GC_BGD
    shape = np.zeros((h, w), np.uint8)
    cv2.ellipse(shape, (x, round(y - 0.06 * size)), (round(0.56 * size), round(0.8 * size)), 0, 0, 360, 1, -1)
    labels[shape > 0] = cv2.GC_PR_FGD
    top = round(y - 1.05 * size)
    labels[(rows < top) & (unlike < ABOVE)] = cv2.GC_BGD
    core = np.zeros((h, w), np.uint8)
    cv2.ellipse(core, (x, y), (round(0.36 * size), round(0.52 * size)), 0, 0, 360, 1, -1)
    for below, half in ((0.5, 0.2), (1.5, 0.55)):  # neck, then body
        core[round(y + below * size) :, max(0, round(x - half * size)) : round(x + half * size)] = 1
    labels[core > 0] = cv2.GC_FGD
    return without_holes(grab_cut(picture, labels, 4), MOST_HOLE)


def cut_clips(folder: Path, heads: Path, out: Path, every: int) -> Iterator[tuple[int, int]]:
    """Writes the mattes of each `every`-th frame of the clips that heads are known of. One clip at a time is held.

    Yields how many pictures were looked at and how many mattes are there. Raises MattingError.
    """
    known = read_heads(heads)
    check_names((head.clip for head in known), heads)
    empty: dict[str, NDArray[np.float32]] = {}
    for row, head in enumerate(known, 2):
        empty[head.clip] = empty[head.clip] if head.clip in empty else _median(folder / head.clip)
        _check_same_size(empty[known[0].clip], empty[head.clip], known[0], head, row, heads)
    done = kept = 0
    for head in (each for each in known if each.cut):
        others = [empty[other.clip] for other in known if other.person != head.person]
        if not others:
            raise UsageError(
                f"nobody but person {head.person} is in it, so nothing shows what is behind",
                path=heads,
                advice="name a clip of another person before the same camera",
            )
        for there in _cut_clip(folder / head.clip, np.stack(others), head, out, every):
            done, kept = done + 1, kept + there
            yield done, kept


def _median(path: Path) -> NDArray[np.float32]:
    """What a clip mostly shows, [H, W, 3]. Raises PlateError."""
    return np.median(read_clip(path)[::6], axis=0).astype(np.float32)


def _check_same_size(one: NDArray, other: NDArray, first: Head, head: Head, row: int, heads: Path) -> None:
    """Raises UsageError where two clips' pictures [H, W, 3] differ in size."""
    if one.shape != other.shape:
        sizes = [f"{each.shape[1]}x{each.shape[0]}" for each in (other, one)]
        raise UsageError(
            f"row {row}: {head.clip} is {sizes[0]}, and {first.clip} {sizes[1]}",
            path=heads,
            advice="clips of one camera have one size; give those of another one a table of their own",
        )


def _cut_clip(path: Path, behind: NDArray[np.float32], head: Head, out: Path, every: int) -> Iterator[bool]:
    """Cuts the frames of one clip; whether each one's matte is there. Raises MattingError."""
    clip = read_clip(path)
    for number in range(every // 2, len(clip), every):
        name, picture = f"{Path(head.clip).stem}_{number:04d}", clip[number]
        if not is_there(out, name):
            mask = cut(picture, behind, head)
            matte = band_matte(picture / 255.0, mask, BAND) if mask.any() else None
            if matte is not None:
                write_cut(out, name, *matte)
        yield is_there(out, name)
