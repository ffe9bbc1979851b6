"""What many tests need: the assets folder where it is given, small EXRs, weights that answer quickly."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "2")


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of free assets, named by NUKE_MATTING_ASSETS."""
    folder = os.environ.get("NUKE_MATTING_ASSETS", "")
    if not Path(folder).is_dir() or not folder:
        pytest.skip("NUKE_MATTING_ASSETS does not name the folder of assets")
    return Path(folder)
