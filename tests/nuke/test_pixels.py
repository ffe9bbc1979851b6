"""What the node shows, evaluated from the text of the saved script: plate and cached alpha, pixel for pixel."""

import os
import shutil
import sys

import numpy as np
import OpenImageIO as oiio
import pytest


def exr(path):
    """{channel: [H, W]} of a file."""
    image = oiio.ImageBuf(str(path))
    pixels = image.get_pixels(oiio.FLOAT)
    return {name: pixels[..., index] for index, name in enumerate(image.spec().channelnames)}


@pytest.fixture
def shown(comp, tools):
    """shown(frame, gui) is what comes out of the node in a script that was saved and read again, with nothing of ours."""

    def show(frame, gui=True):
        path = str(comp.folder / "shown.nk")
        comp.nuke.scriptSaveAs(path)
        reader = tools.nkscript.Reader()
        with open(path) as file:
            reader.read(file.read())
        return tools.pixels.Evaluator(frame, gui).of(reader.root.find("NukeMatting1"))

    return show


@pytest.mark.parametrize("gui", [True, False])
def test_a_matted_frame_is_the_plate_with_the_cached_alpha(comp, shown, gui):
    comp.press("matte_range")
    for frame in (1001, 1004, 1006):
        plate, out = exr(comp.read["file"].value() % frame), shown(frame, gui)
        alpha = exr(comp.node.node("Mattes")["file"].value() % frame)["A"]
        assert alpha.any() and (out["rgba.alpha"] == alpha).all()
        for letter, name in (("R", "red"), ("G", "green"), ("B", "blue")):
            assert (out[f"rgba.{name}"] == plate[letter]).all()


def test_over_a_background_it_is_what_merge_makes_of_plate_and_alpha(comp, shown, tools):
    comp.press("matte_frame")
    out = shown(1003)
    above = {name: plane * out["rgba.alpha"] for name, plane in out.items() if name != "rgba.alpha"}
    above["rgba.alpha"] = out["rgba.alpha"]
    nodes = [tools.nkscript.Node(name) for name in ("Below", "Above")]
    evaluator = tools.pixels.Evaluator(1003)
    evaluator._below = lambda node: {name: np.ones_like(plane) for name, plane in out.items()}
    evaluator._above = lambda node: above
    comped = evaluator.of(tools.nkscript.Node("Merge2", inputs=nodes))
    expected = above["rgba.red"] + (1 - out["rgba.alpha"])
    assert np.array_equal(comped["rgba.red"], expected)


def test_a_frame_without_a_matte_is_the_plate_with_alpha_0_and_a_bar(comp, shown):
    comp.press("matte_frame")
    comp.node["mark"].setValue(True)
    plate, out = exr(comp.read["file"].value() % 1005), shown(1005)
    assert not out["rgba.alpha"].any()
    assert (out["rgba.red"][:-1] == plate["R"][:-1]).all(), "all but the bar"
    assert (out["rgba.red"][-1] == 1).all() and (out["rgba.blue"][-1] == 0).all()
    comp.node["mark"].setValue(False)
    assert (shown(1005)["rgba.red"] == plate["R"]).all()


def test_without_a_gui_a_frame_without_a_matte_ends_the_render(comp, shown, tools):
    comp.press("matte_frame")
    with pytest.raises(tools.pixels.RenderError, match="no such file"):
        shown(1005, gui=False)


def test_the_alpha_goes_to_the_layer_of_choice(comp, shown):
    comp.nuke._script.read("add_layer {matte matte.a}")
    comp.node["output"].setValue("matte.a")
    comp.press("matte_frame")
    out = shown(1003)
    assert (out["matte.a"] == exr(comp.node.node("Mattes")["file"].value() % 1003)["A"]).all()
    assert "rgba.alpha" not in out


@pytest.mark.parametrize("where, layer", [("into RGB", "rgba"), ("into layer fg", "fg")])
def test_the_foreground_goes_where_it_is_wanted(comp, shown, where, layer):
    comp.node["foreground"].setValue(where)
    comp.press("matte_frame")
    out, file = shown(1003), exr(comp.node.node("Mattes")["file"].value() % 1003)
    plate = exr(comp.read["file"].value() % 1003)
    for letter, name in (("R", "red"), ("G", "green"), ("B", "blue")):
        assert (out[f"{layer}.{name}"] == file[letter]).all()
        assert layer == "rgba" or (out[f"rgba.{name}"] == plate[letter]).all()
    assert (shown(1005)["rgba.red"][:-1] == exr(comp.read["file"].value() % 1005)["R"][:-1]).all(), (
        "not matted: the plate"
    )


@pytest.fixture
def keyed(comp, make_plate):
    """`comp`, matted before it had key frame 1004, whose corrected matte is the red of another plate."""
    painted = comp.nuke.nodes.Read(file=make_plate(range(1001, 1007), name="painted"))
    for name, value in (("first", 1001), ("last", 1006)):
        painted[name].setValue(value)
    shuffle = comp.nuke.nodes.Shuffle()
    shuffle["alpha"].setValue("red")
    shuffle.setInput(0, painted)
    comp.node.setInput(3, shuffle)
    comp.press("matte_range")
    comp.node["key_frames"].setValue("1004")
    comp.nuke._call("KnobChanged", comp.node, comp.node["key_frames"])
    comp.painted = painted
    return comp


@pytest.mark.parametrize("gui", [True, False])
def test_at_a_key_frame_the_alpha_is_that_of_the_input_keys(keyed, shown, gui):
    painted = exr(keyed.painted["file"].value() % 1004)["R"]
    assert (shown(1004, gui)["rgba.alpha"] != painted).any(), "until it is matted again"
    keyed.press("matte_range")
    assert (shown(1004, gui)["rgba.alpha"] == painted.clip(0, 1)).all()


@pytest.mark.parametrize("gui", [True, False])
def test_at_a_key_frame_without_a_matte_the_alpha_is_that_of_the_input_keys_at_once(keyed, shown, gui):
    keyed.press("clear")
    painted = exr(keyed.painted["file"].value() % 1004)["R"]
    assert (shown(1004, gui)["rgba.alpha"] == painted).all()
    keyed.node["key_frames"].setValue("")
    keyed.nuke._call("KnobChanged", keyed.node, keyed.node["key_frames"])
    if gui:
        assert not shown(1004)["rgba.alpha"][:-1].any()


def test_keys_without_an_alpha_are_shown_as_the_worker_reads_them(keyed, shown):
    keyed.node.setInput(3, keyed.painted)
    keyed.press("matte_range")
    alpha = shown(1004)["rgba.alpha"]
    assert alpha.any() and (alpha == exr(keyed.painted["file"].value() % 1004)["R"].clip(0, 1)).all()
    keyed.press("precomp")
    assert (exr(keyed.write.input(0)["file"].value() % 1004)["A"] == alpha).all()


def test_key_frames_without_an_input_are_told_and_stop_a_render(keyed):
    keyed.node.setInput(3, None)
    with pytest.raises(RuntimeError, match="input keys is not connected"):
        keyed.nuke.execute(keyed.write, 1004, 1004)
    keyed.press("matte_range")
    assert "input keys is not connected" in keyed.node["status"].value()


@pytest.mark.parametrize("when", ["the input is pulled", "the script changes", "before a render"])
def test_keys_that_are_pulled_leave_no_black_frame(keyed, when):
    assert keyed.node["keyed"].valueAt(1004) == 1
    keyed.node.setInput(3, None)
    if when == "the input is pulled":
        actions = sys.modules["nuke_matting_host.actions"]
        with pytest.raises(sys.modules["nuke_matting_host.errors"].HostError):
            actions.knob_changed(keyed.node, "inputChange")
    elif when == "the script changes":
        keyed.nuke._call("UpdateUI", keyed.node)
    else:
        with pytest.raises(RuntimeError, match="input keys is not connected"):
            keyed.nuke.execute(keyed.write, 1004, 1004)
    assert keyed.node["keyed"].valueAt(1004) == 0


def test_key_frames_that_a_script_names_are_taken_without_the_panel(keyed):
    keyed.node["key_frames"].setValue("1002")
    keyed.nuke._call("UpdateUI", keyed.node)
    assert [frame for frame in range(1001, 1007) if keyed.node["keyed"].valueAt(frame)] == [1002]


def mattes(comp):
    """The alpha of every file that the node reads, by frame."""
    return {frame: exr(comp.node.node("Mattes")["file"].value() % frame)["A"] for frame in range(1001, 1007)}


def change(comp, knob, value):
    """As the artist does in the panel."""
    comp.node[knob].setValue(value)
    comp.nuke._call("KnobChanged", comp.node, comp.node[knob])


def test_a_key_frame_is_told_to_the_others(keyed):
    before = mattes(keyed)
    assert "out of date" in keyed.node["status"].value()
    with pytest.raises(RuntimeError, match="out of date"):
        keyed.nuke.execute(keyed.write, 1001, 1006)
    keyed.press("matte_range")
    assert keyed.node["status"].value().startswith("6 of 6 frames matted")
    assert keyed.nuke.rendered == [("RenderKeys", 1004)], "the key frames alone"
    after = mattes(keyed)
    painted = exr(keyed.painted["file"].value() % 1004)["R"]
    assert (after[1004] == painted.clip(0, 1)).all()
    assert all((before[frame] != after[frame]).any() for frame in before)
    keyed.nuke.execute(keyed.write, 1001, 1006)


def test_back_without_key_frames_the_mattes_are_what_they_were(keyed):
    before = mattes(keyed)
    keyed.press("matte_range")
    change(keyed, "key_frames", "")
    assert "out of date" in keyed.node["status"].value()
    keyed.press("matte_range")
    assert all((each == before[frame]).all() for frame, each in mattes(keyed).items())


def test_the_same_key_frames_in_other_words_change_nothing(keyed):
    change(keyed, "key_frames", "1004 1005")
    keyed.press("matte_range")
    change(keyed, "key_frames", "1004-1005, 2000")
    scale = "frames 1004-1005: the key matte goes far beyond 0 to 1, as of another scale: it was cut to them"
    assert keyed.node["status"].value() == f"6 of 6 frames matted, cpu; {scale}", "2000 is no frame of the plate"


def test_of_a_plain_read_the_files_are_read_but_those_of_the_key_frames_alone_count(keyed, make_plate):
    keyed.node.setInput(3, keyed.painted)
    keyed.press("matte_range")
    assert keyed.nuke.rendered == [] and keyed.node["status"].value().startswith("6 of 6")
    painted = keyed.painted["file"].value()
    assert (mattes(keyed)[1004] == exr(painted % 1004)["R"].clip(0, 1)).all()
    os.utime(painted % 1003, (2e9, 2e9))
    keyed.press("refresh")
    assert keyed.node["status"].value() == "6 of 6 frames matted"
    newer = os.stat(keyed.node.node("Mattes")["file"].value() % 1006).st_mtime + 5
    os.utime(painted % 1004, (newer, newer))
    keyed.open_panel()
    assert keyed.node["status"].value() == "0 of 6 frames matted, 6 out of date"


def test_new_paint_makes_the_frames_stale_that_read_it_and_no_others(keyed, make_plate):
    keyed.node.setInput(3, keyed.painted)
    change(keyed, "key_frames", "1001 1004 1006")
    keyed.press("matte_range")
    before = mattes(keyed)
    painted = keyed.painted["file"].value()
    newer = os.stat(keyed.node.node("Mattes")["file"].value() % 1006).st_mtime + 5
    shutil.copy(painted % 1002, painted % 1006)
    os.utime(painted % 1006, (newer, newer))
    keyed.open_panel()
    assert keyed.node["status"].value() == "3 of 6 frames matted, 3 out of date"
    keyed.press("matte_range")
    after = mattes(keyed)
    assert {frame for frame in after if (after[frame] != before[frame]).any()} == {1005, 1006}
    assert keyed.node["status"].value().startswith("6 of 6"), "1004 reads it, for its foreground alone"


def test_a_still_is_rendered_for_the_key_frames(keyed, make_plate):
    still = keyed.nuke.nodes.Read(file=make_plate([7], name="still") % 7)
    still["first"].setValue(1001), still["last"].setValue(1006)
    keyed.node.setInput(3, still)
    keyed.press("matte_range")
    assert ("RenderKeys", 1004) in keyed.nuke.rendered and keyed.node["status"].value().startswith("6 of 6")


def test_where_the_plate_is_rendered_it_is_at_the_key_frames_too(keyed):
    grade = keyed.nuke.nodes.Grade()
    grade.setInput(0, keyed.read), keyed.node.setInput(0, grade)
    change(keyed, "key_frames", "1001 1006")
    keyed.nuke.root()["frame"].setValue(1002)
    keyed.press("matte_frame")
    rendered = {
        write: {frame for each, frame in keyed.nuke.rendered if each == write} for write, _ in keyed.nuke.rendered
    }
    assert rendered == {"RenderPlate": {1001, 1002, 1003, 1004, 1006}, "RenderKeys": {1001, 1006}}
    one = exr(keyed.node.node("Mattes")["file"].value() % 1002)["A"]
    keyed.press("matte_range")
    keyed.press("refresh")
    assert keyed.node["status"].value() == "6 of 6 frames matted"
    assert (mattes(keyed)[1002] == one).all()


def test_a_precomp_holds_the_key_frames_alpha_and_what_they_tell_the_others(keyed):
    keyed.press("matte_range")
    after = mattes(keyed)
    keyed.press("precomp")
    merged = keyed.write.input(0)["file"].value()
    assert all((exr(merged % frame)["A"] == alpha).all() for frame, alpha in after.items())


def test_edges_and_the_use_of_the_guide_go_to_the_worker(comp, make_plate):
    comp.press("matte_frame")
    plain = exr(comp.node.node("Mattes")["file"].value() % 1003)["A"]
    guide = comp.nuke.nodes.Read(file=make_plate(range(1001, 1007), name="guide"))
    guide["first"].setValue(1001), guide["last"].setValue(1006)
    comp.node.setInput(2, guide)
    for knob, value in (("edge_shift", -1.5), ("edge_soften", 0.5), ("black_point", 0.1), ("guide_use", "force")):
        change(comp, knob, value)
        assert "out of date" in comp.node["status"].value()
    comp.press("matte_frame")
    alpha = exr(comp.node.node("Mattes")["file"].value() % 1003)["A"]
    red = exr(guide["file"].value() % 1003)["R"]
    assert (alpha != plain).any() and (alpha[red >= 1] == 1).all() and (alpha[red <= 0] == 0).all()
