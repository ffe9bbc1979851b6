"""Which command starts the worker, under which names files go, and what the worker inherits."""

import os
import subprocess
import sys

import pytest

from nuke_matting.host import find
from nuke_matting.host.errors import HostError
from nuke_matting.host.find import find_command, record
from nuke_matting.host.pathmap import PathMap
from nuke_matting.host.process import clean_environment

WORKER = ["-c", find._START, "worker"]


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The two places of a record, both empty."""
    found = [str(tmp_path / name) for name in ("beside.json", "home.json")]
    monkeypatch.setattr(find, "record_places", lambda: found)
    return found


def executable(path):
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_the_order_is_command_line_python_record_path(places, tmp_path):
    script, python = executable(tmp_path / "nuke-matting"), executable(tmp_path / "python")
    environ = {"PATH": str(tmp_path)}
    assert find_command(environ) == [script, "worker"]
    record(places[1], python)
    assert find_command(environ) == [python, *WORKER]
    environ["NUKE_MATTING_PYTHON"] = sys.executable
    assert find_command(environ) == [sys.executable, *WORKER]
    environ["NUKE_MATTING_WORKER"] = "ssh -T gpu7 '/opt/my tools/nuke-matting' worker"
    assert find_command(environ) == ["ssh", "-T", "gpu7", "/opt/my tools/nuke-matting", "worker"]


def test_no_module_in_the_current_folder_gets_in_the_workers_way(places, tmp_path):
    pytest.importorskip("nuke_matting.cli.app", reason="the host stands alone here")
    for name in ("random", "json", "runpy", "nuke_matting"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong one')")
    command = find_command({"NUKE_MATTING_PYTHON": sys.executable})
    done = subprocess.run([*command[:-1], "--version"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.stdout.split()[0], done.returncode) == ("nuke-matting", 0), done.stderr


def test_what_was_installed_for_one_user_is_found(places):
    """A flag such as -I or -s would hide it."""
    command = find_command({"NUKE_MATTING_PYTHON": sys.executable})
    assert command[1] == "-c" and len(command) == 4


def test_a_recorded_python_that_is_gone_is_passed_over(places, tmp_path):
    record(places[0], str(tmp_path / "gone"))
    script = executable(tmp_path / "nuke-matting")
    assert find_command({"PATH": str(tmp_path)}) == [script, "worker"]


def test_where_none_fits_it_says_what_was_looked_at_and_how_to_fix_it(places, tmp_path):
    with open(places[0], "w") as file:
        file.write("{damaged")
    record(places[1], str(tmp_path / "gone"))
    with pytest.raises(HostError) as error:
        find_command({"PATH": str(tmp_path)})
    for word in ("NUKE_MATTING_PYTHON is not set", places[0], "gone", "PATH", "set NUKE_MATTING_PYTHON"):
        assert word in str(error.value)


@pytest.mark.parametrize("name, value", [("NUKE_MATTING_PYTHON", "/no/python"), ("NUKE_MATTING_WORKER", "ssh 'a")])
def test_a_variable_that_cannot_be_meant_is_not_passed_over(places, name, value):
    with pytest.raises(HostError, match=name):
        find_command({name: value, "PATH": os.environ["PATH"]})


def test_the_worker_inherits_nothing_of_nukes_own():
    nukes = {"PYTHONHOME", "PYTHONPATH", "QT_PLUGIN_PATH", "QT_QPA_PLATFORM", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"}
    kept = {
        "PATH": "/bin",
        "OCIO": "/c.ocio",
        "NUKE_MATTING_CACHE": "/cache",
        "CUDA_VISIBLE_DEVICES": "1",
        "HOME": "/h",
    }
    assert clean_environment({**dict.fromkeys(nukes, "/usr/local/Nuke15.1v1"), **kept}) == kept


def test_paths_go_both_ways():
    paths = PathMap.parse("P:/show=/mnt/show; /Volumes/plates = /mnt/plates ;")
    assert paths.there("P:\\show\\sh010\\a.####.exr") == "/mnt/show/sh010/a.####.exr"
    assert paths.here("/mnt/plates/a.exr") == "/Volumes/plates/a.exr"
    assert paths.there("/elsewhere/a.exr") == "/elsewhere/a.exr"
    assert paths.here("/mnt/showreel/a.exr") == "/mnt/showreel/a.exr"


def test_a_path_map_that_is_none_is_refused():
    with pytest.raises(HostError, match="no pair"):
        PathMap.parse("P:/show")
