"""Files that travel with the package are found in a checkout and in an installed package."""

import subprocess
import sys
from pathlib import Path

import pytest

import nuke_matting.resources
from nuke_matting.errors import MattingError, UsageError
from nuke_matting.resources import shipped


@pytest.mark.parametrize("name", ["ocio/nuke_matting.ocio", "ocio/nuke_matting_model.clf", "ocio/README.md", "ocio"])
def test_a_shipped_file_is_found_whole_path(name):
    assert shipped(name).exists()
    assert shipped(name).is_absolute()


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../secret", "ocio/../../secret"])
def test_a_name_that_leads_out_of_the_package_is_refused(name):
    with pytest.raises(UsageError):
        shipped(name)


def test_a_missing_file_is_an_error_that_names_it():
    with pytest.raises(MattingError, match=r"ocio.gone\.ocio.*install the package again"):
        shipped("ocio/gone.ocio")


def test_only_the_packages_own_folders_are_looked_for_beside_it():
    with pytest.raises(MattingError):
        shipped("tests")


def test_an_installed_package_has_them_inside(tmp_path):
    package = tmp_path / "site" / "nuke_matting"
    (package / "ocio").mkdir(parents=True)
    source = Path(nuke_matting.resources.__file__).parent
    for name in ("resources.py", "errors.py"):
        (package / name).write_text((source / name).read_text(encoding="utf-8"), encoding="utf-8")
    (package / "__init__.py").touch()
    (package / "ocio" / "a.ocio").touch()
    (tmp_path / "site" / "ocio").mkdir()
    (tmp_path / "site" / "ocio" / "a.ocio").touch()  # another's folder of the same name must not come first
    code = "from nuke_matting.resources import shipped; print(shipped('ocio/a.ocio'))"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=package.parent, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert Path(found) == (package / "ocio" / "a.ocio").resolve()
