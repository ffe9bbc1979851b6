"""What goes with a frame of the plate, brought onto its pixels: a clean plate, a guide, the matte of a key frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nuke_matting.colour.processor import ColourPipe
from nuke_matting.errors import PlateError, UsageError
from nuke_matting.plate.frame import Frame, Window
from nuke_matting.plate.reader import align, read_matte
from nuke_matting.plate.sequence import ImageSequence

REFORMAT = "reformat it to the plate's format"


def file_of(given: ImageSequence, frame: int) -> Path:
    """The file that goes with a frame: a single one goes with each. Raises PlateError where there is none for it."""
    if not given.still and frame not in given.frame_set:
        raise PlateError(
            "the frame is missing",
            path=given.path(frame),
            frame=frame,
            advice="give a sequence that covers the frames, or a single file",
        )
    return given.path(frame)


def coverage(path: Path, plate: Frame, what: str) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """A matte that was given, on the plate's data window, in [0, 1], 0 where it has no pixels; and notes.

    what : it is, for the notes. Raises PlateError.
    """
    matte = read_matte(path, plate.number, painted=True)
    lies = placed(matte.data_window, matte.display_window, plate, path)
    notes = tuple(f"the {what} {remark}" for remark in matte.remarks())
    return np.clip(align(matte.pixels, lies, plate.data_window), 0, 1), notes


def says_nothing(guide: NDArray[np.float32]) -> tuple[str, ...]:
    """A note of a guide, as of `coverage`, that tells no place from another."""
    least, most = float(guide.min()), float(guide.max())
    return (f"the guide is {least:g} everywhere",) if least == most and least in (0.0, 1.0) else ()


def clean_pixels(read: Frame, colour: ColourPipe, plate: Frame) -> NDArray[np.float32]:
    """A clean plate [H, W, 3] in the model space, on the plate's data window; not a number where it has no pixels.

    read : with its holes. Raises PlateError.
    """
    have = placed(read.data_window, read.display_window, plate, read.path)
    shown = colour.to_model(read.pixels)
    if read.non_finite:
        shown[np.isnan(read.pixels).any(axis=2)] = np.nan
    return align(shown, have, plate.data_window, fill=np.nan)


def placed(data: Window, display: Window, plate: Frame, path: Path) -> Window:
    """Where the pixels of another file lie in the plate's coordinates: both formats are the same picture, wherever
    each begins.

    data, display : the file's own windows. Raises PlateError where its format is of another size.
    """
    mine = plate.display_window
    if (misfit := _misfit(display, mine)) is not None:
        raise PlateError(misfit, path=path, frame=plate.number, advice=REFORMAT)
    return Window(data.x + mine.x - display.x, data.y + mine.y - display.y, data.width, data.height)


def refuse_misfit(path: Path, display: Window, plate: Window) -> None:
    """Raises UsageError for a file whose format is of another size than the plate's."""
    if (misfit := _misfit(display, plate)) is not None:
        raise UsageError(misfit, path=path, advice=REFORMAT)


def _misfit(display: Window, plate: Window) -> str | None:
    if (display.width, display.height) == (plate.width, plate.height):
        return None
    return f"is {display.width}x{display.height} and the plate {plate.width}x{plate.height}"
