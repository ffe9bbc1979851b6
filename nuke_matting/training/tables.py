"""Tables of what somebody has looked at in pictures: where heads are, outlines, frames."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from nuke_matting.errors import UsageError

T = TypeVar("T")


def read_table(path: Path, of: str, columns: str, make: Callable[[dict[str, str]], T]) -> list[T]:
    """What `make` makes of each row of a CSV with a header. of, columns : what it is of and has, for the error.

    Raises UsageError: the file cannot be read, a column is missing, or `make` finds a value wrong (ValueError).
    """
    try:
        with path.open(newline="") as file:
            return [make(row) for row in csv.DictReader(file)]
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"is no table of {of} ({error})", path=path, advice=f"columns are {columns}") from error
