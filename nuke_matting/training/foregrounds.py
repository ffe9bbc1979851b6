"""The subject's own colour in a photograph of which only the matte is known, estimated once and kept as a pair."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pymatting import estimate_foreground_ml

from nuke_matting.colour.model_space import srgb_curve
from nuke_matting.errors import OutputError
from nuke_matting.training.sources import Picture, Subject, crop, decode, decode_srgb, reduced


def kept_estimate(subject: Subject) -> Subject:
    """The same subject as a pair in its cache, which is a folder of pairs like any other; made where it is not there.

    A pair older than its photograph or matte is made again. Safe for many processes. Raises PlateError for files that
    cannot be read, OutputError for a cache that cannot be written.
    """
    assert subject.cache is not None
    pairs = []
    for index, picture in enumerate(subject.frames):
        name = "_".join(Path(subject.name).parts) + (f"_{index}" if len(subject.frames) > 1 else "")
        pair = Picture(subject.cache / f"{name}_fg.png", subject.cache / f"{name}_alpha.png")
        if not _is_fresh(pair, picture):
            _keep(pair, *estimate(picture))
        pairs.append(pair)
    return replace(subject, frames=tuple(pairs), cache=None, premultiplied=False)


def estimate(photograph: Picture) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The subject's straight colour [H, W, 3] in 8-bit sRGB, as if alone, and its alpha [H, W] in 8 bits.

    Cropped and reduced as subjects are. Multi-level estimation (Germer et al. 2020, "Fast Multi-Level Foreground
    Estimation") in linear light, where the camera mixed them. Raises PlateError.
    """
    colour, alpha = decode(photograph)
    inside = crop(alpha, photograph)
    alpha = reduced(alpha[inside])
    linear = reduced(decode_srgb(colour[inside]))
    foreground = estimate_foreground_ml(linear.astype(np.float64), alpha.astype(np.float64))
    coded = np.clip(srgb_curve(foreground), 0, 1)
    return np.round(coded * 255).astype(np.uint8), np.round(alpha * 255).astype(np.uint8)


def _is_fresh(pair: Picture, source: Picture) -> bool:
    try:
        made = min(each.stat().st_mtime for each in (pair.foreground, pair.alpha) if each)
    except FileNotFoundError:
        return False
    return made >= max(each.stat().st_mtime for each in (source.foreground, source.alpha) if each and each.exists())


def _keep(pair: Picture, foreground: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> None:
    """Writes a pair, the matte last, neither ever half there."""
    for path, picture in ((pair.foreground, foreground[..., ::-1]), (pair.alpha, alpha)):
        assert path is not None
        part = path.with_name(f".{path.stem}.{os.getpid()}.png")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            coded = cv2.imencode(".png", np.ascontiguousarray(picture))[1]
            part.write_bytes(coded.tobytes())
            part.replace(path)
        except OSError as error:
            raise OutputError(
                f"the estimated foreground cannot be kept ({error.strerror})",
                path=path,
                advice="name a folder that can be written with --foregrounds DIR",
            ) from error
