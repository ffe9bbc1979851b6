"""What the node shows, evaluated from the text of the saved script: plate and cached alpha, pixel for pixel."""

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
    """`comp`, matted, with key frame 1004, whose corrected matte is the red of another plate."""
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
    assert (shown(1004, gui)["rgba.alpha"] == painted).all()
    matte = exr(keyed.node.node("Mattes")["file"].value() % 1003)["A"]
    assert (shown(1003, gui)["rgba.alpha"] == matte).all(), "other frames are not changed"
    keyed.node["key_frames"].setValue("")
    keyed.nuke._call("KnobChanged", keyed.node, keyed.node["key_frames"])
    assert (shown(1004, gui)["rgba.alpha"] != painted).any()


def test_key_frames_without_an_input_are_told_and_stop_a_render(keyed):
    keyed.node.setInput(3, None)
    with pytest.raises(RuntimeError, match="input keys is not connected"):
        keyed.nuke.execute(keyed.write, 1004, 1004)
    keyed.press("matte_range")
    assert "input keys is not connected" in keyed.node["status"].value()


def test_key_frames_change_no_matte(keyed):
    assert keyed.node["status"].value().startswith("6 of 6")
    keyed.nuke.execute(keyed.write, 1001, 1006)


def test_a_precomp_would_lose_key_frames_and_is_refused(keyed):
    keyed.press("precomp")
    assert "render the node with a Write" in keyed.node["status"].value()
