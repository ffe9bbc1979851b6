"""OpenCV's filters whose answers have the dtype of the picture; its own stubs say no more than that it is a number.

Sizes are (width, height), as OpenCV has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound="np.integer | np.floating")


def resized(picture: NDArray[Number], size: Sequence[int], how: int = cv2.INTER_AREA) -> NDArray[Number]:
    """[H, W] or [H, W, C] at another size; by area unless told how."""
    return np.asarray(cv2.resize(picture, size, interpolation=how), picture.dtype)


def blurred(picture: NDArray[Number], sigma: float) -> NDArray[Number]:
    """[H, W] or [H, W, C], as a Gaussian of so many pixels blurs it."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), picture.dtype)


def warped(
    picture: NDArray[Number],
    matrix: NDArray[np.floating],
    size: Sequence[int],
    border: int,
    how: int = cv2.INTER_LINEAR,
) -> NDArray[Number]:
    """[H, W] or [H, W, C] through a 2x3 matrix, from its pixels to those of a picture of a size."""
    return np.asarray(cv2.warpAffine(picture, matrix, size, flags=how, borderMode=border), picture.dtype)


def sampled(
    picture: NDArray[Number],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    border: int = cv2.BORDER_CONSTANT,
    how: int = cv2.INTER_LINEAR,
) -> NDArray[Number]:
    """[H, W] or [H, W, C] at places, each [h, w]."""
    return np.asarray(cv2.remap(picture, x, y, how, borderMode=border), picture.dtype)


def dilated(picture: NDArray[Number], kernel: NDArray[np.uint8]) -> NDArray[Number]:
    return np.asarray(cv2.dilate(picture, kernel), picture.dtype)


def eroded(picture: NDArray[Number], kernel: NDArray[np.uint8]) -> NDArray[Number]:
    return np.asarray(cv2.erode(picture, kernel), picture.dtype)


def distances(inside: NDArray[np.uint8], reach: int) -> NDArray[np.float32]:
    """Pixels to the nearest 0, [H, W]. reach : 3 or 5, of the steps that are added up; more is more exact."""
    return np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, reach), np.float32)


def disc(radius: int) -> NDArray[np.uint8]:
    """A kernel for `dilated` and `eroded`, of so many pixels around its middle."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), np.uint8)
