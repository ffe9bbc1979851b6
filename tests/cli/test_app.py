"""The application, before any verb of it runs."""

import subprocess
import sys

import pytest

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


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_what_it_does(nuke_matting, verb):
    done = nuke_matting(verb, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: nuke-matting {verb} ")


def test_a_verb_that_does_not_exist_is_named(nuke_matting):
    done = nuke_matting("mate")
    assert done.returncode == 2
    assert "'mate'" in done.stderr and "matte" in done.stderr
