"""Paths of a script that was saved on another machine: the names that files have here, by NUKE_MATTING_PATH_MAP."""

import os
import time

from .pathmap import VARIABLE, PathMap

_FRESH = 2.0  # seconds for which a folder is taken to be there, or not: a thousand frames ask for the same few
_known = {}  # folder -> whether it is there, and until when that holds


def local(path):
    """A path as this machine knows it: as it stands where its drive or volume is here, else through the map.

    In both directions, so that one map serves a whole studio. Raises HostError for a map that is none.
    """
    paths = PathMap.parse(os.environ.get(VARIABLE, ""))
    mapped = [each for each in (paths.there(path), paths.here(path)) if each != path]
    if mapped and not _reached(path):
        return next(filter(_reached, mapped), path)
    return path


def common(path):
    """A path under one name for all machines: that of the left side of the path map, which machines without one use.

    Raises HostError for a map that is none.
    """
    paths = PathMap.parse(os.environ.get(VARIABLE, ""))
    return paths.here(paths.there(path))  # of several left sides for one right side, the first


class Local:
    """In place of a map, where the worker runs on this machine: every path as this machine knows it."""

    there = staticmethod(local)

    @staticmethod
    def here(path):
        """The same: both see one machine."""
        return path


def worker_paths():
    """How the worker is told of files: by the map where NUKE_MATTING_WORKER may start it elsewhere.

    Raises HostError for a map that is none.
    """
    if os.environ.get("NUKE_MATTING_WORKER", "").strip():
        return PathMap.parse(os.environ.get(VARIABLE, ""))
    return Local


def _reached(path):
    """Whether the folder of a path, or one above it short of the top two, is there: files may yet have to be made."""
    folder = os.path.dirname(path)
    found = _is_there(folder)
    while not found and folder.count("/") > 2:
        folder = os.path.dirname(folder)
        found = _is_there(folder)
    return found


def _is_there(folder):
    now = time.monotonic()
    found, until = _known.get(folder, (False, 0.0))
    if now >= until:
        found = os.path.isdir(folder)
        _known[folder] = found, now + _FRESH
    return found
