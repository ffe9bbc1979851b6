"""The verb `train`: networks trained from rendered people, cut portraits and users' own sets.

The work is done in `training`, whose extra packages are imported only when an action runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from nuke_matting.cli.exits import OK
from nuke_matting.cli.train_action import add_action
from nuke_matting.cli.train_pictures import add_pictures
from nuke_matting.cli.train_sources import SOURCES, add_sources, checked_sources, whole
from nuke_matting.errors import UsageError
from nuke_matting.training.stages import shipped_recipes

if TYPE_CHECKING:
    from nuke_matting.training.stages import Recipe

EXAMPLES = """
examples:
  nuke-matting train people stills --assets assets --out data/people --count 1000
  nuke-matting train preview two_stage --stage small --people data/people --backgrounds photographs --out sheet.png
  nuke-matting train run two_stage --stage small --people data/people --backgrounds photographs --out runs/small
  torchrun --nproc-per-node 4 -m nuke_matting train run ...
                                                   the same on four GPUs

docs/training.md tells how to train on the same sources as the weights that ship.
"""


def add(verb: argparse.ArgumentParser) -> None:
    """Says what the verb does and takes."""
    verb.description = "Trains networks, and makes what they are trained on."
    verb.epilog = EXAMPLES
    verb.formatter_class = argparse.RawDescriptionHelpFormatter
    actions = verb.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_run(actions)
    _add_join(actions)
    _add_preview(actions)
    add_pictures(actions)


def _add_run(actions: argparse._SubParsersAction) -> None:
    action = add_action(actions, "run", _run, "train a stage of a recipe, or go on with it", SOURCES)
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
        help="last.pt of an earlier stage, or a weight file; may be repeated: their mean, by their shares",
    )
    action.add_argument(
        "--after",
        type=Path,
        metavar="FILE",
        help="weight file of the network that comes before; what it finds is the guide where there is no other help",
    )
    length = action.add_mutually_exclusive_group()
    length.add_argument(
        "--steps",
        type=whole(0),
        metavar="N",
        help="how many, in place of the stage's own; 0 writes what it starts from",
    )
    length.add_argument(
        "--minutes", type=whole(1), metavar="M", help="train for so long; the learning rate falls to the end"
    )
    action.add_argument("--workers", type=whole(0), default=1, metavar="N", help="processes that draw samples")
    action.add_argument(
        "--licence", default="", metavar="TEXT", help="licence of the weights, written into their metadata"
    )


def _add_join(actions: argparse._SubParsersAction) -> None:
    action = add_action(
        actions,
        "join",
        _join,
        "put trained networks of two_stage into one weight file",
        "The second serves frames with a clean plate or a guide, the third looks again at those without; "
        "docs/training.md tells how they are trained.",
    )
    action.add_argument("plain", type=Path, metavar="PLAIN.safetensors", help="for frames without help")
    action.add_argument(
        "aided", type=Path, metavar="AIDED.safetensors", help="for frames with a clean plate or a guide"
    )
    action.add_argument(
        "--again", type=Path, metavar="AGAIN.safetensors", help="third network, to look again at frames without help"
    )
    action.add_argument(
        "--regions", type=Path, metavar="FILE.safetensors", help="weight file to take the region stages from"
    )
    action.add_argument("--out", type=Path, required=True, metavar="FILE.safetensors", help="the weight file to write")
    action.add_argument("--licence", default="", metavar="TEXT", help="licence of the file, needed where theirs differ")


def _add_preview(actions: argparse._SubParsersAction) -> None:
    action = add_action(
        actions, "preview", _preview, "draw a contact sheet of samples as the network sees them", SOURCES
    )
    _add_recipe(action)
    add_sources(action)
    action.add_argument("--out", type=Path, required=True, metavar="FILE.png", help="the sheet")
    action.add_argument("--count", type=whole(1), default=12, metavar="N", help="samples (default: 12)")
    action.add_argument("--width", type=whole(16), default=256, metavar="PIXELS", help="of a picture (default: 256)")


def _add_recipe(action: argparse.ArgumentParser) -> None:
    names = ", ".join(shipped_recipes())
    action.add_argument("recipe", metavar="RECIPE", help=f"{names}, or a YAML file")
    action.add_argument("--stage", required=True, metavar="NAME", help="stage of the recipe")


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
    held: list[str] = []
    starts, sources = tuple(map(parse_start, args.start_from)), checked_sources(args, recipe, held.append)
    job = Job(recipe, args.stage, sources, args.out, starts, args.seed, args.licence, args.after, args.minutes)
    return run_training(job if args.steps is None else job.of_steps(args.steps), args.workers, held)


def _join(args: argparse.Namespace) -> int:
    from nuke_matting.training.join import join

    join(args.plain, args.aided, args.out, args.licence, args.again, args.regions)
    print(args.out)
    return OK


def _preview(args: argparse.Namespace) -> int:
    from nuke_matting.cli.sheets import must_be_png
    from nuke_matting.quality.sheet import save_sheet
    from nuke_matting.training.preview import sample_sheet

    recipe = _recipe(args)
    sources = checked_sources(args, recipe)
    must_be_png(args.out)
    sheet = sample_sheet(sources, recipe.stages[args.stage], args.seed, args.count, args.width)
    save_sheet(args.out, sheet)
    print(args.out)
    return OK
