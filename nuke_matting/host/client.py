"""Asks the worker for mattes. No call waits for the worker, but those that say so; what it answers comes in callbacks.

Callbacks run on a thread of the client, in order: one that touches Nuke's nodes or panels must hand that over to the
main thread (`nuke.executeInMainThread`).
"""

import functools
import itertools
import logging
import os
import threading
import time

from .errors import HostError
from .find import find_command
from .paths import worker_paths
from .process import Process, clean_environment
from .protocol import PROTOCOL, check_event, check_request, closes, error_event
from .wire import BadMessage, decode, encode

log = logging.getLogger(__name__)

PATIENCE = "NUKE_MATTING_PATIENCE"
_PATIENCE = 300.0  # seconds: Python and torch come slowly from a network disk, or on a machine under load
_SILENCE = 60.0  # seconds without a word after which a worker that has work is asked whether it is there
_AGAIN = "try again; if it happens again, run nuke-matting doctor in a terminal"
_PATHS = ("path", "plate")  # fields of an event that are mapped


class Request:
    """What was asked of the worker. `closing` is its last event, None until then."""

    def __init__(self, client, message, on_event):
        self.id, self.message, self.closing = message["id"], message, None
        self.cancelled, self.retried = False, ""  # why it is asked for again
        self._client, self._on_event, self._closed = client, on_event, threading.Event()

    def cancel(self):
        """Ends it after the frame that it is at, or at once while the worker starts; its last event will be `done`,
        cancelled."""
        self.cancelled = True
        self._client._cancel(self)

    def wait(self, timeout=None):
        """Its last event, waited for; None where it did not come within `timeout` seconds. Not for callbacks."""
        self._closed.wait(timeout)
        return self.closing

    def _tell(self, event):
        if self.closing is not None:
            return
        if closes(event):
            self.closing = event
        try:
            if self._on_event is not None:
                self._on_event(event)
        except Exception:
            log.exception("a callback failed at %s", event["type"])
        finally:
            if self.closing is not None:
                self._closed.set()


class Client:
    """A worker, started when it is first needed. Any number of threads may ask.

    Parameters
    ----------
    command : list of arguments; default: `find_command()`, at each start.
    paths : PathMap; default: that of NUKE_MATTING_PATH_MAP where NUKE_MATTING_WORKER is set, as this machine knows its
        files otherwise.
    environ : what the worker inherits; default: this process's environment, cleaned.
    patience : seconds in which a worker must say hello; default: those of NUKE_MATTING_PATIENCE, or five minutes.
    silence : seconds without a word after which one that has work is asked whether it is there, and as many for its
        answer: one that is lost is ended.

    A worker that dies is started again, and each request that was under way is asked for again, once, after a `warning`
    that says so; a second death ends it with an `error`.
    """

    def __init__(self, command=None, paths=None, environ=None, patience=None, silence=_SILENCE):
        self._command, self._environ, self._patience, self._silence = command, environ, patience, silence
        self._paths = worker_paths() if paths is None else paths
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        self._open = {}  # id -> Request
        self._process = None

    def hello(self, timeout=None):
        """The worker's first event: its version, devices, models. Starts it, and waits. Raises HostError."""
        with self._lock:
            process = self._ensure()
        if not process.greeted.wait(timeout):
            raise HostError(f"the worker said nothing for {timeout:g} s", _AGAIN)
        if process.hello is None:
            raise process.why
        return process.hello

    def is_up(self):
        """Whether a worker runs that has said hello."""
        process = self._process
        return process is not None and process.hello is not None

    def matte(self, plate, on_event=None, **about):
        """Asks for mattes; gives a Request. `about`: the other fields of the protocol's `matte`, such as `frames`.

        on_event : called with each event, a dict, on a thread of the client. A plain `print` will do.
        Raises HostError where no worker can be started, BadMessage for fields that do not fit.
        """
        there = self._paths.there
        message = dict(about, type="matte", plate=there(plate))
        if isinstance(about.get("out"), str):
            message["out"] = there(about["out"])
        if isinstance(about.get("settings"), dict):  # those that are no path begin with no folder of the map
            message["settings"] = {
                name: there(value) if isinstance(value, str) else value for name, value in about["settings"].items()
            }
        return self._ask(message, on_event)

    def ping(self, timeout=10.0):
        """Whether the worker answers within `timeout` seconds. Raises HostError where none can be started."""
        return (self._ask({"type": "ping"}).wait(timeout) or {}).get("type") == "ok"

    def close(self, patience=5.0):
        """Ends the worker, waited for; what is under way is cancelled. The client may be used again afterwards."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.hang_up()
            process.wait(patience)
        with self._lock:
            lost, self._open = list(self._open.values()), {}
        for request in lost:
            request._tell(_lost(request, HostError("the worker was closed")))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- asking --

    def _ask(self, message, on_event=None, start=True):
        message["id"] = f"r{next(self._numbers)}"
        check_request(message)
        encode(message)  # too long for a line, it must not become an open request
        request = Request(self, message, on_event)
        with self._lock:
            process = self._ensure() if start else self._process
            if process is None:
                return request
            self._open[request.id] = request
            ready = process.hello is not None
        if ready:  # else its reader asks once it is: nobody waits for a pipe that is full and not yet read
            process.send(message)  # where it has died meanwhile, its reader asks again
        return request

    def _cancel(self, request):
        self._ask({"type": "cancel", "request": request.id}, start=False)
        if not self.is_up():  # nobody is to wait for a worker that may never say hello
            with self._lock:
                self._open.pop(request.id, None)
            # on a thread of its own: a callback may hand over to the main one, which may be the one that cancels
            threading.Thread(target=request._tell, args=(_lost(request, None),), name="worker", daemon=True).start()

    def _ensure(self):
        if self._process is None:
            command = find_command() if self._command is None else self._command
            environ = clean_environment(os.environ) if self._environ is None else self._environ
            patience = _patience() if self._patience is None else self._patience
            self._process = Process(command, environ)
            threading.Thread(target=self._read, args=(self._process, patience), name="worker", daemon=True).start()
        return self._process

    # -- answers, on a thread for each process --

    def _read(self, process, patience):
        ended, silence = threading.Event(), threading.Timer(patience, _give_up, [process, patience])
        silence.daemon = True
        silence.start()
        for line in process:
            event = self._event(line, process.hello is not None)
            if event is None:
                continue
            if event["type"] != "hello":
                self._dispatch(event)
            elif process.hello is not None:
                log.warning("the worker said hello twice")
            elif event["protocol"] == PROTOCOL:
                silence.cancel()
                self._begin(process, event)
                threading.Thread(target=self._watch, args=(process, ended), name="worker", daemon=True).start()
            else:
                what = f"the worker speaks protocol {event['protocol']}, this side {PROTOCOL}"
                process.why = HostError(what, "install the same nuke_matting on both sides")
                process.kill()
                break
        silence.cancel()
        ended.set()
        process.hang_up()
        how = process.wait(2.0)
        process.why = process.why or HostError(f"the worker ended ({how})", _AGAIN)
        self._died(process)
        process.greeted.set()

    def _watch(self, process, ended):
        """Ends a worker that has work, says nothing and does not answer: on a machine or a net that is lost its pipes
        stay open."""
        well, asked = time.monotonic(), None
        while not ended.wait(self._silence / 10):
            now = time.monotonic()
            with self._lock:
                busy = process is self._process and bool(self._open)
            last = (busy and process.heard) or now
            if last > well:
                well, asked = last, None
            elif asked is None and now - well >= self._silence:
                asked = now
                ping = functools.partial(self._ask, {"type": "ping"}, start=False)  # waits where the pipe is full
                threading.Thread(target=ping, name="worker", daemon=True).start()
            elif asked is not None and now - asked >= self._silence:
                process.why = HostError(f"the worker said nothing for {now - well:.0f} s, and is lost", _AGAIN)
                process.kill()
                return

    def _begin(self, process, hello):
        """A worker has said hello: it is asked for all that is open, in order, until nothing waits any more."""
        asked = set()
        while process.hello is None:
            with self._lock:
                # none where it was closed meanwhile: what is open is another's
                mine = list(self._open.values()) if process is self._process else []
                waiting = [each for each in mine if each.id not in asked]
                if not waiting:
                    process.hello = hello
            for request in waiting:
                asked.add(request.id)
                if request.retried:
                    request._tell({"type": "warning", "id": request.id, "text": request.retried})
                process.send(request.message)
        process.greeted.set()

    def _event(self, line, greeted):
        try:
            event = decode(line)
            check_event(event)
        except BadMessage as error:
            if greeted:  # before, it may be what a shell prints at login
                log.warning("the worker said what is no event: %s", error)
            return None
        return event if greeted or event["type"] == "hello" else None

    def _dispatch(self, event):
        for name in _PATHS:
            if isinstance(event.get(name), str):
                event[name] = self._paths.here(event[name])
        with self._lock:
            request = self._open.get(event["id"])
            if request is not None and closes(event):
                del self._open[event["id"]]
        if request is not None:
            request._tell(event)
        elif event["type"] in ("warning", "error"):
            log.warning("worker: %s", event.get("text") or event.get("what"))

    def _died(self, process):
        with self._lock:
            if process is not self._process:
                return  # it was closed
            self._process = None
            again = [each for each in self._open.values() if process.hello and not (each.cancelled or each.retried)]
            for request in again:
                request.retried = f"{process.why.what}; it was started again, and goes on"
            try:
                if again:
                    self._ensure()
            except HostError as error:
                again, process.why = [], error
            lost = [self._open.pop(name) for name, each in list(self._open.items()) if each not in again]
        for request in lost:
            request._tell(_lost(request, process.why))


def _give_up(process, patience):
    what = f"the worker said nothing for {patience:g} s"
    advice = (
        f"where it only starts slowly, set {PATIENCE} to more seconds; it may ask for something: run its command in "
    )
    process.why = HostError(what, f"{advice}a terminal: {process.command}")
    process.kill()


def _patience():
    """The seconds that the environment gives a worker to start. Raises HostError."""
    text = os.environ.get(PATIENCE, "").strip()
    try:
        seconds = float(text or _PATIENCE)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= threading.TIMEOUT_MAX:
        raise HostError(f"{PATIENCE} is {text!r}, which is no number of seconds", "set it to one such as 600")
    return seconds


def _lost(request, why):
    if request.cancelled:
        return {"type": "done", "id": request.id, "state": "cancelled", "done": 0, "failed": 0, "seconds": 0.0}
    return error_event(request.id, "error", why.what, why.advice)
