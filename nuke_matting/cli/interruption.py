"""Ctrl-C, a farm's kill and a closed terminal, heard between two pieces of work.

Python's own way, an exception wherever the main thread happens to be, is for programs of one thread: where it strikes
while a lock is being taken, the lock stays taken, and the other threads wait for it for ever.
"""

from __future__ import annotations

import signal
import time
from types import FrameType
from typing import Any

GRACE = 2.0  # seconds in which signals count as one: a terminal and torchrun both send it


class Interruption:
    """Asks for an end after the piece of work that is under way; again, after GRACE, it is a KeyboardInterrupt."""

    def __init__(self) -> None:
        self.wanted = False
        self._since = 0.0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # nohup's shield stays
                self._before[number] = signal.signal(number, self._asked)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def heard(self) -> bool:
        """Whether an end is wanted."""
        return self.wanted

    def _asked(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.wanted and now - self._since > GRACE:
            raise KeyboardInterrupt
        if not self.wanted:
            self.wanted, self._since = True, now
