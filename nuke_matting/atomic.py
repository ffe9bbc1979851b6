"""Files that appear whole under their name or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nuke_matting.errors import OutputError
from nuke_matting.rights import give_rights, make_folder

TEMPORARY = ".nuke_matting-"  # prefix of files that are being written; hidden, and no image by their suffix
LEFT_BEHIND = 3600.0  # seconds after which a temporary file is nobody's work in progress
PATIENCE = 2.0  # seconds to wait for a reader of what is to be replaced, where it keeps others from that

_WINDOWS = os.name == "nt"
_TICK = 1_000_000  # ns

Before = Callable[[os.stat_result], object]  # told what a file will be (its size, its date), before it has its name


def write_whole(
    path: Path, data: bytes, frame: int | None = None, before: Before | None = None, within: Path | None = None
) -> None:
    """Writes a file: a temporary one in the same folder, flushed to the disk, then renamed. Folders are made.

    before : called in between, once all is written and nothing has the name yet.
    within : a shared folder that it is written in, as in `make_folder`.

    Raises OutputError, after which the name holds what it held before.
    """
    try:
        make_folder(path.parent, within)
        handle, name = tempfile.mkstemp(prefix=TEMPORARY, suffix=".part", dir=path.parent)
    except OSError as error:
        raise _output_error(error, path, frame) from error
    temporary = Path(name)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with suppress(OSError):  # some network shares keep no rights, and what they have is good enough
            give_rights(temporary, within)
        if before is not None:
            _date_apart(temporary)
            before(temporary.stat())  # as its disk keeps it
        _give_name(temporary, path)
    except OSError as error:
        raise _output_error(error, path, frame) from error
    finally:
        with suppress(OSError):  # gone, as it has its name; or the disk is, and the first error is the one to tell
            temporary.unlink()
    _sync_folder(path.parent)


def try_folder(folder: Path) -> None:
    """Makes a folder, and sees that a file can be made in it. Raises OutputError where it cannot."""
    try:
        make_folder(folder)
        handle, name = tempfile.mkstemp(prefix=TEMPORARY, suffix=".part", dir=folder)
    except OSError as error:
        raise _output_error(error, folder, None) from error
    os.close(handle)
    with suppress(OSError):
        os.unlink(name)


def look_at_folder(folder: Path) -> None:
    """As `try_folder`, as far as rights tell it: nothing is touched. Raises OutputError."""
    there = next(each for each in (folder, *folder.absolute().parents) if os.path.lexists(each))
    if not there.is_dir():
        raise _output_error(OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)), folder, None)
    if not os.access(there, os.W_OK | os.X_OK):
        raise _output_error(OSError(errno.EACCES, os.strerror(errno.EACCES)), folder, None)


def remove_left_behind(folder: Path) -> None:
    """Removes temporary files of writers that were killed. What cannot be looked at or removed stays."""
    with suppress(OSError):
        for path in folder.glob(f"{TEMPORARY}*.part"):
            with suppress(OSError):
                if file_clock(folder) - path.stat().st_mtime > LEFT_BEHIND:
                    path.unlink()


def file_clock(folder: Path) -> float:
    """Seconds since the epoch, by the clock that stamps a folder's files. Raises OSError where it is not writable."""
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        with suppress(OSError):  # a full disk, from which to remove something: the date of an empty file must do
            file.write(b"tick")
        return os.fstat(file.fileno()).st_mtime


def _date_apart(file: Path) -> None:
    """Gives a file's date digits of its own below those that clocks of disks tick in: two files of one size that come
    in one moment are then told apart by it.
    """
    about = file.stat()
    with suppress(OSError):  # a disk that does not keep dates may refuse
        os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns // _TICK * _TICK + secrets.randbelow(_TICK)))


def _give_name(temporary: Path, path: Path) -> None:
    """Renames a file. On Windows a name is not free while somebody has what is there open, which is not for long if
    that is a reader of one frame. Raises OSError.
    """
    end = time.monotonic() + PATIENCE
    while True:
        try:
            os.replace(temporary, path)
            return
        except PermissionError as error:
            if not _WINDOWS or not path.is_file() or not os.access(path, os.W_OK):
                raise
            if time.monotonic() >= end:
                raise OSError(errno.EBUSY, error.strerror) from error
        time.sleep(0.05)


def _sync_folder(folder: Path) -> None:
    """Makes the rename itself last; Windows has no such call, and some network file systems refuse it."""
    if os.name != "posix":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


_ADVICE = {
    errno.ENOSPC: ("the disk is full", "make room and run again; what is written stays"),
    errno.EDQUOT if hasattr(errno, "EDQUOT") else -1: ("the quota is used up", "make room and run again"),
    errno.EACCES: ("no right to write there", "choose another folder with --out, or change its rights"),
    errno.EPERM: ("no right to write there", "choose another folder with --out, or change its rights"),
    errno.EBUSY: ("another program has it open", "close it there, and run again"),
    errno.EROFS: ("the folder is read-only", "choose another folder with --out"),
    errno.ENOTDIR: ("a file stands where a folder should be", "move it, or choose another folder"),
    errno.EEXIST: ("a file stands where a folder should be", "move it, or choose another folder"),
    errno.EISDIR: ("a folder stands where the file should be", "move it, or choose another name"),
}


def _output_error(error: OSError, path: Path, frame: int | None) -> OutputError:
    what, advice = _ADVICE.get(error.errno or 0, (str(error.strerror or error), "check the folder and the disk"))
    return OutputError(f"cannot be written: {what}", path=path, frame=frame, advice=advice)
