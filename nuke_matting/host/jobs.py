"""Work that the worker does for nodes: asks for it, shows how it goes, and hands every event to Nuke's main thread.

With a GUI nothing waits: a thread holds the progress bar and passes events on. Without one there is no loop on the main
thread that could be handed anything, so the call itself takes the events until the work is done.
"""

import queue
import threading

from .client import Client
from .nuke_api import nuke
from .protocol import closes, sentence

_client = None
_running = {}  # full name of a node -> Job


def client():
    """The one client of this session; its worker starts when it is first needed."""
    global _client
    if _client is None:
        _client = Client()
    return _client


def close():
    """Ends the worker, if there is one."""
    if _client is not None:
        _client.close()


def running(node):
    """The job of a node, or None."""
    return _running.get(node.fullName())


class Job:
    """One request and what becomes of it.

    plate, about : as `Client.matte` takes them. on_event, on_end : called on the main thread, with each event, and with
    the job once it is closed. errors, warnings : lines for the artist. closing : the last event.
    """

    def __init__(self, node, plate, about, on_event, on_end):
        self.node, self.name = node, node.fullName()
        self.plate, self.about = plate, about
        self.errors, self.failed, self.warnings, self.closing = [], {}, [], None
        self._on_event, self._on_end = on_event, on_end
        self._events = queue.Queue()
        self._request = None

    def start(self, wait=False):
        """Asks. With a GUI, and unless `wait`, comes back at once. Raises HostError where there is no worker."""
        _running[self.name] = self
        try:
            self._request = client().matte(self.plate, self._events.put, **self.about)
        except Exception:
            del _running[self.name]
            raise
        if nuke.GUI and not wait:
            threading.Thread(target=self._watch, name="nuke_matting", daemon=True).start()
        else:
            self._follow()

    def cancel(self):
        """Ends it after the frame under way."""
        if self._request is not None:
            self._request.cancel()

    def state(self):
        """How it ended: done, failed, cancelled, or error where it never began."""
        return self.closing.get("state", "error")

    def _watch(self):
        task = nuke.ProgressTask(f"NukeMatting: {self.name}")
        stopped = False
        while self.closing is None:
            if task.isCancelled() and not stopped:
                stopped = True
                self.cancel()
            try:
                event = self._events.get(timeout=0.1)
            except queue.Empty:
                continue
            if event["type"] == "progress" and event["total"]:
                ended = event["done"] + event["failed"]
                task.setProgress(100 * ended // event["total"])
                task.setMessage("{} of {} frames".format(ended, event["total"]))
            self._note(event)
            nuke.executeInMainThread(self._take, (event,))
        del task  # the bar goes with it

    def _follow(self):
        while self.closing is None:
            event = self._events.get()
            self._note(event)
            self._take(event)

    def _note(self, event):
        if event["type"] == "warning":
            self.warnings.append(event["text"])
        elif event["type"] == "error":
            self.errors.append(sentence(event))
            if event["frame"] is not None:
                self.failed[event["frame"]] = event["kind"]
        if closes(event):
            self.closing = event

    def _take(self, event):
        """On the main thread. The node may have been deleted meanwhile: the work goes on, there is nobody to tell."""
        last = closes(event)
        if last and _running.get(self.name) is self:
            del _running[self.name]
        try:
            self.node.name()
        except ValueError:
            return
        self._on_event(event)
        if last:
            self._on_end(self)
