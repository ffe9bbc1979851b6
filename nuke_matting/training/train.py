"""The training of a stage: batches in; a checkpoint, averaged weights, a log and pictures out.

`last.pt` is everything that a resumed run needs, `weights.safetensors` the averaged weights, ready to use, `log.csv`
the mean of each loss over LOG_EVERY steps, `NNNNNN.jpg` what the network sees, says and should say.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nuke_matting.atomic import write_whole
from nuke_matting.errors import MattingError, ModelError, OutputError, UsageError
from nuke_matting.models.tensors import autocast, bf16_is_fast, channels_last
from nuke_matting.models.weights import LICENCES_BEFORE, WeightFile, load_weights, save_weights
from nuke_matting.training.data import Batch, Sources
from nuke_matting.training.echo import batches
from nuke_matting.training.failures import failures_told
from nuke_matting.training.learning import follow, make_optimiser, repeatable
from nuke_matting.training.pace import Pace
from nuke_matting.training.processes import GO_ON, Processes
from nuke_matting.training.provenance import Drawn, Past, drawn_from
from nuke_matting.training.record import Log, write_samples
from nuke_matting.training.stages import Recipe, rate_at
from nuke_matting.training.starts import Start, fitting, read_checkpoint, take
from nuke_matting.training.student import Student
from nuke_matting.training.students import check_share, check_sources, make_student

LAST, WEIGHTS, LOG = "last.pt", "weights.safetensors", "log.csv"
LOG_EVERY = 50  # steps
SAVE_EVERY = 180.0  # seconds
NORMS_EVERY = 4  # steps
APART, ENDLESS = 15_485_863, 10**8  # seeds and steps that no stage has


@dataclass(frozen=True)
class Job:
    """A stage of a recipe, what it is trained on, and where it goes.

    start_from : what a new run starts from; of several, the mean; of none, weights drawn at random.
    licence : of the weights, said in their file; "" says nothing.
    after : the weight file of the network after which this one comes, if its recipe says that it does (see
        `Student.follow`).
    minutes : if given, the stage ends after so many, those of earlier runs counted in, and has as many steps as there
        is time for, in place of the recipe's.
    """

    recipe: Recipe
    stage: str
    sources: Sources
    out: Path
    start_from: tuple[Start, ...] = ()
    seed: int = 1
    licence: str = ""
    after: Path | None = None
    minutes: int | None = None

    def of_steps(self, steps: int) -> Job:
        """The same with another number of steps than the recipe's."""
        stages = {**self.recipe.stages, self.stage: replace(self.recipe.stages[self.stage], steps=steps)}
        return replace(self, recipe=replace(self.recipe, stages=stages))


@dataclass(frozen=True)
class Progress:
    """Told after each step: how many are done, the sum of the last one's losses, seconds spent in the stage, and how
    many of those since the run began it waited for samples."""

    step: int
    loss: float
    seconds: float
    waited: float


class Trainer:
    """A student that learns, and the average that follows it. Goes on from the checkpoint in `job.out`, if any.

    `step` is the number of steps done, `told` what there is to say of a new run's start. Raises ModelError: a
    checkpoint that cannot be read, or is of something else; UsageError: a batch that cannot be shared among the
    processes or is too small, subjects that the model cannot learn, or nothing that a stage could start from or come
    after; OutputError: `job.out` cannot be made; MattingError: a picture that the student begins with cannot be
    read, or there is no memory for it.
    """

    def __init__(self, job: Job, processes: Processes) -> None:
        check_sources(job.recipe, job.sources)
        self.job, self.processes = job, processes
        self.stage = processes.share(job.recipe.stages[job.stage])
        self._seed = job.seed + processes.rank * 7_919  # of what this process draws
        torch.manual_seed(job.seed)
        before = None if job.after is None else load_weights(job.after)
        self._digest = "" if before is None else before.digest
        self.student = channels_last(self._made(before))
        check_share(self.student, self.stage)
        self.student.requires_grad_(False)
        learners = self.student.learners(self.stage)
        for each in learners:
            each.requires_grad_(True)
        refines = self.student.refines(self.stage)
        self.student.refinement.requires_grad_(refines)
        if not learners and not (refines and self.stage.learns == "refinement"):
            raise UsageError(
                f"nothing learns in stage {job.stage} of the recipe",
                advice="write learns: all; a refinement learns where it enlarges by more than 1, a memory in two_stage",
            )
        self.average = self._made(before)
        self.optimiser = make_optimiser(self.student, job.recipe.optimiser, self.stage.rate)
        self.step, self._spent, self.told = 0, 0.0, ""
        self._before, self._drawn = Past(), drawn_from(job.sources)
        last = job.out / LAST
        if not (last.exists() or job.start_from or self.stage.learns == "all"):
            raise UsageError(
                f"in stage {job.stage} the {self.stage.learns} alone learns, and all else stays as drawn at random",
                advice="give what it is to start from with --start-from, as last.pt of the stage before",
            )
        try:
            job.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot be made ({error.strerror or error})", path=job.out, advice="choose another --out"
            ) from error
        with failures_told(self.stage, processes.device.type):
            if last.exists():
                self._resume(last)
            if self.step == 0 and (job.start_from or not last.exists()):  # a checkpoint of no steps is a start alone
                self.told = self._start()
            self._module = processes.wrap(self.student)
        self._began = time.monotonic()

    def _made(self, before: WeightFile | None) -> Student:
        """A student with weights drawn at random, which comes after the network of a file, if there is one."""
        device = self.processes.device
        student = make_student(self.job.recipe).to(device)
        if before is not None:
            student.follow(before, device)
        elif student.comes_after:
            raise UsageError(
                "the recipe is of a network that comes after another one, and none is given",
                advice="give that one's weight file with --after",
            )
        return student

    def _after(self) -> str:
        """The file of the network before, in words, or ""; with folder and digest, as most are called alike."""
        return f"{Path(*self.job.after.parts[-2:])} ({self._digest[:12]})" if self.job.after is not None else ""

    def _start(self) -> str:
        """Gives both students what a new run starts from, and says what there is to tell of it."""
        job, told = self.job, ["weights drawn at random"]
        if job.start_from:
            helped = job.after is not None or not job.sources.some_people
            self._before = take(self.student, job.start_from, helped)
            told = [self._begin()]
            if self._before.licences and not job.licence:
                licences = " and ".join(self._before.licences)
                told.append(f"the starting weights state the licence {licences}; give --licence for the new ones")
        self.average.load_state_dict(self.student.state_dict())
        return "; ".join(filter(None, told))

    def _begin(self) -> str:
        """Has the student begin, on samples that the stage does not learn from.

        Every process draws the same. Should they come to other numbers yet, the first one's hold: see `wrap`.
        """
        seed, endless = self.job.seed + APART, replace(self.stage, steps=ENDLESS, echo=1)
        drawn = batches(self.job.sources, endless, seed, 0, self.processes.device, workers=0)
        return self.student.begin(self.stage, drawn, torch.Generator().manual_seed(seed))

    @property
    def seconds(self) -> float:
        """Spent in the stage, with those of the runs before."""
        return self._spent + time.monotonic() - self._began

    def run(self, workers: int = 1, save_every: float = SAVE_EVERY) -> Generator[Progress, None, None]:
        """Learns to the stage's end, or until it is closed; either way it leaves a checkpoint from which it goes on.

        A run that was stopped and goes on gives the weights that an unbroken one gives, on the same CPU to the last
        bit: what is drawn depends on the seed, the step and the number of processes alone.

        workers : processes that draw samples; 0 draws in this one.
        save_every : seconds from one checkpoint to the next.
        Raises MattingError.
        """
        with failures_told(self.stage, self.processes.device.type):
            yield from self._run(workers, save_every)

    def _run(self, workers: int, save_every: float) -> Generator[Progress, None, None]:
        self._began = saved = time.monotonic()
        first = self.step
        log = Log(self.job.out / LOG, self.step, LOG_EVERY) if self.processes.first else None
        stage = self.stage
        pace = None if self.job.minutes is None else Pace(self.job.minutes, self._spent)
        if pace is not None:
            stage = replace(stage, steps=ENDLESS)
            self.stage = replace(self.stage, steps=self.step + pace.at_first(self.step, self.stage.steps))
        waited = 0.0
        # closed whatever happens: its processes would outlive an error that nobody expects
        with closing(batches(self.job.sources, stage, self._seed, self.step, self.processes.device, workers)) as drawn:
            while True:
                asked = time.monotonic()
                batch = next(drawn, None) if self.step < self.stage.steps else None
                waited += time.monotonic() - asked
                if batch is None:
                    if log is not None and (self.step == 0 or not (self.job.out / WEIGHTS).exists()):
                        self.save()  # of no steps at all: the start, as it is
                    return
                losses, alpha = self.learn(batch)
                if pace is not None and pace.asks(self.step - first):
                    self._keep(pace, self.step - first)
                if log is not None:
                    log.add(self.step, self.seconds, losses)
                    if self.step >= self.stage.steps or time.monotonic() - saved > save_every:
                        self.save()
                        write_samples(self.job.out / f"{self.step:06d}.jpg", batch, alpha, self.stage)
                        saved = time.monotonic()
                try:
                    yield Progress(self.step, sum(losses.values()), self.seconds, waited)
                except GeneratorExit:
                    if log is not None:
                        self.save()
                    raise

    def _keep(self, pace: Pace, done: int) -> None:
        """Has the stage as many steps as there is time for, after so many of this run."""
        spent = self.processes.most(time.monotonic() - self._began)  # the same in all, or their rates would differ
        more = pace.more(done, spent)
        if more is not None:
            self.stage = replace(self.stage, steps=self.step + more)

    def learn(self, batch: Batch) -> tuple[dict[str, float], Tensor]:
        """One step: each loss, and the alpha [B, T, 1, h, w] for a look.

        batch : on the processes' device.
        Raises MattingError: a loss is not finite, in any process, or a gradient; the weights are as before.
        """
        settings, device = self.job.recipe.optimiser, self.processes.device
        self._module.train()
        if not self.stage.norms:
            for module in self.student.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(self.step, self.stage, settings) * group["factor"]
        torch.manual_seed(self._seed * 7_919 + self.step)  # of drop-out, so that resumed runs drop alike
        with repeatable(device):
            parts, alpha = self._answers(self._module, batch)
            values = torch.stack([*parts.values()])
            losses = dict(zip(parts, values.tolist(), strict=True))  # a GPU is waited for once
            # asked of all before they wait for each other's gradients, so that all end alike
            if self.processes.any(not math.isfinite(sum(losses.values()))):
                wrong = ", ".join(name for name, value in losses.items() if not math.isfinite(value))
                raise self._not_finite(f"losses of step {self.step} are not finite: {wrong or 'in another process'}")
            self.optimiser.zero_grad(set_to_none=True)
            values.sum().backward()
        length = nn.utils.clip_grad_norm_(self.student.parameters(), settings.clip_gradient)
        if not math.isfinite(length):  # in all processes, which share their gradients
            raise self._not_finite(f"gradients of step {self.step} are not finite")
        self.optimiser.step()
        follow(self.average, self.student, min(settings.ema, (self.step + 1) / (self.step + 10)))
        if self.stage.norms and self.step % NORMS_EVERY == 0:
            self._see(batch)
        self.step += 1
        return losses, alpha.detach()

    def _not_finite(self, what: str) -> MattingError:
        return MattingError(what, path=self.job.out, advice=f"lower the recipe's rate; {GO_ON}")

    def _see(self, batch: Batch) -> None:
        """Shows the averaged network a batch, for its batch norms: the student's statistics are not those of averages.

        Whoever averages them as well has a network that does worse at work than in training, the more so the faster it
        learns (Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima", section 3.2, take them anew likewise).
        """
        self.average.train()
        with torch.no_grad():
            self._answers(self.average, batch)

    def _answers(self, student: nn.Module, batch: Batch) -> tuple[dict[str, Tensor], Tensor]:
        """What a student, or DDP's wrapper of it, makes of this step's batch."""
        device, generator = str(self.processes.device), torch.Generator().manual_seed(self._seed * 7_919 + self.step)
        with autocast(device, "bf16" if bf16_is_fast(device) else "fp32"):
            answers: tuple[dict[str, Tensor], Tensor] = student(batch, self.stage, generator)
        return answers

    def save(self) -> None:
        """Writes the weights, then the checkpoint, each whole or not at all. Raises OutputError.

        In this order: where the second fails, some steps are taken again, and no old weights pass for the new ones.
        """
        out, stream = self.job.out, io.BytesIO()
        past = self._past()
        state = {
            "student": self.student.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "stage": self.job.stage,
            "seed": self.job.seed,
            "after": self._after(),
            "after_digest": self._digest,
            "runs": past.runs,
            "drawn": (self._drawn.subjects, self._drawn.backgrounds),
            "licence": self.job.licence,
            LICENCES_BEFORE: past.licences,
        }
        torch.save(state, stream)
        save_weights(out / WEIGHTS, self.average.net, self._about(past))
        write_whole(out / LAST, stream.getvalue())

    def _past(self) -> Past:
        """What the weights come from by now, this run first; the licences are of what it started from."""
        after = f", after the weights {self._digest[:12]}" if self._digest else ""
        run = f"step {self.step} of stage {self.job.stage}, {self.seconds:.0f} s in it{after}; {self._drawn}"
        return replace(self._before, runs=(run, *self._before.runs))

    def _about(self, past: Past) -> dict[str, str]:
        job = self.job
        about = {
            "architecture": job.recipe.model,
            "name": job.recipe.model,
            "version": version("nuke-matting"),
            "training": past.told(),
        }
        own = {"licence": job.licence} if job.licence else {}
        return about | self.student.about() | own | past.licences_beside(job.licence)

    def _resume(self, path: Path) -> None:
        last = read_checkpoint(path)
        self._check_same(last, path)
        said = [
            {name: group[name] for name in ("weight_decay", "factor", "matrices")}
            for group in self.optimiser.param_groups
        ]
        with fitting(path):
            self.student.load_state_dict(last["student"])
            self.average.load_state_dict(last["average"])
            self.optimiser.load_state_dict(last["optimiser"])
            self.step, self._spent = last["step"], last["seconds"]
        self._before = Past(tuple(last.get("runs", ())[1:]), tuple(last.get(LICENCES_BEFORE, ())))
        self._drawn = Drawn(*last.get("drawn", ())) + self._drawn
        for group, own in zip(self.optimiser.param_groups, said, strict=True):
            group.update(own)  # the recipe's, which may have been changed since

    def _check_same(self, last: dict[str, Any], path: Path) -> None:
        """Raises ModelError where a checkpoint is of another stage or seed, or comes after other weights."""
        for name, own in (("stage", self.job.stage), ("seed", self.job.seed), ("after", self._after())):
            was = last.get(name, own)  # checkpoints of before do not say, or name a file without its digest
            same = was == own
            if name == "after" and own and was:  # the file may have been moved: its digest tells
                same = last.get("after_digest", self._digest) == self._digest
            if same:
                continue
            theirs, ours = (each if each != "" else "nothing" for each in (was, own))
            go_on = f"leave out --{name}" if was == "" else f"give --{name} {was}"
            raise ModelError(
                f"its {name} is {theirs}, not {ours}",
                path=path,
                advice=f"{go_on} to go on, or another --out to start anew",
            )
