"""What a part of the script, or the files of a Read, are known by: the same in any session and on any machine."""

import hashlib
import json
from contextlib import suppress

from .description import NO_PIXELS, NOTES
from .graph import asked, feeders, is_matting, is_read, only_writes, upstream
from .nuke_api import nuke
from .paths import common
from .patterns import pattern_of, tcl_value, varies, whole
from .script_values import script_values

# knobs that do not change pixels
_IDLE = frozenset(
    [
        "name",
        "label",
        "help",
        "selected",
        "xpos",
        "ypos",
        "tile_color",
        "gl_color",
        "note_font",
        "note_font_size",
        "note_font_color",
        "hide_input",
        "dope_sheet",
        "postage_stamp",
        "postage_stamp_frame",
        "bookmark",
        "icon",
        "indicators",
        "cached",
        "lock_connections",
        "mapsize",
        "window",
        "panel",
        "onCreate",
        "onDestroy",
        "knobChanged",
        "updateUI",
        "autolabel",
        "reload",
        "localizationPolicy",
        "toolbox",
        "colorOverlay",
    ]
)
_COUNTER = "version"  # Nuke's own, in nodes with a file: raised by each reload and each render
_TOOLS = "toolbar_"  # how the knobs begin that say what the next stroke or shape will be like
# where a node of ours has its mattes: no render passes but with those that its other knobs and what is before it ask
# for, and whether these are new is told by their dates
_OF_MATTES = frozenset(["file", "first", "last", "origfirst", "origlast", "before", "after", "raw", "colorspace"])


def path_identity(read):
    """What a Read's files are known by: where they are, and not how its knob says it, which may say the same in another
    shot's script. The same on all machines that the path map is for."""
    return _file_identity(read["file"].value(), pattern_of(read))


def graph_digest(node):
    """A digest of all that is upstream of a node, itself included: what the nodes are, how connected, and their knobs.

    Nodes that only their expressions ask count too, with their knobs. It is of the script's text and the places of the
    files that are read alone, so it is the same in another session, on another machine and under another name.
    """
    nodes = upstream(node)
    places = {each.fullName(): place for place, each in enumerate(nodes)}
    knobs = {each.fullName(): _knobs(each) for each in nodes if not only_writes(each)}
    found = [
        [each.Class(), [places[one.fullName()] for one in feeders(each)], knobs.get(each.fullName(), [])]
        for each in nodes
    ]
    others = asked([each for each in nodes if each.fullName() in knobs])
    more = sorted(([each.Class(), _knobs(each)] for each in others), key=json.dumps)
    return digest(found + more + script_values([*nodes, *others], json.dumps([found, more])))


def digest(value):
    """A short name for what is plain JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def _knobs(node):
    """The knobs that are not as they come, as text: all keys, whatever the frame in view."""
    knobs, names = node.knobs(), set(node.writeKnobs(nuke.WRITE_NON_DEFAULT_ONLY).split())
    idle = _IDLE
    if isinstance(knobs.get("file"), nuke.File_Knob):
        idle |= {_COUNTER}
    if is_matting(node):
        idle |= NOTES | NO_PIXELS
    elif node.name() == "Mattes" and is_matting(node.parent()):
        idle |= _OF_MATTES
    counted = [name for name in sorted(names & set(knobs) - idle) if not name.startswith(_TOOLS)]
    return [[name, _text(node, knobs[name])] for name in counted]


def _text(node, knob):
    """A knob's text; of one that names files to read, where these are."""
    text = knob.toScript(False, None)
    if not isinstance(knob, nuke.File_Knob) or not knob.value() or (knob.name() == "file" and not is_read(node)):
        return text  # to where a Write writes changes no pixels
    if knob.name() == "file":
        return _file_identity(text, pattern_of(node))
    with suppress(RuntimeError):  # its Tcl is broken
        return _file_identity(text, whole(tcl_value(node, knob.name())))
    return text


def _file_identity(text, path):
    """text : as a knob has it. path : whole, its Tcl evaluated."""
    path = common(path)
    if varies(text):  # the folder alone is that of all its names
        return [text, path.rpartition("/")[0]]
    return path
