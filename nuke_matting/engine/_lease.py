"""Leases: which process computes what, said by small files on a file system that many hosts may share.

The file is made with O_EXCL, so exactly one process gets it. Its holder touches it as long as it lives; a lease that
was not touched for a while, or whose holder is known to be dead, may be taken over. Ages are measured by the file
system's own clock, since the clocks of hosts differ.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import platform
import threading
import uuid
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nuke_matting.atomic import file_clock
from nuke_matting.rights import give_rights, make_folder

log = logging.getLogger(__name__)

_MOST_BYTES = 4096  # of a lease file; anything longer is none of ours
_TRIES = 16


class Lease:
    """The right to compute something, or word that nobody has to wait for it (`held` is False). A context manager.

    A held lease is given back by `release`, at the end of a `with` block, when the object is collected or at the end
    of the process.
    """

    def __init__(self, path: Path | None = None, token: str = "", beat: float = 0.0) -> None:
        self._let_go = None
        if path is not None:
            stop = threading.Event()
            self._let_go = weakref.finalize(self, _let_go, path, token, stop, os.getpid())
            threading.Thread(target=_keep_alive, args=(path, token, stop, beat), name="lease", daemon=True).start()

    @property
    def held(self) -> bool:
        """Whether this process has the right, exclusively."""
        return self._let_go is not None and self._let_go.alive

    def release(self) -> None:
        """Gives the lease back; a second time does nothing."""
        if self._let_go is not None:
            self._let_go()

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def acquire(path: Path, stale_after: float, within: Path | None = None) -> Lease | None:
    """The lease at a path, or None while another process (or thread) holds it.

    stale_after : seconds without a sign of life after which a holder counts as dead.
    within : a shared folder that it is in, as in `make_folder`.

    Raises OSError where the folder cannot be written to, or a dead holder's lease is another user's to remove. The
    folder is made if need be.
    """
    for _ in range(_TRIES):
        token = uuid.uuid4().hex
        try:
            _create(path, token, within)
            return Lease(path, token, beat=stale_after / 6)
        except FileNotFoundError:
            make_folder(path.parent, within)
        except FileExistsError:
            holder = _read(path)
            if holder is None:
                continue  # given back this moment
            if not _is_dead(path, holder, stale_after):
                return None
            _take_away(path, holder)
    return None


def is_held(path: Path, stale_after: float) -> bool:
    """Whether someone alive holds the lease at a path."""
    holder = _read(path)
    return holder is not None and not _is_dead(path, holder, stale_after)


@dataclass(frozen=True)
class _Holder:
    """What a lease file says. An unfinished or foreign one says nothing, and is judged by its age alone."""

    touched: float
    token: str = ""
    machine: str = ""
    pid: int = 0
    started: str = ""


def _create(path: Path, token: str, within: Path | None) -> None:
    says = {"token": token, "machine": _machine(), "pid": os.getpid(), "started": _started(os.getpid())}
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        with open(descriptor, "wb") as file:
            file.write(json.dumps(says).encode())
    except OSError:
        with suppress(OSError):  # a full disk; the first error is the one to tell
            os.unlink(path)
        raise
    if within is not None:
        with suppress(OSError):  # it holds all the same
            give_rights(path, within)


def _read(path: Path) -> _Holder | None:
    """What is written at a path, or None if nothing is there. Opened, not just looked at: NFS then asks its server."""
    try:
        with open(path, "rb") as file:
            touched, data = os.fstat(file.fileno()).st_mtime, file.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
    try:
        says = json.loads(data)
        return _Holder(touched, str(says["token"]), str(says["machine"]), int(says["pid"]), str(says["started"]))
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return _Holder(touched)


def _is_dead(path: Path, holder: _Holder, stale_after: float) -> bool:
    if holder.machine == _machine() and _is_gone(holder.pid, holder.started):
        return True
    return file_clock(path.parent) - holder.touched > stale_after


def _take_away(path: Path, dead: _Holder) -> None:
    """Removes a dead holder's lease, and not one that somebody made at its place meanwhile. Raises OSError where only
    another user may."""
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.dead")
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return  # another process was first
    moved = _read(aside)
    if moved is not None and moved.token != dead.token:
        with suppress(OSError):  # if there is a third by now, both compute; what they write is whole all the same
            os.link(aside, path)
    else:
        log.info("%s: taken over from a process that ended without giving it back", path)
    with suppress(OSError):
        os.unlink(aside)


def _keep_alive(path: Path, token: str, stop: threading.Event, beat: float) -> None:
    # not a method: a thread that knows its lease would keep it from being collected
    while not stop.wait(beat):
        try:
            holder = _read(path)
            if holder is None or holder.token != token:
                return  # taken over
            os.utime(path)
        except OSError as error:
            log.debug("%s: cannot be touched (%s)", path, error)


def _let_go(path: Path, token: str, stop: threading.Event, pid: int) -> None:
    stop.set()
    if pid != os.getpid():
        return  # a forked child does not own its parent's leases
    with suppress(OSError):  # an unreachable lease grows stale by itself
        holder = _read(path)
        if holder is not None and holder.token == token:
            os.unlink(path)


@functools.cache
def _machine() -> str:
    """The set of processes that a process number is unique in: a boot of a host, and a container on it."""
    parts = [platform.node()]
    with suppress(OSError):  # not Linux: the host's name must do
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def _is_gone(pid: int, started: str) -> bool:
    """Whether a process of this machine has certainly ended."""
    if os.name != "posix" or pid <= 0:
        return False  # signal 0 is no harmless question on Windows
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return bool(started) and _started(pid) != started


def _started(pid: int) -> str:
    """A mark of when a running process began, so that its number is not mistaken for it; '' where none is to be had."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    if fields[0] in "ZX":
        return "ended"  # killed, and its parent did not look yet
    return fields[19]
