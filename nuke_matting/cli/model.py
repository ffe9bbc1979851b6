"""The verb `model`: which models there are, and third-party models added to them."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from nuke_matting.atomic import write_whole
from nuke_matting.cli.exits import FAILED, OK
from nuke_matting.cli.options import file
from nuke_matting.errors import OutputError, UsageError
from nuke_matting.models.about import About, about, cost, names, problem
from nuke_matting.models.adapters.peers import PEERS
from nuke_matting.models.adapters.rvm import WARM_UP
from nuke_matting.models.adapters.trial import try_file
from nuke_matting.models.added import NAME, Record, added_models, models_folder, read_added
from nuke_matting.models.registry import shipped_weights

RISK = "TorchScript files are programs: add none whose origin you do not trust."


def add(verb: argparse.ArgumentParser) -> None:
    """Says what the verb does and takes."""
    verb.description = "Lists models, and adds third-party models, which --model and the node then offer."
    verb.epilog = (
        f"{RISK} Added models are kept in $NUKE_MATTING_MODELS, else in the user's data folder; docs/models.md "
        "tells which files are known. Exit codes: 0 done, 1 verify found something wrong, 2 wrong use, or a file that "
        "cannot be used."
    )
    actions = verb.add_subparsers(title="actions", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="every model there is")
    listing.set_defaults(run=_list)

    show = actions.add_parser("show", help="what a model is, takes and costs")
    show.add_argument("model", metavar="MODEL", help="a name, or the path of a .safetensors file")
    show.set_defaults(run=_show)

    adding = actions.add_parser("add", help="add a file: RVM, BGMv2 or MODNet as published, or weights of ours")
    adding.add_argument(
        "file", metavar="FILE", type=Path, help="TorchScript, ONNX, .safetensors, or BGMv2's .pth; it is copied"
    )
    adding.add_argument("--kind", choices=tuple(PEERS), default="", help="its network (default: by inputs and outputs)")
    adding.add_argument("--name", metavar="NAME", default="", help="what to call it (default: after the file)")
    adding.add_argument("--licence", metavar="TEXT", default="", help="note on its licence, for those who use it")
    adding.add_argument(
        "--warm-up",
        metavar="N",
        type=int,
        default=WARM_UP,
        help=f"frames that a recurrent network sees before the one that is wanted (default: {WARM_UP})",
    )
    adding.add_argument(
        "--timeout", metavar="SECONDS", type=float, default=300.0, help="seconds the trial may take (default: 300)"
    )
    adding.set_defaults(run=_add)

    remove = actions.add_parser("remove", help="remove a model that was added")
    remove.add_argument("model", metavar="NAME")
    remove.set_defaults(run=_remove)

    verify = actions.add_parser("verify", help="check that files are complete and unchanged")
    verify.add_argument("models", metavar="NAME", nargs="*", help="default: all")
    verify.set_defaults(run=_verify)

    export = actions.add_parser("export", help="write a model's file, and a card of what it is, to a folder")
    export.add_argument("model", metavar="MODEL", help="a name, or the path of a .safetensors file")
    export.add_argument("--out", metavar="FOLDER", type=file, default=Path("."), help="default: the current folder")
    export.add_argument("--overwrite", action="store_true", help="also over files that are there")
    export.set_defaults(run=_export)

    for action in actions.choices.values():
        action.add_argument("--json", action="store_true", help="as JSON")


def _list(args: argparse.Namespace) -> int:
    found = [about(name) for name in names()]
    if args.json:
        print(json.dumps([_plain(each) for each in found]))
        return OK
    rows = [("name", "kind", "from", "licence", "file")]
    rows += [(each.name, each.kind, each.origin, each.licence, str(each.path)) for each in found]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]))
    return OK


def _show(args: argparse.Namespace) -> int:
    found, price = about(args.model), cost(args.model)
    if args.json:
        print(json.dumps({**_plain(found), **asdict(price)}))
        return OK
    lines = {
        "name": found.name,
        "kind": found.kind,
        "task": found.task,
        "inputs": ", ".join(found.inputs),
        "licence": found.licence,
        "sha256": found.digest,
        "from": found.origin,
        "format": found.format,
        "file": str(found.path),
        "parameters": f"{price.parameters / 1e6:.2f} M",
        "GMACs": f"{price.gmacs_512:.2f} at 512x512, {price.gmacs_hd:.2f} at HD, {price.gmacs_4k:.2f} at 4K",
    }
    if price.warm_up:
        lines["warm-up"] = f"{price.warm_up} frames, reduced, before each frame"
    for name, value in lines.items():
        print(f"{name:<12}{value}")
    return OK


def _add(args: argparse.Namespace) -> int:
    name = args.name or _name_after(args.file)
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a model", advice="use letters, digits, _ . and -, a letter first")
    if name in shipped_weights():
        raise UsageError(f"{name} is a model that comes with the package", advice="give another --name")
    if not 0 <= args.warm_up <= 1000:
        raise UsageError(f"warm-up: {args.warm_up} is outside 0..1000 frames")
    if not 1 <= args.timeout <= 86400:
        raise UsageError(f"timeout: {args.timeout:g} is outside 1..86400 seconds")
    data, record = try_file(args.file, name, args.kind, args.licence, args.warm_up, args.timeout)
    there = added_models().get(name)
    if there is not None and there.digest != record.digest:
        raise UsageError(
            f"a model {name} is there already", advice=f"give another --name, or: nuke-matting model remove {name}"
        )
    folder = models_folder()
    try:
        write_whole(folder / record.file, data)
        write_whole(folder / f"{name}.json", record.text())  # last: without it there is no such model
    except OutputError as error:
        raise OutputError(
            error.what, path=error.path, advice="name another folder with $NUKE_MATTING_MODELS"
        ) from error
    if args.json:
        print(json.dumps({**_plain(about(name)), **asdict(cost(name))}))
        return OK
    print(f"{name}: {record.kind}, {record.format}, {record.precision}, {record.parameters / 1e6:.2f} M parameters")
    print(f"use it with --model {name}")
    if record.warm_up:
        print(
            f"it is recurrent: each frame is warmed up over {record.warm_up} before it, near to a long run, not equal"
        )
    if not args.licence:
        print("no licence is noted; its authors' holds, and --licence notes it", file=sys.stderr)
    return OK


def _remove(args: argparse.Namespace) -> int:
    if args.model in shipped_weights():
        raise UsageError(f"{args.model} comes with the package", advice="remove what was added")
    path = models_folder() / f"{args.model}.json"
    if not NAME.fullmatch(args.model) or not path.is_file():
        raise UsageError(
            f"no model {args.model!r} was added", advice=f"added are: {', '.join(added_models()) or 'none'}"
        )
    record = added_models().get(args.model)
    try:
        path.unlink()
        with suppress(FileNotFoundError):
            if record is not None:
                (models_folder() / record.file).unlink()
    except OSError as error:
        raise OutputError(
            f"cannot be removed ({error.strerror or error})", path=path, advice="check its rights"
        ) from error
    print(json.dumps({"removed": args.model}) if args.json else f"{args.model} removed")
    return OK


def _verify(args: argparse.Namespace) -> int:
    found = {name: problem(name) for name in args.models or names()}
    if args.json:
        print(json.dumps([{"name": name, "wrong": wrong} for name, wrong in found.items()]))
    else:
        for name, wrong in found.items():
            print(f"{'WRONG' if wrong else 'ok':<6}{wrong or name}")
    return FAILED if any(found.values()) else OK


def _export(args: argparse.Namespace) -> int:
    found = about(args.model)
    record = added_models().get(args.model) if found.origin == "added" else None
    data = read_added(record) if record is not None else found.path.read_bytes()
    stem = record.name if record is not None else found.path.stem
    files = {args.out / f"{stem}{found.path.suffix}": data, args.out / f"{stem}.md": _card(found, record)}
    for path in files:
        if path.exists() and not args.overwrite:
            raise UsageError("is there already", path=path, advice="give another --out, or use --overwrite")
    for path, content in files.items():
        write_whole(path, content)
    print(json.dumps({"files": [str(path) for path in files]}) if args.json else "\n".join(map(str, files)))
    return OK


def _card(found: About, record: Record | None) -> bytes:
    """The card that comes with weights of ours; for others, what is known of them."""
    card = found.path.with_suffix(".md")
    if record is None and card.is_file():
        return card.read_bytes()
    rows = {
        "network": f"{found.kind}: {found.task}",
        "inputs": ", ".join(found.inputs),
        "licence": found.licence,
        "format": found.format,
        "SHA-256": found.digest,
        **({"file when added": record.source, "parameters": str(record.parameters)} if record is not None else {}),
    }
    lines = [f"# {found.name}", "", "| | |", "| --- | --- |", *(f"| {name} | {each} |" for name, each in rows.items())]
    return ("\n".join(lines) + "\n").encode()


def _name_after(file: Path) -> str:
    """`rvm_mobilenetv3_fp32.torchscript` -> rvm_mobilenetv3_fp32; what no name may hold becomes _."""
    name = "".join(each if each.isascii() and (each.isalnum() or each in "_.-") else "_" for each in file.stem)
    return name if name[:1].isalpha() else f"model_{name}"


def _plain(found: About) -> dict[str, object]:
    return {**asdict(found), "path": str(found.path)}
