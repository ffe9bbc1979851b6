"""Key mattes carried to other frames, pixel by pixel, along the motion between the pictures.

The votes of `nets/spread.py` know cells of 8x8 pixels; what is thinner than one lives on in these. The motion is found
by Kroeger et al., "Fast Optical Flow using Dense Inverse Search" (2016), and believed as far as the way there and back
ends where it began, which it does not where something came into view, and as far as the two pictures look alike.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuke_matting.models.contract import Lies
from nuke_matting.nets.spread import across
from nuke_matting.opencv import blurred, sampled, warped

ASTRAY = 2.5  # coarse pixels by which the way there and back may miss; what misses by as much counts 0.37
UNLIKE = 0.08  # of the model space, by which a channel may differ, likewise, over a few pixels' mean
BRIGHT = 0.8  # as bright as a picture's lights are for that: all else that is dark looks alike
DARK = 0.02  # lights no brighter than this are noise
MEAN = 2.0  # their deviation, in coarse pixels
SOFT = 1.5  # likewise of how sure is what is carried, so that no step shows

Picture = NDArray[np.float32]


class KeyPicture(NamedTuple):
    """A key frame: its picture [1, 3, h, w] in the model space, its matte [1, 1, h, w] in [0, 1], where it lies in its
    format, and how many frames it is away."""

    image: Tensor
    alpha: Tensor
    lies: Lies | None
    away: int = 1


class Carried(NamedTuple):
    """What key mattes say of a frame, on its pixels, [1, 1, h, w] in [0, 1]; and how sure that is, likewise."""

    alpha: Tensor
    sure: Tensor

    def over(self, alpha: Tensor) -> Tensor:
        """The frame's own alpha, [1, 1, h, w], where it is unsure."""
        return self.sure * self.alpha + (1 - self.sure) * alpha.float().clamp(0, 1)


def carried(image: Tensor, lies: Lies | None, keys: list[KeyPicture]) -> Carried:
    """The mattes of one key frame or more on a frame [1, 3, h, w], model space, that lies there in its format."""
    own = _pixels(image)
    brighter = max(1.0, BRIGHT / max(DARK, float(np.quantile(own, 0.98))))
    there = [_carried(own * brighter, brighter, lies, key) for key in keys]
    sure = np.stack([each[1] for each in there])
    far = np.array([key.away for key in keys], np.float32)[:, None, None]
    # what one key is sure of, another, which is not, hardly changes; where two disagree, one dissolves into the other
    weight = (sure**2 + 1e-9) / far
    alpha = (np.stack([each[0] for each in there]) * weight).sum(0) / weight.sum(0)
    return Carried(*(torch.from_numpy(each)[None, None].to(image.device) for each in (alpha, sure.max(0))))


def _carried(own: Picture, brighter: float, lies: Lies | None, key: KeyPicture) -> tuple[Picture, Picture]:
    """A key matte on the frame's pixels, and how sure it is; [h, w] each. own : the frame, so many times brighter."""
    image, alpha, shown = _placed(own.shape[:2], lies, key)
    image = image * brighter
    here, there = _grey(own), _grey(image)
    to, back = _flow(here, there), _flow(there, here)
    y, x = np.mgrid[: own.shape[0], : own.shape[1]].astype(np.float32)
    x, y = x + to[..., 0], y + to[..., 1]
    astray = np.square(to + _at(back, x, y)).sum(2)
    unlike = np.abs(blurred(_at(image, x, y) - own, MEAN)).max(2)
    inside = (x >= 0) & (y >= 0) & (x <= own.shape[1] - 1) & (y <= own.shape[0] - 1)
    sure = np.exp(-astray / ASTRAY**2 - np.square(unlike / UNLIKE)) * _at(shown, x, y) * inside
    return _at(alpha, x, y), blurred(sure, SOFT)


def _flow(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> Picture:
    """Where each pixel of one picture lies in the other, from its own place: [h, w, 2], x and y."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    return np.asarray(search.calc(one, other, np.zeros((*one.shape, 2), np.float32)), np.float32)


def _placed(size: tuple[int, ...], lies: Lies | None, key: KeyPicture) -> tuple[Picture, Picture, Picture]:
    """A key frame's picture and matte on a frame's pixels, were nothing to move; and how far it shows any, 0 to 1."""
    height, width = size
    image, alpha = _pixels(key.image), _pixels(key.alpha)[..., 0]
    rows, columns = alpha.shape
    mine, theirs = (lies, key.lies) if lies and key.lies else ((0.0, 0.0, 1.0, 1.0),) * 2
    if mine == theirs and (rows, columns) == (height, width):
        return image, alpha, np.ones_like(alpha)
    (down, first_row), (along, first_column) = (
        across(side, mine[axis], mine[2 + axis], other, theirs[axis], theirs[2 + axis])
        for axis, side, other in ((0, height, rows), (1, width, columns))
    )
    matrix = np.array([[along, 0, first_column], [0, down, first_row]])

    def put(picture: Picture, border: int) -> Picture:
        return warped(picture, matrix, (width, height), border, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)

    shown = put(np.ones_like(alpha), cv2.BORDER_CONSTANT)
    return put(image, cv2.BORDER_REPLICATE), put(alpha, cv2.BORDER_CONSTANT), shown


def _pixels(picture: Tensor) -> Picture:
    """[1, C, h, w] -> [h, w, C]."""
    return np.ascontiguousarray(picture[0].float().permute(1, 2, 0).cpu().numpy())


def _grey(picture: Picture) -> NDArray[np.uint8]:
    """8 bits, as the search takes it."""
    return np.asarray(cv2.cvtColor((picture.clip(0, 1) * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY), np.uint8)


def _at(picture: Picture, x: Picture, y: Picture) -> Picture:
    """A picture's values at places [h, w]; at its edges beyond them."""
    return sampled(picture, x, y, cv2.BORDER_REPLICATE)
