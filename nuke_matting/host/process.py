"""The worker's process: its pipes, and what it inherits from Nuke."""

import collections
import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

from .errors import HostError
from .wire import BadMessage, Lines, encode

# what Nuke sets for its own Python, Qt and libraries, and another Python trips over
_REMOVED = re.compile(
    r"PYTHON(HOME|PATH|STARTUP|EXECUTABLE)|__PYVENV_LAUNCHER__|LD_(LIBRARY_PATH|PRELOAD)|(DYLD|QT)_.*|QML.*|PYSIDE.*",
    re.IGNORECASE,
)


def clean_environment(environ, program=sys.executable):
    """A copy of an environment without what belongs to the program, Nuke, that it is of."""
    home = os.path.normcase(os.path.dirname(os.path.abspath(program))) if program else None
    clean = {}
    for name, value in environ.items():
        if _REMOVED.fullmatch(name):
            continue
        if name.upper() == "PATH" and os.name == "nt":  # Windows looks for DLLs there
            folders = value.split(os.pathsep)
            value = os.pathsep.join(each for each in folders if os.path.normcase(each.rstrip("\\/")) != home)
        clean[name] = value
    return clean


class Process:
    """A running worker. Raises HostError where it cannot be started.

    command : list of arguments, kept as one line. environ : what it inherits.
    hello : its first event, once `greeted` is set; None where it ended before, or is not to be talked to.
    why : why it ended, a HostError, once it did. heard : when it said a line last, as `time.monotonic` has it; None
    while one is being dealt with, as the next are not read until then.
    Iterates over its lines of stdout, as `wire.Lines`, once, until it ends. `send` may be called from any thread.
    """

    def __init__(self, command, environ):
        try:
            with _no_dll_folder():
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    bufsize=0,
                    env=environ,
                    start_new_session=True,  # Ctrl-C in Nuke's terminal is none of its business
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
        except (OSError, ValueError) as error:
            raise HostError(
                "the worker cannot be started with {!r} ({})".format(" ".join(command), error),
                "check NUKE_MATTING_WORKER and NUKE_MATTING_PYTHON",
            ) from error
        self.pid, self.command = self._process.pid, " ".join(command)
        self.greeted, self.hello, self.why = threading.Event(), None, None
        self.heard = time.monotonic()
        self._writing = threading.Lock()
        self._words = collections.deque(maxlen=1)  # the last line of stderr
        self._listener = threading.Thread(target=self._listen, name="worker-stderr", daemon=True)
        self._listener.start()

    def __iter__(self):
        with self._process.stdout as pipe:
            for line in Lines(_reader(pipe)):
                self.heard = None
                yield line
                self.heard = time.monotonic()

    def send(self, message):
        """Writes a message; False where the process has ended. Raises BadMessage for one that is no JSON."""
        line = encode(message)
        try:
            with self._writing:
                while line:
                    line = line[self._process.stdin.write(line) :]
            return True
        except (OSError, ValueError):
            return False

    def hang_up(self):
        """Closes its stdin, at which a worker ends; one that does not even read is ended at once."""
        if not self._writing.acquire(timeout=1.0):
            self.kill()  # the write that waits for it fails, and lets go
            if not self._writing.acquire(timeout=1.0):
                return
        try:
            self._process.stdin.close()
        except OSError:
            pass  # it ended before
        finally:
            self._writing.release()

    def kill(self):
        """Ends it at once, and what it started: the command may be a script around the worker."""
        if hasattr(os, "killpg") and self._process.poll() is None:
            with suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)  # it leads a session of its own
        self._process.kill()

    def wait(self, patience):
        """How it ended, in words; one that does not end within `patience` seconds is killed."""
        try:
            code = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._process.wait()
        self._listener.join(1.0)
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        return f"{how}, {self._words[-1]}" if self._words else how

    def _listen(self):
        with self._process.stderr as pipe:
            for line in Lines(_reader(pipe), longest=1 << 16):
                if not isinstance(line, BadMessage):
                    self._words.append(line.decode("utf-8", "replace").strip()[-500:])


def run(command, environ, patience):
    """Runs a program to its end: what it prints on stdout, and where it fails its last line of stderr, else "". Raises
    HostError where it cannot be run."""
    try:
        with _no_dll_folder():
            program = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environ,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        with program:
            try:
                said, complaint = program.communicate(timeout=patience)
            except subprocess.TimeoutExpired:
                program.kill()
                raise
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        shown = " ".join(command)
        raise HostError(f"{shown!r} cannot be run ({error})", "check NUKE_MATTING_PYTHON") from error
    lines = complaint.decode("utf-8", "replace").strip().splitlines() or [f"exit code {program.returncode}"]
    return said.decode("utf-8", "replace"), lines[-1].strip() if program.returncode else ""


def _reader(pipe):
    def read(size):
        try:
            return os.read(pipe.fileno(), size)
        except (OSError, ValueError):  # closed
            return b""

    return read


@contextmanager
def _no_dll_folder():
    """On Windows, a process inherits the folder that its parent loads DLLs from: taken back meanwhile."""
    if os.name != "nt":
        yield
        return
    kernel = ctypes.WinDLL("kernel32")
    folder = ctypes.create_unicode_buffer(32768)
    kernel.GetDllDirectoryW(len(folder), folder)
    kernel.SetDllDirectoryW(None)
    try:
        yield
    finally:
        kernel.SetDllDirectoryW(folder.value or None)
