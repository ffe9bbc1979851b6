"""The verb `worker`: serves a host such as Nuke over stdin and stdout, as docs/worker.md says."""

from __future__ import annotations

import argparse
import logging

from nuke_matting.cli.exits import OK
from nuke_matting.worker.pipe import Pipe
from nuke_matting.worker.serve import serve

EPILOG = """
To try it start it in a terminal, and once it says hello type
  {"type":"matte","id":"1","plate":"/shots/sh010/plate.####.exr"}

docs/worker.md tells what a request is, and how to use a worker on another machine. Exit codes: 0 told to end, or stdin
ended; 1 nobody reads its answers; 130 interrupted.
"""


def add(verb: argparse.ArgumentParser) -> None:
    """Says what the verb does and takes."""
    verb.description = "Serves a host such as Nuke: lines of JSON on stdin, answers on stdout; ends with stdin."
    verb.epilog = EPILOG
    verb.formatter_class = argparse.RawDescriptionHelpFormatter
    verb.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    pipe = Pipe()  # before anything else may print
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    serve(pipe)
    return OK
