"""Names of files as they are known on this machine, and as the worker is told them."""

import os

import pytest

from nuke_matting.host.paths import local, worker_paths


@pytest.fixture
def plate(tmp_path, monkeypatch):
    """A path that is there, in a studio whose map names its folder `/mnt/show` on the farm."""
    monkeypatch.setenv("NUKE_MATTING_PATH_MAP", f"{tmp_path}=/mnt/show")
    monkeypatch.delenv("NUKE_MATTING_WORKER", raising=False)
    (tmp_path / "plate").mkdir()
    return f"{tmp_path}/plate/plate.%04d.exr"


def test_a_worker_on_this_machine_is_told_this_machines_names(plate):
    assert worker_paths().there(plate) == plate == worker_paths().there("/mnt/show/plate/plate.%04d.exr")
    assert worker_paths().here(plate) == plate


def test_a_worker_that_may_be_elsewhere_is_told_the_other_names(plate, monkeypatch):
    monkeypatch.setenv("NUKE_MATTING_WORKER", "ssh gpu7 nuke-matting worker")
    assert worker_paths().there(plate) == "/mnt/show/plate/plate.%04d.exr"
    assert worker_paths().here("/mnt/show/plate/plate.%04d.exr") == plate


def test_what_lies_in_no_folder_of_the_map_stays(plate):
    assert local("two_stage") == "two_stage" == worker_paths().there("two_stage")


def test_of_many_files_each_folder_is_asked_for_once(plate, monkeypatch):
    asked, isdir = [], os.path.isdir
    monkeypatch.setattr(os.path, "isdir", lambda folder: asked.append(folder) or isdir(folder))
    assert [local(plate % frame) for frame in range(100)] == [plate % frame for frame in range(100)]
    assert len(asked) == len(set(asked))
