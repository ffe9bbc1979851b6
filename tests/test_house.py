"""The house: who may import whom."""

import ast
import re
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "nuke_matting"

# each room, and the rooms that it may import from; everyone may use settings and errors, and itself
MAY_IMPORT = {
    "nets": set(),
    "models": {"nets", "resources", "atomic"},
    "plate": {"atomic"},
    "colour": {"plate", "resources"},
    "engine": {"models", "plate", "colour", "resources", "atomic", "rights"},
    "export": {"models", "nets", "colour", "plate", "host"},
    "quality": {"engine", "models", "plate", "colour", "resources", "atomic"},
    "training": {"engine", "models", "nets", "plate", "colour", "quality", "resources", "atomic"},
    "worker": {"engine", "models", "plate", "colour", "host", "resources", "heap"},
    "cli": {
        "engine",
        "models",
        "plate",
        "colour",
        "quality",
        "training",
        "worker",
        "export",
        "host",
        "resources",
        "heap",
        "atomic",
    },
    "host": set(),  # not even settings and errors: see below
}
FOR_ALL = {"settings", "errors"}


def imports(path: Path) -> set[str]:
    """The rooms of ours that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0 or path.parent.name == "host", f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("nuke_matting.")}
    return found


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_from_the_floors_below(room):
    for module in (PACKAGE / room).rglob("*.py"):
        wrong = imports(module) - MAY_IMPORT[room] - FOR_ALL - {room}
        assert not wrong, f"{module.relative_to(PACKAGE)} imports {sorted(wrong)}"


def test_the_host_stands_apart():
    """It is loaded inside Nuke, under any name: Python 3.7, the standard library, and itself."""
    for module in (PACKAGE / "host").rglob("*.py"):
        tree = ast.parse(module.read_text(encoding="utf-8"), feature_version=(3, 7))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                assert node.level == 1, f"{module}: leaves the room"
                continue
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            allowed = {*sys.stdlib_module_names, *(["nuke"] if module.name == "nuke_api.py" else [])}
            wrong = {name.split(".")[0] for name in names} - allowed
            assert not wrong, f"{module.name} imports {sorted(wrong)}"


def test_the_hosts_docstring_names_all_its_modules():
    words = set(re.findall(r"\w+", ast.get_docstring(ast.parse((PACKAGE / "host/__init__.py").read_text("utf-8")))))
    assert {module.stem for module in (PACKAGE / "host").glob("*.py")} - {"__init__"} <= words


def test_every_room_has_its_rule():
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and list(path.rglob("*.py"))}
    assert rooms == set(MAY_IMPORT)


def test_the_networks_touch_no_files():
    for module in (PACKAGE / "nets").rglob("*.py"):
        tree = ast.parse(module.read_text(encoding="utf-8"))
        names = {
            alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        }
        names |= {
            node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
        }
        assert not names & {"os", "io", "pathlib", "OpenImageIO", "numpy"}, module.name


def test_no_module_is_a_god():
    for module in PACKAGE.rglob("*.py"):
        lines = len(module.read_text(encoding="utf-8").splitlines())
        assert lines <= 400, f"{module.relative_to(PACKAGE)} has {lines} lines"


def test_every_module_says_what_it_is_for():
    for module in PACKAGE.rglob("*.py"):
        assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))), module
