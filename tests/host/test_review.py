"""The command that draws a contact sheet, as it is said to a worker's machine."""

import shlex
import sys
from types import SimpleNamespace

import pytest

from nuke_matting.host.errors import HostError
from nuke_matting.host.process import run
from nuke_matting.host.review import _command

PLAN = SimpleNamespace(
    plate="P:/my show/a.%04d.exr",
    out="P:/my show/m.%04d.exr",
    settings={"ocio": "", "colourspace": "ACES - ACEScg"},
    still=False,
)


def test_over_ssh_paths_are_the_other_machines_and_quoted_for_its_shell(monkeypatch):
    monkeypatch.setenv("NUKE_MATTING_WORKER", "ssh -T gpu7 /opt/nuke-matting worker")
    monkeypatch.setenv("NUKE_MATTING_PATH_MAP", "P:/my show=/mnt/my show")
    command = _command(PLAN, [1001, 1002, 1007], "P:/my show/s.png")
    assert command[:4] == ["ssh", "-T", "gpu7", "/opt/nuke-matting"]
    sheet = ["nuke", "sheet", "/mnt/my show/a.%04d.exr", "/mnt/my show/m.%04d.exr", "--out", "/mnt/my show/s.png"]
    assert shlex.split(" ".join(command[4:])) == [
        *sheet, "--frames", "1001-1002,1007", "--colourspace", "ACES - ACEScg"
    ]  # fmt: skip


def test_a_worker_that_is_no_nuke_matting_is_told(monkeypatch):
    monkeypatch.setenv("NUKE_MATTING_WORKER", "/studio/start_worker.sh")
    with pytest.raises(HostError, match="does not end in the word worker"):
        _command(PLAN, [1001], "s.png")


@pytest.mark.parametrize(
    "program, word",
    [("print('out'); 1/0", "ZeroDivisionError"), ("raise SystemExit(3)", "exit code 3"), ("input()", "EOFError")],
)
def test_a_program_that_fails_is_told_by_its_last_line(program, word):
    assert word in run([sys.executable, "-I", "-S", "-c", program], None, 60)[1]


def test_a_program_that_hangs_is_ended():
    with pytest.raises(HostError, match="timed out"):
        run([sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"], None, 0.5)
