"""Mattes of real people, cut from studio portraits before a plain backdrop, all framed alike.

Two passes of graph cuts (GrabCut; Rother et al. 2004). The first starts from a drawn shape of head and shoulders; the
mean of the cuts that look like a person starts the second. A cut that passes is refined by closed-form matting (Levin
et al. 2008) in a band along its border, and the foreground's colour is estimated. Whatever does not look like head and
shoulders, or has no edge in the picture under its border, is rejected: better few than wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.errors import PlateError, UsageError
from nuke_matting.opencv import blurred, dilated, eroded, resized
from nuke_matting.training.cutting.matte import band_matte, grab_cut, without_holes, write_cut
from nuke_matting.training.pairs import is_there, read_picture

BAND = 5  # pixels to each side of the cut that are matted
STRENGTHS = (60, 110, 170)  # of the prior against the picture's own brightness, in the second pass
LEAST_EVIDENCE = 4.5  # edge under the border over the backdrop's own unrest


def looks_like_a_portrait(alpha: NDArray) -> bool:
    """Whether a mask [H, W] in [0, 1] looks like head and shoulders, upright in the middle, cut by the lower edge."""
    inside = alpha > 0.5
    height, width = inside.shape
    if not inside.any():
        return False
    top = np.argmax(inside.any(1)) / height
    head = inside[int(height * 0.25) : int(height * 0.45)]
    if not head.any(1).all():
        return False
    wide = head.sum(1) / width
    left, right = head.argmax(1), width - head[:, ::-1].argmax(1)
    jump = np.abs(np.diff(left)).max() + np.abs(np.diff(right)).max()
    centre = ((left + right) / 2 / width).mean()
    return bool(
        0.015 < top < 0.16
        and abs(centre - 0.5) < 0.1
        and 0.27 < wide.mean() < 0.68
        and wide.min() > 0.25
        and jump < 0.08 * width
        and inside[-5:].mean() > 0.7
    )


def drawn_prior(height: int, width: int) -> NDArray[np.float64]:
    """Head and shoulders as two ellipses, blurred: [H, W] in [0, 1]."""
    mask = np.zeros((height, width))
    head, shoulders = (width // 2, int(height * 0.42)), (width // 2, int(height * 1.02))
    cv2.ellipse(mask, head, (int(width * 0.27), int(height * 0.34)), 0, 0, 360, 1.0, -1)
    cv2.ellipse(mask, shoulders, (int(width * 0.48), int(height * 0.3)), 0, 0, 360, 1.0, -1)
    return blurred(mask, width * 0.05)


def graph_cut(grey: NDArray[np.uint8], prior: NDArray, strength: float) -> NDArray[np.uint8]:
    """The person's mask, 0 or 1: GrabCut over brightness, blurred brightness and the prior; its largest piece."""
    smooth = blurred(grey, 2.5)
    features = np.stack([grey, smooth, np.clip(prior * strength, 0, 255)], 2).astype(np.uint8)
    labels = np.where(prior > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[prior > 0.985], labels[prior < 0.004], labels[:3] = cv2.GC_FGD, cv2.GC_BGD, cv2.GC_BGD
    mask, square = without_holes(grab_cut(features, labels, 5), 0.008), np.ones((5, 5), np.uint8)
    return dilated(eroded(mask, square), square)


def edge_evidence(grey: NDArray[np.uint8], mask: NDArray[np.uint8]) -> float:
    """How much stronger the picture's gradient is under the mask's border than in the backdrop beyond it."""
    smooth = blurred(grey, 1).astype(np.float32)
    gradient = cv2.magnitude(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    border = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    border[-3:], border[:, :2], border[:, -2:] = False, False, False
    backdrop = eroded(1 - mask, np.ones((9, 9), np.uint8)) > 0
    if not border.any() or backdrop.mean() < 0.04:
        return 0.0
    return float(np.percentile(gradient[border], 20) / (np.median(gradient[backdrop]) + 3))


def matte(grey: NDArray[np.uint8], mask: NDArray[np.uint8]) -> tuple[NDArray, NDArray] | None:
    """Alpha [H, W] and straight foreground [H, W, 3] in [0, 1] from a mask; None where matting disagrees with it."""
    found = band_matte(np.repeat(grey[..., None] / 255.0, 3, axis=2), mask, BAND)
    return found if found is not None and looks_like_a_portrait(found[0]) else None


def learnt_prior(pictures: Iterator[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """The mean of the first pass's good cuts, [250, 200]. Raises ValueError where there is none."""
    total, count = np.zeros((250, 200)), 0
    for grey in pictures:
        mask = graph_cut(grey, drawn_prior(*grey.shape), STRENGTHS[0])
        if looks_like_a_portrait(mask):
            total += resized(mask.astype(np.float64), (200, 250), cv2.INTER_LINEAR)
            count += 1
    if not count:
        raise ValueError("no picture looks like a portrait before a plain backdrop")
    return total / count


def cut(grey: NDArray[np.uint8], prior: NDArray) -> tuple[NDArray, NDArray] | None:
    """Alpha and foreground of a portrait, or None where no cut can be trusted."""
    here = resized(prior, grey.shape[::-1], cv2.INTER_LINEAR)
    masks = [mask for mask in (graph_cut(grey, here, each) for each in STRENGTHS) if looks_like_a_portrait(mask)]
    best = max(masks, key=lambda mask: edge_evidence(grey, mask), default=None)
    if best is None or edge_evidence(grey, best) < LEAST_EVIDENCE:
        return None
    return matte(grey, best)


def _read(path: Path) -> NDArray[np.uint8] | None:
    """A portrait [H, W]; None where it cannot be read."""
    try:
        return read_picture(path, grey=True)
    except PlateError:
        return None


def cut_portraits(folder: Path, out: Path) -> Iterator[tuple[int, int, int]]:
    """Cuts the greyscale `.jpg` portraits of a folder into `out`; those whose mattes are there are left.

    Yields after each how many were looked at, how many there are, and how many mattes. Raises UsageError: there are no
    portraits.
    """
    paths = sorted(folder.glob("*.jpg"))
    try:
        prior = learnt_prior(grey for path in paths if (grey := _read(path)) is not None)
    except ValueError as error:
        raise UsageError(
            str(error), path=folder, advice="give a folder of .jpg portraits, head and shoulders"
        ) from error
    kept = 0
    for done, path in enumerate(paths, 1):
        grey = _read(path)
        if not is_there(out, path.stem) and grey is not None and (found := cut(grey, prior)) is not None:
            alpha, foreground = found
            write_cut(out, path.stem, alpha, foreground)
        kept += is_there(out, path.stem)
        yield done, len(paths), kept
