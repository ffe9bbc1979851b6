"""The colour management of the script: which OCIO config it uses, and which spaces its pixels are in."""

import hashlib
import os
import re

from .nuke_api import nuke
from .paths import local
from .patterns import evaluated

# where the script uses Nuke's own conversions, not OCIO, its linear light is Rec.709's
NUKE_LINEAR = "lin_rec709"
BUILT_IN = "ocio://studio-config-v2.2.0_aces-v1.3_ocio-v2.4"  # the worker's own config, which knows that space
_contents = {}  # (path, time, size) -> a digest of a config


def script_config():
    """The path or name of the script's OCIO config, $OCIO's where that is set; empty where it has none."""
    root = nuke.root()
    if not _is_ocio():
        return ""
    if os.environ.get("OCIO"):
        return os.environ["OCIO"]
    return evaluated(root["customOCIOConfigPath" if _is_custom() else "OCIOConfigPath"])


def worker_config(config):
    """What the worker is told of a config: where there is none it would take its own $OCIO, which is that of a script
    on OCIO, and not of one on Nuke's own conversions."""
    return config or ("" if _is_ocio() else BUILT_IN)


def config_identity(config):
    """What a config is known by, on any machine: one that comes with Nuke by its name, as it lies elsewhere in each
    installation; another file by what is in it; the text itself where there is no such file.

    Tables that it names do not count here. They do for the worker, so Refresh tells where they have changed.
    """
    if config and config == script_config() and not os.environ.get("OCIO") and not _is_custom():
        return nuke.root()["OCIO_config"].value()
    try:
        path = local(config)
        about = os.stat(path)
        known = (path, about.st_mtime, about.st_size)
        if known not in _contents:
            with open(path, "rb") as file:
                _contents[known] = hashlib.sha256(file.read()).hexdigest()[:16]
        return _contents[known]
    except OSError:
        return config


def working_space():
    """The space of pixels within the script, as the config calls it."""
    return space_name(nuke.root()["workingSpaceLUT"].value()) if _is_ocio() else NUKE_LINEAR


def space_of_read(read):
    """The space of a Read's files; None where the worker could not be told it, so that they must be rendered."""
    if read["raw"].value():
        return working_space()
    name = space_name(read["colorspace"].value())
    if _is_ocio():
        return name
    return NUKE_LINEAR if name == "linear" else None


def set_space(read, name):
    """Has a Read take its files to be in a space. By its own name: what `default` is differs from one kind of file to
    another. Where its knob has no such space, it is left as it is."""
    knob = read["colorspace"]
    found = [each for each in knob.values() if space_name(each) == name and not _is_default(each)]
    if found and (space_name(knob.value()) != name or _is_default(knob.value())):  # what is set marks the script
        knob.setValue(found[0].split("\t")[0])


def space_name(shown):
    """The name of a space from what a knob shows.

    >>> space_name("default (scene_linear)"), space_name("scene_linear (ACES - ACEScg)"), space_name("ACES/ACEScg")
    ('scene_linear', 'scene_linear', 'ACEScg')
    >>> space_name("ARRI LogC3 (EI800)")
    'ARRI LogC3 (EI800)'
    """
    default = re.match(r"default \((.*)\)$", shown)
    name = (default.group(1) if default else shown).split("\t")[0]
    role = re.match(r"([a-z][a-z0-9_]*) \(.*\)$", name)  # of a role the knob shows the space too
    return (role.group(1) if role else name).rsplit("/", 1)[-1].strip()


def _is_default(shown):
    return shown.startswith("default (")


def _is_custom():
    return nuke.root()["OCIO_config"].value() == "custom"


def _is_ocio():
    return nuke.root()["colorManagement"].value() == "OCIO"
