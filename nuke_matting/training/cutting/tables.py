"""Tables of what somebody has looked at in pictures: where heads are, outlines, frames."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from nuke_matting.errors import UsageError

T = TypeVar("T")


def check_names(files: Iterable[str], path: Path) -> None:
    """Raises UsageError: two files of a table are called alike but for folder or ending, so their mattes would be."""
    stems: dict[str, str] = {}
    for file in files:
        other = stems.setdefault(Path(file).stem, file)
        if other != file:
            raise UsageError(
                f"mattes of {other} and {file} would have the same name",
                path=path,
                advice="rename one of them, or cut them into folders of their own, from a table each",
            )


def read_table(path: Path, of: str, columns: str, make: Callable[[dict[str, str]], T]) -> list[T]:
    """What `make` makes of each row of a CSV with a header. of, columns : what it is of and has, for the error.

    Raises UsageError: the file cannot be read, a column is missing, or `make` finds a value wrong (ValueError), with
    the number of its row, the header's being 1.
    """
    made: list[T] = []
    row = 1
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets mark UTF-8 so
            for each in csv.DictReader(file):
                row += 1
                made.append(make(each))
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        where = f"row {row}: " if row > 1 else ""
        raise UsageError(f"is no table of {of} ({where}{error})", path=path, advice=f"columns are {columns}") from error
    return made
