"""Paths of a script that was saved on another machine: the names that files have here, by NUKE_MATTING_PATH_MAP."""

import os

from .pathmap import VARIABLE, PathMap


def local(path):
    """A path as this machine knows it: as it stands where its drive or volume is here, else through the map."""
    mapped = PathMap.parse(os.environ.get(VARIABLE, "")).there(path)
    return mapped if mapped != path and not _reached(path) and _reached(mapped) else path


def _reached(path):
    """Whether the folder of a path, or one above it short of the top two, is there: files may yet have to be made."""
    folder = os.path.dirname(path)
    while folder.count("/") > 1:
        if os.path.isdir(folder):
            return True
        folder = os.path.dirname(folder)
    return False
