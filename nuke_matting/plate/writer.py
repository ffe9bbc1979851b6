"""The writer: mattes as EXR, alone (`sidecar`) or added to a copy of the plate (`merge`).

The OpenEXR library moves the channels, each in its own pixel type; attributes are copied as bytes, past any library.
Files are made in memory and written by `atomic`, since image libraries do not tell a full disk.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import OpenImageIO as oiio
from numpy.typing import NDArray

from nuke_matting.errors import OutputError, PlateError
from nuke_matting.plate import exr_header
from nuke_matting.plate.atomic import Before, write_whole
from nuke_matting.plate.exr_header import Attribute
from nuke_matting.plate.files import open_image, read_channels
from nuke_matting.plate.frame import Window
from nuke_matting.plate.reader import choose_picture, part_layers, picture_of, read_frame

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
        "colorInteropID",
        "oiio:ColorSpace",
        "adoptedNeutral",
        "whiteLuminance",
        "lookModTransform",
        "renderingTransform",
    )
)
_LOSSY = frozenset(getattr(OpenEXR, f"{name}_COMPRESSION") for name in ("PXR24", "B44", "B44A", "DWAA", "DWAB"))
# attributes that say how the file at hand is laid out, so that a copy of the plate takes its own
_LAYOUT = frozenset(["channels", "chunkCount", "compression", "lineOrder", "tiles", "type", "version"])

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
    """

    plate: Path
    frame: int
    data_window: Window
    display_window: Window
    alpha: NDArray[np.float32]
    foreground: NDArray[np.float32] | None = None
    space: str = ""


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
    channels = {_alpha_name("", layer): _half(pixels.alpha)} | _foreground(pixels, "", premult, kind)
    _write_new(out, pixels, channels, kept, before)
    return []


def write_merged(out: Path, pixels: Pixels, *, layer: str, premult: bool, before: Before | None = None) -> list[str]:
    """Writes a copy of the plate with the alpha added, and the foreground as layer `fg` where there is one.

    The alpha goes to the part, view or layer that the picture was read from: `rgba.alpha` is its `A`, replaced where
    it has one. All other channels are bit for bit the plate's, with their pixel types; so are all attributes, of any
    kind. Three things give way where they must, and are said in the warnings returned: a lossy compression that would
    change pixels again becomes zip, of mip-mapped tiles the full size stays, and a layer `fg` that the plate has
    makes room for ours. A plate that is no EXR becomes one.

    Raises OutputError; PlateError where any part of the plate cannot be read, as a copy without it would be a loss.
    """
    data = _file(pixels)
    if not data.startswith(exr_header.MAGIC):
        return _write_converted(out, pixels, layer, premult, before)
    headers, parts = _read(data, pixels)
    choice = choose_picture([list(part.channels) for part in parts], _layers(headers))
    if choice is None:
        raise PlateError("has no R, G, B among its channels", path=pixels.plate, frame=pixels.frame)
    warnings: list[str] = []
    structures, planes = [], []
    for index, part in enumerate(parts):
        structure = {
            name: part.header[name] for name in exr_header.STRUCTURE - {"channels", "chunkCount"} if name in part.header
        }
        tiles = structure.get("tiles")
        if tiles is not None and tiles.mode != OpenEXR.ONE_LEVEL:
            structure["tiles"] = _one_level(tiles)
            warnings.append(f"part {index} is mip-mapped: the smaller levels are not kept")
        structures.append(structure)
        planes.append({name: channel.pixels for name, channel in part.channels.items()})
    ours = _ours(pixels, planes[choice.part], choice.prefix, choice.channels[0], layer, premult)
    if pixels.foreground is not None and any(f"fg.{each}" in planes[choice.part] for each in "RGB"):
        warnings.append("the plate's own layer fg is replaced")
    name = _alpha_name(choice.prefix, layer, planes[choice.part])
    lost = planes[choice.part].get(name)
    if lost is not None and (layer != "rgba.alpha" or (lost != lost.flat[0]).any()):  # most plates have a flat alpha
        warnings.append(f"the plate's own channel {name} is replaced")
    if twice := [each for each in ours if each in _elsewhere(headers, choice.part)]:
        warnings.append(f"another part of the plate has {', '.join(twice)} too, and keeps it: name another --layer")
    planes[choice.part] |= ours

    made = _encode(structures, planes, out, pixels.frame)
    if any(each["compression"] in _LOSSY for each in structures) and not _same(made, planes):
        for each in structures:
            if each["compression"] in _LOSSY:
                each["compression"] = OpenEXR.ZIP_COMPRESSION
        warnings.append("the plate's compression is lossy and would have changed its pixels again: zip in its place")
        made = _encode(structures, planes, out, pixels.frame)
    try:
        laid_out = [exr_header.restored(each) for each in exr_header.headers(made)[0]]
    except ValueError as error:
        raise PlateError(
            str(error), path=pixels.plate, frame=pixels.frame, advice="rename them, or give --mode sidecar"
        ) from error
    copies = [
        {
            name: new[name] if name in _LAYOUT else value
            for name, value in old.items()
            if name not in _LAYOUT or name in new
        }
        for old, new in zip(headers, laid_out, strict=True)
    ]
    write_whole(out, exr_header.with_headers(made, copies), pixels.frame, before)
    return list(map(exr_header.original, warnings))


def _elsewhere(headers: Sequence[Mapping[str, Attribute]], part: int) -> set[str]:
    """The channels of layers in the other parts of a part's view. What is of no layer is of its part."""
    view = exr_header.text(headers[part], "view")
    others = [each for index, each in enumerate(headers) if index != part and exr_header.text(each, "view") == view]
    return {exr_header.stand_in(name) for each in others for name in exr_header.channel_names(each) if "." in name}


def _ours(pixels: Pixels, plate: Channels, prefix: str, red: int, layer: str, premult: bool) -> Channels:
    """The channels that are added: the alpha in the type of the one it replaces, else in that of the picture, as the
    foreground is, which is float where that is uint."""
    name = _alpha_name(prefix, layer, plate)
    picture = list(plate.values())[red]
    if picture.shape != pixels.alpha.shape:
        raise _damaged(pixels, "its size is not what it was when it was matted")
    real = picture.dtype if picture.dtype != np.uint32 else np.dtype(np.float32)
    kind = plate[name].dtype if name in plate else real
    alpha = pixels.alpha
    if kind == np.uint32:
        alpha = np.round(alpha.astype(np.float64) * np.iinfo(np.uint32).max)
    return {name: np.ascontiguousarray(alpha.astype(kind))} | _foreground(pixels, "fg.", premult, real)


def _write_converted(out: Path, pixels: Pixels, layer: str, premult: bool, before: Before | None) -> list[str]:
    plate = read_frame(pixels.plate, pixels.frame)
    channels: Channels = {name: np.ascontiguousarray(plate.pixels[..., index]) for index, name in enumerate("RGB")}
    channels[_alpha_name("", layer)] = pixels.alpha
    channels |= _foreground(pixels, "fg.", premult, np.dtype(np.float32))
    _write_new(out, pixels, channels, _foreign_metadata(pixels), before)
    return [
        f"the plate is no EXR: its R, G, B became one{f', still in {pixels.space}' if pixels.space else ''}; of its "
        f"{pixels.plate.suffix} metadata only time code, frame rate and pixel aspect are kept"
    ]


def _write_new(
    out: Path, pixels: Pixels, channels: Channels, attributes: Mapping[str, Attribute], before: Before | None
) -> None:
    """Writes an EXR of one part, zip, with the windows given and further attributes."""
    windows = {
        name: (np.array([w.x, w.y], np.int32), np.array([w.x + w.width - 1, w.y + w.height - 1], np.int32))
        for name, w in (("dataWindow", pixels.data_window), ("displayWindow", pixels.display_window))
    }
    structure = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **windows}
    data = _encode([structure], [channels], out, pixels.frame)
    header = exr_header.headers(data)[0][0]
    write_whole(out, exr_header.with_headers(data, [{**header, **attributes}]), pixels.frame, before)


def _metadata(pixels: Pixels) -> tuple[Mapping[str, Attribute], np.dtype]:
    """The attributes of the part that the picture was read from, and the type that its values fit into."""
    try:
        with open(pixels.plate, "rb") as file:
            data = file.read(65536)
            while True:
                if data and not data.startswith(exr_header.MAGIC):
                    return _foreign_metadata(pixels), np.dtype(np.float32)
                try:
                    headers, _ = exr_header.headers(data)
                    break
                except ValueError as error:
                    more = file.read(max(len(data), 1))
                    if not more:
                        raise _damaged(pixels, str(error)) from error
                    data += more
    except OSError as error:
        raise _damaged(pixels, str(error.strerror or error)) from error
    choice = choose_picture([exr_header.channel_names(header) for header in headers], _layers(headers))
    if choice is None:
        return headers[0], np.dtype(np.float16)
    _, kind = exr_header.channels(headers[choice.part])[choice.channels[0]]
    return headers[choice.part], np.dtype(np.float16 if kind == exr_header.HALF else np.float32)


def _layers(headers: Sequence[Mapping[str, Attribute]]) -> list[str]:
    """As of `reader.part_layers`."""
    return part_layers((exr_header.text(each, "name"), exr_header.text(each, "view")) for each in headers)


def _foreign_metadata(pixels: Pixels) -> dict[str, Attribute]:
    """What other formats say that EXR has an attribute for, and the space that their colour is in."""
    with open_image(pixels.plate, pixels.frame) as (_, specs):
        spec = specs[0]
    kept = {"oiio:ColorSpace": Attribute(b"string", pixels.space.encode())} if pixels.space else {}
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


def _file(pixels: Pixels) -> bytes:
    try:
        return pixels.plate.read_bytes()
    except OSError as error:
        raise _damaged(pixels, str(error.strerror or error)) from error


def _read(data: bytes, pixels: Pixels) -> tuple[list[dict[str, Attribute]], list[OpenEXR.Part]]:
    """The headers of an EXR as bytes, and its parts with their pixels: all of them, or PlateError.

    The library leaves out a part that it cannot read, and goes on. So what it gives is held against the headers; and
    parts that were not looked at when the plate was read are read with OpenImageIO first, which tells of damage.
    """
    with open_image(pixels.plate, pixels.frame) as (image, specs):
        choice = picture_of(specs)
        for index, spec in enumerate(specs):
            if choice is None or index != choice.part:
                read_channels(image, index, spec, 0, 1, pixels.plate, pixels.frame, oiio.UNKNOWN)
    try:
        headers, _ = exr_header.headers(data)
        parts = list(OpenEXR.File(io.BytesIO(exr_header.plain(data)), separate_channels=True).parts)
        named = [list(map(exr_header.stand_in, exr_header.channel_names(header))) for header in headers]
    except Exception as error:  # the library raises whatever its C++ side threw
        raise _damaged(pixels, str(error)) from error
    if [sorted(names) for names in named] != [sorted(part.channels) for part in parts]:
        raise _damaged(pixels, "some of its parts or channels are damaged")
    return headers, parts


def _damaged(pixels: Pixels, text: str) -> PlateError:
    return PlateError(
        f"cannot be read ({text})", path=pixels.plate, frame=pixels.frame, advice="render or copy the file again"
    )


def _encode(structures: list[dict[str, Any]], planes: list[Channels], out: Path, frame: int) -> bytes:
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


def _same(data: bytes, planes: list[Channels]) -> bool:
    """Whether the pixels of an EXR in memory are bit for bit those that were put in."""
    written = OpenEXR.File(io.BytesIO(data), separate_channels=True).parts
    return all(
        part.channels[name].pixels.tobytes() == channel.tobytes()
        for part, channels in zip(written, planes, strict=True)
        for name, channel in channels.items()
    )


def _one_level(tiles: OpenEXR.TileDescription) -> OpenEXR.TileDescription:
    single = OpenEXR.TileDescription()
    single.xSize, single.ySize, single.mode = tiles.xSize, tiles.ySize, OpenEXR.ONE_LEVEL
    return single


def _alpha_name(prefix: str, layer: str, plate: Iterable[str] = ()) -> str:
    """The alpha's channel; of `rgba.alpha`, the picture's own in whichever spelling the plate has it."""
    if layer != "rgba.alpha":
        return layer
    spelt = (f"{prefix}a".lower(), f"{prefix}alpha".lower())
    return next((each for each in plate if each.lower() in spelt), f"{prefix}A")


def _foreground(pixels: Pixels, prefix: str, premult: bool, kind: np.dtype) -> Channels:
    """kind : half or float, as the plate's picture is: where the matte is 1 the foreground is the plate, to the bit."""
    if pixels.foreground is None:
        return {}
    colour = pixels.foreground * pixels.alpha[..., None] if premult else pixels.foreground
    stored = _half if kind == np.float16 else np.ascontiguousarray
    return {f"{prefix}{name}": stored(colour[..., index]) for index, name in enumerate("RGB")}


def _half(values: NDArray[np.float32]) -> NDArray[np.float16]:
    """Half floats; what is beyond their range becomes its end, and not infinite."""
    return np.ascontiguousarray(np.clip(values, -65504, 65504).astype(np.float16))
