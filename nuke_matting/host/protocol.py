"""The protocol's messages: its version, its schema, and the check of a message in each direction. Used at both ends.

A request goes to the worker, an event comes from it. What each holds is in `protocol.schema.json`; the settings in it
are in `settings.schema.json`, which is made from the tool's own list of settings.
"""

import json
import os

from .errors import HostError
from .schema import check
from .wire import BadMessage

PROTOCOL = 2  # to be raised by every change after which an older host or worker would misunderstand a newer one

_HERE = os.path.dirname(os.path.abspath(__file__))
_loaded = {}  # file name -> schema


def check_request(message):
    """Raises BadMessage for what is no request."""
    _check(message, "requests")


def check_event(message):
    """Raises BadMessage for what is no event. Fields that are not known are let pass: a newer worker may add some."""
    _check(message, "events")


def setting_schemas():
    """Name -> schema (type, default, description, choices or range) of every setting of a matte, in order."""
    return dict(_load("settings.schema.json")["properties"])


def closes(event):
    """Whether an event is the last one of its request."""
    return event["type"] in ("ok", "done") or (event["type"] == "error" and event["frame"] is None)


def error_event(request, kind, what, advice="", frame=None, path=None):
    """The event of an error; `request` is its id, or None. Long texts are cut: they may quote a request."""
    return {
        "type": "error",
        "id": request,
        "frame": frame,
        "kind": kind,
        "what": _cut(" ".join(what.split())),
        "advice": _cut(" ".join(advice.split())),
        "path": path if path is None else _cut(str(path)),
    }


def _cut(text, most=4000):
    return text if len(text) <= most else text[:most] + "..."


def sentence(error):
    """An error event as one line: ``path (frame N): what; advice``."""
    where = error["path"] or ""
    if error["frame"] is not None:
        where = "{} (frame {})".format(where, error["frame"]) if where else "frame {}".format(error["frame"])
    line = "{}: {}".format(where, error["what"]) if where else error["what"]
    return "{}; {}".format(line, error["advice"]) if error["advice"] else line


def _check(message, direction):
    known = _load("protocol.schema.json")["$defs"][direction]
    name = message.get("type")
    if not isinstance(name, str) or name not in known:
        shown = repr(name) if isinstance(name, str) and len(name) < 64 else "this"
        raise BadMessage("{} is no type of message; known: {}".format(shown, ", ".join(sorted(known))))
    check(message, known[name], _resolve)


def _resolve(reference):
    """The schema that a `$ref` such as `#/$defs/id` or `settings.schema.json` names."""
    file, _, pointer = reference.partition("#/")
    found = _load(file or "protocol.schema.json")
    for name in filter(None, pointer.split("/")):
        found = found[name]
    return found


def _load(file):
    if file not in _loaded:
        path = os.path.join(_HERE, file)
        try:
            with open(path, encoding="utf-8") as stream:
                _loaded[file] = json.load(stream)
        except (OSError, ValueError) as error:
            raise HostError(f"{path} cannot be read ({error})", "install nuke_matting anew") from error
    return _loaded[file]
