"""Subjects with mattes: where their files are, and how a frame becomes a cut-out of the size that training needs.

Integer pictures (8 and 16 bit) are sRGB and decoded; EXRs and other float pictures are scene-linear, or in
the space that their file states. Each is turned as its own Orientation says, as viewers show it.
`folders` and `datasets` find subjects, `store` keeps their cut-outs.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.colour.choose import stated_space
from nuke_matting.colour.config import DEFAULT_CONFIG, load_config
from nuke_matting.colour.model_space import srgb_curve, srgb_curve_inverse
from nuke_matting.colour.names import find_equivalent
from nuke_matting.colour.processor import open_colour
from nuke_matting.errors import ColourError, PlateError
from nuke_matting.plate.files import open_image
from nuke_matting.plate.frame import Frame
from nuke_matting.plate.reader import align, alpha_of, read_frame, read_matte

LONG_SIDE = 640  # pixels; larger pictures are reduced to it, unless a stage's frames are larger
LEAST_ALPHA = 4 / 255  # below it a pixel shows nothing, and its colour cannot be known
LEAST_AREA = 1000  # pixels of the crop; less is next to nothing of a subject
GREY = 12  # of 255; channels that differ by less have no colour

_DECODE = srgb_curve_inverse(np.arange(256) / 255).astype(np.float32)  # 8-bit sRGB -> scene-linear


def decode_srgb(picture: NDArray) -> NDArray[np.float32]:
    """8-bit sRGB, any shape -> scene-linear float32 in [0, 1]; floats are scene-linear and stay."""
    return _DECODE[picture] if picture.dtype == np.uint8 else picture.astype(np.float32, copy=False)


@dataclass(frozen=True)
class Sides:
    """Some of a picture's sides."""

    left: bool = False
    right: bool = False
    top: bool = False
    bottom: bool = False


@dataclass(frozen=True)
class Cutout:
    """A frame of a subject, decoded and cropped to it; `grey` where it has no colour.

    foreground : [H, W, 3] straight, uint8 sRGB or float32 scene-linear; alpha : [H, W] uint8.
    ends : the sides at which the picture that it was cropped from ends.
    """

    name: str
    foreground: NDArray
    alpha: NDArray[np.uint8]
    grey: bool
    ends: Sides


@dataclass(frozen=True)
class Photograph:
    """A whole photograph in layers of one size: a subject where it was, and what is behind it.

    foreground, behind : [H, W, 3] straight, uint8 sRGB; alpha : [H, W] uint8.
    """

    foreground: NDArray[np.uint8]
    alpha: NDArray[np.uint8]
    behind: NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """The files of one frame of a subject; `alpha` is None where the matte is the foreground file's own alpha.

    behind : what is behind it in the photograph that it was cut from, of the same size; None where nobody knows.
    """

    foreground: Path
    alpha: Path | None = None
    behind: Path | None = None


@dataclass(frozen=True)
class Subject:
    """Where a subject's pictures are; nothing is read yet.

    frames : of a clip, consecutive and of one size; a still has one.
    premultiplied : the colour is multiplied by the alpha, in linear light.
    cache : set where the foreground of a still is the whole photograph: the colour of the subject alone is estimated
        when it is first drawn, and kept in this folder as `NAME_fg.png`, `NAME_alpha.png`.
    """

    name: str
    frames: tuple[Picture, ...]
    premultiplied: bool = False
    cache: Path | None = None


def read(subject: Subject, start: int = 0, count: int = 1, long_side: int = LONG_SIDE) -> list[Cutout]:
    """Consecutive frames, cropped alike to what shows in any of them, so that motion is kept, and reduced alike.

    A clip of fewer frames is run to and fro. Raises PlateError: missing, damaged, of unequal sizes, or empty;
    OutputError: the cache cannot be written.

    long_side : pixels; what is larger is reduced to it.
    """
    if subject.cache is not None:
        from nuke_matting.training.foregrounds import kept_estimate  # brings numba, which is slow to start

        subject = kept_estimate(subject)
    there = list(range(len(subject.frames)))
    there += there[-2:0:-1]
    order = [there[(start + step) % len(there)] for step in range(count)]
    known = {index: decode(subject.frames[index], index, subject.premultiplied) for index in sorted(set(order))}
    first = subject.frames[order[0]]
    if len({alpha.shape for _, alpha in known.values()}) > 1:
        raise PlateError(
            "frames of a clip have different sizes",
            path=first.foreground.parent,
            advice="if they are stills, name the layout: stills=DIR",
        )
    inside = crop(np.max([alpha for _, alpha in known.values()], axis=0), first)
    (rows, columns), (height, width) = inside, known[order[0]][1].shape
    ends = Sides(columns.start == 0, columns.stop == width, rows.start == 0, rows.stop == height)
    cuts = {
        index: _finish(subject.name, colour[inside], alpha[inside], subject.premultiplied, ends, long_side)
        for index, (colour, alpha) in known.items()
    }
    return [cuts[index] for index in order]


def read_photograph(picture: Picture, long_side: int = LONG_SIDE) -> Photograph:
    """The photograph that a picture whose `behind` is known was cut from, of at most `long_side` pixels. Raises
    PlateError."""
    assert picture.behind is not None
    colour, alpha = decode(picture)
    frame = read_frame(picture.behind, 0)
    behind = upright(align(rec709(frame), frame.data_window, frame.display_window), picture.behind)
    if behind.shape != colour.shape:
        raise PlateError(
            f"is {behind.shape[1]}x{behind.shape[0]}, its subject {colour.shape[1]}x{colour.shape[0]}",
            path=picture.behind,
            advice="make it again",
        )
    colour = colour if colour.dtype == np.uint8 else encode_srgb(colour)
    behind = np.round(behind * 255).astype(np.uint8) if frame.colour.integer else encode_srgb(behind)
    colour, alpha, behind = (reduced(each, long_side) for each in (colour, alpha, behind))
    return Photograph(colour, np.round(alpha * 255).astype(np.uint8), behind)


def decode(picture: Picture, number: int = 0, premultiplied: bool = False) -> tuple[NDArray, NDArray[np.float32]]:
    """Colour [H, W, 3], uint8 sRGB or float32 scene-linear, and alpha [H, W] in [0, 1], of the whole display window,
    upright.

    Straight colour of 8 bits stays in 8 bits. Raises PlateError.
    """
    frame = read_frame(picture.foreground, number)
    alpha = _read_alpha(picture, number)
    colour = upright(align(rec709(frame), frame.data_window, frame.display_window), picture.foreground, number)
    if colour.shape[:2] != alpha.shape:
        raise PlateError(
            f"the matte is {alpha.shape[1]}x{alpha.shape[0]}, its foreground {colour.shape[1]}x{colour.shape[0]}",
            path=picture.alpha,
            advice="give both at one size",
        )
    if frame.colour.integer:
        bytes_ = np.round(colour * 255)
        if not premultiplied and np.abs(colour * 255 - bytes_).max() < 1e-2:  # stored in 8 bits, so kept in 8 bits
            return bytes_.astype(np.uint8), alpha
        colour = srgb_curve_inverse(colour)
    return np.maximum(colour, 0).astype(np.float32), alpha


def rec709(frame: Frame) -> NDArray[np.float32]:
    """The pixels [H, W, 3] of a picture; those of floats whose file states another space, in scene-linear Rec.709.

    A space that is stated and not known is taken for that, and told as a warning, once. Raises PlateError: the file
    says that it holds data, not colour.
    """
    if frame.colour.integer:
        return frame.pixels
    config, hints = load_config(DEFAULT_CONFIG)[0], frame.colour
    if (hints.oiio_space or "").lower() in {"linear", "scene_linear"}:  # which says nothing of primaries
        hints = replace(hints, oiio_space=None)
    try:
        stated, unknown = stated_space(config, hints, frame.path)
    except ColourError as error:
        raise PlateError(error.what, path=frame.path, advice="save it in a colour space, or take it out") from error
    if stated is None:
        for each in unknown:
            _warn_once(f"{each}, so its colour is taken for Rec.709", frame.path)
    if stated is None or stated.name == find_equivalent(config, "lin_rec709_scene"):
        return frame.pixels
    return open_colour(DEFAULT_CONFIG, stated.name).to_linear_rec709(frame.pixels)


_warned: set[str] = set()


def _warn_once(text: str, path: Path) -> None:
    """For the first file alone: the others of its set are mostly alike."""
    if text not in _warned:
        _warned.add(text)
        warnings.warn(f"{path}: {text}; others like it are not told", stacklevel=3)


def _read_alpha(picture: Picture, number: int) -> NDArray[np.float32]:
    """[H, W] in [0, 1], of the whole display window, upright. Raises PlateError."""
    path = picture.alpha or picture.foreground
    if picture.alpha is None and not _has_alpha(path, number):
        raise PlateError("has no alpha channel", path=path, advice="name the layout of its matte: pairs=, parallel=")
    alpha, data_window, display_window, *_ = read_matte(path, number, painted=picture.alpha is not None)
    if path.suffix.lower() in {".jpg", ".jpeg"}:  # JPEG leaves neither 0 nor 1 alone near edges
        alpha = (alpha - LEAST_ALPHA) / (1 - 2 * LEAST_ALPHA)
    return np.clip(upright(align(alpha, data_window, display_window), path, number), 0, 1)


def upright(pixels: NDArray, path: Path, number: int = 0) -> NDArray:
    """A file's pixels [H, W] or [H, W, C] as they are stored, turned and mirrored as its Orientation (1 to 8 of EXIF)
    says. OpenCV does so by itself, OpenImageIO does not. Raises PlateError."""
    with open_image(path, number) as (_, specs):
        orientation = specs[0].get_int_attribute("Orientation", 1)
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _has_alpha(path: Path, number: int) -> bool:
    with open_image(path, number) as (_, specs):
        return alpha_of(specs) is not None


def crop(alpha: NDArray[np.float32], picture: Picture) -> tuple[slice, slice]:
    """Rows and columns of what shows. Raises PlateError where that is next to nothing."""
    rows, columns = (np.flatnonzero((alpha > LEAST_ALPHA).any(axis)) for axis in (1, 0))
    if len(rows) * len(columns) < LEAST_AREA:
        raise PlateError("the matte is as good as empty", path=picture.alpha or picture.foreground)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _finish(
    name: str, colour: NDArray, alpha: NDArray[np.float32], premultiplied: bool, ends: Sides, long_side: int
) -> Cutout:
    eight = colour.dtype == np.uint8
    if max(alpha.shape) > long_side or premultiplied:
        linear = decode_srgb(colour)
        linear = linear if premultiplied else linear * alpha[..., None]  # colour counts as much as it shows
        linear, alpha = reduced(linear, long_side), reduced(alpha, long_side)
        colour = linear / np.maximum(alpha, LEAST_ALPHA)[..., None]
    colour = continued(colour, alpha)
    if eight and colour.dtype != np.uint8:
        colour = encode_srgb(colour)
    coded = colour if eight else encode_srgb(colour)
    grey = bool((np.ptp(coded.astype(np.int16), axis=2) < GREY).mean() > 0.98)
    return Cutout(name, np.ascontiguousarray(colour), np.round(alpha * 255).astype(np.uint8), grey, ends)


def encode_srgb(linear: NDArray) -> NDArray[np.uint8]:
    """Scene-linear -> 8-bit sRGB; what lies above 1.0 is clipped."""
    return np.round(np.clip(srgb_curve(linear), 0, 1) * 255).astype(np.uint8)


def reduced(picture: NDArray, long_side: int = LONG_SIDE) -> NDArray:
    """[H, W] or [H, W, C], by area, its longer side no longer than `long_side`."""
    scale = long_side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


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
        size = tuple(max(1, side // 2) for side in levels[-1][1].shape[::-1])
        levels.append(tuple(cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in levels[-1]))
    filled = levels[-1][0].reshape(1, 1, 3) / max(float(levels[-1][1].max()), 1e-6)
    for premultiplied, cover in reversed(levels[:-1]):
        wider = cv2.resize(filled, cover.shape[::-1], interpolation=cv2.INTER_LINEAR)
        share = np.minimum(cover * 4, 1)[..., None]  # a quarter of a cell suffices to know its colour
        filled = premultiplied / np.maximum(cover, 1e-6)[..., None] * share + wider * (1 - share)
    if colour.dtype == np.uint8:
        filled = np.clip(np.round(filled), 0, 255)
    return np.where(hidden[..., None], filled, colour).astype(colour.dtype)
