"""How a frame of a subject becomes a cut-out of the size that training needs, and a photograph its layers.

`folders` and `datasets` find subjects, `store` keeps their cut-outs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nuke_matting.errors import PlateError
from nuke_matting.plate.reader import align, read_frame
from nuke_matting.training.decoding import LEAST_ALPHA, decode, decode_srgb, encode_srgb, rec709, upright
from nuke_matting.training.resizing import LONG_SIDE, continued, crop, reduced
from nuke_matting.training.values import Cutout, Photograph, Picture, Sides, Subject

GREY = 12  # of 255; channels that differ by less have no colour


def read(subject: Subject, start: int = 0, count: int = 1, long_side: int = LONG_SIDE) -> list[Cutout]:
    """Consecutive frames, cropped alike to what shows in any of them, so that motion is kept, and reduced alike.

    A clip of fewer frames is run to and fro. Raises PlateError: missing, damaged, of unequal sizes, or empty;
    OutputError: the cache cannot be written.

    long_side : pixels; what is larger is reduced to it.
    """
    if subject.cache is not None:
        from nuke_matting.training.foregrounds import kept_estimate  # brings numba, which is slow to start

        subject = kept_estimate(subject)
    there = list(range(len(subject.frames)))
    there += there[-2:0:-1]
    order = [there[(start + step) % len(there)] for step in range(count)]
    known = {index: decode(subject.frames[index], index, subject.premultiplied) for index in sorted(set(order))}
    first = subject.frames[order[0]]
    if len({alpha.shape for _, alpha in known.values()}) > 1:
        raise PlateError(
            "frames of a clip have different sizes",
            path=first.foreground.parent,
            advice="if they are stills, name the layout: stills=DIR",
        )
    inside = crop(np.max([alpha for _, alpha in known.values()], axis=0), first)
    (rows, columns), (height, width) = inside, known[order[0]][1].shape
    ends = Sides(columns.start == 0, columns.stop == width, rows.start == 0, rows.stop == height)
    cuts = {
        index: _finish(subject.name, colour[inside], alpha[inside], subject.premultiplied, ends, long_side)
        for index, (colour, alpha) in known.items()
    }
    return [cuts[index] for index in order]


def read_photograph(picture: Picture, long_side: int = LONG_SIDE) -> Photograph:
    """The photograph that a picture whose `behind` is known was cut from, of at most `long_side` pixels. Raises
    PlateError."""
    assert picture.behind is not None
    colour, alpha = decode(picture)
    frame = read_frame(picture.behind, 0)
    behind = upright(align(rec709(frame), frame.data_window, frame.display_window), picture.behind)
    if behind.shape != colour.shape:
        raise PlateError(
            f"is {behind.shape[1]}x{behind.shape[0]}, its subject {colour.shape[1]}x{colour.shape[0]}",
            path=picture.behind,
            advice="make it again",
        )
    colour = continued(colour if colour.dtype == np.uint8 else encode_srgb(colour), alpha)
    behind = np.round(behind * 255).astype(np.uint8) if frame.colour.integer else encode_srgb(behind)
    colour, alpha, behind = (reduced(each, long_side) for each in (colour, alpha, behind))
    return Photograph(colour, np.round(alpha * 255).astype(np.uint8), behind)


def _finish(
    name: str, colour: NDArray, alpha: NDArray[np.float32], premultiplied: bool, ends: Sides, long_side: int
) -> Cutout:
    eight = colour.dtype == np.uint8
    if max(alpha.shape) > long_side or premultiplied:
        linear = decode_srgb(colour)
        linear = linear if premultiplied else linear * alpha[..., None]  # colour counts as much as it shows
        linear, alpha = reduced(linear, long_side), reduced(alpha, long_side)
        colour = linear / np.maximum(alpha, LEAST_ALPHA)[..., None]
    colour = continued(colour, alpha)
    if eight and colour.dtype != np.uint8:
        colour = encode_srgb(colour)
    coded = colour if eight else encode_srgb(colour)
    grey = bool((np.ptp(coded.astype(np.int16), axis=2) < GREY).mean() > 0.98)
    return Cutout(name, np.ascontiguousarray(colour), np.round(alpha * 255).astype(np.uint8), grey, ends)
