"""How far a job is, in words: what Nuke's progress bar says."""

import collections
import math
import time

_JUDGED = 20  # frames by which the time left is judged: those from a cache go by faster than those that are computed
_FEWEST = 3


class Progress:
    """Takes a job's events, as they come. `frame` is the last one that ended. clock : seconds that never run back."""

    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._frame, self._event = None, None
        self._times = collections.deque(maxlen=_JUDGED + 1)  # when how many had ended

    def take(self, event):
        """Takes an event; those that say nothing of progress too."""
        if event["type"] == "progress":
            if self._event is not None and _ended(event) < _ended(self._event):
                self._times.clear()  # a worker that had died began anew
            self._event = event
            self._times.append((self._clock(), _ended(event)))
        elif event["type"] in ("frame", "error") and event["frame"] is not None:
            self._frame = event["frame"]

    def percent(self):
        """A whole number; 0 until something is known."""
        return 100 * _ended(self._event) // self._event["total"] if self._event and self._event["total"] else 0

    def text(self):
        """In words; empty until something is known."""
        if self._event is None:
            return ""
        words = [f"frame {self._frame}"] * (self._frame is not None)
        words.append(f"{_ended(self._event)} of {self._event['total']}")
        words += [f"{self._event['failed']} failed"] * bool(self._event["failed"])
        return ", ".join(words + self._left())

    def _left(self):
        (began, before), (now, ended) = self._times[0], self._times[-1]
        left = self._event["total"] - ended
        if ended - before < _FEWEST or not left:
            return []
        return [time_left(left * (now - began) / (ended - before))]


def time_left(seconds):
    """Seconds in words, as exact as they are known.

    >>> time_left(0.3), time_left(41), time_left(170), time_left(9000)
    ('about 10 s left', 'about 50 s left', 'about 3 min left', 'about 2.5 h left')
    """
    if seconds < 60:
        return f"about {10 * max(1, math.ceil(seconds / 10))} s left"
    return f"about {round(seconds / 60)} min left" if seconds < 5400 else f"about {seconds / 3600:.1f} h left"


def _ended(event):
    return event["done"] + event["failed"]
