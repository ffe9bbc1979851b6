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
    "models": {"nets", "resources", "atomic", "homes", "opencv"},
    "plate": {"atomic"},
    "colour": {"plate", "resources"},
    "engine": {"models", "plate", "colour", "atomic", "homes", "rights"},
    "export": {"models", "nets", "plate", "colour", "host"},
    "quality": {"plate", "colour", "atomic"},
    "training": {"models", "nets", "plate", "colour", "quality", "resources", "atomic", "homes", "opencv"},
    "worker": {"engine", "models", "plate", "host", "heap", "homes"},
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
        "homes",
        "atomic",
    },
    "host": set(),  # not even settings and errors: see below
}
FOR_ALL = {"settings", "errors"}
# modules of the ground floor, and those of it that each may import
GROUND_FLOOR = {
    "errors": set(),
    "settings": {"errors"},
    "resources": {"errors"},
    "heap": set(),
    "homes": {"errors"},
    "opencv": set(),
    "rights": set(),
    "atomic": {"errors", "rights"},
}


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


def name_of(path: Path) -> str:
    """A module's name without that of the package: `plate.reader`; a room's own is `plate`, the package's empty."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules_imported(name: str, path: Path, known: set[str]) -> set[str]:
    """The modules of ours, of those known, that a module imports anywhere in its text."""
    room = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[2] for alias in node.names if alias.name.startswith("nuke_matting.")}
        elif isinstance(node, ast.ImportFrom) and (node.level or f"{node.module}.".startswith("nuke_matting.")):
            source = f"{room}.{node.module or ''}".strip(".") if node.level else node.module.partition(".")[2]
            names = {f"{source}.{alias.name}".strip(".") for alias in node.names}
            found |= names & known if names <= known else {source, *(names & known)}
    return (found & known) - {name}


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_from_the_floors_below(room):
    found = {module: imports(module) for module in (PACKAGE / room).rglob("*.py")}
    for module, rooms in found.items():
        wrong = rooms - MAY_IMPORT[room] - FOR_ALL - {room}
        assert not wrong, f"{module.relative_to(PACKAGE)} imports {sorted(wrong)}"
    unused = MAY_IMPORT[room] - set().union(*found.values())
    assert not unused, f"{room} may import {sorted(unused)}, and does not: take that out of the table"


@pytest.mark.parametrize("name", sorted(GROUND_FLOOR))
def test_the_ground_floor_imports_from_no_room(name):
    assert imports(PACKAGE / f"{name}.py") == GROUND_FLOOR[name]


def test_no_modules_import_each_other_in_a_circle():
    """Not even within a function, or for types alone."""
    files = {name_of(path): path for path in PACKAGE.rglob("*.py")}
    follow = {name: modules_imported(name, path, set(files)) for name, path in files.items()}
    behind: dict[str, set[str]] = {}
    for name in files:
        seen, waiting = set(), [name]
        while waiting:
            new = follow[waiting.pop()] - seen
            seen |= new
            waiting += new
        behind[name] = seen
    circles = {
        frozenset(other for other in behind[name] if name in behind[other]) for name in files if name in behind[name]
    }
    assert circles == set()


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
