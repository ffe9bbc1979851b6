"""A small memory of results: the features of a frame, kept for the frames that follow it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Store(Generic[Key, Value]):
    """At most `capacity` values; the least recently used goes first. Any number of threads.

    >>> store = Store(2)
    >>> [store.get_or_compute(frame, lambda: frame * 10) for frame in (1, 2, 3)]
    [10, 20, 30]
    >>> 1 in store, 3 in store
    (False, True)

    Raises ValueError for a capacity under 1.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        self._capacity = capacity
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._busy: dict[Key, threading.Event] = {}
        self._lock = threading.Lock()

    def get_or_compute(self, key: Key, compute: Callable[[], Value]) -> Value:
        """The value of a key, computed if it is not here. Threads that want the same one wait for the first of them.

        What `compute` raises goes to its caller, nothing is kept, and the next thread in line tries itself.
        `compute` may ask for other keys, not for its own.
        """
        while True:
            with self._lock:
                if key in self._values:
                    self._values.move_to_end(key)
                    return self._values[key]
                other = self._busy.get(key)
                if other is None:
                    mine = self._busy[key] = threading.Event()
                    break
            other.wait()
        try:
            value = compute()
            with self._lock:
                self._values[key] = value
                while len(self._values) > self._capacity:
                    self._values.popitem(last=False)
            return value
        finally:
            with self._lock:
                del self._busy[key]
            mine.set()

    def __contains__(self, key: object) -> bool:
        with self._lock:
            return key in self._values

    def __len__(self) -> int:
        with self._lock:
            return len(self._values)
