"""A file's pixels as colour and alpha.

Integer pictures (8 and 16 bit) are sRGB and decoded; EXRs and other float pictures are scene-linear, or in
the space that their file states. Each is turned as its own Orientation says, as viewers show it.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

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
from nuke_matting.training.values import Picture

LEAST_ALPHA = 4 / 255  # below it a pixel shows nothing, and its colour cannot be known

_DECODE = srgb_curve_inverse(np.arange(256) / 255).astype(np.float32)  # 8-bit sRGB -> scene-linear


def decode_srgb(picture: NDArray) -> NDArray[np.float32]:
    """8-bit sRGB, any shape -> scene-linear float32 in [0, 1]; floats are scene-linear and stay."""
    return _DECODE[picture] if picture.dtype == np.uint8 else picture.astype(np.float32, copy=False)


def encode_srgb(linear: NDArray) -> NDArray[np.uint8]:
    """Scene-linear -> 8-bit sRGB; what lies above 1.0 is clipped."""
    return np.round(np.clip(srgb_curve(linear), 0, 1) * 255).astype(np.uint8)


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
    matte = read_matte(path, number, painted=picture.alpha is not None)
    for each in matte.remarks():
        _warn_once(f"the matte {each}", path)
    alpha = align(matte.pixels, matte.data_window, matte.display_window)
    if path.suffix.lower() in {".jpg", ".jpeg"}:  # JPEG leaves neither 0 nor 1 alone near edges
        alpha = (alpha - LEAST_ALPHA) / (1 - 2 * LEAST_ALPHA)
    return np.clip(upright(alpha, path, number), 0, 1)


def upright(pixels: NDArray, path: Path, number: int = 0) -> NDArray:
    """A file's pixels [H, W] or [H, W, C] as they are stored, turned and mirrored as its Orientation (1 to 8 of EXIF)
    says. OpenCV does so by itself, OpenImageIO does not. Raises PlateError."""
    with open_image(path, number) as file:
        orientation = file.specs[0].get_int_attribute("Orientation", 1)
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _has_alpha(path: Path, number: int) -> bool:
    with open_image(path, number) as file:
        return alpha_of(file.specs) is not None
