"""The ledger: which output files this tool has written, and what each of them is. It lies beside the cache.

A matte cannot say so itself: what its header says stays there when it is painted over. So a small JSON file vouches for
each, named by the path, the size and the date of the one file that it is about. It is written before that file has its
name, and never changed: of two runs that write to one path each vouches for its own file, and a run that is killed in
between leaves no file that nobody knows, but at most an entry of one that never came.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nuke_matting.atomic import LEFT_BEHIND, write_whole
from nuke_matting.engine._sweep import LEDGER
from nuke_matting.errors import MattingError

Mark = tuple[int, int]  # what a file is known by: its size, and its date in ns

_EVEN = 2_000_000_000  # ns: the coarsest disks keep every second second


class Ledger:
    """The files that were written. Without a folder to write to it remembers nothing.

    For any number of threads, processes and hosts. `about` is the stat of a file.

    cache : the folder of the cache that it lies in.
    """

    def __init__(self, cache: Path) -> None:
        self._folder = cache / LEDGER
        self._real = functools.cache(os.path.realpath)  # of folders; it asks for each part of a path

    def knows(self, path: Path, about: os.stat_result) -> str | None:
        """The stamp of the file at a path, where it is as this tool wrote it; else None."""
        found = self._found(path, about)
        return None if found is None else str(found["stamp"])

    def plate(self, path: Path, about: os.stat_result) -> str:
        """The plate's file that the file at a path was made from; empty where that is not known."""
        return str((self._found(path, about) or {}).get("plate", ""))

    def made(self, path: Path, about: os.stat_result) -> dict[str, str]:
        """What the file at a path was made with, as it was vouched for; empty where that is not known."""
        found = (self._found(path, about) or {}).get("made")
        return found if isinstance(found, dict) else {}

    def vouch(
        self, path: Path, about: os.stat_result, stamp: str, plate: str = "", made: Mapping[str, str] | None = None
    ) -> bool:
        """To be called before a file takes its path, with what it will be. Whether it will be remembered.

        plate : the file that it is the matte of.
        made : what it is made with: settings, by name.
        """
        return self._write(path, mark(about), stamp, plate, made or {})

    def forget(self, path: Path, about: os.stat_result) -> None:
        """To be called once another file took the place of one, with what that was."""
        with suppress(OSError):
            if mark(path.stat()) != mark(about):
                self._entry(path, mark(about)).unlink(missing_ok=True)

    def renew(self, path: Path, about: os.stat_result, stamp: str, when: int) -> None:
        """Dates a file that is older than what it was made from (`when`, in ns) anew: a plate that was copied or
        touched is newer and the same, and who goes by dates would never be content.
        """
        if about.st_mtime_ns >= when:
            return
        date = _EVEN * (when // _EVEN + 1)
        with suppress(OSError), open(path, "rb") as file:
            # by its handle, where that can be: what is put in its place meanwhile keeps the date that it has
            handle = file.fileno() if os.utime in os.supports_fd else path
            if mark(os.fstat(file.fileno())) == mark(about):
                os.utime(handle, ns=(about.st_atime_ns, about.st_mtime_ns))  # another user's file: no entry is made
                if self._write(path, (about.st_size, date), stamp, self.plate(path, about), self.made(path, about)):
                    os.utime(handle, ns=(date, date))
        self.forget(path, about)

    def prune(self) -> int:
        """Forgets the files that are gone, or no longer what they were. Returns their number.

        Not those in folders that are not there: a disk may not be mounted here, or be another machine's. And not those
        that somebody may be about to put there.
        """
        forgotten = 0
        for entry in self._folder.glob("[0-9a-f][0-9a-f]/*.json"):
            with suppress(OSError):
                if time.time() - entry.stat().st_mtime > LEFT_BEHIND and _is_outlived(entry):
                    entry.unlink()
                    forgotten += 1
        return forgotten

    def _entry(self, path: Path, of: Mark) -> Path:
        """The entry of a file."""
        real = os.path.join(self._real(path.parent), path.name)
        name = hashlib.sha256(os.fsencode(real)).hexdigest()
        return self._folder / name[:2] / f"{name}.{of[0]:x}.{of[1]:x}.json"

    def _found(self, path: Path, about: os.stat_result) -> dict[str, Any] | None:
        """The entry of the file at a path, where it is as this tool wrote it."""
        found = _parsed(self._entry(path, mark(about)))
        return found if found is not None and "stamp" in found and _mark_in(found) == mark(about) else None

    def _write(self, path: Path, of: Mark, stamp: str, plate: str, made: Mapping[str, str]) -> bool:
        size, date = of
        entry: dict[str, Any] = {"path": os.path.abspath(path), "stamp": stamp, "size": size, "mtime_ns": date}
        if plate:
            entry["plate"] = plate
        if made:
            entry["made"] = dict(made)
        try:
            write_whole(self._entry(path, of), json.dumps(entry).encode(), within=self._folder.parent)
        except MattingError:
            return False  # the run goes on
        return True


def mark(about: os.stat_result) -> Mark:
    """What the file of a stat is known by; a new name changes neither."""
    return about.st_size, about.st_mtime_ns


def _mark_in(entry: dict[str, Any]) -> Any:
    return entry.get("size"), entry.get("mtime_ns")


def _parsed(path: Path) -> dict[str, Any] | None:
    try:
        entry = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _is_outlived(path: Path) -> bool:
    """Whether the file of an entry is certainly gone, or another one."""
    entry = _parsed(path) or {}
    file = str(entry.get("path", ""))
    try:
        return mark(os.stat(file)) != _mark_in(entry)
    except OSError:
        return os.path.isdir(os.path.dirname(file)) and not os.path.lexists(file)
