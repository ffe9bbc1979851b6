"""The files that a shot reads: which go with a frame, what their headers say, and what their bytes are known by."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from nuke_matting.engine.cache import folder_of
from nuke_matting.engine.fingerprint import Fingerprints, identity_of
from nuke_matting.engine.hashed import Hashed, Identity
from nuke_matting.engine.inputs import file_of, refuse_misfit
from nuke_matting.engine.keys import find_keys
from nuke_matting.errors import PlateError
from nuke_matting.plate.frame import Header, lies
from nuke_matting.plate.reader import read_header
from nuke_matting.plate.sequence import ImageSequence, find_sequence, sequence_around
from nuke_matting.settings import Settings


class Files:
    """Those of the plate, and of the clean plate, the guide and the key mattes where such are given.

    Parameters
    ----------
    plate : pattern, folder or file, as in `plate.sequence.find_sequence`.
    settings : of which `clean_plate`, `guide`, `keys`, `key_frames`, `model` and those of the cache count.
    remembers : whether fingerprints are kept in the cache's folder for other runs.

    Raises UsageError where one of them cannot be used at all, CacheError where there is no place for a cache.
    """

    def __init__(self, plate: str | Path, settings: Settings, remembers: bool = True) -> None:
        self.plate = find_sequence(str(plate))
        self.clean = find_sequence(settings.clean_plate) if settings.clean_plate else None
        self.guide = find_sequence(settings.guide) if settings.guide else None
        self.keys = find_keys(settings.keys, settings.key_frames, self.plate)
        # those that one file was taken from: it serves any frame, but none that has a file of its own
        self._around = sequence_around(Path(self.plate.pattern)) if self.plate.still else None
        model = Path(os.path.expanduser(settings.model))
        self._model_date = model.stat().st_mtime_ns if model.is_file() else 0  # else it is a name, not a path
        self._fingerprints = Fingerprints(Hashed(folder_of(settings), remembers) if settings.cache else None)
        self._headers: dict[tuple[str, Identity], Header] = {}  # of files as they are

    def of(self, frame: int) -> list[Path]:
        """All that is read for a frame. Raises PlateError where something is missing."""
        files = [file_of(each, frame) for each in (self.plate, self.clean, self.guide) if each is not None]
        return files + ([self.keys.path(frame)] if self.keys is not None and self.is_key(frame) else [])

    def inputs(self, frames: Iterable[int]) -> list[ImageSequence]:
        """What no output for some frames may be written over."""
        inputs = [each for each in (self.plate, self.clean, self.guide) if each is not None]
        if self.keys is not None:
            # painted on other frames than are keys of this run, they are no less somebody's work
            inputs.append(replace(self.keys, frames=tuple({*self.keys.frames, *frames})))
        return inputs

    def is_key(self, frame: int) -> bool:
        """Whether a frame has a key matte."""
        return self.keys is not None and frame in self.keys.frame_set

    # -- what they are known by --

    def pictures(self, frame: int) -> tuple[list[str], int]:
        """Fingerprints of a frame's plate, clean plate and guide, and how many of them are a guide's.

        Raises PlateError where one is missing.
        """
        self._refuse_missing(frame)
        colours = [self.plate.path(frame)]
        colours += [file_of(self.clean, frame)] if self.clean is not None else []
        guides = [file_of(self.guide, frame)] if self.guide is not None else []
        return [self._fingerprints.of(path) for path in (*colours, *guides)], len(guides)

    def key_matte(self, frame: int) -> str:
        """The fingerprint of a key frame's matte; of one that cannot be read what is wrong, which reading it says."""
        assert self.keys is not None
        try:
            return self._fingerprints.of(self.keys.path(frame))
        except PlateError as error:
            return error.what

    def newest(self, frames: Iterable[int], mattes: Iterable[int]) -> int:
        """When the newest of some frames' files, of key mattes and of the model was written, in ns."""
        files = [each.path(frame) for each in (self.plate, self.clean, self.guide) if each for frame in frames]
        files += [self.keys.path(frame) for frame in mattes] if self.keys is not None else []
        return max([self._model_date, *map(self._fingerprints.date, files)])

    def have_changed(self, frame: int) -> bool:
        """Whether a frame's files are others by now, all read anew. Raises PlateError where one cannot be."""
        anew = Fingerprints()
        return any(anew.of(path) != self._fingerprints.of(path) for path in self.of(frame))

    # -- what their headers say --

    def header(self, path: Path, frame: int) -> Header:
        """A file's header, which is read once, and nothing else of the file. Raises PlateError."""
        known = identity_of(path)
        header = self._headers.get(known) or read_header(path, frame)
        if identity_of(path) == known:  # it was not replaced meanwhile
            self._headers[known] = header
        return header

    def lies(self, frame: int) -> tuple[float, ...] | None:
        """Where a frame's picture lies in its format; None where its header cannot be read, which reading it says."""
        try:
            header = self.header(self.plate.path(frame), frame)
            return lies(header.data_window, header.display_window, header.pixel_aspect)
        except PlateError:
            return None

    def refuse_misfits(self, frames: Iterable[int]) -> None:
        """Raises UsageError where the clean plate or guide of the first of the frames that can be read is of another
        size: so are all of them, most likely."""
        given = [each for each in (self.clean, self.guide) if each is not None]
        there = (each for each in frames if self.plate.still or each in self.plate.frame_set)
        for frame in there if given else ():
            with suppress(PlateError):
                size = self.header(self.plate.path(frame), frame).display_window
                for path in (file_of(each, frame) for each in given):
                    refuse_misfit(path, self.header(path, frame).display_window, size)
                return

    def _refuse_missing(self, frame: int) -> None:
        """Raises PlateError where the plate has no such frame."""
        if self._around is not None and frame not in self.plate.frame_set and frame in self._around.frame_set:
            raise PlateError(
                f"the plate is this one file, taken for frame {self.plate.frames[0]}",
                path=self.plate.path(frame),
                frame=frame,
                advice=f"name the sequence, {self._around.pattern}, or leave --frames out",
            )
        if not self.plate.still and frame not in self.plate.frame_set:
            raise PlateError(
                "the frame is missing",
                path=self.plate.path(frame),
                frame=frame,
                advice="render or copy it, or leave it out of --frames",
            )
