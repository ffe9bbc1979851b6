"""The worker's end of the line: stdin and stdout, kept for the protocol alone."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from nuke_matting.host.protocol import check_event
from nuke_matting.host.wire import encode


class Pipe:
    """The two ends. `send` may be called from any thread.

    As it is made it takes the process's stdin and stdout for itself: what any library, also one in C, prints from then
    on goes to stderr, and what it reads from stdin is empty.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        self._in, self._out = os.dup(0), os.dup(1)
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        self._sending = threading.Lock()

    def read(self, size: int) -> bytes:
        """At most `size` bytes, waited for; none at the end, when the host has left."""
        try:
            return os.read(self._in, size)
        except OSError:  # a connection that was cut
            return b""

    def send(self, event: dict[str, Any]) -> None:
        """Writes an event. Ends the process where nobody listens any more. Raises BadMessage for what is no event."""
        check_event(event)
        line = memoryview(encode(event))
        with self._sending:
            try:
                while line:
                    line = line[os.write(self._out, line) :]
            except OSError:
                os._exit(1)  # files are written whole or not at all, so nothing is left in halves
