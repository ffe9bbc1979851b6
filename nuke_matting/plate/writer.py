"""The writer: a matte as an EXR of its own (`sidecar`), and what `merge` has in common with it.

The OpenEXR library moves the channels, each in its own pixel type; attributes are copied as bytes, past any library.
Files are made in memory and written by `atomic`, since image libraries do not tell a full disk.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from nuke_matting.atomic import Before, write_whole
from nuke_matting.errors import OutputError, PlateError
from nuke_matting.plate import exr_header
from nuke_matting.plate.exr_header import Attribute
from nuke_matting.plate.files import damaged
from nuke_matting.plate.foreign import foreign_metadata
from nuke_matting.plate.frame import LARGEST_HALF, Window
from nuke_matting.plate.reader import choose_picture, part_layers

# attributes that belong to a part's pixels as they were stored, not to the picture
_STORAGE = exr_header.STRUCTURE - {"pixelAspectRatio", "screenWindowCenter", "screenWindowWidth"} | {
    "preview",
    "view",
    "multiView",
    "maxSamplesPerPixel",
    "deepImageState",
    "dwaCompressionLevel",
}
_COLOUR = frozenset(
    (
        "chromaticities",
        "acesImageContainerFlag",
        "colorInteropID",
        "oiio:ColorSpace",
        "adoptedNeutral",
        "whiteLuminance",
        "lookModTransform",
        "renderingTransform",
    )
)

Channels = dict[str, NDArray]


@dataclass(frozen=True)
class Pixels:
    """What is to be written of a frame.

    plate : the plate's file, whose metadata (and in `merge`, everything) is kept.
    frame : frame number.
    data_window, display_window : where the pixels lie.
    alpha : [H, W] float32 in [0, 1].
    foreground : [H, W, 3] float32, straight, in the plate's colour space; or None.
    space : the name of that space, to be said where the plate is no EXR, which could say it itself; or "".
    made : texts of how it was made, by the names of the attributes that they become, beside the plate's own.
    """

    plate: Path
    frame: int
    data_window: Window
    display_window: Window
    alpha: NDArray[np.float32]
    foreground: NDArray[np.float32] | None = None
    space: str = ""
    made: Mapping[str, str] = field(default_factory=dict)

    @property
    def attributes(self) -> dict[str, Attribute]:
        """What it says of how it was made, for the header."""
        return {name: Attribute(b"string", text.encode()) for name, text in self.made.items()}

    def damaged(self, text: str) -> PlateError:
        """The error of the plate's file where its content cannot be read."""
        return damaged(text, self.plate, self.frame)


def write_sidecar(out: Path, pixels: Pixels, *, layer: str, premult: bool, before: Before | None = None) -> list[str]:
    """Writes the alpha, and the foreground as R, G, B where there is one: zip, the plate's windows and metadata.

    The alpha is half; the foreground where the plate is, and else float.

    layer : channel of the alpha; `rgba.alpha` is `A`.
    premult : multiply the foreground by the alpha.
    before : as in `write_whole`.

    Returns warnings. Raises OutputError, PlateError.
    """
    metadata, kind = _metadata(pixels)
    kept = {name: value for name, value in metadata.items() if name not in _STORAGE}
    if pixels.foreground is None:
        kept = {name: value for name, value in kept.items() if name not in _COLOUR}
        kept["colorInteropID"] = Attribute(b"string", b"data")
    kept |= pixels.attributes
    channels = {alpha_name("", layer): _half(pixels.alpha)} | foreground_channels(pixels, "", premult, kind)
    write_new(out, pixels, channels, kept, before)
    if pixels.foreground is None or not pixels.space:
        return []
    return [f"the plate is no EXR: its foreground became one, still in {pixels.space}"]


def write_new(
    out: Path, pixels: Pixels, channels: Channels, attributes: Mapping[str, Attribute], before: Before | None
) -> None:
    """Writes an EXR of one part, zip, with the windows of `pixels` and further attributes.

    before : as of `write_whole`.

    Raises OutputError.
    """
    windows = {
        name: (np.array([w.x, w.y], np.int32), np.array([w.x + w.width - 1, w.y + w.height - 1], np.int32))
        for name, w in (("dataWindow", pixels.data_window), ("displayWindow", pixels.display_window))
    }
    structure = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **windows}
    data = encode([structure], [channels], out, pixels.frame)
    header = exr_header.headers(data)[0][0]
    write_whole(out, exr_header.with_headers(data, [{**header, **attributes}]), pixels.frame, before)


def _metadata(pixels: Pixels) -> tuple[Mapping[str, Attribute], np.dtype]:
    """The attributes of the part that the picture was read from, and the type that its values fit into."""
    try:
        with open(pixels.plate, "rb") as file:
            data = file.read(65536)
            while True:
                if data and not data.startswith(exr_header.MAGIC):
                    return foreign_metadata(pixels.plate, pixels.frame, pixels.space), np.dtype(np.float32)
                try:
                    headers, _ = exr_header.headers(data)
                    break
                except ValueError as error:
                    more = file.read(max(len(data), 1))
                    if not more:
                        raise pixels.damaged(str(error)) from error
                    data += more
    except OSError as error:
        raise pixels.damaged(str(error.strerror or error)) from error
    choice = choose_picture([exr_header.channel_names(header) for header in headers], layers_of(headers))
    if choice is None:
        return headers[0], np.dtype(np.float16)
    kinds = exr_header.channels(headers[choice.part])
    is_half = all(kinds[index][1] == exr_header.HALF for index in choice.channels)
    return headers[choice.part], np.dtype(np.float16 if is_half else np.float32)


def layers_of(headers: Sequence[Mapping[str, Attribute]]) -> list[str]:
    """The layer that each part is, as of `reader.part_layers`, from the parts' headers."""
    return part_layers((exr_header.text(each, "name"), exr_header.text(each, "view")) for each in headers)


def encode(structures: list[dict[str, Any]], planes: list[Channels], out: Path, frame: int) -> bytes:
    """The bytes of an EXR.

    structures : of each part, what the library must know of it, by name.
    planes : of each part, its channels: [H, W] of uint32, float16 or float32.
    out, frame : where it is to go, for the error.

    Raises OutputError where the library makes no EXR of them.
    """
    stream = io.BytesIO()
    try:
        OpenEXR.File(
            [OpenEXR.Part(dict(each), dict(channels)) for each, channels in zip(structures, planes, strict=True)]
        ).write(stream)
    except Exception as error:  # the library raises whatever its C++ side threw
        raise OutputError(
            f"cannot be made an EXR ({error})", path=out, frame=frame, advice="try --mode sidecar"
        ) from error
    return stream.getvalue()


def alpha_name(prefix: str, layer: str, plate: Iterable[str] = ()) -> str:
    """The alpha's channel; of `rgba.alpha`, the picture's own in whichever spelling the plate has it."""
    if layer != "rgba.alpha":
        return layer
    spelt = (f"{prefix}a".lower(), f"{prefix}alpha".lower())
    return next((each for each in plate if each.lower() in spelt), f"{prefix}A")


def foreground_channels(pixels: Pixels, prefix: str, premult: bool, kind: np.dtype) -> Channels:
    """The foreground as channels R, G, B behind a prefix; none where there is none.

    kind : half or float, as the plate's picture is: where the matte is 1 the foreground is the plate, to the bit.
    """
    if pixels.foreground is None:
        return {}
    colour = pixels.foreground * pixels.alpha[..., None] if premult else pixels.foreground
    stored = _half if kind == np.float16 else np.ascontiguousarray
    return {f"{prefix}{name}": stored(colour[..., index]) for index, name in enumerate("RGB")}


def _half(values: NDArray[np.float32]) -> NDArray[np.float16]:
    """Half floats; what is beyond their range becomes its end, and not infinite."""
    return np.ascontiguousarray(np.clip(values, -LARGEST_HALF, LARGEST_HALF).astype(np.float16))
