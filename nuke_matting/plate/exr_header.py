"""The attributes of an EXR's header, as the bytes they are.

Libraries turn attributes into values of their own and back: 48/2 becomes 24/1, text that is not UTF-8 and kinds that
they do not know are refused. A copy of a plate is to lose nothing, so attributes are copied here without being read.
The layout is that of "OpenEXR File Layout", the format's own document.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# bytes that are no UTF-8, as Latin-1 names have them, for characters that libraries take: the last ones there are, so
# that names keep their order
_STAND_INS = {0xDC00 + byte: 0x10FF00 + byte for byte in range(0x80, 0x100)}
_STOOD_FOR = {stand_in: byte for byte, stand_in in _STAND_INS.items()}

MAGIC = b"\x76\x2f\x31\x01"
_LONG_NAMES, _MULTI_PART = 0x400, 0x1000
_LONGEST_NAME = 255
HALF = 1  # the number of that pixel type

# what a library must know to read the pixels of a part
STRUCTURE = frozenset(
    {
        "channels",
        "chunkCount",
        "compression",
        "dataWindow",
        "displayWindow",
        "lineOrder",
        "name",
        "pixelAspectRatio",
        "screenWindowCenter",
        "screenWindowWidth",
        "tiles",
        "type",
        "version",
    }
)


@dataclass(frozen=True)
class Attribute:
    """An attribute: the name of its type, and its value in the file's bytes. `at` is where its type's name stands."""

    kind: bytes
    value: bytes
    at: int = -1


Header = Mapping[str, Attribute]


def headers(data: bytes) -> tuple[list[dict[str, Attribute]], int]:
    """The header of each part, in the file's order, and the position of the first byte after them.

    Raises ValueError where the bytes are no EXR, or end within the headers.
    """
    if data[:4] != MAGIC or len(data) < 8:
        raise ValueError("it is no EXR")
    many = struct.unpack_from("<I", data, 4)[0] & _MULTI_PART
    parts: list[dict[str, Attribute]] = []
    position = 8
    while True:
        part, position = _header(data, position)
        if not part and many and parts:  # an empty header ends the list of parts
            return parts, position
        parts.append(part)
        if not many:
            return parts, position


def channels(header: Header) -> list[tuple[str, int]]:
    """The names of a part's channels and their pixel types (0 uint, HALF, 2 float), in the file's order.

    Raises ValueError.
    """
    return [(name, int.from_bytes(about[:4], "little")) for name, about in _channels(header)]


def channel_names(header: Header) -> list[str]:
    """As `channels`, without the types."""
    return [name for name, _ in channels(header)]


def text(header: Header, name: str) -> str:
    """An attribute that is a text, as it is in the file; empty where there is none of that name."""
    return header[name].value.decode("utf-8", "surrogateescape") if name in header else ""


def plain(data: bytes) -> bytes:
    """The same pixels in a file that any library reads: every attribute that is not `STRUCTURE` has a type that none
    knows, so that none reads it, and nothing moves.

    Where a name of it is no UTF-8, only `STRUCTURE` is kept, and the names of parts and channels have stand-ins, which
    `restored` takes back.

    Raises ValueError.
    """
    parts, _ = headers(data)
    if not all(map(_is_utf_8, parts)):
        kept = [{name: each for name, each in part.items() if name in STRUCTURE} for part in parts]
        return with_headers(data, [_renamed(part, _STAND_INS) for part in kept])
    out = bytearray(data)
    for part in parts:
        for name, attribute in part.items():
            if name not in STRUCTURE:
                out[attribute.at : attribute.at + len(attribute.kind)] = b"?" * len(attribute.kind)
    return bytes(out)


def stand_in(name: str) -> str:
    """The name of a part or channel in the file that `plain` gives."""
    return name.translate(_STAND_INS)


def original(text: str) -> str:
    """A text with names of such a file in it, as they are to be shown."""
    return text.translate(_STOOD_FOR).encode(errors="replace").decode()


def restored(header: Header) -> Header:
    """A header that a library made of such names, with the names that they stand for.

    Raises ValueError where the channels would no longer be in the order that the format has them in: some of their
    names are UTF-8 beyond ASCII, and others no UTF-8.
    """
    found = _renamed(header, _STOOD_FOR)
    names = list(map(_encoded, channel_names(found)))
    if names != sorted(names):
        raise ValueError("the names of its channels are partly UTF-8, and partly not")
    return found


def with_headers(data: bytes, parts: Sequence[Header]) -> bytes:
    """A whole and healthy EXR with the headers of its parts replaced, its table of chunks moved to match.

    Raises ValueError where the table does not fit the file.
    """
    old, end = headers(data)
    if len(old) != len(parts):
        raise ValueError(f"{len(parts)} headers for {len(old)} parts")
    table = _table(data, end)
    flags = struct.unpack_from("<I", data, 4)[0]
    if any(len(_encoded(name)) > 31 for part in parts for name in [*part, *channel_names(part)]):
        flags |= _LONG_NAMES
    text = b"".join(_bytes(part) for part in parts) + (b"\0" if flags & _MULTI_PART else b"")
    moved = 8 + len(text) - end
    offsets = struct.pack(f"<{len(table)}Q", *(offset + moved for offset in table))
    return b"".join((MAGIC, struct.pack("<I", flags), text, offsets, data[end + 8 * len(table) :]))


def _channels(header: Header) -> list[tuple[str, bytes]]:
    """The names of a part's channels, and what is said of each: pixel type, linearity, sampling in x and y."""
    value = header["channels"].value if "channels" in header else b""
    found, position = [], 0
    while position < len(value) and value[position]:
        name, position = _text(value, position)
        found.append((name.decode("utf-8", "surrogateescape"), value[position : position + 16]))
        position += 16
    return found


def _is_utf_8(part: Header) -> bool:
    names = [*part, *channel_names(part), text(part, "name")]
    return not any(character in _STAND_INS for name in names for character in map(ord, name))


def _renamed(part: Header, table: Mapping[int, int]) -> dict[str, Attribute]:
    """A header with the names of the part and of its channels translated."""
    renamed = dict(part)
    if "name" in part:
        renamed["name"] = Attribute(part["name"].kind, _encoded(text(part, "name").translate(table)))
    if "channels" in part:
        entries = [_encoded(name.translate(table)) + b"\0" + about for name, about in _channels(part)]
        renamed["channels"] = Attribute(part["channels"].kind, b"".join(entries) + b"\0")
    return renamed


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _header(data: bytes, position: int) -> tuple[dict[str, Attribute], int]:
    part: dict[str, Attribute] = {}
    while position < len(data) and data[position]:
        name, position = _text(data, position)
        at = position
        kind, position = _text(data, position)
        if position + 4 > len(data):
            raise ValueError("it ends within its header")
        size = struct.unpack_from("<i", data, position)[0]
        position += 4
        if size < 0 or position + size > len(data):
            raise ValueError("it ends within its header")
        part[name.decode("utf-8", "surrogateescape")] = Attribute(kind, data[position : position + size], at)
        position += size
    if position >= len(data):
        raise ValueError("it ends within its header")
    return part, position + 1


def _text(data: bytes, position: int) -> tuple[bytes, int]:
    end = data.find(b"\0", position, position + _LONGEST_NAME + 1)
    if end < 0:
        raise ValueError("its header is damaged")
    return data[position:end], end + 1


def _table(data: bytes, end: int) -> list[int]:
    """The positions of all chunks of all parts; the first chunk begins where the table ends."""
    table: list[int] = []
    lowest = len(data)
    while end + 8 * len(table) < lowest:
        if end + 8 * len(table) + 8 > len(data):
            raise ValueError("its table of chunks is cut off")
        offset = struct.unpack_from("<Q", data, end + 8 * len(table))[0]
        if not end < offset < len(data):
            raise ValueError("its table of chunks is damaged")
        table.append(offset)
        lowest = min(lowest, offset)
    if end + 8 * len(table) != lowest:
        raise ValueError("its table of chunks is damaged")
    return table


def _bytes(part: Header) -> bytes:
    return (
        b"".join(
            _encoded(name) + b"\0" + each.kind + b"\0" + struct.pack("<i", len(each.value)) + each.value
            for name, each in part.items()
        )
        + b"\0"
    )
