"""The verb `worker`: serves a host such as Nuke over stdin and stdout, as docs/worker.md says."""

from __future__ import annotations

import argparse
import logging

from nuke_matting.cli.exits import OK
from nuke_matting.worker.pipe import Pipe
from nuke_matting.worker.serve import serve


def add(verbs: argparse._SubParsersAction) -> None:
    """Adds the verb to the application."""
    verb = verbs.add_parser(
        "worker",
        help="serve a host such as Nuke: JSON lines on stdin and stdout",
        description="Serves a host such as Nuke: lines of JSON on stdin, answers on stdout; ends with stdin.",
    )
    verb.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    pipe = Pipe()  # before anything else may print
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    serve(pipe)
    return OK
