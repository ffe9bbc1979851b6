"""The students, one a model."""

from __future__ import annotations

from nuke_matting.errors import UsageError
from nuke_matting.training.data import Sources
from nuke_matting.training.stages import Recipe, Stage
from nuke_matting.training.student import Student
from nuke_matting.training.students.background import BackgroundStudent
from nuke_matting.training.students.memory import MemoryStudent
from nuke_matting.training.students.regional import RegionalStudent
from nuke_matting.training.students.two_stage import TwoStageStudent

MODELS: dict[str, type[Student]] = {
    "background": BackgroundStudent,
    "memory": MemoryStudent,
    "regional": RegionalStudent,
    "two_stage": TwoStageStudent,
}


def make_student(recipe: Recipe) -> Student:
    """The student of a recipe's model, with weights drawn at random."""
    return MODELS[recipe.model](recipe)


def check_sources(recipe: Recipe, sources: Sources) -> None:
    """Raises UsageError for subjects that a model cannot learn: those that it cannot be told by a plate or a guide."""
    if not MODELS[recipe.model].takes_help and not sources.people_alone:
        raise UsageError(
            f"{recipe.model} is shown no clean plate and no guide, so it can learn people alone",
            advice="leave out --others, --things and sets that do not hold people alone",
        )


def check_share(student: Student, share: Stage) -> None:
    """Raises UsageError where a process's share of a stage's batch is too small to learn from."""
    if share.norms and share.batch * share.frames < student.least:
        raise UsageError(
            f"{student.recipe.model} needs {student.least} frames a step in each process, for batch norm",
            advice="raise the recipe's batch, start fewer processes, or set norms to false",
        )
