"""The application: finds the verb, runs it, turns its errors into one line and an exit code.

Exit codes: 0 all done, 1 some frames (or checks) failed, 2 wrong use, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from importlib.metadata import version

from nuke_matting.cli import cache, doctor, matte
from nuke_matting.errors import MattingError

OK, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130

VERBS = (matte, doctor, cache)


def main(argv: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    args = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a farm's kill is an interruption like any other
    try:
        return args.run(args)
    except MattingError as error:
        print(f"nuke-matting: {error}", file=sys.stderr)
        return WRONG_USE
    except KeyboardInterrupt:
        print("nuke-matting: interrupted; run the same command again to go on", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has left
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, so that nothing is flushed into it at exit
        return FAILED


def parser() -> argparse.ArgumentParser:
    """The whole command line, all verbs."""
    top = argparse.ArgumentParser(
        prog="nuke-matting",
        description="Soft mattes of people from EXR plates, in linear light, under OCIO.",
        epilog="nuke-matting VERB --help explains a verb. Exit codes: 0 done, 1 some frames failed, 2 wrong use, "
        "130 interrupted.",
    )
    top.add_argument("--version", action="version", version=f"nuke-matting {version('nuke-matting')}")
    verbs = top.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in VERBS:
        verb.add(verbs)
    return top
