"""What the node NukeMatting is: its inputs, its knobs and what is in it, a list each. Its .gizmo is made from these.

`python -m nuke_matting.host.description` writes gizmos/NukeMatting.gizmo; a test tells when that was forgotten.
"""

from .nk import Node, UserKnob, expression, group, quoted, write_gizmo
from .protocol import setting_schemas

NAME = "NukeMatting"
VERSION = 2  # of the node; one that was saved with another is not worked on
MARK = "nuke_matting"  # the knob that tells our nodes from other Groups; its value is the version

# each input: the name of its Input, the setting that its files become (None for the plate), the Write that renders it
INPUTS = (
    ("plate", None, "RenderPlate"),
    ("clean_plate", "clean_plate", "RenderCleanPlate"),
    ("guide", "guide", "RenderGuide"),
    ("keys", "keys", "RenderKeys"),
)
KEYS = "keys"  # the input of corrected mattes, of which only those of the key frames count

# settings that are no knobs, and what the node does about them
NOT_KNOBS = {
    "clean_plate": "an input",
    "guide": "an input",
    "clean_colourspace": "that of its Read",
    "keys": "an input",
    "mode": "sidecar for the cache, merge for Save as precomp",
    "layer": "the knob of the Copy in the node",
    "fg": "made from the knob foreground",
    "cache": "always",
}
ADVANCED = ("device", "precision", "region_batch", "cache_dir", "cache_size", "jobs")
NO_PIXELS = frozenset(ADVANCED) - {"precision", "region_batch"}  # settings that change where and how, not what
# the node's other knobs of that kind: those that it notes its mattes in, and those that say which, where and how shown
NOTES = frozenset(["status", "matted", "keyed", "made", "outdated", "reads", "frames", "folder", "guard", "mark"])
_FILES = ("ocio", "cache_dir")
_LABEL = 60  # most letters on the node, which grows as wide: an error with its path and advice has hundreds
_SLIDERS = {
    "regions": (0, 16),
    "cache_size": (0, 500),
    "edge_shift": (-10, 10),
    "edge_soften": (0, 10),
    "exposure": (-6, 6),
}
_TYPES = {"string": 1, "integer": 3, "number": 7, "boolean": 6}

FOREGROUND = ("plate", "into RGB", "into layer fg")
GUARD = ("stop the render", "matte them first")
# no render, also none that the GUI does itself, where $gui is 1: a Read without its file stops those by its error
LOOKED_AT = "$gui && [python 1-nuke.executing()]"
NOT_MATTED = f"{LOOKED_AT} && !parent.matted"
# a matte of a key frame holds the key as the worker read it: its alpha, or red where it has none, in the file's own
# numbers, cut to 0 and 1
KEYED = "parent.keyed && !parent.matted"

_TIPS = {
    "status": "What is matted, what is out of date, and the last error.",
    MARK: "The version of the node; one of another version is not worked on.",
    "frames": "Frames to matte: 1001-1100, 1001-1100x2, lists by space; Tcl too, such as the script's own "
    "[value root.first_frame]-[value root.last_frame]. Empty: those of the plate.",
    "matte_frame": "Mattes the frame that is in view.",
    "matte_range": "Mattes the frame range, the frame in view first. What is up to date is left alone.",
    "cancel": "Stops after the frame under way. What is matted is kept.",
    "refresh": "Looks which mattes are there, and asks the worker which are out of date.",
    "choose_model": "Lists the models that the worker knows by name: those that came with it, and those added "
    "before it started.",
    "output": "The channel that the alpha goes to.",
    "foreground": "The subject's own colour, free of the background's: not wanted, in RGB, or in the layer fg.",
    "folder": "Where mattes are kept, a folder for each plate and settings. Empty: nuke_matting beside the script.",
    "mattes": "The files that the node reads.",
    "guard": "What a render does about frames whose matte is missing or out of date. 'stop the render' ends it there, "
    "and says which they are. 'matte them first' mattes them before it begins: that takes a while, and needs "
    "nuke-matting on the machine that renders.",
    "mark": "Draws an orange bar along the bottom of the picture at frames that have no matte, so that you do not take "
    "them for matted. It is seen in the Viewer alone, and never rendered.",
    "clear": "Removes the mattes of this plate with these settings, and what was rendered for them. Asks first.",
    "reveal": "Opens the folder of the mattes.",
    "review": "Draws a contact sheet of what is matted: plate, alpha, and the person over green; and opens it.",
    "precomp": "Writes copies of the plate with the alpha in them, a new version each time, and puts a Read of them in "
    "place of this node. The node stays beside it: connect it again to change the matte.",
    "matted": "A curve that is 1 at the frames that have a matte, so that the script knows them by itself.",
    "keyed": "A curve that is 1 at the key frames, while the input keys is connected.",
    "made": "Of which plate and settings the mattes are.",
    "outdated": "Frames that the worker found to be out of date.",
    "reads": "Which other frames the model reads for a frame, as the worker said.",
}

# of tabs and headings
_SECTION_TIPS = {
    NAME: "What is matted, how, and where the mattes go.",
    "Edges": "Corrects the alpha of all frames but key frames. It goes into the mattes: after a change, matte again.",
    "Output": "What comes out of the node: the plate, with the alpha in a channel of your choice, and on demand the "
    "subject's own colour.",
    "Colour": "How the plate's pixels are to be read. As the script has it, unless you name something else here.",
    "Cache": "Where the mattes are kept, what happens where one is missing, and what to do with those that are there.",
    "Advanced": "Where the network runs, and how much room it may take. They change an alpha in its last bits at most.",
}

# the tool-tip of a setting whose help says what holds outside a node alone
_INSTEAD = {
    "ocio": "OCIO config by which the plate is read. Empty: that of the script, which is $OCIO's where that is set.",
    "colourspace": "Colour space of plate and clean plate, as the config calls it. Empty: the one each Read is set to, "
    "or the script's working space for what is no plain Read. Name one only where that is wrong, such as for "
    "log files in a Read that is set to raw.",
}

# what the tool-tip of a setting says in a node beyond its help
_MORE = {
    "model": "Choose lists the names.",
    "regions": "Hair and other fine edges are in these. 4 is good for most plates. 8 is slow and thorough, for hair "
    "that stays soft; 0 is fast and refines nothing, for a first look.",
    "exposure": "Dark plates are shown brighter by themselves. Try 1 to 3 where the subject is dark before something "
    "bright, and -1 or -2 where a part of it is lost.",
    "clean_match": "Leave it on where the clean plate is from another take. Turn it off where the two are alike "
    "and the notes still tell of a match, as may be where the subject fills most of the picture.",
    "clean_align": "It takes most of a second a frame at HD. Leave it off where the camera was locked.",
    "key_frames": "There the alpha is that of the input keys as it comes, such as one that was painted by hand, and "
    "the network reads it for the other frames. What is painted anew is shown once it is matted. Empty: none.",
}

# a node may be in a script where our Python is not
_LOST = "its Python is not there (%s): put gizmos on NUKE_PATH, or run nuke-matting nuke install"
_BUTTON = f"""import nuke
try:
    from nuke_matting_host import actions
except Exception as error:
    wrong = "NukeMatting: {_LOST}" % error
    nuke.thisNode()["status"].setValue(wrong.replace("[", "(").replace("]", ")"))
    if not nuke.GUI:
        raise RuntimeError(wrong)
    nuke.message(wrong)
else:
    actions.press("NAME", nuke.thisNode())"""


def gizmo_text():
    """The whole text of NukeMatting.gizmo."""
    knobs = [
        ("name", NAME + "1"),
        (
            "help",
            quoted("Soft mattes of people: nuke-matting makes them frame by frame, and this node reads them back."),
        ),
        ("label", quoted(f"[string range [value status] 0 {_LABEL - 1}]")),
        ("tile_color", "0x4b7a6bff"),
        ("icon", NAME + ".png"),
    ]
    return group(knobs, user_knobs(), nodes())


def user_knobs():
    """The knobs of the node, in order."""
    return [
        _tab(NAME),
        UserKnob(1, MARK, None, _TIPS[MARK], "+INVISIBLE", "", str(VERSION)),
        UserKnob(1, "status", "status", _TIPS["status"], "+DISABLED", "", quoted("not matted")),
        UserKnob(1, "frames", "frame range", _TIPS["frames"], "", "", None),
        _button("matte_frame", "Matte frame", True),
        _button("matte_range", "Matte range"),
        _button("cancel", "Cancel"),
        _button("refresh", "Refresh"),
        *_settings(("model",)),
        _button("choose_model", "Choose"),
        *_settings(("regions", "exposure", "clean_match", "clean_align", "guide_use", "key_frames")),
        _text("Edges"),
        *_settings(("edge_shift", "edge_soften", "black_point", "white_point")),
        _text("Output"),
        UserKnob(41, "output", "alpha into", _TIPS["output"], "", "T AlphaCopy.to0", None),
        _choice("foreground", "foreground", _TIPS["foreground"], FOREGROUND),
        *_settings(("premult",)),
        _text("Colour"),
        *_settings(("ocio", "colourspace")),
        _text("Cache"),
        UserKnob(2, "folder", "folder", _TIPS["folder"], "", "", None),
        UserKnob(41, "mattes", "mattes", _TIPS["mattes"], "", "T Mattes.file", None),
        _choice("guard", "missing frames", _TIPS["guard"], GUARD),
        UserKnob(6, "mark", "mark frames without a matte", _TIPS["mark"], "+STARTLINE", "", "true"),
        _button("clear", "Clear cache", True),
        _button("reveal", "Reveal"),
        _button("review", "Open review"),
        _button("precomp", "Save as precomp"),
        _tab("Advanced"),
        *_settings(ADVANCED),
        UserKnob(7, "matted", None, _TIPS["matted"], "+INVISIBLE", "", None),
        UserKnob(7, "keyed", None, _TIPS["keyed"], "+INVISIBLE", "", None),
        UserKnob(1, "made", None, _TIPS["made"], "+INVISIBLE", "", None),
        UserKnob(1, "outdated", None, _TIPS["outdated"], "+INVISIBLE", "", None),
        UserKnob(1, "reads", None, _TIPS["reads"], "+INVISIBLE", "", None),
    ]


def nodes():
    """What is in the node, in an order in which inputs come first."""
    found = []
    for number, (name, _, _) in enumerate(INPUTS):
        found.append(Node("Input", name, (), [("number", str(number))] if number else [], ()))
    found += [Node("Write", write, (name,), _render_knobs(), ()) for name, _, write in INPUTS]
    read = [("file_type", "exr"), ("before", "black"), ("after", "black"), ("origset", "true"), ("raw", "true")]
    read.append(("localizationPolicy", "off"))  # a local copy of a matte would be shown after it was made anew
    mark = [
        ("area", '{0 0 {width} {"height / 60"}}'),
        ("color", "{1 0.45 0 1}"),
        ("disable", expression(f"!({LOOKED_AT} && parent.mark) || parent.matted")),
    ]
    alpha = [("from0", "rgba.alpha"), ("to0", "rgba.alpha"), ("bbox", "B")]
    which_matte = [("which", expression(NOT_MATTED))]
    which_colour = [("which", expression(f"{NOT_MATTED} ? 0 : parent.foreground"))]
    layer = ("add_layer {fg fg.red fg.green fg.blue}",)
    return [
        *found,
        Node("Read", "Mattes", (), read, ()),
        Node("Shuffle", "NoMatte", ("plate",), [("alpha", "black")], ()),
        Node("Switch", "MatteOrNone", ("Mattes", "NoMatte"), which_matte, ()),
        Node("Switch", "KeyOrMatte", ("MatteOrNone", KEYS), [("which", expression(KEYED))], ()),
        Node("Rectangle", "Mark", ("plate",), mark, ()),
        Node("Copy", "AlphaCopy", ("Mark", "KeyOrMatte"), alpha, ()),
        Node("Copy", "ForegroundRGB", ("AlphaCopy", "Mattes"), _colour_into("rgba"), ()),
        Node("Copy", "ForegroundLayer", ("AlphaCopy", "Mattes"), _colour_into("fg"), layer),
        Node("Switch", "Foreground", ("AlphaCopy", "ForegroundRGB", "ForegroundLayer"), which_colour, ()),
        Node("Output", "Output1", ("Foreground",), [], ()),
    ]


def _render_knobs():
    """Of the Writes that render what comes in. Disabled but while they do, so that `nuke -x` passes them over."""
    return [
        ("channels", "rgba"),
        ("file_type", "exr"),
        ("datatype", quoted("32 bit float")),
        ("raw", "true"),
        ("create_directories", "true"),
        ("disable", "true"),
    ]


def _colour_into(layer):
    knobs = []
    for number, colour in enumerate(("red", "green", "blue")):
        knobs += [(f"from{number}", f"rgba.{colour}"), (f"to{number}", f"{layer}.{colour}")]
    return [*knobs, ("bbox", "B")]


def _settings(names):
    """Knobs made from the settings' schema."""
    schemas = setting_schemas()
    return [_setting(name, schemas[name]) for name in names]


def _setting(name, schema):
    about = schema["description"][:1].upper() + schema["description"][1:] + "."
    tooltip = _INSTEAD.get(name) or " ".join([about, _MORE.get(name, "")]).strip()
    label, default = name.replace("_", " "), schema["default"]
    if "enum" in schema:
        return _choice(name, label, tooltip, schema["enum"])
    code = 2 if name in _FILES else _TYPES[schema["type"]]
    about, value = "", None
    if code == 6:
        value = "true" if default else None
    elif code in (3, 7):
        value = f"{default:.9g}"
        about = "R {:.9g} {:.9g}".format(*_SLIDERS.get(name, (schema["minimum"], schema["maximum"])))
    elif default:
        value = quoted(default)
    return UserKnob(code, name, label, tooltip, "+STARTLINE" if code == 6 else "", about, value)


def _choice(name, label, tooltip, values):
    items = " ".join(map(quoted, values))
    return UserKnob(4, name, label, tooltip, "", "M {" + items + "}", None)


def _button(name, label, first=False):
    script = quoted(_BUTTON.replace("NAME", name))
    return UserKnob(22, name, label, _TIPS[name], "+STARTLINE" if first else "-STARTLINE", "T " + script, None)


def _tab(label):
    return UserKnob(20, label.lower() + "_tab", label, _SECTION_TIPS[label], "", "", None)


def _text(label):
    return UserKnob(26, label.lower() + "_text", label, _SECTION_TIPS[label], "", "", None)


if __name__ == "__main__":
    write_gizmo(NAME, gizmo_text())
