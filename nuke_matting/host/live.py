"""What the node NukeMattingLive is: the model inside Nuke's own Inference node, by a .cat file, without a worker.

`python -m nuke_matting.host.live` writes gizmos/NukeMattingLive.gizmo; a test tells when that was forgotten.
"""

from .description import FOREGROUND
from .nk import Node, UserKnob, expression, group, quoted, write_gizmo

NAME = "NukeMattingLive"

# Inference takes one image: what it must see is put into channels that every Nuke script has
FRAME = ("rgba.red", "rgba.green", "rgba.blue")
BEFORE = ("forward.u", "forward.v", "backward.u")
AFTER = ("backward.v", "disparityL.x", "disparityL.y")
CLEAN_PLATE = ("disparityR.x", "disparityR.y", "depth.Z")
GUIDES = ("rgba.alpha", "mask.a", "rotopaint_mask.a")  # of the frame, of the one before it, of the one after it
OUT = ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha")

OFFSETS = {"before": 1, "after": -1}  # by how many frames a TimeOffset shows what is there later

_INPUTS = ("plate", "clean_plate", "guide")
_TIPS = {
    "cat": "The .cat file: nuke-matting export writes what Nuke makes it of.",
    "use_gpu": "Run on the GPU where there is one.",
    "half": "Half precision on the GPU: faster, in less memory; the alpha changes in its last bits.",
    "output": "The channel that the alpha goes to.",
    "foreground": "The subject's own colour, free of the background's: not wanted, in RGB, or in the layer fg.",
}


def channels_in(clean, guide):
    """The channels that a model takes, in its order. clean, guide : whether it was exported with them.

    >>> len(channels_in(True, True))
    15
    """
    found = FRAME + BEFORE + AFTER
    return found + (CLEAN_PLATE if clean else ()) + (GUIDES if guide else ())


def gizmo_text():
    """The whole text of NukeMattingLive.gizmo."""
    knobs = [
        ("name", NAME + "1"),
        ("help", quoted("Soft mattes of people by Nuke's Inference node: nothing is cached, no other program runs.")),
        ("tile_color", "0x4b7a6bff"),
        ("icon", NAME + ".png"),
    ]
    return group(knobs, user_knobs(), nodes())


def user_knobs():
    """The knobs of the node, in order."""
    items = " ".join(map(quoted, FOREGROUND))
    return [
        UserKnob(20, "live_tab", NAME, "", "", "", None),
        UserKnob(2, "cat", "cat file", _TIPS["cat"], "", "", None),
        UserKnob(6, "use_gpu", "use GPU if available", _TIPS["use_gpu"], "+STARTLINE", "", "true"),
        UserKnob(6, "half", "half precision", _TIPS["half"], "+STARTLINE", "", None),
        UserKnob(41, "output", "alpha into", _TIPS["output"], "", "T AlphaCopy.to0", None),
        UserKnob(4, "foreground", "foreground", _TIPS["foreground"], "", "M {" + items + "}", None),
    ]


def nodes():
    """What is in the node, in an order in which inputs come first."""
    whole = [("box", "{0 0 {width} {height}}"), ("crop", "false")]
    model = [
        ("useGPUIfAvailable", expression("parent.use_gpu")),
        ("modelFile", quoted("[value parent.cat]")),
        ("halfPrecision", expression("parent.half")),
        ("serialiseKnob", "{}"),
    ]
    layer = ("add_layer {fg fg.red fg.green fg.blue}",)
    fg = tuple("fg." + name.partition(".")[2] for name in FRAME)
    return [
        *(Node("Input", name, (), [("number", str(at))] if at else [], ()) for at, name in enumerate(_INPUTS)),
        *(_beside(name, which) for name in ("plate", "guide") for which in OFFSETS),
        _copy("Before", "plate", "plate_before", FRAME, BEFORE),
        _copy("After", "Before", "plate_after", FRAME, AFTER),
        _copy("CleanPlate", "After", "clean_plate", FRAME, CLEAN_PLATE),
        _copy("Guide", "CleanPlate", "guide", OUT[3:], GUIDES[:1]),
        _copy("GuideBefore", "Guide", "guide_before", OUT[3:], GUIDES[1:2]),
        _copy("GuideAfter", "GuideBefore", "guide_after", OUT[3:], GUIDES[2:]),
        Node("Crop", "Whole", ("GuideAfter",), whole, ()),
        Node("Inference", "Model", ("Whole",), model, ()),
        _copy("AlphaCopy", "plate", "Model", OUT[3:], OUT[3:]),
        _copy("ForegroundRGB", "AlphaCopy", "Model", FRAME, FRAME),
        _copy("ForegroundLayer", "AlphaCopy", "Model", FRAME, fg)._replace(before=layer),
        Node(
            "Switch",
            "Foreground",
            ("AlphaCopy", "ForegroundRGB", "ForegroundLayer"),
            [("which", expression("parent.foreground"))],
            (),
        ),
        Node("Output", "Output1", ("Foreground",), [], ()),
    ]


def _beside(name, which):
    """What an input is one frame before or after."""
    return Node("TimeOffset", f"{name}_{which}", (name,), [("time_offset", str(OFFSETS[which]))], ())


def _copy(name, below, above, sources, targets):
    knobs = []
    for number in range(len(sources)):
        knobs += [(f"from{number}", sources[number]), (f"to{number}", targets[number])]
    return Node("Copy", name, (below, above), [*knobs, ("bbox", "B")], ())


if __name__ == "__main__":
    write_gizmo(NAME, gizmo_text())
