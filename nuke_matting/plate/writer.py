"""The writer: mattes as EXR, alone (`sidecar`) or added to a copy of the plate (`merge`).

EXRs are copied with the OpenEXR library, which gives every part, channel, pixel type and attribute as it is. They are
made in memory and written by `atomic`, since the library does not tell a full disk.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from nuke_matting.errors import PlateError
from nuke_matting.plate.atomic import write_whole
from nuke_matting.plate.frame import Window
from nuke_matting.plate.reader import choose_picture, read_frame

# attributes that belong to a part's pixels as they were stored, not to the picture
_STORAGE = frozenset("channels compression type tiles chunkCount preview lineOrder dataWindow displayWindow name view "
                     "multiView version maxSamplesPerPixel deepImageState dwaCompressionLevel".split())
_COLOUR = frozenset(("chromaticities", "colorInteropID", "oiio:ColorSpace", "adoptedNeutral", "whiteLuminance", "lookModTransform", "renderingTransform"))
_LOSSY = frozenset(getattr(OpenEXR, f"{name}_COMPRESSION") for name in ("PXR24", "B44", "B44A", "DWAA", "DWAB"))


@dataclass(frozen=True)
class Pixels:
    """What is to be written of a frame.

    plate : the plate's file, whose metadata (and in `merge`, everything) is kept.
    frame : frame number.
    data_window, display_window : where the pixels lie.
    alpha : [H, W] float32 in [0, 1].
    foreground : [H, W, 3] float32, straight, in the plate's colour space; or None.
    """

    plate: Path
    frame: int
    data_window: Window
    display_window: Window
    alpha: NDArray[np.float32]
    foreground: NDArray[np.float32] | None = None


def write_sidecar(out: Path, pixels: Pixels, *, layer: str, premult: bool) -> list[str]:
    """Writes the alpha, and the foreground as R, G, B where there is one; half, zip, with the plate's windows and metadata.

    layer : channel of the alpha; `rgba.alpha` is `A`.
    premult : multiply the foreground by the alpha.

    Returns warnings. Raises OutputError, PlateError.
    """
    header = {name: value for name, value in _metadata(pixels).items() if name not in _STORAGE}
    if pixels.foreground is None:
        header = {name: value for name, value in header.items() if name not in _COLOUR}
        header["colorInteropID"] = "data"
    header |= _windows(pixels) | {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    channels = {_alpha_name("", layer): _half(pixels.alpha)}
    channels |= _foreground(pixels, "", premult)
    _write(out, [OpenEXR.Part(header, channels)], pixels.frame)
    return []


def write_merged(out: Path, pixels: Pixels, *, layer: str, premult: bool) -> list[str]:
    """Writes a copy of the plate with the alpha added, and the foreground as layer `fg` where there is one.

    The alpha goes to the part, view or layer that the picture was read from: `rgba.alpha` is its `A`, replaced where
    it has one. All other channels are bit for bit the plate's, with their pixel types; so are all attributes. Two
    things give way where they must, and are said in the warnings returned: a lossy compression that would change
    pixels again becomes zip, and of mip-mapped tiles the full size stays. A plate that is no EXR becomes one.

    Raises OutputError, PlateError.
    """
    if pixels.plate.suffix.lower() not in {".exr", ".sxr"}:
        return _write_converted(out, pixels, layer, premult)
    file = _read(pixels)
    parts = file.parts
    choice = choose_picture([list(part.channels) for part in parts])
    if choice is None:
        raise PlateError("has no R, G, B among its channels", path=pixels.plate, frame=pixels.frame)
    chosen = parts[choice.part]
    names = list(chosen.channels)
    stored = chosen.channels[names[choice.channels[0]]].pixels.dtype
    kind = stored if stored in (np.float16, np.float32) else np.dtype(np.float32)
    alpha_name = _alpha_name(choice.prefix, layer)
    if alpha_name in chosen.channels:
        kind = chosen.channels[alpha_name].pixels.dtype
    alpha = pixels.alpha
    if kind == np.uint32:
        alpha = np.round(alpha.astype(np.float64) * np.iinfo(np.uint32).max)
    channels = dict(chosen.channels)
    channels[alpha_name] = np.ascontiguousarray(alpha.astype(kind))
    channels |= _foreground(pixels, "fg.", premult)
    warnings: list[str] = []
    merged = []
    for index, part in enumerate(parts):
        header = {name: value for name, value in part.header.items() if name not in ("channels", "chunkCount")}
        tiles = header.get("tiles")
        if tiles is not None and tiles.mode != OpenEXR.ONE_LEVEL:
            header["tiles"] = _one_level(tiles)
            warnings.append(f"part {index} is mip-mapped: the smaller levels are not kept")
        merged.append((header, channels if index == choice.part else dict(part.channels)))
    data = _bytes(merged)
    if any(header["compression"] in _LOSSY for header, _ in merged) and not _same(data, merged):
        for header, _ in merged:
            if header["compression"] in _LOSSY:
                header["compression"] = OpenEXR.ZIP_COMPRESSION
        warnings.append("the plate's compression is lossy and would have changed its pixels again: zip in its place")
        data = _bytes(merged)
    write_whole(out, data, pixels.frame)
    return warnings


def _write_converted(out: Path, pixels: Pixels, layer: str, premult: bool) -> list[str]:
    plate = read_frame(pixels.plate, pixels.frame)
    header = _windows(pixels) | {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    channels = {name: np.ascontiguousarray(plate.pixels[..., index]) for index, name in enumerate("RGB")}
    channels[_alpha_name("", layer)] = pixels.alpha
    channels |= _foreground(pixels, "fg.", premult)
    _write(out, [OpenEXR.Part(header, channels)], pixels.frame)
    return [f"the plate is no EXR: its R, G, B became one, its {pixels.plate.suffix} metadata is not kept"]


def _metadata(pixels: Pixels) -> dict[str, Any]:
    """The attributes of the plate's picture; none where it is no EXR."""
    if pixels.plate.suffix.lower() not in {".exr", ".sxr"}:
        return {}
    parts = _read(pixels, header_only=True).parts
    choice = choose_picture([[channel.name for channel in part.header["channels"]] for part in parts])
    return dict(parts[choice.part if choice else 0].header)


def _read(pixels: Pixels, header_only: bool = False) -> OpenEXR.File:
    try:
        return OpenEXR.File(str(pixels.plate), separate_channels=True, header_only=header_only)
    except Exception as error:  # the library raises whatever its C++ side threw
        raise PlateError(
            f"cannot be read ({error})", path=pixels.plate, frame=pixels.frame, advice="render or copy the file again"
        ) from error


def _bytes(parts: list[tuple[dict[str, Any], dict[str, Any]]]) -> bytes:
    stream = io.BytesIO()
    OpenEXR.File([OpenEXR.Part(header, channels) for header, channels in parts]).write(stream)
    return stream.getvalue()


def _write(out: Path, parts: list[OpenEXR.Part], frame: int) -> None:
    stream = io.BytesIO()
    OpenEXR.File(parts).write(stream)
    write_whole(out, stream.getvalue(), frame)


def _same(data: bytes, parts: list[tuple[dict[str, Any], dict[str, Any]]]) -> bool:
    """Whether the pixels of an EXR in memory are bit for bit those that were put in."""
    written = OpenEXR.File(io.BytesIO(data), separate_channels=True).parts
    return all(
        _array(part.channels[name]).tobytes() == _array(channel).tobytes()
        for part, (_, channels) in zip(written, parts, strict=True)
        for name, channel in channels.items()
    )


def _array(channel: OpenEXR.Channel | NDArray) -> NDArray:
    return channel if isinstance(channel, np.ndarray) else channel.pixels


def _one_level(tiles: OpenEXR.TileDescription) -> OpenEXR.TileDescription:
    single = OpenEXR.TileDescription()
    single.xSize, single.ySize, single.mode = tiles.xSize, tiles.ySize, OpenEXR.ONE_LEVEL
    return single


def _windows(pixels: Pixels) -> dict[str, Any]:
    return {
        name: (np.array([w.x, w.y], np.int32), np.array([w.x + w.width - 1, w.y + w.height - 1], np.int32))
        for name, w in (("dataWindow", pixels.data_window), ("displayWindow", pixels.display_window))
    }


def _alpha_name(prefix: str, layer: str) -> str:
    return f"{prefix}A" if layer == "rgba.alpha" else layer


def _foreground(pixels: Pixels, prefix: str, premult: bool) -> dict[str, NDArray]:
    if pixels.foreground is None:
        return {}
    colour = pixels.foreground * pixels.alpha[..., None] if premult else pixels.foreground
    return {f"{prefix}{name}": _half(colour[..., index]) for index, name in enumerate("RGB")}


def _half(values: NDArray[np.float32]) -> NDArray[np.float16]:
    """Half floats; what is beyond their range becomes its end, and not infinite."""
    return np.ascontiguousarray(np.clip(values, -65504, 65504).astype(np.float16))
