"""The verb `eval`: how far mattes are from their truths."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

from nuke_matting.atomic import write_whole
from nuke_matting.cli.eval_report import EvalReport, EvalResults, JsonEvalReport, TerminalEvalReport
from nuke_matting.cli.exits import FAILED, OK, WRONG_USE
from nuke_matting.cli.options import add_settings, file, settings_of
from nuke_matting.cli.sheets import SHOWN, must_be_no_input, must_be_png, sheet_row
from nuke_matting.colour.config import load_config
from nuke_matting.colour.processor import open_colour
from nuke_matting.errors import MattingError, OutputError, UsageError
from nuke_matting.plate.sequence import IMAGES, ImageSequence, format_frames, parse_frames
from nuke_matting.quality.clips import Clip, Colour, find_clips, match_clips, measure, read_sample
from nuke_matting.quality.figures import TITLES, Figures
from nuke_matting.quality.sheet import Row, contact_sheet, save_sheet
from nuke_matting.quality.table import MEAN, as_csv

EXAMPLES = """
ALPHA and TRUTH are both a sequence as in `matte`, or both a set of clips that are matched by name: a folder of folders
with a sequence in each, a folder of single pictures, or, where each folder holds more, a pattern with a star in quotes.

examples:
  nuke-matting eval matte/plate_matte.%04d.exr truth/alpha.%04d.exr
  nuke-matting eval mattes truths --csv figures.csv        mattes/walk/*.exr with truths/walk/*.exr, and so on
  nuke-matting eval mattes 'clips/*/alpha.####.exr'        mattes/walk/*.exr with clips/walk/alpha.####.exr
  nuke-matting eval mattes truths --sheet worst.png --plate plates
                                                           a picture of the frames that are worst, beside their plates
"""


def add(verb: argparse.ArgumentParser) -> None:
    """Says what the verb does and takes."""
    verb.description = (
        "Measures mattes against true ones: MAD, MSE, Grad, Conn, dtSSD, SAD, soft IoU, and the error by region."
    )
    verb.epilog = EXAMPLES
    verb.formatter_class = argparse.RawDescriptionHelpFormatter
    verb.add_argument("alpha", metavar="ALPHA", help="the mattes")
    verb.add_argument("truth", metavar="TRUTH", help="the true ones")
    verb.add_argument("--frames", metavar="1001-1100", help="frames to measure (default: all that the truth has)")
    colour = verb.add_argument_group("foregrounds and plates")
    colour.add_argument("--foreground", metavar="PATTERN", help="foregrounds, straight, named as ALPHA is")
    colour.add_argument("--true-foreground", metavar="PATTERN", help="the true foregrounds, named as TRUTH is")
    colour.add_argument("--plate", metavar="PLATE", help="for --sheet: the plates, named as ALPHA is")
    add_settings(colour, ("ocio", "colourspace"))
    output = verb.add_argument_group("what is printed")
    output.add_argument(
        "--json", action="store_true", help="one JSON object a line on stdout: frame, clip, warning, error, done"
    )
    output.add_argument(
        "--csv", type=file, metavar="FILE", help="write the figures of every frame, and the means, to a file too"
    )
    output.add_argument(
        "--sheet",
        type=file,
        metavar="FILE.png",
        help=f"draw the worst frames, {SHOWN} at most: of each clip its worst one first",
    )
    verb.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    report: EvalReport = JsonEvalReport() if args.json else TerminalEvalReport()
    try:
        _refuse_names(args)
        colour = _colour(args)
        frames = None if args.frames is None else parse_frames(args.frames)
        clips = _clips(args, report)
    except MattingError as error:
        report.error(error)
        return WRONG_USE
    results = _measure(clips, frames, colour, report)
    results = replace(results, failed=results.failed + _write(args, clips, results, colour, report))
    report.done(results)
    return FAILED if results.failed else OK


def _measure(
    clips: list[Clip | MattingError], frames: tuple[int, ...] | None, colour: Colour, report: EvalReport
) -> EvalResults:
    with_foreground = any(isinstance(clip, Clip) and clip.foreground is not None for clip in clips)
    columns = tuple(name for name in TITLES if name != "fg_mse" or with_foreground)
    rows: dict[str, list[tuple[int, Figures]]] = {}
    failed, began = 0, time.monotonic()
    try:
        for clip in clips:
            if isinstance(clip, MattingError):
                report.error(clip)
                failed += 1
                continue
            wanted = clip.frames if frames is None else frames
            if frames is None and clip.without_truth:
                report.warning(
                    f"{clip.name}: frames {format_frames(clip.without_truth)} have no truth and are left out"
                )
            report.clip(clip, wanted)
            rows[clip.name] = []
            for frame, found in measure(clip, wanted, colour, report.warning):
                if isinstance(found, MattingError):
                    report.error(found, frame)
                    failed += 1
                else:
                    rows[clip.name].append((frame, found))
                    report.frame(clip, frame, found, columns)
    finally:
        report.close()
    return EvalResults(rows, columns, failed, time.monotonic() - began)


def _write(
    args: argparse.Namespace,
    clips: list[Clip | MattingError],
    results: EvalResults,
    colour: Colour,
    report: EvalReport,
) -> int:
    """Writes the files that were asked for; how many things of them failed."""
    failed = 0
    try:
        if args.csv:
            write_whole(args.csv, _csv(results).encode(errors="backslashreplace"))
    except OutputError as error:
        report.error(OutputError(error.what, path=error.path, advice="choose another file with --csv"))
        failed += 1
    try:
        if args.sheet:
            rows, failed_rows = _worst(clips, results, colour, report)
            failed += failed_rows
            if rows:
                save_sheet(args.sheet, contact_sheet(rows))
    except OutputError as error:
        report.error(OutputError(error.what, path=error.path, advice="choose another file with --sheet"))
        failed += 1
    return failed


def _worst(
    clips: list[Clip | MattingError], results: EvalResults, colour: Colour, report: EvalReport
) -> tuple[list[Row], int]:
    """Rows of the worst frames by their MAD, of every clip its worst one, then of every clip the next, as many as
    there is room for; and how many of them cannot be shown."""
    ranked = []
    for clip in clips:
        if isinstance(clip, Clip) and clip.plate is not None:
            frames = sorted(results.clips[clip.name], key=lambda each: -each[1]["mad"])
            ranked += [(rank, found["mad"], clip, clip.plate, frame) for rank, (frame, found) in enumerate(frames)]
    ranked.sort(key=lambda each: (each[0], -each[1]))
    rows: list[Row] = []
    failed = 0
    for _, mad, clip, plate, frame in ranked:
        if len(rows) == SHOWN:
            break
        try:
            sample = read_sample(replace(clip, foreground=None, true_foreground=None), frame)
            label = f"{clip.name}, frame {frame}: MAD {mad:.1f}"
            rows.append(sheet_row(label, plate, frame, sample.alpha, colour, sample.truth))
        except MattingError as error:
            report.error(error, frame)
            failed += 1
    return rows, failed


def _csv(results: EvalResults) -> str:
    rows: list[tuple[str, int | str, Figures]] = []
    for name, frames in results.clips.items():
        rows += [(name, frame, found) for frame, found in frames] + [(name, MEAN, results.means[name])]
    return as_csv([*rows, (MEAN, MEAN, results.mean)], results.columns)


def _refuse_names(args: argparse.Namespace) -> None:
    """Raises UsageError for outputs that would be written over pictures."""
    if args.sheet:
        must_be_png(args.sheet)
    if args.csv and args.csv.suffix.lower() in IMAGES:
        raise UsageError("is no name for figures", path=args.csv, advice="end it in .csv")


def _colour(args: argparse.Namespace) -> Colour:
    """How foregrounds and plates come to linear light; wrong settings are reported here, and not at every frame."""
    if bool(args.foreground) != bool(args.true_foreground):
        raise UsageError("--foreground and --true-foreground go together", advice="give both, or neither")
    if bool(args.sheet) != bool(args.plate):
        raise UsageError("--sheet and --plate go together", advice="give both, or neither")
    settings = settings_of(args)
    if args.foreground or args.plate:
        load_config(settings.ocio)
        if settings.colourspace:
            open_colour(settings.ocio, settings.colourspace)
    return Colour(settings.ocio, settings.colourspace)


def _clips(args: argparse.Namespace, report: EvalReport) -> list[Clip | MattingError]:
    alphas, truths = find_clips(args.alpha), find_clips(args.truth)
    others = (find_clips(args.foreground), find_clips(args.true_foreground)) if args.foreground else None
    plates = find_clips(args.plate) if args.plate else None
    inputs = [each for found in (alphas, truths, *(others or ()), plates or {}) for each in found.values()]
    outputs = [each for each in (args.sheet, args.csv) if each is not None]
    must_be_no_input(outputs, [each for each in inputs if isinstance(each, ImageSequence)])
    clips = match_clips(alphas, truths, others, plates)
    more = sorted(set(alphas) - set(truths))
    if more:
        report.warning(f"{len(more)} clips have no truth and are left out: {', '.join(more[:5])}")
    return clips
