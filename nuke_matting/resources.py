"""Where the files that travel with the package are: `ocio/`, `gizmos/`, `weights/`.

A wheel carries them inside the package; in a checkout `ocio/` and `gizmos/` stand beside it.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from nuke_matting.errors import MattingError, UsageError

_PACKAGE = Path(__file__).resolve().parent
_BESIDE_THE_PACKAGE = ("ocio", "gizmos")  # the folders that a wheel moves into the package


def shipped(name: str) -> Path:
    """The file or folder `name` that comes with the package, such as ``ocio/nuke_matting.ocio`` or ``weights``.

    `name` uses forward slashes and is relative; no part of it is ``..``. The path returned exists and is absolute.

    Raises
    ------
    UsageError : `name` leads out of the package.
    MattingError : the file is not there, so the installation is not whole.
    """
    parts = PurePosixPath(name).parts
    if not parts or parts[0] == "/" or ".." in parts:
        raise UsageError(f"{name!r} does not name a file of the package")
    places = [_PACKAGE]
    if parts[0] in _BESIDE_THE_PACKAGE:
        places.append(_PACKAGE.parent)
    for place in places:
        found = place.joinpath(*parts)
        if found.exists():
            return found
    raise MattingError(
        "a file that belongs to nuke_matting is missing",
        path=_PACKAGE.joinpath(*parts),
        advice="install the package again",
    )
