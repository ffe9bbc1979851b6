"""What the user should know of a shot as a whole, before its first frame."""

from __future__ import annotations

from pathlib import Path

from nuke_matting.models.contract import Model
from nuke_matting.models.tensors import bf16_is_fast
from nuke_matting.plate.sequence import ImageSequence, expand_pattern, sequence_around
from nuke_matting.settings import Settings, idle


def remarks(settings: Settings, model: Model, plate: ImageSequence, keys: ImageSequence | None) -> tuple[str, ...]:
    """What is said of a shot: settings that do nothing, help that its model cannot take and a foreground that it cannot
    give, a memory that has nothing to read, slow arithmetic."""
    said = idle(settings)
    able = model.abilities
    if settings.clean_plate and not able.clean_plate:
        said.append(f"the model {model.name} takes no clean plate: it is left aside")
    if settings.guide and not able.guide:
        final = {
            "hint": "it is left aside",
            "force": "its 0 and 1 are final all the same",
            "limit": "its 0 is final all the same",
            "core": "its 1 is final all the same",
        }
        said.append(f"the model {model.name} takes no guide: {final[settings.guide_use]}")
    if keys is not None and not able.keys:
        said.append(f"the model {model.name} does not read key mattes: each is the matte of its own frame alone")
    if settings.fg and not able.foreground:
        said.append(f"the model {model.name} finds no foreground: the plate's own colours stand in for it")
    if plate.still and model.references and (around := sequence_around(Path(plate.pattern))) is not None:
        name = Path(around.pattern).name
        said.append(
            f"the plate is one of {len(around.frames)} files {name}; give the pattern with "
            f"--frames {plate.frames[0]}, so that the memory can read its neighbours"
        )
    for each in (plate, keys):
        if each is not None and each.left_out:
            more = f" and {len(each.left_out) - 3} more" if len(each.left_out) > 3 else ""
            said.append(
                f"{', '.join(each.left_out[:3])}{more} left out: in {Path(each.pattern).name} the sign counts "
                f"as a digit, as in {expand_pattern(each.pattern, -1).name}; rename them to have them matted"
            )
    if model.precision == "bf16" and not bf16_is_fast(model.device):
        said.append("this processor emulates bf16, many times slower than fp32: leave --precision out")
    return tuple(said)
