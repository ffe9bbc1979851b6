"""What a run tells: a progress bar for people, JSON lines for programs, errors alone for `--quiet`."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from nuke_matting.engine.pipeline import Done, Failed
from nuke_matting.engine.shot import Shot
from nuke_matting.errors import MattingError
from nuke_matting.plate.sequence import ImageSequence, format_frames


class Report(Protocol):
    """Told of everything that happens in a run, in order."""

    def plate(self, plate: ImageSequence, frames: tuple[int, ...]) -> None: ...
    def start(self, shot: Shot, frames: tuple[int, ...], out: str) -> None: ...
    def frame(self, result: Done | Failed, path: Path) -> None: ...
    def warning(self, text: str) -> None: ...
    def refused(self, error: MattingError) -> None: ...
    def close(self) -> None: ...
    def interrupted(self, done: int, failed: int) -> None: ...
    def done(self, done: int, failed: int, seconds: float, out: str) -> None: ...


def error_facts(error: MattingError, frame: int | None) -> dict[str, Any]:
    """What is said of an error in JSON."""
    return {
        "kind": error.kind,
        "frame": frame,
        "path": error.path,
        "what": error.what,
        "advice": error.advice,
        "text": str(error),
    }


class Logged(logging.Handler):
    """Takes what the package logs, while it is in use: warnings belong to the report, as all else that a run tells; an
    error that nobody foresaw goes to stderr with its traceback."""

    def __init__(self, report: Report) -> None:
        super().__init__(logging.WARNING)
        self._report = report

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.ERROR:
            self._report.warning(record.getMessage())
        elif logging.lastResort is not None:
            logging.lastResort.handle(record)

    def __enter__(self) -> Logged:
        logging.getLogger("nuke_matting").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("nuke_matting").removeHandler(self)


_SAYING = threading.Lock()


def say(event: dict[str, Any]) -> None:
    """One JSON object as one line on stdout, whole whichever threads speak: a warning comes from where it is met."""
    with _SAYING:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()


class _Told:
    """What is said of frames: of the first at once, of all that it holds for together in the end. Texts that differ in
    a measure alone, a number with a fraction, are one."""

    _MEASURE = re.compile(r"(?<!\S)-?\d+\.\d+(?=[,\s]|$)")

    def __init__(self) -> None:
        self._found: dict[str, tuple[list[int], list[str]]] = {}

    def is_new(self, frame: int, text: str) -> bool:
        """Whether it was said of no frame yet."""
        frames, texts = self._found.setdefault(self._MEASURE.sub("N", text), ([], []))
        frames.append(frame)
        texts.append(text)
        return len(frames) == 1

    def rest(self) -> list[str]:
        """What is said in the end, once, with the range of each measure."""
        found = [each for each in self._found.values() if len(each[0]) > 1]
        self._found.clear()
        return [f"frames {format_frames(frames)}: {self._ranged(texts)}" for frames, texts in found]

    def _ranged(self, texts: list[str]) -> str:
        columns = zip(*map(self._MEASURE.findall, texts), strict=True)
        ends = [(min(each, key=float), max(each, key=float)) for each in columns]
        ranges = iter(low if low == high else f"{low}..{high}" for low, high in ends)
        return self._MEASURE.sub(lambda _: next(ranges), texts[0])


def _new_failure(told: _Told, failed: Failed) -> str | None:
    """What is said of a failed frame now: nothing where another one has failed so."""
    error = failed.error
    if told.is_new(failed.frame, str(MattingError(error.what, advice=error.advice))):
        return str(MattingError(error.what, path=error.path, frame=failed.frame, advice=error.advice))
    return None


class QuietReport:
    """Errors alone, on stderr."""

    def __init__(self) -> None:
        self._failures = _Told()

    def plate(self, plate: ImageSequence, frames: tuple[int, ...]) -> None:
        pass

    def start(self, shot: Shot, frames: tuple[int, ...], out: str) -> None:
        pass

    def frame(self, result: Done | Failed, path: Path) -> None:
        if isinstance(result, Failed) and (line := _new_failure(self._failures, result)):
            print(f"nuke-matting: {line}", file=sys.stderr)

    def warning(self, text: str) -> None:
        pass

    def refused(self, error: MattingError) -> None:
        print(f"nuke-matting: {error}", file=sys.stderr)

    def close(self) -> None:
        for line in self._failures.rest():
            print(f"nuke-matting: {line}", file=sys.stderr)

    def interrupted(self, done: int, failed: int) -> None:
        pass

    def done(self, done: int, failed: int, seconds: float, out: str) -> None:
        pass


class JsonReport:
    """One JSON object a line on stdout, each with an `event`: start, frame, warning, error, done, interrupted.

    dry : the run only foresees what it would do; `start` says so.
    """

    def __init__(self, dry: bool = False) -> None:
        self._dry = dry

    def plate(self, plate: ImageSequence, frames: tuple[int, ...]) -> None:
        pass

    def start(self, shot: Shot, frames: tuple[int, ...], out: str) -> None:
        made_by = {"version": version("nuke-matting"), "weights": shot.model.digest}
        self._say("start", **shot.facts(frames), **made_by, out=out, dry_run=self._dry)

    def frame(self, result: Done | Failed, path: Path) -> None:
        if isinstance(result, Failed):
            self._error(result.error, result.frame)
            return
        self._say(
            "frame",
            frame=result.frame,
            path=str(path),
            state=result.state,
            seconds=round(result.seconds, 4),
            notes=list(result.notes),
        )

    def warning(self, text: str) -> None:
        self._say("warning", text=text)

    def refused(self, error: MattingError) -> None:
        self._error(error, error.frame)

    def close(self) -> None:
        pass

    def interrupted(self, done: int, failed: int) -> None:
        self._say("interrupted", frames=done, failed=failed)

    def done(self, done: int, failed: int, seconds: float, out: str) -> None:
        self._say("done", frames=done, failed=failed, seconds=round(seconds, 3), out=out)

    def _error(self, error: MattingError, frame: int | None) -> None:
        self._say("error", **error_facts(error, frame))

    def _say(self, event: str, **about: Any) -> None:
        say({"event": event, **about})


class _Speed(ProgressColumn):
    """Frames a second since the start."""

    def render(self, task: Task) -> Text:
        seconds = task.finished_time if task.finished else task.elapsed
        return Text(f"{task.completed / seconds:.2f} frames/s" if seconds and task.completed else "- frames/s")


_WOULD = {  # what becomes of frames, as of `pipeline` and failed -> what a dry run says of them
    "computed": "would compute",
    "cached": "from the cache",
    "skipped": "there already",
    "failed": "would fail",
}


class TerminalReport:
    """A progress bar with frames a second and the time left, on stderr; plain lines where that is no terminal.

    dry : the run only foresees what it would do; in the end its frames are listed by that.
    """

    def __init__(self, dry: bool = False) -> None:
        self._dry = dry
        self._console = Console(stderr=True, soft_wrap=True, highlight=False)
        self._progress: Progress | None = None
        self._tally: dict[str, list[int]] = {state: [] for state in _WOULD}
        self._notes = _Told()
        self._failures = _Told()
        self._every = 1
        self._count = 0
        self._line_before = (0, 0.0)  # frames that were done then, and when

    def plate(self, plate: ImageSequence, frames: tuple[int, ...]) -> None:
        self._line(f"plate   {plate.pattern}, frames {format_frames(frames)} ({len(frames)})")

    def start(self, shot: Shot, frames: tuple[int, ...], out: str) -> None:
        about = shot.facts(frames)
        self._line(f"model   {about['model']} on {about['device']}, {about['precision']}")
        self._line(f"colour  {about['colour']}")
        self._line(f"out     {out}")
        self._count, self._every = len(frames), max(1, len(frames) // 20)
        self._line_before = 0, time.monotonic()
        if self._console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                _Speed(),
                TimeRemainingColumn(),
            )
            self._progress = Progress(*columns, console=self._console)
            self._progress.add_task("looking" if self._dry else "matting", total=len(frames))
            self._progress.start()

    def frame(self, result: Done | Failed, path: Path) -> None:
        if isinstance(result, Failed):
            self._tally["failed"].append(result.frame)
            if line := _new_failure(self._failures, result):
                self._line(f"error: {line}", "bold red")
        else:
            self._tally[result.state].append(result.frame)
            for note in result.notes:
                if self._notes.is_new(result.frame, note):
                    self._line(f"frame {result.frame}: {note}", "yellow")
        if self._progress is not None:
            self._progress.advance(self._progress.task_ids[0])
            return
        count = sum(map(len, self._tally.values()))
        if not self._dry and (count % self._every == 0 or count == self._count):
            state = "  FAILED" if isinstance(result, Failed) else ""
            self._line(f"frame {result.frame}{state}  {count}/{self._count}{self._pace(count)}")

    def _pace(self, count: int) -> str:
        """Seconds a frame since the line before, and the time left at that pace."""
        (before, then), now = self._line_before, time.monotonic()
        self._line_before = count, now
        each = (now - then) / (count - before)
        left = timedelta(seconds=round(each * (self._count - count)))
        return f"  {each:.2f} s a frame" + (f", {left} left" if count < self._count else "")

    def warning(self, text: str) -> None:
        self._line(f"warning: {text}", "yellow")

    def refused(self, error: MattingError) -> None:
        self._line(f"nuke-matting: {error}", "bold red")

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
        for line in self._notes.rest():
            self._line(line, "yellow")
        for line in self._failures.rest():
            self._line(f"error: {line}", "bold red")

    def interrupted(self, done: int, failed: int) -> None:
        self.close()
        if self._count:  # else it had not started
            lacking = f", {failed} failed" if failed else ""
            self._line(f"interrupted: {done} of {counted(self._count, 'frame')} done{lacking}", "yellow")

    def done(self, done: int, failed: int, seconds: float, out: str) -> None:
        if self._dry:
            for state, frames in self._tally.items():
                if frames:
                    self._line(f"{_WOULD[state]:<16}{format_frames(frames)} ({len(frames)})")
            self._line("dry run: nothing was touched")
            return
        how = ", ".join(f"{len(frames)} {state}" for state, frames in self._tally.items() if frames)
        self._line(f"{counted(done, 'frame')} in {seconds:.1f} s ({how}): {out}")
        if failed:
            rest = f"the others are {out}" if done else "nothing was written"
            self._line(f"{counted(failed, 'frame')} FAILED, each is named above; {rest}", "bold red")

    def _line(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style))  # not print(style=...), which would colour the bar as well


def counted(count: int, name: str) -> str:
    """A number of things in words.

    >>> counted(1, "frame"), counted(0, "matte")
    ('1 frame', '0 mattes')
    """
    return f"{count} {name}{'' if count == 1 else 's'}"
