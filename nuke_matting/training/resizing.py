"""Pictures of subjects as large as training needs them: cropped, reduced, and carried on to where nothing shows."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.errors import PlateError
from nuke_matting.opencv import resized
from nuke_matting.training.decoding import LEAST_ALPHA
from nuke_matting.training.values import Picture

LONG_SIDE = 640  # pixels; larger pictures are reduced to it, unless a stage's frames are larger
LEAST_AREA = 1000  # pixels of the crop; less is next to nothing of a subject


def crop(alpha: NDArray[np.float32], picture: Picture) -> tuple[slice, slice]:
    """Rows and columns of what shows. Raises PlateError where that is next to nothing."""
    rows, columns = (np.flatnonzero((alpha > LEAST_ALPHA).any(axis)) for axis in (1, 0))
    if len(rows) * len(columns) < LEAST_AREA:
        raise PlateError("the matte is as good as empty", path=picture.alpha or picture.foreground)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def reduced(picture: NDArray, long_side: int = LONG_SIDE) -> NDArray:
    """[H, W] or [H, W, C], by area, its longer side no longer than `long_side`."""
    scale = long_side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return resized(picture, size)


def continued(colour: NDArray, alpha: NDArray[np.float32]) -> NDArray:
    """Straight colour [H, W, 3] carried on to where the alpha [H, W] is as good as 0, from where it is not.

    Files may hold anything there, and whatever is resized takes its neighbours in. The dtype stays.
    """
    hidden = alpha <= LEAST_ALPHA
    if not hidden.any():
        return colour
    weight = np.where(hidden, 0, alpha).astype(np.float32)
    levels = [(colour.astype(np.float32) * weight[..., None], weight)]
    while max(levels[-1][1].shape) > 1:
        premultiplied, cover = levels[-1]
        size = [max(1, side // 2) for side in cover.shape[::-1]]
        levels.append((resized(premultiplied, size), resized(cover, size)))
    filled = levels[-1][0].reshape(1, 1, 3) / max(float(levels[-1][1].max()), 1e-6)
    for premultiplied, cover in reversed(levels[:-1]):
        wider = resized(filled, cover.shape[::-1], cv2.INTER_LINEAR)
        share = np.minimum(cover * 4, 1)[..., None]  # a quarter of a cell suffices to know its colour
        filled = premultiplied / np.maximum(cover, 1e-6)[..., None] * share + wider * (1 - share)
    if colour.dtype == np.uint8:
        filled = np.clip(np.round(filled), 0, 255)
    return np.where(hidden[..., None], filled, colour).astype(colour.dtype)
