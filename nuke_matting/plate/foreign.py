"""What other formats than EXR say of a picture, as the attributes that EXR has for it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from nuke_matting.plate.exr_header import Attribute
from nuke_matting.plate.files import open_image


def foreign_metadata(path: Path, frame: int, space: str) -> dict[str, Attribute]:
    """The time code, the frame rate and the pixel aspect of a file, and the space that its colour is in.

    space : its name; "" leaves it out.

    Raises PlateError.
    """
    with open_image(path, frame) as file:
        spec = file.specs[0]
    kept = {"oiio:ColorSpace": Attribute(b"string", space.encode())} if space else {}
    aspect = spec.get_float_attribute("PixelAspectRatio", 1.0)
    if np.isfinite(aspect) and aspect > 0:
        kept["pixelAspectRatio"] = Attribute(b"float", struct.pack("<f", aspect))
    code = spec.getattribute("smpte:TimeCode", oiio.TypeTimeCode)
    if isinstance(code, tuple) and len(code) == 2:
        kept["timeCode"] = Attribute(b"timecode", struct.pack("<2I", *(int(each) & 0xFFFFFFFF for each in code)))
    for name in ("FramesPerSecond", "dpx:FrameRate", "dpx:TemporalFrameRate"):
        rate = spec.get_float_attribute(name, 0.0)
        if np.isfinite(rate) and 0 < rate < 10_000:
            kept["framesPerSecond"] = Attribute(b"rational", struct.pack("<iI", *_rational(rate)))
            break
    return kept


def _rational(rate: float) -> tuple[int, int]:
    """A frame rate as EXR has it: 24 is 24/1, 23.976 is 24000/1001."""
    for numbers in ((round(rate), 1), (round(rate * 1.001) * 1000, 1001)):
        if abs(rate - numbers[0] / numbers[1]) < 1e-3:
            return numbers
    return round(rate * 1000), 1000
