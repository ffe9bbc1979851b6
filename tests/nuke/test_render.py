"""Renders: on a farm with our Python, without it, without a GUI; scripts that were saved elsewhere; precomps."""

import os
import sys
import time

import OpenImageIO as oiio
import pytest


def picture(comp, tools, frame, gui):
    """What comes out of the node, evaluated from the script's text alone."""
    return tools.pixels.Evaluator(frame, gui).of(comp.nuke.toNode(comp.node.name())._tree)


def render(comp, first=1001, last=1006):
    comp.nuke.execute(comp.write, first, last)


def stops(comp, match, after):
    """A render says so, and the last frame of it was that."""
    with pytest.raises(RuntimeError, match=match):
        render(comp)
    assert comp.nuke.rendered[-1] == ("Write1", after)


def test_a_node_of_another_version_is_rendered_with_the_mattes_that_it_has_and_a_warning(comp):
    comp.node["frames"].setValue("1001-1003")
    comp.press("matte_range")
    comp.node["nuke_matting"].setValue("1")
    stops(comp, "not matted: 1004; this node was made by another version", after=1003)
    assert [each for each in comp.nuke.printed if "rendered with the mattes that it has" in each]
    comp.press("matte_range")
    assert "another version" in comp.node["status"].value()


def test_a_render_of_what_is_matted_goes_through(comp):
    comp.press("matte_range")
    render(comp)
    assert comp.nuke.rendered == [("Write1", frame) for frame in range(1001, 1007)]


def test_a_render_stops_at_a_frame_that_is_not_matted_with_the_list_of_them(comp):
    comp.node["frames"].setValue("1001-1003")
    comp.press("matte_range")
    comp.node["frames"].setValue("")
    stops(comp, "not matted: 1004-1006; press Matte range", after=1003)


def test_a_render_without_any_matte_says_so_once_with_the_frames(comp):
    with pytest.raises(RuntimeError, match=r"NukeMatting1: no frame is matted yet \(1001-1006\); press Matte range"):
        render(comp)


def test_a_chunk_is_asked_for_its_own_frames_alone(comp):
    comp.node["frames"].setValue("1001-1003")
    comp.press("matte_range")
    comp.node["frames"].setValue("")
    render(comp, 1002, 1003)


def test_a_render_stops_at_mattes_of_other_settings(comp):
    comp.press("matte_range")
    comp.node["regions"].setValue(1.0)
    with pytest.raises(RuntimeError, match=r"other settings: all of 1001-1006 are out of date"):
        render(comp)
    assert comp.nuke.rendered == []


@pytest.mark.parametrize("how", ["settings set back", "never told"])
def test_mattes_that_are_on_disk_are_rendered_whatever_the_node_remembers(start_nuke, build_comp, how):
    comp = build_comp(start_nuke(gui=False))
    if how == "settings set back":
        for regions in (4.0, 1.0):
            comp.node["regions"].setValue(regions)
            comp.press("matte_range")
        comp.node["regions"].setValue(4.0)
    else:
        comp.press("matte_range")
        comp.node["made"].setValue(""), comp.node.node("Mattes")["file"].setValue("")
    render(comp)
    assert len(comp.nuke.rendered) == 6


def test_a_render_stops_at_a_plate_that_is_newer(comp):
    comp.press("matte_range")
    os.utime(comp.read["file"].value() % 1006, (2e9, 2e9))
    with pytest.raises(RuntimeError, match="out of date: 1004-1006"):
        render(comp)


def test_a_deep_render_is_guarded_too(comp):
    deep = comp.nuke.createNode("DeepWrite")
    deep.setInput(0, comp.node)
    with pytest.raises(RuntimeError, match="no frame is matted yet"):
        comp.nuke._call("BeforeRender", deep)
    comp.press("matte_frame")
    comp.nuke._call("BeforeRender", deep), comp.nuke._call("BeforeFrameRender", deep)
    comp.nuke.root()["frame"].setValue(1001)
    with pytest.raises(RuntimeError, match="not matted: 1001"):
        comp.nuke._call("BeforeFrameRender", deep)


def test_by_a_knob_it_mattes_them_first(comp):
    comp.press("matte_frame")
    comp.node["guard"].setValue("matte them first")
    render(comp)
    assert len(comp.nuke.rendered) == 6


def test_matting_before_a_render_shows_how_far_it_is_and_can_be_cancelled(comp, make_plate):
    comp.read["file"].setValue(make_plate(range(1001, 1201), name="long"))
    comp.read["last"].setValue(1200)
    comp.node["guard"].setValue("matte them first")
    comp.nuke.cancelling = True
    with pytest.raises(RuntimeError, match=r"not matted: .*1200; press Matte range"):
        render(comp, 1200, 1200)
    assert [task.title for task in comp.nuke.tasks] == [f"NukeMatting: {comp.node.name()}"]
    assert "cancelled" in comp.node["status"].value()


def test_of_a_farm_chunk_it_mattes_the_chunk_alone(start_nuke, build_comp):
    comp = build_comp(start_nuke(gui=False))
    comp.nuke.rawArgs[:] = ["nuke", "-x", "-F", "1002-1003", "comp.nk"]
    comp.node["guard"].setValue("matte them first")
    render(comp, 1002, 1003)
    assert [frame for frame in range(1001, 1007) if comp.node["matted"].valueAt(frame)] == [1002, 1003]


def test_of_a_script_without_a_gui_that_names_no_frames_each_is_matted_as_it_comes(start_nuke, build_comp):
    comp = build_comp(start_nuke(gui=False))
    comp.nuke.rawArgs[:] = ["nuke", "-t", "task.py"]
    comp.node["guard"].setValue("matte them first")
    matted = []
    for frame in (1005, 1002):
        render(comp, frame, frame)
        matted.append([each for each in range(1001, 1007) if comp.node["matted"].valueAt(each)])
    assert matted == [[1005], [1002, 1005]] and len(comp.nuke.rendered) == 2


def test_what_could_not_be_matted_first_says_why(start_nuke, build_comp):
    comp = build_comp(start_nuke(gui=False))
    comp.node["guard"].setValue("matte them first")
    comp.node["model"].setValue("/no/such.safetensors")
    with pytest.raises(RuntimeError, match=r"NukeMatting1: .*/no/such\.safetensors: there is no such weight file"):
        render(comp, 1002, 1003)
    assert any("there is no such weight file" in each for each in comp.nuke.printed)


@pytest.mark.parametrize("chunk", [True, False])
def test_a_frame_that_could_not_be_matted_first_says_why_where_it_is_asked_for(start_nuke, build_comp, chunk):
    comp = build_comp(start_nuke(gui=False))
    with open(comp.read["file"].value() % 1003, "wb") as file:
        file.write(b"nonsense")
    comp.nuke.rawArgs[:] = ["nuke", "-x", *(["-F", "1003"] if chunk else []), "comp.nk"]
    comp.node["guard"].setValue("matte them first")
    if not chunk:
        render(comp, 1001, 1002)
    with pytest.raises(RuntimeError, match=r"NukeMatting1: .*plate\.1003\.exr \(frame 1003\): "):
        render(comp, 1003, 1003)
    assert any("(frame 1003)" in each for each in comp.nuke.printed)


def test_what_does_not_depend_on_the_node_is_not_guarded(comp):
    comp.write.setInput(0, comp.read)
    render(comp)


def test_a_disabled_node_is_not_guarded(comp):
    comp.node["disable"].setValue(True)
    render(comp)


def test_a_node_that_is_disabled_in_some_frames_is_judged_in_the_others(comp):
    comp.press("matte_range")
    other, merge = comp.nuke.createNode("NukeMatting"), comp.nuke.nodes.Merge2()
    other.setInput(0, comp.read), other["disable"].fromScript("{curve K x1001 1 x1005 0}")
    merge.setInput(0, comp.node), merge.setInput(1, other), comp.write.setInput(0, merge)
    comp.nuke.root()["frame"].setValue(1003)
    comp.nuke._call("BeforeRender", comp.write), comp.nuke._call("BeforeFrameRender", comp.write)
    comp.nuke.root()["frame"].setValue(1005)
    with pytest.raises(RuntimeError, match="no frame is matted yet"):
        comp.nuke._call("BeforeFrameRender", comp.write)


def test_a_node_needs_no_matte_of_the_frames_in_which_it_is_disabled(comp):
    comp.node["frames"].setValue("1001-1003")
    comp.press("matte_range")
    comp.node["disable"].fromScript("{curve K x1001 0 x1004 1}")
    render(comp)
    assert len(comp.nuke.rendered) == 6


def offset_behind(comp, frames=0.0):
    """A TimeOffset between the node and the Write."""
    offset = comp.nuke.nodes.TimeOffset()
    offset["time_offset"].setValue(frames)
    offset.setInput(0, comp.node)
    comp.write.setInput(0, offset)
    return offset


def test_behind_a_time_offset_the_frame_is_not_judged(comp):
    offset_behind(comp)
    import nuke_matting_host.guard as guard

    assert guard._judged(comp.write) == [] and guard._guarded([comp.write]) == [comp.node]


def test_behind_a_time_offset_mattes_that_are_out_of_date_stop_a_render(comp):
    offset_behind(comp, -2.0)
    comp.press("matte_range")
    os.utime(comp.read["file"].value() % 1006, (2e9, 2e9))
    with pytest.raises(RuntimeError, match="out of date: 1004-1006"):
        render(comp, 1001, 1002)
    assert comp.nuke.rendered == []


@pytest.mark.parametrize("kind", ["OFXcom.revisionfx.twixtor_v1.0", "TemporalMedian", "add32p"])
def test_a_node_that_may_ask_for_other_frames_is_as_a_time_offset(comp, kind):
    comp.press("matte_range")
    other = comp.nuke.createNode(kind)
    other.setInput(0, comp.node), comp.write.setInput(0, other)
    comp.nuke.root()["frame"].setValue(1010)
    comp.nuke._call("BeforeRender", comp.write), comp.nuke._call("BeforeFrameRender", comp.write)


def test_what_is_before_a_write_that_reads_what_it_has_written_is_not_guarded(comp):
    before = comp.nuke.nodes.Write(file=comp.read["file"].value())
    before.setInput(0, comp.node), comp.write.setInput(0, before)
    with pytest.raises(RuntimeError, match="no frame is matted yet"):
        comp.nuke._call("BeforeRender", comp.write)
    before["reading"].setValue(True)
    comp.nuke._call("BeforeRender", comp.write), comp.nuke._call("BeforeFrameRender", comp.write)


def test_a_disabled_time_offset_is_none(comp):
    offset_behind(comp)["disable"].setValue(True)
    comp.node["frames"].setValue("1001-1003")
    comp.press("matte_range")
    with pytest.raises(RuntimeError, match="not matted: 1004"):
        render(comp)


def test_behind_a_time_offset_too_mattes_of_other_settings_stop_a_render(comp):
    offset_behind(comp)
    with pytest.raises(RuntimeError, match="no frame is matted yet"):
        render(comp)
    comp.press("matte_range")
    render(comp)
    comp.node["regions"].setValue(1.0)
    with pytest.raises(RuntimeError, match="other settings"):
        render(comp)


def test_behind_a_time_offset_all_frames_are_matted_first_as_others_may_be_asked_for(start_nuke, build_comp):
    comp = build_comp(start_nuke(gui=False))
    offset_behind(comp, -2.0)
    comp.nuke.rawArgs[:] = ["nuke", "-x", "comp.nk", "1002-1003"]
    comp.node["guard"].setValue("matte them first")
    render(comp, 1002, 1003)
    assert len(comp.nuke.rendered) == 2 and comp.node["matted"].valueAt(1005)


def test_of_a_node_that_is_used_behind_a_time_offset_and_without_it_all_frames_are_matted_first(start_nuke, build_comp):
    comp = build_comp(start_nuke(gui=False))
    merge = comp.nuke.nodes.Merge2()
    merge.setInput(0, comp.node), merge.setInput(1, offset_behind(comp, -2.0))
    comp.write.setInput(0, merge)
    comp.nuke.rawArgs[:] = ["nuke", "-x", "-F", "1002-1003", "comp.nk"]
    comp.node["guard"].setValue("matte them first")
    render(comp, 1002, 1003)  # of which 1003 shows 1005 too
    assert len(comp.nuke.rendered) == 2


@pytest.mark.parametrize("shown", [False, True])
def test_what_a_switch_or_a_disabled_node_does_not_show_is_not_guarded(comp, shown):
    switch, copy = comp.nuke.nodes.Switch(), comp.nuke.nodes.Copy()
    switch.setInput(0, comp.read), switch.setInput(1, comp.node)
    copy.setInput(0, switch), copy.setInput(1, comp.node)
    copy["disable"].setValue(True)
    switch["which"].setValue(float(shown))
    comp.write.setInput(0, copy)
    if shown:
        with pytest.raises(RuntimeError, match="no frame is matted yet"):
            render(comp)
    else:
        render(comp)


def test_a_plate_that_was_touched_is_no_other_plate(comp):
    comp.press("matte_range")
    ahead = time.time() + 3600  # of a machine whose clock is wrong
    for frame in range(1001, 1007):
        os.utime(comp.read["file"].value() % frame, (ahead, ahead))
    with pytest.raises(RuntimeError, match="out of date"):
        render(comp)
    comp.press("matte_range")
    render(comp)


@pytest.mark.parametrize("own_folder", [False, True])
def test_a_script_that_was_copied_elsewhere_keeps_its_mattes(comp, tmp_path, own_folder):
    if own_folder:
        comp.node["folder"].setValue(f"{tmp_path}/mattes")
    comp.press("matte_range")
    os.mkdir(tmp_path / "job")
    path = str(tmp_path / "job" / "copy.nk")
    comp.nuke.scriptSaveAs(path)
    comp.nuke.scriptOpen(path)
    assert comp.nuke.toNode("NukeMatting1")["status"].value() == "6 of 6 frames matted"
    comp.nuke.execute(comp.nuke.toNode("Write1"), 1001, 1006)


@pytest.mark.parametrize("folder", ["", "mattes"], ids=["beside the script", "of the show"])
def test_a_script_that_was_copied_to_another_shot_neither_shows_nor_overwrites_its_mattes(
    comp, make_plate, tmp_path, folder
):
    for shot, gain in (("sh010", 1.0), ("sh020", 0.2)):
        make_plate(range(1001, 1007), name=shot, gain=gain)
    comp.node["folder"].setValue(folder and f"{tmp_path}/{folder}")
    comp.read["file"].setValue("plate.%04d.exr")
    comp.nuke.root()["project_directory"].setValue("[python {nuke.script_directory()}]")
    comp.nuke.scriptSaveAs(f"{tmp_path}/sh010/comp.nk")
    comp.press("matte_range")
    first = comp.node.node("Mattes")["file"].value()
    before = [os.stat(first % frame).st_mtime_ns for frame in range(1001, 1007)]
    comp.nuke.scriptSaveAs(f"{tmp_path}/sh020/comp.nk")
    with pytest.raises(RuntimeError, match="another plate"):
        render(comp)
    comp.press("matte_range")
    second = comp.node.node("Mattes")["file"].value()
    assert second != first and second.startswith(f"{tmp_path}/{folder or 'sh020'}/")
    assert before == [os.stat(first % frame).st_mtime_ns for frame in range(1001, 1007)]
    render(comp)


@pytest.mark.parametrize(
    "words",
    [["-F", "1002-1003", "comp.nk"], ["comp.nk", "1002-1003"], ["comp.nk", "1002", "1003"]],
    ids=["by -F", "at the end", "several"],
)
def test_a_chunk_may_be_named_in_either_way(start_nuke, build_comp, words):
    comp = build_comp(start_nuke(gui=False))
    comp.nuke.rawArgs[:] = ["nuke", "-x", *words]
    comp.node["guard"].setValue("matte them first")
    render(comp, 1002, 1003)
    assert [frame for frame in range(1001, 1007) if comp.node["matted"].valueAt(frame)] == [1002, 1003]


def test_a_chunk_beyond_the_plate_is_asked_for_the_frame_that_is_held(start_nuke, build_comp):
    comp = build_comp(start_nuke(gui=False))
    comp.nuke.rawArgs[:] = ["nuke", "-x", "-F", "2001-2003", "comp.nk"]
    comp.node["guard"].setValue("matte them first")
    render(comp, 2001, 2003)
    assert [frame for frame in range(1001, 1007) if comp.node["matted"].valueAt(frame)] == [1006]


@pytest.mark.parametrize("graded", [False, True])
@pytest.mark.parametrize("after", ["hold", "black", "loop"])
def test_beyond_the_plate_the_matte_does_as_its_read_does(comp, tools, after, graded):
    comp.read["before"].setValue("black"), comp.read["after"].setValue(after)
    if graded:
        grade = comp.nuke.nodes.Grade()
        grade.setInput(0, comp.read), comp.node.setInput(0, grade)
    comp.node["frames"].setValue("1001-1008")
    comp.press("matte_range")
    assert comp.node["status"].value() == "6 of 6 frames matted, cpu"
    assert all(comp.node["matted"].valueAt(frame) for frame in (990, 1000, 1001, 1006, 1007, 1100)), "no bar"
    own = {frame: picture(comp, tools, frame, True)["rgba.alpha"] for frame in (1000, 1002, 1006, 1008)}
    assert not own[1000].any() and (own[1008] == {"hold": own[1006], "black": 0, "loop": own[1002]}[after]).all()
    assert (picture(comp, tools, 1008, False)["rgba.alpha"] == own[1008]).all(), "without our Python too"
    render(comp, 1000, 1008)
    assert len(comp.nuke.rendered) == 9 + 6 * graded


def test_what_is_held_must_be_matted(comp):
    comp.node["frames"].setValue("1001-1003")
    comp.press("matte_range")
    assert comp.node["matted"].valueAt(1000) and not comp.node["matted"].valueAt(1007)
    with pytest.raises(RuntimeError, match="not matted: 1006; press"):
        render(comp, 1007, 1008)
    comp.nuke.root()["frame"].setValue(1008)
    comp.press("matte_frame")
    render(comp, 1007, 1008)


def test_a_hole_in_the_plate_is_called_one(comp):
    os.remove(comp.read["file"].value() % 1003)
    comp.press("matte_range")
    render(comp, 1001, 1002)
    with pytest.raises(
        RuntimeError, match="the plate has no frame 1003, so that there is no matte of it; render or copy"
    ):
        render(comp, 1003, 1003)


def test_a_frame_that_is_rendered_looks_at_its_own_files_alone(comp, make_plate, monkeypatch):
    comp.press("matte_range")
    looks, stat = [], os.stat
    monkeypatch.setattr(os, "stat", lambda path, **how: looks.append(path) or stat(path, **how))
    comp.nuke._call("BeforeFrameRender", comp.write)
    assert 0 < len(looks) < 12


def test_a_render_looks_once_at_the_files_of_a_plate_that_is_shifted(comp, monkeypatch):
    offset = comp.nuke.nodes.TimeOffset(time_offset=1.0)
    offset.setInput(0, comp.read), comp.node.setInput(0, offset)
    comp.press("matte_range")
    lists, listdir = [], os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: lists.append(folder) or listdir(folder))
    render(comp, 1002, 1006)
    own = os.path.dirname(comp.read["file"].value())
    assert lists.count(own) == 1


@pytest.mark.parametrize("missing", [0, 6])
def test_before_a_render_a_node_is_looked_over_once(comp, monkeypatch, missing):
    if not missing:
        comp.press("matte_range")
    comp.node["guard"].setValue("matte them first")
    guard, plans = sys.modules["nuke_matting_host.guard"], []
    plan_of = guard.plan_of
    for module in (guard, guard.actions):
        monkeypatch.setattr(module, "plan_of", lambda node: plans.append(node) or plan_of(node))
    comp.nuke._call("BeforeRender", comp.write)
    assert plans == [comp.node]


def test_of_a_script_without_our_node_hardly_anything_is_looked_at(comp, monkeypatch):
    comp.write.setInput(0, comp.read)
    monkeypatch.setattr(comp.nuke.Node, "knobs", lambda node: pytest.fail("all knobs of a node were asked for"))
    render(comp, 1001, 1001)


@pytest.mark.parametrize("matted", [False, True])
def test_behind_a_time_offset_the_gui_too_renders_no_frame_without_a_matte(comp, matted):
    offset_behind(comp, -2.0)
    comp.press("matte_frame")
    if matted:  # frame 1001 is made of 1003
        render(comp, 1001, 1001)
    else:
        with pytest.raises(RuntimeError, match=r"1004\.exr: no such file"):
            render(comp, 1002, 1002)


def test_a_time_offset_before_the_node_changes_nothing(comp):
    offset = comp.nuke.nodes.TimeOffset()
    offset.setInput(0, comp.read)
    comp.node.setInput(0, offset)
    with pytest.raises(RuntimeError, match="out of date|no frame is matted"):
        render(comp)


def test_without_a_gui_the_buttons_work_and_wait(start_nuke, build_comp):
    comp = build_comp(start_nuke(gui=False))
    comp.node["matte_range"].execute()
    assert comp.node["status"].value().startswith("6 of 6 frames matted")
    render(comp)
    comp.node.setInput(0, None)
    with pytest.raises(RuntimeError, match="connect a Read"):
        comp.node["matte_range"].execute()


def test_the_script_renders_without_our_python(comp, tools, monkeypatch):
    comp.press("matte_range")
    path = str(comp.folder / "saved.nk")
    comp.nuke.scriptSaveAs(path)
    nuke = tools.double.make(tools.nkscript, tools.catalogue, tools.pixels, False, [])  # nothing of ours is started
    monkeypatch.setitem(sys.modules, "nuke", nuke)
    nuke.scriptOpen(path)
    nuke.execute(nuke.toNode("Write1"), 1001, 1006)
    assert len(nuke.rendered) == 6
    os.remove(comp.node.node("Mattes")["file"].value() % 1004)
    with pytest.raises(tools.pixels.RenderError, match=r"matte\.1004\.exr: no such file"):
        nuke.execute(nuke.toNode("Write1"), 1001, 1006)


def test_without_our_python_a_frame_of_the_plate_beside_the_range_is_an_error_and_not_black(comp, tools):
    comp.node["frames"].setValue("1002-1003")
    comp.press("matte_range")
    assert picture(comp, tools, 1003, gui=False)["rgba.alpha"].any()
    for frame in (1001, 1004, 1006):
        with pytest.raises(tools.pixels.RenderError, match="no such file"):
            picture(comp, tools, frame, gui=False)


def test_saved_and_opened_again_it_is_as_it_was(comp):
    comp.press("matte_range")
    path = str(comp.folder / "comp.nk")
    comp.nuke.scriptSaveAs(path)
    comp.nuke.scriptOpen(path)
    node = comp.nuke.toNode(comp.node.name() if comp.node._tree.parent else "NukeMatting1")
    assert node["status"].value() == "6 of 6 frames matted"
    comp.nuke.execute(comp.nuke.toNode("Write1"), 1001, 1006)


def test_a_script_of_another_system_is_at_home_here_by_the_path_map(start_nuke, build_comp, tmp_path, monkeypatch):
    for name in ("one", "two"):  # the same files, mounted elsewhere
        os.symlink(tmp_path, tmp_path / name)
    path = tmp_path / "comp.nk"
    monkeypatch.setenv("NUKE_MATTING_PATH_MAP", f"P:/show={tmp_path}/one")
    comp = build_comp(start_nuke(own_worker=True))
    for node, knob in ((comp.read, "file"), (comp.write, "file")):  # as it was written on Windows
        node[knob].setValue(node[knob].value().replace(str(tmp_path), "P:/show"))
    comp.node["folder"].setValue("P:/show/nuke_matting")
    comp.press("matte_range")
    assert comp.node["status"].value() == "6 of 6 frames matted, cpu"
    assert comp.node.node("Mattes")["file"].value().startswith("P:/show/nuke_matting/")
    comp.nuke.scriptSaveAs(str(path))
    monkeypatch.setenv("NUKE_MATTING_PATH_MAP", f"P:/show={tmp_path}/two")
    nuke = start_nuke(own_worker=True)
    nuke.scriptOpen(str(path))
    assert nuke.toNode("NukeMatting1")["status"].value() == "6 of 6 frames matted"
    nuke.execute(nuke.toNode("Write1"), 1001, 1002)


def test_one_map_serves_both_systems(start_nuke, build_comp, tmp_path, monkeypatch):
    monkeypatch.setenv("NUKE_MATTING_PATH_MAP", f"{tmp_path}=/farm/show")  # of the artist's machine, for its worker
    os.symlink(tmp_path, f"{tmp_path}_mounted")
    comp = build_comp(start_nuke())
    assert comp.nuke._filtered("/farm/show/plate/plate.1001.exr") == f"{tmp_path}/plate/plate.1001.exr"
    assert comp.nuke._filtered("/farm/showreel/a.exr") == "/farm/showreel/a.exr"
    assert comp.nuke._filtered(f"{tmp_path}/plate/a.exr") == f"{tmp_path}/plate/a.exr"


def test_two_nodes_in_a_script_do_not_meet(comp, weights):
    other = comp.nuke.createNode("NukeMatting")
    other.setInput(0, comp.read)
    for name in ("model", "device", "cache_dir", "region_batch"):
        other[name].setValue(comp.node[name].value())
    other["regions"].setValue(1.0)
    comp.press("matte_range", wait=False)
    other["matte_range"].execute()
    comp.nuke.pump(lambda: all("6 of 6" in each["status"].value() for each in (comp.node, other)))
    assert comp.node.node("Mattes")["file"].value() != other.node("Mattes")["file"].value()
    render(comp)


@pytest.mark.parametrize("layer", ["rgba.alpha", "matte.a"])
def test_a_precomp_takes_the_place_of_the_node(comp, layer):
    comp.nuke._script.read("add_layer {matte matte.a}")
    comp.node["output"].setValue(layer)
    comp.press("matte_range")
    mattes = comp.node.node("Mattes")["file"].value()
    comp.press("precomp")
    read = comp.write.input(0)
    assert read.Class() == "Read" and (read["first"].value(), read["last"].value()) == (1001, 1006)
    merged = oiio.ImageBuf(read["file"].value() % 1004)
    channel = {"rgba.alpha": "A", "matte.a": "matte.a"}[layer]
    alpha = merged.get_pixels(oiio.FLOAT)[..., merged.spec().channelindex(channel)]
    assert (alpha == oiio.ImageBuf(mattes % 1004).get_pixels(oiio.FLOAT)[..., 0]).all()
    plate = oiio.ImageBuf(comp.read["file"].value() % 1004)
    assert (
        merged.get_pixels(oiio.FLOAT)[..., :3] == plate.get_pixels(oiio.FLOAT)[..., :3]
    ).all() or layer != "rgba.alpha"
    render(comp)


@pytest.mark.parametrize("premult", [False, True])
@pytest.mark.parametrize("foreground", ["plate", "into RGB", "into layer fg"])
def test_a_precomp_shows_what_the_node_showed(comp, tools, foreground, premult):
    comp.nuke._script.read("add_layer {fg fg.red fg.green fg.blue}")
    comp.node["foreground"].setValue(foreground)
    comp.node["premult"].setValue(premult)
    comp.press("matte_range")
    before = picture(comp, tools, 1004, gui=True)
    comp.press("precomp")
    after = tools.pixels.Evaluator(1004).of(comp.write.input(0)._tree)
    for name, plane in before.items():
        assert (after[name] == plane).all(), name


def precomps(comp):
    """The Reads of precomps, in the order in which they were made."""
    return [each for each in comp.nuke.allNodes("Read") if each["label"].value().startswith("precomp of ")]


def test_precomps_of_two_channels_do_not_share_files(comp):
    comp.nuke._script.read("add_layer {matte matte.a}")
    other = comp.nuke.createNode("NukeMatting")
    other.setInput(0, comp.read)
    for name in ("model", "device", "cache_dir", "region_batch"):
        other[name].setValue(comp.node[name].value())
    other["output"].setValue("matte.a")
    for node in (comp.node, other):
        comp.press("precomp", node=node)
    assert len({each["file"].value() for each in precomps(comp)}) == 2


def test_after_a_precomp_the_node_stays_beside_it_as_it_was_so_that_the_artist_can_go_on(comp, make_plate):
    guide = comp.nuke.nodes.Read(file=make_plate([1001], name="guide") % 1001)
    comp.node.setInput(2, guide)
    comp.node["edge_shift"].setValue(2.0)
    comp.node.setXYpos(300, 200)
    comp.press("precomp")
    assert [each["label"].value() for each in precomps(comp)] == [f"precomp of {comp.node.name()}"]
    assert comp.write.input(0) is precomps(comp)[0] and comp.node.dependent(comp.nuke.INPUTS) == []
    assert [comp.node.input(number) for number in (0, 2)] == [comp.read, guide]
    assert comp.node["edge_shift"].value() == 2.0
    assert (precomps(comp)[0].xpos(), comp.node.xpos()) == (300, 190)
    assert comp.node["status"].value().startswith("not matted; saved as ")
    assert comp.node["status"].value().endswith("_v001, connect the node again to go on")


def test_a_precomp_is_never_written_over(comp):
    comp.press("precomp")
    first = precomps(comp)[0]["file"].value()
    before = [(os.stat(first % frame).st_mtime_ns, os.stat(first % frame).st_ino) for frame in range(1001, 1007)]
    os.utime(comp.read["file"].value() % 1003, (2e9, 2e9))
    comp.press("precomp")
    second = precomps(comp)[1]["file"].value()
    assert second == first.replace("_v001", "_v002") and os.path.isfile(second % 1006)
    after = [(os.stat(first % frame).st_mtime_ns, os.stat(first % frame).st_ino) for frame in range(1001, 1007)]
    assert before == after


def test_a_precomp_that_lacks_a_frame_leaves_the_node(comp):
    with open(comp.read["file"].value() % 1006, "wb") as file:
        file.write(b"nonsense")
    comp.press("precomp")
    assert comp.write.input(0).fullName() == comp.node.fullName()
    assert "left as it is" in comp.node["status"].value()


@pytest.mark.parametrize("frames, lacking", [("1002-1004", "1001 1005-1006"), ("1001-1006x2", "1002 1004 1006")])
def test_a_precomp_of_a_part_of_the_plate_is_refused_as_it_would_freeze_the_rest(comp, frames, lacking):
    comp.node["frames"].setValue(frames)
    comp.press("precomp")
    assert comp.write.input(0).fullName() == comp.node.fullName()
    assert f"the frame range leaves out {lacking}, " in comp.node["status"].value()
    assert "clear the knob frame range" in comp.nuke.messages[0]


def test_beyond_its_frames_a_precomp_does_as_the_plate(comp):
    comp.read["before"].setValue("black"), comp.read["after"].setValue("loop")
    comp.press("precomp")
    read = comp.write.input(0)
    assert (read["before"].value(), read["after"].value()) == ("black", "loop")
