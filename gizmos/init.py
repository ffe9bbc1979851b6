"""Loads NukeMatting's Python into Nuke. Whatever fails here, Nuke starts, and the node says what is wrong."""

import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# as `nuke-matting nuke install` lays it, in a checkout, in an installed package
PLACES = [
    os.path.join(HERE, *parts) for parts in (("nuke_matting_host",), ("..", "nuke_matting", "host"), ("..", "host"))
]


def load_host():
    """The package nuke_matting_host, from the first folder that has it."""
    for folder in PLACES:
        path = os.path.join(os.path.abspath(folder), "__init__.py")
        if os.path.isfile(path):
            spec = importlib.util.spec_from_file_location("nuke_matting_host", path)
            sys.modules["nuke_matting_host"] = package = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(package)
            return package
    raise ImportError("no nuke_matting_host in any of {}".format(", ".join(map(os.path.abspath, PLACES))))


try:
    earlier = sys.modules.get("nuke_matting_host.startup")
    if earlier:  # its callbacks would be called twice
        where = os.path.dirname(earlier.__file__)
        sys.stderr.write(f"NukeMatting is loaded already, from {where}: {HERE} adds nothing\n")
    else:
        load_host()
        from nuke_matting_host import startup

        startup.init()
except Exception as error:
    sys.stderr.write(f"NukeMatting is not loaded: {error}\n")
