"""Keeps a render from going on without mattes: no frame goes out black, or with a matte of an earlier plate."""

import re

from . import actions
from .description import GUARD
from .errors import HostError
from .frames import format_frames, parse_frames
from .graph import is_matting, is_retime, is_steady, shown, upstream, upstream_of
from .nuke_api import nuke
from .patterns import at
from .plan import OTHER, frames_of, is_current, plan_of, shown_at
from .state import states_of
from .times import Times, time_of
from .wire import BadMessage

_failed = {}  # full name -> what went wrong with frames that were to be matted first, by frame
_under_way = {}  # full name of a Write -> what is known for all frames of its render, `_Known`


class _Known:
    """What a render need not look for at each frame.

    nodes : that are judged by frame, None where that may change. plans : by full name, those that hold for all frames.
    times : of the files that mattes are made from.
    """

    def __init__(self, nodes=None):
        self.nodes, self.plans, self.times = nodes, {}, Times()

    def plan(self, node):
        """A node's plan: the one that was made at the first frame, where nothing changes from frame to frame."""
        name = node.fullName()
        found = self.plans.get(name) or plan_of(node)
        if self.nodes is not None:
            self.plans[name] = found
        return found


def before_render():
    """Before a Write begins: sets key frames, mattes what is missing where that is wanted. Raises RuntimeError, also
    where mattes of another plate or other settings would be rendered."""
    write = nuke.thisNode()
    guarded = _guarded([write])
    if not guarded:
        _under_way.pop(write.fullName(), None)
        return
    retimes = [each for each in upstream(write, shown) if is_retime(each)]
    behind = {node.fullName() for node in _guarded(retimes)}  # perhaps not behind them alone
    for node in _in_order(guarded):
        _tell(node, lambda each: _prepare(each, each.fullName() in behind))
    _under_way[write.fullName()] = _Known(_judged(write) if _is_steady(write, guarded) else None)


def before_frame():
    """Before a Write's frame: mattes what is missing where no more is known to be wanted. Raises RuntimeError, which
    ends the render, where a matte of it is not up to date."""
    write, frame = nuke.thisNode(), int(nuke.frame())
    known = _under_way.get(write.fullName()) or _Known()
    for node in _judged(write) if known.nodes is None else known.nodes:
        _tell(node, lambda each: _check(each, frame, known))


def _judged(write):
    """The nodes that are judged by the frame that a Write is at."""
    return _in_order(_guarded([write], _in_step))


def _is_steady(write, guarded):
    """Whether what a Write shows of some of our nodes is planned the same in every frame."""
    own = write.knob("beforeFrameRender")  # which may set anything
    inputs = [node.input(number) for node in guarded for number in range(node.inputs())]
    return (own is None or not own.value()) and is_steady([write, *(each for each in inputs if each is not None)])


def _in_step(node):
    """`shown`, short of retimes: behind one, the frame of a Write is not the one that a node is asked for. Where a file
    is missing, the Read in our node stops the render all the same."""
    return [] if is_retime(node) else shown(node)


def _guarded(nodes, follow=shown):
    """Our nodes that some nodes show, as far as that does not depend on the frame."""
    groups = {}
    for each in upstream_of(nodes, follow):
        group = each.parent()
        if each.Class() == "Output" and is_matting(group) and not group["disable"].value():
            groups[group.fullName()] = group
    return list(groups.values())


def _in_order(nodes):
    """Nodes, first those that others are made from."""
    return sorted(nodes, key=lambda each: len(upstream(each)))


def _prepare(node, retimed):
    """retimed : whether frames may be asked for that the command line does not name."""
    if not is_current(node):
        nuke.tprint(f"NukeMatting {node.fullName()}: {OTHER}: rendered with the mattes that it has, new or old")
        return
    actions.set_keys(node)
    plan = plan_of(node)
    _failed.pop(node.fullName(), None)
    one_by_one = not retimed and _one_by_one(node)
    if node["guard"].value() == GUARD[1] and not one_by_one:
        frames = frames_of(node)
        _matte_missing(node, plan, frames if retimed else _asked_for(plan, frames))
    if node["made"].value() != plan.digest:  # settings that were set back, or a script that another machine has matted
        actions.look(node, plan)
    if one_by_one:
        return
    _check_made(node, plan)
    if retimed:
        _check_all(node, plan)


def _check_made(node, plan):
    made, frames = node["made"].value(), format_frames(frames_of(node))
    if not made:
        raise HostError(f"no frame is matted yet ({frames})", _advice())
    if made != plan.digest:
        raise HostError(
            f"its mattes are of another plate or other settings: all of {frames} are out of date",
            "press Matte range, or set the plate and settings back",
        )


def _check_other(node, frame):
    """Of a node of another version: a matte that is there is good enough, as its comp was approved with it."""
    read = node.node("Mattes")
    pattern = read["file"].value() if read is not None else ""
    within = pattern and read["first"].value() <= frame <= read["last"].value()  # what is beyond, the Read judges
    if not pattern or (within and time_of(at(pattern, frame)) is None):
        raise HostError(f"not matted: {frame}; {OTHER}", "replace it by a new one, and matte that")


def _check(node, frame, known):
    if not is_current(node):
        _check_other(node, frame)
        return
    plan = known.plan(node)
    seen = shown_at(plan, frame)
    if _one_by_one(node) and _matte_missing(node, plan, sorted(set(frames_of(node)) & set(seen))):
        known.plans.clear()  # it may have become known what the model reads
        plan = known.plan(node)
    _check_made(node, plan)
    of = states_of(node, plan, seen, known.times).of
    if all(of[each] == "cached" for each in seen):
        return
    states = states_of(node, plan, sorted({*frames_of(node), *seen}))  # all, which takes long, for the message alone
    missing, stale = states.such("missing"), states.such("stale")
    holes = [each for each in missing if _is_hole(plan, each)]
    if set(seen) & set(holes):
        what = f"the plate has no frame {format_frames(holes)}, so that there is no matte of it"
        raise HostError(what, "render or copy it, or leave it out of the render")
    failed = _failed.get(node.fullName(), {})
    for each in seen:
        if each in failed:
            raise HostError(failed[each])
    words = [f"not matted: {format_frames(missing)}"] * bool(missing)
    words += [f"out of date: {format_frames(stale)}"] * bool(stale)
    raise HostError("; ".join(words), _advice())


def _check_all(node, plan):
    """Where no frame is judged by itself: one whose matte is missing ends the render, one that is out of date would be
    rendered."""
    first, last = plan.span
    stale = states_of(node, plan, sorted({*frames_of(node), *range(first, last + 1)})).such("stale")
    if stale:
        what = f"out of date: {format_frames(stale)}; behind a node that shifts frames any of them may be asked for"
        raise HostError(what, "press Matte range, with a frame range that has them")


def _advice():
    return "press Matte range, or set missing frames to: " + GUARD[1]


def _matte_missing(node, plan, frames):
    """Whether there were any to matte. Raises HostError where none could be."""
    states = states_of(node, plan, frames)
    wanted = [frame for frame in frames if states.of[frame] != "cached"]
    asked = bool(frames) and (bool(wanted) or node["made"].value() != plan.digest)
    if asked:
        actions.matte(node, wanted or frames, wait=True, plan=plan, told=lambda job: _note_failed(node, job, wanted))
    return asked


def _note_failed(node, job, wanted):
    """Raises HostError where no frame was matted; else the render begins, and ends at one that failed, if it is asked
    for that."""
    lines = {frame: line for frame, (_, line) in job.failed.items()}
    others = [line for line in job.errors if line not in lines.values()]  # of the whole: nothing was begun, or it died
    if others or (lines and lines.keys() >= set(wanted)):
        lines = others or job.errors
        more = f"; the other {len(lines) - 1} errors are in the script editor or the terminal" if len(lines) > 1 else ""
        raise HostError(lines[0] + more)
    _failed[node.fullName()] = lines


def _one_by_one(node):
    """Whether each frame is matted as the render comes to it: a script that renders without a GUI, as farms run it for
    each frame, does not say beforehand which it will ask for."""
    return node["guard"].value() == GUARD[1] and not (nuke.GUI or {"-x", "-X"} & set(nuke.rawArgs) or _named())


def _asked_for(plan, frames):
    """Those of a node's frames that the command line names; or all."""
    named = _named()
    seen = {each for frame in named for each in shown_at(plan, frame)}
    return [frame for frame in frames if frame in seen] if named else frames


def _named():
    """The frames that the command line names, with -F or at its end."""
    words = list(nuke.rawArgs)
    ranges = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "-F"]
    while "-F" not in words and "-x" in words[:-1] and re.match(r"-?\d+(-\d+(x\d+)?)?$", words[-1]):
        ranges.append(words.pop())
    try:
        return {frame for each in ranges for frame in parse_frames(each)}
    except HostError:
        return set()


def _is_hole(plan, frame):
    """Whether the plate lacks the file of a frame; one that is rendered lacks none."""
    rendered = any(each.pattern == plan.plate for each in plan.renders)
    return not rendered and time_of(at(plan.plate, frame)) is None


def _tell(node, act):
    try:
        act(node)
    except (HostError, BadMessage) as error:
        raise RuntimeError(f"NukeMatting {node.fullName()}: {error}") from error
