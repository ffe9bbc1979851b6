"""An action of `train`: its place on the command line, and what is said where its extra packages are missing."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nuke_matting.errors import OutputError, UsageError

EXTRAS = ("cv2", "moderngl", "numba", "pymatting", "yaml")  # modules that only training needs


def add_action(
    actions: argparse._SubParsersAction,
    name: str,
    run: Callable[[argparse.Namespace], int],
    text: str,
    epilog: str = "",
) -> argparse.ArgumentParser:
    """Adds one. run : what it does; returns the exit status. text : its line of help."""
    action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=epilog)

    def guarded(args: argparse.Namespace) -> int:
        with _told():
            return run(args)

    action.set_defaults(run=guarded)
    return action


@contextmanager
def _told() -> Iterator[None]:
    """Says in one line that a package is missing, or that a file cannot be written; warnings too, as of a picture that
    cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _in_one_line
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


def _in_one_line(message: Warning | str, *_where: object, **_more: object) -> None:
    print(f"warning: {message}", file=sys.stderr, flush=True)
