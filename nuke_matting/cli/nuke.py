"""The verb `nuke`: the node is put where Nuke finds it, and taken away again; and what its buttons need."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from nuke_matting.cli.exits import FAILED, OK
from nuke_matting.cli.nuke_install import add_line, install, read_record, remove, remove_line
from nuke_matting.cli.options import add_settings, file, settings_of
from nuke_matting.cli.sheets import SHOWN, must_be_no_input, must_be_png, sheet_row
from nuke_matting.errors import MattingError, UsageError
from nuke_matting.homes import expanded
from nuke_matting.plate.sequence import find_sequence, parse_frames
from nuke_matting.quality.clips import Colour, read_alpha
from nuke_matting.quality.sheet import contact_sheet, save_sheet

NAME = "NukeMatting"  # of the folder within the user's .nuke

EPILOG = """
Without --dir the node goes to ~/.nuke/NukeMatting, and one marked line in ~/.nuke/init.py puts that on Nuke's path.
With --dir, as for a studio, nothing else is touched: put the folder on NUKE_PATH. Run install again after an upgrade.
"""


def add(verb: argparse.ArgumentParser) -> None:
    """Says what the verb does and takes."""
    verb.description = "Puts the node where Nuke finds it, or takes it away."
    verb.epilog = "docs/nuke.md tells how the node is used."
    actions = verb.add_subparsers(title="actions", metavar="ACTION", required=True)
    put = actions.add_parser(
        "install",
        help="install the node, and record this Python as the worker's",
        description="Installs the node, and records this Python as the one that the worker is started with.",
        epilog=EPILOG,
    )
    put.add_argument(
        "--link", action="store_true", help="link the files, not copy them, so that an upgrade needs no new install"
    )
    put.set_defaults(run=_install)
    away = actions.add_parser(
        "uninstall",
        help="undo install",
        description="Undoes install: removes its files and its line. What others put or changed there stays.",
    )
    away.set_defaults(run=_uninstall)
    sheet = actions.add_parser(
        "sheet",
        help="draw a contact sheet of mattes, as the node's button Open review does",
        description="Draws a contact sheet of some frames: plate, alpha, and the subject over green.",
    )
    sheet.add_argument("plate", metavar="PLATE", help="the plate, as for matte")
    sheet.add_argument("mattes", metavar="MATTES", help="its mattes, named likewise")
    sheet.add_argument("--frames", metavar="1001-1100", help="frames to choose from (default: those of the mattes)")
    sheet.add_argument("--out", type=file, required=True, metavar="FILE.png", help="the picture, a PNG")
    add_settings(sheet, ("ocio", "colourspace"))
    sheet.set_defaults(run=_sheet)
    for action in (put, away):
        action.add_argument("--dir", type=Path, metavar="DIR", help=f"a folder on NUKE_PATH (default: ~/.nuke/{NAME})")


def _install(args: argparse.Namespace) -> int:
    folder = _folder(args)
    install(folder, sys.executable, args.link)
    print(f"the node is in {folder}, {'linked' if args.link else 'copied'}")
    print(f"the worker runs in {sys.executable}")
    if args.dir is None:
        add_line(_init(), f"./{NAME}")
        print(f"{_init()} puts it on Nuke's path; start Nuke again, and find NukeMatting in the toolbar")
    else:
        print(f"put {folder} on NUKE_PATH, start Nuke again, and find NukeMatting in the toolbar")
    return OK


def _uninstall(args: argparse.Namespace) -> int:
    folder = _folder(args)
    line = args.dir is None and remove_line(_init())
    there = read_record(folder) is not None
    for path in remove(folder):
        print(f"{path} was changed since, and is left")
    if line:
        print(f"{_init()} is what it was")
    print(f"the node is gone from {folder}" if there else f"no node is installed in {folder}")
    return OK


def _sheet(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    must_be_png(args.out)
    plate, mattes = find_sequence(args.plate), find_sequence(args.mattes)
    must_be_no_input([args.out], [plate, mattes])
    wanted = mattes.frames if args.frames is None else parse_frames(args.frames)
    there = [frame for frame in wanted if frame in set(mattes.frames) & set(plate.frames)]
    if not there:
        raise UsageError("no frame has both a plate and a matte", path=args.mattes, advice="check --frames")
    count = min(len(there), SHOWN)
    chosen = sorted({there[number * (len(there) - 1) // max(count - 1, 1)] for number in range(count)})
    rows, errors, colour = [], [], Colour(settings.ocio, settings.colourspace)
    for number in chosen:
        try:
            rows.append(sheet_row(f"frame {number}", plate, number, read_alpha(mattes, number), colour))
        except MattingError as error:
            errors.append(error)
    if not rows:
        raise errors[0]
    for each in errors:
        print(f"nuke-matting: {each}", file=sys.stderr)
    save_sheet(args.out, contact_sheet(rows))
    print(args.out)
    return FAILED if errors else OK


def _folder(args: argparse.Namespace) -> Path:
    return _home() / NAME if args.dir is None else Path(os.path.abspath(expanded(str(args.dir))))


def _init() -> Path:
    return _home() / "init.py"


def _home() -> Path:
    return Path.home() / ".nuke"
