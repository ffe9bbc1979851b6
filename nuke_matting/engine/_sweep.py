"""What lies in a cache's folder, and making room in it.

    FORMAT_FOLDER/ab/abcd....json          sidecar of a matte; touched at each use, so its time is that of the last
    FORMAT_FOLDER/ab/abcd....12345678.exr  its EXR; the eight digits are the EXR's checksum
    FORMAT_FOLDER/ab/abcd....lease         somebody computes it
    FORMAT_FOLDER/damaged/                 what was found damaged, until the next `prune`

Whatever else somebody put there is left alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nuke_matting.atomic import LEFT_BEHIND, TEMPORARY, file_clock
from nuke_matting.engine._lease import is_held

DAMAGED = "damaged"
SWEEP = "sweep.lease"  # who makes room
LEDGER = "written"  # beside the format's folder: which output files a run has written
HASHED = "hashed"  # likewise: fingerprints of input files

_VERSION = re.compile(r"v[0-9]+")
_SHELF = re.compile(r"[0-9a-z_]{2}")
_OURS = re.compile(r"([0-9a-z_]+)\.(?:json|[0-9a-f]{8}\.exr|lease|lease\.[0-9a-f]{8}\.dead)")


@dataclass
class Entry:
    """A matte on disk: when it was last used (nanoseconds, by the file system's clock), and its files."""

    key: str
    used: int = -1  # -1: there is no sidecar
    bytes: int = 0
    exrs: list[Path] = field(default_factory=list)


@dataclass
class Shelves:
    """What was found: mattes, and what is none (EXRs without sidecar, temporary files, leases) with its age."""

    entries: list[Entry] = field(default_factory=list)
    loose: list[tuple[Path, float, int]] = field(default_factory=list)  # path, time in seconds, bytes
    leases: list[Path] = field(default_factory=list)
    damaged: list[tuple[Path, int]] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """All that is ours, mattes or not."""
        return sum(e.bytes for e in self.entries) + sum(n for _, _, n in self.loose) + sum(n for _, n in self.damaged)


def scan(root: Path, shelves: Sequence[str] | None = None) -> Shelves:
    """Everything of ours under a root, or on some of its shelves only. Raises OSError where it cannot be looked at."""
    found = Shelves()
    for shelf in shelf_names(root) if shelves is None else shelves:
        by_key: dict[str, Entry] = {}
        for name, path, about in _files(root / shelf):
            _put_down(found, by_key, name, path, about)
        for entry in by_key.values():
            if entry.used >= 0:
                found.entries.append(entry)
            else:  # most likely one that is being written
                found.loose += [(path, path_time(path), entry.bytes // len(entry.exrs)) for path in entry.exrs]
    if shelves is None:
        aside = _files(root / DAMAGED)
        found.damaged = [(path, about.st_size) for name, path, about in aside if _OURS.fullmatch(name)]
    return found


def shelf_names(root: Path) -> list[str]:
    """The folders of a root that mattes lie in, in order."""
    try:
        with os.scandir(root) as folders:
            return sorted(each.name for each in folders if _SHELF.fullmatch(each.name) and each.is_dir())
    except FileNotFoundError:
        return []


def strangers(root: Path) -> list[Path]:
    """What somebody else put into a cache's folder, the one around `root`: files and folders that are none of ours.

    Hidden ones are passed over (file systems and desktops leave such), and so are caches of other versions. Raises
    OSError where it cannot be looked at.
    """
    found = [
        path
        for path in _visible(root.parent)
        if path.name not in (LEDGER, HASHED) and not _VERSION.fullmatch(path.name)
    ]
    for path in _visible(root):
        if _SHELF.fullmatch(path.name) and path.is_dir():
            found += [each for each in _visible(path) if not _key(each)]
        elif path.name == DAMAGED and path.is_dir():
            found += [each for each in _visible(path) if not _OURS.fullmatch(each.name)]
        elif not path.name.startswith(SWEEP):
            found.append(path)
    return sorted(found)


def _visible(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(each.path) for each in entries if not each.name.startswith(".") and each.name != "lost+found"]
    except FileNotFoundError:
        return []


def make_room(root: Path, found: Shelves, limit: int, *, grace: float, stale_after: float) -> tuple[int, int]:
    """Removes what nobody needs, then the least recently used mattes, until `limit` bytes are left or less.

    grace : seconds since its last use in which a matte counts as in use.
    Mattes in use, or leased, stay. Returns the number of mattes removed, and the bytes that are left.
    """
    left = found.bytes
    now = file_clock(root)
    for path, time, size in found.loose:
        if now - time > LEFT_BEHIND and _gone(path):
            left -= size
    for path, size in found.damaged:
        if _gone(path):
            left -= size
    for path in found.leases:
        if not is_held(path, stale_after):
            _gone(path)
    removed = 0
    for entry in sorted(found.entries, key=lambda each: (each.used, each.key)):
        if left <= limit:
            break
        if now - entry.used / 1e9 >= grace and remove(root, entry, stale_after):
            removed += 1
            left -= entry.bytes
    return removed, left


def remove(root: Path, entry: Entry, stale_after: float, ignore_use: bool = False) -> bool:
    """Removes a matte, unless it is leased, another user's to remove, or (but for `ignore_use`) was used since it was
    looked at."""
    shelf = root / entry.key[:2]
    sidecar = shelf / f"{entry.key}.json"
    try:
        if is_held(shelf / f"{entry.key}.lease", stale_after):  # and none is taken: a full disk has no room for one
            return False
        if not ignore_use and sidecar.stat().st_mtime_ns != entry.used:
            return False
        sidecar.unlink()  # first, since an EXR without it is no matte
    except (FileNotFoundError, PermissionError):
        return False  # another process was first, or whoever may will remove it
    for path in entry.exrs:
        _gone(path)
    return True


def path_time(path: Path) -> float:
    """When a file was last written, seconds by the file system's clock; infinitely late where it is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _key(path: Path) -> str:
    """The key of the matte that a file on a shelf belongs to; empty for a file of somebody else's."""
    ours = _OURS.fullmatch(path.name)
    return ours[1] if ours and ours[1][:2] == path.parent.name else ""


def _put_down(found: Shelves, by_key: dict[str, Entry], name: str, path: Path, about: os.stat_result) -> None:
    key = _key(path)
    if name.startswith(TEMPORARY) or (key and name.endswith(".dead")):
        found.loose.append((path, about.st_mtime, about.st_size))
    elif not key:
        return
    elif name.endswith(".lease"):
        found.leases.append(path)
    else:
        entry = by_key.setdefault(key, Entry(key))
        entry.bytes += about.st_size
        if name.endswith(".json"):
            entry.used = about.st_mtime_ns
        else:
            entry.exrs.append(path)


def _files(folder: Path) -> Iterator[tuple[str, Path, os.stat_result]]:
    """Name, path and stat of the files of a folder; those that go while we look are left out."""
    try:
        listing = os.scandir(folder)
    except FileNotFoundError:
        return
    with listing:
        for each in listing:
            with suppress(FileNotFoundError):
                if each.is_file(follow_symlinks=False):
                    yield each.name, Path(each.path), os.stat(each.path)


def _gone(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:  # gone already, or another user's: whoever may will remove it
        return False
    return True
