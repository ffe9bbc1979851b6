"""Small EXRs for the tests, with values that are easy to lose."""

import struct
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
        made.append(OpenEXR.Part(header, dict(channels)))  # the library changes the dictionary it is given
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
        windows = (
            spec.x,
            spec.y,
            spec.width,
            spec.height,
            spec.full_x,
            spec.full_y,
            spec.full_width,
            spec.full_height,
            spec.tile_width,
        )
        channels = {}
        for index, name in enumerate(spec.channelnames):
            kind = spec.channelformat(index)
            channels[name] = (str(kind), image.read_image(len(parts), 0, index, index + 1, kind).tobytes())
        parts.append((attributes, windows, channels))
    image.close()
    return parts


def attributes(path: Path):
    """Each part's attributes as the file's own bytes, {name: (type, value)}: read here, by nobody's library."""
    data = path.read_bytes()
    flags, position, parts = struct.unpack_from("<I", data, 4)[0], 8, []

    def text(start):
        end = data.index(b"\0", start)
        return data[start:end], end + 1

    while True:
        part = {}
        while data[position]:
            name, position = text(position)
            kind, position = text(position)
            size = struct.unpack_from("<i", data, position)[0]
            part[name] = (kind, data[position + 4 : position + 4 + size])
            position += 4 + size
        position += 1
        parts.append(part)
        if not flags & 0x1000 or not data[position]:
            return parts, position


def add_attribute(path: Path, name: bytes, kind: bytes, value: bytes):
    """Puts an attribute of any kind into a file of one part."""
    data, (_, end) = path.read_bytes(), attributes(path)
    new = name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value
    count = (struct.unpack_from("<Q", data, end)[0] - end) // 8
    table = [offset + len(new) for offset in struct.unpack_from(f"<{count}Q", data, end)]
    path.write_bytes(data[: end - 1] + new + b"\0" + struct.pack(f"<{count}Q", *table) + data[end + 8 * count :])
    return path
