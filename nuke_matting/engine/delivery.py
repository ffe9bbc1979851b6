"""Where a run's mattes go: output files, which of them are there already, and which must not be touched."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from nuke_matting.atomic import look_at_folder, remove_left_behind, try_folder
from nuke_matting.engine.cache import folder_of
from nuke_matting.engine.fingerprint import digest
from nuke_matting.engine.ledger import Ledger
from nuke_matting.engine.pipeline import Target
from nuke_matting.engine.provenance import made_with, provenance
from nuke_matting.engine.shot import Shot
from nuke_matting.engine.values import Matte, Plan
from nuke_matting.errors import ColourError, OutputError, PlateError, TakenError, UsageError
from nuke_matting.plate.exr_header import MAGIC
from nuke_matting.plate.merge import write_merged
from nuke_matting.plate.sequence import ImageSequence, expand_pattern, found_among, has_frame_field
from nuke_matting.plate.writer import Pixels, write_sidecar

Look = Literal["there", "missing", "unknown"]  # missing: also where it is another one

# what keeps the next file from its folder as well
_LASTING = (errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC))


class Delivery(Target):
    """Writes mattes to an output pattern.

    ledger : of the files that were written; None: that of the shot's cache.
    dry : nothing is touched, and nothing can be written.

    Raises UsageError as `refuse_output`.
    """

    def __init__(
        self,
        shot: Shot,
        out: str,
        frames: Sequence[int],
        overwrite: bool,
        ledger: Ledger | None = None,
        dry: bool = False,
    ) -> None:
        refuse_output(out, frames, shot.files.inputs(frames))
        self.shot, self.out, self.overwrite, self.dry = shot, out, overwrite, dry
        for folder in () if dry else {self.path(frame).parent for frame in frames}:
            remove_left_behind(folder)
        self._refusals: dict[Path, OutputError | None] = {}  # of folders; None where it can be written
        self._trying = threading.Lock()
        self._forgets = threading.Lock()  # taken, and kept, by the frame that says so
        self._made = {"model": shot.model.name, **made_with(shot.settings)}
        del self._made["colourspace"]  # each frame's is told, as it was resolved
        self._ledger = ledger or Ledger(folder_of(shot.settings))

    def path(self, frame: int) -> Path:
        """The output file of a frame."""
        return Path(expand_pattern(self.out, frame))

    def try_folders(self, frames: Sequence[int]) -> None:
        """Raises OutputError where a folder of the frames' files cannot be made or written to, before any is computed.

        Not where one of them is there: all of them may be, and nothing be written.
        """
        paths = [self.path(frame) for frame in frames]
        if any(map(os.path.lexists, paths)):
            return
        for folder in {path.parent for path in paths}:
            if refusal := self._refusal(folder):
                raise refusal

    def written_over(self, frames: Sequence[int]) -> tuple[int, str]:
        """How many files of the frames are there that were made with other settings, and are to be written over; and
        with which, of the first. Another plate's are not: they are in the way."""
        others = []
        for frame in () if self.overwrite else frames:
            path = self.path(frame)
            about = _stat(path)
            made = {} if about is None else self._ledger.made(path, about)
            differ = self._others(made, frame) if made else []
            if about is not None and differ:
                plate = Path(self._ledger.plate(path, about))
                others += [differ] if _is_same(plate, self.shot.plate.path(frame)) else []
        return len(others), ", ".join(others[0] if others else [])

    def _others(self, made: Mapping[str, str], frame: int) -> list[str]:
        """What a file of a frame was made with that this run's is not; what an older version did not tell is no
        difference."""
        ours = self._made
        if "colourspace" in made:  # as it was resolved: however it is called or found, the same is the same
            with suppress(PlateError, ColourError):  # the frame fails, and says so
                ours = {"colourspace": self.shot.colours.space(frame), **ours}
        return [f"{name}={value}" for name, value in made.items() if ours.get(name, value) != value]

    def has(self, plan: Plan) -> bool:
        """Whether a plan's matte is there. Raises, before the matte is computed, TakenError for a file in the way, and
        OutputError for a folder that cannot be written to.
        """
        path = self.path(plan.frame)
        if not self.overwrite:
            found = self.look(plan)
            if found == "unknown":
                raise _taken(path, plan.frame)
            if found == "there":
                return True
            self._refuse_another(path, plan.path, plan.frame)
        if refusal := self._refusal(path.parent):
            raise OutputError(refusal.what, path=path, frame=plan.frame, advice=refusal.advice)
        return False

    def _refusal(self, folder: Path) -> OutputError | None:
        """Why nothing can be written into a folder: as a write of this run has met it, or as it was tried now, which it
        is until it can."""
        with self._trying:
            if folder not in self._refusals:
                try:
                    (look_at_folder if self.dry else try_folder)(folder)
                    self._refusals[folder] = None
                except OutputError as error:
                    return error
            return self._refusals[folder]

    def look(self, plan: Plan) -> Look:
        """Whether a plan's matte is there. A file that the ledger does not know may be that of another user or machine,
        whose ledger is not this one.
        """
        path, stamp = self.path(plan.frame), self._stamp(plan.key)
        about = _stat(path)
        if about is None:
            return "missing"
        known = self._ledger.knows(path, about)
        if known != stamp:
            return "unknown" if known is None else "missing"
        if not self.dry:
            self._ledger.renew(path, about, stamp, plan.date)
        return "there"

    def _refuse_another(self, path: Path, plate: Path, frame: int) -> None:
        """Raises TakenError where the file at a path is the matte of another plate's file: both may be called alike."""
        about = _stat(path)
        other = "" if about is None else self._ledger.plate(path, about)
        if other and not _is_same(Path(other), plate):
            raise TakenError(
                f"the matte of another plate, from {os.path.dirname(other)}, is in the way",
                path=path,
                frame=frame,
                advice="give another --out, or use --overwrite",
            )

    def write(self, matte: Matte) -> list[str]:
        path, stamp, settings = self.path(matte.frame), self._stamp(matte.key), self.shot.settings
        there = _stat(path)
        if there is not None and not self.overwrite and self._ledger.knows(path, there) is None:
            raise _taken(path, matte.frame)  # since `has` looked
        if not self.overwrite:
            self._refuse_another(path, matte.plate, matte.frame)
        space = matte.space or self.shot.colours.space(matte.frame)
        remembered: list[bool] = []

        def before(about: os.stat_result) -> None:
            made = {**self._made, "colourspace": space}
            remembered.append(self._ledger.vouch(path, about, stamp, _called(matte.plate), made))

        write = write_merged if settings.mode == "merge" else write_sidecar
        pixels = Pixels(
            matte.plate, matte.frame, matte.data_window, matte.display_window, matte.alpha, matte.foreground,
            "" if _is_exr(matte.plate) else space,
            provenance(self.shot.model, settings, space, matte.key),
        )  # fmt: skip
        try:
            warnings = write(path, pixels, layer=settings.layer, premult=settings.premult, before=before)
        except OutputError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in _LASTING:
                self._refusals[path.parent] = error
            raise
        if there is not None:
            self._ledger.forget(path, there)
        if not all(remembered) and self._forgets.acquire(blocking=False):
            where = folder_of(settings)
            warnings = [*warnings, f"{where} cannot be written to, so the next run will not know its own files again: "
                        "give --cache-dir, or that run --overwrite"]  # fmt: skip
        return warnings

    def _stamp(self, key: str) -> str:
        """What a written file is: the matte, and how it was written."""
        settings = self.shot.settings
        return digest([key, settings.mode, settings.layer, settings.premult])


def refuse_output(out: str, frames: Sequence[int], inputs: Iterable[ImageSequence]) -> None:
    """Raises UsageError for a pattern that cannot hold the frames, whose names are too long, or that would write over
    one of some inputs."""
    if len(frames) > 1 and not has_frame_field(out):
        raise UsageError("the output has no frame number", path=out, advice="write it as name.####.exr")
    if Path(out).suffix.lower() != ".exr":
        raise UsageError("mattes are written as EXR", path=out, advice="end --out with .exr")
    for frame in {min(frames), max(frames)}:  # one of them has the longest number
        _refuse_too_long(expand_pattern(out, frame))
    taken = found_among((expand_pattern(out, frame) for frame in frames), inputs)
    if taken is not None:
        raise UsageError("the output would write over an input", path=taken, advice="give another --out")


def _refuse_too_long(path: Path) -> None:
    """Raises UsageError for a path that is longer than its disk takes, which else its writer would meet, once the matte
    is computed."""
    whole = path.absolute()
    there = next(filter(os.path.isdir, whole.parents), whole.parent)
    for each in (path, *(there / name for name in whole.relative_to(there).parts)):
        try:
            os.lstat(each)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise UsageError(
                    "the name is too long for the disk", path=path, advice="give a shorter --out"
                ) from error


def _taken(path: Path, frame: int) -> TakenError:
    return TakenError(
        "a file is in the way that this tool did not write, or that was changed since",
        path=path,
        frame=frame,
        advice="move it, give another --out, or use --overwrite",
    )


def _is_exr(path: Path) -> bool:
    """By its first bytes, as the writer has it, whatever it is called."""
    try:
        with open(path, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:  # reading it says so
        return False


def _called(plate: Path) -> str:
    """A plate's file as the ledger calls it."""
    return os.path.abspath(os.path.expanduser(plate))


def _is_same(one: Path, other: Path) -> bool:
    """Whether two names are of one file, or of one that was there once: by whatever way they lead there."""
    return _called(one) == _called(other) or os.path.realpath(one) == os.path.realpath(other)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
