"""Nuke's double with our gizmos folder on its path, and the host's code loaded into it by our own init.py."""

import importlib.util
import os
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from nuke_matting.host.client import Client
from nuke_matting.host.pathmap import PathMap

HERE = Path(__file__).parent
GIZMOS = HERE.parent.parent / "gizmos"
# pytest looks into all modules for examples, and a Python may come without Tcl
collect_ignore = [] if importlib.util.find_spec("tkinter") else ["double.py", "nkscript.py"]


def load(name):
    """A helper module beside this file."""
    spec = importlib.util.spec_from_file_location(f"nuke_double_{name}", HERE / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def tools():
    """The helpers: nkscript, catalogue, pixels, double. Skips where Python has no Tcl."""
    pytest.importorskip("tkinter", reason="this Python was built without Tcl, which reads .nk text")
    return SimpleNamespace(**{name: load(name) for name in ("nkscript", "catalogue", "pixels", "double")})


@pytest.fixture(scope="session")
def worker():
    """One worker for all tests that do not need one of their own."""
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "OCIO": ""}
    with Client([sys.executable, "-I", "-m", "nuke_matting", "worker"], PathMap(), environ) as client:
        yield client


@pytest.fixture
def start_nuke(tools, worker, monkeypatch):
    """start_nuke(gui) is the double, started as Nuke starts with our folder on NUKE_PATH.

    own_worker : whether the host starts one itself, as it does in Nuke, and does not get that of the tests.
    """
    monkeypatch.setenv("NUKE_MATTING_PYTHON", sys.executable)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("NUKE_MATTING_PATH_MAP", raising=False)

    def start(gui=True, gizmos=GIZMOS, own_worker=False):
        forget()
        nuke = tools.double.make(tools.nkscript, tools.catalogue, tools.pixels, gui, [gizmos])
        monkeypatch.setitem(sys.modules, "nuke", nuke)
        runpy.run_path(str(gizmos / "init.py"))
        if gui:
            runpy.run_path(str(gizmos / "menu.py"))
        if not own_worker and "nuke_matting_host.jobs" in sys.modules:
            sys.modules["nuke_matting_host.jobs"]._client = worker
        return nuke

    def forget():
        jobs = sys.modules.get("nuke_matting_host.jobs")
        if jobs is not None and jobs._client is not worker:
            jobs.close()
        for name in [each for each in sys.modules if each.partition(".")[0] == "nuke_matting_host"]:
            del sys.modules[name]

    yield start
    forget()


@pytest.fixture
def comp(start_nuke, make_plate, weights, tmp_path):
    """A script with a Read, the node on it, and a Write behind: comp.nuke, .read, .node, .write, .press(button)."""
    nuke = start_nuke()
    return build(nuke, make_plate(range(1001, 1007)), weights, tmp_path)


@pytest.fixture
def graded(comp):
    """`comp` with a Grade between plate and node."""
    comp.grade = comp.nuke.nodes.Grade()
    comp.grade["multiply"].setValue(0.5)
    comp.grade.setInput(0, comp.read)
    comp.node.setInput(0, comp.grade)
    return comp


def build(nuke, plate, weights, tmp_path):
    read = nuke.nodes.Read(file=plate)
    for name, value in (("first", 1001), ("last", 1006), ("origfirst", 1001), ("origlast", 1006)):
        read[name].setValue(value)
    node = nuke.createNode("NukeMatting")
    node.setInput(0, read)
    write = nuke.nodes.Write(file=str(tmp_path / "render" / "comp.%04d.exr"))
    write["create_directories"].setValue(True)
    write.setInput(0, node)
    for name, value in (("model", weights), ("device", "cpu"), ("cache_dir", str(tmp_path / "cache"))):
        node[name].setValue(value)
    node["region_batch"].setValue(50)
    nuke.root()["frame"].setValue(1003)
    nuke.scriptSaveAs(str(tmp_path / "comp.nk"))

    def press(button, wait=True, node=node):
        node[button].execute()
        jobs = sys.modules.get("nuke_matting_host.jobs")
        if wait and jobs is not None:
            nuke.pump(lambda: jobs.running(node) is None)

    def open_panel(node=node):
        nuke._call("KnobChanged", node, SimpleNamespace(name=lambda: "showPanel"))

    return SimpleNamespace(
        nuke=nuke, read=read, node=node, write=write, press=press, open_panel=open_panel, folder=tmp_path
    )


@pytest.fixture
def build_comp(make_plate, weights, tmp_path):
    """build_comp(nuke) is `comp` in a Nuke that was started by the test."""
    return lambda nuke: build(nuke, make_plate(range(1001, 1007)), weights, tmp_path)
