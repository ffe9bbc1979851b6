"""What is upstream of the node: plain files are read by the worker, everything else is rendered for it, once."""

import os
import sys

import OpenImageIO as oiio
import pytest
import torch

from nuke_matting.colour.config import DEFAULT_CONFIG
from nuke_matting.host.patterns import at
from nuke_matting.models.weights import save_weights
from nuke_matting.nets.memory_network import MemoryNetwork
from nuke_matting.settings import Settings, idle


def test_a_plain_read_is_not_rendered_also_behind_nodes_that_change_nothing(comp):
    before = comp.read
    for node in (comp.nuke.nodes.Dot(), comp.nuke.nodes.NoOp(), comp.nuke.nodes.PostageStamp()):
        node.setInput(0, before)
        before = node
    comp.node.setInput(0, before)
    comp.press("matte_frame")
    assert comp.nuke.rendered == [] and comp.node["status"].value().startswith("1 of 6")


def rendered(comp):
    return [frame for _, frame in comp.nuke.rendered]


def test_anything_else_is_rendered_with_the_frames_that_the_memory_reads(graded):
    graded.nuke.root()["frame"].setValue(1005)
    graded.press("matte_frame")
    assert graded.nuke.rendered == [("RenderPlate", frame) for frame in range(1003, 1007)]
    assert graded.node["status"].value().startswith("1 of 6")


def test_what_is_rendered_is_full_float_and_unconverted(graded):
    graded.press("matte_frame")
    pattern = graded.node.node("RenderPlate")["file"].value()
    rendered = oiio.ImageBuf(at(pattern, 1003))
    plate = oiio.ImageBuf(graded.read["file"].value() % 1003)
    assert rendered.spec().format == oiio.FLOAT
    assert (rendered.get_pixels(oiio.FLOAT)[..., 0] == plate.get_pixels(oiio.FLOAT)[..., 0] * 0.5).all()
    write = graded.node.node("RenderPlate")
    assert write["raw"].value() and write["disable"].value(), "nuke -x passes it over"


def test_it_is_rendered_once_until_something_upstream_changes(graded):
    graded.press("matte_range")
    assert len(graded.nuke.rendered) == 6
    graded.press("matte_range")
    graded.grade["label"].setValue("does not matter")
    graded.press("matte_range")
    assert len(graded.nuke.rendered) == 6
    graded.grade["multiply"].setValue(0.25)
    graded.nuke._call("UpdateUI", graded.node)
    assert "out of date" in graded.node["status"].value()
    graded.press("matte_range")
    assert len(graded.nuke.rendered) == 12


def test_in_proxy_mode_it_is_rendered_at_full_size(graded):
    graded.nuke.root()["proxy"].setValue(True)
    graded.press("matte_frame")
    assert graded.node["status"].value().startswith("1 of 6") and graded.nuke.root()["proxy"].value()


def test_in_proxy_mode_the_plate_is_read_at_full_size(comp, make_plate):
    comp.read["proxy"].setValue(make_plate(range(1001, 1007), name="proxy"))
    before = plan(comp)
    comp.nuke.root()["proxy"].setValue(True)
    assert plan(comp) == before and before.plate == comp.read["file"].value()
    comp.press("matte_frame")
    assert comp.node["status"].value().startswith("1 of 6")
    comp.nuke.root()["proxy"].setValue(False)
    comp.press("refresh")
    assert comp.node["status"].value().startswith("1 of 6")


def test_in_proxy_mode_a_read_may_be_called_as_what_is_in_the_node(comp, make_plate):
    comp.read["proxy"].setValue(make_plate(range(1001, 1007), name="proxy"))
    comp.read.setName("plate")
    comp.nuke.root()["proxy"].setValue(True)
    comp.press("matte_frame")
    assert comp.node["status"].value().startswith("1 of 6")


def test_what_expressions_upstream_ask_for_counts_too(graded):
    control, gain = (graded.nuke.nodes.Grade() for _ in range(2))
    for node, name in ((control, "Control"), (gain, "Gain")):
        node.setName(name)
    graded.grade["multiply"].fromScript("{{Control.multiply}}")
    control["multiply"].fromScript("{{Gain.add}}")
    gain["add"].setValue(0.5)
    before = plan(graded).digest
    gain["add"].setValue(0.25)
    changed = plan(graded).digest
    gain["label"].setValue("does not matter")
    graded.nuke.root()["frame"].setValue(1005)
    assert changed != before and plan(graded).digest == changed


def test_a_render_that_fails_is_said(graded):
    graded.read["file"].setValue("/no/such/plate.%04d.exr")
    graded.press("matte_frame")
    assert "could not be rendered" in graded.node["status"].value() and "no such file" in graded.node["status"].value()
    assert graded.node.node("RenderPlate")["disable"].value()


def test_a_frame_beyond_the_plate_is_not_rendered_as_nuke_holds_it_since_others_would_remember_it(graded):
    graded.node["frames"].setValue("1005-1007")
    graded.press("matte_range")
    assert rendered(graded) == [1003, 1004, 1005, 1006]
    status = graded.node["status"].value()
    assert status == "2 of 2 frames matted, cpu"
    graded.node["frames"].setValue("1007-1008")
    graded.press("matte_range")
    assert "has none of the plate's frames, 1001-1006" in graded.node["status"].value()


def test_a_read_with_shifted_frames_is_no_plain_one(comp):
    comp.read["frame_mode"].setValue("offset")
    comp.read["frame"].setValue("10")
    comp.press("matte_frame")
    assert comp.nuke.rendered


@pytest.mark.parametrize("mode, frame", [("start at", "1001"), ("offset", "0"), ("expression", " frame")])
def test_a_read_whose_frames_are_set_to_where_they_are_is_a_plain_one(comp, mode, frame):
    before = plan(comp)
    comp.read["frame_mode"].setValue(mode), comp.read["frame"].setValue(frame)
    assert plan(comp) == before, "as loaders of asset managers set every plate"
    comp.press("matte_frame")
    assert comp.nuke.rendered == [] and comp.node["status"].value().startswith("1 of 6")


def fail_after_rendering(graded, monkeypatch, what):
    """Has each render write its frames, and then say that it failed."""

    def failing(*about):
        execute(*about)
        raise RuntimeError(what)

    execute = graded.nuke.execute
    monkeypatch.setattr(graded.nuke, "execute", failing)


def test_what_another_machine_has_made_meanwhile_is_no_error(graded, monkeypatch):
    fail_after_rendering(graded, monkeypatch, "RenderPlate: cannot rename: the file is in use")
    graded.press("matte_frame")
    assert graded.node["status"].value().startswith("1 of 6")


def test_where_nuke_does_not_render_within_a_render_it_says_what_to_do(graded, monkeypatch):
    def busy(write, *frames):
        if write.name() == "RenderPlate":
            raise RuntimeError("I'm already executing something else")
        execute(write, *frames)

    execute = graded.nuke.execute
    monkeypatch.setattr(graded.nuke, "execute", busy)
    graded.node["guard"].setValue("matte them first")
    with pytest.raises(RuntimeError, match="press Matte range first"):
        graded.nuke.execute(graded.write, 1001, 1006)


def test_a_render_that_is_cancelled_stays_so(graded, monkeypatch):
    fail_after_rendering(graded, monkeypatch, "Cancelled")
    graded.press("matte_frame")
    assert "could not be rendered (Cancelled)" in graded.node["status"].value()


@pytest.fixture
def reading_first(graded):
    """`graded`, at frame 1005, with a model that reads the frame before and the first."""
    path = graded.folder / "reading_first.safetensors"
    about = {"architecture": "memory", "name": "r", "coarse_long_side": "64", "references": "first_and_previous"}
    torch.manual_seed(7)
    save_weights(path, MemoryNetwork(), about)
    graded.node["model"].setValue(str(path))
    graded.nuke.root()["frame"].setValue(1005)
    return graded


@pytest.mark.parametrize("knob", [True, False], ids=["", "of an older node"])
def test_a_model_is_given_the_frames_that_it_says_it_reads(reading_first, knob):
    comp = reading_first
    if not knob:
        comp.node._tree.user_knobs = [each for each in comp.node._tree.user_knobs if each.name != "reads"]
    comp.press("matte_frame")
    assert rendered(comp) == [1003, 1004, 1005, 1006, 1001] and comp.nuke.messages == []
    assert comp.node["status"].value() == "1 of 6 frames matted, cpu"
    matte = comp.node.node("Mattes")["file"].value() % 1005
    before = os.stat(matte).st_mtime_ns
    comp.press("matte_range")
    assert comp.node["status"].value() == "6 of 6 frames matted, cpu"
    assert os.stat(matte).st_mtime_ns == before, "with all frames there it is the same"


def test_a_node_remembers_what_its_model_reads_and_of_no_other_model(reading_first):
    comp, before = reading_first, plan(reading_first).digest
    comp.press("matte_frame")
    assert comp.node["reads"].value() == comp.node["model"].value() + " first -1"
    assert plan(comp).reads == (None, -1) and plan(comp).digest == before
    comp.nuke.rendered.clear(), comp.nuke.root()["frame"].setValue(1003)
    comp.press("matte_frame")
    assert rendered(comp) == [1002], "1003 and 1001 are there"
    comp.node["model"].setValue("another")
    assert plan(comp).reads == (-2, -1, 1, 2)


def test_a_plate_whose_first_frame_is_rendered_again_makes_mattes_stale_that_read_it(reading_first):
    reading_first.press("matte_range")
    os.utime(reading_first.node.node("RenderPlate")["file"].value() % 1001, (2e9, 2e9))
    reading_first.open_panel()
    assert "6 out of date" in reading_first.node["status"].value()


def test_what_such_a_model_reads_is_rendered_after_a_failure_too(reading_first, monkeypatch):
    comp, execute = reading_first, reading_first.nuke.execute

    def lost(write, first, last, step):
        if first == 1001:
            raise RuntimeError("no licence")
        execute(write, first, last, step)

    monkeypatch.setattr(comp.nuke, "execute", lost)
    comp.press("matte_frame")
    assert "no licence" in comp.node["status"].value()
    monkeypatch.setattr(comp.nuke, "execute", execute)
    comp.press("matte_frame")
    assert comp.node["status"].value() == "1 of 6 frames matted, cpu" and rendered(comp)[-1] == 1001


def test_a_precomp_of_such_a_model_has_the_frames_that_it_reads(reading_first):
    comp = reading_first
    comp.press("precomp")
    assert rendered(comp) == list(range(1001, 1007)) and comp.write.input(0).Class() == "Read"


def test_cancel_is_heard_while_a_job_ends_to_begin_with_more_frames(reading_first, monkeypatch):
    comp, job = reading_first, sys.modules["nuke_matting_host.jobs"].Job
    replace = job.replace

    def replace_and_cancel(job, *begin):
        replace(job, *begin)
        comp.press("cancel", wait=False)

    monkeypatch.setattr(job, "replace", replace_and_cancel)
    comp.node["frames"].setValue("1005")
    comp.press("matte_frame")
    assert rendered(comp) == [1003, 1004, 1005, 1006], "1001 is not rendered any more"
    assert "cancelled" in comp.node["status"].value() and comp.write.input(0).name() == comp.node.name()


def reads(node, span=(1001, 1006)):
    import nuke_matting_host.graph

    return nuke_matting_host.graph.reads(node, span)


def test_a_plate_behind_a_time_offset_that_is_rendered_again_makes_its_mattes_stale(comp, make_plate):
    comp.read["file"].setValue(make_plate(range(1, 7), name="cg"))
    comp.read["first"].setValue(1), comp.read["last"].setValue(6)
    offset = comp.nuke.nodes.TimeOffset(time_offset=1000.0)
    offset.setInput(0, comp.read), comp.node.setInput(0, offset)
    comp.press("matte_range")
    assert comp.node["status"].value() == "6 of 6 frames matted, cpu"
    mattes = [comp.node.node("Mattes")["file"].value() % frame for frame in range(1001, 1007)]
    newer = max(os.stat(each).st_mtime for each in mattes) + 0.01
    os.utime(comp.read["file"].value() % 6, (newer, newer))
    with pytest.raises(RuntimeError, match="out of date: 1001-1006"):
        comp.nuke.execute(comp.write, 1001, 1006)
    comp.press("matte_range")
    assert len(comp.nuke.rendered) == 12
    comp.nuke.execute(comp.write, 1001, 1006)


@pytest.mark.parametrize("knob, value", [("frame_mode", "start at"), ("frame", "frame + 10"), ("last", 1003)])
def test_of_a_read_that_shows_other_frames_than_it_is_asked_for_all_files_count(graded, knob, value):
    file = graded.read["file"].value()
    assert reads(graded.grade) == [(file, False)]
    graded.read[knob].setValue(value)
    assert reads(graded.grade) == [(file, True)]


def test_a_time_offset_that_is_disabled_shifts_nothing_but_one_that_an_expression_switches_may(graded):
    offset, file = graded.nuke.nodes.TimeOffset(), graded.read["file"].value()
    offset.setInput(0, graded.read), graded.grade.setInput(0, offset)
    offset["disable"].setValue(True)
    assert reads(graded.grade) == [(file, False)]
    offset["disable"].fromScript("{{frame>1003}}")
    assert reads(graded.grade) == [(file, True)]


def test_the_newest_of_a_pattern_is_that_of_its_own_files(comp, tmp_path):
    import nuke_matting_host.plan as plan
    import nuke_matting_host.times as times

    for age, name in enumerate(["a.2.exr", "a.-001.exr", "a.0001.exr", "a.0002.exr.tmp", "b.0001.exr", "a.x.exr"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (age, age))
    a, none, still = (
        plan.Source(f"{tmp_path}/{name}", None, True) for name in ("a.####.exr", "c.%04d.exr", "b.0001.exr")
    )
    assert [times.Times().of(each, 7) for each in (a, none, still)] == [2, None, 4]


def test_of_files_of_several_views_the_newest_counts(comp, tmp_path, monkeypatch):
    import nuke_matting_host.plan as plan
    import nuke_matting_host.times as times

    monkeypatch.setattr(comp.nuke, "views", lambda: ["left", "right", "none"])
    for age, name in enumerate(["right/a.1002.exr", "left/a.1002.exr", "left/a.1001.exr", "l.1002.exr"]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (age, age))
    several = [("%V/a.%04d.exr", False), ("%V/a.%04d.exr", True), ("%v.%04d.exr", False)]
    sources = [plan.Source(f"{tmp_path}/{name}", None, any_) for name, any_ in several]
    assert [times.Times().of(each, 1002) for each in sources] == [1, 2, 3]


def test_a_write_that_reads_what_it_has_written_is_a_read(graded):
    write = graded.nuke.nodes.Write(file="/show/pre.%04d.exr")
    write.setInput(0, graded.grade)
    assert reads(write) == reads(graded.grade)
    write["reading"].setValue(True)
    graded.node.setInput(0, write)
    before = plan(graded).digest
    graded.grade["multiply"].setValue(0.1)
    assert reads(write) == [("/show/pre.%04d.exr", False)] and plan(graded).digest == before
    write["reading"].fromScript("{{frame>1003}}")
    assert reads(write) == [("/show/pre.%04d.exr", False), *reads(graded.grade)], "now this, now that"


def test_a_precomp_that_reads_what_was_rendered_depends_on_that_file_and_not_on_what_is_in_it(graded):
    precomp = graded.nuke.createNode("Precomp")
    precomp["file"].setValue("/show/pre.nk")
    with precomp:
        write = graded.nuke.nodes.Write(file="/show/pre.%04d.exr")
        graded.nuke.nodes.Output()
    write.setInput(0, graded.read), precomp.node("Output1").setInput(0, write)
    file = graded.read["file"].value()
    assert reads(precomp) == [("/show/pre.nk", False), (file, False)]
    precomp["reading"].setValue(True)
    assert reads(precomp) == [("/show/pre.nk", False), ("/show/pre.%04d.exr", False)]


@pytest.mark.parametrize(
    "kind, knob, value",
    [
        ("Roto", "toolbox", "createBezier {{ createBezier str 1}}"),
        ("Roto", "toolbar_brush_hardness", 0.5),
        ("Roto", "colorOverlay", 0.5),
        ("Read", "localizationPolicy", "on"),
    ],
)
def test_a_tool_that_is_chosen_and_where_a_file_is_copied_to_change_no_pixels(graded, kind, knob, value):
    node = graded.read if kind == "Read" else graded.nuke.createNode(kind)
    if node is not graded.read:
        node.setInput(0, graded.read), graded.grade.setInput(0, node)
    before = plan(graded).digest
    node[knob].setValue(value)
    assert plan(graded).digest == before


def test_whatever_has_a_file_reads_it(graded):
    deep = graded.nuke.nodes.DeepRead(file="/show/deep.%04d.exr")
    graded.grade.setInput(1, deep)
    assert ("/show/deep.%04d.exr", False) in reads(graded.grade)


@pytest.mark.parametrize(
    "management, raw, space, told",
    [
        ("Nuke", False, "default (linear)", "lin_rec709"),
        ("Nuke", True, "default (linear)", "lin_rec709"),
        ("OCIO", False, "default (scene_linear)", "scene_linear"),
        ("OCIO", False, "ACES - ACES2065-1", "ACES - ACES2065-1"),
        ("OCIO", True, "ACES - ACES2065-1", "scene_linear"),
        ("OCIO", False, "ARRI LogC3 (EI800)", "ARRI LogC3 (EI800)"),
    ],
)
def test_the_worker_is_told_the_scripts_colour(comp, management, raw, space, told):
    root = comp.nuke.root()
    root["colorManagement"].setValue(management)
    root["workingSpaceLUT"].setValue("scene_linear" if management == "OCIO" else "linear")
    root["OCIO_config"].setValue("custom")
    root["customOCIOConfigPath"].setValue("/show/config.ocio")
    comp.read["raw"].setValue(raw)
    comp.read["colorspace"].setValue(space)
    settings = plan(comp).settings
    assert settings["colourspace"] == told
    assert settings["ocio"] == ("/show/config.ocio" if management == "OCIO" else DEFAULT_CONFIG)


@pytest.fixture
def logarithmic(comp):
    """`comp`, its foreground into RGB, with a plate of the space that Nuke takes for a DPX's own."""
    ocio(comp)
    comp.node["ocio"].setValue("ocio://default")
    comp.node["foreground"].setValue("into RGB")
    comp.read["colorspace"].setValue("default (compositing_log)")
    return comp


def test_a_foreground_is_read_in_the_plates_own_space_by_name_as_the_default_of_an_exr_is_another(logarithmic):
    comp = logarithmic
    comp.press("matte_frame")
    mattes = comp.node.node("Mattes")
    assert comp.node["status"].value() == "1 of 6 frames matted, cpu"
    assert (mattes["raw"].value(), mattes["colorspace"].value()) == (False, "compositing_log (ACEScct)")


def test_so_is_that_of_a_precomp(logarithmic):
    comp = logarithmic
    comp.press("precomp")
    read = comp.write.input(0).input(0)
    assert (read["raw"].value(), read["colorspace"].value()) == (False, "compositing_log (ACEScct)")


@pytest.mark.parametrize("name", ["linear", "of another config"])
def test_a_read_that_is_in_a_space_or_cannot_be_is_left_as_it_is(comp, name):
    import nuke_matting_host.script_colour as colour

    comp.read["colorspace"].setValue("linear")
    before = len(comp.nuke.undos)
    colour.set_space(comp.read, name)
    assert comp.read["colorspace"].value() == "linear" and len(comp.nuke.undos) == before


def test_the_artist_may_say_otherwise(comp):
    comp.node["colourspace"].setValue("ACEScg")
    comp.node["ocio"].setValue("/mine.ocio")
    assert (plan(comp).settings["colourspace"], plan(comp).settings["ocio"]) == ("ACEScg", "/mine.ocio")


def ocio(comp):
    root = comp.nuke.root()
    root["colorManagement"].setValue("OCIO")
    root["workingSpaceLUT"].setValue("scene_linear")
    return root


def test_a_config_that_comes_with_nuke_is_the_same_wherever_nuke_lies(comp):
    root, plans = ocio(comp), []
    for place in ("/usr/local/Nuke15.1v3", "C:/Program Files/Nuke15.1v3"):
        root["OCIOConfigPath"].setValue(place + "/plugins/OCIOConfigs/configs/aces_1.2/config.ocio")
        plans.append(plan(comp))
    assert plans[0].digest == plans[1].digest and plans[0].settings["ocio"] != plans[1].settings["ocio"]


def test_a_script_on_nukes_own_conversions_is_matted_whatever_config_the_environment_names(
    start_nuke, build_comp, tmp_path, monkeypatch
):
    config = tmp_path / "studio.ocio"
    config.write_text(
        "ocio_profile_version: 2\nroles: {default: lin, scene_linear: lin}\n"
        "file_rules:\n  - !<Rule> {name: Default, colorspace: default}\n"
        "displays:\n  d:\n    - !<View> {name: v, colorspace: lin}\ncolorspaces:\n  - !<ColorSpace> {name: lin}\n"
    )
    monkeypatch.setenv("OCIO", str(config))
    comp = build_comp(start_nuke(own_worker=True))
    comp.press("matte_frame")
    assert comp.node["status"].value() == "1 of 6 frames matted, cpu"


def test_refresh_tells_that_a_look_up_table_behind_the_config_has_changed(comp, tmp_path):
    table, config = tmp_path / "a.spi1d", tmp_path / "studio.ocio"
    text = "Version 1\nFrom 0.0 1.0\nLength 2\nComponents 1\n{{\n0.0\n{}\n}}\n"
    table.write_text(text.format(1.0))
    config.write_text(
        "ocio_profile_version: 2\nsearch_path: .\n"
        "roles: {default: lin, scene_linear: lin, aces_interchange: lin}\n"
        "file_rules:\n  - !<Rule> {name: Default, colorspace: default}\n"
        "displays:\n  d:\n    - !<View> {name: v, colorspace: lin}\ncolorspaces:\n  - !<ColorSpace> {name: lin}\n"
        "  - !<ColorSpace>\n    name: log\n    to_scene_reference: !<FileTransform> {src: a.spi1d}\n"
    )
    comp.node["ocio"].setValue(str(config)), comp.node["colourspace"].setValue("log")
    comp.press("matte_range")
    comp.press("refresh")
    assert comp.node["status"].value() == "6 of 6 frames matted"
    table.write_text(text.format(0.25))
    comp.press("refresh")
    assert comp.node["status"].value() == "0 of 6 frames matted, 6 out of date"


@pytest.mark.parametrize("by", ["$OCIO", "custom"])
def test_another_config_of_the_same_name_makes_other_mattes_and_a_copy_elsewhere_the_same(
    comp, tmp_path, monkeypatch, by
):
    root, digests = ocio(comp), []
    root["OCIO_config"].setValue("custom")
    for show, text in (("a", "one"), ("b", "two"), ("c", "one")):
        config = tmp_path / show / "config.ocio"
        config.parent.mkdir()
        config.write_text(text)
        root["customOCIOConfigPath"].setValue(str(config))
        if by == "$OCIO":
            monkeypatch.setenv("OCIO", str(config))
        assert plan(comp).settings["ocio"] == str(config), "a worker elsewhere has no environment of ours"
        digests.append(plan(comp).digest)
    assert digests[0] != digests[1] and digests[0] == digests[2]


@pytest.mark.parametrize("behind", [False, True], ids=["plain", "behind a Grade"])
@pytest.mark.parametrize(
    "how",
    [
        "[value Control.label]/plate.%04d.exr",
        "[getenv SHOT]/plate.%04d.exr",
        "[file dirname [value root.name]]/plate.%04d.exr",
        "[python {nuke.script_directory()}]/plate.%04d.exr",
        "[getenv SHOT]/plate.[format %04d [frame]].exr",
    ],
)
def test_files_are_known_by_where_they_are_and_not_by_how_a_knob_says_it(graded, monkeypatch, how, behind):
    control, root = graded.nuke.nodes.Grade(), graded.nuke.root()
    control.setName("Control")
    graded.node.setInput(0, graded.grade if behind else graded.read)
    graded.read["file"].setValue(how)

    def digest_in(shot):
        control["label"].setValue(shot), monkeypatch.setenv("SHOT", shot), root["name"].setValue(f"{shot}/comp.nk")
        return plan(graded).digest

    first = digest_in("/show/sh010")
    assert digest_in("/show/sh020") != first == digest_in("/show/sh010")
    control["multiply"].setValue(0.5)
    assert digest_in("/show/sh010") == first
    if behind:
        root["frame"].setValue(1005)
        assert digest_in("/show/sh010") == first, "whatever the frame in view"


def test_so_are_files_of_other_knobs_and_of_other_nodes_but_not_those_that_a_write_writes(graded, monkeypatch):
    live, write = (graded.nuke.createNode(name) for name in ("Inference", "Write"))
    live.setInput(0, graded.grade), write.setInput(0, live), graded.node.setInput(0, write)
    write["file"].setValue("[getenv SHOT]/out.%04d.exr")
    digests = []
    for number in (1, 2, 3):
        monkeypatch.setenv("SHOT", f"/show/sh0{number}0")
        digests.append(plan(graded).digest)
        if number == 2:
            live["modelFile"].setValue("[getenv SHOT]/model.cat")
            digests.append(plan(graded).digest)
    assert digests[0] == digests[1] and len(set(digests)) == 3


@pytest.mark.parametrize("behind", [False, True], ids=["plain", "behind a Grade"])
def test_a_script_whose_paths_a_farm_rewrites_has_the_same_mattes_there(graded, monkeypatch, behind):
    monkeypatch.setenv("NUKE_MATTING_PATH_MAP", "P:/show=/mnt/show;/Volumes/show=/mnt/show")
    graded.node.setInput(0, graded.grade if behind else graded.read)
    digests = []
    for root in ("P:/show", "/mnt/show", "/Volumes/show", "/mnt/other"):
        graded.read["file"].setValue(f"{root}/plate.%04d.exr")
        graded.node["model"].setValue(f"{root}/person.safetensors")
        digests.append(plan(graded).digest)
    monkeypatch.delenv("NUKE_MATTING_PATH_MAP")  # as on a machine whose names the script has
    graded.read["file"].setValue("P:/show/plate.%04d.exr")
    graded.node["model"].setValue("P:/show/person.safetensors")
    digests.append(plan(graded).digest)
    assert digests[0] == digests[1] == digests[2] == digests[4] != digests[3]


def test_a_relative_path_is_of_the_project_directory(comp, tmp_path):
    root, file = comp.nuke.root(), comp.read["file"].value()
    comp.read["file"].setValue(file.replace(f"{tmp_path}/", ""))
    comp.node["folder"].setValue("mattes")
    root["project_directory"].setValue(f"{tmp_path}/")
    assert plan(comp).plate == file and plan(comp).out.startswith(f"{tmp_path}/mattes/")


@pytest.mark.parametrize("last, rendered", [(1006, False), (1003, True)])
def test_a_guide_that_ends_before_the_plate_is_rendered_as_nuke_holds_it(comp, make_plate, last, rendered):
    guide = comp.nuke.nodes.Read(file=make_plate(range(1001, last + 1), name="guide"))
    guide["first"].setValue(1001), guide["last"].setValue(last)
    comp.node.setInput(2, guide)
    assert bool(plan(comp).renders) == rendered


def test_that_of_several_views_one_is_matted_is_said_until_a_one_view_chooses_it(comp, monkeypatch):
    monkeypatch.setattr(comp.nuke, "views", lambda: ["left", "right"])
    comp.press("matte_frame")
    assert comp.node["status"].value() == "1 of 6 frames matted, cpu, one view for all: put a OneView before the node"
    one = comp.nuke.nodes.OneView()
    one.setInput(0, comp.read), comp.node.setInput(0, one)
    comp.press("matte_frame")
    assert comp.node["status"].value() == "1 of 6 frames matted, cpu"


def test_a_read_in_a_space_that_is_nukes_own_is_rendered(comp):
    comp.read["colorspace"].setValue("AlexaV3LogC")
    assert plan(comp).renders and plan(comp).settings["colourspace"] == "lin_rec709"


def test_a_clean_plate_is_in_the_space_of_its_own_read(comp):
    clean = comp.nuke.nodes.Read(file=comp.read["file"].value(), first=1001, last=1006)
    comp.node.setInput(1, clean)
    root = comp.nuke.root()
    root["colorManagement"].setValue("OCIO")
    root["workingSpaceLUT"].setValue("scene_linear")
    comp.read["colorspace"].setValue("ACES - ACES2065-1")
    clean["colorspace"].setValue("ACEScg")
    both = plan(comp).settings["colourspace"], plan(comp).settings["clean_colourspace"]
    assert both == ("ACES - ACES2065-1", "ACEScg")
    comp.node["colourspace"].setValue("ACEScct")
    assert plan(comp).settings["clean_colourspace"] == "ACEScct", "the knob is for both"


@pytest.mark.parametrize("colourspace", ["", "ACEScg"])
def test_a_node_without_a_clean_plate_or_guide_sends_nothing_that_needs_one(comp, colourspace):
    comp.node["colourspace"].setValue(colourspace)
    assert idle(Settings(**plan(comp).settings)) == []


def plan(comp):
    import nuke_matting_host.plan

    return nuke_matting_host.plan.plan_of(comp.node)
