"""The desk where requests for mattes lie: one thread works on them, a frame or two at a time, the most urgent first."""

from __future__ import annotations

import logging
import threading
from typing import Any

from nuke_matting.errors import UsageError
from nuke_matting.heap import give_back
from nuke_matting.host.protocol import error_event
from nuke_matting.worker.job import Job, Say
from nuke_matting.worker.library import Library

log = logging.getLogger(__name__)

MOST_WAITING = 1000
QUIET = 10.0  # seconds without requests after which memory goes back: an artist who scrubs asks again sooner


class Desk:
    """Takes requests, and says through `say` what becomes of them. Any thread may call."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._library = Library()
        self._jobs: dict[str, Job] = {}
        self._current: str | None = None
        self._change = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="desk", daemon=True)
        self._thread.start()

    def take(self, request: dict[str, Any]) -> None:
        """Puts a request in line. Raises UsageError for an id that is in use."""
        with self._change:
            if request["id"] in self._jobs:
                raise UsageError(f"the id {request['id']} is in use", advice="give each request an id of its own")
            if len(self._jobs) >= MOST_WAITING:
                self._say(error_event(request["id"], "busy", f"{MOST_WAITING} requests wait already", "cancel some"))
                return
            self._jobs[request["id"]] = Job(request, self._library, self._say)
            self._change.notify()

    def has(self, request: str) -> bool:
        """Whether a request is open."""
        with self._change:
            return request in self._jobs

    def cancel(self, request: str | None = None) -> None:
        """Cancels a request, or all of them; one that is not there, or ended, is no error."""
        with self._change:
            for job in self._jobs.values():
                if request in (None, job.id):
                    job.stop.set()

    def close(self, patience: float) -> bool:
        """Cancels everything; whether the work ended within `patience` seconds."""
        self.cancel()
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join(patience)
        return not self._thread.is_alive()

    def warn(self, text: str) -> None:
        """Says a warning, of the request that is worked on if there is one."""
        self._say({"type": "warning", "id": self._current, "text": text})

    def _work(self) -> None:
        while True:
            with self._change:
                idle = not self._change.wait_for(self._called, QUIET)
            if idle:
                give_back()
            with self._change:
                self._change.wait_for(self._called)
                if not self._jobs:
                    return
                # what is cancelled has only to say so
                job = max(self._jobs.values(), key=lambda each: (each.stop.is_set(), each.priority))
                self._current = job.id
            try:
                ended = next(job.steps, job) is job
            except Exception:  # what cannot even be reported; the others are not to wait for ever
                log.exception("request %s", job.id)
                ended = True
            with self._change:
                self._current = None
                if ended:
                    del self._jobs[job.id]

    def _called(self) -> bool:
        return bool(self._jobs) or self._closed


class Warnings(logging.Handler):
    """Makes warnings of the engine, such as of a damaged file in the cache, warnings to the host."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(logging.WARNING)
        self._desk = desk

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.WARNING:  # errors are reported where they occur
            self._desk.warn(record.getMessage())
