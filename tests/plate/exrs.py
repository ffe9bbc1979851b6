"""Small EXRs for the tests, with values that are easy to lose."""

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenEXR
import OpenImageIO as oiio

from nuke_matting.plate.reader import read_frame
from nuke_matting.plate.writer import Pixels

ATTRIBUTES = {
    "comments": "from the set",
    "framesPerSecond": Fraction(24000, 1001),
    "timeCode": OpenEXR.TimeCode(1, 2, 3, 4, False, False, False, False, False, False, 0, 0, 0, 0, 0, 0, 0, 0),
    "chromaticities": (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767),
    "studio/shot": "sh010",
    "studio/version": 7,
    "studio/gain": 1.5,
    "worldToCamera": np.eye(4, dtype=np.float32),
    "pixelAspectRatio": 2.0,
}


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


def pixels_of(plate, seed=0, foreground=False):
    """What is to be written of a plate's frame 1001: a random alpha that reaches 0 and 1."""
    frame = read_frame(plate, 1001)
    alpha = np.random.default_rng(seed).random(frame.pixels.shape[:2], dtype=np.float32)
    alpha[0, 0], alpha[-1, -1] = 0, 1
    return Pixels(plate, 1001, frame.data_window, frame.display_window, alpha, frame.pixels if foreground else None)


def assert_only_the_alpha_differs(plate, merged, alpha, part=0):
    """Of two files, the second with a channel more or in another's place: `alpha`, in a part."""
    layout = (b"channels",)
    for old, new in zip(attributes(plate)[0], attributes(merged)[0], strict=True):
        assert {k: v for k, v in new.items() if k not in layout} == {k: v for k, v in old.items() if k not in layout}
    before, after = everything(plate), everything(merged)
    assert len(before) == len(after)
    for index, ((known, windows, channels), (new_attributes, new_windows, new_channels)) in enumerate(
        zip(before, after, strict=True)
    ):
        assert new_attributes == known
        assert new_windows == windows
        assert {k: v for k, v in new_channels.items() if k != alpha} == {
            k: v for k, v in channels.items() if k != alpha
        }
        assert (alpha in new_channels) == (alpha in channels or index == part)
