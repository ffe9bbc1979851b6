"""Who may read and write what is made: whom the umask lets, or, in a folder that is shared, whom that folder lets."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path


def make_folder(folder: Path, within: Path | None = None) -> None:
    """Makes a folder and those above it that are not there.

    within : a shared folder above it. What is made in there has the rights of the folder that it is made in, so that
        whoever comes second may write to it too, whatever the umask of the first. The shared folder itself, where it
        is not there either, has those of any other.

    Raises OSError.
    """
    if within is None or folder == within:
        folder.mkdir(parents=True, exist_ok=True)
    elif not folder.is_dir():
        make_folder(folder.parent, within)
        with suppress(FileExistsError):  # another process was first; what is no folder is reported where it is used
            folder.mkdir()
            with suppress(OSError):  # some network shares keep no rights
                folder.chmod(stat.S_IMODE(folder.parent.stat().st_mode) | stat.S_IRWXU)


def give_rights(file: Path, within: Path | None = None) -> None:
    """Gives a file that was just made the rights of any other; `within` a shared folder, those of its own folder.

    Raises OSError.
    """
    file.chmod(0o666 & (~_umask() if within is None else file.parent.stat().st_mode | stat.S_IRWXU))


_UMASK: list[int] = []


def _umask() -> int:
    """The process's umask, which can only be read by setting it; so once, at the first write."""
    if not _UMASK:
        mask = os.umask(0o022)
        os.umask(mask)
        _UMASK.append(mask)
    return _UMASK[0]
