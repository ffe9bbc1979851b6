"""`nuke-matting nuke`: what it puts into folders, and that nothing of anybody else is lost."""

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nuke_matting.cli.nuke_install import MARK, add_line, remove_line, with_line, without_line
from nuke_matting.host.find import RECORD, recorded

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links and HOME are POSIX's here")

LINE = b"import nuke  " + MARK


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The user's home, with an init.py of his own in .nuke."""
    folder = tmp_path / "home"
    (folder / ".nuke").mkdir(parents=True)
    (folder / ".nuke" / "init.py").write_text("nuke.pluginAddPath('./mine')\n")
    monkeypatch.setenv("HOME", str(folder))
    return folder


def tree(folder):
    """Every file and link in a folder, with what is in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def test_it_copies_the_node_records_this_python_and_adds_one_line(nuke_matting, home):
    done = nuke_matting("nuke", "install")
    folder = home / ".nuke" / "NukeMatting"
    assert done.returncode == 0 and str(folder) in done.stdout
    for name in ("init.py", "menu.py", "NukeMatting.gizmo", "icons/NukeMatting.png"):
        assert (folder / name).is_file() and not (folder / name).is_symlink()
    for name in ("client.py", "protocol.schema.json", "settings.schema.json"):
        assert (folder / "nuke_matting_host" / name).is_file()
    assert recorded(str(folder / RECORD)) == sys.executable
    lines = (home / ".nuke" / "init.py").read_text().splitlines()
    assert lines[0] == "nuke.pluginAddPath('./mine')" and "pluginAddPath('./NukeMatting')" in lines[1]


@pytest.mark.parametrize("way", [(), ("--link",)], ids=["copied", "linked"])
def test_uninstall_leaves_everything_as_it_was(nuke_matting, home, way):
    before = tree(home)
    nuke_matting("nuke", "install", *way)
    pycache = home / ".nuke" / "NukeMatting" / "nuke_matting_host" / "__pycache__"
    if not way:  # as Nuke's Python does
        pycache.mkdir()
        (pycache / "client.cpython-39.pyc").write_bytes(b"")
    done = nuke_matting("nuke", "uninstall")
    assert done.returncode == 0 and tree(home) == before
    assert not (home / ".nuke" / "NukeMatting").exists()


@pytest.mark.parametrize("first", [(), ("--link",)])
@pytest.mark.parametrize("second", [(), ("--link",)])
def test_installed_twice_it_is_as_installed_once(nuke_matting, home, first, second):
    nuke_matting("nuke", "install", *second)
    once = tree(home)
    nuke_matting("nuke", "uninstall")
    assert nuke_matting("nuke", "install", *first).returncode == 0
    assert nuke_matting("nuke", "install", *second).returncode == 0
    assert tree(home) == once


def test_with_links_an_upgrade_needs_no_new_install(nuke_matting, home):
    nuke_matting("nuke", "install", "--link")
    folder = home / ".nuke" / "NukeMatting"
    assert (folder / "nuke_matting_host").is_symlink() and (folder / "NukeMatting.gizmo").is_symlink()
    assert (folder / "nuke_matting_host" / "client.py").is_file()


def test_in_a_folder_of_the_studio_the_users_own_is_left_alone(nuke_matting, home, tmp_path):
    before = tree(home)
    done = nuke_matting("nuke", "install", "--dir", tmp_path / "studio")
    assert "NUKE_PATH" in done.stdout and tree(home) == before
    assert (tmp_path / "studio" / "menu.py").is_file()
    nuke_matting("nuke", "uninstall", "--dir", tmp_path / "studio")
    assert not (tmp_path / "studio").exists()


def test_a_file_that_is_not_ours_is_never_written_over(nuke_matting, home):
    before = tree(home)
    done = nuke_matting("nuke", "install", "--dir", home / ".nuke")
    assert done.returncode == 2 and "init.py: is in the way and is not ours" in done.stderr
    assert tree(home) == before


def test_what_was_changed_or_added_since_stays(nuke_matting, home):
    nuke_matting("nuke", "install")
    folder = home / ".nuke" / "NukeMatting"
    (folder / "menu.py").write_text("mine")
    (folder / "notes.txt").write_text("mine too")
    again = nuke_matting("nuke", "install")
    assert again.returncode == 2 and "menu.py" in again.stderr and (folder / "init.py").is_file()
    done = nuke_matting("nuke", "uninstall")
    assert "menu.py was changed since" in done.stdout
    assert set(tree(folder)) == {"menu.py", "notes.txt"}


def test_where_nothing_is_installed_it_says_so(nuke_matting, home):
    done = nuke_matting("nuke", "uninstall")
    assert done.returncode == 0 and "no node is installed" in done.stdout


def test_a_damaged_record_is_told_and_nothing_is_removed(nuke_matting, home):
    nuke_matting("nuke", "install")
    (home / ".nuke" / "NukeMatting" / RECORD).write_text("{")
    before = tree(home / ".nuke" / "NukeMatting")
    assert nuke_matting("nuke", "uninstall").returncode == 2
    assert tree(home / ".nuke" / "NukeMatting") == before


def test_an_init_that_was_not_there_goes_again(nuke_matting, home):
    (home / ".nuke" / "init.py").unlink()
    nuke_matting("nuke", "install")
    nuke_matting("nuke", "uninstall")
    assert tree(home) == {}


def test_an_init_behind_a_link_keeps_link_and_rights(nuke_matting, home):
    init, real = home / ".nuke" / "init.py", home / "dotfiles_init.py"
    init.rename(real)
    real.chmod(0o600)
    init.symlink_to(real)
    nuke_matting("nuke", "install")
    assert init.is_symlink() and MARK in real.read_bytes() and real.stat().st_mode & 0o777 == 0o600


def test_a_folder_without_rights_is_said_in_one_line(nuke_matting, home):
    (home / ".nuke" / "NukeMatting").write_text("a file")
    done = nuke_matting("nuke", "install")
    assert done.returncode == 2 and done.stderr.count("\n") == 1


@given(st.lists(st.sampled_from([b"import os", b"\n", b"\r\n", b"\xe9 = 1", b"# note", b" "])).map(b"".join))
def test_whatever_is_in_an_init_is_there_again_to_the_byte(text):
    once = with_line(text, LINE)
    assert once.startswith(text) and once.splitlines().count(LINE) == 1
    assert without_line(once) == text and without_line(text) is None


def test_an_empty_init_of_the_users_stays(tmp_path):
    init = tmp_path / "init.py"
    init.write_bytes(b"")
    add_line(init, "./NukeMatting")
    assert remove_line(init) and init.read_bytes() == b"" and not remove_line(init)


def test_lines_that_were_added_behind_ours_stay(tmp_path):
    init = tmp_path / "init.py"
    init.write_text("first")
    add_line(init, "./NukeMatting")
    with open(init, "a") as file:
        file.write("\nlast\n")
    assert remove_line(init) and init.read_text() == "first\nlast\n"


def test_the_record_names_every_file_that_was_put_there(nuke_matting, home):
    nuke_matting("nuke", "install")
    folder = home / ".nuke" / "NukeMatting"
    files = json.loads((folder / RECORD).read_text())["files"]
    assert {*files, RECORD} == set(tree(folder))


def test_a_sheet_shows_up_to_twelve_frames_and_is_a_png(nuke_matting, make_plate, weights, tmp_path):
    plate = make_plate(range(1001, 1016))
    nuke_matting("matte", plate, "--model", weights, "--out", tmp_path / "m.%04d.exr", "--quiet", "--device", "cpu")
    heights = []
    for frames in ("1003", "1001-1015"):
        done = nuke_matting("nuke", "sheet", plate, "m.%04d.exr", "--frames", frames, "--out", "s.png")
        assert done.returncode == 0, done.stderr
        with Image.open(tmp_path / "s.png") as sheet:
            heights.append(sheet.size[1])
    assert 8 < heights[1] / heights[0] < 13


def test_a_sheet_is_written_over_nothing_but_a_png(nuke_matting, make_plate):
    plate = make_plate([1001])
    before = Path(plate % 1001).read_bytes()
    done = nuke_matting("nuke", "sheet", plate, plate, "--out", plate % 1001)
    assert done.returncode == 2 and "is no name for a sheet; end it in .png" in done.stderr
    assert Path(plate % 1001).read_bytes() == before


def test_a_sheet_is_not_written_over_its_plate(nuke_matting, tmp_path):
    Image.new("L", (8, 8), 255).save(tmp_path / "plate.png")
    before = (tmp_path / "plate.png").read_bytes()
    done = nuke_matting("nuke", "sheet", "plate.png", "plate.png", "--out", "plate.png")
    assert done.returncode == 2 and "is an input" in done.stderr and (tmp_path / "plate.png").read_bytes() == before


def test_a_broken_frame_costs_a_sheet_its_row_alone(nuke_matting, make_plate, tmp_path):
    plate, mattes = make_plate(range(1001, 1004)), make_plate(range(1001, 1004), name="mattes")
    Path(mattes % 1002).write_bytes(b"broken")
    done = nuke_matting("nuke", "sheet", plate, mattes, "--out", "s.png")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "plate.1002.exr (frame 1002)" in done.stderr
    two = nuke_matting("nuke", "sheet", plate, mattes, "--frames", "1001,1003", "--out", "two.png")
    assert two.returncode == 0 and (tmp_path / "s.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert nuke_matting("nuke", "sheet", plate, mattes, "--frames", "1002", "--out", "s.png").returncode == 2


def test_a_sheet_of_mattes_that_are_not_the_plates_is_refused(nuke_matting, make_plate):
    plate, other, small = make_plate([1001]), make_plate([1002], name="b"), make_plate([1001], 20, 30, name="c")
    for mattes, word in ((other, "no frame has both"), (small, "another size")):
        done = nuke_matting("nuke", "sheet", plate, mattes, "--out", "s.png")
        assert done.returncode == 2 and word in done.stderr
