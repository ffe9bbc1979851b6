"""The subject's own colour in a photograph of which only the matte is known, estimated once and kept as a pair."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nuke_matting.errors import MattingError, OutputError
from nuke_matting.opencv import eroded
from nuke_matting.training.closed_form import estimate_foreground_ml, one_thread_in_workers
from nuke_matting.training.decoding import decode, decode_srgb, encode_srgb
from nuke_matting.training.pairs import is_fresh, write_pair
from nuke_matting.training.resizing import crop, reduced
from nuke_matting.training.values import Picture, Subject

OFF = 0.02  # mean difference from the photograph where all is subject; of 30 estimates none had 1e-5


def kept_estimate(subject: Subject) -> Subject:
    """The same still as a pair in its cache, which is a folder of pairs like any other; made where it is not there.

    A pair older than its photograph or matte is made again. Safe for many processes. Raises PlateError for files that
    cannot be read, OutputError for a cache that cannot be written, MattingError as `estimate` does.
    """
    assert subject.cache is not None and len(subject.frames) == 1
    source, name = subject.frames[0], "_".join(Path(subject.name).parts)
    foreground, alpha = (subject.cache / f"{name}_{layer}.png" for layer in ("fg", "alpha"))
    if not is_fresh((foreground, alpha), filter(None, (source.foreground, source.alpha))):
        pair = estimate(source)
        try:
            write_pair(subject.cache, name, *pair)
        except OutputError as error:
            advice = "name a folder that can be written with --foregrounds DIR"
            raise OutputError(error.what, path=error.path, advice=advice) from error
    return replace(subject, frames=(Picture(foreground, alpha),), cache=None)


def estimate(photograph: Picture) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The subject's straight colour [H, W, 3] in 8-bit sRGB, as if alone, and its alpha [H, W] in 8 bits.

    Cropped and reduced as subjects are. Multi-level estimation (Germer et al. 2020, "Fast Multi-Level Foreground
    Estimation") in linear light, where the camera mixed them. Raises PlateError; MattingError where what was estimated
    is not what the photograph shows, so that it is not kept.
    """
    colour, alpha = decode(photograph)
    inside = crop(alpha, photograph)
    alpha = reduced(alpha[inside])
    linear = reduced(decode_srgb(colour[inside]))
    one_thread_in_workers()
    foreground = estimate_foreground_ml(linear.astype(np.float64), alpha.astype(np.float64))
    _check(foreground, linear, alpha, photograph)
    return encode_srgb(foreground), np.round(alpha * 255).astype(np.uint8)


def _check(foreground: NDArray, linear: NDArray, alpha: NDArray, photograph: Picture) -> None:
    """Raises MattingError where an estimate [H, W, 3] is none: not in [0, 1], or another picture than the photograph
    [H, W, 3] where the alpha [H, W] is 1 all around."""
    solid = eroded((alpha > 0.998).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    off = np.abs(foreground - np.minimum(linear, 1))[solid]
    if not ((foreground >= 0) & (foreground <= 1)).all() or (off.size and off.mean() > OFF):
        raise MattingError(
            "the colour of its subject alone could not be estimated: what came out is not what it shows",
            path=photograph.foreground,
            advice="try --workers 0, or install numba and pymatting anew; no estimate was kept",
        )
