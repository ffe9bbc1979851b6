"""Renders what comes into a node where it is no plain file, to EXRs that the worker can read. On the main thread.

Full float, unconverted, in the script's working space, at full size also in proxy mode; each frame once, until what is
upstream or a file that it reads has changed.
"""

from .errors import HostError
from .frames import read_by, runs
from .nuke_api import nuke
from .patterns import at
from .state import note_reads, unrecorded
from .times import Times, time_of


def render_inputs(node, plan, frames):
    """Renders what is missing of a plan's inputs for some frames. Raises HostError where that fails or is cancelled."""
    for render in plan.renders:
        lacking = _lacking(render, sorted(render.frames or _needed(plan, frames)))
        if lacking:
            _execute(node.node(render.write), render, lacking)


def told_reads(node, plan, frames, event):
    """Has the node note which frames the model reads, by the worker's `started`. Gives the plan with these where more
    must be rendered for it than was for the plan; None where that will do."""
    told = plan._replace(reads=tuple(event.get("references", plan.reads)))
    if set(told.reads) != set(plan.reads):
        note_reads(node, told)
    return told if plan.renders and _needed(told, frames) - _needed(plan, frames) else None


def _needed(plan, frames):
    first, last = plan.span
    read = {each for frame in frames for each in read_by(frame, plan.keys, first, plan.reads)}
    return {frame for frame in read if first <= frame <= last}


def _lacking(render, frames):
    times = Times()
    return [frame for frame in frames if not _is_there(render, frame, times)]


def _is_there(render, frame, times):
    made = time_of(at(render.pattern, frame))
    return made is not None and all((times.of(source, frame) or made) <= made for source in render.sources)


def _execute(write, render, frames):
    proxy = nuke.root()["proxy"]
    was_proxy = proxy.value()
    with unrecorded():
        write["file"].setValue(render.pattern)
        write["disable"].setValue(False)
        proxy.setValue(False)
        try:
            for first, last in runs(frames):
                nuke.execute(write, first, last, 1)
        except RuntimeError as error:  # of any kind: Nuke has no other; a cancelled one says 'Cancelled'
            text = str(error)
            if "cancel" in text.lower() or _lacking(render, frames):  # else another machine has made them meanwhile
                raise HostError(f"the input could not be rendered ({text})", _advice(text)) from error
        finally:
            proxy.setValue(was_proxy)
            write["disable"].setValue(True)


def _advice(text):
    if "already executing" in text:
        return "press Matte range first: Nuke does not render within a render"
    return "" if "cancel" in text.lower() else "look at the nodes before this one"
