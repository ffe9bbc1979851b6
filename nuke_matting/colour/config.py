"""Which OCIO config is in use: the user's, then $OCIO, then a built-in one."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from stat import S_ISDIR

import PyOpenColorIO as ocio_lib

from nuke_matting.errors import ColourError

# Pinned by name, so that a newer OpenColorIO cannot change a plate's colour; why this one: ocio/README.md.
DEFAULT_CONFIG = "ocio://studio-config-v2.2.0_aces-v1.3_ocio-v2.4"

# OpenColorIO's two kinds of error have no common base but Exception.
OCIO_ERRORS = (ocio_lib.Exception, ocio_lib.ExceptionMissingFile)

_SCHEME = "ocio://"


def load_config(ocio: str = "") -> tuple[ocio_lib.Config, str]:
    """The OCIO config in use, and where it comes from.

    Parameters
    ----------
    ocio : path of a config (``.ocio``, ``.ocioz``), or the URI of a built-in one (``ocio://NAME``). Empty: the value
        of the environment variable OCIO, and where that is not set or empty, `DEFAULT_CONFIG`.

    Returns
    -------
    config : shared with other callers, never to be changed. Read once and again only when its file has changed;
        environment variables that the config itself uses have the values of the first reading.
    origin : for the log, such as ``ocio://NAME (built-in default)`` or ``/studio/config.ocio ($OCIO)``.

    Raises
    ------
    ColourError : there is no such config, or it cannot be read; names it and what to do.
    """
    if ocio.strip():
        where, source = ocio.strip(), "--ocio"
    elif os.environ.get("OCIO", "").strip():
        where, source = os.environ["OCIO"].strip(), "$OCIO"
    else:
        where, source = DEFAULT_CONFIG, "built-in default"
    return _load(where, source), f"{where} ({source})"


def _load(where: str, source: str) -> ocio_lib.Config:
    if where.startswith(_SCHEME):
        return _load_builtin(where, source)
    path = Path(os.path.expanduser(where))
    try:
        stat = path.stat()
        if S_ISDIR(stat.st_mode):
            inside = path / "config.ocio"
            advice = f"name the config itself, {inside}" if inside.is_file() else "name the config file, not its folder"
            raise ColourError(f"the OCIO config of {source} is a folder", path=path, advice=advice)
    except OSError as error:
        raise ColourError(
            f"the OCIO config of {source} cannot be found ({error.strerror})",
            path=path,
            advice=f"correct {source}, or leave it out to use the built-in {DEFAULT_CONFIG}",
        ) from error
    return _load_file(str(path.resolve()), stat.st_mtime_ns, stat.st_size, source)


@functools.lru_cache(maxsize=8)
def _load_builtin(where: str, source: str) -> ocio_lib.Config:
    try:
        return ocio_lib.Config.CreateFromFile(where)
    except OCIO_ERRORS as error:
        names = [entry[0] for entry in ocio_lib.BuiltinConfigRegistry().getBuiltinConfigs()]
        raise ColourError(
            f"{source} names no OCIO config that OpenColorIO {ocio_lib.__version__} has built in",
            path=where,
            advice=f"it has {', '.join(_SCHEME + name for name in names)}",
        ) from error


@functools.lru_cache(maxsize=8)
def _load_file(path: str, _mtime_ns: int, _size: int, source: str) -> ocio_lib.Config:
    try:
        return ocio_lib.Config.CreateFromFile(path)
    except OCIO_ERRORS as error:
        raise ColourError(
            f"the OCIO config of {source} cannot be read: {error}",
            path=path,
            advice=f"check it with `ociocheck --iconfig {path}`, or choose another with --ocio",
        ) from error
