"""What the knobs and inputs of a node ask for: the plate, the settings, and the files that the mattes go to."""

import os
import re
import tempfile
from collections import namedtuple

from .description import FOREGROUND, INPUTS, KEYS, MARK, NO_PIXELS, NOT_KNOBS, VERSION
from .errors import HostError
from .frames import format_frames, parse_frames, parse_reads
from .graph import ends, has_views, plain_read, reads
from .identity import digest, graph_digest, path_identity
from .nuke_api import nuke
from .paths import common, local
from .patterns import at, evaluated, is_still, pattern_of, whole
from .protocol import setting_schemas
from .script_colour import config_identity, script_config, space_name, space_of_read, worker_config, working_space

OTHER = "this node was made by another version of NukeMatting"

Plan = namedtuple("Plan", "plate settings out digest sources renders space span keys reads views still ends")
Plan.__doc__ = """What is to be matted, and to where.

plate : pattern of the plate's files. settings : for the worker. out : pattern of the mattes. digest : of all that
decides their pixels. sources : the files that they are made from, a Source each. renders : what must be rendered
before. space : that of the plate's own Read, None where it is raw, or is rendered. span : the plate's first and last
frame. keys : the key frames, ascending. reads : the other frames that a frame's matte is made
from, as offsets; None is the first of the plate. views : whether the plate has several, of which one is matted. still :
whether the plate is one file: its matte is one too, is known here as that of the first frame, and is shown in all.
ends : what is shown before and after the span: `hold`, `loop`, `bounce` or `black`.
"""

Source = namedtuple("Source", "pattern frames shifted")
Source.__doc__ = """Files that mattes are made from.

frames : those that count; None for all that a matte's memory reads. shifted : whether any of the files may be shown in
any of these frames, as behind a retime.
"""

Render = namedtuple("Render", "write pattern sources frames")
Render.__doc__ = """An input that is no plain file.

write : the name of the Write that renders it. pattern : to where. sources : the files that it is made from, a Source
each. frames : those to render, None for what the mattes need.
"""


def plan_of(node):
    """The plan of a node as it is now. Raises HostError where it cannot be matted."""
    if not is_current(node):
        raise HostError(OTHER, "replace it by a new one")
    if node.input(0) is None:
        raise HostError("no plate is connected", "connect a Read to the input plate")
    folder, span = cache_folder(node), _span(node)
    settings, keys = _settings(node, span), [frame for frame in key_frames_of(node) if span[0] <= frame <= span[1]]
    settings["key_frames"] = format_frames(keys)
    renders, sources, identities, plate, read = [], [], [], None, None
    spaces = {}
    for number, (name, setting, write) in enumerate(INPUTS):
        source, frames = node.input(number), keys if name == KEYS else None
        if source is None or frames == []:
            continue
        plain = plain_read(source)
        there = plain is not None and (number == 0 or _covers(plain, frames, span))
        space = space_of_read(plain) if there else None
        if space is not None:
            pattern = pattern_of(plain)
            identities.append([name, path_identity(plain), space])
            sources.append(Source(pattern, frames, False))
        else:
            identity = graph_digest(source)
            identities.append([name, identity])
            pattern, space = f"{folder}/{name}_{identity}/{name}.%04d.exr", working_space()
            read_for_it = [Source(each, frames, shifted) for each, shifted in reads(source, span)]
            renders.append(Render(write, pattern, read_for_it, frames))
            sources += [Source(pattern, frames, False), *read_for_it]
        spaces[name] = space
        if setting is None:
            plate, read = pattern, plain if not renders else None
        else:
            settings[setting] = pattern
    config = settings["ocio"] or script_config()
    settings["ocio"] = worker_config(config)
    if not settings["colourspace"]:
        settings["colourspace"] = spaces["plate"]
        settings["clean_colourspace"] = spaces.get("clean_plate", "")
    elif "clean_plate" in spaces:
        settings["clean_colourspace"] = settings["colourspace"]
    decides = {name: value for name, value in settings.items() if name not in NO_PIXELS and name not in NOT_KNOBS}
    decides.update(ocio=config_identity(config), model=common(settings["model"]))
    made = digest([decides, settings["fg"], identities])
    if os.path.isfile(settings["model"]):
        sources.append(Source(settings["model"], None, False))
    still = read is not None and is_still(read)
    name = f"matte{_number(plate)}.exr" if still else "matte.%04d.exr"
    out = _kept(node, made, name) or f"{folder}/{_stem(plate)}_{made}/{name}"
    shown_space = None if read is None or read["raw"].value() else space_name(read["colorspace"].value())
    noted = node.knob("reads")  # which older nodes have not
    read_around = parse_reads(noted.value() if noted else "", settings["model"])
    views = has_views(node.input(0))
    return Plan(
        plate,
        settings,
        out,
        made,
        sources,
        renders,
        shown_space,
        span,
        keys,
        read_around,
        views,
        still,
        ends(node.input(0), span),
    )


def is_current(node):
    """Whether a node is of this version: what another one's knobs and nodes mean is not known."""
    return int(node[MARK].value() or 0) == VERSION


def _kept(node, made, name):
    """The pattern of the mattes that a node shows, where they are our own of this very plan and no folder is named: a
    script that was saved elsewhere since, or copied to a farm's folder, keeps them. None of others, and of those of a
    script that had no folder yet."""
    shown = node.node("Mattes")["file"].value()
    ours = node["made"].value() == made and shown.endswith(f"_{made}/{name}")
    if not ours or node["folder"].value() or shown.startswith(_temporary() + "/"):
        return None
    return shown if os.path.isdir(local(os.path.dirname(shown))) else None


def _temporary():
    """The folder for a script that was never saved."""
    return os.path.join(os.environ.get("NUKE_TEMP_DIR") or tempfile.gettempdir(), "nuke_matting").replace("\\", "/")


def _span(node):
    """The plate's first and last frame."""
    span = node.input(0).frameRange()
    return int(span.first()), int(span.last())


def _covers(read, frames, span):
    """Whether a Read has files for each of some frames, or, where those are None, is a still or of the plate's span: it
    may hold, loop or repeat what is not there, which the worker does not."""
    pattern = pattern_of(read)
    if frames is None:
        still = at(pattern, 1) == pattern
        return still or (read["first"].value() <= span[0] and span[1] <= read["last"].value())
    paths = [at(pattern, frame) for frame in frames]
    return len(set(paths)) == len(paths) and pattern not in paths and all(os.path.isfile(local(each)) for each in paths)


def frames_of(node):
    """The frames of the plate that the node is to matte; of a still the first, whatever is named. Raises HostError."""
    text = evaluated(node["frames"]).strip()
    named = parse_frames(text) if text else None
    if node.input(0) is None:
        raise HostError("no plate is connected", "connect a Read to the input plate")
    first, last = _span(node)
    plain = plain_read(node.input(0))
    if plain is not None and is_still(plain):
        return [first]
    frames = list(range(first, last + 1)) if named is None else [each for each in named if first <= each <= last]
    if not frames:
        raise HostError(f"the frame range {text} has none of the plate's frames, {first}-{last}", "name some of these")
    return frames


def shown_at(plan, frame):
    """The frames of which a matte may be shown at a frame, so that they must be there: one of a still, or where the
    plate holds it; all where the plate repeats itself, as which of them it is only Nuke knows; none where it is black.
    """
    first, last = plan.span
    if first <= frame <= last:
        return [first if plan.still else frame]
    if plan.still:
        return [] if plan.ends[frame > last] == "black" else [first]
    found = {"hold": [first if frame < first else last], "black": []}
    return found.get(plan.ends[frame > last], list(range(first, last + 1)))


def asked(plan, frames):
    """How the worker is asked for some frames: of a still, for what it has, whatever it takes its number to be."""
    return {} if plan.still else {"frames": format_frames(frames)}


def key_frames_of(node):
    """The frames whose alpha comes from the input keys. Raises HostError."""
    text = evaluated(node["key_frames"]).strip()
    if not text:
        return []
    if node.input([name for name, _, _ in INPUTS].index(KEYS)) is None:
        raise HostError("key frames are named, and the input keys is not connected", "connect them, or clear the knob")
    return parse_frames(text)


def cache_folder(node):
    """The folder for the node's files, with forward slashes. Raises HostError for what a File knob cannot hold."""
    folder = whole(evaluated(node["folder"])) if node["folder"].value() else ""
    if not folder:
        script = nuke.root()["name"].value()
        folder = os.path.join(os.path.dirname(script), "nuke_matting") if script else _temporary()
    folder = _at_home(folder.replace("\\", "/")).rstrip("/")
    odd = sorted(set(folder) & set("[]$%#"))
    if odd:
        what = f"the folder {folder} has {' '.join(odd)} in its name, which Nuke reads as more than letters"
        raise HostError(what, "name another in the knob folder, of letters, digits, blanks and . _ -")
    return folder


def _at_home(folder):
    """A folder whose name begins with that of a home, `~` or `~name`, in full. Raises HostError for one of nobody."""
    found = os.path.expanduser(folder).replace("\\", "/")
    if found.startswith("~"):
        raise HostError(f"the folder {folder} is of a user who is not known here", "name it in full in the knob folder")
    return found


def _settings(node, span):
    settings = {}
    for name, schema in setting_schemas().items():
        if name in NOT_KNOBS:
            continue
        knob = node.knob(name)
        if knob is None:  # the node is older than the setting
            settings[name] = schema["default"]
            continue
        if name not in NO_PIXELS:
            _check_steady(knob, span)
        value = evaluated(knob) if isinstance(knob, nuke.File_Knob) and knob.value() else knob.value()
        if isinstance(knob, nuke.File_Knob) and "/" in value:
            value = whole(value)
        kind = {"integer": int, "number": float, "boolean": bool}.get(schema["type"])
        settings[name] = kind(value) if kind else (value or "").strip()
    settings["model"] = settings["model"] or setting_schemas()["model"]["default"]
    settings["device"] = settings["device"] or setting_schemas()["device"]["default"]
    _check_steady(node["foreground"], span)
    settings["fg"] = node["foreground"].value() != FOREGROUND[0]
    return settings


def _check_steady(knob, span):
    """Raises HostError where a knob's value differs from frame to frame: all mattes are made with one."""
    numbers = (nuke.Double_Knob, nuke.Int_Knob, nuke.Boolean_Knob, nuke.Enumeration_Knob)
    if isinstance(knob, numbers) and (knob.isAnimated() or knob.hasExpression()):
        frames = {nuke.frame(), *range(span[0], span[1] + 1)}
        if len({knob.valueAt(frame) for frame in frames}) > 1:
            raise HostError(
                f"the knob {knob.name().replace('_', ' ')} is animated, and all mattes are made with one value",
                "remove its animation, or use a node for each value",
            )


def _number(path):
    """What a still's matte has of its number, so that the two are known to go together; empty where it has none, as a
    version is none."""
    found = re.search(r"(^|[\W_])([vV]?)(\d+)$|\d+$", os.path.splitext(os.path.basename(path))[0])
    return "" if found is None or found[2] else f".{found[3] or found[0]}"


def _stem(path):
    name = re.sub(r"(%0?\d*d|#+)", "", os.path.splitext(os.path.basename(path))[0])
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "plate"
