"""What feeds a node: plain files that the worker can read, or a part of the script that must be rendered first."""

import os
from contextlib import suppress

from .description import MARK
from .nuke_api import nuke
from .patterns import pattern_of, varies

_IMAGES = (".exr", ".sxr", ".dpx", ".cin", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".tga", ".hdr")
_NO_VALUES = ("Root", "Viewer")  # what changes in them is the frame in view
_PASSES = ("Dot", "NoOp", "PostageStamp", "Input")  # nodes that hand on what they get
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
    return upstream_of([node], follow)


def upstream_of(nodes, follow=feeders):
    """`upstream` of some nodes, each node once."""
    found, waiting = {}, list(nodes)
    while waiting:
        each = waiting.pop()
        if each.fullName() not in found:
            found[each.fullName()] = each
            waiting += reversed(follow(each))
    return list(found.values())


def is_retime(node):
    """Whether a node may show other frames than the one that it is asked for, as any OFX plug-in may."""
    return (node.Class() in _RETIMES or node.Class().startswith("OFX")) and not _is_off(node)


def is_steady(nodes):
    """Whether all Reads that some nodes take pixels from are the same in every frame, but for the frame's number in
    their files' names; and whether our own nodes before them are disabled in all frames or in none."""
    found = upstream_of(nodes)
    if any(_varies(each["disable"]) for each in filter(is_matting, found)):
        return False
    for each in filter(is_read, found):
        knobs = each.knobs().values()
        if any(varies(knob.value() or "") if isinstance(knob, nuke.File_Knob) else _varies(knob) for knob in knobs):
            return False
    return True


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
    behind = {each.fullName() for each in upstream_of(filter(is_retime, nodes))}
    found = []
    for each in filter(is_read, nodes):
        shifted = each.fullName() in behind or _shifts(each) or _lacks(each, span)
        writes = [one for one in each.nodes() if "Write" in one.Class()] if _is_rendered(each, "Precomp") else []
        found += [(pattern_of(one), shifted) for one in (each, *writes)]
    return found


def ends(node, span):
    """What a node shows before and after a span: `hold`, `loop`, `bounce` or `black`, as the one Read does that it is
    made from; black where several are, or one of another span, or where frames are shifted between."""
    nodes = upstream(node)
    found = [each for each in nodes if each.Class() == "Read" and not is_matting(each.parent())]
    if len(found) != 1 or any(map(is_retime, nodes)) or _shifts(found[0]):
        return "black", "black"
    read = found[0]
    own = (read["first"].value(), read["last"].value()) == span
    return (read["before"].value(), read["after"].value()) if own else ("black", "black")


def asked(nodes):
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


def is_read(node):
    """Whether a node reads a file, as a Read does, a DeepRead, a Camera, or a Write that shows what it has written."""
    file = node.knob("file")
    own = "Write" in node.Class() and not _may_read(node)
    return not own and isinstance(file, nuke.File_Knob) and bool(file.value())


def only_writes(node):
    """Whether a node is a Write that hands on what it gets, whatever its knobs say."""
    return node.Class() in ("Write", "DeepWrite") and not _may_read(node)


def _may_read(node):
    """Whether a Write shows what it has written, in some frames at least."""
    reading = node.knob("reading")
    return reading is not None and (_varies(reading) or bool(reading.value()))


def _is_rendered(node, kinds="Write DeepWrite Precomp"):
    """Whether a node shows what it, or the script that it names, has rendered, and not what is before it."""
    reading = node.knob("reading") if node.Class() in kinds.split() else None
    return reading is not None and not _varies(reading) and bool(reading.value()) and not _is_off(node)


def _shifts(read):
    """Whether a Read's knobs name other frames than the one that it is asked for. Loaders of asset managers have each
    plate start at its own first frame, which it does anyway."""
    mode = read.knob("frame_mode")
    if mode is None:
        return False
    idle = {"expression": ("", "frame"), "start at": (str(int(read["first"].value())),), "offset": ("0",)}
    return read["frame"].value().strip() not in idle.get(mode.value(), ())


def _lacks(read, span):
    """Whether a Read has not all frames of a span."""
    first, last = read.knob("first"), read.knob("last")
    return read.Class() == "Read" and not (first.value() <= span[0] and span[1] <= last.value())


def _is_off(node):
    """Whether a node is disabled, whatever the frame."""
    disable = node.knob("disable")
    sources = node.Class() in ("Input", "Read")
    return disable is not None and not sources and not _varies(disable) and bool(disable.value())


def _varies(knob):
    """Whether a knob has other values in other frames; texts, which cannot say so, are taken not to."""
    return hasattr(knob, "isAnimated") and (knob.isAnimated() or knob.hasExpression())
