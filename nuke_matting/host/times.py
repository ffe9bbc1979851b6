"""When files were written last: of a pattern with %V, those of all views."""

import os
from contextlib import suppress

from .nuke_api import nuke
from .paths import local
from .patterns import at, files_of


class Times:
    """Of the files that mattes are made from. Each is looked at once."""

    def __init__(self):
        self._known = {}

    def of(self, source, frame):
        """Of a source's file of a frame; of its newest, where any may be shown. None where there is none."""
        name = source.pattern if source.shifted else at(source.pattern, frame)
        if name not in self._known:
            look = _newest if source.shifted else time_of
            times = (look(each) for each in _of_views(name))
            self._known[name] = max((each for each in times if each is not None), default=None)
        return self._known[name]


def time_of(path):
    """When a file was written; None where there is none."""
    try:
        return os.stat(local(path)).st_mtime
    except OSError:
        return None


def _of_views(name):
    """A name for each of the script's views, where it has %V or, for their first letters, %v."""
    if "%v" not in name.lower():
        return [name]
    return [name.replace("%V", view).replace("%v", view[:1]) for view in nuke.views()]


def _newest(pattern):
    times = []
    for each in files_of(pattern):
        with suppress(OSError):  # it went meanwhile, or is a dead link
            times.append(os.stat(each).st_mtime)
    return max(times, default=None)
