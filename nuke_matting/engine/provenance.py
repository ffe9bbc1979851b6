"""What a delivered file says of how it was made, so that it can be traced; the same on all hosts."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

from nuke_matting.models.contract import Model
from nuke_matting.settings import Settings, idle_names, options

# settings that a matte, or its file, is made with, besides its inputs: those are told by their content, which is in the
# key; and the arithmetic, which is told as it was resolved
TOLD = (
    "mode",
    "layer",
    "fg",
    "premult",
    "guide_use",
    "clean_match",
    "clean_align",
    "edge_shift",
    "edge_soften",
    "black_point",
    "white_point",
    "regions",
    "region_batch",
)


def made_with(settings: Settings) -> dict[str, str]:
    """Each of `TOLD` that does something and is not as by default: its value, by the name that users write.

    >>> made_with(Settings(edge_shift=-1.5, fg=True, premult=False))
    {'fg': 'yes', 'edge-shift': '-1.5'}
    """
    found = {}
    for name in TOLD:
        value = getattr(settings, name)
        if value != options()[name][0] and name not in idle_names(settings):
            found[name.replace("_", "-")] = {True: "yes", False: "no"}[value] if type(value) is bool else str(value)
    return found


def provenance(model: Model, settings: Settings, key: str) -> Mapping[str, str]:
    """The attributes of a delivered file.

    key : of the matte, in the cache; empty where it has none.
    """
    return {
        "nuke_matting/version": version("nuke-matting"),
        "nuke_matting/model": model.name,
        "nuke_matting/weights": model.digest,
        "nuke_matting/precision": model.precision,
        "nuke_matting/settings": " ".join(f"{name}={value}" for name, value in made_with(settings).items()),
        "nuke_matting/key": key,
    }
