"""Command-line options made from `settings.py`, and settings made from them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nuke_matting.errors import UsageError
from nuke_matting.homes import expanded
from nuke_matting.settings import Option, Settings, flag, options


def add_settings(group: argparse._ArgumentGroup | argparse.ArgumentParser, names: Iterable[str]) -> None:
    """Adds an option for each of the settings named: `--colourspace NAME`, `--fg`, `--no-cache`, ..."""
    known = options()
    for name in names:
        default, option = known[name]
        _add(group, name, default, option)


def settings_of(args: argparse.Namespace) -> Settings:
    """Settings from parsed options; raises UsageError for values that do not fit."""
    given = {name: getattr(args, name) for name in options() if hasattr(args, name)}
    try:
        return Settings(**given)
    except UsageError as error:  # what it says begins with the name of a setting
        raise UsageError(f"--{error.what}", advice=error.advice) from error


def file(text: str) -> Path:
    """The path that an option names: `--out=~/x` reaches us as it is, since shells see no ~ behind a =."""
    try:
        return expanded(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _add(group: Any, name: str, default: Any, option: Option) -> None:
    if default is True:
        group.add_argument(flag(name), dest=name, action="store_false", help=f"do not {option.help}")
    elif default is False:
        group.add_argument(flag(name), dest=name, action="store_true", help=option.help)
    else:
        shown = (
            ""
            if default == "" or "default" in option.help
            else f" (default: {default}{' ' + option.unit if option.unit else ''})"
        )
        american = [flag(name).replace("colour", "color")] if "colour" in name else []  # as Nuke and OCIO spell it
        group.add_argument(
            flag(name),
            *american,
            dest=name,
            default=default,
            type=type(default),
            choices=option.choices or None,
            metavar=option.metavar or ("|".join(option.choices) if option.choices else "N"),
            help=option.help.replace("%", "%%") + shown,
        )
