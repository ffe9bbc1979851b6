"""Command-line options made from `settings.py`, and settings made from them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nuke_matting.settings import Option, Settings, options


def add_settings(group: argparse._ArgumentGroup | argparse.ArgumentParser, names: Iterable[str]) -> None:
    """Adds an option for each of the settings named: `--colourspace NAME`, `--fg`, `--no-cache`, ..."""
    known = options()
    for name in names:
        default, option = known[name]
        _add(group, name, default, option)


def settings_of(args: argparse.Namespace) -> Settings:
    """Settings from parsed options; raises UsageError for values that do not fit."""
    given = {name: getattr(args, name) for name in options() if hasattr(args, name)}
    return Settings(**given)


def file(text: str) -> Path:
    """The path that an option names: `--out=~/x` reaches us as it is, since shells see no ~ behind a =."""
    return Path(os.path.expanduser(text))


def _add(group: Any, name: str, default: Any, option: Option) -> None:
    flag = f"--{name.replace('_', '-')}"
    if default is True:
        group.add_argument(
            f"--no-{name.replace('_', '-')}", dest=name, action="store_false", help=f"do not {option.help}"
        )
    elif default is False:
        group.add_argument(flag, dest=name, action="store_true", help=option.help)
    else:
        shown = (
            ""
            if default == "" or "default" in option.help
            else f" (default: {default}{' ' + option.unit if option.unit else ''})"
        )
        group.add_argument(
            flag,
            dest=name,
            default=default,
            type=type(default),
            choices=option.choices or None,
            metavar=option.metavar or ("|".join(option.choices) if option.choices else "N"),
            help=option.help.replace("%", "%%") + shown,
        )
