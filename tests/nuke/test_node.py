"""The host's code in Nuke's double, with a real worker: what an artist does in a comp."""

import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
import torch

from nuke_matting.models.weights import save_weights
from nuke_matting.nets.two_stage import TwoStage

FRAMES = list(range(1001, 1007))


def status(comp):
    return comp.node["status"].value()


def cached(comp):
    """The frames that the node's curve says are there."""
    return [frame for frame in FRAMES if comp.node["matted"].valueAt(frame)]


def mattes(comp):
    """The files that the node reads, by frame."""
    pattern = comp.node.node("Mattes")["file"].value()
    return {frame: Path(pattern % frame) for frame in FRAMES if os.path.isfile(pattern % frame)}


def change(comp, knob, value):
    """As the artist does in the panel."""
    comp.node[knob].setValue(value)
    comp.nuke._call("KnobChanged", comp.node, comp.node[knob])


def test_a_new_node_says_that_nothing_is_matted(comp):
    assert status(comp) == "not matted" and cached(comp) == []


def test_matte_range_makes_a_matte_of_every_frame_of_the_plate(comp):
    comp.press("matte_range")
    assert status(comp) == "6 of 6 frames matted, cpu"
    assert cached(comp) == FRAMES and list(mattes(comp)) == FRAMES
    read = comp.node.node("Mattes")
    assert (read["first"].value(), read["last"].value()) == (1001, 1006)
    assert str(mattes(comp)[1001]).startswith(str(comp.folder / "nuke_matting")), "beside the script"


def test_the_artist_may_go_on_meanwhile_and_sees_progress(comp):
    comp.press("matte_range", wait=False)
    assert comp.nuke.messages == [] and cached(comp) == []
    comp.nuke.pump(lambda: cached(comp))
    comp.nuke.pump(lambda: "6 of 6" in status(comp))
    assert comp.nuke.tasks[0].title == f"NukeMatting: {comp.node.name()}"
    assert re.fullmatch(r"(frame \d+, )?\d of 6.*", comp.nuke.tasks[0].texts[-1])


def test_what_the_artist_should_know_of_frames_is_in_the_status_and_the_script_editor(comp):
    spoilt = np.full((36, 64), 0.5, np.float16)
    spoilt[3, 4] = np.nan
    for frame in (1001, 1002):
        path = comp.read["file"].value() % frame
        OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION}, dict.fromkeys("RGB", spoilt)).write(path)
    Path(comp.read["file"].value() % 1005).unlink()
    comp.node["frames"].setValue("1001-1004")
    comp.press("matte_range")
    about = re.fullmatch(r"4 of 4 frames matted, cpu; (\d+) notes, the first: (frames? .*)", status(comp))
    assert about and int(about[1]) == len(comp.nuke.printed) and f"NukeMatting: {about[2]}" in comp.nuke.printed
    assert len({each.partition(": ")[2].partition(": ")[2] for each in comp.nuke.printed}) == int(about[1])
    assert any(each.startswith("NukeMatting: frames 1001-1002: ") for each in comp.nuke.printed), "one line for both"


def test_advice_names_knobs_and_no_flags(comp):
    Path(comp.read["file"].value() % 1003).unlink()
    comp.press("matte_range")
    assert "leave it out of the knob frame range" in status(comp) and "--" not in status(comp)


def test_matte_frame_mattes_the_frame_in_view_alone(comp):
    comp.press("matte_frame")
    assert cached(comp) == [1003] and status(comp).startswith("1 of 6 frames matted")


def test_the_range_may_be_named(comp):
    comp.node["frames"].setValue("1001-1005x2")
    comp.press("matte_range")
    assert cached(comp) == [1001, 1003, 1005]


def test_frame_ranges_may_be_tcl(comp, make_plate):
    root = comp.nuke.root()
    root["first_frame"].setValue(1002), root["last_frame"].setValue(1004)
    comp.node["frames"].setValue("[value root.first_frame]-[value root.last_frame]")
    comp.node.setInput(3, comp.nuke.nodes.Read(file=comp.read["file"].value(), first=1001, last=1006))
    comp.node["key_frames"].setValue("[value root.last_frame]")
    comp.press("matte_range")
    assert cached(comp) == [1002, 1003, 1004] and sys.modules["nuke_matting_host.plan"].plan_of(comp.node).keys == [
        1004
    ]


def test_a_frame_range_of_broken_tcl_is_none(comp):
    comp.node["frames"].setValue("[value nothing.first_frame]")
    comp.press("matte_range")
    assert "is no frame range; write frames as 1001-1100" in status(comp)


@pytest.mark.parametrize("older", [False, True])
def test_nuke_makes_no_local_copies_of_mattes(comp, older):
    read = comp.node.node("Mattes")
    if older:
        del read._tree.knobs["localizationPolicy"]
        comp.press("matte_frame")
    assert read["localizationPolicy"].value() == "off"


def test_what_is_up_to_date_is_left_alone(comp):
    comp.press("matte_range")
    before = {frame: path.stat().st_mtime_ns for frame, path in mattes(comp).items()}
    comp.press("matte_range")
    assert before == {frame: path.stat().st_mtime_ns for frame, path in mattes(comp).items()}


@pytest.mark.parametrize("how", ["button", "progress bar"])
def test_cancel_stops_soon_and_keeps_what_is_done(comp, make_plate, how):
    comp.read["file"].setValue(make_plate(range(1001, 1201), name="long"))
    comp.read["last"].setValue(1200)
    comp.press("matte_range", wait=False)
    comp.nuke.pump(lambda: cached(comp))
    if how == "button":
        comp.press("cancel")
    else:
        comp.nuke.cancelling = True
        comp.nuke.pump(lambda: "cancelled" in status(comp))
    done = comp.node["matted"].toScript()
    assert "cancelled" in status(comp) and 0 < int(status(comp).split()[0]) < 200 and done != "0"


def test_a_changed_setting_is_told_and_set_back_it_is_good_again(comp):
    comp.press("matte_range")
    files = mattes(comp)
    change(comp, "regions", 1.0)
    assert "out of date" in status(comp) and cached(comp) == FRAMES, "what was there goes on being shown"
    change(comp, "regions", 4.0)
    assert status(comp) == "6 of 6 frames matted"
    change(comp, "regions", 1.0)
    comp.press("matte_range")
    assert status(comp).startswith("6 of 6") and not set(files.values()) & set(mattes(comp).values())


@pytest.mark.parametrize("knob, value", [("device", "auto"), ("jobs", 3), ("cache_size", 9.0), ("mark", False)])
def test_what_changes_no_pixels_makes_nothing_stale(comp, knob, value):
    comp.press("matte_frame")
    change(comp, knob, value)
    assert status(comp).startswith("1 of 6 frames matted")


def test_a_plate_that_was_rendered_again_makes_its_frame_and_those_that_remember_it_stale(comp):
    comp.press("matte_range")
    shutil.copy(comp.read["file"].value() % 1006, comp.read["file"].value() % 1003)
    newer = mattes(comp)[1006].stat().st_mtime + 5
    os.utime(comp.read["file"].value() % 1003, (newer, newer))
    comp.open_panel()
    assert status(comp) == "1 of 6 frames matted, 5 out of date"
    comp.press("refresh")
    assert status(comp) == "1 of 6 frames matted, 5 out of date", "the worker says the same"
    before = {frame: path.read_bytes() for frame, path in mattes(comp).items()}
    comp.press("matte_range")
    assert [frame for frame, path in mattes(comp).items() if path.read_bytes() != before[frame]] == FRAMES[:5]


def test_other_weights_under_the_same_name_are_found_by_refresh(comp, weights):
    other = comp.folder / "other.safetensors"
    shutil.copy(weights, other)
    comp.node["model"].setValue(str(other))
    comp.press("matte_range")
    torch.manual_seed(8)
    save_weights(other, TwoStage(), {"architecture": "two_stage", "name": "other", "coarse_long_side": "64"})
    os.utime(other, (1, 1))  # older than the mattes, so that their times say nothing
    comp.press("refresh")
    assert status(comp) == "0 of 6 frames matted, 6 out of date"


def test_refresh_by_another_artist_calls_no_matte_out_of_date(comp):
    comp.press("matte_range")
    change(comp, "cache_dir", str(comp.folder / "another_artists_cache"))
    comp.press("refresh")
    assert status(comp) == "6 of 6 frames matted" and comp.node["outdated"].value() == ""


def test_what_another_artists_cache_has_made_is_not_made_again_but_what_is_out_of_date(comp):
    comp.press("matte_range")
    change(comp, "cache_dir", str(comp.folder / "another_artists_cache"))
    before = {frame: path.stat().st_mtime_ns for frame, path in mattes(comp).items()}
    comp.press("matte_range")
    assert before == {frame: path.stat().st_mtime_ns for frame, path in mattes(comp).items()}
    assert status(comp) == "6 of 6 frames matted, cpu"
    comp.node["outdated"].setValue("1002")
    comp.press("matte_range")
    assert [each for each, path in mattes(comp).items() if path.stat().st_mtime_ns != before[each]] == [1002]
    assert status(comp) == "6 of 6 frames matted, cpu"


def test_what_a_worker_has_called_out_of_date_stays_so_for_one_that_does_not_know_it(comp):
    comp.press("matte_range")
    cache = comp.node["cache_dir"].value()
    change(comp, "cache_dir", str(comp.folder / "another_artists_cache"))
    comp.node["outdated"].setValue("1002-1003")
    comp.press("refresh")
    assert status(comp) == "4 of 6 frames matted, 2 out of date"
    change(comp, "cache_dir", cache)
    comp.press("refresh")
    assert status(comp) == "6 of 6 frames matted", "whose worker knows better"


def test_a_worker_that_does_not_know_the_files_again_may_write_them_again(comp):
    comp.press("matte_range")
    shutil.rmtree(comp.folder / "cache")
    path = mattes(comp)[1002]
    path.write_bytes(b"nonsense")
    os.utime(comp.read["file"].value() % 1001, (2e9, 2e9))
    comp.press("matte_range")
    assert path.read_bytes() != b"nonsense" and "error" not in status(comp)


@pytest.mark.parametrize("how", ["refresh", "opening the script"])
def test_mattes_that_were_removed_are_not_shown_any_more(comp, tools, how):
    comp.press("matte_range")
    shutil.rmtree(mattes(comp)[1001].parent)
    if how == "refresh":
        comp.press("refresh")
    else:
        comp.nuke._call("OnScriptLoad", comp.nuke.root())
    assert cached(comp) == [] and status(comp).startswith("0 of 6 frames matted")
    assert not tools.pixels.Evaluator(1003, True).of(comp.node._tree)["rgba.alpha"][5:-5].any()


def test_mattes_beside_the_frame_range_are_shown_in_the_gui_as_a_render_takes_them(comp):
    comp.press("matte_range")
    comp.node["frames"].setValue("1003-1004")
    comp.press("matte_range")
    assert cached(comp) == FRAMES and status(comp) == "2 of 2 frames matted, cpu"


def test_clear_cache_removes_the_mattes_and_nothing_else(comp):
    comp.press("matte_range")
    folder = mattes(comp)[1001].parent
    (folder / "notes.txt").write_text("mine")
    made = mattes(comp)[1001].name
    shutil.copy(folder / made, folder / made.replace("1001", "-005"))  # of a frame before 0
    comp.press("clear")
    assert os.listdir(folder) == ["notes.txt"] and cached(comp) == [] and status(comp) == "cleared"


def test_clear_cache_asks_before_with_the_number_and_the_folder(comp):
    comp.press("matte_range")
    folder = mattes(comp)[1001].parent
    comp.nuke.agreeing = False
    comp.press("clear")
    assert comp.nuke.questions == [f"Remove 6 mattes in {folder}?"]
    assert list(mattes(comp)) == cached(comp) == FRAMES and status(comp) == "6 of 6 frames matted, cpu"
    comp.nuke.agreeing = True
    comp.press("clear"), comp.press("clear")
    assert cached(comp) == [] and len(comp.nuke.questions) == 2, "where nothing is there, nothing is asked"


def test_without_a_gui_clear_cache_asks_nobody(start_nuke, build_comp):
    comp = build_comp(start_nuke(gui=False))
    comp.press("matte_frame"), comp.press("clear")
    assert status(comp) == "cleared" and cached(comp) == []


def test_a_broken_frame_is_told_and_the_others_are_there(comp):
    Path(comp.read["file"].value() % 1006).write_bytes(b"nonsense")
    comp.press("matte_range")
    assert cached(comp) == FRAMES[:-1]
    assert "5 of 6" in status(comp) and "frame 1006" in status(comp)


def test_what_came_of_a_press_stays_in_the_status_while_nothing_else_has_changed(comp):
    Path(comp.read["file"].value() % 1006).write_bytes(b"nonsense")
    comp.press("matte_range")
    said = status(comp)
    assert said.startswith("5 of 6 frames matted, cpu; ") and "frame 1006" in said
    comp.nuke._call("UpdateUI", comp.node)
    change(comp, "mark", False)
    assert status(comp) == said
    change(comp, "regions", 1.0)
    assert status(comp).startswith("out of date")


def test_a_button_is_no_change_so_that_what_it_said_stays(comp):
    comp.press("matte_frame"), comp.press("clear")
    comp.nuke._call("KnobChanged", comp.node, comp.node["clear"])
    assert status(comp) == "cleared"


def test_nothing_is_recorded_for_undo(comp):
    comp.nuke.undos.clear()
    comp.press("matte_range")
    comp.press("refresh")
    assert comp.nuke.undos == []


@pytest.mark.parametrize(
    "wrong, word",
    [
        (lambda comp: comp.node.setInput(0, None), "connect a Read"),
        (lambda comp: comp.node["frames"].setValue("1-"), "no frame range"),
        (lambda comp: comp.read["file"].setValue("/no/such/plate.%04d.exr"), "no such folder"),
        (lambda comp: comp.node["model"].setValue("thre_stage"), "thre_stage"),
        (lambda comp: comp.node["device"].setValue("gpu"), "device"),
        (lambda comp: comp.node["nuke_matting"].setValue("99"), "another version"),
    ],
)
def test_what_cannot_be_done_is_said_in_the_node(comp, wrong, word):
    wrong(comp)
    comp.press("matte_range")
    assert word in status(comp)


def test_an_error_of_a_node_that_was_never_matted_is_there_when_its_panel_is_opened(comp):
    comp.node["model"].setValue("thre_stage")
    comp.press("matte_range"), comp.open_panel()
    assert "thre_stage" in status(comp)


@pytest.mark.parametrize("knob", ["edge_shift", "guide_use", "clean_align", "foreground"])
def test_a_knob_that_is_animated_is_refused_by_name_and_one_that_stays_the_same_is_not(comp, knob):
    comp.node[knob].fromScript("{curve K x1001 0 x1004 1}")
    comp.press("matte_frame")
    assert f"the knob {knob.replace('_', ' ')} is animated" in status(comp)
    comp.node[knob].fromScript("{curve K x1001 1 x1004 1}")
    comp.press("matte_frame")
    assert status(comp).startswith("1 of 6")


def test_a_node_that_is_older_than_a_knob_has_its_default(comp):
    plan_of = sys.modules["nuke_matting_host.plan"].plan_of
    before = plan_of(comp.node)
    tree = comp.node._tree
    tree.user_knobs = [each for each in tree.user_knobs if each.name not in ("clean_match", "clean_align")]
    tree.knobs = {name: text for name, text in tree.knobs.items() if name not in ("clean_match", "clean_align")}
    assert plan_of(comp.node) == before


def test_open_review_opens_a_contact_sheet_of_what_is_matted(comp, monkeypatch):
    opened = []
    monkeypatch.setattr(sys.modules["nuke_matting_host.review"], "open_file", opened.append)
    comp.press("review")
    assert "press Matte range" in status(comp)
    comp.press("matte_range")
    comp.press("review")
    comp.nuke.pump(lambda: "drawing" not in status(comp))
    assert status(comp) == "6 of 6 frames matted, cpu"
    assert Path(opened[0]).read_bytes()[:4] == b"\x89PNG"


def test_a_model_is_chosen_of_those_that_the_worker_knows(comp):
    comp.node["model"].setValue("two_stage")
    comp.press("choose_model", wait=False)
    comp.nuke.pump(lambda: comp.nuke.choices)
    models, default = comp.nuke.choices[0]
    assert models == sys.modules["nuke_matting_host.jobs"].client().hello()["models"]
    assert models[default] == "two_stage" == comp.node["model"].value() and status(comp) == "not matted"
    comp.nuke.choosing = models[0]
    comp.press("choose_model", wait=False)
    comp.nuke.pump(lambda: len(comp.nuke.choices) == 2)
    assert comp.node["model"].value() == models[0]


def test_a_model_that_was_typed_is_among_those_to_choose_of(comp, weights):
    comp.press("choose_model", wait=False)
    comp.nuke.pump(lambda: comp.nuke.choices)
    models, default = comp.nuke.choices[0]
    assert models[default] == str(weights) == comp.node["model"].value() and "two_stage" in models


def test_models_to_choose_of_are_printed_without_a_gui(start_nuke, build_comp):
    comp = build_comp(start_nuke(gui=False))
    comp.press("choose_model")
    assert "two_stage" in comp.nuke.printed[0]


def test_without_a_worker_there_is_no_model_to_choose_and_it_says_why(start_nuke, build_comp, monkeypatch):
    comp = build_comp(start_nuke(own_worker=True))
    monkeypatch.setenv("NUKE_MATTING_WORKER", f"{sys.executable} -c 1/0")
    comp.press("choose_model", wait=False)
    comp.nuke.pump(lambda: comp.nuke.messages)
    assert "ZeroDivisionError" in status(comp) and "ZeroDivisionError" in comp.nuke.messages[0]


def test_a_review_of_a_frame_that_cannot_be_read_opens_and_says_which(comp, monkeypatch):
    opened = []
    monkeypatch.setattr(sys.modules["nuke_matting_host.review"], "open_file", opened.append)
    comp.press("matte_range")
    broken = mattes(comp)[1003]
    Path(broken).write_bytes(b"no matte")
    comp.press("review")
    comp.nuke.pump(lambda: "drawing" not in status(comp))
    assert "not all frames are in the contact sheet" in status(comp) and str(broken) in status(comp)
    assert Path(opened[0]).read_bytes()[:4] == b"\x89PNG"


def test_a_review_that_cannot_be_drawn_is_said(comp, monkeypatch):
    comp.press("matte_range")
    monkeypatch.setenv("NUKE_MATTING_WORKER", f"{sys.executable} -c 1/0 worker")
    comp.press("review")
    comp.nuke.pump(lambda: "drawing" not in status(comp))
    assert status(comp).startswith("no contact sheet: ZeroDivisionError")


def test_a_second_press_does_not_start_a_second_time(comp):
    comp.press("matte_range", wait=False)
    comp.press("matte_range", wait=False)
    assert "at work already" in comp.nuke.messages[0]
    comp.nuke.pump(lambda: "6 of 6" in status(comp))


def test_a_node_that_is_renamed_while_it_works_is_still_at_work(comp):
    comp.press("matte_range", wait=False)
    comp.node.setName("Person")
    comp.press("matte_range", wait=False)
    assert "at work already" in comp.nuke.messages[0]
    comp.nuke.pump(lambda: "6 of 6" in status(comp))


def test_a_new_node_under_the_name_of_a_deleted_one_is_not_at_work(comp):
    comp.press("matte_range", wait=False)
    jobs, name = sys.modules["nuke_matting_host.jobs"], comp.node.name()
    comp.nuke.delete(comp.node)
    other = comp.nuke.createNode("NukeMatting")
    assert other.name() == name and jobs.running(other) is None
    comp.nuke.pump(lambda: not jobs._running)


def test_many_events_are_shown_a_few_times_a_second(comp, make_plate, monkeypatch):
    actions, shown = sys.modules["nuke_matting_host.actions"], []
    comp.read["file"].setValue(make_plate(range(1001, 1201), name="long"))
    comp.read["last"].setValue(1200)
    comp.press("matte_range")
    show = actions.show
    monkeypatch.setattr(actions, "show", lambda *about: (shown.append(time.monotonic()), show(*about)))
    comp.node["jobs"].setValue(4)
    began = time.monotonic()
    comp.press("matte_range")  # all are there: they are told as fast as files can be looked at
    assert status(comp).startswith("200 of 200")
    assert len(shown) <= (time.monotonic() - began) / 0.1 + 3


def test_a_node_that_is_deleted_while_it_works_hurts_nobody(comp):
    comp.press("matte_range", wait=False)
    jobs = sys.modules["nuke_matting_host.jobs"]
    comp.nuke.delete(comp.node)
    comp.nuke.pump(lambda: not jobs._running)


def test_a_copy_has_the_same_mattes_and_goes_its_own_way(comp, tools):
    comp.press("matte_range")
    text = tools.nkscript.written([comp.node._tree]).replace(f"push $H{id(comp.read._tree)}", "push 0")
    copy = comp.nuke._wrap(comp.nuke._script.read(text)[0])
    copy.setInput(0, comp.read)
    assert copy.name() != comp.node.name()
    comp.press("refresh", node=copy)
    assert copy["status"].value() == "6 of 6 frames matted"
    copy["regions"].setValue(2.0)
    comp.press("matte_frame", node=copy)
    assert copy["status"].value() == "1 of 6 frames matted, cpu"
    comp.press("refresh")
    assert status(comp) == "6 of 6 frames matted"


def test_two_copies_that_are_pressed_at_once_share_the_work(comp, tools):
    text = tools.nkscript.written([comp.node._tree]).replace(f"push $H{id(comp.read._tree)}", "push 0")
    copy = comp.nuke._wrap(comp.nuke._script.read(text)[0])
    copy.setInput(0, comp.read)
    for node in (comp.node, copy):
        comp.press("matte_range", wait=False, node=node)
    comp.nuke.pump(lambda: all("6 of 6" in each["status"].value() for each in (comp.node, copy)))
    assert copy.node("Mattes")["file"].value() == comp.node.node("Mattes")["file"].value()
    assert list(mattes(comp)) == FRAMES and comp.nuke.messages == []


def test_a_frame_that_the_plate_lacks_is_told_and_the_others_are_there(comp):
    os.remove(comp.read["file"].value() % 1004)
    comp.press("matte_range")
    assert "5 of 6" in status(comp) and "1004" in status(comp) and cached(comp) == [1001, 1002, 1003, 1005, 1006]


def test_a_folder_that_cannot_be_written_to_is_told(comp):
    (comp.folder / "file").write_text("no folder")
    comp.node["folder"].setValue(str(comp.folder / "file" / "mattes"))
    comp.press("matte_range")
    assert "0 of 6" in status(comp) and "6 errors" in status(comp) and str(comp.folder / "file") in status(comp)


@pytest.mark.parametrize("name", ["with blanks", "\u00e4\u00f6\u00fc \u6620\u50cf", "it's (1), a+b&c;d"])
def test_folders_of_any_name_serve(comp, make_plate, name):
    comp.read["file"].setValue(make_plate(range(1001, 1007), name=name))
    comp.node["folder"].setValue(f"{comp.folder}/{name}/mattes")
    comp.press("matte_range")
    assert status(comp).startswith("6 of 6") and f"/{name}/mattes/" in comp.node.node("Mattes")["file"].value()
    comp.nuke.execute(comp.write, 1001, 1006)


def test_a_folder_may_be_of_a_home_but_of_nobodys(comp, monkeypatch):
    monkeypatch.setenv("HOME", str(comp.folder / "home"))
    comp.node["folder"].setValue("~/mattes")
    comp.press("matte_frame")
    assert str(mattes(comp)[1003]).startswith(f"{comp.folder}/home/mattes/") and cached(comp) == [1003]
    comp.node["folder"].setValue("~nosuch/mattes")
    comp.press("matte_frame")
    assert "the folder ~nosuch/mattes is of a user who is not known here" in status(comp)


@pytest.mark.parametrize("name", ["[old]", "cost_5$", "100%", "shot#3"])
def test_a_folder_whose_name_nuke_reads_as_more_than_letters_is_refused(comp, name):
    comp.node["folder"].setValue(f"{comp.folder}/{name}")
    comp.press("matte_range")
    assert "name another in the knob folder" in status(comp) and not comp.node.node("Mattes")["file"].value()


def test_clean_plate_guide_and_foreground_go_to_the_worker(comp, make_plate):
    for number, name in ((1, "clean"), (2, "guide")):
        read = comp.nuke.nodes.Read(file=make_plate([1001], name=name) % 1001)
        comp.node.setInput(number, read)
    change(comp, "foreground", "into RGB")
    comp.press("matte_range")
    assert status(comp).startswith("6 of 6") and comp.nuke.rendered == []


def test_without_a_worker_it_says_how_to_get_one(start_nuke, build_comp, monkeypatch):
    nuke = start_nuke(own_worker=True)
    comp = build_comp(nuke)
    monkeypatch.setenv("NUKE_MATTING_PYTHON", "/no/python")
    comp.press("matte_range")
    assert "set NUKE_MATTING_PYTHON" in status(comp) and "set NUKE_MATTING_PYTHON" in nuke.messages[0]


def test_a_worker_that_dies_is_started_again_and_the_artist_is_told(start_nuke, build_comp, make_plate):
    comp = build_comp(start_nuke(own_worker=True))
    comp.read["file"].setValue(make_plate(range(1001, 1101), name="long"))
    comp.read["last"].setValue(1100)
    comp.press("matte_range", wait=False)
    comp.nuke.pump(lambda: cached(comp))
    os.kill(sys.modules["nuke_matting_host.jobs"].client().hello()["pid"], signal.SIGKILL)
    comp.nuke.pump(lambda: sys.modules["nuke_matting_host.jobs"].running(comp.node) is None)
    assert status(comp).startswith("100 of 100 frames matted") and "it was started again" in status(comp)


def test_the_host_starts_its_own_worker_says_so_at_once_and_ends_it(start_nuke, build_comp):
    comp = build_comp(start_nuke(own_worker=True))
    comp.press("matte_frame")
    assert "1 of 6" in status(comp)
    assert comp.nuke.tasks[0].texts[0] == "starting the worker..."
    comp.nuke.menu("Nodes").items["NukeMatting"].items["Stop the worker"]()


def test_an_input_that_is_pulled_while_it_works_leaves_no_riddle(comp):
    comp.press("matte_range", wait=False)
    comp.node.setInput(0, None)
    jobs = sys.modules["nuke_matting_host.jobs"]
    comp.nuke.pump(lambda: not jobs._running)
    assert status(comp).startswith("6 of 6 frames matted")


def test_cancel_is_not_undone_by_files_that_were_in_the_way(comp, make_plate):
    comp.read["file"].setValue(make_plate(range(1001, 1401), name="long"))
    comp.read["last"].setValue(1400)
    plan = sys.modules["nuke_matting_host.plan"].plan_of(comp.node)
    os.makedirs(os.path.dirname(plan.out))
    for frame in range(1001, 1401):
        Path(plan.out % frame).write_bytes(b"in the way")
        os.utime(plan.out % frame, (1, 1))  # older than the plate, so that they are to be written over
    comp.press("matte_range", wait=False)
    jobs = sys.modules["nuke_matting_host.jobs"]
    comp.nuke.pump(lambda: jobs._running and "taken" in [kind for kind, _ in jobs._running[0].failed.values()])
    comp.press("cancel")
    comp.nuke.pump(lambda: not jobs._running)
    assert "cancelled" in status(comp) and Path(plan.out % 1400).read_bytes() == b"in the way"


def test_files_that_are_shown_in_place_of_the_mattes_are_not_written_over_nor_cleared(comp):
    comp.press("matte_range")
    os.mkdir(comp.folder / "roto")
    for frame in FRAMES:
        (comp.folder / "roto" / f"paint.{frame}.exr").write_bytes(b"by hand")
    comp.node.node("Mattes")["file"].setValue(f"{comp.folder}/roto/paint.%04d.exr")
    comp.press("matte_range"), comp.press("clear")
    assert all((comp.folder / "roto" / f"paint.{frame}.exr").read_bytes() == b"by hand" for frame in FRAMES)


def test_a_script_that_is_saved_for_the_first_time_has_its_mattes_beside_it(comp, tmp_path, monkeypatch):
    monkeypatch.setenv("NUKE_TEMP_DIR", str(tmp_path / "temporary"))
    comp.nuke.root()["name"].setValue("")
    comp.press("matte_range")
    assert str(mattes(comp)[1001]).startswith(str(tmp_path / "temporary"))
    comp.nuke.scriptSaveAs(str(tmp_path / "comp.nk"))
    comp.press("matte_range")
    assert str(mattes(comp)[1001]).startswith(str(tmp_path / "nuke_matting"))


def test_clear_in_a_copy_of_a_script_leaves_the_others_mattes(comp, tmp_path):
    comp.press("matte_range")
    before = list(mattes(comp).values())
    os.mkdir(tmp_path / "job")
    comp.nuke.scriptSaveAs(str(tmp_path / "job" / "copy.nk"))
    comp.press("clear")
    assert "another script's" in status(comp) and all(path.is_file() for path in before)


def test_mattes_that_are_out_of_date_stay_until_there_are_others(comp, monkeypatch):
    comp.press("matte_range")
    comp.node["outdated"].setValue("1001-1006")
    jobs = sys.modules["nuke_matting_host.jobs"]

    def no_worker():
        raise sys.modules["nuke_matting_host.errors"].HostError("no worker")

    monkeypatch.setattr(jobs, "client", no_worker)
    comp.press("matte_range")
    assert "no worker" in status(comp) and list(mattes(comp)) == FRAMES == cached(comp)


def test_without_a_program_that_opens_pictures_and_folders_the_node_says_so(comp, monkeypatch):
    def gone(*_, **__):
        raise FileNotFoundError("no xdg-open")

    comp.press("matte_range")
    monkeypatch.setattr(sys.modules["nuke_matting_host.review"].subprocess, "Popen", gone)
    monkeypatch.setattr(sys.modules["nuke_matting_host.review"], "run", lambda command, *_: (" ".join(command), ""))
    comp.press("review")
    comp.nuke.pump(lambda: "drawing" not in status(comp))
    assert "cannot be opened: no xdg-open" in status(comp)
    comp.press("reveal")
    assert status(comp) == f"{mattes(comp)[1001].parent} cannot be opened: no xdg-open"


def test_opening_a_script_does_not_change_what_is_as_it_was(comp):
    comp.press("matte_range")
    path = str(comp.folder / "comp.nk")
    comp.nuke.scriptSaveAs(path)
    comp.nuke.scriptOpen(path)
    comp.nuke.undos.clear()
    before = comp.nuke.toNode("NukeMatting1")["matted"].toScript()
    puts = []
    knob = type(comp.nuke.toNode("NukeMatting1")["matted"])
    real = knob.fromScript
    knob.fromScript = lambda self, text: puts.append(text) or real(self, text)
    try:
        comp.nuke._call("OnScriptLoad", comp.nuke.root())
    finally:
        knob.fromScript = real
    assert puts == [] and comp.nuke.toNode("NukeMatting1")["matted"].toScript() == before
