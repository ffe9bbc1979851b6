"""What the mattes of a plate are known by: what changes pixels counts, and nothing else."""

import sys

import pytest


def digest(comp):
    import nuke_matting_host.plan

    return nuke_matting_host.plan.plan_of(comp.node).digest


@pytest.mark.parametrize("kind", ["Read", "Write"])
def test_how_often_a_file_was_reloaded_or_rendered_changes_no_pixels(graded, kind):
    node = graded.read
    if kind == "Write":
        node = graded.nuke.nodes.Write(file=graded.read["file"].value(), reading=True)
        graded.grade.setInput(0, node)
    before = digest(graded)
    node["version"].setValue(3)
    assert digest(graded) == before


def test_how_a_write_on_the_way_writes_changes_no_pixels_but_what_an_expression_asks_of_it_may(graded):
    write = graded.nuke.nodes.Write(file="/show/out.%04d.exr")
    write.setInput(0, graded.read), graded.grade.setInput(0, write)
    before = digest(graded)
    write.setName("Between")
    write["datatype"].setValue("32 bit float"), write["first"].setValue(7)
    assert digest(graded) == before
    graded.grade["multiply"].fromScript("{{Between.first}}")
    asked = digest(graded)
    write["first"].setValue(8)
    assert digest(graded) != asked


@pytest.fixture
def gain(graded):
    """A knob of the script's root, which the Grade before the node asks for."""
    root = graded.nuke.root()
    root._tree.user_knobs.append(sys.modules["nuke_double_nkscript"].UserKnob(7, "gain", "7 gain"))
    graded.grade["multiply"].fromScript("{{root.gain}}")
    return root["gain"]


def test_a_value_of_the_root_that_an_expression_asks_for_counts(graded, gain):
    gain.setValue(0.5)
    before = digest(graded)
    gain.setValue(0.25)
    assert digest(graded) != before


def test_what_nothing_asks_of_the_root_does_not_count_nor_the_frame(graded, gain):
    graded.grade["multiply"].fromScript("{{root.frame}}")
    before = digest(graded)
    gain.setValue(0.25), graded.nuke.root()["frame"].setValue(1005)
    assert digest(graded) == before


def test_variables_of_the_script_count_where_a_node_asks_for_them(graded):
    root = graded.nuke.root()
    root._tree.user_knobs.append(sys.modules["nuke_double_nkscript"].UserKnob(1, "gsv", "1 gsv"))
    before = digest(graded)
    root["gsv"].setValue("shot sh010")
    assert digest(graded) == before
    switch = graded.nuke.nodes.VariableSwitch()
    switch.setInput(0, graded.read), graded.grade.setInput(0, switch)
    first = digest(graded)
    root["gsv"].setValue("shot sh020")
    assert digest(graded) != first
