"""What the mattes of a plate are known by: what changes pixels counts, and nothing else."""

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
