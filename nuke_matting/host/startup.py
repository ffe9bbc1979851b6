"""What Nuke is told when it starts: the callbacks of the node, and its menu."""

import functools
import logging
import os
import time

from . import actions, guard, jobs
from .description import NAME
from .errors import HostError
from .graph import is_matting
from .nuke_api import nuke
from .pathmap import VARIABLE
from .paths import local
from .state import say

log = logging.getLogger(__name__)

_QUIET = frozenset(("status", "outdated", "reads", "made", "matted", "keyed", "hidePanel", "selected", "xpos", "ypos"))
_EVERY = 2.0  # seconds between two looks at one node while the script is worked on
_SHARE = 20  # a look at many files on a slow disk takes long: so many times that long is none
_menus = []  # folders whose commands are in the menu
_looked = {}  # full name -> when the next look may be


def init():
    """For init.py: with and without a GUI."""
    for kind in ("Write", "DeepWrite"):
        nuke.addBeforeRender(guard.before_render, nodeClass=kind)
        nuke.addBeforeFrameRender(guard.before_frame, nodeClass=kind)
    nuke.addOnScriptClose(_looked.clear)
    if os.environ.get(VARIABLE):
        nuke.addFilenameFilter(_filtered)
    if nuke.GUI:
        nuke.addOnScriptLoad(look_at_all)
        nuke.addKnobChanged(knob_changed, nodeClass="Group")
        nuke.addUpdateUI(update, nodeClass="Group")


def menu(folder):
    """For menu.py, which is in `folder`: a command for each gizmo beside it. With a GUI. Of the first folder alone."""
    if _menus:
        return
    _menus.append(folder)
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
    """The artist changed a knob or an input while the panel was open, or opened it."""
    node, knob = nuke.thisNode(), nuke.thisKnob()
    quiet = isinstance(knob, nuke.PyScript_Knob) or knob.name() in _QUIET  # a button says itself what it did
    if is_matting(node) and not quiet and not jobs.running(node):
        _quietly(node, lambda each: actions.knob_changed(each, knob.name()))


def update():
    """Something in the script changed, perhaps before the node."""
    node = nuke.thisNode()
    if not is_matting(node) or jobs.running(node):
        return
    name, began = node.fullName(), time.monotonic()
    if began >= _looked.get(name, began):
        _quietly(node, actions.follow)
        ended = time.monotonic()
        _looked[name] = ended + max(_EVERY, _SHARE * (ended - began))


def _filtered(path):
    """Every file name of the script, also of nodes that are not ours, goes through here: it never fails."""
    try:
        return local(path)
    except HostError:  # of a path map that is none; our nodes say so
        return path


def _quietly(node, act):
    try:
        act(node)
    except HostError as error:
        say(node, str(error))
    except Exception as error:  # what calls this is Nuke, in the middle of other things
        log.exception("NukeMatting: %s", node.fullName())
        say(node, f"unexpected {type(error).__name__}: {error}")
