"""What passes between the steps of a frame: its plan, its pixels, what others remember of it, its matte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuke_matting.colour.processor import ColourPipe
from nuke_matting.errors import MattingError, ModelError
from nuke_matting.models.contract import FrameInput
from nuke_matting.plate.frame import Frame, Window


@dataclass(frozen=True)
class Matte:
    """The matte of one frame.

    frame : frame number.
    alpha : [H, W] float32 in [0, 1], coverage in linear light.
    foreground : [H, W, 3] float32 in the plate's own colour space, straight; None unless `settings.fg`.
    data_window, display_window : where the pixels lie, as in the plate.
    plate : the plate's file.
    notes : what the user should know of how it came about.
    key : its name in the cache; empty where it must not be kept, as what it was made from changed meanwhile.
    cached : it was taken from there.
    space : the plate's colour space, as the config calls it; empty where the plate was not read for it.
    passing : those of the notes that are of this plan alone, and not of the pixels: the cache does not keep them.
    """

    frame: int
    alpha: NDArray[np.float32]
    foreground: NDArray[np.float32] | None
    data_window: Window
    display_window: Window
    plate: Path
    notes: tuple[str, ...]
    key: str
    cached: bool = False
    space: str = ""
    passing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What a frame's matte depends on.

    references : the frame to read from for each of the model's offsets; the frame itself where there is none.
    keys : the nearest key frames before and after it, which it reads from too; none for a model that cannot.
    inputs : a digest of each frame's own input files (plate, clean plate, guide), for it and those it reads from.
    mattes : a fingerprint of the key matte, for those of them that are key frames.
    key : the matte's name in the cache.
    date : when the newest of all these files was last written to, in ns, that of the model among them.
    """

    frame: int
    path: Path
    references: tuple[int, ...]
    keys: tuple[int, ...]
    inputs: Mapping[int, str]
    mattes: Mapping[int, str]
    notes: tuple[str, ...]
    key: str
    date: int


@dataclass(frozen=True)
class Known:
    """What the memory takes of a frame that others read from.

    prepared : the model's small input.
    key : of a key frame, its matte [H, W] float32 in [0, 1], or why that cannot be read; else None.
    """

    prepared: Any
    key: NDArray[np.float32] | MattingError | None


@dataclass(frozen=True)
class Loaded:
    """A frame as read, and as the model takes it; `notes` say what was read, and done to what goes with it.

    guide : for its last word, whether or not the model is shown it.
    exposure : stops by which the input is brighter than the frame.
    """

    frame: Frame
    input: FrameInput
    known: Known
    colour: ColourPipe
    guide: NDArray[np.float32] | None = None
    notes: tuple[str, ...] = ()
    exposure: float = 0.0


def refuse_not_finite(alpha: NDArray[np.float32], model: str, plan: Plan) -> None:
    """Raises ModelError for an alpha that a model gave and that is no matte."""
    if not np.isfinite(alpha).all():
        raise ModelError(
            f"{model} gave an alpha that is not finite",
            path=plan.path,
            frame=plan.frame,
            advice="use --precision fp32, or another model with --model",
        )
