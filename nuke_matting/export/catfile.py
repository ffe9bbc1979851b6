"""The Nuke script that makes a .cat file of a TorchScript file with CatFileCreator, by itself where there is no GUI."""

from __future__ import annotations

from nuke_matting.export.inference import Inputs
from nuke_matting.host.live import OUT, channels_in
from nuke_matting.host.nk import UserKnob, quoted, user_knob

CREATOR = "MakeCat"
_FOLDER = "[python {nuke.script_directory()}]"  # of this script, so that both may be moved together
_ON_LOAD = f"""import nuke
if not nuke.GUI:
    nuke.toNode("{CREATOR}")["createCatFile"].execute()"""


def cat_script(stem: str, inputs: Inputs, regions: float) -> str:
    """The text of STEM.nk, to stand beside STEM.pt, of which it makes STEM.cat."""
    knobs = [
        ("inputs", "0"),
        ("torchScriptFile", quoted(f"{_FOLDER}/{stem}.pt")),
        ("catFile", quoted(f"{_FOLDER}/{stem}.cat")),
        ("channelsIn", quoted(",".join(channels_in(inputs.clean, inputs.guide)))),
        ("channelsOut", quoted(",".join(OUT))),
        ("modelId", quoted(stem)),
        ("name", CREATOR),
    ]
    tip = "Most 8x8 regions to refine in a frame, times (width + height) / 8."
    stops = "Stops by which the network sees the plate brighter, on top of what a dark one is given."
    own = [
        UserKnob(20, "User", None, "", "", "", None),
        UserKnob(7, "regions", "regions", tip, "", "R 0 16", f"{regions:.9g}"),
        UserKnob(7, "exposure", "exposure", stops, "", "R -6 6", "0"),
    ]
    lines = ["Root {", " inputs 0", f" onScriptLoad {quoted(_ON_LOAD)}", "}", "CatFileCreator {"]
    lines += [f" {name} {value}" for name, value in knobs]
    lines += [f" {line}" for knob in own for line in user_knob(knob)]
    return "\n".join([*lines, "}"]) + "\n"
