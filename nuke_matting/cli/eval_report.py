"""What `eval` tells: a table for people, JSON lines for programs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from nuke_matting.cli.report import error_facts, say
from nuke_matting.errors import MattingError
from nuke_matting.quality.clips import Clip
from nuke_matting.quality.figures import UNITS, Figures, mean_figures
from nuke_matting.quality.table import MEAN, markdown


@dataclass(frozen=True)
class EvalResults:
    """What was measured.

    clips : of each clip its frames, with their figures.
    columns : the names of the figures to be shown.
    failed : how many clips, frames and files were not measured or written.
    seconds : that measuring took.
    """

    clips: dict[str, list[tuple[int, Figures]]]
    columns: tuple[str, ...]
    failed: int
    seconds: float

    @cached_property
    def means(self) -> dict[str, Figures]:
        """Of each clip."""
        return {name: mean_figures(found for _, found in frames) for name, frames in self.clips.items()}

    @cached_property
    def mean(self) -> Figures:
        """Of the clips' means, so that a long clip counts no more than a short one."""
        return mean_figures(self.means.values())

    @cached_property
    def frames(self) -> int:
        """How many frames were measured."""
        return sum(map(len, self.clips.values()))


class EvalReport(Protocol):
    """Told of everything that happens in a measurement, in order."""

    def clip(self, clip: Clip, frames: tuple[int, ...]) -> None: ...
    def frame(self, clip: Clip, frame: int, found: Figures, columns: tuple[str, ...]) -> None: ...
    def warning(self, text: str) -> None: ...
    def error(self, error: MattingError, frame: int | None = None) -> None: ...
    def close(self) -> None: ...
    def done(self, results: EvalResults) -> None: ...


class TerminalEvalReport:
    """A table on stdout; errors and, on a terminal, a bar on stderr."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, soft_wrap=True, highlight=False)
        self._bar = Progress(console=self._console, transient=True) if self._console.is_terminal else None

    def clip(self, clip: Clip, frames: tuple[int, ...]) -> None:
        if self._bar is not None:
            self.close()
            self._bar.start()
            self._bar.add_task(clip.name, total=len(frames))

    def frame(self, clip: Clip, frame: int, found: Figures, columns: tuple[str, ...]) -> None:
        self._advance()

    def warning(self, text: str) -> None:
        self._line(f"warning: {text}", "yellow")

    def error(self, error: MattingError, frame: int | None = None) -> None:
        self._line(f"error: {error}", "bold red")
        self._advance()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            for task in self._bar.task_ids:
                self._bar.remove_task(task)

    def done(self, results: EvalResults) -> None:
        rows = [(name, len(frames), results.means[name]) for name, frames in results.clips.items()]
        print(markdown([*rows, (MEAN, results.frames, results.mean)], results.columns, "clip", "frames"))
        print(UNITS)
        if results.failed:
            self._line(f"{results.failed} failed; each is named above", "bold red")

    def _line(self, text: str, style: str) -> None:
        self._console.print(Text(text, style))

    def _advance(self) -> None:
        if self._bar is not None and self._bar.task_ids:
            self._bar.advance(self._bar.task_ids[-1])


class JsonEvalReport:
    """One JSON object a line on stdout, each with an `event`: frame, clip, warning, error, done."""

    def clip(self, clip: Clip, frames: tuple[int, ...]) -> None:
        pass

    def frame(self, clip: Clip, frame: int, found: Figures, columns: tuple[str, ...]) -> None:
        self._say("frame", clip=clip.name, frame=frame, **_all(found, columns))

    def warning(self, text: str) -> None:
        self._say("warning", text=text)

    def error(self, error: MattingError, frame: int | None = None) -> None:
        self._say("error", **error_facts(error, error.frame if frame is None else frame))

    def close(self) -> None:
        sys.stdout.flush()

    def done(self, results: EvalResults) -> None:
        for name, found in results.means.items():
            self._say("clip", clip=name, frames=len(results.clips[name]), **_all(found, results.columns))
        about = {"clips": len(results.clips), "frames": results.frames, "failed": results.failed}
        self._say("done", **about, seconds=round(results.seconds, 3), **_all(results.mean, results.columns))

    def _say(self, event: str, **about: Any) -> None:
        say({"event": event, **about})


def _all(found: Figures, columns: tuple[str, ...]) -> dict[str, float | None]:
    return {name: found.get(name) for name in columns}
