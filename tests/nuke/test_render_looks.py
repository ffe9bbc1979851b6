"""How little a render looks at: the script is planned once, and walked once, where that is safe."""

import sys

import pytest


@pytest.fixture
def plans(comp, monkeypatch):
    """`comp`, matted; and the frames at which the guard planned its node."""
    comp.press("matte_range")
    guard, found = sys.modules["nuke_matting_host.guard"], []
    plan_of = guard.plan_of
    monkeypatch.setattr(guard, "plan_of", lambda node: found.append(comp.nuke.frame()) or plan_of(node))
    return found


def test_a_render_plans_a_node_once_for_all_frames(comp, plans):
    comp.nuke.execute(comp.write, 1001, 1006)
    assert len(comp.nuke.rendered) == 6 and plans == [1003, 1001], "before the first frame, and at it"


@pytest.mark.parametrize("what", ["a Read's name", "a Read's knob", "a callback of the Write"])
def test_where_frames_may_differ_each_is_planned(comp, plans, what):
    if what == "a callback of the Write":
        comp.write["beforeFrameRender"].setValue("anything()")
    elif what == "a Read's knob":
        comp.read["disable"].fromScript("{curve K x1001 0 x2001 1}")
    else:
        stem, _, end = comp.read["file"].value().partition("%04d")
        guide = comp.nuke.nodes.Read(file=f"{stem}[format %04d [frame]]{end}", first=1001, last=1006)
        comp.node.setInput(2, guide)
    comp.press("matte_range")
    plans.clear()
    comp.nuke.execute(comp.write, 1001, 1003)
    assert plans[1:] == [1001, 1002, 1003]


def test_a_change_between_two_renders_is_seen(comp, plans):
    comp.nuke.execute(comp.write, 1001, 1001)
    comp.node["regions"].setValue(1.0)
    with pytest.raises(RuntimeError, match="other settings"):
        comp.nuke.execute(comp.write, 1001, 1001)


def test_however_many_retimes_each_node_is_walked_through_a_few_times(comp, monkeypatch):
    comp.press("matte_range")
    before = comp.node
    for _ in range(30):
        offset = comp.nuke.nodes.TimeOffset()
        offset.setInput(0, before)
        before = offset
    comp.write.setInput(0, before)
    graph, looks = sys.modules["nuke_matting_host.graph"], []
    feeders = graph.feeders
    monkeypatch.setattr(graph, "feeders", lambda node: looks.append(node) or feeders(node))
    comp.nuke._call("BeforeRender", comp.write), comp.nuke._call("BeforeFrameRender", comp.write)
    assert len(looks) < 30 * 6
