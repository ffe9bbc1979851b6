"""A request for mattes as work that can be put off: a generator that stops for breath after each frame or two."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nuke_matting.engine.delivery import Delivery, Look
from nuke_matting.engine.pipeline import Failed, Target, run
from nuke_matting.engine.shot import Shot
from nuke_matting.engine.values import Matte, Plan
from nuke_matting.errors import CacheError, MattingError, UsageError, as_told
from nuke_matting.homes import expanded
from nuke_matting.host.protocol import error_event
from nuke_matting.plate.sequence import parse_frames
from nuke_matting.settings import Settings, options
from nuke_matting.worker.library import Library

log = logging.getLogger(__name__)

Say = Callable[[dict[str, Any]], None]
MOST_TOLD = 100_000  # characters


class Job:
    """One matte request. `steps` does the work and says how it goes; `stop`, once set, ends it soon."""

    def __init__(self, request: dict[str, Any], library: Library, say: Say) -> None:
        self.id: str = request["id"]
        self.priority: int = request.get("priority", 0)
        self.stop = threading.Event()
        self.steps = self._steps()
        self._request, self._library, self._say = request, library, say
        self._done = self._failed = 0

    def _steps(self) -> Iterator[None]:
        began = time.monotonic()
        try:
            if not self.stop.is_set():
                yield from self._work()
        except Exception as error:
            self._say(told(self.id, error))
            return
        state = "cancelled" if self.stop.is_set() else "failed" if self._failed else "done"
        seconds = round(time.monotonic() - began, 4)
        self._tell("done", state=state, done=self._done, failed=self._failed, seconds=seconds)

    def _work(self) -> Iterator[None]:
        request = self._request
        settings = settings_of(request.get("settings", {}))
        _refuse_nameless({name: request.get(name) for name in ("plate", "out")} | vars(settings))
        out = str(expanded(request["out"])) if "out" in request else ""
        wanted = parse_frames(request["frames"]) if "frames" in request else None
        shot = self._library.open(request["plate"], settings)
        frames = in_order(wanted or shot.frames, request.get("view"))
        if out:
            target: Delivery | _InCache = Delivery(shot, out, frames, request.get("overwrite", False))
        else:
            target = _InCache(shot)
        compute = request.get("compute", True)
        if compute:  # a look costs no frame, and says which mattes are there all the same
            shot.plate.refuse_strangers(sorted(frames))
            shot.files.refuse_misfits(sorted(frames))
        facts = shot.facts(frames)
        facts["frames"] = _shortened(facts["frames"])
        self._tell("started", **facts, references=list(shot.model.references))
        self._progress(len(frames))
        step = self._matte if compute else self._look
        for _ in step(shot, frames, target):
            self._progress(len(frames))
            yield

    def _matte(self, shot: Shot, frames: Sequence[int], target: Delivery | _InCache) -> Iterator[None]:
        for result in run(shot, frames, target, self._warn, self.stop.is_set):
            if isinstance(result, Failed):
                self._fail(result.frame, result.error)
            else:
                self._frame(result.frame, result.state, target.path(result.frame), result.seconds, result.notes)
            yield

    def _look(self, shot: Shot, frames: Sequence[int], target: Delivery | _InCache) -> Iterator[None]:
        """Which mattes are there and up to date."""
        there = "skipped" if isinstance(target, Delivery) else "cached"
        for frame in frames:
            if self.stop.is_set():
                return
            began = time.monotonic()
            try:
                found = target.look(shot.plan(frame))
                path = None if found == "missing" else target.path(frame)
                self._frame(frame, there if found == "there" else found, path, time.monotonic() - began)
            except MattingError as error:
                self._fail(frame, error)
            yield

    def _frame(self, frame: int, state: str, path: Path | None, seconds: float, notes: Sequence[str] = ()) -> None:
        self._done += 1
        shown = None if path is None else os.path.abspath(path)
        self._tell("frame", frame=frame, state=state, path=shown, seconds=round(seconds, 4), notes=list(notes))

    def _fail(self, frame: int, error: MattingError) -> None:
        self._failed += 1
        self._say(told(self.id, error, frame))

    def _progress(self, total: int) -> None:
        self._tell("progress", done=self._done, failed=self._failed, total=total)

    def _warn(self, text: str) -> None:
        self._tell("warning", text=text)

    def _tell(self, kind: str, **about: Any) -> None:
        self._say({"type": kind, "id": self.id, **about})


class _InCache(Target):
    """Mattes stay in the cache, and the host reads them there."""

    def __init__(self, shot: Shot) -> None:
        if shot.cache is None:
            raise UsageError("there is nowhere to put the mattes", advice="name an output (out) or allow the cache")
        self._shot, self._cache = shot, shot.cache
        self._paths: dict[int, Path] = {}
        self._refusal = ""  # why a matte could not be kept

    def path(self, frame: int) -> Path:
        return self._paths[frame]

    def has(self, plan: Plan) -> bool:
        """False: the pipeline takes it from the cache itself, and checks every byte.

        Raises CacheError, before the matte is computed, once another one could not be kept.
        """
        if self._refusal and not self._find(plan.frame, plan.key):
            raise self._refused(self._refusal, plan.frame)
        return False

    def look(self, plan: Plan) -> Look:
        """Whether a plan's matte seems to be there."""
        return "there" if self._find(plan.frame, plan.key) else "missing"

    def write(self, matte: Matte) -> list[str]:
        if not matte.key:
            raise CacheError(
                "files that the matte is made from changed meanwhile",
                path=matte.plate,
                frame=matte.frame,
                advice="matte it again",
            )
        if not self._find(matte.frame, matte.key):  # the pipeline may have given up the cache
            try:
                self._shot.keep(matte)
            except CacheError as error:
                self._refusal = error.what
                raise self._refused(error.what, matte.frame) from error
            if not self._find(matte.frame, matte.key):
                raise self._refused("the matte was removed from the cache at once", matte.frame)
        return []

    def _refused(self, what: str, frame: int) -> CacheError:
        advice = "make room, or give another folder for the cache (cache_dir)"
        return CacheError(what, path=self._cache.folder, frame=frame, advice=advice)

    def _find(self, frame: int, key: str) -> bool:
        path = self._cache.path(key)
        if path is not None:
            self._paths[frame] = path
        return path is not None


def _shortened(frames: str) -> str:
    """Frames as text, cut where a request names so many single ones that no line could hold them."""
    return frames if len(frames) <= MOST_TOLD else frames[:MOST_TOLD].rpartition(",")[0] + ",..."


def _refuse_nameless(texts: Mapping[str, Any]) -> None:
    """Raises UsageError for a text that JSON can hold and no file's name."""
    for name, text in texts.items():
        if isinstance(text, str) and not _may_name(text):
            raise UsageError(f"{name}: {text!r} cannot be in a file's name", advice="give one without such characters")


def _may_name(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:  # half of a character
        return False


def settings_of(given: dict[str, Any]) -> Settings:
    """Settings from a request's. JSON has one kind of number: 4 is 4.0 where a fraction may stand."""
    known = options()
    return Settings(**{name: type(known[name][0])(value) for name, value in given.items()})


def in_order(frames: Sequence[int], view: int | None) -> tuple[int, ...]:
    """Frames as they are to be done: the one in view first, then those after it, then those before.

    >>> in_order((1, 2, 3, 4), 3)
    (3, 4, 1, 2)
    """
    if view is None:
        return tuple(frames)
    return (*(each for each in frames if each >= view), *(each for each in frames if each < view))


def told(request: str | None, error: Exception, frame: int | None = None) -> dict[str, Any]:
    """An error as an event; one that nobody foresaw is logged whole."""
    if not isinstance(error, MattingError):
        log.error("request %s", request, exc_info=error)
    said = as_told(error)
    return error_event(request, said.kind, said.what, said.advice, frame, said.path)
