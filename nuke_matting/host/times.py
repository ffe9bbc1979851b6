"""When files were written last."""

import os
import re
from contextlib import suppress

from .graph import at, numbered
from .paths import local


class Times:
    """Of the files that mattes are made from. Each is looked at once."""

    def __init__(self):
        self._known = {}

    def of(self, source, frame):
        """Of a source's file of a frame; of its newest, where any may be shown. None where there is none."""
        name = source.pattern if source.shifted else at(source.pattern, frame)
        if name not in self._known:
            self._known[name] = _newest(name) if source.shifted else time_of(name)
        return self._known[name]


def time_of(path):
    """When a file was written; None where there is none."""
    try:
        return os.stat(local(path)).st_mtime
    except OSError:
        return None


def _newest(pattern):
    before, width, after = numbered(local(pattern))
    if not width:
        return time_of(pattern)
    folder, name = os.path.split(before)
    own = re.compile(re.escape(name) + r"-?\d+" + re.escape(after) + r"\Z")
    try:
        names = [each for each in os.listdir(folder) if own.match(each)]
    except OSError:
        return None
    times = []
    for each in names:
        with suppress(OSError):  # it went meanwhile, or is a dead link
            times.append(os.stat(os.path.join(folder, each)).st_mtime)
    return max(times, default=None)
