"""The host under the Pythons that Nuke has: 3.7 (Nuke 13), 3.9 (14), 3.10 (15), 3.11 (16, 17), where they are here."""

import glob
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nuke_matting import host

VERSIONS = ["3.7", "3.9", "3.10", "3.11"]
FOLDER = Path(host.__file__).parent

# what needs no Nuke: all modules, the node's text, frames, expressions, the protocol, and a talk with a worker
PROGRAM = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import inside_nuke
for module in pkgutil.iter_modules(inside_nuke.__path__):
    importlib.import_module("inside_nuke." + module.name)
import doctest
for module in ("frames", "nk", "patterns", "script_colour", "pathmap"):
    assert doctest.testmod(sys.modules["inside_nuke." + module]).failed == 0, module
from inside_nuke.description import gizmo_text
from inside_nuke.client import Client
assert gizmo_text() == open(sys.argv[2], encoding="utf-8").read()
with Client([sys.executable, "-I", "-S", sys.argv[3]]) as client:
    assert client.matte("p.####.exr", settings={"fg": True}).wait(20)["state"] == "done"
print("%d.%d" % sys.version_info[:2])
"""

WORKER = """
import json, sys
print(json.dumps({"type": "hello", "protocol": 2, "version": "0", "pid": 1, "devices": ["cpu"], "models": []}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    done = {"type": "done", "id": request["id"], "state": "done", "done": 1, "failed": 0, "seconds": 0.1}
    print(json.dumps(done), flush=True)
"""


def python(version):
    """The program of a Python, on PATH or of pyenv; None where there is none."""
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    for found in (
        sys.executable,
        shutil.which(f"python{version}"),
        *glob.glob(f"{root}/versions/{version}.*/bin/python"),
    ):
        if found:
            asked = subprocess.run(
                [found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True
            )
            if asked.stdout.strip() == version:
                return found
    return None


@pytest.mark.parametrize("version", VERSIONS)
def test_it_runs_under_nukes_python(version, tmp_path):
    program = python(version)
    if program is None:
        pytest.skip(f"no Python {version} here")
    shutil.copytree(FOLDER, tmp_path / "inside_nuke", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "worker.py").write_text(WORKER)
    gizmo = FOLDER.parent.parent / "gizmos" / "NukeMatting.gizmo"
    done = subprocess.run(
        [program, "-c", PROGRAM, str(tmp_path), str(gizmo), str(tmp_path / "worker.py")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == version, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_its_tests_pass_under_nukes_python(version, tmp_path):
    """Those that need nothing but the host: with a pytest of that Python's own, where one can be installed."""
    program = python(version)
    if program is None or version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        pytest.skip(f"no other Python {version} here")
    alone = tmp_path / "nuke_matting"
    shutil.copytree(FOLDER, alone / "host", ignore=shutil.ignore_patterns("__pycache__"))
    (alone / "__init__.py").touch()
    for name in ("client", "find", "review", "wire"):
        shutil.copy(Path(__file__).with_name(f"test_{name}.py"), tmp_path)
    subprocess.run([program, "-m", "venv", str(tmp_path / "venv")], check=True)
    own = str(tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python")
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    got = subprocess.run([own, "-m", "pip", "install", "-q", "pytest", "hypothesis"], capture_output=True, text=True)
    if got.returncode:
        pytest.skip(f"pytest cannot be installed: {got.stderr.strip()[-200:]}")
    done = subprocess.run(
        [own, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--show-capture=no", "--rootdir", str(tmp_path)],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout + done.stderr
