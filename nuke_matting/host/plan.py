"""What the knobs and inputs of a node ask for: the plate, the settings, and the files that the mattes go to."""

import os
import re
import tempfile
from collections import namedtuple

from .description import ADVANCED, FOREGROUND, INPUTS, KEYS, MARK, NOT_KNOBS, VERSION
from .errors import HostError
from .frames import format_frames, parse_frames
from .graph import at, digest, graph_digest, pattern_of, plain_read, reads
from .nuke_api import nuke
from .paths import local
from .protocol import setting_schemas
from .script_colour import script_config, space_of_read, working_space

_NO_PIXELS = frozenset(ADVANCED) - {"precision", "region_batch"}  # settings that change where and how, not what

Plan = namedtuple("Plan", "plate settings out digest sources renders read keys")
Plan.__doc__ = """What is to be matted, and to where.

plate : pattern of the plate's files. settings : for the worker. out : pattern of the mattes. digest : of all that
decides their pixels. sources : the files that they are made from, a Source each. renders : what must be rendered
before. read : the plate's own Read, None where it is rendered. keys : the key frames, ascending.
"""

Source = namedtuple("Source", "pattern frames")
Source.__doc__ = "Files that mattes are made from. frames : those that count; None for all that a matte's memory reads."

Render = namedtuple("Render", "write pattern sources frames")
Render.__doc__ = """An input that is no plain file.

write : the name of the Write that renders it. pattern : to where. sources : patterns of the files that it is made from.
frames : those to render, None for what the mattes need.
"""


def is_matting(node):
    """Whether a node is one of ours."""
    return isinstance(node, nuke.Group) and MARK in node.knobs()


def plan_of(node):
    """The plan of a node as it is now. Raises HostError where it cannot be matted."""
    if int(node[MARK].value() or 0) != VERSION:
        raise HostError("this node was made by another version of NukeMatting", "replace it by a new one")
    if node.input(0) is None:
        raise HostError("no plate is connected", "connect a Read to the input plate")
    folder = cache_folder(node)
    settings, keys = _settings(node), _keys_of_plate(node)
    settings["key_frames"] = format_frames(keys)
    renders, sources, identities, plate, read = [], [], [], None, None
    spaces = {}
    for number, (name, setting, write) in enumerate(INPUTS):
        source, frames = node.input(number), keys if name == KEYS else None
        if source is None or frames == []:
            continue
        plain = plain_read(source)
        space = space_of_read(plain) if plain is not None and _covers(pattern_of(plain), frames) else None
        if space is not None:
            pattern = pattern_of(plain)
            identities.append([name, plain["file"].value(), space])
            sources.append(Source(pattern, frames))
        else:
            identity = graph_digest(source)
            identities.append([name, identity])
            pattern, space = f"{folder}/{name}_{identity}/{name}.%04d.exr", working_space()
            renders.append(Render(write, pattern, reads(source), frames))
            sources += [Source(each, frames) for each in (pattern, *renders[-1].sources)]
        spaces[name] = space
        if setting is None:
            plate, read = pattern, plain if not renders else None
        else:
            settings[setting] = pattern
    settings["ocio"] = settings["ocio"] or script_config()
    if not settings["colourspace"]:
        settings["colourspace"] = _one_space(spaces)
    decides = {name: value for name, value in settings.items() if name not in _NO_PIXELS and name not in NOT_KNOBS}
    made = digest([decides, settings["fg"], identities])
    if os.path.isfile(settings["model"]):
        sources.append(Source(settings["model"], None))
    return Plan(plate, settings, f"{folder}/{_stem(plate)}_{made}/matte.%04d.exr", made, sources, renders, read, keys)


def _one_space(spaces):
    """The space of plate and clean plate: the worker is told one for both."""
    plate = spaces["plate"]
    clean = spaces.get("clean_plate", plate)
    if clean != plate:
        what = f"the clean plate is in {clean}, the plate in {plate}"
        raise HostError(what, "give both Reads the same colour space, or name it in the knob colourspace")
    return plate


def _keys_of_plate(node):
    """The key frames that the plate has."""
    keys = key_frames_of(node)
    span = node.input(0).frameRange()
    return [frame for frame in keys if int(span.first()) <= frame <= int(span.last())]


def _covers(pattern, frames):
    """Whether files are there for each of some frames; a Read may hold, loop or repeat what is not."""
    paths = [at(pattern, frame) for frame in frames or ()]
    return len(set(paths)) == len(paths) and pattern not in paths and all(os.path.isfile(local(each)) for each in paths)


def frames_of(node):
    """The frames that the node is to matte. Raises HostError."""
    text = node["frames"].value().strip()
    if text:
        return parse_frames(text)
    if node.input(0) is None:
        raise HostError("no plate is connected", "connect a Read to the input plate")
    span = node.input(0).frameRange()
    return list(range(int(span.first()), int(span.last()) + 1))


def key_frames_of(node):
    """The frames whose alpha comes from the input keys. Raises HostError."""
    text = node["key_frames"].value().strip()
    if not text:
        return []
    if node.input([name for name, _, _ in INPUTS].index(KEYS)) is None:
        raise HostError("key frames are named, and the input keys is not connected", "connect them, or clear the knob")
    return parse_frames(text)


def cache_folder(node):
    """The folder for the node's files, with forward slashes. Raises HostError for what a File knob cannot hold."""
    folder = node["folder"].evaluate() if node["folder"].value() else ""
    if not folder:
        script = nuke.root()["name"].value()
        if script:
            folder = os.path.join(os.path.dirname(script), "nuke_matting")
        else:  # a script that was never saved
            folder = os.path.join(os.environ.get("NUKE_TEMP_DIR") or tempfile.gettempdir(), "nuke_matting")
    folder = folder.replace("\\", "/").rstrip("/")
    odd = sorted(set(folder) & set("[]$%#"))
    if odd:
        what = f"the folder {folder} has {' '.join(odd)} in its name, which Nuke reads as more than letters"
        raise HostError(what, "name another in the knob folder, of letters, digits, blanks and . _ -")
    return folder


def _settings(node):
    settings = {}
    for name, schema in setting_schemas().items():
        if name in NOT_KNOBS:
            continue
        knob = node[name]
        value = knob.evaluate() or "" if isinstance(knob, nuke.File_Knob) and knob.value() else knob.value()
        kind = {"integer": int, "number": float, "boolean": bool}.get(schema["type"])
        settings[name] = kind(value) if kind else (value or "").strip()
    settings["model"] = settings["model"] or setting_schemas()["model"]["default"]
    settings["device"] = settings["device"] or setting_schemas()["device"]["default"]
    settings["fg"] = node["foreground"].value() != FOREGROUND[0]
    return settings


def _stem(path):
    name = re.sub(r"(%0?\d*d|#+)", "", os.path.splitext(os.path.basename(path))[0])
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "plate"
