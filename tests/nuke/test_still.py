"""A Read of one file: it is matted once, and its matte is that of every frame."""

import os
import shutil

import pytest

from nuke_matting.cli.app import main


def status(comp):
    return comp.node["status"].value()


def alpha(comp, tools, frame, gui=True):
    return tools.pixels.Evaluator(frame, gui).of(comp.node._tree)["rgba.alpha"]


@pytest.fixture(params=["portrait.exr", "IMG_1234.exr", "portrait_v02.exr"])
def still(comp, request, tmp_path):
    path = tmp_path / "stills" / request.param
    path.parent.mkdir()
    shutil.copy(comp.read["file"].value() % 1001, path)
    comp.read["file"].setValue(str(path))
    for name in ("first", "last", "origfirst", "origlast"):
        comp.read[name].setValue(1)
    return comp


def test_a_still_is_matted_once_and_held_over_all_frames(still, tools):
    still.node["frames"].setValue("1001-1006")
    still.press("matte_range")
    assert status(still).startswith("1 of 1 frames matted, cpu")
    mattes = still.node.node("Mattes")["file"].value()
    assert os.listdir(os.path.dirname(mattes)) == [os.path.basename(mattes)]
    sheet = mattes.replace(".exr", ".png")
    assert main(["nuke", "sheet", still.read["file"].value(), mattes, "--out", sheet]) == 0, "Open review"
    assert all(still.node["matted"].valueAt(frame) for frame in (-5, 1, 1001, 1234, 2000)), "no bar"
    assert alpha(still, tools, 1).any() and (alpha(still, tools, 1) == alpha(still, tools, 1003)).all()
    assert (alpha(still, tools, 1) == alpha(still, tools, 1003, gui=False)).all(), "without our Python too"
    still.nuke.execute(still.write, 1001, 1003)
    assert len(still.nuke.rendered) == 3


def test_matte_frame_of_a_still_is_of_any_frame(still):
    still.press("matte_frame")
    assert status(still).startswith("1 of 1 frames matted")
    path = still.node.node("Mattes")["file"].value()
    before = os.stat(path).st_mtime_ns
    still.press("matte_range"), still.press("refresh")
    assert os.stat(path).st_mtime_ns == before and status(still).startswith("1 of 1 frames matted")
    os.utime(still.read["file"].value(), (2e9, 2e9))
    with pytest.raises(RuntimeError, match="out of date: 1; press"):
        still.nuke.execute(still.write, 1001, 1001)
    still.press("clear")
    assert not os.path.isdir(os.path.dirname(path)) and not still.node["matted"].valueAt(1001)


def test_a_farm_chunk_of_a_still_is_matted_first(start_nuke, build_comp, make_plate):
    comp = build_comp(start_nuke(gui=False))
    comp.read["file"].setValue(make_plate([7], name="still") % 7)
    comp.read["first"].setValue(1), comp.read["last"].setValue(1)
    comp.nuke.rawArgs[:] = ["nuke", "-x", "-F", "1002-1003", "comp.nk"]
    comp.node["guard"].setValue("matte them first")
    comp.nuke.execute(comp.write, 1002, 1003)
    assert len(comp.nuke.rendered) == 2


def test_a_precomp_of_a_still_is_one_file(still, tools):
    still.press("matte_range")
    before = alpha(still, tools, 1003)
    still.press("precomp")
    read = still.write.input(0)
    after = tools.pixels.Evaluator(1003).of(read._tree)["rgba.alpha"]
    assert "%" not in read["file"].value() and (after == before).all()


def test_a_file_that_is_named_by_the_frame_is_no_still(comp):
    comp.read["file"].setValue(comp.read["file"].value().replace("%04d", "[format %04d [frame]]"))
    comp.press("matte_frame")
    assert not comp.node["matted"].valueAt(1001)
