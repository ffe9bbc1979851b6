"""The same file under two names: on the machine that Nuke runs on, and on the one that the worker runs on.

A map is text, as in the environment variable NUKE_MATTING_PATH_MAP: pairs `HERE=THERE`, separated by `;`, e.g.
`P:/show=/mnt/show;/Volumes/plates=/mnt/plates`.
"""

import re

from .errors import HostError

VARIABLE = "NUKE_MATTING_PATH_MAP"


class PathMap:
    """Pairs of folders that are the same; the first that fits is taken.

    >>> paths = PathMap.parse("P:/show=/mnt/show")
    >>> paths.there("p:\\\\show\\\\sh010\\\\plate.####.exr")
    '/mnt/show/sh010/plate.####.exr'
    >>> paths.here("/mnt/show/sh010/a.exr"), paths.here("/mnt/showreel/a.exr")
    ('P:/show/sh010/a.exr', '/mnt/showreel/a.exr')
    """

    def __init__(self, pairs=()):
        self.pairs = tuple((_trimmed(here), _trimmed(there)) for here, there in pairs)

    @classmethod
    def parse(cls, text):
        """A map from its text; empty text is an empty map. Raises HostError."""
        pairs = []
        for part in filter(None, (each.strip() for each in text.split(";"))):
            here, equals, there = (each.strip() for each in part.partition("="))
            if not (here and equals and there):
                raise HostError(f"path map: {part!r} is no pair", "write it as HERE=THERE, pairs separated by ;")
            pairs.append((here, there))
        return cls(pairs)

    def there(self, path):
        """A path as the other machine names it; unchanged where no pair fits."""
        return _swapped(path, self.pairs)

    def here(self, path):
        """A path of the other machine as this one names it; unchanged where no pair fits."""
        return _swapped(path, [(there, here) for here, there in self.pairs])


def _swapped(path, pairs):
    for old, new in pairs:
        windows = _is_windows(old)
        seen, start = (path.replace("\\", "/").lower(), old.replace("\\", "/").lower()) if windows else (path, old)
        if seen == start or seen.startswith(start if start.endswith("/") else start + "/"):
            rest = path[len(old) :]
            if windows and not _is_windows(new):
                rest = rest.replace("\\", "/")
            return _joined(new, rest)
    return path


def _joined(folder, rest):
    rest = rest.lstrip("/\\")
    if not rest:
        return folder
    return folder + rest if folder.endswith(("/", "\\")) else folder + "/" + rest


def _trimmed(folder):
    return folder.rstrip("/\\") or "/"


def _is_windows(path):
    return bool(re.match(r"[A-Za-z]:|\\\\", path))
