"""The application: finds the verb, runs it, turns its errors into one line and an exit code, as of `exits`."""

from __future__ import annotations

import argparse
import difflib
import io
import os
import re
import signal
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from nuke_matting.cli.exits import FAILED, INTERRUPTED, INTERRUPTION, WRONG_USE
from nuke_matting.cli.interruption import heeded
from nuke_matting.errors import MattingError, UsageError
from nuke_matting.heap import keep_freed

VERBS = {  # by name, their module here and their line in --help
    "matte": ("matte", "matte a plate"),
    "eval": ("evaluate", "measure mattes against true ones"),
    "train": ("train", "train networks, and make what they are trained on"),
    "worker": ("worker", "serve a host such as Nuke: JSON lines on stdin and stdout"),
    "nuke": ("nuke", "put the node where Nuke finds it, or take it away"),
    "model": ("model", "list models, and add third-party models"),
    "export": ("export", "write the model for Nuke's Inference node"),
    "doctor": ("doctor", "check the installation: versions, devices, colour, weights, cache"),
    "cache": ("cache", "look at and tidy the cache of mattes"),
}


def main(argv: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    _open_what_is_closed()
    _interrupt_on_kill()
    keep_freed()
    _print_any_name()
    given = sys.argv[1:] if argv is None else argv
    try:
        args = parser().parse_args(_ranges_joined(given))
        return args.run(args)
    except _WrongOptions as error:
        if "--json" in given:
            from nuke_matting.cli.report import error_facts, say

            say({"event": "error", **error_facts(error, None)})
        print(f"{error.prog}: {error}", file=sys.stderr)
        return WRONG_USE
    except MattingError as error:
        print(f"nuke-matting: {error}", file=sys.stderr)
        return WRONG_USE
    except KeyboardInterrupt:
        print(INTERRUPTION, file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has left
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, so that nothing is flushed into it at exit
        return FAILED
    except OSError as error:
        if error.filename is not None:  # no file is our own output's, which a full disk may refuse
            raise
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        print(f"nuke-matting: stopped: {error.strerror or error}; is there room for its output?", file=sys.stderr)
        return FAILED


class _WrongOptions(UsageError):
    """A command line that is not understood. prog : the program and its verb."""

    def __init__(self, what: str, prog: str) -> None:
        super().__init__(what, advice=f"see {prog} --help")
        self.prog = prog


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as everything else here does. Options are written out: a script must not break
    because a later version has another option that begins alike.

    fill : adds what it takes, once it has something to parse: a verb's module may bring torch, which takes seconds.
    """

    def __init__(self, *args: Any, fill: Callable[[_Parser], None] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "allow_abbrev": False})
        self.set_defaults(innermost=self)  # of a verb and its actions, the last one's
        self._fill = fill

    def parse_known_args(self, args=None, namespace=None):
        fill, self._fill = self._fill, None
        if fill is not None:
            fill(self)
        return super().parse_known_args(args, namespace)

    def parse_args(self, args=None, namespace=None):
        """As argparse's, but a pattern that the shell has made a list of is taught and not listed."""
        found, extra = self.parse_known_args(args, namespace)
        if extra:
            from nuke_matting.plate.sequence import sequence_around

            around = next(filter(None, (sequence_around(Path(each)) for each in extra if Path(each).is_file())), None)
            taught = "" if around is None else f"; write the plate as {around.pattern}"
            shown = " ".join(extra[:3]) + (f" and {len(extra) - 3} more" if len(extra) > 3 else "")
            found.innermost.error(f"unrecognized arguments: {shown}{taught}{found.innermost.near(extra)}")
        return found

    def near(self, unknown: list[str]) -> str:
        """What may have been meant by the first of some options that it does not know, as a question; or nothing."""
        options = (each.partition("=")[0] for each in unknown if each.startswith("--"))
        meant = difflib.get_close_matches(next(options, ""), self._option_string_actions, n=1, cutoff=0.7)
        return f"; did you mean {meant[0]}?" if meant else ""

    def error(self, message: str) -> NoReturn:
        raise _WrongOptions(message, self.prog)


def _ranges_joined(argv: list[str]) -> list[str]:
    """`--frames -8--5` as `--frames=-8--5`: argparse would take the negative range for an option."""
    joined: list[str] = []
    for each in argv:
        if joined and joined[-1] in ("--frames", "--key-frames") and re.match(r"-\d", each):
            joined[-1] += f"={each}"
        else:
            joined.append(each)
    return joined


def _open_what_is_closed() -> None:
    """A daemon may have closed stdin, stdout or stderr: they lead nowhere then, and no file that is opened takes the
    place of one, and with it what libraries print."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):  # the lowest number that is free is its own
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115


def _interrupt_on_kill() -> None:
    """A farm's kill and a closed terminal are interruptions like Ctrl-C; one that nohup shields from stays so."""
    for number in heeded("SIGTERM", "SIGHUP"):
        signal.signal(number, signal.default_int_handler)


def _print_any_name() -> None:
    """A name that a terminal's or a log's encoding lacks is printed by its codes, as stderr does; it ends nothing."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def parser() -> argparse.ArgumentParser:
    """The whole command line, all verbs."""
    from importlib.metadata import version  # takes as long as all else that is imported here

    top = _Parser(
        prog="nuke-matting",
        description="Soft mattes of people from EXR plates, in linear light, under OCIO.",
        epilog="nuke-matting VERB --help explains a verb. Exit codes: 0 done, 1 some frames failed, 2 wrong use, "
        "130 interrupted.",
    )
    top.add_argument("--version", action="version", version=f"nuke-matting {version('nuke-matting')}")
    verbs = top.add_subparsers(title="verbs", metavar="VERB", required=True)
    for name, (module, line) in VERBS.items():
        verbs.add_parser(name, help=line, fill=partial(_add_from, module))
    return top


def _add_from(module: str, verb: argparse.ArgumentParser) -> None:
    import_module(f"nuke_matting.cli.{module}").add(verb)
