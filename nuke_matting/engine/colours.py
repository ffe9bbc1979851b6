"""The colour spaces of a shot: its plate's, and its clean plate's, which may be another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import PyOpenColorIO as ocio_lib

from nuke_matting.colour.choose import said_space
from nuke_matting.colour.config import load_config
from nuke_matting.colour.gamuts import linear_space_of
from nuke_matting.colour.processor import ColourPipe, colour_under
from nuke_matting.engine.inputs import file_of
from nuke_matting.errors import ColourError, PlateError, UsageError
from nuke_matting.plate.frame import ColourHints, Header
from nuke_matting.plate.sequence import ImageSequence
from nuke_matting.settings import Settings


class Colours:
    """The way to the model space and back, of each file of a shot.

    Whether the OCIO config, or a look-up table that it names, has changed, is looked at once, and again after
    `look_again`: a run asks for colours several times a frame.

    Parameters
    ----------
    settings : of which `ocio`, `colourspace` and `clean_colourspace` count.
    plate : its frames.
    clean : the clean plate's, if there is one.
    header : of the file of a frame. Raises PlateError.
    """

    def __init__(
        self,
        settings: Settings,
        plate: ImageSequence,
        clean: ImageSequence | None,
        header: Callable[[Path, int], Header],
    ) -> None:
        self._settings, self._plate, self._clean, self._header = settings, plate, clean, header
        self._config: tuple[ocio_lib.Config, str] | None = None

    def look_again(self) -> None:
        """To be called before each run."""
        self._config = None

    def of_plate(self, hints: ColourHints, path: Path) -> ColourPipe:
        """Of a file of the plate. Raises ColourError."""
        return self._open(self._settings.colourspace, hints, path)

    def of_clean(self, hints: ColourHints, path: Path, plate: ColourHints) -> ColourPipe:
        """Of a file of the clean plate. Raises ColourError.

        What the user says of the plate holds for it too, where nothing else is said of it, unless it is of another
        kind, or says another space itself, by name or by its primaries: a PNG beside log EXRs is in no log space.

        plate : what the plate's own file says.
        """
        says = said_space(hints)
        own = hints.integer != plate.integer or (says and says != said_space(plate)) or _has_own_primaries(hints, plate)
        named = self._settings.clean_colourspace or ("" if own else self._settings.colourspace)
        return self._open(named, hints, path)

    def at(self, frame: int) -> Iterator[ColourPipe]:
        """Of a frame's plate, and then of its clean plate, each from its header. Raises PlateError, ColourError."""
        path = self._plate.path(frame)
        hints = self._header(path, frame).colour
        yield self.of_plate(hints, path)
        if self._clean is not None:
            clean = file_of(self._clean, frame)
            yield self.of_clean(self._header(clean, frame).colour, clean, hints)

    def space(self, frame: int) -> str:
        """The colour space of a frame's pixels, as the config calls it. Raises PlateError, ColourError."""
        return next(self.at(frame)).space

    def doubts(self, frame: int) -> list[str]:
        """Notes of what a frame's spaces are no more than a guess of; none where a header cannot be read."""
        said = []
        with suppress(PlateError, ColourError):
            for what, option, each in zip(("plate", "clean plate"), ("", "clean-"), self.at(frame), strict=False):
                if each.doubt:
                    said.append(
                        f"the {what} is taken to be in {each.space}, a guess, as {each.doubt}: "
                        f"name its space with --{option}colourspace"
                    )
        return said

    def choice(self, frames: Iterable[int]) -> str:
        """The colour space of the first of the frames that can be read, why it, and the config; and the clean plate's,
        where that is another. For the log. Raises ColourError."""
        found = self._first(frames)
        if not found:
            return "unknown: no frame can be read"
        colour, *clean = found
        told = f"{colour.space} ({colour.reason}), {colour.config_name}"
        others = [f"; the clean plate {each.space} ({each.reason})" for each in clean if each.space != colour.space]
        return "".join([told, *others])

    def refuse_encoded(self) -> None:
        """Colour is multiplied by an alpha in linear light alone. Raises UsageError where the plate is in another."""
        found = self._first(self._plate.frames)
        if found and not found[0].is_linear:
            raise UsageError(
                f"premult: the plate is in {found[0].space}, which is not scene-linear, so no alpha may multiply it",
                path=self._plate.pattern,
                advice="leave premult off, and Premult in the comp, after the Read",
            )

    def _open(self, named: str, hints: ColourHints, path: Path) -> ColourPipe:
        if (config := self._config) is None:
            config = self._config = load_config(self._settings.ocio)
        return colour_under(*config, named, hints, path)

    def _first(self, frames: Iterable[int]) -> list[ColourPipe]:
        """Those of the first of the frames whose plate can be read, the clean plate's only where it can be as well;
        none where none can."""
        for frame in frames:
            found: list[ColourPipe] = []
            with suppress(PlateError):
                for each in self.at(frame):
                    found.append(each)
            if found:
                return found
        return []


def _has_own_primaries(hints: ColourHints, plate: ColourHints) -> bool:
    """Whether a file states primaries of a known gamut that are not those that another states."""
    said, others = (each.chromaticities for each in (hints, plate))
    own = None if said is None else linear_space_of(said)
    return own is not None and (others is None or own != linear_space_of(others))
