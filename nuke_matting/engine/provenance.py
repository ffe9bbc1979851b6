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
    "colourspace",
    "clean_colourspace",
    "guide_use",
    "clean_match",
    "clean_align",
    "exposure",
    "edge_shift",
    "edge_soften",
    "black_point",
    "white_point",
    "regions",
    "region_batch",
)


def made_with(settings: Settings) -> dict[str, str]:
    """Each of `TOLD` by the name that users write, as text; one that does nothing is as by default.

    >>> made_with(Settings(premult=True))["premult"]
    'no'
    """
    idle, known = idle_names(settings), options()
    values = {name: known[name][0] if name in idle else getattr(settings, name) for name in TOLD}
    words = {True: "yes", False: "no"}
    return {
        name.replace("_", "-"): words[value] if type(value) is bool else str(value) for name, value in values.items()
    }


def provenance(model: Model, settings: Settings, space: str, key: str) -> Mapping[str, str]:
    """The attributes of a delivered file.

    space : the colour space that the plate was taken to be in.
    key : of the matte, in the cache; empty where it has none.
    """
    usual = made_with(Settings())
    unusual = [f"{name}={value}" for name, value in made_with(settings).items() if value != usual[name]]
    return {
        "nuke_matting/version": version("nuke-matting"),
        "nuke_matting/model": model.name,
        "nuke_matting/weights": model.digest,
        "nuke_matting/precision": model.precision,
        "nuke_matting/colourspace": space,
        "nuke_matting/settings": " ".join(unusual),
        "nuke_matting/key": key,
    }
