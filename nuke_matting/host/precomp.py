"""Save as precomp: copies of the plate with the alpha in them, and a Read of these in place of the node.

What came out of the node comes out of what takes its place, pixel for pixel. The node stays beside it, with its inputs
and knobs, so that a later version can be made of it.
"""

import itertools
import os

from .description import FOREGROUND
from .errors import HostError
from .frames import format_frames
from .jobs import Job
from .nuke_api import nuke
from .paths import local
from .plan import asked, cache_folder
from .render import render_inputs
from .script_colour import set_space
from .state import say

_ASIDE = 110  # of the node graph's units: the width of a node, and a gap


def save(node, plan, frames):
    """Asks the worker for merged files; a Read takes the node's place once all are there. Raises HostError."""
    layer = node.node("AlphaCopy")["to0"].value()
    if layer != "rgba.alpha" and layer.startswith("rgba."):
        raise HostError(f"a precomp cannot have its alpha in {layer}", "choose rgba.alpha, or a layer of its own")
    lacking = set() if plan.still else set(range(plan.span[0], plan.span[1] + 1)) - set(frames)
    if lacking:
        what = f"the frame range leaves out {format_frames(lacking)}, which the precomp's Read would not have"
        raise HostError(what, "clear the knob frame range, or shorten the range of the plate's own Read")
    render_inputs(node, plan, frames)
    stem = os.path.basename(os.path.dirname(plan.out))
    stem += "" if layer == "rgba.alpha" else "_" + layer.replace(".", "_")
    name = _version(f"{cache_folder(node)}/precomp", stem)
    out = f"{cache_folder(node)}/precomp/{name}/{name}" + (".exr" if plan.still else ".%04d.exr")
    settings = dict(plan.settings, mode="merge", layer=layer)
    done, before = set(), node["status"].value().partition("; ")[0]

    def on_events(events):
        done.update(event["frame"] for event in events if event["type"] == "frame")
        say(node, f"precomp: {len(done)} of {len(frames)} frames written")

    def on_end(job):
        if job.state() == "done":
            undo = nuke.Undo()
            undo.begin("Save as precomp")
            try:
                read = _read(node, plan, out, frames)
                _swap(node, _foreground_into_rgb(read) if node["foreground"].value() == FOREGROUND[1] else read)
            finally:
                undo.end()
            say(node, f"{before}; saved as {name}, connect the node again to go on")
        else:
            what = job.errors[-1] if job.errors else "cancelled"
            say(node, f"precomp: {len(done)} of {len(frames)} frames written, the node was left as it is; {what}")
        job.report()

    about = dict(asked(plan, frames), settings=settings, out=out)
    Job(node, plan, about, on_events, on_end).start()


def _version(folder, stem):
    """The name of the next version of a precomp: one that is there is never written over, as comps may read it."""
    names = (f"{stem}_v{number:03d}" for number in itertools.count(1))
    return next(name for name in names if not os.path.isdir(local(f"{folder}/{name}")))


def _read(node, plan, out, frames):
    """A Read of the merged files, in the plate's own space, beside the node."""
    with node.parent():
        read = nuke.nodes.Read(file=out)
    first, last = min(frames), max(frames)
    for name, value in (("first", first), ("last", last), ("origfirst", first), ("origlast", last), ("origset", True)):
        read[name].setValue(value)
    read["before"].setValue(plan.ends[0])
    read["after"].setValue(plan.ends[1])
    read["raw"].setValue(plan.space is None)  # as the plate's own Read is, or rendered in the working space
    if plan.space is not None:
        set_space(read, plan.space)
    read["label"].setValue(f"precomp of {node.name()}")
    read.setXYpos(node.xpos(), node.ypos())
    return read


def _foreground_into_rgb(read):
    """A Copy behind the Read: its files keep the plate's own RGB, and have the foreground in a layer."""
    with read.parent():
        copy = nuke.nodes.Copy()
    for number, colour in enumerate(("red", "green", "blue")):
        copy[f"from{number}"].setValue(f"fg.{colour}")
        copy[f"to{number}"].setValue(f"rgba.{colour}")
    copy["bbox"].setValue("B")
    copy.setInput(0, read)
    copy.setInput(1, read)
    copy.setXYpos(read.xpos(), read.ypos() + 100)
    return copy


def _swap(node, new):
    """What read the node reads what is new; the node moves aside."""
    for other in node.dependent(nuke.INPUTS | nuke.HIDDEN_INPUTS):
        for number in range(other.inputs()):
            if other.input(number) is not None and other.input(number).fullName() == node.fullName():
                other.setInput(number, new)
    node.setXYpos(node.xpos() - _ASIDE, node.ypos())
