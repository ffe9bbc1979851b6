"""Small EXRs for the tests, with values that are easy to lose."""

from pathlib import Path

import numpy as np
import OpenEXR
import OpenImageIO as oiio


def half(height=12, width=16, seed=0):
    """Half floats below 0, far above 1, infinite and not numbers."""
    values = np.random.default_rng(seed).normal(0, 3, (height, width)).astype(np.float16)
    values.flat[:4] = [65504, np.inf, -np.inf, 0]
    values.view(np.uint16).flat[4] = 0x7E37  # a NaN with a payload
    return values


def box(x, y, width, height):
    return np.array([x, y], np.int32), np.array([x + width - 1, y + height - 1], np.int32)


def write(path: Path, *parts, compression=OpenEXR.ZIP_COMPRESSION, **attributes):
    """Writes an EXR of parts, each a dictionary of channels or (header, channels)."""
    made = []
    for part in parts:
        header, channels = part if isinstance(part, tuple) else ({}, part)
        header = {"compression": compression, "type": OpenEXR.scanlineimage, **attributes, **header}
        made.append(OpenEXR.Part(header, channels))
    OpenEXR.File(made).write(str(path))
    return path


def rgb(height=12, width=16, prefix="", seed=0):
    return {f"{prefix}{name}": half(height, width, seed + index) for index, name in enumerate("RGB")}


def everything(path: Path):
    """Each part of a file as OpenImageIO sees it: (attributes, windows, {channel: (type, bytes)})."""
    image = oiio.ImageInput.open(str(path))
    assert image is not None, oiio.geterror()
    parts = []
    while image.seek_subimage(len(parts), 0):
        spec = image.spec()
        attributes = {each.name: str(each.value) for each in spec.extra_attribs}
        windows = (spec.x, spec.y, spec.width, spec.height, spec.full_x, spec.full_y, spec.full_width, spec.full_height, spec.tile_width)
        channels = {}
        for index, name in enumerate(spec.channelnames):
            kind = spec.channelformat(index)
            channels[name] = (str(kind), image.read_image(len(parts), 0, index, index + 1, kind).tobytes())
        parts.append((attributes, windows, channels))
    image.close()
    return parts
