"""How many steps there is time for, in a stage that is to end after so many minutes."""

from __future__ import annotations

EVERY = 10  # steps after which it is asked how many more there is time for


class Pace:
    """The pace of a run, by which a stage's steps are counted out.

    minutes : that the stage may take, those of earlier runs counted in.
    spent : seconds that earlier runs have taken.
    """

    def __init__(self, minutes: float, spent: float = 0.0) -> None:
        self._left = 60 * minutes - spent  # seconds, from this run's start
        self._spent, self._first = spent, 0.0

    def at_first(self, done: int, steps: int) -> int:
        """How many steps to plan for before this run's pace is known.

        done : steps of earlier runs, by whose pace there may be none left. steps : those of the recipe.
        """
        if done and self._spent:
            return max(0, round(self._left * done / self._spent))
        return max(steps, EVERY)

    def asks(self, done: int) -> bool:
        """Whether `more` is to be asked after so many steps of this run."""
        return done == 1 or done % EVERY == 0

    def more(self, done: int, seconds: float) -> int | None:
        """How many more steps there is time for, after so many steps and seconds of this run; None after the first one,
        which has taken all that a start takes, and says nothing of the pace."""
        if done == 1:
            self._first = seconds
            return None
        return max(0, round((self._left - seconds) * (done - 1) / max(seconds - self._first, 1e-9)))
