"""Opening image files with OpenImageIO without its traps, as typed errors.

OpenImageIO returns errors instead of raising them; its error texts may not be valid UTF-8; a damaged header can claim
any size; reading the pixels of a deep file through its plain calls ends the process. All of that is met here, once.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import OpenImageIO as oiio
from numpy.typing import NDArray

from nuke_matting.errors import PlateError

MOST_PIXELS = 2**28  # of one part; 16384 x 16384
MOST_CHANNELS = 1024
MOST_PARTS = 256
# what cameras write, and no library here reads
_OF_CAMERAS = frozenset(
    {".ari", ".arx", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".rw2", ".orf", ".heic", ".heif", ".avif"}
)


def error_text(source: object = oiio) -> str:
    """The pending error of OpenImageIO, or of one of its objects, as one line."""
    try:
        text = source.geterror()  # type: ignore[attr-defined]
    except UnicodeDecodeError:
        return "the file is damaged"
    lines = dict.fromkeys(line.strip() for line in text.splitlines() if line.strip())
    return "; ".join(lines)[:300] or "unknown reason"


@dataclass(frozen=True)
class ImageFile:
    """A file that is open, as `open_image` gives it.

    image : OpenImageIO's hold on it, closed with the context that gave it.
    specs : of all its parts, none deep and none too large to be true.
    path, frame : the file, and the number of its frame: what errors name.
    """

    image: oiio.ImageInput
    specs: list[oiio.ImageSpec]
    path: Path
    frame: int

    def channels(self, part: int, first: int, last: int, kind: oiio.BASETYPE = oiio.FLOAT) -> NDArray:
        """Channels `first` up to, not including, `last` of a part: [H, W, last - first]. All of it or PlateError.

        kind : OpenImageIO's type to convert to; `oiio.UNKNOWN` leaves the stored one.
        """
        image, spec = self.image, self.specs[part]
        try:
            if spec.tile_width == 0 and spec.height > 1:  # a truncated file is found before memory is taken for it
                bottom = spec.y + spec.height - 1
                probe = image.read_scanlines(part, 0, bottom, bottom + 1, spec.z, first, last, kind)
                if probe is None or image.has_error:
                    raise self.damaged(error_text(image))
            pixels = image.read_image(part, 0, first, last, kind)
        except MemoryError as error:
            raise self.damaged(os.strerror(errno.ENOMEM)) from error
        except (RuntimeError, UnicodeDecodeError, ValueError) as error:
            raise self.damaged(str(error)) from error
        if pixels is None or image.has_error:
            raise self.damaged(error_text(image))
        return pixels

    def damaged(self, text: str) -> PlateError:
        """The error of this file where its content cannot be read."""
        return damaged(text, self.path, self.frame)


def damaged(text: str, path: Path, frame: int) -> PlateError:
    """The error of a file whose content cannot be read. text : why, one clause."""
    return PlateError(f"cannot be read ({text})", path=path, frame=frame, advice="render or copy the file again")


@contextmanager
def open_image(path: Path, frame: int) -> Iterator[ImageFile]:
    """Opens a file for reading, with a look at all its parts.

    Values are given as they are stored: colour that a file keeps apart from its alpha is not multiplied by it.
    Raises PlateError.
    """
    _must_be_a_file(path, frame)
    try:
        str(path).encode()
    except UnicodeEncodeError as error:  # such as a Latin-1 name from an old disk, which OpenImageIO cannot be given
        raise PlateError(
            "the file's name is not UTF-8", path=path, frame=frame, advice="rename it, or link to it by a plain name"
        ) from error
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)
    try:
        image = oiio.ImageInput.open(str(path), config)
    except (RuntimeError, UnicodeDecodeError) as error:
        raise damaged(str(error), path, frame) from error
    if image is None:
        raise _refusal(error_text(), path, frame)
    try:
        specs = _parts(image, path, frame)
        if image.format_name() == "webp":  # its reader is of no use once it was asked for a part that is not there
            image.close()
            image = oiio.ImageInput.open(str(path), config) or image
        yield ImageFile(image, specs, path, frame)
    finally:
        image.close()


def _must_be_a_file(path: Path, frame: int) -> None:
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        what = "the file is missing"
    except (OSError, ValueError) as error:  # a link to itself, or into a folder that nobody may look into
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise PlateError(
            f"cannot be read ({why})", path=path, frame=frame, advice="check its rights and, of a link, where it leads"
        ) from error
    else:
        if stat.S_ISREG(mode):
            return
        what = "is a folder, not an image" if stat.S_ISDIR(mode) else "is no file"
    raise PlateError(what, path=path, frame=frame, advice="render or copy it, or leave the frame out of --frames")


def _parts(image: oiio.ImageInput, path: Path, frame: int) -> list[oiio.ImageSpec]:
    specs: list[oiio.ImageSpec] = []
    while len(specs) < MOST_PARTS and image.seek_subimage(len(specs), 0):
        spec = image.spec()
        if spec.deep:
            raise PlateError(
                "deep images are not supported",
                path=path,
                frame=frame,
                advice="flatten it: DeepToImage in Nuke, or oiiotool in.exr --flatten -o out.exr",
            )
        if spec.depth > 1:
            raise PlateError("volumes are not supported", path=path, frame=frame, advice="give a flat image")
        if spec.width * spec.height > MOST_PIXELS or spec.nchannels > MOST_CHANNELS:
            raise damaged(f"it claims {spec.width}x{spec.height} pixels of {spec.nchannels} channels", path, frame)
        specs.append(spec)
    ended = error_text(image)  # reading must begin without an error pending
    if not specs:
        raise damaged(ended, path, frame)
    return specs


def _refusal(text: str, path: Path, frame: int) -> PlateError:
    if "ubsampled" in text:
        return PlateError(
            "luminance-chroma (sub-sampled) EXRs are not supported",
            path=path,
            frame=frame,
            advice="convert it to RGB: read it in Nuke and write an RGB EXR",
        )
    if path.suffix.lower() in _OF_CAMERAS:
        return PlateError(
            f"{path.suffix.lower()} files are not supported", path=path, frame=frame, advice="convert it to EXR"
        )
    return damaged(text, path, frame)
