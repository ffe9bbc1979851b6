"""A user's home in the name of a place, which is looked up once and never made."""

from __future__ import annotations

import os
from pathlib import Path

from nuke_matting.errors import MattingError, UsageError


def expanded(text: str, error: type[MattingError] = UsageError) -> Path:
    """A path that somebody has named, its ~ or ~user resolved.

    error : raised where there is no such home, since a folder of that very name would be made.

    >>> expanded("~nobody-of-that-name/mattes")
    Traceback (most recent call last):
    nuke_matting.errors.UsageError: ~nobody-of-that-name/mattes: there is no such user's home; write it in full
    """
    found = os.path.expanduser(text)
    if found == text and text.startswith("~"):
        raise error("there is no such user's home", path=text, advice="write it in full")
    return Path(found)
