"""Rough mattes as people draw them, of true ones."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.opencv import dilated, disc, distances, eroded, resized

Array = NDArray[np.float32]
Random = np.random.Generator
GUIDED = 0.15  # alpha that a rough outline takes in
LEAST_SHOWN = 0.03  # alpha that an artist sees and takes into a trimap


def rough(random: Random, alpha: Array) -> Array:
    """A rough matte as people draw it: an outline that is some pixels off, or a trimap with an open band."""
    h = alpha.shape[1]
    out = np.empty_like(alpha)
    grow, shrink = int(random.uniform(0, 0.06) * h), int(random.uniform(0, 0.06) * h)
    waves = np.maximum(np.round(np.array(alpha.shape[1:3]) / (random.uniform(0.08, 0.25) * h)), 2).astype(int)
    coarse = random.normal(0, 0.5, waves).astype(np.float32)
    off = np.clip(resized(coarse, alpha.shape[2:0:-1], cv2.INTER_CUBIC), -1, 1)
    off *= random.uniform(0, 0.12) * h
    trimap = random.random() < 0.4
    closing = disc(int(random.uniform(0, 0.06) * h))  # nobody draws around each of many leaves
    solid = [cv2.morphologyEx((each[..., 0] > GUIDED).astype(np.uint8), cv2.MORPH_CLOSE, closing) > 0 for each in alpha]
    blobs = [_depth(each) + off > 0 for each in solid]
    kept = sum(float((each[..., 0] * blob).sum()) for each, blob in zip(alpha, blobs, strict=True))
    if kept < 0.6 * float(alpha.sum()):  # lost most of a thin or thin-bodied subject: nobody would draw such a blob
        trimap = True
    for index, (each, blob) in enumerate(zip(alpha[..., 0], blobs, strict=True)):
        wide = dilated(each, disc(grow)) > LEAST_SHOWN
        core = eroded(each, disc(shrink)) > 0.9
        out[index, ..., 0] = np.where(core, 1.0, np.where(wide, 0.5, 0.0)) if trimap else blob
    return out


def _depth(inside: NDArray[np.bool_]) -> Array:
    """Pixels to the outline [H, W], negative outside."""
    within, without = (distances(each.astype(np.uint8), 3) for each in (inside, ~inside))
    return within - without
