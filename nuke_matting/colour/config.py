"""Which OCIO config is in use: the user's, then $OCIO, then a built-in one."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISDIR

import PyOpenColorIO as ocio_lib

from nuke_matting.errors import ColourError

# Pinned by name, so that a newer OpenColorIO cannot change a plate's colour; why this one: ocio/README.md.
DEFAULT_CONFIG = "ocio://studio-config-v2.2.0_aces-v1.3_ocio-v2.4"

# OpenColorIO's two kinds of error have no common base but Exception.
OCIO_ERRORS = (ocio_lib.Exception, ocio_lib.ExceptionMissingFile)

_SCHEME = "ocio://"

_Stamp = tuple[int, int] | None  # of a file: when it was written, in ns, and its size; None where there is none

_looking = threading.Lock()
# config -> what it was known by, and the stamps of its tables
_tables: dict[str, tuple[object, dict[str, _Stamp]]] = {}
_state = 0  # raised whenever a table was found to have changed: what was made before is out of date


def load_config(ocio: str = "") -> tuple[ocio_lib.Config, str]:
    """The OCIO config in use, and where it comes from.

    Parameters
    ----------
    ocio : path of a config (``.ocio``, ``.ocioz``), or the URI of a built-in one (``ocio://NAME``). Empty: the value
        of the environment variable OCIO, and where that is not set or empty, `DEFAULT_CONFIG`.

    Returns
    -------
    config : shared with other callers, never to be changed. Read once and again only when its file, or a look-up table
        that it names, has changed, which is looked at in each call: who asks often keeps what it got for a while.
        Environment variables that the config itself uses have the values of the first reading.
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
    name, stamp = str(path.resolve()), (stat.st_mtime_ns, stat.st_size)
    with _looking:
        _look_at_tables(name, stamp)
        config = _load_file(name, *stamp, source, _state)
        if name not in _tables:
            _tables[name] = stamp, {each: _stamp(each) for each in _tables_of(config)}
    return config


def _look_at_tables(config: str, stamp: tuple[int, int]) -> None:
    """Has OpenColorIO, which reads each table once, forget them all where one of a config's has changed."""
    global _state
    known, tables = _tables.get(config, (None, {}))
    if known != stamp:
        _tables.pop(config, None)  # it is read anew, and names others perhaps
    if any(_stamp(each) != was for each, was in tables.items()):
        ocio_lib.ClearAllCaches()
        _tables.pop(config, None)
        _state += 1


def _stamp(path: str) -> _Stamp:
    try:
        about = os.stat(path)
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size


def _tables_of(config: ocio_lib.Config) -> set[str]:
    """The files that a config's transforms name, as far as they are found; of an archive none, which holds its own."""
    context, found = config.getCurrentContext(), set()
    for transform in _transforms(config):
        for each in _files(transform):
            try:
                found.add(context.resolveFileLocation(each))
            except OCIO_ERRORS:  # it is missing: whoever needs it is told
                continue
    return {each for each in found if os.path.isfile(each)}


def _transforms(config: ocio_lib.Config) -> Iterator[ocio_lib.Transform | None]:
    spaces = config.getColorSpaces(ocio_lib.SEARCH_REFERENCE_SPACE_ALL, ocio_lib.COLORSPACE_ALL)
    for space in spaces:
        yield space.getTransform(ocio_lib.COLORSPACE_DIR_TO_REFERENCE)
        yield space.getTransform(ocio_lib.COLORSPACE_DIR_FROM_REFERENCE)
    for view in config.getViewTransforms():
        yield view.getTransform(ocio_lib.VIEWTRANSFORM_DIR_TO_REFERENCE)
        yield view.getTransform(ocio_lib.VIEWTRANSFORM_DIR_FROM_REFERENCE)
    for look in config.getLooks():
        yield look.getTransform()
        yield look.getInverseTransform()


def _files(transform: ocio_lib.Transform | None) -> Iterator[str]:
    if isinstance(transform, ocio_lib.FileTransform):
        yield transform.getSrc()
    elif isinstance(transform, ocio_lib.GroupTransform):
        for each in transform:
            yield from _files(each)


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
def _load_file(path: str, _mtime_ns: int, _size: int, source: str, _tables_state: int) -> ocio_lib.Config:
    try:
        return ocio_lib.Config.CreateFromFile(path)
    except OCIO_ERRORS as error:
        raise ColourError(
            f"the OCIO config of {source} cannot be read: {error}",
            path=path,
            advice=f"check it with `ociocheck --iconfig {path}`, or choose another with --ocio",
        ) from error
