"""What a matte depends on, as short names: the fingerprint of a file's bytes, and the digest of plain data.

Both are SHA-256. A file is read once, as long as its size, times and inode stay what they were.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

from nuke_matting.engine.hashed import Hashed, Identity
from nuke_matting.errors import PlateError

_BLOCK = 1 << 20  # bytes
_ATTEMPTS = 3  # to read a file that someone is writing to


class Fingerprints:
    """The fingerprints of files, remembered. For any number of threads; a file is read by one of them at a time.

    hashed : what is remembered between processes; None: each reads every file itself.
    """

    def __init__(self, hashed: Hashed | None = None) -> None:
        self._hashed = hashed
        self._known: dict[str, tuple[Identity, str]] = {}
        self._busy: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def of(self, path: str | Path) -> str:
        """SHA-256 of a file's bytes, 64 hexadecimal digits.

        Raises PlateError where the file is missing, is no file, cannot be read, or changes while it is read.
        """
        name = os.path.abspath(path)
        with self._lock:
            mine = self._busy.setdefault(name, threading.Lock())
        with mine:
            for _ in range(_ATTEMPTS):
                try:
                    identity = _identity(name)
                    known = self._known.get(name)
                    if known is not None and known[0] == identity:
                        return known[1]
                    began, old = time.time_ns(), self._recalled(name, identity)
                    found = old or _sha256(name)
                    if _identity(name) == identity:
                        self._known[name] = identity, found
                        if self._hashed is not None and old is None:
                            self._hashed.put(name, identity, found, began)
                        return found
                except OSError as error:
                    raise _unreadable(path, error) from error
        raise PlateError(
            "the file changes while it is read",
            path=path,
            advice="wait until it is written, and run again",
        )

    def date(self, path: str | Path) -> int:
        """When a file was last written to, in ns, as it was found when its fingerprint was asked for last; 0 if never.

        Nothing is looked at.
        """
        known = self._known.get(os.path.abspath(path))
        return 0 if known is None else known[0].mtime

    def _recalled(self, name: str, identity: Identity) -> str | None:
        """The fingerprint that another process found. Raises OSError where the file cannot be read."""
        if self._hashed is None or (found := self._hashed.get(name, identity)) is None:
            return None
        with open(name, "rb"):  # a network disk says for a while what a file was, and of one that is opened what it is
            return found


def digest(parts: Any) -> str:
    """SHA-256 of plain data, 64 hexadecimal digits: the same for equal data in any process, release and machine.

    parts : None, bool, int, float, str, and lists, tuples and dicts (with str keys, in any order) of these. A list
        and a tuple of the same items are the same; 1, 1.0 and True are not.

    >>> digest({"a": 1, "b": [2.5, None]}) == digest({"b": (2.5, None), "a": 1})
    True

    Raises TypeError for anything else, ValueError for a float that is not finite.
    """
    _must_be_plain(parts)
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _must_be_plain(value: Any) -> None:
    # json itself would take {1: 0} and {"1": 0} for the same
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a key must be a str, not {key!r}")
            _must_be_plain(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _must_be_plain(item)
    elif value is not None and not isinstance(value, (bool, int, float, str)):
        raise TypeError(f"not plain data: {value!r}")


def identity_of(path: str | Path) -> tuple[str, Identity]:
    """What a file is known by without a look at its bytes. Raises PlateError where it is missing, or no file."""
    name = os.path.abspath(path)
    try:
        return name, _identity(name)
    except OSError as error:
        raise _unreadable(path, error) from error


def _identity(path: str) -> Identity:
    about = os.stat(path)
    if not stat.S_ISREG(about.st_mode):
        raise IsADirectoryError("it is not a file")
    return Identity(about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino, about.st_dev)


def _sha256(path: str) -> str:
    hashed = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            hashed.update(block)
    return hashed.hexdigest()


def _unreadable(path: str | Path, error: OSError) -> PlateError:
    if isinstance(error, FileNotFoundError):
        return PlateError("the file is missing", path=path, advice="check the path, or leave the frame out")
    return PlateError(f"the file cannot be read ({error.strerror or error})", path=path, advice="check its permissions")
