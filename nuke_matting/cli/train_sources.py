"""What a training draws from, on the command line: the options, and the check that all of it is there."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nuke_matting.errors import UsageError

if TYPE_CHECKING:
    from nuke_matting.training.data import Sources
    from nuke_matting.training.stages import Recipe

SOURCES = """
A source of subjects is [LAYOUT=]DIR[:WEIGHT]. LAYOUT is pairs, parallel, clips, stills, rgba-straight or rgba-premult,
or a known set: VideoMatte240K, VideoMatting108, Distinctions-646, P3M-10k, AIM-500; without one it is detected. WEIGHT
says how often it is drawn from (default: 1). Options for sources and backgrounds may be repeated.
"""


def add_sources(action: argparse.ArgumentParser) -> None:
    """Adds the options."""
    source = "[LAYOUT=]DIR[:WEIGHT]"
    sources = action.add_argument_group("what is drawn from")
    sources.add_argument("--people", action="append", default=[], metavar=source, help="people with mattes")
    sources.add_argument(
        "--others", action="append", default=[], metavar=source, help="anything; shown with a clean plate or a guide"
    )
    sources.add_argument(
        "--things",
        type=_weight,
        default=0.0,
        metavar="WEIGHT",
        help="how often procedural things are drawn; shown likewise",
    )
    sources.add_argument(
        "--backgrounds", action="append", required=True, metavar="DIR[:WEIGHT]", help="photographs and panoramas"
    )
    sources.add_argument(
        "--foregrounds", type=Path, metavar="DIR", help="for colours that must be estimated (default: beside each set)"
    )
    sources.add_argument("--seed", type=whole(0), default=1, metavar="N", help="random seed (default: 1)")


def checked_sources(
    args: argparse.Namespace, recipe: Recipe, say: Callable[[str], None] = lambda text: None
) -> Sources:
    """What is drawn from; what is wrong with it is said now and not after an hour. Raises UsageError.

    say : told what each source holds, a line each.
    """
    from nuke_matting.training.data import Sources
    from nuke_matting.training.datasets import find_subjects, parse_source
    from nuke_matting.training.folders import told
    from nuke_matting.training.store import find_backgrounds
    from nuke_matting.training.students import check_sources

    people, others, backgrounds = (
        tuple(parse_source(each) for each in texts) for texts in (args.people, args.others, args.backgrounds)
    )
    if not any(each.weight > 0 for each in (*people, *others)) and args.things == 0:
        raise UsageError("there is nothing to matte", advice="give --people, --others or --things a weight above 0")
    sources = Sources(people, backgrounds, others, args.things, args.foregrounds)
    check_sources(recipe, sources)
    for kind, group in (("people", people), ("others", others)):
        for source in group:
            say(f"{kind}  {source.path}: {told(find_subjects(source, args.foregrounds))}")
    for folder in backgrounds:
        if folder.layout:
            raise UsageError("backgrounds have no layout", path=folder.path, advice="write DIR[:WEIGHT]")
        count = len(find_backgrounds(folder.path))
        say(f"behind  {folder.path}: {count} picture{'s' * (count > 1)}")
    return sources


def whole(least: int) -> Callable[[str], int]:
    """A parser of whole numbers that are not smaller."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) < 2**31:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least}")
        return int(text)

    return parse


def _weight(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0")
    return value
