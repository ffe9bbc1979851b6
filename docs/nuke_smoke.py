"""Tries NukeMatting in a real Nuke, without its GUI, in about a minute: `nuke -t docs/nuke_smoke.py`.

Drops the node on the example plate, mattes two frames, looks at pixels, renders, changes things, saves and opens the
script again. Prints a line with PASS or FAIL for each, and ends with exit code 1 where one failed. It writes into a
temporary folder alone. The worker is found as docs/nuke.md says: by an install, NUKE_MATTING_PYTHON or PATH.
"""

import os
import runpy
import shutil
import sys
import tempfile
import traceback

import nuke

HERE = os.path.dirname(os.path.abspath(__file__))
GIZMOS = os.path.join(HERE, os.pardir, "gizmos")
PLATE = os.path.join(HERE, os.pardir, "examples", "plate", "plate.%04d.exr").replace("\\", "/")
FRAMES = (1001, 1002)
COLUMNS, ROWS = 12, 8  # points of a picture that are looked at

checks = []


def check(what):
    """Adds a function to the checks, which are done in order; what it asserts, or raises, decides."""

    def add(function):
        checks.append((what, function))
        return function

    return add


class Comp:
    """The script under test: its folder, and its nodes once they are made."""

    def __init__(self, folder):
        self.folder = folder.replace("\\", "/")
        self.read = self.node = self.write = None

    def status(self):
        return self.node["status"].value()

    def mattes(self):
        return self.node.node("Mattes")["file"].value()

    def read_of(self, pattern):
        read = nuke.nodes.Read(file=pattern)
        for name, value in (("first", 1001), ("last", 1024), ("origfirst", 1001), ("origlast", 1024)):
            read[name].setValue(value)
        return read

    def points(self, node, channel, frame):
        """The values of a channel at a grid of points."""
        nuke.root()["frame"].setValue(frame)
        width, height = self.read.width(), self.read.height()
        return [
            node.sample(channel, (column + 0.5) * width / COLUMNS, (row + 0.5) * height / ROWS)
            for row in range(ROWS)
            for column in range(COLUMNS)
        ]

    def render(self, first, last):
        nuke.execute(self.write, first, last, 1)


@check("our Python is loaded")
def _(comp):
    if "nuke_matting_host" not in sys.modules:  # the folder is not on NUKE_PATH
        nuke.pluginAddPath(GIZMOS)
        runpy.run_path(os.path.join(GIZMOS, "init.py"))
    assert "nuke_matting_host.startup" in sys.modules, "see what init.py has printed"


@check("the node is made, with its knobs")
def _(comp):
    comp.read = comp.read_of(PLATE)
    comp.node = nuke.createNode("NukeMatting", inpanel=False)
    comp.node.setInput(0, comp.read)
    assert comp.node.Class() == "Group", comp.node.Class()
    for name in ("status", "frames", "matte_range", "model", "regions", "output", "guard", "device", "matted"):
        assert comp.node.knob(name) is not None, "no knob " + name
    assert comp.node["output"].value() == "rgba.alpha", "the link to the Copy inside"
    assert [comp.node.node(name) is not None for name in ("Mattes", "RenderPlate", "AlphaCopy")] == [True] * 3
    comp.node["folder"].setValue(comp.folder + "/mattes")
    comp.node["cache_dir"].setValue(comp.folder + "/cache")
    comp.write = nuke.nodes.Write(file=comp.folder + "/render/comp.%04d.exr", file_type="exr")
    comp.write["create_directories"].setValue(True)
    comp.write.setInput(0, comp.node)


@check("two frames are matted")
def _(comp):
    comp.node["frames"].setValue("{}-{}".format(*FRAMES))
    comp.node["matte_range"].execute()
    assert comp.status().startswith("2 of 2 frames matted"), comp.status()
    for frame in FRAMES:
        assert os.path.isfile(comp.mattes() % frame), comp.mattes() % frame


@check("the node is the plate with the alpha of its file")
def _(comp):
    read = comp.read_of(comp.mattes())
    read["raw"].setValue(True)
    for frame in FRAMES:
        alpha = comp.points(comp.node, "rgba.alpha", frame)
        assert alpha == comp.points(read, "rgba.alpha", frame), "another alpha than the file's"
        assert max(alpha) > 0.9 and min(alpha) < 0.1, "no person is in the alpha"
        for channel in ("rgba.red", "rgba.green", "rgba.blue"):
            assert comp.points(comp.node, channel, frame) == comp.points(comp.read, channel, frame), channel
    nuke.delete(read)


@check("what is matted renders")
def _(comp):
    comp.render(*FRAMES)
    assert all(os.path.isfile(comp.folder + f"/render/comp.{frame}.exr") for frame in FRAMES)


@check("a render stops at a frame that is not matted")
def _(comp):
    said = failure(lambda: comp.render(1003, 1003))
    assert "1003" in said, said or "it went through"
    assert not os.path.isfile(comp.folder + "/render/comp.1003.exr"), "a picture was written"


@check("behind a TimeOffset too")
def _(comp):
    offset = nuke.nodes.TimeOffset(time_offset=-2)
    offset.setInput(0, comp.node)
    comp.write.setInput(0, offset)
    said = failure(lambda: comp.render(1001, 1001))
    comp.write.setInput(0, comp.node)
    nuke.delete(offset)
    assert said, "it went through, though frame 1003 has no matte"


@check("a changed setting is reported, and stops a render")
def _(comp):
    from nuke_matting_host import actions

    before = comp.node["regions"].value()
    comp.node["regions"].setValue(before / 2)
    actions.tell_change(comp.node)
    assert "out of date" in comp.status(), comp.status()
    assert failure(lambda: comp.render(*FRAMES)), "the render went through"
    comp.node["regions"].setValue(before)
    actions.tell_change(comp.node)
    assert comp.status().startswith("2 of 2 frames matted"), comp.status()


@check("saved and opened again it is as it was")
def _(comp):
    path = comp.folder + "/comp.nk"
    names = [each.name() for each in (comp.read, comp.node, comp.write)]
    nuke.scriptSaveAs(path, 1)
    nuke.scriptClear()
    nuke.scriptOpen(path)
    comp.read, comp.node, comp.write = [nuke.toNode(name) for name in names]
    assert comp.status().startswith("2 of 2 frames matted"), comp.status()
    assert [frame for frame in range(1001, 1005) if comp.node["matted"].valueAt(frame)] == list(FRAMES), "the curve"
    comp.render(*FRAMES)


def graded(comp, factor):
    """A Grade of that factor between the Read and the node."""
    grade = nuke.nodes.Grade()
    grade["multiply"].setValue(factor)
    grade.setInput(0, comp.read)
    comp.node.setInput(0, grade)
    return grade


@check("what is no plain Read is rendered for the worker, at full float")
def _(comp):
    grade = graded(comp, 0.5)
    nuke.root()["frame"].setValue(1001)
    comp.node["matte_frame"].execute()
    assert comp.status().startswith("1 of 2 frames matted"), comp.status()
    rendered = comp.read_of(comp.node.node("RenderPlate")["file"].value())
    rendered["raw"].setValue(True)
    assert comp.points(rendered, "rgba.red", 1001) == comp.points(grade, "rgba.red", 1001), "other pixels"
    nuke.delete(rendered)
    comp.node.setInput(0, comp.read)


@check("matted first, it is rendered within a render")
def _(comp):
    graded(comp, 0.25)
    comp.node["guard"].setValue("matte them first")
    comp.render(*FRAMES)
    assert comp.status().startswith("2 of 2 frames matted"), comp.status()
    comp.node["guard"].setValue("stop the render")
    comp.node.setInput(0, comp.read)


@check("a precomp takes the node's place")
def _(comp):
    from nuke_matting_host import actions

    comp.read["last"].setValue(FRAMES[-1])  # a precomp is of the whole plate
    comp.node["matte_range"].execute()
    before = comp.points(comp.node, "rgba.alpha", 1001)
    actions.press("precomp", comp.node)
    read = comp.write.input(0)
    assert read.Class() == "Read", read.Class()
    assert comp.points(read, "rgba.alpha", 1001) == before, "another alpha"


def failure(act):
    """What a RuntimeError says that `act` raises; empty where it raises none."""
    try:
        act()
    except RuntimeError as error:
        return str(error) or "RuntimeError"
    return ""


def main():
    """Does the checks; gives how many failed."""
    folder, failed = tempfile.mkdtemp(prefix="nuke_matting_smoke_"), 0
    print(f"NukeMatting in Nuke {nuke.NUKE_VERSION_STRING}, Python {sys.version.split()[0]}")
    try:
        comp = Comp(folder)
        for what, function in checks:
            try:
                function(comp)
                print("PASS " + what)
            except Exception as error:
                failed += 1
                print(f"FAIL {what}: {type(error).__name__}: {error}")
                traceback.print_exc()
    finally:
        if "nuke_matting_host.jobs" in sys.modules:
            sys.modules["nuke_matting_host.jobs"].close()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(checks) - failed} of {len(checks)} passed")
    return failed


if __name__ == "__main__" and main():
    sys.exit(1)
