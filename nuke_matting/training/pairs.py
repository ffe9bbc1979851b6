"""The files that subjects are kept in, `NAME_fg.png`, straight colour, and `NAME_alpha.png`; what they are cut from."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.errors import OutputError, PlateError


def read_picture(path: Path, grey: bool = False) -> NDArray[np.uint8]:
    """A picture in 8 bits, [H, W, 3] in BGR order, or [H, W] if grey. Raises PlateError."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
    if picture is None:
        raise PlateError("is no picture that can be read", path=path, advice="check the folder and the file")
    return picture.astype(np.uint8, copy=False)


def is_there(folder: Path, name: str) -> bool:
    """Whether a pair has been written, all of it."""
    return (folder / f"{name}_alpha.png").exists()


def write_pair(
    folder: Path, name: str, colour: NDArray[np.uint8], alpha: NDArray[np.uint8], advice: str = "name another folder"
) -> None:
    """Writes a subject's 8-bit sRGB colour [H, W, 3] and its alpha [H, W], each whole or not at all.

    The alpha comes last, as a pair without it is not taken for one. Raises OutputError, with the advice.
    """
    write_picture(folder / f"{name}_fg.png", colour[..., ::-1], advice)
    write_picture(folder / f"{name}_alpha.png", alpha, advice)


def write_picture(path: Path, picture: NDArray[np.uint8], advice: str = "name another folder") -> None:
    """Writes a PNG, [H, W] or [H, W, 3] in BGR order, whole or not at all. Raises OutputError, with the advice."""
    part = path.with_name(f".{path.stem}.{os.getpid()}.png")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        coded = cv2.imencode(".png", np.ascontiguousarray(picture), [cv2.IMWRITE_PNG_COMPRESSION, 3])[1]
        part.write_bytes(coded.tobytes())
        part.replace(path)
    except OSError as error:
        if part.parent.is_dir():
            part.unlink(missing_ok=True)
        raise OutputError(f"cannot be written ({error.strerror or error})", path=path, advice=advice) from error
