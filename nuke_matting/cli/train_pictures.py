"""The actions of `train` that make pictures to train on: people and places rendered, people cut out of photographs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from nuke_matting.cli.exits import OK
from nuke_matting.cli.train_action import add_action
from nuke_matting.cli.train_sources import whole
from nuke_matting.errors import MattingError


def add_pictures(actions: argparse._SubParsersAction) -> None:
    """Adds the actions."""
    _add_people(actions)
    _add_rooms(actions)
    _add_portraits(actions)
    _add_footage(actions)
    _add_walks(actions)
    _add_photographs(actions)
    _add_behind(actions)


def _add_people(actions: argparse._SubParsersAction) -> None:
    action = add_action(
        actions,
        "people",
        _people,
        "render synthetic people, stills or clips, with exact alphas",
        "A number gives the same person on every machine. What is there is left, so a run that was stopped goes on.",
    )
    action.add_argument("kind", metavar="KIND", choices=("stills", "clips"), help="stills or clips")
    action.add_argument(
        "--assets", type=Path, required=True, metavar="DIR", help="folder with humans, humans_textures and hdri"
    )
    _add_pairs(action)
    _add_numbers(action)
    action.add_argument(
        "--size", type=whole(16), metavar="PIXELS", help="of a side (default: 320 of stills, 256 of clips)"
    )
    action.add_argument("--frames", type=whole(2), default=6, metavar="N", help="in a clip (default: 6)")


def _add_rooms(actions: argparse._SubParsersAction) -> None:
    action = add_action(
        actions,
        "rooms",
        _rooms,
        "render synthetic backgrounds without people: rooms, streets, gardens, heaps",
        "A number gives the same picture on every run. What is there is left, so a run that was stopped goes on.",
    )
    action.add_argument(
        "--assets",
        type=Path,
        metavar="DIR",
        help="folder with humans, humans_textures and hdri (default: no statues, posters of people or real skies)",
    )
    action.add_argument("--out", type=Path, required=True, metavar="DIR", help="for NUMBER.jpg")
    _add_numbers(action)


def _add_portraits(actions: argparse._SubParsersAction) -> None:
    action = add_action(actions, "portraits", _portraits, "cut mattes from studio portraits before a plain backdrop")
    action.add_argument("--portraits", type=Path, required=True, metavar="DIR", help="greyscale portraits, .jpg")
    _add_pairs(action)


def _add_footage(actions: argparse._SubParsersAction) -> None:
    action = add_action(actions, "footage", _footage, "cut mattes of people from clips of one camera that stands still")
    action.add_argument("--clips", type=Path, required=True, metavar="DIR", help="folder with the clips")
    action.add_argument(
        "--heads",
        type=Path,
        metavar="FILE.csv",
        help="where the heads are: clip, person, x, y, size, cut (default: of those behind the shipped weights)",
    )
    _add_pairs(action)
    action.add_argument("--every", type=whole(1), default=8, metavar="N", help="cut every N-th frame (default: 8)")


def _add_walks(actions: argparse._SubParsersAction) -> None:
    action = add_action(
        actions, "walks", _walks, "cut mattes of people who walk through a still shot that is empty at times"
    )
    action.add_argument("--clips", type=Path, required=True, metavar="DIR", help="folder with the clips")
    action.add_argument(
        "--walks",
        type=Path,
        metavar="FILE.csv",
        help="which frames: clip, frame, first, last; the last two of frames without anybody, at best just before or "
        "after; all count from 0 (default: those of the clip behind the shipped weights)",
    )
    _add_pairs(action)


def _add_photographs(actions: argparse._SubParsersAction) -> None:
    action = add_action(actions, "photographs", _photographs, "cut people out of photographs along outlines")
    action.add_argument("--photographs", type=Path, required=True, metavar="DIR", help="folder with the photographs")
    action.add_argument(
        "--outlines",
        type=Path,
        metavar="FILE.csv",
        help="photograph, outline: x y x y ... in thousandths (default: those of the photographs behind the shipped "
        "weights)",
    )
    _add_pairs(action)


def _add_behind(actions: argparse._SubParsersAction) -> None:
    action = add_action(
        actions,
        "behind",
        _behind,
        "find what is behind people in photographs",
        "It is written beside each matte, as NAME_behind.png. Some samples then show people as photographed.",
    )
    action.add_argument(
        "--photographs", type=Path, required=True, metavar="DIR", help="folder with NAME.jpg or NAME_image.jpg"
    )
    action.add_argument("--mattes", type=Path, required=True, metavar="DIR", help="folder with NAME_alpha.png of them")


def _add_numbers(action: argparse.ArgumentParser) -> None:
    """Which of the pictures that numbers stand for an action renders; see `_numbers`."""
    action.add_argument("--first", type=whole(0), default=0, metavar="N", help="number of the first (default: 0)")
    action.add_argument("--count", type=whole(1), default=100, metavar="N", help="how many numbers (default: 100)")
    action.add_argument(
        "--step", type=whole(1), default=1, metavar="N", help="make every N-th, to share the work among processes"
    )


def _numbers(args: argparse.Namespace) -> range:
    return range(args.first, args.first + args.count, args.step)


def _add_pairs(action: argparse.ArgumentParser) -> None:
    """Where an action writes subjects."""
    action.add_argument("--out", type=Path, required=True, metavar="DIR", help="for NAME_fg.png and NAME_alpha.png")


def _people(args: argparse.Namespace) -> int:
    numbers = _numbers(args)
    size = {} if args.size is None else {"size": args.size}
    if args.kind == "stills":
        from nuke_matting.training.people.stills import render_stills

        made = render_stills(args.assets, args.out, numbers, **size)
    else:
        from nuke_matting.training.people.clips import render_clips

        made = render_clips(args.assets, args.out, numbers, frames=args.frames, **size)
    for done, _ in enumerate(made, 1):
        _count(done, len(numbers), args.kind)
    return OK


def _rooms(args: argparse.Namespace) -> int:
    from nuke_matting.training.rooms.pictures import render_rooms

    numbers = _numbers(args)
    for done, _ in enumerate(render_rooms(args.assets, args.out, numbers), 1):
        _count(done, len(numbers), "rooms")
    return OK


def _portraits(args: argparse.Namespace) -> int:
    from nuke_matting.training.cutting.portraits import cut_portraits

    _kept(cut_portraits(args.portraits, args.out), "portraits")
    return OK


def _footage(args: argparse.Namespace) -> int:
    from nuke_matting.resources import shipped
    from nuke_matting.training.cutting.footage import cut_clips

    done = kept = 0
    for done, kept in cut_clips(
        args.clips, args.heads or shipped("training/cutting/footage_heads.csv"), args.out, args.every
    ):
        _count(done, 0, f"pictures, {kept} mattes")
    return _end_of_cutting(kept, args.clips, "check the heads, or give more clips")


def _walks(args: argparse.Namespace) -> int:
    from nuke_matting.resources import shipped
    from nuke_matting.training.cutting.walks import cut_walks

    cutting = cut_walks(args.clips, args.walks or shipped("training/cutting/footage_walks.csv"), args.out)
    return _end_of_cutting(_kept(cutting, "pictures"), args.clips, "check the table of walks")


def _photographs(args: argparse.Namespace) -> int:
    from nuke_matting.resources import shipped
    from nuke_matting.training.cutting.outlines import cut_photographs

    outlines = args.outlines or shipped("training/cutting/photograph_outlines.csv")
    cutting = cut_photographs(args.photographs, outlines, args.out)
    return _end_of_cutting(_kept(cutting, "photographs"), args.photographs, "check the outlines")


def _behind(args: argparse.Namespace) -> int:
    from nuke_matting.training.cutting.behind import cut_behind

    for done, count in cut_behind(args.photographs, args.mattes):
        _count(done, count, "photographs")
    return OK


def _kept(cutting: Iterator[tuple[int, int, int]], what: str) -> int:
    """How many mattes are there after a cutting, which tells of each picture done, of how many, and how many mattes."""
    kept = 0
    for done, count, kept in cutting:
        _count(done, count, f"{what}, {kept} mattes")
    return kept


def _end_of_cutting(kept: int, path: Path, advice: str) -> int:
    """The exit status. Raises MattingError: nobody was cut out."""
    if not kept:
        raise MattingError("no matte was cut", path=path, advice=advice)
    return OK


def _count(done: int, count: int, what: str) -> None:
    """A line now and then, on stderr."""
    if done % 50 == 0 or done == count:
        print(f"{done}{f' of {count}' if count else ''} {what}", file=sys.stderr, flush=True)
