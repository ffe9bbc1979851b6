"""The colour management of the script: which OCIO config it uses, and which spaces its pixels are in."""

import os
import re

from .nuke_api import nuke

# where the script uses Nuke's own conversions, not OCIO, its linear light is Rec.709's
NUKE_LINEAR = "lin_rec709"


def script_config():
    """The path or name of the script's OCIO config; empty where it has none, or leaves it to $OCIO."""
    root = nuke.root()
    if not _is_ocio() or os.environ.get("OCIO"):
        return ""
    custom = root["OCIO_config"].value() == "custom"
    return root["customOCIOConfigPath" if custom else "OCIOConfigPath"].evaluate() or ""


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


def space_name(shown):
    """The name of a space from what a knob shows.

    >>> space_name("default (scene_linear)"), space_name("scene_linear (ACES - ACEScg)"), space_name("ACES/ACEScg")
    ('scene_linear', 'scene_linear', 'ACEScg')
    """
    default = re.match(r"default \((.*)\)$", shown)
    name = default.group(1) if default else shown
    return name.split("\t")[0].split(" (")[0].rsplit("/", 1)[-1].strip()


def _is_ocio():
    return nuke.root()["colorManagement"].value() == "OCIO"
