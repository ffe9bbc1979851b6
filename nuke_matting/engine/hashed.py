"""Fingerprints of files, remembered between processes: a run that is made again reads no plate to hash it.

    CACHE/hashed/00 ... ff    a line a file: who it is, its fingerprint, a check

As with git's index, a file is known by its place, size, times and inode. One that was written to just before it was
hashed is not remembered: it may have changed once more within one tick of its disk's clock. Lines are added at the end,
by whoever hashes; one that is lost, torn or damaged costs its file a hash.
"""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from nuke_matting.atomic import write_whole
from nuke_matting.engine._sweep import HASHED
from nuke_matting.errors import OutputError
from nuke_matting.rights import give_rights, make_folder

# seconds that a file must have been left alone before it is hashed: the coarsest disks tick every other second, and
# clocks of file servers are off by less than five minutes where people can log on to them
SETTLED = 302
MOST = 2 << 20  # bytes of one file, of which there are 256; more than 18000 lines

_KEY, _CHECK = 32, 16  # digits
_LINE = _KEY + 64 + _CHECK + 1  # bytes


class Identity(NamedTuple):
    """What a file is known by, as of `os.stat`; times in ns. Another one of the same name has another."""

    size: int
    mtime: int
    ctime: int  # catches a file that was written over by one of the same size and date; not on Windows
    inode: int
    device: int  # as this machine numbers it for now


class Hashed:
    """Fingerprints by file. For any number of threads, processes and hosts.

    What cannot be read is not known, and what cannot be written is not remembered.

    cache : the folder of the cache that they lie in.
    adds : whether anything is written there.
    """

    def __init__(self, cache: Path, adds: bool = True) -> None:
        self._cache, self._adds = cache, adds
        self._known: dict[Path, dict[str, str]] = {}
        self._unfit: set[Path] = set()  # files that are damaged or too long: the next line has them made anew
        self._real = functools.cache(os.path.realpath)  # of folders; it asks for each part of a path
        self._lock = threading.Lock()

    def get(self, path: str, identity: Identity) -> str | None:
        """The fingerprint of a file, 64 hexadecimal digits; None where it is not known."""
        place, key = self._line_of(path, identity)
        with self._lock:
            return self._of(place).get(key)

    def put(self, path: str, identity: Identity, fingerprint: str, when: int) -> None:
        """Remembers a fingerprint.

        identity : as it was before and after the file was hashed.
        when : that was begun, in ns.
        """
        if not self._adds or when - max(identity.mtime, identity.ctime) < SETTLED * 10**9:
            return
        place, key = self._line_of(path, identity)
        with self._lock, suppress(OSError, OutputError):
            self._of(place)[key] = fingerprint
            if place not in self._unfit and self._add(place, _line(key, fingerprint)) <= MOST:
                return
            self._unfit.add(place)  # until it is written
            known = [*{**_read(place)[0], key: fingerprint}.items()]  # what others have added meanwhile, too
            newest = known[-(MOST // 2 // _LINE) :]
            write_whole(place, b"".join(_line(*each) for each in newest), within=self._cache)
            self._unfit.discard(place)

    def _add(self, place: Path, line: bytes) -> int:
        """Adds a line to a file, which is made where it is not there; the size of that then. Raises OSError."""
        how = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)
        try:
            handle = os.open(place, how)
        except FileNotFoundError:
            make_folder(place.parent, self._cache)
            handle = os.open(place, how | os.O_CREAT)
            with suppress(OSError):  # some network shares keep no rights
                give_rights(place, self._cache)
        try:
            os.write(handle, line)
            return os.fstat(handle).st_size
        finally:
            os.close(handle)

    def _of(self, place: Path) -> dict[str, str]:
        if place not in self._known:
            self._known[place], is_fit = _read(place)
            if not is_fit:
                self._unfit.add(place)
        return self._known[place]

    def _line_of(self, path: str, identity: Identity) -> tuple[Path, str]:
        """The file that a line is in, one for all of a folder's, and its key."""
        folder, name = os.path.split(path)
        real = os.fsencode(self._real(folder))
        who = " ".join(map(str, identity[:4])).encode()
        key = hashlib.sha256(b"\0".join((real, os.fsencode(name), who))).hexdigest()[:_KEY]
        return self._cache / HASHED / hashlib.sha256(real).hexdigest()[:2], key


def _line(key: str, fingerprint: str) -> bytes:
    text = (key + fingerprint).encode()
    return text + _check(text) + b"\n"


def _check(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest()[:_CHECK].encode()


def _read(place: Path) -> tuple[dict[str, str], bool]:
    """The fingerprints in a file by their keys, oldest first; and whether there is nothing else in it."""
    try:
        with open(place, "rb") as file:
            *lines, rest = file.read(2 * MOST).split(b"\n")
    except FileNotFoundError:
        return {}, True
    except OSError:
        return {}, False
    known, is_fit = {}, not rest
    for line in lines:
        text = line[:-_CHECK]
        if len(line) == _LINE - 1 and line[-_CHECK:] == _check(text):
            known[text[:_KEY].decode("latin-1")] = text[_KEY:].decode("latin-1")
        else:
            is_fit = False
    return known, is_fit
