"""Values of the script itself that nodes ask for: knobs of its root, and variables that hold within a group."""

import re

from .nuke_api import nuke

# knobs of the root that change no pixels of a frame at full size; files are known by where they are
_IDLE = frozenset(["name", "frame", "label", "proxy", "proxy_type", "proxy_scale", "proxy_format", "project_directory"])
_PARTS = {"width": "format", "height": "format", "pixel_aspect": "format"}  # of a knob, by names of their own
_VARIABLES = "gsv"  # the knob of the root and of groups that holds variables, in Nuke 16 and later


def script_values(nodes, text):
    """The knobs of the root that a text, of some nodes' knobs, names, and all variables where it or they ask for any:
    each as its name and text."""
    root = nuke.root()
    names = {_PARTS.get(each, each) for each in re.findall(r"\b(?:root|parent)\.(\w+)", text)} - _IDLE
    knobs = [(name, root.knob(name)) for name in sorted(names)]
    found = [[name, knob.toScript(False, None)] for name, knob in knobs if knob is not None]
    if "%{" in text or any(each.Class() == "VariableSwitch" for each in nodes):
        groups = {each.fullName(): each for node in nodes for each in _around(node)}
        scopes = [groups[name].knob(_VARIABLES) for name in sorted(groups)]
        found += [[_VARIABLES, each.toScript(False, None)] for each in scopes if each is not None]
    return found


def _around(node):
    """The groups that a node is in, up to the root."""
    group = node.parent()
    while group is not None:
        yield group
        group = group.parent()
