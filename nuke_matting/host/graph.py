"""What feeds a node: plain files that the worker can read, or a part of the script that must be rendered first."""

import hashlib
import json
import os
import re
from contextlib import suppress

from .description import MARK, NO_PIXELS, NOTES
from .nuke_api import nuke
from .paths import common

_IMAGES = (".exr", ".sxr", ".dpx", ".cin", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".tga", ".hdr")
_NO_VALUES = ("Root", "Viewer")  # what changes in them is the frame in view
_PASSES = ("Dot", "NoOp", "Input")  # nodes that hand on what they get
_RETIMES = frozenset(
    [
        "TimeOffset",
        "TimeClip",
        "FrameHold",
        "Retime",
        "TimeWarp",
        "Kronos",
        "OFlow",
        "OFlow2",
        "FrameBlend",
        "TimeBlur",
        "TimeEcho",
        "AppendClip",
        "TemporalMedian",
        "add32p",
        "remove32p",
    ]
)
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
_TOOLS = "toolbar_"  # how the knobs begin that say what the next stroke or shape will be like
# where a node of ours has its mattes: no render passes but with those that its other knobs and what is before it ask
# for, and whether these are new is told by their dates
_OF_MATTES = frozenset(["file", "first", "last", "origfirst", "origlast", "raw", "colorspace"])


def is_matting(node):
    """Whether a node is one of ours."""
    return isinstance(node, nuke.Group) and node.knob(MARK) is not None


def feeders(node):
    """The nodes that a node takes its pixels from, also into and out of groups; none of one that reads its own file."""
    if _is_rendered(node):
        return []
    if node.Class() == "Input":
        group = node.parent()
        found = [group.input(int(node["number"].value()))]
    elif isinstance(node, nuke.Group):
        found = [each for each in node.nodes() if each.Class() == "Output"]
    else:
        found = [node.input(number) for number in range(node.inputs())]
    return [each for each in found if each is not None]


def shown(node):
    """Those of its feeders that a node shows, as far as that does not depend on the frame: a disabled one hands on its
    first input, a Switch the one that is chosen."""
    which = node.knob("which") if node.Class() == "Switch" else None
    if _is_off(node):
        before = node.input(0)
        return [] if before is None else [before]
    chosen = None if which is None or _varies(which) else node.input(max(0, int(which.value())))
    return feeders(node) if chosen is None else [chosen]


def upstream(node, follow=feeders):
    """All nodes that a node takes its pixels from, however far, itself first; in an order that the script decides.

    follow : which nodes a node leads to: `feeders`, or `shown`.
    """
    found, waiting = {}, [node]
    while waiting:
        each = waiting.pop()
        if each.fullName() not in found:
            found[each.fullName()] = each
            waiting += reversed(follow(each))
    return list(found.values())


def is_retime(node):
    """Whether a node may show other frames than the one that it is asked for, as any OFX plug-in may."""
    return (node.Class() in _RETIMES or node.Class().startswith("OFX")) and not _is_off(node)


def has_views(node):
    """Whether a node may show another picture in each of the script's views."""
    return len(nuke.views()) > 1 and not any(each.Class() == "OneView" and not _is_off(each) for each in upstream(node))


def plain_read(node):
    """The Read that `node` hands on unchanged, perhaps itself; None where anything is done to pixels or frames."""
    while node is not None and node.Class() in _PASSES:
        before = feeders(node)
        node = before[0] if before else None
    if node is None or node.Class() != "Read" or node["disable"].value():
        return None
    file = node["file"].value() or ""
    views = "%v" in file.lower()
    return None if _shifts(node) or views or os.path.splitext(file)[1].lower() not in _IMAGES else node


def reads(node, span):
    """The files that a node depends on: pairs of a pattern, and whether it may show other frames of it than the one
    that it is asked for.

    span : first and last frame that it is asked for: a Read holds, or repeats, what it lacks of it.
    """
    nodes = upstream(node)
    behind = {each.fullName() for one in nodes if is_retime(one) for each in upstream(one)}
    found = []
    for each in filter(_is_read, nodes):
        shifted = each.fullName() in behind or _shifts(each) or _lacks(each, span)
        writes = [one for one in each.nodes() if "Write" in one.Class()] if _is_rendered(each, "Precomp") else []
        found += [(pattern_of(one), shifted) for one in (each, *writes)]
    return found


def pattern_of(read):
    """A Read's files as a pattern with %04d, its Tcl evaluated; those of full size, also in proxy mode."""
    proxy = read.knob("proxy")
    if nuke.root()["proxy"].value() and proxy is not None and proxy.value():  # `filename` would give the proxy's
        return whole(nuke.value(read.fullName() + ".file"))
    return whole(nuke.filename(read) or read["file"].value())


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
    found = [[each.Class(), [places[one.fullName()] for one in feeders(each)], _knobs(each)] for each in nodes]
    return digest(found + sorted(([each.Class(), _knobs(each)] for each in _asked(nodes)), key=json.dumps))


def digest(value):
    """A short name for what is plain JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def at(pattern, frame):
    """The file of a frame; a pattern without a frame is a still.

    >>> at("plate.%04d.exr", 7), at("plate.####.exr", 7), at("clean.exr", 7)
    ('plate.0007.exr', 'plate.0007.exr', 'clean.exr')
    """
    before, width, after = numbered(pattern)
    return f"{before}{frame:0{width}d}{after}" if width else pattern


def numbered(pattern):
    """What stands before a pattern's frame number, the digits of that, and what stands behind it; none in a still.

    >>> numbered("a/plate.%04d.exr"), numbered("clean.exr")
    (('a/plate.', 4, '.exr'), ('clean.exr', 0, ''))
    """
    folder, slash, name = pattern.rpartition("/")
    fields = list(re.finditer(r"%0?(\d*)d|(#+)", name))
    if not fields:
        return pattern, 0, ""
    field = fields[-1]
    width = len(field[2]) if field[2] else int(field[1] or 1)
    return folder + slash + name[: field.start()], width, name[field.end() :]


def _asked(nodes):
    """The nodes that expressions of some nodes ask for a value, and those that these ask, apart from the nodes."""
    seen, found, waiting = {each.fullName() for each in nodes}, [], list(nodes)
    while waiting:
        node = waiting.pop()
        others = []
        with suppress(RuntimeError):  # an expression that is broken
            others = node.dependencies(nuke.EXPRESSIONS)
        for each in others:
            if each.Class() not in _NO_VALUES and each.fullName() not in seen:
                seen.add(each.fullName())
                found.append(each)
                waiting.append(each)
    return found


def _is_read(node):
    """Whether a node reads a file, as a Read does, a DeepRead, a Camera, or a Write that shows what it has written."""
    file, reading = node.knob("file"), node.knob("reading")
    own = "Write" in node.Class() and not (reading is not None and (_varies(reading) or reading.value()))
    return not own and isinstance(file, nuke.File_Knob) and bool(file.value())


def _is_rendered(node, kinds="Write DeepWrite Precomp"):
    """Whether a node shows what it, or the script that it names, has rendered, and not what is before it."""
    reading = node.knob("reading") if node.Class() in kinds.split() else None
    return reading is not None and not _varies(reading) and bool(reading.value()) and not _is_off(node)


def _shifts(read):
    """Whether a Read's knobs name other frames than the one that it is asked for."""
    mode = read.knob("frame_mode")
    return mode is not None and (mode.value() != "expression" or bool(read["frame"].value()))


def _lacks(read, span):
    """Whether a Read has not all frames of a span."""
    first, last = read.knob("first"), read.knob("last")
    return read.Class() == "Read" and not (first.value() <= span[0] and span[1] <= last.value())


def whole(path):
    """A path of the script, whole: one that is relative is of the project directory; of the folder that Nuke was
    started in, where there is none.

    >>> whole("/show/a.exr"), whole("P:/show/a.exr"), whole("~/a.exr"), whole("")
    ('/show/a.exr', 'P:/show/a.exr', '~/a.exr', '')
    """
    if not path or re.match(r"[\\/~]|[A-Za-z]:|[a-z]+://", path):
        return path
    folder = evaluated(nuke.root()["project_directory"]) or os.getcwd()
    return folder.replace("\\", "/").rstrip("/") + "/" + path


def evaluated(knob):
    """The text of a knob with its Tcl evaluated; as it stands where that is broken, which no file is called."""
    try:
        return knob.evaluate() or ""
    except RuntimeError:
        return knob.value()


def _is_off(node):
    """Whether a node is disabled, whatever the frame."""
    disable = node.knob("disable")
    sources = node.Class() in ("Input", "Read")
    return disable is not None and not sources and not _varies(disable) and bool(disable.value())


def _varies(knob):
    return knob.isAnimated() or knob.hasExpression()


def _knobs(node):
    """The knobs that are not as they come, as text: all keys, whatever the frame in view."""
    knobs, names = node.knobs(), set(node.writeKnobs(nuke.WRITE_NON_DEFAULT_ONLY).split())
    idle = _IDLE
    if is_matting(node):
        idle |= NOTES | NO_PIXELS
    elif node.name() == "Mattes" and is_matting(node.parent()):
        idle |= _OF_MATTES
    counted = [name for name in sorted(names & set(knobs) - idle) if not name.startswith(_TOOLS)]
    return [[name, _text(node, knobs[name])] for name in counted]


def _text(node, knob):
    """A knob's text; of one that names files to read, where these are."""
    text = knob.toScript(False, None)
    if not isinstance(knob, nuke.File_Knob) or not knob.value() or (knob.name() == "file" and not _is_read(node)):
        return text  # to where a Write writes changes no pixels
    if knob.name() == "file":
        return _file_identity(text, pattern_of(node))
    with suppress(RuntimeError):  # its Tcl is broken
        return _file_identity(text, whole(nuke.value(f"{node.fullName()}.{knob.name()}")))
    return text


def _file_identity(text, path):
    """text : as a knob has it. path : whole, its Tcl evaluated."""
    path = common(path)
    if re.search(r"\[[^]]*\bframe\b", text):  # another name at each frame: the folder alone is that of them all
        return [text, path.rpartition("/")[0]]
    return path
