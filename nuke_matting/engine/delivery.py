"""Where a run's mattes go: output files, which of them are there already, and which must not be touched.

A small ledger in the cache folder remembers each file this tool has written (matte key, size, time), since the file
itself, a copy of the plate in `merge` mode, is to differ from the plate in the alpha alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from nuke_matting.engine._sweep import LEDGER
from nuke_matting.engine.fingerprint import digest
from nuke_matting.engine.pipeline import Target
from nuke_matting.engine.shot import Shot, cache_folder
from nuke_matting.engine.values import Matte, Plan
from nuke_matting.errors import MattingError, TakenError, UsageError
from nuke_matting.plate.atomic import remove_left_behind, write_whole
from nuke_matting.plate.sequence import expand_pattern, has_frame_field
from nuke_matting.plate.writer import Pixels, write_merged, write_sidecar

Entry = dict[str, str | int]  # of the ledger: path, stamp, size, mtime_ns; path alone for a file about to be written


class Delivery(Target):
    """Writes mattes to an output pattern.

    Raises UsageError for a pattern that cannot hold the frames, or that would write over the plate itself.
    """

    def __init__(self, shot: Shot, out: str, frames: Sequence[int], overwrite: bool) -> None:
        if len(frames) > 1 and not has_frame_field(out):
            raise UsageError("the output has no frame number", path=out, advice="write it as name.####.exr")
        if Path(out).suffix.lower() != ".exr":
            raise UsageError("mattes are written as EXR", path=out, advice="end --out with .exr")
        self.shot, self.out, self.overwrite = shot, out, overwrite
        inputs = [each for each in (shot.plate, shot.clean, shot.guide, shot.keys) if each is not None]
        taken = {os.path.realpath(each.path(frame)) for each in inputs for frame in each.frames}
        for frame in frames:
            if os.path.realpath(self.path(frame)) in taken:
                raise UsageError(
                    "the output would write over an input", path=self.path(frame), advice="give another --out"
                )
        for folder in {self.path(frame).parent for frame in frames}:
            remove_left_behind(folder)
        self._forgets = threading.Lock()  # taken, and kept, by the frame that says so
        self._ledger = Ledger(cache_folder(shot.settings) / LEDGER)

    def path(self, frame: int) -> Path:
        """The output file of a frame."""
        return Path(expand_pattern(self.out, frame))

    def has(self, plan: Plan) -> bool:
        path, stamp = self.path(plan.frame), self._stamp(plan.key)
        if self.overwrite or self._ledger.knows(path) != stamp:
            return False
        self._ledger.renew(path, max(map(_changed, self.shot.files(plan)), default=0))
        return True

    def write(self, matte: Matte) -> list[str]:
        path, settings = self.path(matte.frame), self.shot.settings
        if path.exists() and not self.overwrite and not self._ledger.ours(path):
            raise TakenError(
                "a file is in the way that this tool did not write, or that was changed since",
                path=path,
                frame=matte.frame,
                advice="move it, give another --out, or use --overwrite",
            )
        before = self._ledger.announce(path)
        write = write_merged if settings.mode == "merge" else write_sidecar
        pixels = Pixels(
            matte.plate, matte.frame, matte.data_window, matte.display_window, matte.alpha, matte.foreground
        )
        try:
            warnings = write(path, pixels, layer=settings.layer, premult=settings.premult)
        except MattingError:
            self._ledger.take_back(path, before)  # else what somebody puts there would count as ours
            raise
        if not self._ledger.record(path, self._stamp(matte.key)) and self._forgets.acquire(blocking=False):
            where = cache_folder(settings)
            warnings = [*warnings, f"{where} cannot be written to, so the next run will not know its own files again: "
                        "give --cache-dir, or that run --overwrite"]  # fmt: skip
        return warnings

    def _stamp(self, key: str) -> str:
        """What a written file is: the matte, and how it was written."""
        settings = self.shot.settings
        return digest([key, settings.mode, settings.layer, settings.premult])


class Ledger:
    """The files that were written, one small JSON file each. Without a folder to write to it remembers nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ours(self, path: Path) -> bool:
        """Whether the file at the path is as this tool wrote it, or a run that was about to write it ended there."""
        entry = self._read(path)
        return entry is not None and ("stamp" not in entry or _is_still(entry, path))

    def knows(self, path: Path) -> str | None:
        """The stamp that the path was recorded with, if it is still that file."""
        entry = self._read(path)
        return str(entry["stamp"]) if entry and "stamp" in entry and _is_still(entry, path) else None

    def announce(self, path: Path) -> Entry | None:
        """To be called before a path is written: a run that is killed in between knows the file for its own.

        Returns what was known of it.
        """
        before = self._read(path)
        self._write(path, {"path": os.path.abspath(path)})
        return before

    def take_back(self, path: Path, before: Entry | None) -> None:
        """To be called where nothing was written after `announce`, with what that returned."""
        if before is not None:
            self._write(path, before)
        else:
            with suppress(OSError):
                self._entry(path).unlink(missing_ok=True)

    def record(self, path: Path, stamp: str) -> bool:
        """To be called after a path was written. Whether it will be remembered."""
        stat = path.stat()
        entry: Entry = {
            "path": os.path.abspath(path),
            "stamp": stamp,
            "size": stat.st_size,
            "mtime_ns": stat.st_mtime_ns,
        }
        if not self._write(path, entry):
            return False
        # where another run wrote the path meanwhile, it stays ours, and the next run writes it again
        return _is_still(entry, path) or self._write(path, {"path": os.path.abspath(path)})

    def renew(self, path: Path, when: int) -> None:
        """Dates a file that is as it was recorded, and is older than what it was made from (`when`, in ns), anew: a
        plate that was copied or touched is newer and the same, and who goes by dates would never be content.

        The entry comes first: a file that is put there meanwhile, or an end in between, fits neither date.
        """
        before = self._read(path)
        if before is None or not _is_still(before, path) or int(before["mtime_ns"]) >= when:
            return
        to_the_second = 1_000_000_000 * (max(time.time_ns(), when) // 1_000_000_000 + 1)  # as coarse disks keep it
        if self._write(path, before | {"mtime_ns": to_the_second}):
            try:
                os.utime(path, ns=(to_the_second, to_the_second))
            except OSError:
                self._write(path, before)

    def prune(self) -> int:
        """Forgets the files that are gone. Returns their number.

        Not those in folders that are not there: a disk may not be mounted here, or be another machine's.
        """
        forgotten = 0
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*.json"):
            entry = _parsed(path)
            file = str(entry.get("path", "")) if entry is not None else ""
            if os.path.isdir(os.path.dirname(file)) and not os.path.lexists(file):
                with suppress(OSError):
                    path.unlink()
                    forgotten += 1
        return forgotten

    def _read(self, path: Path) -> Entry | None:
        return _parsed(self._entry(path))

    def _entry(self, path: Path) -> Path:
        name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()
        return self._folder / name[:2] / f"{name}.json"

    def _write(self, path: Path, entry: Entry) -> bool:
        try:
            write_whole(self._entry(path), json.dumps(entry).encode())
        except MattingError:
            return False  # the run goes on
        return True


def _changed(path: Path) -> int:
    """When a file was last written to, in ns; 0 where that cannot be known."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _parsed(path: Path) -> Entry | None:
    try:
        entry = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return entry if isinstance(entry, dict) else None


def _is_still(entry: Entry, path: Path) -> bool:
    try:
        stat = path.stat()
    except OSError:
        return False
    return (entry.get("size"), entry.get("mtime_ns")) == (stat.st_size, stat.st_mtime_ns)
