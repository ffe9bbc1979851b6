"""The contact sheet: a row a frame, to be judged by eye: plate, alpha, the subject over a new background, the error."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from nuke_matting.atomic import write_whole
from nuke_matting.colour.model_space import srgb_curve, srgb_curve_inverse
from nuke_matting.errors import UsageError

GREEN = (0.05, 0.75, 0.15)  # display values of the new background; no skin, hair or cloth is near it
_TEXT, _PAPER, _EDGE = (235, 235, 235), (32, 32, 32), 6  # colours of the sheet, and its gaps in pixels


@dataclass(frozen=True, eq=False)
class Row:
    """One frame of a sheet.

    label : one line beside it, such as its number.
    rgb : [H, W, 3], the plate as it is to be seen: sRGB display values in [0, 1].
    alpha : [H, W] in [0, 1].
    truth : [H, W] true alpha, if one is known.
    """

    label: str
    rgb: NDArray
    alpha: NDArray
    truth: NDArray | None = None


def contact_sheet(rows: Sequence[Row], width: int = 320) -> NDArray[np.uint8]:
    """The sheet: plate | alpha | subject over green | and, where any row has a truth, the error.

    The subject is composited in linear light, from the plate's own colour (so what shows of the old background in
    soft edges shows here). In the error, red is too much alpha, blue too little, black none.

    width : of each picture, in pixels; the height follows from each row's own.

    Returns [h, w, 3] sRGB. Raises UsageError for no rows, or arrays whose shapes do not go together.
    """
    if not rows:
        raise UsageError("a contact sheet needs at least one frame")
    titles = ["plate", "alpha", "over green"]
    if any(row.truth is not None for row in rows):
        titles.append("error: red too much, blue too little")
    return lay_out(titles, [(row.label, _pictures(row)) for row in rows], width)


def lay_out(titles: Sequence[str], rows: Sequence[tuple[str, Sequence[NDArray]]], width: int) -> NDArray[np.uint8]:
    """Pictures in columns of a width in pixels, a title over each column, a label of one line under each row.

    rows : label and pictures [H, W, 3] of display values in [0, 1]; those of a row are of one size.

    Returns [h, w, 3] sRGB.
    """
    font = ImageFont.load_default(size=max(11, width // 22))
    line = round(font.getbbox("Ág")[3]) + 2 * _EDGE
    strips = [(label, [_fit(picture, width) for picture in pictures]) for label, pictures in rows]
    sheet = Image.new(
        "RGB",
        (len(titles) * (width + _EDGE) + _EDGE, line + sum(strip[0].height + line + _EDGE for _, strip in strips)),
        _PAPER,
    )
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(titles):
        draw.text((_left(column, width), _EDGE), _shortened(title, font, width), _TEXT, font)
    y = line
    for label, strip in strips:
        for column, picture in enumerate(strip):
            sheet.paste(picture, (_left(column, width), y))
        y += strip[0].height
        draw.text((_EDGE, y + _EDGE // 2), _shortened(label, font, sheet.width - 2 * _EDGE), _TEXT, font)
        y += line + _EDGE
    return np.asarray(sheet).copy()


def save_sheet(path: str | Path, sheet: NDArray[np.uint8]) -> None:
    """Writes a sheet as PNG. Raises OutputError where it cannot be written."""
    stream = io.BytesIO()
    Image.fromarray(sheet).save(stream, "PNG", optimize=True)
    write_whole(Path(path), stream.getvalue())


def _pictures(row: Row) -> list[NDArray]:
    """Display values, [H, W, 3] each."""
    shape = row.alpha.shape
    if len(shape) != 2 or not row.alpha.size or row.rgb.shape != (*shape, 3):
        raise UsageError(f"{row.label}: a plate of {row.rgb.shape} and an alpha of {shape} do not go together")
    rgb, alpha = _shown(row.rgb), _shown(row.alpha)
    weight = alpha[..., None]
    behind = srgb_curve_inverse(np.array(GREEN, np.float32))
    over = srgb_curve(srgb_curve_inverse(rgb) * weight + behind * (1 - weight))
    pictures = [rgb, np.repeat(weight, 3, axis=-1), over]
    if row.truth is not None:
        if row.truth.shape != shape:
            raise UsageError(f"{row.label}: an alpha of {shape} and a truth of {row.truth.shape} do not go together")
        error = alpha - _shown(row.truth)
        excess, lack = np.maximum(error, 0), np.maximum(-error, 0)
        pictures.append(np.stack([excess, 0.3 * (excess + lack), lack], axis=-1))
    return pictures


def _shown(values: NDArray) -> NDArray[np.float32]:
    return np.clip(np.nan_to_num(values.astype(np.float32)), 0, 1)


def _fit(picture: NDArray, width: int) -> Image.Image:
    """Scaled to a width; each pixel of a smaller picture is the mean of what it covers."""
    image = Image.fromarray(np.round(picture * 255).astype(np.uint8))
    size = width, max(1, round(image.height * width / image.width))
    return image.resize(size, Image.Resampling.BOX)


def _left(column: int, width: int) -> int:
    return _EDGE + column * (width + _EDGE)


def _shortened(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}...") > width:
        text = text[:-1]
    return f"{text}..."
