"""Open review: a contact sheet of a node's mattes, drawn by the tool and opened by the system's viewer."""

import os
import shlex
import subprocess
import sys
import threading

from .errors import HostError
from .find import find_command
from .frames import format_frames
from .nuke_api import nuke
from .paths import local, worker_paths
from .process import clean_environment, run

_PATIENCE = 600.0  # seconds that a sheet may take


def review(plan, frames, sheet, on_end):
    """Draws a sheet of some frames' mattes, and opens it. Raises HostError where the tool is not found.

    sheet : path of the PNG. on_end : called on the main thread with what went wrong, or "": a frame that cannot be
    read is left out of the sheet.
    """
    command = _command(plan, frames, sheet)

    def work():
        try:
            said, wrong = run(command, clean_environment(os.environ), _PATIENCE)
        except HostError as error:
            return f"no contact sheet: {error}"
        if os.path.basename(sheet) not in said:  # it is named there once it is drawn
            return f"no contact sheet: {wrong}"
        try:
            open_file(local(sheet))
        except HostError as error:
            return str(error)
        return wrong and f"not all frames are in the contact sheet: {wrong}"

    if nuke.GUI:  # the tool takes some seconds to start: Nuke does not wait for it
        threading.Thread(
            target=lambda: nuke.executeInMainThread(on_end, (work(),)), name="nuke_matting", daemon=True
        ).start()
    else:
        on_end(work())


def open_file(path):
    """Opens a file or folder with what the system has for it; without a GUI, says where it is. Raises HostError."""
    try:
        if not nuke.GUI:
            nuke.tprint(path)
        elif sys.platform == "win32":
            os.startfile(os.path.normpath(path))
        else:
            viewer = "open" if sys.platform == "darwin" else "xdg-open"
            subprocess.Popen([viewer, path], env=clean_environment(os.environ), start_new_session=True)
    except OSError as error:  # such as that no program opens pictures
        raise HostError(f"{path} cannot be opened: {error}") from error


def _command(plan, frames, sheet):
    """The worker's command with another verb, and paths as its machine names them."""
    command = find_command()
    if command[-1] != "worker":
        raise HostError("NUKE_MATTING_WORKER does not end in the word worker", "the sheet is drawn by another verb")
    there = worker_paths().there
    words = ["nuke", "sheet", there(plan.plate), there(plan.out), "--out", there(sheet)]
    words += [] if plan.still else ["--frames", format_frames(frames).replace(" ", ",")]
    for name in ("ocio", "colourspace"):
        if plan.settings[name]:
            words += ["--" + name, there(plan.settings[name])]
    over_ssh = os.path.splitext(os.path.basename(command[0]))[0] == "ssh"  # which hands them to a shell
    return command[:-1] + [shlex.quote(word) if over_ssh else word for word in words]
