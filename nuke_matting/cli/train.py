"""The verb `train`: networks trained from rendered people, cut portraits and users' own sets.

The work is done in `training`, whose extra packages are imported only when an action runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nuke_matting.cli.train_sources import SOURCES, add_sources, checked_sources, whole
from nuke_matting.errors import MattingError, OutputError, UsageError
from nuke_matting.training.stages import shipped_recipes

if TYPE_CHECKING:
    from nuke_matting.training.stages import Recipe

EXTRAS = ("cv2", "moderngl", "numba", "pymatting", "yaml")  # modules that only training needs

EXAMPLES = """
examples:
  nuke-matting train people stills --assets assets --out data/people --count 1000
  nuke-matting train preview two_stage --stage small --people data/people --backgrounds photographs --out sheet.png
  nuke-matting train run two_stage --stage small --people data/people --backgrounds photographs --out runs/small
  torchrun --nproc-per-node 4 -m nuke_matting train run ...
                                                   the same on four GPUs

docs/training.md tells how the weights that ship are made.
"""


def add(verbs: argparse._SubParsersAction) -> None:
    """Adds the verb to the application."""
    verb = verbs.add_parser(
        "train",
        help="train networks, and make what they are trained on",
        description="Trains networks, and makes what they are trained on.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = verb.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_run(actions)
    _add_join(actions)
    _add_preview(actions)
    _add_people(actions)
    _add_rooms(actions)
    _add_portraits(actions)
    _add_footage(actions)
    _add_walks(actions)
    _add_photographs(actions)
    _add_behind(actions)


def _add_run(actions: argparse._SubParsersAction) -> None:
    action = _action(actions, "run", _run, "train a stage of a recipe, or go on with it", SOURCES)
    _add_recipe(action)
    add_sources(action)
    action.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="for last.pt, weights.safetensors, log.csv and pictures"
    )
    action.add_argument(
        "--start-from",
        action="append",
        default=[],
        metavar="FILE[:SHARE]",
        help="last.pt of an earlier stage, or a weight file; given again and again, their mean, by their shares",
    )
    action.add_argument(
        "--after",
        type=Path,
        metavar="FILE",
        help="weight file of the network that comes before; what it finds is the guide where there is no other help",
    )
    length = action.add_mutually_exclusive_group()
    length.add_argument("--steps", type=whole(0), metavar="N", help="in place of the stage's own; 0 for its start")
    length.add_argument(
        "--minutes", type=whole(1), metavar="M", help="as many steps as there is time for; the rate falls to the end"
    )
    action.add_argument("--workers", type=whole(0), default=1, metavar="N", help="processes that draw samples")
    action.add_argument("--licence", default="", metavar="TEXT", help="of the weights, to be said in their file")


def _add_join(actions: argparse._SubParsersAction) -> None:
    action = _action(
        actions,
        "join",
        _join,
        "put trained networks of two_stage into one weight file",
        "The second serves frames with a clean plate or a guide, the third looks again at those without; "
        "docs/training.md tells how they are trained.",
    )
    action.add_argument("plain", type=Path, metavar="PLAIN.safetensors", help="for frames without help")
    action.add_argument("aided", type=Path, metavar="AIDED.safetensors", help="for those with a clean plate or a guide")
    action.add_argument(
        "--again", type=Path, metavar="AGAIN.safetensors", help="to look again at what the first has found without help"
    )
    action.add_argument("--regions", type=Path, metavar="FILE.safetensors", help="whose networks' regions to take")
    action.add_argument("--out", type=Path, required=True, metavar="FILE.safetensors", help="all of them")
    action.add_argument("--licence", default="", metavar="TEXT", help="of all, where they state different ones")


def _add_preview(actions: argparse._SubParsersAction) -> None:
    action = _action(actions, "preview", _preview, "draw a contact sheet of samples as the network sees them", SOURCES)
    _add_recipe(action)
    add_sources(action)
    action.add_argument("--out", type=Path, required=True, metavar="FILE.png", help="the sheet")
    action.add_argument("--count", type=whole(1), default=12, metavar="N", help="samples (default: 12)")
    action.add_argument("--width", type=whole(16), default=256, metavar="PIXELS", help="of a picture (default: 256)")


def _add_people(actions: argparse._SubParsersAction) -> None:
    action = _action(
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
    action.add_argument("--first", type=whole(0), default=0, metavar="N", help="number of the first (default: 0)")
    action.add_argument("--count", type=whole(1), default=100, metavar="N", help="how many numbers (default: 100)")
    action.add_argument(
        "--step", type=whole(1), default=1, metavar="N", help="make every N-th, to share the work among processes"
    )
    action.add_argument(
        "--size", type=whole(16), metavar="PIXELS", help="of a side (default: 320 of stills, 256 of clips)"
    )
    action.add_argument("--frames", type=whole(2), default=6, metavar="N", help="in a clip (default: 6)")


def _add_rooms(actions: argparse._SubParsersAction) -> None:
    action = _action(
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
    action.add_argument("--first", type=whole(0), default=0, metavar="N", help="number of the first (default: 0)")
    action.add_argument("--count", type=whole(1), default=100, metavar="N", help="how many numbers (default: 100)")
    action.add_argument(
        "--step", type=whole(1), default=1, metavar="N", help="make every N-th, to share the work among processes"
    )


def _add_portraits(actions: argparse._SubParsersAction) -> None:
    action = _action(actions, "portraits", _portraits, "cut mattes from studio portraits before a plain backdrop")
    action.add_argument("--portraits", type=Path, required=True, metavar="DIR", help="greyscale portraits, .jpg")
    _add_pairs(action)


def _add_footage(actions: argparse._SubParsersAction) -> None:
    action = _action(actions, "footage", _footage, "cut mattes of people from clips of one camera that stands still")
    action.add_argument("--clips", type=Path, required=True, metavar="DIR", help="folder with the clips")
    action.add_argument(
        "--heads",
        type=Path,
        metavar="FILE.csv",
        help="where the heads are: clip, person, x, y, size, cut (default: of the clips that the weights know)",
    )
    _add_pairs(action)
    action.add_argument("--every", type=whole(1), default=8, metavar="N", help="cut every N-th frame (default: 8)")


def _add_walks(actions: argparse._SubParsersAction) -> None:
    action = _action(
        actions, "walks", _walks, "cut mattes of people who walk through a still shot that is empty at times"
    )
    action.add_argument("--clips", type=Path, required=True, metavar="DIR", help="folder with the clips")
    action.add_argument(
        "--walks",
        type=Path,
        metavar="FILE.csv",
        help="which frames: clip, frame, first, last; the last two of frames without anybody, at best just before or "
        "after; all count from 0 (default: of the clip that the weights know)",
    )
    _add_pairs(action)


def _add_photographs(actions: argparse._SubParsersAction) -> None:
    action = _action(actions, "photographs", _photographs, "cut people out of photographs along outlines")
    action.add_argument("--photographs", type=Path, required=True, metavar="DIR", help="folder with the photographs")
    action.add_argument(
        "--outlines",
        type=Path,
        metavar="FILE.csv",
        help="photograph, outline: x y x y ... in thousandths (default: of the photographs that the weights know)",
    )
    _add_pairs(action)


def _add_behind(actions: argparse._SubParsersAction) -> None:
    action = _action(
        actions,
        "behind",
        _behind,
        "find what is behind people in photographs",
        "It is written beside each matte, as NAME_behind.png. Samples then show some of them as they were photographed,"
        " and --backgrounds takes the folder too.",
    )
    action.add_argument(
        "--photographs", type=Path, required=True, metavar="DIR", help="folder with NAME.jpg or NAME_image.jpg"
    )
    action.add_argument("--mattes", type=Path, required=True, metavar="DIR", help="folder with NAME_alpha.png of them")


def _add_pairs(action: argparse.ArgumentParser) -> None:
    """Where an action writes subjects."""
    action.add_argument("--out", type=Path, required=True, metavar="DIR", help="for NAME_fg.png and NAME_alpha.png")


def _action(
    actions: argparse._SubParsersAction,
    name: str,
    run: Callable[[argparse.Namespace], int],
    text: str,
    epilog: str = "",
) -> argparse.ArgumentParser:
    action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=epilog)

    def guarded(args: argparse.Namespace) -> int:
        with _told():
            return run(args)

    action.set_defaults(run=guarded)
    return action


def _add_recipe(action: argparse.ArgumentParser) -> None:
    names = ", ".join(shipped_recipes())
    action.add_argument("recipe", metavar="RECIPE", help=f"{names}, or a YAML file")
    action.add_argument("--stage", required=True, metavar="NAME", help="stage of the recipe")


@contextmanager
def _told() -> Iterator[None]:
    """Says in one line that a package is missing, or that a file cannot be written."""
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in EXTRAS:
            raise
        raise UsageError(
            f"training needs a package that is not installed ({name})", advice='pip install "nuke-matting[train]"'
        ) from error
    except OSError as error:
        if error.filename is None:
            raise
        raise OutputError(error.strerror or str(error), path=error.filename, advice="check the folder") from error


def _recipe(args: argparse.Namespace) -> Recipe:
    """The recipe, which has the stage that was asked for. Raises UsageError."""
    from nuke_matting.training.recipe import load_recipe

    recipe = load_recipe(args.recipe)
    if args.stage not in recipe.stages:
        raise UsageError(
            f"the recipe {args.recipe} has no stage {args.stage}", advice=f"one of {', '.join(recipe.stages)}"
        )
    return recipe


def _run(args: argparse.Namespace) -> int:
    from nuke_matting.cli.train_run import run_training
    from nuke_matting.training.starts import parse_start
    from nuke_matting.training.train import Job

    recipe = _recipe(args)
    starts, sources = tuple(map(parse_start, args.start_from)), checked_sources(args, recipe)
    job = Job(recipe, args.stage, sources, args.out, starts, args.seed, args.licence, args.after, args.minutes)
    return run_training(job if args.steps is None else job.of_steps(args.steps), args.workers)


def _join(args: argparse.Namespace) -> int:
    from nuke_matting.training.join import join

    join(args.plain, args.aided, args.out, args.licence, args.again, args.regions)
    print(args.out)
    return 0


def _preview(args: argparse.Namespace) -> int:
    from nuke_matting.quality.sheet import save_sheet
    from nuke_matting.training.preview import sample_sheet

    recipe = _recipe(args)
    sheet = sample_sheet(checked_sources(args, recipe), recipe.stages[args.stage], args.seed, args.count, args.width)
    save_sheet(args.out, sheet)
    print(args.out)
    return 0


def _people(args: argparse.Namespace) -> int:
    numbers = range(args.first, args.first + args.count, args.step)
    size = {} if args.size is None else {"size": args.size}
    if args.kind == "stills":
        from nuke_matting.training.people.stills import render_stills

        made = render_stills(args.assets, args.out, numbers, **size)
    else:
        from nuke_matting.training.people.clips import render_clips

        made = render_clips(args.assets, args.out, numbers, frames=args.frames, **size)
    for done, _ in enumerate(made, 1):
        _count(done, len(numbers), args.kind)
    return 0


def _rooms(args: argparse.Namespace) -> int:
    from nuke_matting.training.rooms.pictures import render_rooms

    numbers = range(args.first, args.first + args.count, args.step)
    for done, _ in enumerate(render_rooms(args.assets, args.out, numbers), 1):
        _count(done, len(numbers), "rooms")
    return 0


def _portraits(args: argparse.Namespace) -> int:
    from nuke_matting.training.portraits import cut_portraits

    _kept(cut_portraits(args.portraits, args.out), "portraits")
    return 0


def _footage(args: argparse.Namespace) -> int:
    from nuke_matting.resources import shipped
    from nuke_matting.training.footage import cut_clips

    done = kept = 0
    for done, kept in cut_clips(args.clips, args.heads or shipped("training/footage_heads.csv"), args.out, args.every):
        _count(done, 0, f"pictures, {kept} mattes")
    return _end_of_cutting(kept, args.clips, "check the heads, or give more clips")


def _walks(args: argparse.Namespace) -> int:
    from nuke_matting.resources import shipped
    from nuke_matting.training.walks import cut_walks

    cutting = cut_walks(args.clips, args.walks or shipped("training/footage_walks.csv"), args.out)
    return _end_of_cutting(_kept(cutting, "pictures"), args.clips, "check the table of walks")


def _photographs(args: argparse.Namespace) -> int:
    from nuke_matting.resources import shipped
    from nuke_matting.training.outlines import cut_photographs

    outlines = args.outlines or shipped("training/photograph_outlines.csv")
    cutting = cut_photographs(args.photographs, outlines, args.out)
    return _end_of_cutting(_kept(cutting, "photographs"), args.photographs, "check the outlines")


def _behind(args: argparse.Namespace) -> int:
    from nuke_matting.training.behind import cut_behind

    for done, count in cut_behind(args.photographs, args.mattes):
        _count(done, count, "photographs")
    return 0


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
    return 0


def _count(done: int, count: int, what: str) -> None:
    """A line now and then, on stderr."""
    if done % 50 == 0 or done == count:
        print(f"{done}{f' of {count}' if count else ''} {what}", file=sys.stderr, flush=True)
