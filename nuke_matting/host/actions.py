"""What the buttons of a node do."""

import logging
import os

from . import jobs, precomp
from .choice import choose_model
from .errors import HostError
from .jobs import Job
from .nuke_api import nuke
from .paths import local
from .patterns import at, files_of
from .plan import asked, cache_folder, frames_of, key_frames_of, plan_of, shown_at
from .render import render_inputs, told_reads
from .review import open_file, review
from .state import is_there, say, says, says_what_is_there, show, show_keys, states_of
from .wire import BadMessage

log = logging.getLogger(__name__)


def press(name, node):
    """Does what the button of that name says. What goes wrong is reported in the node, and in a message or an error."""
    try:
        BUTTONS[name](node)
    except (HostError, BadMessage) as error:
        _complain(node, str(error))
    except Exception as error:
        log.exception("NukeMatting: %s", name)
        _complain(node, f"unexpected {type(error).__name__}: {error}")


def matte(node, frames, wait=False, plan=None, told=None):
    """Mattes frames of a node, the one in view first; those that are up to date are left alone. Raises HostError.

    plan : what `plan_of` gives, where it is at hand. told : called with the job, once the last of it is closed.
    """
    if jobs.running(node):
        raise HostError("this node is at work already", "wait for it, or press Cancel")
    plan = plan or plan_of(node)
    set_keys(node)
    render_inputs(node, plan, frames)
    wanted = sorted(set(frames_of(node)) | set(frames))
    states = states_of(node, plan, wanted)
    show(node, plan, states)
    say(node, f"waiting for the worker; {states.text()}")
    _ask(node, plan, states, frames, wait, told)


def _ask(node, plan, states, frames, wait, told, before=None):
    # before : the job whose files in the way these are, so that they are written over
    more = None  # the plan with the frames that the model reads, where some of them are yet to be rendered

    def on_events(events):
        nonlocal more
        for event in events:
            if event["type"] == "started":
                states.device = event["device"]
                more = told_reads(node, plan, frames, event)
                if more is not None:
                    states.outdated.update(frames)  # what is made until it ends lacks some of what it reads
                    job.replace(matte, node, frames, wait, more, told)
            elif event["type"] == "frame":
                states.set(event["frame"], "cached" if more is None else "stale")
        if any(event["type"] in ("started", "frame") for event in events):
            show(node, plan, states)
            say(node, states.text())

    def on_end(job):
        node.node("Mattes")["reload"].execute()
        # files of this very plan that the worker does not know again, as its cache was cleared, or another artist's has
        # made them: they are the node's own, and good as long as nothing that they are made from is newer
        taken = [frame for frame, (kind, _) in job.failed.items() if kind == "taken"]
        again = [frame for frame in taken if states.of[frame] != "cached"]
        if before is None:
            for frame in set(taken) - set(again):
                job.pardon(frame)
        if again and before is None and job.state() != "cancelled":
            _ask(node, plan, states, again, wait, told, before=job)
            return
        if before is not None:
            job.add(before)
        say(node, _ending(job, states))
        job.report()
        if told is not None:
            told(job)

    about = dict(
        asked(plan, frames),
        view=int(nuke.frame()),
        priority=1 if len(frames) == 1 else 0,
        settings=dict(plan.settings, mode="sidecar"),
        out=plan.out,
        overwrite=before is not None,
    )
    job = Job(node, plan, about, on_events, on_end)
    job.start(wait)


def refresh(node):
    """Looks which mattes are there, and asks the worker which are out of date."""
    if jobs.running(node):
        raise HostError("this node is at work already", "wait for it, or press Cancel")
    plan, frames = plan_of(node), frames_of(node)
    states = states_of(node, plan, frames)
    look(node)
    first, last = plan.span  # what is beyond is never rendered
    own = [frame for frame in frames if first <= frame <= last]
    rendered = all(
        os.path.exists(local(at(each.pattern, frame))) for each in plan.renders for frame in each.frames or own
    )
    if not rendered or not (states.such("cached") or states.such("stale")):
        return  # nothing that the worker could judge

    def on_events(events):
        for event in events:
            if event["type"] != "frame" or event["state"] == "unknown":
                continue  # it may be another artist's: the files, and what another worker said, are all that is known
            if states.of[event["frame"]] != "missing":
                if event["state"] == "missing":
                    states.outdated.add(event["frame"])
                states.set(event["frame"], "stale" if event["state"] == "missing" else "cached")

    def on_end(job):
        show(node, plan, states)
        say(node, _ending(job, states))

    about = dict(asked(plan, frames), compute=False, settings=plan.settings, out=plan.out)
    Job(node, plan, about, on_events, on_end).start()


def look(node, plan=None):
    """Shows the mattes that are there for the node as it is now, from the files alone.

    plan : what `plan_of` gives, where it is at hand.
    """
    if not node["made"].value() and not node["matted"].isAnimated() and node.input(0) is None:
        return
    plan = plan or plan_of(node)
    set_keys(node)
    states = states_of(node, plan, frames_of(node))
    if states.such("cached") or states.such("stale") or node["made"].value() == plan.digest:  # or they were removed
        show(node, plan, states)
        say(node, states.text())
    else:
        tell_change(node, plan)


def set_keys(node):
    """Makes the node take the alpha of its key frames from its input keys. Raises HostError where there is none:
    it then takes none, which would be black."""
    try:
        frames = key_frames_of(node)
    except HostError:
        show_keys(node, [])
        raise
    show_keys(node, frames)


def knob_changed(node, knob):
    """The artist changed a knob or, as `inputChange`, an input, or opened the panel, as `showPanel`."""
    if knob in ("key_frames", "inputChange"):
        set_keys(node)
    if knob != "showPanel" or node["made"].value():  # else nothing has changed what the last press has said
        tell_change(node, looking=knob in ("frames", "showPanel"))


def follow(node):
    """The script changed, perhaps knobs or inputs of the node without `knob_changed`."""
    set_keys(node)
    if node["made"].value():
        tell_change(node)


def tell_change(node, plan=None, looking=False):
    """Says in the status whether what the node shows is of another plate or other settings. Changes no pixels. Errors
    and notes of the last press stay while all else is as it was.

    looking : whether to look at the files too, which takes long where there are many; else that is done where the
    status says nothing of them, as of settings that were set back.
    """
    plan = plan or plan_of(node)
    made = node["made"].value()
    if not made:
        say(node, "not matted")
    elif made != plan.digest:
        say(node, "out of date: plate or settings have changed since; press Matte range")
    elif looking or not says_what_is_there(node):
        text = states_of(node, plan, frames_of(node)).text()
        if not says(node, text):
            say(node, text)


def _matte_frame(node):
    plan, frame = plan_of(node), int(nuke.frame())
    frames = shown_at(plan, frame)
    if len(frames) != 1:
        first, last = plan.span
        raise HostError(f"frame {frame} is none of the plate's, {first}-{last}", "go to one of these")
    matte(node, frames, plan=plan)


def _matte_range(node):
    matte(node, frames_of(node))


def _cancel(node):
    job = jobs.running(node)
    if job is None:
        say(node, "nothing is under way")
    else:
        job.cancel()


def _clear(node):
    """Removes this plan's mattes and renders, and nothing else that may lie in the folder; nor those of the script that
    this one was copied from. In the GUI it asks before."""
    if jobs.running(node):
        raise HostError("this node is at work", "press Cancel first")
    plan = plan_of(node)
    folder = cache_folder(node)

    def found(patterns):
        return [file for each in patterns if each.startswith(folder + "/") for file in files_of(each)]

    mattes = found({plan.out, node.node("Mattes")["file"].value()})
    renders = found({each.pattern for each in plan.renders})
    if nuke.GUI and (mattes or renders) and not nuke.ask(_removal(mattes, renders, folder)):
        return
    _remove(mattes + renders)
    for each in {os.path.dirname(file) for file in mattes + renders}:
        if not os.listdir(each):
            os.rmdir(each)
    states = states_of(node, plan, frames_of(node))
    states.outdated.clear()
    show(node, plan, states)
    node.node("Mattes")["reload"].execute()
    own = plan.out.startswith(folder + "/")
    say(node, "cleared" if own else f"left alone, as it is another script's: {os.path.dirname(plan.out)}")


def _removal(mattes, renders, folder):
    """The question before files are removed."""
    within = {os.path.dirname(each) for each in mattes + renders}
    where = within.pop() if len(within) == 1 else folder
    more = f", and {_many(renders, 'frame')} rendered for them," if renders else ""
    return f"Remove {_many(mattes, 'matte')}{more} in {where}?"


def _many(things, name):
    return f"{len(things)} {name}{'s' * (len(things) != 1)}"


def _reveal(node):
    folder = local(os.path.dirname(node.node("Mattes")["file"].value() or plan_of(node).out))
    if not os.path.isdir(folder):
        raise HostError(f"{folder} is not there yet", "matte a frame first")
    open_file(folder)


def _review(node):
    """A contact sheet of what is matted."""
    plan = plan_of(node)
    states = states_of(node, plan, frames_of(node))
    matted = sorted(states.such("cached") + states.such("stale"))
    if not matted:
        raise HostError("nothing is matted yet", "press Matte range")
    before = node["status"].value()

    def on_end(wrong):
        if is_there(node):
            say(node, wrong or before)

    review(plan, matted, f"{cache_folder(node)}/review/{os.path.basename(os.path.dirname(plan.out))}.png", on_end)
    if nuke.GUI:
        say(node, "drawing the contact sheet")


def _precomp(node):
    if jobs.running(node):
        raise HostError("this node is at work already", "wait for it, or press Cancel")
    precomp.save(node, plan_of(node), frames_of(node))


def _ending(job, states):
    words = [states.text()]
    if job.state() == "cancelled":
        words.append("cancelled")
    if job.errors:
        words.append(
            job.errors[-1] if len(job.errors) == 1 else f"{len(job.errors)} errors, the last: {job.errors[-1]}"
        )
    noted = job.noted()
    words += noted if len(noted) < 2 else [f"{len(noted)} notes, the first: {noted[0]}"]
    words += job.warnings[-1:]  # such as that the worker had died; all of all kinds are in the script editor
    return "; ".join(words)


def _complain(node, line):
    say(node, line)
    if nuke.GUI:
        nuke.message(f"NukeMatting: {line}")
    else:
        raise RuntimeError(f"NukeMatting: {line}")


def _remove(paths):
    for path in paths:
        try:
            os.remove(local(path))
        except FileNotFoundError:
            pass
        except OSError as error:
            raise HostError(f"{path} cannot be removed ({error.strerror})", "look at the folder's rights") from error


BUTTONS = {
    "matte_frame": _matte_frame,
    "matte_range": _matte_range,
    "cancel": _cancel,
    "refresh": refresh,
    "clear": _clear,
    "reveal": _reveal,
    "review": _review,
    "choose_model": choose_model,
    "precomp": _precomp,
}
