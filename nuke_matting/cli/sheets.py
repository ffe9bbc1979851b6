"""Contact sheets of frames on disk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nuke_matting.colour.model_space import srgb_curve
from nuke_matting.colour.processor import open_colour
from nuke_matting.errors import UsageError
from nuke_matting.plate.reader import align, read_frame
from nuke_matting.plate.sequence import Sequence
from nuke_matting.quality.sheet import Row

SHOWN = 12  # most frames on a sheet


def sheet_row(
    label: str,
    plate: Sequence,
    frame: int,
    alpha: NDArray[np.float32],
    colour: tuple[str, str],
    truth: NDArray[np.float32] | None = None,
) -> Row:
    """A frame's row: the plate as it looks on an sRGB display.

    alpha, truth : [H, W], of the plate's data window or of its whole format.
    colour : the OCIO config and the colour space of the plate, "" for what `matte` would take.

    Raises PlateError, ColourError, UsageError: the alpha is of neither size.
    """
    read = read_frame(plate.path(frame), frame)
    pipe = open_colour(*colour, read.colour, read.path)
    rgb = np.clip(srgb_curve(pipe.to_linear_rec709(read.pixels)), 0, 1)
    if alpha.shape != rgb.shape[:2]:
        rgb = align(rgb, read.data_window, read.display_window)
    if alpha.shape != rgb.shape[:2]:
        raise UsageError(
            "is of another size than its matte",
            path=read.path,
            frame=frame,
            advice="give the plate that the mattes are of",
        )
    return Row(label, rgb, alpha, truth)
