"""Nuke's start: the tools are there, and whatever is wrong with ours, Nuke starts."""

import json
import os
import runpy
import shutil
import sys

import pytest

from nuke_matting.cli.nuke_install import install


@pytest.fixture
def installed(tmp_path):
    """A folder as an install lays it."""
    folder = tmp_path / "NukeMatting"
    install(folder, sys.executable, link=False)
    return folder


def test_with_the_folder_on_its_path_the_node_is_in_the_toolbar(start_nuke, installed):
    nuke = start_nuke(gizmos=installed)
    nuke.menu("Nodes").items["NukeMatting"].items["NukeMatting"]()
    assert nuke.toNode("NukeMatting1") is not None
    gizmos = {path.stem for path in installed.glob("*.gizmo")}
    assert set(nuke.menu("Nodes").items["NukeMatting"].items) == {*gizmos, "Stop the worker"}
    assert sys.modules["nuke_matting_host"].__file__.startswith(str(installed))


def test_linked_it_loads_as_copied(start_nuke, tmp_path):
    install(tmp_path / "linked", sys.executable, link=True)
    nuke = start_nuke(gizmos=tmp_path / "linked")
    assert "NukeMatting" in nuke.menu("Nodes").items
    assert sys.modules["nuke_matting_host"].__file__.startswith(str(tmp_path / "linked"))


def test_installed_twice_the_first_is_used_and_that_is_said(start_nuke, installed, tmp_path, capfd):
    nuke = start_nuke(gizmos=installed)
    commands = dict(nuke.menu("Nodes").items["NukeMatting"].items)
    other = tmp_path / "Other"
    install(other, sys.executable, link=False)
    (other / "Another.gizmo").touch()
    before = list(nuke._callbacks())
    for name in ("init.py", "menu.py"):
        runpy.run_path(str(other / name))
    assert before and nuke._callbacks() == before, "none is called twice"
    assert nuke.menu("Nodes").items["NukeMatting"].items == commands
    assert sys.modules["nuke_matting_host"].__file__.startswith(str(installed))
    said = capfd.readouterr().err
    assert said == f"NukeMatting is loaded already, from {installed}/nuke_matting_host: {other} adds nothing\n"


def test_the_worker_is_that_of_the_install(start_nuke, installed, monkeypatch):
    (installed / "nuke_matting_install.json").write_text(json.dumps({"python": shutil.which("true")}))
    start_nuke(gizmos=installed)
    monkeypatch.delenv("NUKE_MATTING_PYTHON")
    assert sys.modules["nuke_matting_host.find"].find_command()[0] == shutil.which("true")


def test_without_a_gui_nothing_of_the_gui_is_touched(start_nuke, installed, capfd):
    start_nuke(gui=False, gizmos=installed)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("damage", ["gone", "broken", "empty"])
def test_with_our_python_damaged_nuke_starts_and_the_node_says_so(start_nuke, installed, damage, capfd):
    host = installed / "nuke_matting_host"
    if damage == "gone":
        shutil.rmtree(host)
    elif damage == "broken":
        (host / "plan.py").write_text("def (")
    else:
        (host / "settings.schema.json").write_text("")
    nuke = start_nuke(gizmos=installed)
    said = capfd.readouterr().err
    assert "Traceback" not in said
    node = nuke.createNode("NukeMatting")
    node["matte_range"].execute()
    assert said or nuke.messages or node["status"].value() != "not matted"
    assert "NukeMatting" in said + "".join(nuke.messages)


def test_without_a_gui_a_button_whose_python_is_gone_is_an_error(start_nuke, installed):
    shutil.rmtree(installed / "nuke_matting_host")
    node = start_nuke(gui=False, gizmos=installed).createNode("NukeMatting")
    with pytest.raises(RuntimeError, match="nuke-matting nuke install"):
        node["matte_range"].execute()
    assert "its Python is not there" in node["status"].value()


def test_a_path_map_that_is_none_is_told_and_breaks_no_other_node(start_nuke, build_comp, monkeypatch, capfd):
    monkeypatch.setenv("NUKE_MATTING_PATH_MAP", "P:/show")
    nuke = start_nuke(own_worker=True)
    assert nuke._filtered("/show/plate.1001.exr") == "/show/plate.1001.exr"
    comp = build_comp(nuke)
    comp.press("matte_range")
    assert "path map: 'P:/show' is no pair" in comp.node["status"].value() and "Traceback" not in capfd.readouterr().err


def test_looks_that_take_long_are_rare(comp, monkeypatch):
    startup, looks = sys.modules["nuke_matting_host.startup"], []
    monkeypatch.setattr(
        startup.actions, "follow", lambda node: (looks.append(clock[0]), clock.__setitem__(0, clock[0] + 1))
    )
    clock = [100.0]
    monkeypatch.setattr(startup.time, "monotonic", lambda: clock[0])
    for _ in range(60):
        comp.nuke._call("UpdateUI", comp.node)
        clock[0] += 1
    assert looks == [100.0, 121.0, 142.0], "one second in twenty-one"


def test_work_on_the_script_looks_at_no_matte(comp, monkeypatch):
    comp.press("matte_range")
    stat, looks = os.stat, []
    monkeypatch.setattr(os, "stat", lambda path, **how: looks.append(str(path)) or stat(path, **how))
    comp.nuke._call("UpdateUI", comp.node)
    assert not [each for each in looks if each.endswith(".exr")]
    comp.open_panel()
    assert len([each for each in looks if "/matte.10" in each]) == 6


def test_a_status_that_was_of_something_else_comes_back_to_the_mattes(comp):
    comp.press("matte_range")
    comp.node.setInput(0, None)
    comp.nuke._call("UpdateUI", comp.node)
    assert "no plate is connected" in comp.node["status"].value()
    comp.node.setInput(0, comp.read)
    sys.modules["nuke_matting_host.startup"]._looked.clear()
    comp.nuke._call("UpdateUI", comp.node)
    assert comp.node["status"].value() == "6 of 6 frames matted"


def test_a_fault_of_ours_stops_no_callback_of_nuke(comp, monkeypatch):
    actions = sys.modules["nuke_matting_host.actions"]
    comp.node["made"].setValue("earlier")
    monkeypatch.setattr(actions, "tell_change", lambda node, plan=None: {}["lost"])
    comp.nuke._call("UpdateUI", comp.node)
    assert "unexpected KeyError" in comp.node["status"].value()


def test_the_shims_stand_in_a_nuke_that_knows_none_of_our_calls(monkeypatch, installed, capfd):
    monkeypatch.setitem(sys.modules, "nuke", object())
    for name in [each for each in sys.modules if each.partition(".")[0] == "nuke_matting_host"]:
        monkeypatch.delitem(sys.modules, name)
    runpy.run_path(str(installed / "init.py"))
    runpy.run_path(str(installed / "menu.py"))
    assert "is not loaded" in capfd.readouterr().err
    for name in [each for each in sys.modules if each.partition(".")[0] == "nuke_matting_host"]:
        del sys.modules[name]
