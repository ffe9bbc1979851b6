"""The script that tries the node in a real Nuke, run in Nuke's double on the example plate."""

import ast
import runpy
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent.parent / "docs"
SCRIPT = DOCS / "nuke_smoke.py"


@pytest.mark.parametrize("on_path", [True, False])
def test_every_check_passes(start_nuke, tools, capsys, monkeypatch, on_path):
    if on_path:
        nuke = start_nuke(gui=False)
    else:
        nuke = tools.double.make(tools.nkscript, tools.catalogue, tools.pixels, False, [])
        monkeypatch.setitem(sys.modules, "nuke", nuke)
    runpy.run_path(str(SCRIPT), run_name="__main__")
    said = capsys.readouterr().out
    assert "FAIL" not in said and said.count("PASS") == said.count("\n") - 2 == 12, said
    assert nuke.rendered


def test_what_is_wrong_fails_and_is_told(start_nuke, capsys, monkeypatch):
    start_nuke(gui=False, own_worker=True)
    monkeypatch.setenv("NUKE_MATTING_PYTHON", "/no/python")
    with pytest.raises(SystemExit):
        runpy.run_path(str(SCRIPT), run_name="__main__")
    said = capsys.readouterr().out
    assert "PASS the node is made" in said and "FAIL two frames are matted: RuntimeError" in said


def test_it_is_of_nuke_13s_python():
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 7))
