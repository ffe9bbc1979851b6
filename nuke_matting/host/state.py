"""Which mattes of a node are there and up to date, and how the node shows it."""

import re
from contextlib import contextmanager

from .frames import curve, curve_keys, format_frames, format_reads, parse_frames, read_by
from .nuke_api import nuke
from .patterns import at
from .plan import shown_at
from .script_colour import set_space
from .times import Times, time_of

_ROUND = str.maketrans("[]", "()")


class States:
    """The frames of a node, each `cached`, `stale` or `missing`, from the files alone.

    Stale is a matte that is older than a file it was made from, or that the worker said is out of date (`outdated`).
    times : what is known of these files already.
    """

    def __init__(self, plan, frames, outdated=(), times=None):
        self.frames = list(frames)
        self.outdated = set(outdated)
        self.device = ""  # that they are matted on, once it is known
        self._times, self._plan, self._beside = times or Times(), plan, None
        self.of = {frame: self._look(plan, frame) for frame in self.frames}

    def such(self, state):
        """The frames of a state, ascending."""
        return [frame for frame in self.frames if self.of[frame] == state]

    def set(self, frame, state):
        """A frame's state has become known."""
        if frame in self.of:
            self.of[frame] = state
        if state == "cached":
            self.outdated.discard(frame)

    def beside(self):
        """The frames of the plate that have a matte, and are none of these: what a frame range leaves out is shown as
        well, as a render takes it. Looked for once."""
        if self._beside is None:
            first, last = self._plan.span
            others = [frame for frame in range(first, last + 1) if frame not in self.of]
            self._beside = [frame for frame in others if time_of(at(self._plan.out, frame)) is not None]
        return self._beside

    def text(self):
        """In words, for the node."""
        cached, stale = len(self.such("cached")), len(self.such("stale"))
        words = [f"{cached} of {len(self.frames)} frames matted"]
        words += [f"{stale} out of date"] * bool(stale)
        words += [self.device] * bool(self.device)
        words += ["one view for all: put a OneView before the node"] * self._plan.views
        return ", ".join(words)

    def _look(self, plan, frame):
        made = time_of(at(plan.out, frame))
        if made is None:
            return "missing"
        read = read_by(frame, plan.keys, plan.span[0], plan.reads)
        sources = [
            self._times.of(source, each)
            for source in plan.sources
            for each in (read if source.frames is None else set(read) & set(source.frames))
        ]
        late = any(time is not None and time > made for time in sources)
        return "stale" if late or frame in self.outdated else "cached"


def states_of(node, plan, frames, times=None):
    """The states of frames, from disk and from what the node remembers. times : as `States` takes them."""
    text = node["outdated"].value() if node["made"].value() == plan.digest else ""
    return States(plan, frames, parse_frames(text) if text else (), times)


def show(node, plan, states):
    """Points the node at the plan's mattes, and tells it which are there. On the main thread.

    The frames that are there become a curve, so that the script knows them without any file being looked for.
    """
    with unrecorded():
        read = node.node("Mattes")
        _put(node["made"], plan.digest)
        _put(node["outdated"], format_frames(states.outdated))
        _put(read["file"], plan.out)
        _put(read["localizationPolicy"], "off")  # which that of older nodes is not
        first, last = plan.span  # in a render a frame without a file is to be an error, not black
        for name, frame in (("first", first), ("last", last)):
            _put(read[name], frame)
            _put(read["orig" + name], frame)
        for number, name in enumerate(("before", "after")):
            _put(read[name], plan.ends[number])
        foreign = plan.space is not None and plan.settings["fg"]
        _put(read["raw"], not foreign)  # a foreground is in the plate's own space; an alpha has none
        if foreign:
            set_space(read, plan.space)
        matted = states.such("cached") + states.such("stale")
        if plan.still:
            _put_constant(node["matted"], bool(matted))
        else:
            matted = sorted({*matted, *states.beside()})
            _put_curve(node["matted"], matted, _beyond(plan, matted))


def show_keys(node, frames):
    """Tells the node which frames' alpha comes from its input keys. On the main thread."""
    with unrecorded():
        _put_curve(node["keyed"], frames)


def note_reads(node, plan):
    """Has the node note which frames the plan's model reads. On the main thread."""
    if node.knob("reads") is not None:  # which older nodes have not: they are told at each press
        with unrecorded():
            _put(node["reads"], format_reads(plan.settings["model"], plan.reads))


def is_there(node):
    """Whether a node was not deleted meanwhile. On the main thread."""
    try:
        node.fullName()
    except ValueError:
        return False
    return True


def say(node, text):
    """Puts a line into the node's status. On the main thread. Brackets, which Nuke would run as Tcl, become round."""
    with unrecorded():
        _put(node["status"], " ".join(text.translate(_ROUND).split()))


def says(node, text):
    """Whether a node's status says what `States.text` gave: with a device, and with what came of the last press."""
    return re.match(re.escape(text) + r"(, [a-z]+(:\d+)?)?(;|$)", node["status"].value()) is not None


def says_what_is_there(node):
    """Whether a node's status begins as `States.text` does."""
    return re.match(r"\d+ of \d+ frames matted", node["status"].value()) is not None


@contextmanager
def unrecorded():
    """What happens within is not what the artist did, and is not undone with it."""
    nuke.Undo().disable()
    try:
        yield
    finally:
        nuke.Undo().enable()


def _put(knob, value):
    if knob.value() != value:  # a knob that is set marks the script as changed
        knob.setValue(value)


def _beyond(plan, matted):
    """Up to which frame before the plate, and from which one after it, what is shown has its matte; None for none."""
    first, last = plan.span
    there = [set(shown_at(plan, frame)) <= set(matted) for frame in (first - 1, last + 1)]
    return (first - 1 if there[0] else None, last + 1 if there[1] else None) if matted else ()


def _put_curve(knob, frames, beyond=()):
    """A stepped curve that is 1 at some frames; the constant 0 for none."""
    if frames:
        text = curve(frames, beyond)
        if curve_keys(knob.toScript()) != curve_keys(text):
            knob.fromScript("{" + text + "}")
    else:
        _put_constant(knob, 0)


def _put_constant(knob, value):
    if knob.isAnimated():
        knob.clearAnimated()
    _put(knob, float(value))
