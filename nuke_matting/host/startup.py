"""What Nuke is told when it starts: the callbacks of the node, and its menu."""

import functools
import os
import time

from . import actions, guard, jobs
from .description import NAME
from .errors import HostError
from .nuke_api import nuke
from .pathmap import VARIABLE
from .paths import local
from .plan import is_matting
from .state import say

_QUIET = frozenset(
    ("status", "outdated", "made", "matted", "keyed", "showPanel", "hidePanel", "selected", "xpos", "ypos")
)
_EVERY = 2.0  # seconds between two looks at one node while the script is worked on
_looked = {}  # full name -> when


def init():
    """For init.py: with and without a GUI."""
    nuke.addBeforeRender(guard.before_render)
    nuke.addBeforeFrameRender(guard.before_frame)
    nuke.addOnScriptClose(_looked.clear)
    if os.environ.get(VARIABLE):
        nuke.addFilenameFilter(local)
    if nuke.GUI:
        nuke.addOnScriptLoad(look_at_all)
        nuke.addKnobChanged(knob_changed, nodeClass="Group")
        nuke.addUpdateUI(update, nodeClass="Group")


def menu(folder):
    """For menu.py, which is in `folder`: a command for each gizmo beside it. With a GUI."""
    nuke.pluginAddPath(os.path.join(folder, "icons"))
    toolbar = nuke.menu("Nodes").addMenu(NAME, icon=NAME + ".png")
    for file in sorted(os.listdir(folder)):
        name, suffix = os.path.splitext(file)
        if suffix == ".gizmo":
            toolbar.addCommand(name, functools.partial(nuke.createNode, name), icon=name + ".png")
    toolbar.addCommand("Stop the worker", jobs.close)


def look_at_all():
    """A script was opened: its nodes look which of their mattes are there."""
    for node in nuke.allNodes("Group", recurseGroups=True):
        if is_matting(node):
            _quietly(node, actions.look)


def knob_changed():
    """The artist changed a knob or an input while the panel was open."""
    node, knob = nuke.thisNode(), nuke.thisKnob()
    if is_matting(node) and knob.name() not in _QUIET and not jobs.running(node):
        _quietly(node, lambda each: actions.knob_changed(each, knob.name()))


def update():
    """Something in the script changed, perhaps before the node."""
    node = nuke.thisNode()
    if not is_matting(node) or jobs.running(node) or not node["made"].value():
        return
    now = time.monotonic()
    if now - _looked.get(node.fullName(), -_EVERY) >= _EVERY:
        _looked[node.fullName()] = now
        _quietly(node, actions.tell_change)


def _quietly(node, act):
    try:
        act(node)
    except HostError as error:
        say(node, str(error))
