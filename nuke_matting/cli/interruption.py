"""Ctrl-C, a farm's kill and a closed terminal, heard between two pieces of work.

Python's own way, an exception wherever the main thread happens to be, is for programs of one thread: where it strikes
while a lock is being taken, the lock stays taken, and the other threads wait for it for ever.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from types import FrameType
from typing import Any

GRACE = 2.0  # seconds in which signals count as one: a terminal and torchrun both send it


class Interruption:
    """Asks for an end after the piece of work that is under way; again, after GRACE, it is a KeyboardInterrupt.

    answer : what is said on stderr when it is first asked for; "" for nothing.
    """

    def __init__(self, answer: str = "") -> None:
        self._since: float | None = None
        self._answer = answer
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        for number in heeded("SIGINT", "SIGTERM", "SIGHUP"):
            self._before[number] = signal.signal(number, self._asked)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def heard(self) -> bool:
        """Whether an end is wanted."""
        return self._since is not None

    def _asked(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._since is None:
            self._since = now
            if self._answer:
                with suppress(OSError):  # past all that has locks, since it strikes in the midst of anything
                    os.write(2, f"{self._answer}\n".encode())
        elif now - self._since > GRACE:
            raise KeyboardInterrupt


def heeded(*names: str) -> list[int]:
    """The numbers of those signals that this system has (Windows has no SIGHUP) and that nohup does not shield from."""
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    return [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
