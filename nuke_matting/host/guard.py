"""Keeps a render from going on without mattes: no frame goes out black, or with a matte of an earlier plate."""

from . import actions
from .description import GUARD
from .errors import HostError
from .frames import format_frames, parse_frames
from .graph import upstream
from .nuke_api import nuke
from .plan import frames_of, is_matting, plan_of
from .state import states_of

# where one of these is between, the frame of a Write is not the frame that our node is asked for; where a file is
# missing, the Read in our node stops the render all the same
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
    ]
)


def before_render():
    """Before a Write begins: sets key frames, mattes what is missing where that is wanted. Raises RuntimeError."""
    for node in _guarded(nuke.thisNode()):
        _tell(node, actions.set_keys)
        if node["guard"].value() == GUARD[1]:
            _tell(node, _matte_missing)


def before_frame():
    """Before a Write's frame: raises RuntimeError, which ends the render, where a matte of it is not up to date."""
    frame = int(nuke.frame())
    for node in _guarded(nuke.thisNode()):
        _tell(node, lambda each: _check(each, frame))


def _guarded(write):
    """Our nodes that a Write depends on, frame by frame."""
    groups = {}
    for each in upstream(write, _RETIMES):
        group = each.parent()
        if is_matting(group) and each.Class() == "Output" and not group["disable"].value():
            groups[group.fullName()] = group
    return list(groups.values())


def _check(node, frame):
    plan = plan_of(node)
    frames = sorted({*frames_of(node), frame})
    states = states_of(node, plan, frames)
    if node["made"].value() != plan.digest:
        raise HostError(
            f"its mattes are of another plate or other settings: all of {format_frames(frames)} are out of date",
            "press Matte range, or set the plate and settings back",
        )
    if states.of[frame] != "cached":
        missing, stale = states.such("missing"), states.such("stale")
        words = [f"not matted: {format_frames(missing)}"] * bool(missing)
        words += [f"out of date: {format_frames(stale)}"] * bool(stale)
        raise HostError("; ".join(words), "press Matte range, or set missing frames to: " + GUARD[1])


def _matte_missing(node):
    plan = plan_of(node)
    frames = _asked_for(frames_of(node))
    states = states_of(node, plan, frames)
    wanted = [frame for frame in frames if states.of[frame] != "cached"]
    if wanted or node["made"].value() != plan.digest:
        actions.matte(node, wanted or frames, wait=True)


def _asked_for(frames):
    """Those of a node's frames that the command line names with -F, or all."""
    words = list(nuke.rawArgs)
    ranges = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "-F"]
    try:
        named = {frame for each in ranges for frame in parse_frames(each)}
    except HostError:
        return frames
    return [frame for frame in frames if frame in named] if named else frames


def _tell(node, act):
    try:
        act(node)
    except HostError as error:
        raise RuntimeError(f"NukeMatting {node.fullName()}: {error}") from error
