"""A node behind another one: what the first notes of its mattes is nothing new to the second, what it shows is."""

import os
import sys

import pytest


def chained(comp):
    """`comp` with a second node, comp.second, between the first and the Write, behind a Grade."""
    grade = comp.nuke.nodes.Grade()
    grade.setInput(0, comp.node)
    comp.second = comp.nuke.createNode("NukeMatting")
    comp.second.setInput(0, grade)
    comp.write.setInput(0, comp.second)
    for name in ("model", "device", "cache_dir", "region_batch"):
        comp.second[name].setValue(comp.node[name].value())
    return comp


@pytest.fixture
def chain(comp):
    return chained(comp)


def digest(comp):
    return sys.modules["nuke_matting_host.plan"].plan_of(comp.second).digest


@pytest.mark.parametrize(
    "knob, value",
    [
        ("jobs", 3),
        ("mark", False),
        ("guard", "matte them first"),
        ("cache_size", 9.0),
        ("device", "auto"),
        ("frames", "1001-1003"),
        ("folder", "/elsewhere"),
    ],
)
def test_what_changes_no_pixels_of_the_first_makes_no_other_plate_of_the_second(chain, knob, value):
    before = digest(chain)
    chain.node[knob].setValue(value)
    assert digest(chain) == before


@pytest.mark.parametrize("foreground", ["plate", "into RGB"])
def test_nor_does_matting_it(chain, foreground):
    chain.node["foreground"].setValue(foreground)
    before = digest(chain)
    chain.press("matte_frame")
    assert digest(chain) == before


@pytest.mark.parametrize("knob, value", [("regions", 1.0), ("foreground", "into RGB"), ("edge_shift", 2.0)])
def test_what_changes_its_pixels_does(chain, knob, value):
    before = digest(chain)
    chain.node[knob].setValue(value)
    assert digest(chain) != before


def test_a_matte_of_the_first_that_is_newer_makes_those_of_the_second_stale(chain):
    chain.press("matte_range"), chain.press("matte_range", node=chain.second)
    assert chain.second["status"].value().startswith("6 of 6 frames matted")
    os.utime(chain.node.node("Mattes")["file"].value() % 1006, (2e9, 2e9))
    chain.open_panel(chain.second)
    assert chain.second["status"].value() == "3 of 6 frames matted, 3 out of date"


def test_of_the_first_the_mattes_are_read_and_not_what_it_renders_for_its_worker(chain):
    grade = chain.nuke.nodes.Grade()
    grade.setInput(0, chain.read), chain.node.setInput(0, grade)
    chain.press("matte_frame")
    found = sys.modules["nuke_matting_host.graph"].reads(chain.second.input(0), (1001, 1006))
    assert {pattern for pattern, _ in found} == {
        chain.node.node("Mattes")["file"].value(),
        chain.read["file"].value(),
    }


def test_what_the_first_lacks_is_matted_before_the_second_is_asked(start_nuke, build_comp):
    comp = chained(build_comp(start_nuke(gui=False)))
    comp.node["matte_range"].execute(), comp.second["matte_range"].execute()
    os.remove(comp.node.node("Mattes")["file"].value() % 1003)
    comp.node["guard"].setValue("matte them first"), comp.second["guard"].setValue("matte them first")
    comp.nuke.execute(comp.write, 1001, 1006)


def test_matted_first_both_render_at_once(start_nuke, build_comp):
    comp = chained(build_comp(start_nuke(gui=False)))
    for node in (comp.node, comp.second):
        node["guard"].setValue("matte them first")
    comp.nuke.execute(comp.write, 1001, 1006)
    assert [frame for name, frame in comp.nuke.rendered if name == "Write1"] == list(range(1001, 1007))
