"""The verb `export`: a model as a file for another program; so far for Nuke's Inference node."""

from __future__ import annotations

import argparse
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nuke_matting.atomic import write_whole
from nuke_matting.cli.exits import OK
from nuke_matting.cli.options import add_settings, file, settings_of
from nuke_matting.colour.processor import open_colour
from nuke_matting.errors import OutputError, UsageError
from nuke_matting.export.catfile import cat_script
from nuke_matting.export.inference import Inputs, build, torchscript
from nuke_matting.models.registry import find_weights
from nuke_matting.models.weights import load_weights


def add(verb: argparse.ArgumentParser) -> None:
    """Says what the verb does and takes."""
    verb.description = "Writes a TorchScript file for Nuke's Inference node, and the .nk that makes its .cat in NukeX."
    verb.epilog = "docs/export.md tells how the .cat is made, and what NukeMattingLive can and cannot do."
    verb.add_argument("--target", choices=("inference",), required=True, help="the program that it is for")
    verb.add_argument(
        "--out",
        type=file,
        default=Path("nuke_matting_live.pt"),
        metavar="FILE.pt",
        help="default: nuke_matting_live.pt; the .nk is written beside it",
    )
    verb.add_argument("--overwrite", action="store_true", help="also over files that are there")
    verb.add_argument("--with-clean-plate", action="store_true", help="it takes a clean plate that stands still")
    verb.add_argument("--with-guide", action="store_true", help="it takes a rough matte as an alpha")
    verb.add_argument(
        "--working-space",
        default="",
        metavar="NAME",
        help="scene-linear colour space that the Nuke script works in, e.g. ACEScg; default: linear Rec.709",
    )
    add_settings(verb, ("model", "regions", "ocio"))
    verb.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    settings, out = settings_of(args), args.out
    if out.suffix != ".pt" or not out.stem.isascii() or not out.stem.replace("_", "a").isalnum():
        raise UsageError("is no name for a model", path=out, advice="use letters, digits and _, and end it in .pt")
    script = out.with_suffix(".nk")
    for path in (out, script):  # a comp script may well have the shot's name
        if path.exists() and not args.overwrite:
            raise UsageError("is there already", path=path, advice="give another --out, or use --overwrite")
    inputs = Inputs(args.with_clean_plate, args.with_guide)
    matrix = rec709_from(args.working_space, settings.ocio) if args.working_space else np.eye(3)
    module = build(load_weights(find_weights(settings.model)), inputs, settings.regions, matrix)
    _write_both(out, torchscript(module), script, cat_script(out.stem, inputs, settings.regions).encode())
    typed = f'"{script}"' if " " in str(script) else script
    print(f"model   {out}")
    print(f"script  {script}")
    print(f"now run nuke --nukex -x {typed}, or open it in NukeX and press its button:")
    print(f"it makes {out.with_suffix('.cat')}, the file that NukeMattingLive asks for")
    return OK


def _write_both(out: Path, model: bytes, script: Path, text: bytes) -> None:
    """Writes the model and the script that is for it. Wherever that ends, no model lies beside a script of another,
    which may have other channels; and no new one without a script. Where the model cannot be written, both stay as they
    were. Raises OutputError."""
    is_new = not out.exists()

    def before(_: os.stat_result) -> None:
        with suppress(OSError):  # writing it says what is wrong
            script.unlink()

    write_whole(out, model, before=before)
    try:
        write_whole(script, text)
    except OutputError:
        if is_new:
            out.unlink(missing_ok=True)
        raise


def rec709_from(space: str, ocio: str) -> NDArray[np.float64]:
    """The 3x3 matrix from a scene-linear space to linear Rec.709. Raises ColourError, UsageError where it is none."""
    pipe = open_colour(ocio, space)
    if not pipe.is_linear:
        raise UsageError(f"working-space: {space} is not scene-linear", advice="name the script's working space")
    return pipe.to_linear_rec709(np.eye(3)[None])[0].T.astype(np.float64)
