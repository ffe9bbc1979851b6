"""The verb `cache`: how much is kept, and room made."""

from __future__ import annotations

import argparse
import json

from nuke_matting.cli.options import add_settings, settings_of
from nuke_matting.engine.cache import Cache
from nuke_matting.engine.shot import cache_folder


def add(verbs: argparse._SubParsersAction) -> None:
    """Adds the verb to the application."""
    verb = verbs.add_parser(
        "cache", help="look at and tidy the cache of mattes", description="Looks at and tidies the cache of mattes."
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
        add_settings(action, ("cache_dir", "cache_size"))
        action.add_argument("--json", action="store_true", help="as a JSON object")
        action.set_defaults(run=run)


def _open(args: argparse.Namespace) -> Cache:
    settings = settings_of(args)
    return Cache(cache_folder(settings), int(settings.cache_size * 1e9))


def _info(args: argparse.Namespace) -> int:
    cache = _open(args)
    info = cache.info()
    about = {"folder": str(cache.folder), "limit": cache.max_bytes, **vars(info)}
    if args.json:
        print(json.dumps(about, default=str))
    else:
        for name, value in about.items():
            print(f"{name:<10}{f'{value / 1e9:.3f} GB' if name in {'bytes', 'limit'} else value}")
    return 1 if info.problems else 0


def _clear(args: argparse.Namespace) -> int:
    return _told(args, _open(args).clear())


def _prune(args: argparse.Namespace) -> int:
    cache = _open(args)
    return _told(args, cache.prune(cache.max_bytes))


def _told(args: argparse.Namespace, removed: int) -> int:
    print(json.dumps({"removed": removed}) if args.json else f"{removed} mattes removed")
    return 0
