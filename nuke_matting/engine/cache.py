"""The cache: mattes by key, in a folder that many processes and hosts may share.

A matte is an EXR and a JSON sidecar. Both are written whole, the sidecar last: a matte without one does not exist.
What is read is checked against the checksums in it, and what fails is set aside and computed again.
"""

from __future__ import annotations

import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal, overload

import platformdirs

from nuke_matting.atomic import remove_left_behind, write_whole
from nuke_matting.engine._lease import Lease, acquire
from nuke_matting.engine._sweep import DAMAGED, HASHED, LEDGER, SWEEP, make_room, remove, scan, shelf_names, strangers
from nuke_matting.engine._value import FORMAT, CachedMatte, Damaged, Sidecar, decode, encode, read_sidecar
from nuke_matting.errors import CacheError, OutputError
from nuke_matting.homes import expanded
from nuke_matting.rights import make_folder
from nuke_matting.settings import Settings

__all__ = ["Cache", "CacheInfo", "CachedMatte", "default_folder", "folder_of", "open_cache"]

log = logging.getLogger(__name__)

_KEY = re.compile(r"[0-9a-z_]{4,128}")
_LONGEST_SIDECAR = 1 << 20  # bytes
_MOST_PROBLEMS = 1000  # remembered
_SAMPLE = 8  # shelves looked at to guess how full the cache is
_FEW = 64  # mattes in a sample under which it says little, and looking at all is quick
_STEP = 1 / 64  # of the limit: growth after which a process looks again
_FILLED = 0.9  # of the limit: what automatic eviction leaves, so that it does not come with every matte


@dataclass(frozen=True)
class CacheInfo:
    """What a cache holds.

    entries : number of mattes.
    bytes : size of all its files.
    oldest, newest : when the least and the most recently used one was last used; None for an empty cache.
    problems : number of damaged mattes that were found and set aside since room was last made.
    """

    entries: int
    bytes: int
    oldest: datetime | None
    newest: datetime | None
    problems: int


def default_folder() -> Path:
    """$NUKE_MATTING_CACHE, else the user's cache folder of the operating system.

    Raises CacheError where the user has none, or there is no such one.
    """
    given = os.environ.get("NUKE_MATTING_CACHE", "")
    if given:
        return expanded(given, CacheError)
    try:
        return Path(platformdirs.user_cache_dir("nuke_matting", appauthor=False))
    except RuntimeError as error:  # a user without a home, as in some containers
        raise CacheError(
            "there is no place for the cache, as the user has no home",
            advice="name one with --cache-dir or $NUKE_MATTING_CACHE",
        ) from error


def folder_of(settings: Settings) -> Path:
    """The folder of the cache: from the settings, else `default_folder`. Raises CacheError."""
    return expanded(settings.cache_dir, CacheError) if settings.cache_dir else default_folder()


def open_cache(settings: Settings) -> Cache:
    """The cache that settings name, whether or not they use it. Raises CacheError where there is no place for one."""
    return Cache(folder_of(settings), int(settings.cache_size * 1e9))


class Cache:
    """Mattes by key. Any number of threads, processes and hosts may use one folder at once, and all users who may write
    to it.

        with cache.claim(key):
            matte = cache.get(key)
            if matte is None:
                matte = compute()
                cache.put(key, matte)

    Parameters
    ----------
    folder : made at the first `put`; nothing is touched before.
    max_bytes : size to keep within. Checked now and then and not to the byte; the least recently used goes first.
    stale_after : seconds without a sign of life after which another process counts as dead.
    patience : seconds after which a waiting `claim` waits no longer.
    grace : seconds since its last use in which a matte is not evicted.

    `problems` lists what was found damaged or could not be read, one line each.
    """

    def __init__(
        self, folder: Path, max_bytes: int, *, stale_after: float = 60.0, patience: float = 600.0, grace: float = 2.0
    ) -> None:
        self.folder = Path(folder)
        self.max_bytes = max_bytes
        self.problems: list[str] = []
        self._told: set[int | None] = set()
        self._root = self.folder / f"v{FORMAT}"
        self._stale_after, self._patience, self._grace = stale_after, patience, grace
        self._growth = float("inf")  # bytes put since the folder was last looked at; it never was
        self._growing = threading.Lock()
        self._sweeping = threading.Lock()

    def get(self, key: str) -> CachedMatte | None:
        """The matte of a key, bit for bit as it was put; None where there is none, or none that can be trusted.

        Never raises for what is on disk: a damaged matte is set aside, an unreadable folder holds nothing; both are
        logged and added to `problems`.
        """
        sidecar = self._sidecar(key)
        text = b""
        try:
            text = _read(sidecar, _LONGEST_SIDECAR)
            about = read_sidecar(text, key)
            exr = self._exr(key, about.checksum)
            matte = decode(_read(exr, about.size), about)
        except FileNotFoundError:
            if text:  # evicted while we looked, or somebody took the EXR away
                self._set_aside(key, text, about, "its EXR is missing")
            return None
        except Damaged as damage:
            self._set_aside(key, text, None, str(damage))
            return None
        except OSError as error:
            if error.errno not in self._told:  # a folder's trouble is that of each matte in it: said once
                self._told.add(error.errno)
                self._problem(f"{error.filename or sidecar}: cannot be read ({error.strerror or error})")
            return None
        with suppress(OSError):  # another user's matte: it will seem older than it is, which does no harm
            os.utime(sidecar)
        return matte

    def path(self, key: str) -> Path | None:
        """The EXR of a key, for a reader other than this; None where there is none, or not all of it.

        A look at its size alone: `get` checks every byte.
        """
        try:
            about = read_sidecar(_read(self._sidecar(key), _LONGEST_SIDECAR), key)
            exr = self._exr(key, about.checksum)
            return exr if exr.stat().st_size == about.size else None
        except (OSError, Damaged):
            return None

    def put(self, key: str, matte: CachedMatte) -> None:
        """Keeps a matte. A matte of that key that is there already is replaced.

        Raises CacheError where the folder cannot be written to or the disk is full; nothing is left of it then.
        """
        exr, text, checksum = encode(key, matte)
        sidecar, path = self._sidecar(key), self._exr(key, checksum)
        was_there = os.path.exists(path)
        try:
            write_whole(path, exr, within=self.folder)
            write_whole(sidecar, text, within=self.folder)
        except OutputError as error:
            if not was_there:
                with suppress(OSError):
                    path.unlink()
            raise CacheError(
                f"the cache {error.what}",
                path=error.path,
                advice="give another folder with --cache-dir, or use --no-cache",
            ) from error
        self._grow(len(exr) + len(text))

    @overload
    def claim(self, key: str, wait: Literal[True] = True) -> Lease: ...

    @overload
    def claim(self, key: str, wait: bool = True, *, stop: Callable[[], bool] = ...) -> Lease | None: ...

    def claim(self, key: str, wait: bool = True, *, stop: Callable[[], bool] = lambda: False) -> Lease | None:
        """The right to compute a matte, taken at once; give it back with `release`, or use it in a `with` statement.

        Look into the cache once more when you have it: another process may have been first. While another one (or
        another thread) is at it, this waits until the matte is there, or that process ended or seems dead; with `wait`
        False, and once `stop` says so, it is None. After `patience` seconds, and where the folder cannot be written to,
        it is a lease that is not `held`: nothing keeps others from computing the same, and it is harmless if they do.
        """
        sidecar, path = self._sidecar(key), self._lease(key)
        end = time.monotonic() + self._patience
        pause = 0.01
        while True:
            try:
                lease = acquire(path, self._stale_after, self.folder)
            except OSError as error:
                log.debug("%s: cannot be leased (%s)", path, error)  # `put` will say it
                return Lease()
            if lease is not None:
                return lease
            if sidecar.exists():
                return Lease()
            if not wait or stop():
                return None
            if time.monotonic() >= end:
                log.warning("%s: another process holds it for long, computed without waiting further", path)
                return Lease()
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 1.5, 1.0)

    def info(self) -> CacheInfo:
        """What the cache holds. Raises CacheError where the folder cannot be looked at."""
        with self._telling():
            found = scan(self._root)
        used = [entry.used for entry in found.entries]
        return CacheInfo(
            entries=len(used),
            bytes=found.bytes,
            oldest=_date(min(used)) if used else None,
            newest=_date(max(used)) if used else None,
            problems=sum(path.suffix == ".json" for path, _ in found.damaged),
        )

    def foreign(self) -> list[Path]:
        """Files and folders in the cache's folder that are none of its own; nothing here ever removes them.

        Raises CacheError where the folder cannot be looked at.
        """
        with self._telling():
            return strangers(self._root)

    def prune(self, max_bytes: int | None = None) -> int:
        """Removes what dead processes left and what was set aside as damaged, then the least recently used mattes.

        Mattes in use stay. Returns the number of mattes removed. Raises CacheError where the folder cannot be used.
        """
        limit = self.max_bytes if max_bytes is None else max_bytes
        with self._telling():
            self._tidy()
            found = scan(self._root)
            if not self._root.is_dir():
                return 0
            return make_room(self._root, found, limit, grace=self._grace, stale_after=self._stale_after)[0]

    def clear(self) -> int:
        """Removes every matte but those that are leased, and all that `prune` removes. Returns their number.

        Raises CacheError where the folder cannot be used.
        """
        with self._telling():
            self._tidy()
            found = scan(self._root)
            if not self._root.is_dir():
                return 0
            removed = sum(remove(self._root, entry, self._stale_after, ignore_use=True) for entry in found.entries)
            found.entries.clear()
            make_room(self._root, found, 0, grace=0.0, stale_after=self._stale_after)
            return removed

    def _tidy(self) -> None:
        """Removes what dead processes left half-written beside the mattes."""
        for folder in (self.folder / HASHED, *(self.folder / LEDGER).glob("??")):
            remove_left_behind(folder)

    # -- places --

    def _shelf(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"not a key: {key!r}")
        return self._root / key[:2]

    def _sidecar(self, key: str) -> Path:
        return self._shelf(key) / f"{key}.json"

    def _exr(self, key: str, checksum: str) -> Path:
        # a name of its own for each content: a sidecar never meets the EXR of another one
        return self._shelf(key) / f"{key}.{checksum[:8]}.exr"

    def _lease(self, key: str) -> Path:
        return self._shelf(key) / f"{key}.lease"

    # -- damage --

    def _set_aside(self, key: str, text: bytes, about: Sidecar | None, why: str) -> None:
        """Moves a damaged matte out of the way, unless somebody replaced or removed it since it was read."""
        sidecar = self._sidecar(key)
        try:
            if _read(sidecar, _LONGEST_SIDECAR) != text:
                return
            aside = self._root / DAMAGED
            make_folder(aside, self.folder)
            exrs = [self._exr(key, about.checksum)] if about else sidecar.parent.glob(f"{key}.*.exr")
            for path in (sidecar, *exrs):
                with suppress(FileNotFoundError):
                    os.replace(path, aside / path.name)
        except FileNotFoundError:
            return
        except OSError as error:  # it stays, and is refused each time
            log.debug("%s: cannot be moved (%s)", sidecar, error)
        self._problem(f"{sidecar}: not used, {why}")

    def _problem(self, line: str) -> None:
        log.warning("%s", line)
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(line)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CacheError(
                f"the cache cannot be used ({error.strerror or error})", path=error.filename or self.folder,
                advice="give another folder with --cache-dir, or change its rights",
            ) from error  # fmt: skip

    # -- room --

    def _grow(self, size: int) -> None:
        """Counts what was put, and makes room when it is time to."""
        with self._growing:
            self._growth += size
            if self._growth <= self.max_bytes * _STEP or not self._sweeping.acquire(blocking=False):
                return
            self._growth = 0
        try:
            if self._may_be_full():
                self._sweep()
        except OSError as error:  # the matte itself is kept
            self._problem(f"{error.filename or self.folder}: no room can be made ({error.strerror or error})")
        finally:
            self._sweeping.release()

    def _may_be_full(self) -> bool:
        """A guess by a few shelves: keys are hashes, so all shelves hold about the same."""
        shelves = shelf_names(self._root)
        sample = shelves[:: max(1, len(shelves) // _SAMPLE)]
        found = scan(self._root, sample)
        return len(found.entries) < _FEW or found.bytes * len(shelves) / len(sample) > 0.95 * self.max_bytes

    def _sweep(self) -> None:
        lease = acquire(self._root / SWEEP, self._stale_after, self.folder)
        if lease is None:
            return  # another process is at it
        with lease:
            found = scan(self._root)
            if found.bytes > self.max_bytes:
                target = int(self.max_bytes * _FILLED)
                removed, left = make_room(self._root, found, target, grace=self._grace, stale_after=self._stale_after)
                log.info("%s: %d mattes removed, %d bytes left", self.folder, removed, left)


def _read(path: Path, most: int) -> bytes:
    """A file's bytes, and at most one more than `most`."""
    with open(path, "rb") as file:
        return file.read(max(most, 0) + 1)


def _date(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds // 10**9, tz=timezone.utc).astimezone()
