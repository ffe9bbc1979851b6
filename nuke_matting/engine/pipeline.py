"""Many frames at once: read | infer | write side by side, so that the slowest of the three sets the speed.

Readers and writers are threads (OpenImageIO and OpenColorIO leave Python's lock); the network runs in the thread that
iterates. Queues are bounded, an error belongs to its frame alone, and whoever stops iterating stops it all.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Literal

from nuke_matting.engine._lease import Lease
from nuke_matting.engine.shot import Shot
from nuke_matting.engine.store import Store
from nuke_matting.engine.values import Known, Loaded, Matte, Plan
from nuke_matting.errors import CacheError, MattingError, as_told

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Done:
    """A frame whose matte is written. `state`: computed, taken from the cache, or skipped, as it was there already."""

    frame: int
    seconds: float
    notes: tuple[str, ...] = ()
    state: Literal["computed", "cached", "skipped"] = "computed"


@dataclass(frozen=True)
class Failed:
    """A frame that could not be matted or written, and why."""

    frame: int
    error: MattingError


@dataclass(frozen=True)
class _Fetched:
    """What a reader found for a frame: nothing to do, a matte from the cache, or pixels to infer from.

    known : what it found of other frames that this one reads from.
    """

    plan: Plan
    matte: Matte | None = None
    loaded: Loaded | None = None
    known: Mapping[int, Known] = field(default_factory=dict)


class Target:
    """Where mattes go: `has` says that a plan's matte is already there, `write` puts it there and gives warnings."""

    def has(self, plan: Plan) -> bool:
        raise NotImplementedError

    def write(self, matte: Matte) -> list[str]:
        raise NotImplementedError


def run(
    shot: Shot,
    frames: Sequence[int],
    target: Target,
    warn: Callable[[str], None],
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Done | Failed]:
    """Mattes frames and writes them; yields one Done or Failed for each, about in order.

    warn : called with what concerns the run and no single frame, such as a cache that cannot be written.
    stop : asked before each frame, and while another process is waited for; once it says so, no further frame is begun,
        and those that are computed are still written.
    Frames that another process is busy with are put off to the end, where they are waited for.
    """
    shot.colours.look_again()
    jobs = shot.settings.jobs
    ahead = max([0, *filter(None, shot.model.references)])  # how many frames later ones are read from
    for text in shot.warnings:
        warn(text)
    others = _Others(shot, frozenset(frames))
    keeper = _Keeper(shot, warn)
    readers = ThreadPoolExecutor(jobs, thread_name_prefix="read")
    writers = ThreadPoolExecutor(jobs, thread_name_prefix="write")
    try:
        reading: dict[int, Future[_Fetched]] = {}
        writing: deque[Future[Done | Failed]] = deque()
        turn, put_off = deque(frames), set[int]()
        while turn and not stop():
            for frame in islice(turn, jobs + 1 + ahead):
                if frame not in reading:
                    reading[frame] = readers.submit(_fetch, shot, frame, target, others)
            frame = turn.popleft()
            began = time.monotonic()
            try:
                fetched = reading.pop(frame).result()
                if fetched.matte is not None:
                    writing.append(writers.submit(_write, target, keeper, fetched.matte, None, began))
                elif fetched.loaded is None:
                    yield Done(frame, time.monotonic() - began, fetched.plan.notes, "skipped")
                else:
                    lease = keeper.claim(fetched.plan.key, wait=frame in put_off, stop=stop)
                    if lease is None:
                        put_off.add(frame)
                        turn.append(frame)
                        continue
                    known = {**fetched.known, **_coming(fetched.plan, reading)}
                    matte = _infer(shot, fetched.plan, fetched.loaded, known, lease)
                    writing.append(writers.submit(_write, target, keeper, matte, lease, began))
            except Exception as error:
                yield Failed(frame, _told(error, frame))
            while writing and (writing[0].done() or len(writing) > jobs):
                yield writing.popleft().result()
        while writing:
            yield writing.popleft().result()
    finally:
        readers.shutdown(wait=False, cancel_futures=True)
        writers.shutdown(wait=True, cancel_futures=True)


def foresee(
    shot: Shot,
    frames: Sequence[int],
    target: Target,
    warn: Callable[[str], None],
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Done | Failed]:
    """What `run` would yield, in order, as far as headers tell: no pixel is read, and nothing written or kept.

    A matte that seems to be in the cache may turn out damaged, and what is computed may fail. Parameters as in `run`;
    `target` is asked what it has.
    """
    shot.colours.look_again()
    for text in shot.warnings:
        warn(text)
    readers = ThreadPoolExecutor(shot.settings.jobs, thread_name_prefix="read")
    try:
        for result in readers.map(partial(_foreseen, shot, target), frames):
            if stop():
                return
            yield result
    finally:
        readers.shutdown(cancel_futures=True)


def _foreseen(shot: Shot, target: Target, frame: int) -> Done | Failed:
    began = time.monotonic()
    state: Literal["computed", "cached", "skipped"] = "computed"
    try:
        plan = shot.plan(frame)
        if target.has(plan):
            state = "skipped"
        elif shot.cache is not None and shot.cache.path(plan.key) is not None:
            state = "cached"
        else:
            shot.colours.space(frame)  # a header that cannot be read fails the frame
    except Exception as error:
        return Failed(frame, _told(error, frame))
    return Done(frame, time.monotonic() - began, plan.notes, state)


def _fetch(shot: Shot, frame: int, target: Target, others: _Others) -> _Fetched:
    plan = shot.plan(frame)
    if target.has(plan):
        return _Fetched(plan)
    matte = shot.cached(plan)
    if matte is not None:
        return _Fetched(plan, matte=matte)
    return _Fetched(plan, loaded=shot.load(frame), known=others.known(plan))


def _coming(plan: Plan, reading: Mapping[int, Future[_Fetched]]) -> dict[int, Known]:
    """What is known of the frames that a plan reads from and whose own turn is yet to come, once they are read; broken
    ones are left out: `infer` meets and notes them. So are those that were read before somebody changed their files,
    where the plan is of what these are since."""
    found = {}
    for other in dict.fromkeys(plan.references):
        if other in reading:
            with suppress(MattingError):
                fetched = reading[other].result()
                mattes = (None, fetched.plan.mattes.get(other))
                same = fetched.plan.inputs[other] == plan.inputs[other] and plan.mattes.get(other) in mattes
                if fetched.loaded is not None and same:
                    found[other] = fetched.loaded.known
    return found


class _Others:
    """Reads, beside the network, what a run needs of frames that others read from; each once, while it is in use.

    Frames that are wanted themselves leave their features behind, or are being read for their own turn (`_coming`); but
    key frames, as others read them, are told their matte, and they may come later.
    """

    def __init__(self, shot: Shot, wanted: frozenset[int]) -> None:
        self._shot, self._wanted = shot, wanted
        self._read: Store = Store(len(shot.model.references) + shot.settings.jobs + 4)

    def known(self, plan: Plan) -> dict[int, Known]:
        """What is known of the others that a plan names; broken ones are left out: `infer` meets and notes them."""
        found = {}
        for other in dict.fromkeys((*plan.references, *plan.keys)):
            if other != plan.frame and (other not in self._wanted or other in plan.mattes):
                source = (plan.inputs[other], plan.mattes.get(other))
                with suppress(MattingError):
                    found[other] = self._read.get_or_compute(source, partial(self._load, other))
        return found

    def _load(self, frame: int) -> Known:
        return self._shot.load(frame).known


def _infer(shot: Shot, plan: Plan, loaded: Loaded, known: Mapping[int, Known], lease: Lease) -> Matte:
    """The matte; the lease stays held, for the writer, unless this fails."""
    try:
        found = shot.cached(plan)  # another process may have been first
        return found or shot.infer(plan, loaded, known)
    except BaseException:
        lease.release()
        raise


def _write(target: Target, keeper: _Keeper, matte: Matte, lease: Lease | None, began: float) -> Done | Failed:
    try:
        if lease is not None:
            try:
                keeper.keep(matte)
            finally:
                lease.release()
        warnings = target.write(matte)
    except Exception as error:
        return Failed(matte.frame, _told(error, matte.frame))
    state: Literal["cached", "computed"] = "cached" if matte.cached else "computed"
    return Done(matte.frame, time.monotonic() - began, (*matte.notes, *warnings), state)


def _told(error: Exception, frame: int) -> MattingError:
    """The error of a frame as users read it; one that nobody foresaw is logged whole, and must not end the others."""
    if not isinstance(error, MattingError):
        log.error("frame %d", frame, exc_info=error)
    return as_told(error, frame)


class _Keeper:
    """The cache as the pipeline uses it: one that cannot be used is reported once, and frames go on without."""

    def __init__(self, shot: Shot, warn: Callable[[str], None]) -> None:
        self._shot, self._warn, self._lock = shot, warn, threading.Lock()
        self._cache = shot.cache

    def claim(self, key: str, wait: bool, stop: Callable[[], bool]) -> Lease | None:
        """The right to compute a matte; None where another process has it and `wait` is False, or `stop` says so."""
        if self._cache is not None:
            try:
                return self._cache.claim(key, wait=wait, stop=stop)
            except CacheError as error:
                self._give_up(error)
        return Lease()

    def keep(self, matte: Matte) -> None:
        if self._cache is not None:
            try:
                self._shot.keep(matte)
            except CacheError as error:
                self._give_up(error)

    def _give_up(self, error: CacheError) -> None:
        with self._lock:
            if self._cache is not None:
                self._cache = None
                self._warn(f"{error}; the run goes on without the cache")
