"""The reader: a file -> a `Frame`, or a matte for a guide."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
from numpy.typing import NDArray

from nuke_matting.errors import PlateError
from nuke_matting.plate.files import ImageFile, open_image
from nuke_matting.plate.frame import LARGEST_HALF, ColourHints, Frame, Header, StoredMatte, Window

# what renderers and compositors call the layer that is the picture, by the last word of its name
_MAIN = ("", "rgba", "rgb", "beauty", "combined", "composite", "c", "ci", "main", "left")
# layers whose R, G, B are no colours; a composition, and a picture with motion blur or depth of field, are none of them
_NO_PICTURE = re.compile(
    r"crypto|depth(?![._ ]?of[._ ]?field)|normal(?!i[sz]ed)|(?<!com)position|motion(?![._ ]?blur)|velocity|vector|"
    r"(^|\.)(n|p|uv|st)$"
)
_LAYER = re.compile(r"(?:^| )layer=(\S+)")  # among the settings that a file of this tool names
DATA = len(_MAIN) + 1  # the rank of those
LEAST_ASPECT, MOST_ASPECT = 0.25, 4.0  # of pixels; what is beyond is no lens's
GREY = 0.01  # channels that differ by less are of a grey picture

# OpenImageIO's spaces that say no more than the format does: of PNG and JPEG its guess where nothing is stated, of DPX
# any log. The last resort for such files is the same, and a config's file rules may know better.
_SAY_NOTHING = {"dpx": ("kodaklog",), "png": ("srgb", "srgb_rec709_scene"), "jpeg": ("srgb", "srgb_rec709_scene")}
# what it called spaces of these formats before 3.1
_OLDER_NAMES = {"linear": "lin_rec709_scene", "lin_srgb": "lin_rec709_scene", "rec709": "srgb_rec709_scene"}
_STATEMENTS = ("CICP", "oiio:Gamma", "dpx:Transfer")  # what it makes them of


@dataclass(frozen=True)
class PictureChannels:
    """The channels of a file that are its picture: part, prefix of the layer or view ("" or "left."), and indices."""

    part: int
    prefix: str
    channels: tuple[int, ...]


def read_frame(path: Path, number: int, holes: bool = False) -> Frame:
    """Reads the picture of a file.

    Which of its channels are the picture, `choose_picture` says. Integers become 0..1.
    Colour stays as it is stored, whatever the alpha. Any further channels and parts are not read.

    holes : leave what is not a number as that: it is no black, but shows nothing.

    Raises PlateError naming file and frame: missing, damaged, deep, sub-sampled, or without a picture.
    """
    with open_image(path, number) as file:
        choice = picture_of(file.specs)
        if choice is None:
            raise _without(file, "R, G, B", "give a plate with colour")
        pixels = stored(file, choice)
        spec = file.specs[choice.part]
        hints = _hints(file.image.format_name(), spec)
    finite = np.isfinite(pixels)
    broken = 0
    if not finite.all():
        broken = int((~finite).any(axis=2).sum())
        pixels = np.nan_to_num(
            pixels, copy=False, nan=np.nan if holes else 0.0, posinf=LARGEST_HALF, neginf=-LARGEST_HALF
        )
    notes = (*_notes(choice, file.specs), *_turned(file.specs[0]))
    return Frame(number, path, pixels, *windows(spec), hints, broken, notes, pixel_aspect(spec))


def _turned(spec: oiio.ImageSpec) -> tuple[str, ...]:
    """Of a photograph that is stored as the camera lay: networks know people upright."""
    orientation = spec.get_int_attribute("Orientation", 1)
    if orientation not in (3, 4, 5, 6, 7, 8):
        return ()
    return (
        f"the picture is stored turned (Orientation {orientation}) and read so: turn it upright for a better matte",
    )


def _notes(choice: PictureChannels, specs: Sequence[oiio.ImageSpec]) -> tuple[str, ...]:
    """Of a layer, part or view that was taken where there may be others."""
    layer, own = _shown(choice.prefix.rstrip(".")), _texts(specs[choice.part].getattribute("view"))
    views = _texts(specs[choice.part].getattribute("multiView"))  # of one part, the first of them without a prefix
    views = list(dict.fromkeys(views + [view for spec in specs for view in _texts(spec.getattribute("view"))]))
    if len(views) > 1:
        return (f"of the views {', '.join(views)} only {layer if layer in views else (own or views)[0]} was read",)
    if layer.lower() not in ("", "rgba", "rgb"):
        return (f"the picture was read from the layer {layer}",)
    plain = [_called(spec)[0] for spec in specs if {"R", "G", "B"} <= set(spec.channelnames)]
    if not layer and len(plain) > 1 and all(plain):  # pages of a TIFF have no names
        return (f"of the parts {', '.join(plain)} the picture was read from {_called(specs[choice.part])[0]}",)
    return ()


def _texts(attribute: object) -> list[str]:
    """What an attribute says that is to be a text or several, and may be anything in a file."""
    several = attribute if isinstance(attribute, tuple | list) else [attribute]
    return [_shown(each) for each in several if isinstance(each, str) and each]


def _shown(text: str) -> str:
    return text.encode(errors="replace").decode()


def read_header(path: Path, number: int) -> Header:
    """What a file says of its picture, its pixels unread. Raises PlateError."""
    with open_image(path, number) as file:
        choice = picture_of(file.specs)
        spec = file.specs[choice.part if choice else 0]
        return Header(_hints(file.image.format_name(), spec), *windows(spec), pixel_aspect(spec))


def read_matte(path: Path, number: int, painted: bool = False) -> StoredMatte:
    """Reads a matte: the channel that a file of this tool names itself, else the one that `choose_matte` says.

    painted : it comes from any program. An alpha that is 1 everywhere, beside a grey picture that is not black, is what
        many add when they save a grey matte: then the matte is the grey.

    Raises PlateError.
    """
    with open_image(path, number) as file:
        specs = file.specs
        parts, layers = [list(spec.channelnames) for spec in specs], _layers(specs)
        choice = _named_matte(specs) or choose_matte(parts, layers)
        if choice is None:
            raise _without(file, "alpha and no R, G, B", "name the matte's channel A")
        matte, by_grey = stored(file, choice), False
        non_finite = int(np.isnan(matte).sum())
        matte = _coverage(matte)
        picture = picture_of(specs)
        by_red = painted and picture is not None and _is_colour(file, choice, picture)
        if painted and picture is not None and _is_beside(choice, picture) and matte.min() >= 1:
            colour = _coverage(stored(file, picture))
            by_grey = bool(np.ptp(colour, axis=2).max() < GREY and colour.max() > 0)
            matte = colour if by_grey else matte
        others = [parts[each.part][each.channels[0]] for each in _alphas(parts, layers) if each != choice]
        solid = bool(others) and not by_grey and bool(matte.min() >= 1)
    shown = windows(specs[choice.part])
    layer = _side_layer(choice, specs)
    beside = _shown(", ".join(others[:3])) if solid else ""
    return StoredMatte(np.ascontiguousarray(matte[..., 0]), *shown, by_grey, layer, non_finite, by_red, beside)


def _named_matte(specs: Sequence[oiio.ImageSpec]) -> PictureChannels | None:
    """The channel that `nuke_matting/settings` of a file says its matte is, if it is no alpha of the picture: a merged
    file has the plate's own alpha too."""
    for part, spec in enumerate(specs):
        said = _LAYER.search(" ".join(_texts(spec.getattribute("nuke_matting/settings"))))
        if said and said[1] in spec.channelnames:
            prefix, dot, _ = said[1].rpartition(".")
            return PictureChannels(part, prefix + dot, (spec.channelnames.index(said[1]),))
    return None


def _is_colour(file: ImageFile, matte: PictureChannels, picture: PictureChannels) -> bool:
    """Whether a matte is the red of a picture whose channels differ."""
    if (matte.part, matte.channels) != (picture.part, picture.channels[:1]) or len(set(picture.channels)) < 3:
        return False
    return bool(np.ptp(_coverage(stored(file, picture)), axis=2).max() >= GREY)


def _side_layer(choice: PictureChannels, specs: Sequence[oiio.ImageSpec]) -> str:
    """The layer of a matte that was taken where there may be others; empty for a main one."""
    layer = choice.prefix.rstrip(".") or (_layers(specs)[choice.part] if len(specs) > 1 else "")
    alone = sum(len(spec.channelnames) for spec in specs) == 1
    return "" if alone or _rank(layer) < len(_MAIN) else _shown(layer)


def _is_beside(matte: PictureChannels, picture: PictureChannels) -> bool:
    same = (matte.part, matte.prefix) == (picture.part, picture.prefix)
    return same and matte.channels[0] not in picture.channels


def stored(file: ImageFile, choice: PictureChannels) -> NDArray[np.float32]:
    """The channels of a choice as the file has them, in its order: [H, W, C], contiguous. Raises PlateError."""
    spec = file.specs[choice.part]
    first, last = min(choice.channels), max(choice.channels) + 1
    found = file.channels(choice.part, first, last).reshape(spec.height, spec.width, -1)
    return np.ascontiguousarray(found[..., [index - first for index in choice.channels]], np.float32)


def _coverage(stored: NDArray[np.float32]) -> NDArray[np.float32]:
    """In place: what is no number is 0, and so is minus infinity; infinity is 1."""
    return np.nan_to_num(stored, copy=False, posinf=1.0, neginf=0.0)


def align(pixels: NDArray[np.float32], have: Window, want: Window, fill: float = 0.0) -> NDArray[np.float32]:
    """Crops and pads pixels [H, W] or [H, W, C] of one window to those of another, both in the same coordinates."""
    if have == want:
        return pixels
    out = np.full((want.height, want.width, *pixels.shape[2:]), fill, np.float32)
    left, top = max(have.x, want.x), max(have.y, want.y)
    right = min(have.x + have.width, want.x + want.width)
    bottom = min(have.y + have.height, want.y + want.height)
    if left < right and top < bottom:
        out[top - want.y : bottom - want.y, left - want.x : right - want.x] = pixels[
            top - have.y : bottom - have.y, left - have.x : right - have.x
        ]
    return out


def choose_picture(parts: Sequence[Sequence[str]], layers: Sequence[str] = ()) -> PictureChannels | None:
    """Which channels are the picture, from the names of each part's channels, whatever their order.

    Plain R, G, B of any part come first; then those of a layer; then a lone luminance. Of several, the main ones come
    first (rgba, beauty, Combined, C and their like), then in the order of parts and names, and those that hold data
    last. The Y of a vector (X, Y) or of luminance-chroma (Y, RY, BY) is none.

    layers : as in `part_layers`; what plain channels are of, where there are several parts.
    """
    own = _own_layers(parts, layers)
    found = []
    for part, names in enumerate(parts):
        lower = [name.lower() for name in names]
        for name in lower:
            prefix, dot, last = name.rpartition(".")
            triple = [f"{prefix}{dot}{each}" for each in (("r", "g", "b") if last == "r" else ("red", "green", "blue"))]
            if last in {"r", "red"} and all(each in lower for each in triple):
                rank, indices = _rank(prefix or own[part]), tuple(lower.index(each) for each in triple)
                choice = PictureChannels(part, names[indices[0]][: len(prefix + dot)], indices)
                found.append(((rank == DATA, bool(prefix), rank, part, name), choice))
    if found:
        return min(found, key=lambda each: each[0])[1]
    for part, names in enumerate(parts):
        for name in sorted(names, key=_main_layers_first):
            prefix, dot, last = name.rpartition(".")
            siblings = {f"{prefix}{dot}{each}" for each in ("X", "RY", "BY")}
            if last in {"Y", "I", "luminance", "grey", "gray"} and not (last == "Y" and siblings & set(names)):
                return PictureChannels(part, prefix + dot, (names.index(name),) * 3)
    return None


def part_layers(called: Iterable[tuple[str, str]]) -> list[str]:
    """The layer that each part is, from its name and view: Nuke calls rgba of the view left `rgba.left`.

    >>> part_layers([("rgba.left", "left"), ("N", "")])
    ['rgba', 'N']
    """
    return [name.removesuffix(view).rstrip("._") if view else name for name, view in called]


def _own_layers(parts: Sequence[Sequence[str]], layers: Sequence[str]) -> Sequence[str]:
    """What each part's plain channels are of; a lone part is the picture, whatever its name."""
    return layers if layers and len(parts) > 1 else [""] * len(parts)


def choose_alpha(parts: Sequence[Sequence[str]], layers: Sequence[str] = ()) -> PictureChannels | None:
    """Which channel is an alpha, if any: of several the main layer's, as in `choose_picture`; data (Cryptomatte) has
    none."""
    return next(iter(_alphas(parts, layers)), None)


def _alphas(parts: Sequence[Sequence[str]], layers: Sequence[str]) -> list[PictureChannels]:
    """All channels that are alphas, the likeliest first."""
    own = _own_layers(parts, layers)
    found = []
    for part, names in enumerate(parts):
        for index, name in enumerate(names):
            prefix, dot, last = name.rpartition(".")
            rank = _rank(prefix or own[part])
            if last.lower() in {"a", "alpha", "matte"} and rank != DATA:
                found.append(((rank, part, name), PictureChannels(part, prefix + dot, (index,))))
    return [choice for _, choice in sorted(found, key=lambda each: each[0])]


def choose_matte(parts: Sequence[Sequence[str]], layers: Sequence[str] = ()) -> PictureChannels | None:
    """Which channel is the matte: an alpha, else the red of the picture, else a lone channel; none of them of data."""
    alpha = choose_alpha(parts, layers)
    if alpha is not None:
        return alpha
    picture = choose_picture(parts, layers)
    own = _own_layers(parts, layers)
    if picture is not None:
        data = _rank(picture.prefix.rstrip(".") or own[picture.part]) == DATA
        return None if data else PictureChannels(picture.part, picture.prefix, picture.channels[:1])
    alone = [name for names in parts for name in names]
    part = next((part for part, names in enumerate(parts) if names), 0)
    if len(alone) == 1:
        prefix, _, last = alone[0].rpartition(".")
        if last.lower() not in {"z", "zback", "depth", "id"} and _rank(prefix or own[part]) != DATA:
            return PictureChannels(part, "", (0,))
    return None


def _rank(layer: str) -> int:
    """How soon a layer is taken for the picture: the main ones in their order, then others, then DATA."""
    last = layer.lower().rpartition(".")[2]
    return _MAIN.index(last) if last in _MAIN else DATA if _NO_PICTURE.search(layer.lower()) else len(_MAIN)


def _main_layers_first(name: str) -> tuple[int, str]:
    return _rank(name.rpartition(".")[0]), name


def _layers(specs: Sequence[oiio.ImageSpec]) -> list[str]:
    """`part_layers` of a file's parts."""
    return part_layers(_called(spec) for spec in specs)


def _called(spec: oiio.ImageSpec) -> tuple[str, str]:
    """A part's name and view, each empty where it has none."""
    name, view = (_texts(spec.getattribute(each)) for each in ("oiio:subimagename", "view"))
    return (name or [""])[0], (view or [""])[0]


def picture_of(specs: Sequence[oiio.ImageSpec]) -> PictureChannels | None:
    """As `choose_picture`, of a file's parts."""
    return choose_picture([list(spec.channelnames) for spec in specs], _layers(specs))


def alpha_of(specs: Sequence[oiio.ImageSpec]) -> PictureChannels | None:
    """As `choose_alpha`, of a file's parts."""
    return choose_alpha([list(spec.channelnames) for spec in specs], _layers(specs))


def _without(file: ImageFile, what: str, advice: str) -> PlateError:
    names = ", ".join(name for spec in file.specs for name in spec.channelnames[:8])
    text = f"has no {what} among its channels ({names[:200]})"
    return PlateError(text, path=file.path, frame=file.frame, advice=advice)


def windows(spec: oiio.ImageSpec) -> tuple[Window, Window]:
    """The data window and the display window of a part."""
    data = Window(spec.x, spec.y, spec.width, spec.height)
    return data, Window(spec.full_x, spec.full_y, spec.full_width, spec.full_height)


def pixel_aspect(spec: oiio.ImageSpec) -> float:
    """Width of a part's pixels over their height; 1 where it says none that could be."""
    said = float(spec.get_float_attribute("PixelAspectRatio", 1.0))
    return said if LEAST_ASPECT <= said <= MOST_ASPECT else 1.0


def _hints(file_format: str, spec: oiio.ImageSpec) -> ColourHints:
    integer = file_format != "openexr" and str(spec.format) in {"uint8", "uint16", "uint32", "int8", "int16", "int32"}
    chromaticities = spec.getattribute("chromaticities")
    space, stated = _stated_space(file_format, spec)
    interop = spec.getattribute("colorInteropID") if file_format in {"openexr", "tiff"} else None
    return ColourHints(
        interop_id=str(interop) if interop else None,
        oiio_space=space,
        stated=stated,
        chromaticities=tuple(float(v) for v in chromaticities) if chromaticities and len(chromaticities) == 8 else None,
        file_format=file_format,
        integer=integer,
    )


def _stated_space(file_format: str, spec: oiio.ImageSpec) -> tuple[str | None, tuple[str, str] | None]:
    """`oiio_space` and `stated` of a part's `ColourHints`."""
    said = str(spec.getattribute("oiio:ColorSpace") or "")
    if file_format == "openexr":
        return said or None, None
    if said.lower() in ("", *_SAY_NOTHING.get(file_format, (said.lower(),))):  # of other formats it is all guessed
        return None, None
    space = _OLDER_NAMES.get(said.lower(), said)
    for name in _STATEMENTS:
        if value := spec.getattribute(name):
            return space, (name, f"{value:g}" if isinstance(value, float) else str(value))
    return space, ("colour by its header", space)
