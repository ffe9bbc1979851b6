"""Which command starts the worker. The first of these that is there:

1. NUKE_MATTING_WORKER: a whole command line, such as `ssh gpu7 nuke-matting worker`
2. NUKE_MATTING_PYTHON: the Python that nuke_matting is installed in
3. the Python that an install recorded: beside these files, or in the folder `.nuke` of the user's home
4. `nuke-matting` on PATH
"""

import json
import os
import shlex
import shutil

from .errors import HostError

RECORD = "nuke_matting_install.json"

# no module in the current folder gets in the way; what was installed for one user is found, which -I would hide
_START = "import sys; sys.path[:] = filter(None, sys.path); from nuke_matting.cli.app import main; sys.exit(main())"
_FIX = "set NUKE_MATTING_PYTHON to the Python that nuke_matting is installed in, e.g. /opt/matting/bin/python"


def find_command(environ=None):
    """The worker's command, a list of arguments. Raises HostError, with what was looked at and how to fix it."""
    environ = os.environ if environ is None else environ
    line = environ.get("NUKE_MATTING_WORKER", "").strip()
    if line:
        return _split(line)
    python = environ.get("NUKE_MATTING_PYTHON", "").strip()
    if python:
        python = os.path.expanduser(python)
        if not _runs(python):
            raise HostError(f"NUKE_MATTING_PYTHON is {python!r}, which is no program", _FIX)
        return _of(python)
    tried = ["NUKE_MATTING_PYTHON is not set"]
    for record in record_places():
        python = recorded(record)
        if python and _runs(python):
            return _of(python)
        tried.append(f"{record} names {python!r}, which is gone" if python else f"no {record}")
    script = shutil.which("nuke-matting", path=environ.get("PATH", ""))
    if script:
        return [script, "worker"]
    raise HostError("the worker is not found: {}; no nuke-matting on PATH".format("; ".join(tried)), _FIX)


def record_places():
    """Where an install may be recorded, in the order they are looked at."""
    beside = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return [os.path.join(beside, RECORD), os.path.join(os.path.expanduser("~"), ".nuke", RECORD)]


def recorded(path):
    """The Python that an install's file names; None where there is no such file, or it is damaged."""
    try:
        with open(path, encoding="utf-8") as file:
            python = json.load(file)["python"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return python if isinstance(python, str) and python else None


def record(path, python):
    """Writes down which Python the tool is installed in."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"python": python}, file)


def _of(python):
    return [python, "-c", _START, "worker"]


def _runs(path):
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _split(line):
    windows = os.name == "nt"
    try:
        parts = shlex.split(line, posix=not windows)  # POSIX rules would eat the backslashes of C:\matting\python.exe
    except ValueError as error:
        raise HostError(f"NUKE_MATTING_WORKER is {line!r}: {error}", "close its quotation marks") from error
    return [part.strip('"') for part in parts] if windows else parts
