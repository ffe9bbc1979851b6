"""Work that the worker does for nodes: asks for it, shows how it goes, and hands every event to Nuke's main thread.

With a GUI nothing waits: a thread holds the progress bar and passes events on. Without one there is no loop on the main
thread that could be handed anything, so the call itself takes the events until the work is done.
"""

import functools
import queue
import threading
import time

from .client import Client
from .errors import HostError
from .frames import format_frames
from .nuke_api import nuke
from .progress import Progress
from .protocol import closes, sentence
from .state import is_there, say
from .wire import BadMessage
from .wording import in_the_node

_APART = 0.1  # seconds between two looks at events: each that is shown makes Nuke draw anew

_client = None
_running = []  # jobs under way


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
    """The job of a node, or None. It is known by the name that it has now: nodes are renamed, deleted and replaced."""
    name = node.fullName()
    return next((job for job in _running if job.name() == name), None)


class Job:
    """One request and what becomes of it.

    plan : of the node. about : as `Client.matte` takes it. on_events, on_end : called on the main thread, with a list
    of events as they come, and with the job once it is closed. errors, warnings : lines for the artist. failed :
    by frame, the error's kind and line. notes : what is noted, and the frames it is said of. closing : the last event.
    """

    def __init__(self, node, plan, about, on_events, on_end):
        self.node = node
        self.plate, self.about = plan.plate, about
        self._still = plan.span[0] if plan.still else None
        self.errors, self.failed, self.warnings, self.notes, self.closing = [], {}, [], {}, None
        self._on_events, self._on_end = on_events, on_end
        self._title = f"NukeMatting: {node.fullName()}"
        self._events = queue.Queue()
        self._request, self._cancelled, self._instead = None, False, None

    def name(self):
        """The full name of its node; None where that was deleted. On the main thread."""
        return self.node.fullName() if is_there(self.node) else None

    def start(self, wait=False):
        """Asks. With a GUI, and unless `wait`, comes back at once. Raises HostError where there is no worker."""
        _running.append(self)
        try:
            self._request = client().matte(self.plate, self._events.put, **self.about)
        except Exception:
            _running.remove(self)
            raise
        if nuke.GUI and not wait:
            threading.Thread(
                target=self._follow,
                args=(lambda events: nuke.executeInMainThread(self._take_alone, (events,)),),
                name="nuke_matting",
                daemon=True,
            ).start()
        else:
            try:
                self._follow(self._take)
            except BaseException:  # such as Ctrl-C
                if self in _running:
                    _running.remove(self)
                self.cancel()
                raise

    def cancel(self):
        """Ends it after the frame under way, for good: nothing is begun instead of it."""
        self._cancelled = True
        if self._request is not None:
            self._request.cancel()

    def replace(self, begin, *args):
        """Ends it as well, to begin something else in its place: `begin` is called instead of `on_end`, on the main
        thread, unless the artist cancels it or it ends in an error. Only from `on_events`."""
        self._instead = functools.partial(begin, *args)
        self._request.cancel()

    def pardon(self, frame):
        """The error of a frame turned out to be none."""
        self.errors.remove(self.failed.pop(frame)[1])

    def add(self, before):
        """What is left of a job before this one, which does a part of it anew, is of this one."""
        self.warnings[:0] = before.warnings
        for frame, (kind, line) in before.failed.items():
            if kind != "taken":
                self.failed[frame] = kind, line
                self.errors.insert(0, line)
        for note, frames in before.notes.items():
            self.notes.setdefault(note, []).extend(frames)

    def noted(self):
        """A line for each note: the frames that it is said of, and what it says."""
        return [
            "{} {}: {}".format("frame" if len(set(frames)) == 1 else "frames", format_frames(frames), note)
            for note, frames in self.notes.items()
        ]

    def report(self):
        """Every error, note and warning, into the script editor or the terminal. On the main thread."""
        for text in [*self.errors, *self.noted(), *self.warnings]:
            nuke.tprint(f"NukeMatting: {text}")

    def state(self):
        """How it ended: failed, cancelled, error where it never began, or done, unless it was to be replaced."""
        state = self.closing.get("state", "error")
        return "cancelled" if self._instead and state == "done" else state

    def _follow(self, take):
        """Until it is closed, shows in a bar how far it is, and gives `take` the events, those of a moment at once."""
        task, stopped, last = nuke.ProgressTask(self._title) if nuke.GUI else None, False, 0.0
        progress = Progress()
        while self.closing is None:
            if task is not None:
                task.setMessage(progress.text() or _beginning())
                task.setProgress(progress.percent())
                if task.isCancelled() and not stopped:
                    stopped = True
                    self.cancel()
            events = self._next(last + _APART)
            for event in events:
                self._note(event)
                progress.take(event)
            if events:
                last = time.monotonic()
                take(events)
        del task  # the bar goes with it

    def _next(self, when):
        """The events that there are at a time, or as soon as there is one; none after a while without any."""
        try:
            events = [self._events.get(timeout=0.1)]
        except queue.Empty:
            return []
        time.sleep(max(0.0, when - time.monotonic()))
        while not self._events.empty():  # nobody else takes any
            events.append(self._events.get())
        return events

    def _note(self, event):
        if self._still is not None and event.get("frame") is not None:
            event["frame"] = self._still  # whatever number the worker takes it to have
        if event["type"] == "warning":
            self.warnings.append(in_the_node(event["text"]))
        elif event["type"] == "error":
            about = {name: in_the_node(event[name]) for name in ("what", "advice")}
            self.errors.append(sentence(dict(event, **about)))
            if event["frame"] is not None:
                self.failed[event["frame"]] = event["kind"], self.errors[-1]
        elif event["type"] == "frame":
            for note in event["notes"]:
                self.notes.setdefault(in_the_node(note), []).append(event["frame"])
        if closes(event):
            self.closing = event

    def _take_alone(self, events):
        """`_take`, where nobody waits for an error in what comes next: the node shows it."""
        try:
            self._take(events)
        except (HostError, BadMessage) as error:
            say(self.node, str(error))

    def _take(self, events):
        """On the main thread. The node may have been deleted meanwhile: the work goes on, there is nobody to tell."""
        last = closes(events[-1])
        if last:
            _running.remove(self)
        if self.name() is None:
            return
        try:
            self._on_events(events)
        finally:
            if last and self._instead and not self._cancelled and self.state() != "error":
                self._instead()
            elif last:
                self._on_end(self)


def _beginning():
    """What is waited for before the first frame."""
    return "waiting for the worker" if client().is_up() else "starting the worker..."
