"""From a mask to a matte: what cutting people out of photographs and of footage share."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.colour.model_space import srgb_curve_inverse
from nuke_matting.opencv import disc
from nuke_matting.training.closed_form import estimate_alpha_cf, estimate_foreground_ml
from nuke_matting.training.pairs import write_pair

TELLS = 1e-3  # squared difference of two colours, linear, at which half of what they say counts
MOST_DISAGREEMENT = 0.25  # mean difference of matte and mask in the band; more says that the mask was wrong


def grab_cut(picture: NDArray[np.uint8], labels: NDArray[np.uint8], rounds: int) -> NDArray[np.uint8]:
    """The largest piece of what GrabCut (Rother et al. 2004) finds in a picture [H, W, 3]: a mask [H, W] of 0 and 1.

    labels : [H, W], what is known or likely beforehand, of `cv2.GC_*`; it is changed. Where all is likely on one side,
    there is nothing to be found, and the mask is 0.
    """
    models = np.zeros((1, 65)), np.zeros((1, 65))
    try:
        cv2.grabCut(picture, labels, (0, 0, 0, 0), *models, rounds, cv2.GC_INIT_WITH_MASK)
    except cv2.error:
        return np.zeros(labels.shape, np.uint8)
    return largest(((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8))


def largest(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The largest connected piece of a mask [H, W] of 0 and 1."""
    count, pieces, about, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return mask
    return (pieces == 1 + int(np.argmax(about[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)


def without_holes(mask: NDArray[np.uint8], most: float) -> NDArray[np.uint8]:
    """The mask [H, W] with pieces of its outside that are smaller than `most`, a share of the picture, filled."""
    count, pieces, about, _ = cv2.connectedComponentsWithStats(1 - mask)
    small = [piece for piece in range(1, count) if about[piece, cv2.CC_STAT_AREA] < most * mask.size]
    return np.where(np.isin(pieces, small), 1, mask).astype(np.uint8)


def band_matte(image: NDArray, mask: NDArray[np.uint8], band: int) -> tuple[NDArray, NDArray] | None:
    """Alpha [H, W] and straight foreground [H, W, 3] in [0, 1] of an image [H, W, 3] in [0, 1], sRGB as the foreground,
    by closed-form matting (Levin et al. 2008) within `band` pixels of the mask's border. The alpha is coverage in
    linear light: see `linear_coverage`.

    None where the matte disagrees with the mask, or where nothing is further from the border, inside or outside.
    """
    wide = cv2.copyMakeBorder(mask, band, band, band, band, cv2.BORDER_REPLICATE)
    inner, outer = (step(wide, disc(band))[band:-band, band:-band] for step in (cv2.erode, cv2.dilate))
    trimap = np.where(inner == 1, 1.0, np.where(outer == 0, 0.0, 0.5))
    if not (trimap == 1).any() or not (trimap == 0).any():
        return None
    alpha = estimate_alpha_cf(image, trimap)
    if np.abs(alpha - mask)[trimap == 0.5].mean() > MOST_DISAGREEMENT:
        return None
    alpha = np.clip((alpha - 0.05) / 0.9, 0, 1)  # closed-form alphas do not quite reach their ends
    foreground, background = estimate_foreground_ml(image, alpha, return_background=True)
    return linear_coverage(image, alpha, foreground, background), foreground


def linear_coverage(image: NDArray, alpha: NDArray, foreground: NDArray, background: NDArray) -> NDArray:
    """The alpha [H, W] that mixes foreground and background to the image in linear light; all [H, W, 3], sRGB.

    An alpha that was found in sRGB mixes them there, and so is too high in linear light where the foreground is the
    darker one. Where the two differ too little to tell, it stays.
    """
    image, foreground, background = (srgb_curve_inverse(each) for each in (image, foreground, background))
    apart = foreground - background
    square = (apart * apart).sum(2)
    mixed = np.clip(((image - background) * apart).sum(2) / np.maximum(square, 1e-9), 0, 1)
    soft = (alpha > 0) & (alpha < 1)
    return np.where(soft, alpha + (mixed - alpha) * square / (square + TELLS), alpha)


def write_cut(folder: Path, name: str, alpha: NDArray, foreground: NDArray) -> None:
    """`NAME_fg.png`, then `NAME_alpha.png`, from values in [0, 1] as the picture has them, in BGR order."""
    colour = np.round(np.clip(foreground, 0, 1) * 255).astype(np.uint8)
    write_pair(folder, name, colour[..., ::-1], np.round(alpha * 255).astype(np.uint8))
