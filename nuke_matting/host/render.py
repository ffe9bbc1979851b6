"""Renders what comes into a node where it is no plain file, to EXRs that the worker can read. On the main thread.

Full float, unconverted, in the script's working space, at full size also in proxy mode; each frame once, until what is
upstream or a file that it reads has changed.
"""

from .errors import HostError
from .frames import read_by, runs
from .graph import at
from .nuke_api import nuke
from .state import unrecorded
from .times import Times, time_of


def render_inputs(node, plan, frames):
    """Renders what is missing of a plan's inputs for some frames. Raises HostError where that fails or is cancelled."""
    first, last = plan.span
    needed = {each for frame in frames for each in read_by(frame, plan.keys) if first <= each <= last}
    needed.add(first)  # the memory of some models reads it
    for render in plan.renders:
        times = Times()
        lacking = [frame for frame in sorted(render.frames or needed) if not _is_there(render, frame, times)]
        if lacking:
            _execute(node.node(render.write), render.pattern, lacking)


def _execute(write, pattern, frames):
    proxy = nuke.root()["proxy"]
    was_proxy = proxy.value()
    with unrecorded():
        write["file"].setValue(pattern)
        write["disable"].setValue(False)
        proxy.setValue(False)
        try:
            for first, last in runs(frames):
                nuke.execute(write, first, last, 1)
        except RuntimeError as error:  # of any kind: Nuke has no other; a cancelled one says 'Cancelled'
            advice = "look at the nodes before this one" if "cancel" not in str(error).lower() else ""
            raise HostError(f"the input could not be rendered ({error})", advice) from error
        finally:
            proxy.setValue(was_proxy)
            write["disable"].setValue(True)


def _is_there(render, frame, times):
    made = time_of(at(render.pattern, frame))
    return made is not None and all((times.of(source, frame) or made) <= made for source in render.sources)
