"""What weights come from: the runs and sources that they learnt from, and the licences that were stated on the way.

The metadata of weights say it in words, checkpoints keep it, and whatever starts from either carries it on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from nuke_matting.models.weights import LICENCES_BEFORE, WeightFile
from nuke_matting.training.data import Sources
from nuke_matting.training.datasets import KNOWN, Source

MOST = 40  # runs that the metadata tell of; checkpoints know all
_BEFORE, _AND = "; before: ", " | "


@dataclass(frozen=True)
class Drawn:
    """The names of what a run draws from: sets by their own, folders by theirs."""

    subjects: tuple[str, ...] = ()
    backgrounds: tuple[str, ...] = ()

    def __add__(self, other: Drawn) -> Drawn:
        return Drawn(_once(self.subjects + other.subjects), _once(self.backgrounds + other.backgrounds))

    def __str__(self) -> str:
        return f"on {', '.join(self.subjects)}; over {', '.join(self.backgrounds)}"


@dataclass(frozen=True)
class Past:
    """What weights come from: runs in words, the last one first, and licences that were stated of their weights."""

    runs: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()

    def told(self) -> str:
        """The runs in one text; of many, the last ones."""
        more = len(self.runs) - MOST
        return _BEFORE.join(self.runs[:MOST]) + (f"{_BEFORE}{more} other runs" if more > 0 else "")

    def licences_beside(self, own: str) -> dict[str, str]:
        """The metadata's words on licences, but for the weights' own; none where there is no other."""
        others = [each for each in self.licences if each != own]
        return {LICENCES_BEFORE: _AND.join(others)} if others else {}


def drawn_from(sources: Sources) -> Drawn:
    """What is drawn from, which excludes sources of weight 0."""
    subjects = [*_names((*sources.people, *sources.others)), *(["procedural things"] if sources.things > 0 else [])]
    return Drawn(_once(subjects), _once(_names(sources.backgrounds)))


def _names(sources: Iterable[Source]) -> list[str]:
    drawn = (each for each in sources if each.weight > 0)
    return [each.layout if each.layout in KNOWN else each.path.resolve().name for each in drawn]


def past_of_weights(weights: WeightFile) -> Past:
    """What a weight file says of itself."""
    unknown = f"the weights {weights.digest[:12]}, which do not say"
    return Past(tuple(weights.metadata.get("training", unknown).split(_BEFORE)), licences_of(weights))


def licences_of(weights: WeightFile) -> tuple[str, ...]:
    """The licences that a weight file states, of itself and of what it comes from."""
    said = [weights.metadata.get("licence", ""), *weights.metadata.get(LICENCES_BEFORE, "").split(_AND)]
    return _once(each for each in said if each)


def past_of_checkpoint(last: dict[str, Any]) -> Past:
    """What a checkpoint's values say of it, its own run included; those of before name the stage alone."""
    runs = last.get("runs") or [f"step {last.get('step')} of stage {last.get('stage')}, which does not say on what"]
    return Past(tuple(runs), _once(each for each in (last.get("licence", ""), *last.get(LICENCES_BEFORE, ())) if each))


def joined(pasts: Sequence[Past]) -> Past:
    """What the mean of several comes from: each run once, as far back as it stands in any of them."""
    levels = zip_longest(*(each.runs for each in pasts))
    runs = [run for level in levels for run in level if run is not None]
    return Past(_once(runs[::-1])[::-1], _once(each for past in pasts for each in past.licences))


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
