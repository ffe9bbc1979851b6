"""Figures as a table to read, which is also Markdown, and as CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from nuke_matting.quality.figures import DECIMALS, TITLES, Figures

MEAN = "mean"  # stands for the clip, or the frame, in rows that are means


def columns_of(rows: Iterable[Figures], always: Iterable[str] = ()) -> tuple[str, ...]:
    """The figures that any row has, and those that are always shown, in the papers' order."""
    names = set(always).union(*rows)
    return tuple(name for name in TITLES if name in names)


def markdown(rows: Sequence[tuple[str, int, Figures]], columns: Sequence[str], first: str, count: str) -> str:
    """The table of rows (name, how many, figures), aligned for the eye. `first` and `count` title these two columns.

    >>> print(markdown([("walk", 24, {"mad": 3.14159})], ["mad", "dtssd"], "clip", "frames"))
    | clip | frames |  MAD | dtSSD |
    | :--- | -----: | ---: | ----: |
    | walk |     24 | 3.14 |     - |
    """
    cells = [[first, count, *(TITLES[name] for name in columns)]]
    for name, number, found in rows:
        shown = (f"{found[each]:.{DECIMALS.get(each, 2)}f}" if each in found else "-" for each in columns)
        cells.append([name.replace("|", r"\|"), str(number), *shown])
    widths = [max(3, *(len(row[index]) for row in cells)) for index in range(len(cells[0]))]
    rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [[row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))


def as_csv(rows: Iterable[tuple[str, int | str, Figures]], columns: Sequence[str]) -> str:
    """CSV of rows (clip, frame, figures) under a line of names; figures in full, empty where there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["clip", "frame", *columns])
    writer.writerows([clip, frame, *(found.get(each, "") for each in columns)] for clip, frame, found in rows)
    return text.getvalue()
