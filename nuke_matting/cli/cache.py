"""The verb `cache`: how much is kept, and room made."""

from __future__ import annotations

import argparse
import json
import sys

from nuke_matting.cli.exits import FAILED, OK
from nuke_matting.cli.options import add_settings, settings_of
from nuke_matting.cli.report import counted
from nuke_matting.engine.cache import Cache, open_cache
from nuke_matting.engine.ledger import Ledger
from nuke_matting.errors import UsageError


def add(verb: argparse.ArgumentParser) -> None:
    """Says what the verb does and takes."""
    verb.description = "Looks at and tidies the cache of mattes."
    verb.epilog = (
        "Files in its folder that are not of the cache are never removed, nor is a matte that a run is busy "
        "with. Exit codes: 0 done, 1 info found something wrong, 2 wrong use, or a folder that cannot be used."
    )
    actions = verb.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, run, text in (
        ("info", _info, "where it is, what it holds, what is wrong with it"),
        ("clear", _clear, "remove every matte"),
        (
            "prune",
            _prune,
            "remove the least recently used mattes until it is within --cache-size, and what killed runs left",
        ),
    ):
        action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        add_settings(action, ("cache_dir",) if name == "clear" else ("cache_dir", "cache_size"))
        if name == "clear":
            action.add_argument("--yes", action="store_true", help="do not ask; needed where nobody can be asked")
        action.add_argument("--json", action="store_true", help="as a JSON object")
        action.set_defaults(run=run)


def _open(args: argparse.Namespace) -> Cache:
    """The cache; a folder that was named and is not there is a slip of the pen, the usual one may not be there yet."""
    settings = settings_of(args)
    cache = open_cache(settings)
    if settings.cache_dir and not cache.folder.exists():
        raise UsageError("there is no such folder", path=cache.folder, advice="check --cache-dir")
    return cache


def _info(args: argparse.Namespace) -> int:
    cache = _open(args)
    info, foreign = cache.info(), cache.foreign()
    if args.json:
        about = {"folder": cache.folder, "limit": cache.max_bytes, **vars(info), "foreign": foreign}
        print(json.dumps(about, default=str))
    else:
        print(f"folder    {cache.folder}{'' if cache.folder.exists() else ' (not there yet)'}")
        print(f"mattes    {info.entries}")
        print(f"size      {info.bytes / 1e9:.3f} GB, limit {cache.max_bytes / 1e9:g} GB")
        if info.oldest is not None and info.newest is not None:
            print(f"last used {info.oldest:%Y-%m-%d %H:%M} to {info.newest:%Y-%m-%d %H:%M}")
        if info.problems:
            print(f"damaged   {info.problems}, set aside and computed anew; nuke-matting cache prune removes them")
        if foreign:
            print(f"foreign   {len(foreign)} not of the cache, left alone: {foreign[0]}{', ...' * (len(foreign) > 1)}")
    return FAILED if info.problems or foreign else OK


def _clear(args: argparse.Namespace) -> int:
    cache = _open(args)
    held = counted(cache.info().entries, "matte")
    if not args.yes and not sys.stdin.isatty():
        raise UsageError(
            f"it holds {held}, maybe of others too", path=cache.folder, advice="give --yes to have them removed"
        )
    if not args.yes and not _agreed(f"{cache.folder} holds {held}, maybe of others too. Remove them? [y/N] "):
        return _told(args, cache, 0)
    return _told(args, cache, cache.clear())


def _agreed(question: str) -> bool:
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _prune(args: argparse.Namespace) -> int:
    cache = _open(args)
    Ledger(cache.folder).prune()
    return _told(args, cache, cache.prune(cache.max_bytes))


def _told(args: argparse.Namespace, cache: Cache, removed: int) -> int:
    print(json.dumps({"removed": removed}) if args.json else f"{counted(removed, 'matte')} removed from {cache.folder}")
    return OK
