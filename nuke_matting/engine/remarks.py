"""What the user should know of a shot as a whole, before its first frame."""

from __future__ import annotations

from pathlib import Path

from nuke_matting.models.contract import Model
from nuke_matting.models.tensors import bf16_is_fast
from nuke_matting.plate.sequence import Sequence, sequence_around
from nuke_matting.settings import Settings


def remarks(settings: Settings, model: Model, plate: Sequence, keys: Sequence | None) -> tuple[str, ...]:
    """What is said of a shot: help that its model cannot take, a memory that has nothing to read, slow arithmetic."""
    said = []
    if keys is not None and not getattr(model, "takes_keys", False):
        said.append(f"the model {model.name} does not read key mattes: each is the matte of its own frame alone")
    if plate.still and model.references and (around := sequence_around(Path(plate.pattern))) is not None:
        name = Path(around.pattern).name
        said.append(
            f"the plate is one of {len(around.frames)} files {name}; name that pattern, with --frames "
            f"{plate.frames[0]} for this one alone, and its memory reads the others"
        )
    if model.precision == "bf16" and not bf16_is_fast(model.device):
        said.append("this processor emulates bf16, many times slower than fp32: leave --precision out")
    return tuple(said)
