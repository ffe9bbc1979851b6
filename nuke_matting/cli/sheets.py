"""Contact sheets of frames on disk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nuke_matting.colour.model_space import srgb_curve
from nuke_matting.colour.processor import open_colour
from nuke_matting.errors import UsageError
from nuke_matting.plate.reader import read_frame
from nuke_matting.plate.sequence import ImageSequence, found_among
from nuke_matting.quality.clips import Colour, whole
from nuke_matting.quality.sheet import Row

SHOWN = 12  # most frames on a sheet


def must_be_png(sheet: Path) -> None:
    """Raises UsageError for a name that is no PNG's, as a plate's or a script's, which would be written over."""
    if sheet.suffix.lower() != ".png":
        raise UsageError("is no name for a sheet", path=sheet, advice="end it in .png")


def must_be_no_input(outputs: Iterable[Path], inputs: Iterable[ImageSequence]) -> None:
    """Raises UsageError for an output that would be written over a file that is read."""
    taken = found_among(outputs, inputs)
    if taken is not None:
        raise UsageError("would be written over, and is an input", path=taken, advice="choose another name")


def sheet_row(
    label: str,
    plate: ImageSequence,
    frame: int,
    alpha: NDArray[np.float32],
    colour: Colour,
    truth: NDArray[np.float32] | None = None,
) -> Row:
    """A frame's row: the plate as it looks on an sRGB display.

    alpha, truth : [H, W], of the whole format.

    Raises PlateError, ColourError, UsageError: the alpha is of another size.
    """
    read = read_frame(plate.path(frame), frame)
    pipe = open_colour(colour.ocio, colour.colourspace, read.colour, read.path)
    shown = np.clip(srgb_curve(pipe.to_linear_rec709(read.pixels)), 0, 1)
    rgb = whole(shown, read.data_window, read.display_window, read.path, frame)
    (height, width), (matte_height, matte_width) = rgb.shape[:2], alpha.shape
    if rgb.shape[:2] != alpha.shape:
        raise UsageError(
            f"is {width}x{height}, of another size than its matte of {matte_width}x{matte_height}",
            path=read.path,
            frame=frame,
            advice="give the plate that the mattes are of",
        )
    return Row(label, rgb, alpha, truth)
