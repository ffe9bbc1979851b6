"""The names of files in a script: patterns with a frame number, whole paths, Tcl evaluated."""

import os
import re

from .nuke_api import nuke
from .paths import local


def at(pattern, frame):
    """The file of a frame; a pattern without a frame is a still.

    >>> at("plate.%04d.exr", 7), at("plate.####.exr", 7), at("clean.exr", 7)
    ('plate.0007.exr', 'plate.0007.exr', 'clean.exr')
    """
    before, width, after = numbered(pattern)
    return f"{before}{frame:0{width}d}{after}" if width else pattern


def numbered(pattern):
    """What stands before a pattern's frame number, the digits of that, and what stands behind it; none in a still.

    >>> numbered("a/plate.%04d.exr"), numbered("clean.exr")
    (('a/plate.', 4, '.exr'), ('clean.exr', 0, ''))
    """
    folder, slash, name = pattern.rpartition("/")
    fields = list(re.finditer(r"%0?(\d*)d|(#+)", name))
    if not fields:
        return pattern, 0, ""
    field = fields[-1]
    width = len(field[2]) if field[2] else int(field[1] or 1)
    return folder + slash + name[: field.start()], width, name[field.end() :]


def files_of(pattern):
    """The files of a pattern that are there, of any frame, as this machine knows them."""
    folder, (before, width, after) = local(os.path.dirname(pattern)), numbered(os.path.basename(pattern))
    own = re.compile(re.escape(before) + (r"-?[0-9]+" + re.escape(after) if width else "") + r"\Z")
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder) if own.match(name)]
    except OSError:
        return []


def is_still(read):
    """Whether a Read shows one file in all its frames."""
    return not numbered(pattern_of(read))[1] and not varies(read["file"].value())


def varies(text):
    """Whether the Tcl in a file's name gives another one at each frame.

    >>> varies("[file dirname [value root.name]]/a.exr"), varies("a.[format %04d [frame]].exr")
    (False, True)
    """
    return re.search(r"\[[^]]*\bframe\b", text) is not None


def pattern_of(read):
    """A Read's files as a pattern with %04d, its Tcl evaluated; those of full size, also in proxy mode."""
    proxy = read.knob("proxy")
    if nuke.root()["proxy"].value() and proxy is not None and proxy.value():  # `filename` would give the proxy's
        return whole(tcl_value(read, "file"))
    return whole(nuke.filename(read) or read["file"].value())


def tcl_value(node, knob):
    """The text of a node's knob with its Tcl evaluated, but for the frame number. Raises RuntimeError for broken Tcl.

    By its name from the root down: Nuke looks any other up from the node whose button was pressed, which has a knob
    guide and an input plate, as artists call their Reads.
    """
    return nuke.value(f"root.{node.fullName()}.{knob}")


def whole(path):
    """A path of the script, whole: one that is relative is of the project directory; of the folder that Nuke was
    started in, where there is none.

    >>> whole("/show/a.exr"), whole("P:/show/a.exr"), whole("~/a.exr"), whole("")
    ('/show/a.exr', 'P:/show/a.exr', '~/a.exr', '')
    """
    if not path or re.match(r"[\\/~]|[A-Za-z]:|[a-z]+://", path):
        return path
    folder = evaluated(nuke.root()["project_directory"]) or os.getcwd()
    return folder.replace("\\", "/").rstrip("/") + "/" + path


def evaluated(knob):
    """The text of a knob with its Tcl evaluated; as it stands where that is broken, which no file is called."""
    try:
        return knob.evaluate() or ""
    except RuntimeError:
        return knob.value()
