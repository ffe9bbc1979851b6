"""What the knobs and inputs of a node ask for: the plate, the settings, and the files that the mattes go to."""

import os
import re
import tempfile
from collections import namedtuple

from .description import ADVANCED, FOREGROUND, INPUTS, MARK, NOT_KNOBS, VERSION
from .errors import HostError
from .frames import parse_frames
from .graph import digest, graph_digest, pattern_of, plain_read, reads
from .nuke_api import nuke
from .protocol import setting_schemas
from .script_colour import script_config, space_of_read, working_space

_NO_PIXELS = frozenset(ADVANCED) - {"precision", "region_batch"}  # settings that change where and how, not what

Plan = namedtuple("Plan", "plate settings out digest sources renders read")
Plan.__doc__ = """What is to be matted, and to where.

plate : pattern of the plate's files. settings : for the worker. out : pattern of the mattes. digest : of all that
decides their pixels. sources : patterns of the files that they are made from. renders : what must be rendered before.
read : the plate's own Read, None where it is rendered.
"""

Render = namedtuple("Render", "write pattern sources")
Render.__doc__ = (
    "An input that is no plain file: the name of the Write that renders it, to where, and from which files."
)


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
    settings = _settings(node)
    renders, sources, identities, plate, read = [], [], [], None, None
    spaces = {}
    for number, (name, setting, write) in enumerate(INPUTS):
        source = node.input(number)
        if source is None:
            continue
        plain = plain_read(source)
        space = space_of_read(plain) if plain is not None else None
        if space is not None:
            pattern = pattern_of(plain)
            identities.append([name, plain["file"].value(), space])
            sources.append(pattern)
        else:
            identity = graph_digest(source)
            identities.append([name, identity])
            pattern, space = f"{folder}/{name}_{identity}/{name}.%04d.exr", working_space()
            renders.append(Render(write, pattern, reads(source)))
            sources += [pattern, *renders[-1].sources]
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
        sources.append(settings["model"])
    return Plan(plate, settings, f"{folder}/{_stem(plate)}_{made}/matte.%04d.exr", made, sources, renders, read)


def _one_space(spaces):
    """The space of plate and clean plate: the worker is told one for both."""
    plate = spaces["plate"]
    clean = spaces.get("clean_plate", plate)
    if clean != plate:
        what = f"the clean plate is in {clean}, the plate in {plate}"
        raise HostError(what, "give both Reads the same colour space, or name it in the knob colourspace")
    return plate


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
    if node.input(len(INPUTS)) is None:
        raise HostError("key frames are named, and the input keys is not connected", "connect them, or clear the knob")
    return parse_frames(text)


def cache_folder(node):
    """The folder for the node's files, with forward slashes."""
    folder = node["folder"].evaluate() if node["folder"].value() else ""
    if not folder:
        script = nuke.root()["name"].value()
        if script:
            folder = os.path.join(os.path.dirname(script), "nuke_matting")
        else:  # a script that was never saved
            folder = os.path.join(os.environ.get("NUKE_TEMP_DIR") or tempfile.gettempdir(), "nuke_matting")
    return folder.replace("\\", "/").rstrip("/")


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
