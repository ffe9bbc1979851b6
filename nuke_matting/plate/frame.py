"""The values that the rest of the house passes around: a window of pixels, and a frame of a plate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LARGEST_HALF = 65504.0  # what infinite pixels become wherever they are met
FAR = 0.5  # how much a matte may go beyond 0 to 1: filters and keyers overshoot by less
LARGEST_LIGHT = 1e25  # what a float may hold beyond it, above or below 0, networks are shown as that: sums stay finite


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels, EXR convention: `x`, `y` of the upper left pixel (may be negative), and its size."""

    x: int
    y: int
    width: int
    height: int


def lies(data: Window, display: Window, pixel_aspect: float) -> tuple[float, float, float, float]:
    """Top, left, height and width of a data window, from its display window's corner, in square pixels, by that one's
    long side.

    >>> lies(Window(10, 5, 20, 10), Window(0, 0, 40, 20), 1.0)
    (0.125, 0.25, 0.25, 0.5)
    """
    long = max(display.width * pixel_aspect, display.height, 1)
    across = pixel_aspect / long
    return (data.y - display.y) / long, (data.x - display.x) * across, data.height / long, data.width * across


@dataclass(frozen=True)
class ColourHints:
    """What a file says of its own colour. Each is None where the file does not say.

    interop_id : the `colorInteropID` attribute, e.g. ``lin_ap1_scene``.
    oiio_space : OpenImageIO's `oiio:ColorSpace` where the *file* set it (not OpenImageIO's own guess by extension).
    stated : what in the file that was made of, where it has no attribute of that name: the name there, and its value.
    chromaticities : EXR `chromaticities`, eight floats: red, green, blue, white as x, y.
    file_format : OpenImageIO's name of the format: ``openexr``, ``png``, ``jpeg``, ``dpx``, ``tiff``.
    integer : pixels are stored as integers (so most likely display-referred or log, not scene-linear).
    """

    interop_id: str | None = None
    oiio_space: str | None = None
    stated: tuple[str, str] | None = None
    chromaticities: tuple[float, ...] | None = None
    file_format: str = "openexr"
    integer: bool = False


@dataclass(frozen=True)
class Frame:
    """One frame of a plate: the red, green and blue of its data window.

    number : frame number.
    path : the file it was read from.
    pixels : [H, W, 3] float32, contiguous, in the plate's own colour space, never clamped.
        Not-a-number pixels are 0 here, unless the reader was told to leave them, and infinite ones +-65504 (the
        largest half); `non_finite` counts them.
    data_window : where `pixels` lie (Nuke: bbox); H and W are its height and width.
    display_window : the picture's format.
    colour : what the file says of its colour space.
    non_finite : count of pixels with a NaN or infinite channel in the file.
    notes : what its user should know of which of the file's pictures this is.
    pixel_aspect : width of a pixel over its height: 2 of an anamorphic plate that is to be shown twice as wide.
    """

    number: int
    path: Path
    pixels: NDArray[np.float32]
    data_window: Window
    display_window: Window
    colour: ColourHints
    non_finite: int = 0
    notes: tuple[str, ...] = ()
    pixel_aspect: float = 1.0


class Header(NamedTuple):
    """What a file says of its picture before that is read.

    colour : of its colour space.
    data_window, display_window : where its pixels lie, and its format.
    pixel_aspect : as in `Frame`.
    """

    colour: ColourHints
    data_window: Window
    display_window: Window
    pixel_aspect: float


class StoredMatte(NamedTuple):
    """A matte as it is stored.

    pixels : [H, W] float32 of its data window; not-a-number is 0.
    data_window, display_window : where they lie, and the matte's format.
    by_grey : its alpha was 1 everywhere, so they are the grey picture beside that.
    layer : they were read from, where that is none of the main ones; else empty.
    non_finite : count of pixels that are no numbers.
    by_red : they are the red of a colour picture.
    beside : other alphas of the file, where the one that was read is 1 everywhere; else empty.
    """

    pixels: NDArray[np.float32]
    data_window: Window
    display_window: Window
    by_grey: bool = False
    layer: str = ""
    non_finite: int = 0
    by_red: bool = False
    beside: str = ""

    @property
    def is_far(self) -> bool:
        """Whether its values go far beyond 0 to 1, as those of another scale (0 to 255) do."""
        return bool(self.pixels.size and (self.pixels.max() > 1 + FAR or self.pixels.min() < -FAR))

    def remarks(self) -> tuple[str, ...]:
        """What is to be known of how it was read, each to follow a name of it; its values are cut to 0 to 1 later."""
        told = {
            f"was read from the layer {self.layer}": bool(self.layer),
            "has an alpha that is 1 everywhere: its grey was read in place of it": self.by_grey,
            "is a colour picture: its red was read": self.by_red,
            f"is 1 everywhere, and {self.beside} beside it was not read": bool(self.beside),
            "has pixels that are no numbers: they were read as 0": self.non_finite > 0,
            "goes far beyond 0 to 1, as of another scale: it was cut to them": self.is_far,
        }
        return tuple(remark for remark, holds in told.items() if holds)
