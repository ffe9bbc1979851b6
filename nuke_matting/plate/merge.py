"""The merge: a copy of the plate with the matte added, of which nothing else is lost (`merge`)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import OpenImageIO as oiio

from nuke_matting.atomic import Before, write_whole
from nuke_matting.errors import PlateError
from nuke_matting.plate import exr_header
from nuke_matting.plate.exr_header import Attribute, Header
from nuke_matting.plate.files import open_image
from nuke_matting.plate.foreign import foreign_metadata
from nuke_matting.plate.reader import PictureChannels, choose_picture, picture_of, stored
from nuke_matting.plate.writer import (
    Channels,
    Pixels,
    alpha_name,
    encode,
    foreground_channels,
    layers_of,
    write_new,
)

# the compressions that keep every bit; of any other, of which OpenEXR gets new ones, what it kept is looked at
_EXACT = frozenset(getattr(OpenEXR, f"{name}_COMPRESSION") for name in ("NO", "RLE", "ZIPS", "ZIP", "PIZ"))
# attributes that say how the file at hand is laid out, so that a copy of the plate takes its own
_LAYOUT = frozenset(["channels", "chunkCount", "compression", "lineOrder", "tiles", "type", "version"])


def write_merged(out: Path, pixels: Pixels, *, layer: str, premult: bool, before: Before | None = None) -> list[str]:
    """Writes a copy of the plate with the alpha added, and the foreground as layer `fg` where there is one.

    The alpha goes to the part, view or layer that the picture was read from: `rgba.alpha` is its `A`, replaced where
    it has one. All other channels are bit for bit the plate's, with their pixel types; so are all attributes, of any
    kind, beside which stand those of `pixels.made`. Three things give way where they must, and are said in the warnings
    returned: a lossy compression that would change pixels again becomes zip, of mip-mapped tiles the full size stays,
    and a layer `fg` that the plate has makes room for ours. A plate that is no EXR becomes one, of the part that is its
    picture, all its channels as they are stored, in floats.

    Raises OutputError; PlateError where any part of the plate cannot be read, as a copy without it would be a loss.
    """
    data = _file(pixels)
    if not data.startswith(exr_header.MAGIC):
        return _write_converted(out, pixels, layer, premult, before)
    headers, parts = _read(data, pixels)
    choice = choose_picture([list(part.channels) for part in parts], layers_of(headers))
    if choice is None:
        raise _without_picture(pixels)
    structures, warnings = _structures(parts)
    planes = [{name: channel.pixels for name, channel in part.channels.items()} for part in parts]
    ours = _ours(pixels, planes[choice.part], choice, layer, premult)
    warnings += _replaced(pixels, planes[choice.part], choice, layer)
    if twice := [each for each in ours if each in _elsewhere(headers, choice.part)]:
        warnings.append(f"another part of the plate has {', '.join(twice)} too, and keeps it: name another --layer")
    planes[choice.part] |= ours
    made, given_way = _encode_whole(structures, planes, out, pixels.frame)
    copied = _copied(headers, made, pixels)
    copied[choice.part] = {**copied[choice.part], **pixels.attributes}
    write_whole(out, exr_header.with_headers(made, copied), pixels.frame, before)
    return list(map(exr_header.original, warnings + given_way))


def _file(pixels: Pixels) -> bytes:
    try:
        return pixels.plate.read_bytes()
    except OSError as error:
        raise pixels.damaged(str(error.strerror or error)) from error


def _read(data: bytes, pixels: Pixels) -> tuple[list[dict[str, Attribute]], list[OpenEXR.Part]]:
    """The headers of an EXR as bytes, and its parts with their pixels: all of them, or PlateError.

    The library leaves out a part that it cannot read, and goes on. So what it gives is held against the headers; and
    parts that were not looked at when the plate was read are read with OpenImageIO first, which tells of damage.
    """
    with open_image(pixels.plate, pixels.frame) as file:
        choice = picture_of(file.specs)
        for index in range(len(file.specs)):
            if choice is None or index != choice.part:
                file.channels(index, 0, 1, oiio.UNKNOWN)
    try:
        headers, _ = exr_header.headers(data)
        parts = list(OpenEXR.File(io.BytesIO(exr_header.plain(data)), separate_channels=True).parts)
        named = [list(map(exr_header.stand_in, exr_header.channel_names(header))) for header in headers]
    except Exception as error:  # the library raises whatever its C++ side threw
        raise pixels.damaged(str(error)) from error
    if [sorted(names) for names in named] != [sorted(part.channels) for part in parts]:
        raise pixels.damaged("some of its parts or channels are damaged")
    return headers, parts


def _structures(parts: Sequence[OpenEXR.Part]) -> tuple[list[dict[str, Any]], list[str]]:
    """What the library must know of each part to write it; and warnings of what of them is not kept."""
    structures, warnings = [], []
    for index, part in enumerate(parts):
        structure = {
            name: part.header[name] for name in exr_header.STRUCTURE - {"channels", "chunkCount"} if name in part.header
        }
        tiles = structure.get("tiles")
        if tiles is not None and tiles.mode != OpenEXR.ONE_LEVEL:
            structure["tiles"] = _one_level(tiles)
            warnings.append(f"part {index} is mip-mapped: the smaller levels are not kept")
        structures.append(structure)
    return structures, warnings


def _one_level(tiles: OpenEXR.TileDescription) -> OpenEXR.TileDescription:
    single = OpenEXR.TileDescription()
    single.xSize, single.ySize, single.mode = tiles.xSize, tiles.ySize, OpenEXR.ONE_LEVEL
    return single


def _ours(pixels: Pixels, plate: Channels, choice: PictureChannels, layer: str, premult: bool) -> Channels:
    """The channels that are added: the alpha in the type of the one it replaces, else in that of the picture, as the
    foreground is: half where all of that is, else float."""
    name = alpha_name(choice.prefix, layer, plate)
    picture = [list(plate.values())[index] for index in choice.channels]
    if picture[0].shape != pixels.alpha.shape:
        raise pixels.damaged("its size is not what it was when it was matted")
    real = np.dtype(np.float16 if all(each.dtype == np.float16 for each in picture) else np.float32)
    kind = plate[name].dtype if name in plate else real
    alpha = pixels.alpha
    if kind == np.uint32:
        alpha = np.round(alpha.astype(np.float64) * np.iinfo(np.uint32).max)
    return {name: np.ascontiguousarray(alpha.astype(kind))} | foreground_channels(pixels, "fg.", premult, real)


def _replaced(pixels: Pixels, plate: Channels, choice: PictureChannels, layer: str) -> list[str]:
    """Warnings of what ours take the place of, in the channels of the part that they come into."""
    warnings = []
    if pixels.foreground is not None and any(f"fg.{each}" in plate for each in "RGB"):
        warnings.append("the plate's own layer fg is replaced")
    name = alpha_name(choice.prefix, layer, plate)
    lost = plate.get(name)
    if lost is not None and (layer != "rgba.alpha" or (lost != lost.flat[0]).any()):  # most plates have a flat alpha
        warnings.append(f"the plate's own channel {name} is replaced")
    return warnings


def _elsewhere(headers: Sequence[Mapping[str, Attribute]], part: int) -> set[str]:
    """The channels of layers in the other parts of a part's view. What is of no layer is of its part."""
    view = exr_header.text(headers[part], "view")
    others = [each for index, each in enumerate(headers) if index != part and exr_header.text(each, "view") == view]
    return {exr_header.stand_in(name) for each in others for name in exr_header.channel_names(each) if "." in name}


def _encode_whole(
    structures: list[dict[str, Any]], planes: list[Channels], out: Path, frame: int
) -> tuple[bytes, list[str]]:
    """The file, with the pixels that it is given to the bit; and a warning where a compression gives way for that."""
    made = encode(structures, planes, out, frame)
    if all(each["compression"] in _EXACT for each in structures) or _same(made, planes):
        return made, []
    exact = [
        each if each["compression"] in _EXACT else {**each, "compression": OpenEXR.ZIP_COMPRESSION}
        for each in structures
    ]
    text = "the plate's compression is lossy and would have changed its pixels again: zip in its place"
    return encode(exact, planes, out, frame), [text]


def _same(data: bytes, planes: list[Channels]) -> bool:
    """Whether the pixels of an EXR in memory are bit for bit those that were put in."""
    written = OpenEXR.File(io.BytesIO(data), separate_channels=True).parts
    return all(
        part.channels[name].pixels.tobytes() == channel.tobytes()
        for part, channels in zip(written, planes, strict=True)
        for name, channel in channels.items()
    )


def _copied(headers: Sequence[Header], made: bytes, pixels: Pixels) -> list[Header]:
    """The plate's headers for the file that was made of its parts: of that is how it is laid out, and nothing else.

    Raises PlateError for names of channels that cannot be kept together.
    """
    try:
        laid_out = [exr_header.restored(each) for each in exr_header.headers(made)[0]]
    except ValueError as error:
        raise PlateError(
            str(error), path=pixels.plate, frame=pixels.frame, advice="rename them, or give --mode sidecar"
        ) from error
    return [
        {
            name: new[name] if name in _LAYOUT else value
            for name, value in old.items()
            if name not in _LAYOUT or name in new
        }
        for old, new in zip(headers, laid_out, strict=True)
    ]


def _write_converted(out: Path, pixels: Pixels, layer: str, premult: bool, before: Before | None) -> list[str]:
    with open_image(pixels.plate, pixels.frame) as file:
        choice = picture_of(file.specs)
        if choice is None:
            raise _without_picture(pixels)
        names = file.specs[choice.part].channelnames
        values = stored(file, PictureChannels(choice.part, choice.prefix, tuple(range(len(names)))))
        alone = len(file.specs) == 1
    picture = {f"{choice.prefix}{name}": index for name, index in zip("RGB", choice.channels, strict=True)}
    rest = {name: index for index, name in enumerate(names) if index not in choice.channels and name not in picture}
    planes: Channels = {name: np.ascontiguousarray(values[..., each]) for name, each in (picture | rest).items()}
    choice = PictureChannels(0, choice.prefix, (0, 1, 2))
    attributes = foreign_metadata(pixels.plate, pixels.frame, pixels.space) | pixels.attributes
    write_new(out, pixels, planes | _ours(pixels, planes, choice, layer, premult), attributes, before)
    return [
        f"the plate is no EXR: its channels became one{f', still in {pixels.space}' if pixels.space else ''}; of its "
        f"{pixels.plate.suffix} metadata only time code, frame rate and pixel aspect are kept"
        f"{'' if alone else ', and of its pictures the one that was matted'}",
        *_replaced(pixels, planes, choice, layer),
    ]


def _without_picture(pixels: Pixels) -> PlateError:
    return PlateError("has no R, G, B among its channels", path=pixels.plate, frame=pixels.frame)
