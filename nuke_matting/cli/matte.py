"""The verb `matte`: plates in, mattes out."""

from __future__ import annotations

import argparse
import itertools
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from nuke_matting.cli.exits import FAILED, OK, WRONG_USE
from nuke_matting.cli.interruption import Interruption
from nuke_matting.cli.options import add_settings, settings_of
from nuke_matting.cli.report import JsonReport, Logged, QuietReport, Report, TerminalReport
from nuke_matting.engine.delivery import Delivery, refuse_output
from nuke_matting.engine.files import Files
from nuke_matting.engine.pipeline import Failed, foresee, run
from nuke_matting.engine.shot import Shot
from nuke_matting.errors import MattingError, UsageError
from nuke_matting.homes import expanded
from nuke_matting.plate.sequence import ImageSequence, expand_pattern, parse_frames

_MOST_GAPS = 8  # that are named
_STOPPING = "nuke-matting: stopping after the frame under way; once more in two seconds to stop at once"

EXAMPLES = """
examples:
  nuke-matting matte plate.%04d.exr                        alphas of all frames, into matte/
  nuke-matting matte plate.####.exr --frames 1001-1100x2   every other frame
  nuke-matting matte plates/sh010 --mode merge --layer matte.A --out out/sh010.####.exr
                                                           copies of the plate with a layer "matte"
  nuke-matting matte plate.%04d.exr --clean-plate clean.exr --fg
                                                           with a clean plate, and the foreground's colour
  nuke-matting matte plate.%04d.exr --keys painted.%04d.exr
                                                           again, with mattes that were corrected on a few frames

Run the same command again to go on where it stopped: frames that are there and up to date are left alone. With
--dry-run it says beforehand which those are.
"""


def add(verb: argparse.ArgumentParser) -> None:
    """Says what the verb does and takes."""
    verb.description = "Mattes a plate: reads its frames, writes an alpha for each."
    verb.epilog = EXAMPLES
    verb.formatter_class = argparse.RawDescriptionHelpFormatter
    verb.add_argument(
        "plate",
        metavar="PLATE",
        help="dir/plate.%%04d.exr, plate.####.exr, plate.@@@@.exr, a folder with one sequence, or one file",
    )
    frames = verb.add_argument_group("frames and files")
    frames.add_argument(
        "--frames",
        metavar="1001-1100x2",
        help="frames to matte (default: all there are); lists by comma, or by space in quotes",
    )
    frames.add_argument(
        "--out",
        metavar="PATTERN",
        help="where the mattes go (default: matte/NAME_matte.####.exr in the current folder, of merged "
        "files merged/NAME_merged.####.exr)",
    )
    add_settings(frames, ("mode", "layer", "fg", "premult"))
    frames.add_argument(
        "--overwrite", action="store_true", help="write every frame again, even over files this tool did not write"
    )
    frames.add_argument(
        "--dry-run",
        action="store_true",
        help="say what a run would do, frame by frame, and touch nothing; exit codes as of the run",
    )
    add_settings(
        verb.add_argument_group("help for the network"),
        ("clean_plate", "clean_match", "clean_align", "guide", "guide_use", "keys", "key_frames", "exposure"),
    )
    add_settings(verb.add_argument_group("edges"), ("edge_shift", "edge_soften", "black_point", "white_point"))
    add_settings(
        verb.add_argument_group("network"), ("model", "device", "precision", "regions", "region_batch", "jobs")
    )
    add_settings(verb.add_argument_group("colour"), ("ocio", "colourspace", "clean_colourspace"))
    add_settings(verb.add_argument_group("cache"), ("cache_dir", "cache", "cache_size"))
    output = verb.add_argument_group("what is printed")
    output.add_argument(
        "--json",
        action="store_true",
        help="one JSON object a line on stdout: start, frame, warning, error, done, interrupted",
    )
    output.add_argument("--quiet", action="store_true", help="errors only")
    verb.set_defaults(run=run_matte)


def run_matte(args: argparse.Namespace) -> int:
    """Mattes as the options say; returns the exit code."""
    dry = args.dry_run
    report: Report = JsonReport(dry) if args.json else QuietReport() if args.quiet else TerminalReport(dry)
    try:
        with Logged(report):
            return _run(args, report)
    except MattingError as error:
        report.refused(error)
        return WRONG_USE


def _run(args: argparse.Namespace, report: Report) -> int:
    try:
        delivery, frames = _opened(args, report)
    except KeyboardInterrupt:
        report.interrupted(0, 0)
        raise
    done = failed = 0
    began = time.monotonic()
    try:
        with Interruption(_STOPPING) as interruption:
            steps = foresee if args.dry_run else run
            for result in steps(delivery.shot, frames, delivery, report.warning, interruption.heard):
                if isinstance(result, Failed):
                    failed += 1
                else:
                    done += 1
                report.frame(result, delivery.path(result.frame))
        if interruption.heard() and done + failed < len(frames):
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        report.interrupted(done, failed)
        raise
    finally:
        report.close()
    report.done(done, failed, time.monotonic() - began, delivery.out)
    return FAILED if failed else OK


def _opened(args: argparse.Namespace, report: Report) -> tuple[Delivery, Sequence[int]]:
    """What is to be done, and which frames; reported."""
    settings = settings_of(args)
    wanted = None if args.frames is None else parse_frames(args.frames)
    files = Files(args.plate, settings, remembers=not args.dry_run)
    plate = files.plate
    frames = wanted if wanted is not None else plate.frames
    plate.refuse_strangers(frames)
    out = str(expanded(args.out)) if args.out else default_out(plate, settings.mode)
    refuse_output(out, frames, files.inputs(frames))
    names = (args.plate, settings.clean_plate, settings.guide, settings.keys)
    found = (plate, files.clean, files.guide, files.keys)
    _refuse_mixed_folder(out, {name: each for name, each in zip(names, found, strict=True) if each is not None})
    report.plate(plate, frames)  # a model takes its time to open
    shot = Shot(files, settings)
    delivery = Delivery(shot, out, frames, args.overwrite, dry=args.dry_run)
    files.refuse_misfits(frames)
    delivery.try_folders(frames)
    report.start(shot, frames, out)
    if wanted is None and (gaps := gaps_of(frames)):
        report.warning(gaps)
    count, how = delivery.written_over(frames)
    if count:
        what = "1 file that was" if count == 1 else f"{count} files that were"
        report.warning(f"{what} made with other settings ({how}) will be written over; give another --out to keep such")
    return delivery, frames


def gaps_of(frames: Sequence[int]) -> str:
    """What is said of frames that are missing between the first and the last of a plate; empty where none is."""
    first, last = frames[0], frames[-1]
    count = last - first + 1 - len(frames)
    if not count:
        return ""
    runs = [
        f"{before + 1}-{after - 1}" if after > before + 2 else f"{before + 1}"
        for before, after in itertools.pairwise(frames)
        if after > before + 1
    ]
    shown = ", ".join(runs[:_MOST_GAPS]) + (", ..." if len(runs) > _MOST_GAPS else "")
    lacking = f"frame {shown} is missing" if count == 1 else f"{count} frames are missing: {shown}"
    return f"the plate has gaps, {lacking}; --frames {first}-{last} counts what is missing as failed"


def _refuse_mixed_folder(out: str, inputs: Mapping[str, ImageSequence]) -> None:
    """Raises UsageError for mattes that would lie in a folder whose one sequence is an input: the next run would find
    two there, and could not tell which is meant.

    inputs : by the names that the user gave.
    """
    folder = os.path.realpath(os.path.dirname(out))
    for name, found in inputs.items():
        if os.path.realpath(os.path.expanduser(name)) == folder:
            raise UsageError(
                "the mattes would lie in a folder that is named for the one sequence in it",
                path=out,
                advice=f"name that as {found.pattern}, or give another --out",
            )


def default_out(plate: ImageSequence, mode: str) -> str:
    """In the current folder, named and padded as the plate: plate.%04d.exr -> matte/plate_matte.####.exr; of the mode
    `merge` merged/plate_merged.####.exr, so that neither takes the other's place.

    Of its name only a frame number goes, or the place for one: those of shots and versions tell mattes apart.
    """
    path = Path(plate.pattern)
    found = re.search(r"(#+|@+|%0?\d*d|(?<=[._])-?\d+)$", path.stem)
    base = path.stem[: found.start()] if found else path.stem
    base = base.rstrip("._- ") or path.parent.name or "plate"
    width = len(expand_pattern(found[0], 0).name) if found else 4
    kind = "merged" if mode == "merge" else "matte"
    return os.path.join(kind, f"{base}_{kind}.{'#' * width}.exr")
