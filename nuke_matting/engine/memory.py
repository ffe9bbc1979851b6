"""The memory of a shot: what is known of named frames, each computed once and kept while others may read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

from nuke_matting.engine.store import Store
from nuke_matting.engine.values import Known, Plan
from nuke_matting.errors import ColourError, MattingError, PlateError
from nuke_matting.models.contract import KeyedModel, Model

FEATURES_KEPT = 8  # besides those of one frame's references; each is some 22 MB for a 16:9 plate


class Recalled(NamedTuple):
    """What a frame reads from.

    features : as the model takes them. notes : of what was broken and replaced.
    lasting : what was broken is so by its own files, and will be the next time.
    """

    features: list[Any]
    notes: list[str]
    lasting: bool


class Memory:
    """Features by what they are made from, so that those of a key frame with and without its matte are never confused.

    load : reads what is to be known of a frame, where nobody did so before.
    lasts : whether a frame that could not be read will fail so again, as its files are what they are planned as.
    """

    def __init__(self, model: Model, load: Callable[[int], Known], lasts: Callable[[int, MattingError], bool]) -> None:
        self._model, self._load, self._lasts = model, load, lasts
        self._features: Store = Store(len(model.references) + FEATURES_KEPT)

    def encode(self, plan: Plan, frame: int, known: Known | None) -> Any:
        """Features of a frame, as it sees itself. Raises MattingError where it cannot be read."""

        def compute() -> Any:
            return self._model.encode((known or self._load(frame)).prepared)

        return self._features.get_or_compute(plan.inputs[frame], compute)

    def correct(self, plan: Plan, frame: int, known: Known | None) -> Any:
        """Features of a key frame, as a plan's frame reads them. Raises MattingError where it or its matte cannot be
        read."""

        model = cast(KeyedModel, self._model)

        def compute() -> Any:
            found = known or self._load(frame)
            if isinstance(found.key, MattingError):
                raise found.key
            assert found.key is not None, "a plan's mattes are of key frames"
            return model.correct(self.encode(plan, frame, found), found.key)

        told = self._features.get_or_compute((plan.inputs[frame], plan.mattes[frame]), compute)
        return model.away(told, abs(frame - plan.frame))

    def recall(self, plan: Plan, own: Any, known: Mapping[int, Known]) -> Recalled:
        """What a frame reads from. Files of others that are broken do not cost this frame; all else that fails does,
        such as a GPU without memory: a matte without its memory must not pass for a good one.

        own : its own features. known : what was read before of the others.
        """
        memory, notes, lasting = [], [], True
        told: dict[int, Any] = {}  # a key frame may be a reference as well
        for frame in plan.references:
            try:
                features = own if frame == plan.frame else self.encode(plan, frame, known.get(frame))
            except (PlateError, ColourError) as error:
                features = own
                lasting = lasting and self._lasts(frame, error)
                notes.append(f"frame {frame} {_broken(error)}: the memory read the frame itself in its place")
            else:
                if frame != plan.frame and frame in plan.mattes:
                    try:
                        features = told[frame] = self.correct(plan, frame, known.get(frame))
                    except (PlateError, ColourError) as error:
                        lasting = lasting and self._lasts(frame, error)
                        notes.append(_without_key(frame, error))
            memory.append(features)
        for frame in plan.keys:
            try:
                memory.append(told[frame] if frame in told else self.correct(plan, frame, known.get(frame)))
            except (PlateError, ColourError) as error:
                lasting = lasting and self._lasts(frame, error)
                notes.append(_without_key(frame, error))
        return Recalled(memory, list(dict.fromkeys(notes)), lasting)


def _without_key(frame: int, error: MattingError) -> str:
    return f"the key matte of frame {frame} {_broken(error)}: the memory did without it"


def _broken(error: MattingError) -> str:
    return error.what if error.what.startswith("cannot be read") else f"cannot be read ({error.what})"
