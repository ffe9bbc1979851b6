"""The files that subjects are kept in, `NAME_fg.png`, straight colour, and `NAME_alpha.png`; what they are cut from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.atomic import write_whole
from nuke_matting.errors import PlateError


def read_picture(path: Path, grey: bool = False) -> NDArray[np.uint8]:
    """A picture in 8 bits, [H, W, 3] in BGR order, or [H, W] if grey. Raises PlateError."""
    try:
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
    except cv2.error:  # its header claims more pixels than OpenCV takes
        picture = None
    if picture is None:
        raise PlateError("is no picture that can be read", path=path, advice="check the folder and the file")
    return picture.astype(np.uint8, copy=False)


def is_there(folder: Path, name: str) -> bool:
    """Whether a pair has been written, all of it."""
    return (folder / f"{name}_alpha.png").exists()


def is_fresh(made: Iterable[Path], sources: Iterable[Path]) -> bool:
    """Whether all of some files are there, and none is older than one of those that they were made from."""
    try:
        oldest = min(each.stat().st_mtime for each in made)
    except OSError:
        return False
    return oldest >= max(each.stat().st_mtime for each in sources if each.exists())


def write_pair(folder: Path, name: str, colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> None:
    """Writes a subject's 8-bit sRGB colour [H, W, 3] and its alpha [H, W], each whole or not at all.

    The alpha comes last, as a pair without it is not taken for one. Raises OutputError.
    """
    write_picture(folder / f"{name}_fg.png", colour[..., ::-1])
    write_picture(folder / f"{name}_alpha.png", alpha)


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Writes a PNG, [H, W] or [H, W, 3] in BGR order, whole or not at all. Raises OutputError."""
    coded = cv2.imencode(".png", np.ascontiguousarray(picture), [cv2.IMWRITE_PNG_COMPRESSION, 3])[1]
    write_whole(path, coded.tobytes())
