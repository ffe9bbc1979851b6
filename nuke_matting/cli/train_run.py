"""A training on the command line: progress, and the way from Ctrl-C to a checkpoint."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from nuke_matting.cli.exits import INTERRUPTED, OK
from nuke_matting.cli.interruption import Interruption
from nuke_matting.training import processes, train
from nuke_matting.training.train import LAST, LOG_EVERY, WEIGHTS, Job, Trainer

LONG_WAIT = 0.15  # share of the time; a longer wait for samples is reported


def run_training(job: Job, workers: int, held: Sequence[str] = ()) -> int:
    """Trains to the stage's end, or to an interruption; returns the exit code. Raises MattingError.

    held : lines that say what the sources hold.
    """
    with processes.joined() as among, Interruption() as interruption:
        trainer = Trainer(job, among)
        report = _Report(trainer, held)
        running = trainer.run(workers)
        try:
            for progress in running:
                report.step(progress)
                if among.any(interruption.heard()) and progress.step < trainer.stage.steps:
                    running.close()  # leaves a checkpoint
                    report.stopped()
                    return INTERRUPTED
        finally:
            report.close()
            running.close()  # or what draws samples would outlive an error
        report.done()
    return OK


class _Pace(ProgressColumn):
    """Seconds a step."""

    def render(self, task: Task) -> Text:
        return Text(f"{1 / task.speed:.2f} s a step" if task.speed else "- s a step")


class _Report:
    """A bar with the time left on a terminal, else a line every LOG_EVERY steps; on stderr, by the first process."""

    def __init__(self, trainer: Trainer, held: Sequence[str]) -> None:
        job, among = trainer.job, trainer.processes
        self._out, self._start, self._trainer = job.out, trainer.step, trainer
        self._console = Console(stderr=True, soft_wrap=True, highlight=False, quiet=not among.first)
        self._bar: Progress | None = None
        self._began = time.monotonic()
        self._last, self._waited = trainer.step, 0.0
        stage = job.recipe.stages[job.stage]
        length = f"{stage.steps} steps" if job.minutes is None else f"{job.minutes} minutes, steps"
        clips = "stills" if stage.frames == 1 else f"clips of {stage.frames} frames"
        self._line(f"stage   {job.stage} of {job.recipe.model}: {length} of {stage.batch} {clips}")
        for each in held:
            self._line(each)
        self._line(f"device  {among.device.type}" + (f", {among.count} processes" if among.count > 1 else ""))
        self._line(f"out     {job.out}" + (f", goes on from step {trainer.step}" if trainer.step else ""))
        if trainer.told:
            self._line(f"start   {trainer.told}")
        if self._console.is_terminal and among.first:
            left = TimeRemainingColumn(elapsed_when_finished=True)
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Pace(), left)
            self._bar = Progress(*columns, console=self._console, speed_estimate_period=600)
            self._bar.add_task("training", total=self._steps, completed=trainer.step)
            self._bar.start()

    @property
    def _steps(self) -> int:
        return self._trainer.stage.steps  # which may change on the way

    def step(self, progress: train.Progress) -> None:
        """A step is done."""
        step = self._last = progress.step
        spent = time.monotonic() - self._began
        share = progress.waited / max(spent, 1e-9)
        self._waited = share if share > LONG_WAIT else 0.0
        loss = f"loss {progress.loss:.3f}"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=step, total=self._steps, description=loss + self._wait())
        elif step % LOG_EVERY == 0 or step == self._steps:
            pace = spent / (step - self._start)
            left = timedelta(seconds=round(pace * (self._steps - step)))
            self._line(f"step {step} of {self._steps}, {loss}, {pace:.2f} s a step{self._wait()}, {left} left")

    def _wait(self) -> str:
        return f" ({self._waited:.0%} of it waiting for samples)" if self._waited else ""

    def close(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def stopped(self) -> None:
        """An interruption was heeded."""
        self.close()
        self._line(
            f"interrupted at step {self._last} of {self._steps}: {self._out / LAST} is whole;"
            " run the same command again to go on"
        )

    def done(self) -> None:
        """The stage is at its end."""
        how = "was done before" if 0 < self._start == self._last else "done"
        self._line(f"{how}, {self._last} steps: {self._out / WEIGHTS}")
        if self._waited:
            self._line(
                f"samples were waited for {self._waited:.0%} of the time: raise echo in the recipe, or --workers where"
                " cores are idle"
            )

    def _line(self, text: str) -> None:
        self._console.print(Text(text))
        sys.stderr.flush()
