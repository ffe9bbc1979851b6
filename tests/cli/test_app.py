"""The application, before any verb of it runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from nuke_matting.cli import start
from nuke_matting.cli.app import VERBS


@pytest.mark.parametrize("given", [["--help"], ["--version"], ["mate"]])
def test_what_needs_no_verb_waits_for_no_library(given):
    """torch alone takes seconds to come."""
    code = (
        "import sys; from nuke_matting.cli.app import main\n"
        f"try: main({given!r})\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'numpy', 'OpenImageIO', 'PyOpenColorIO'} & {*sys.modules}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_ctrl_c_while_the_application_is_loaded_is_an_interruption_too(monkeypatch, capfd):
    class Struck:
        def find_spec(self, name, *_):
            if name == "nuke_matting.cli.app":
                raise KeyboardInterrupt

    monkeypatch.delattr("nuke_matting.cli.app")
    monkeypatch.delitem(sys.modules, "nuke_matting.cli.app")
    monkeypatch.setattr(sys, "meta_path", [Struck(), *sys.meta_path])
    assert start.main() == 130
    assert capfd.readouterr().err == "nuke-matting: interrupted; run the same command again to go on\n"


def test_next_to_nothing_is_imported_before_it_is_heard():
    code = (
        "import sys; before = set(sys.modules); import nuke_matting.cli.start; new = {*sys.modules} - before\n"
        "assert not {'argparse', 'importlib.metadata', 'nuke_matting.cli.app'} & new, sorted(new)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_program_starts_there():
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert 'nuke-matting = "nuke_matting.cli.start:main"' in text
    done = subprocess.run([sys.executable, "-X", "importtime", "-m", "nuke_matting", "--version"], capture_output=True)
    names = [line.rpartition(b"|")[2].strip() for line in done.stderr.splitlines()]
    assert b"nuke_matting.cli.start" in names and done.stdout.startswith(b"nuke-matting ")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_what_it_does(nuke_matting, verb):
    done = nuke_matting(verb, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: nuke-matting {verb} ")


def test_a_verb_that_does_not_exist_is_named(nuke_matting):
    done = nuke_matting("mate")
    assert done.returncode == 2
    assert "'mate'" in done.stderr and "matte" in done.stderr
