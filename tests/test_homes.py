"""A ~ in what users name: nothing is made by the name of a home that is not there."""

import pytest

from nuke_matting.engine.cache import default_folder
from nuke_matting.errors import CacheError, ModelError
from nuke_matting.homes import expanded
from nuke_matting.models.added import models_folder

NOBODY = "~nobody-of-that-name"


def test_a_home_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/mattes") == tmp_path / "mattes"


@pytest.mark.parametrize("name", ["mattes/a~b", "./~nobody-of-that-name"])
def test_what_has_no_home_in_it_stays(name):
    assert str(expanded(name)) == name.removeprefix("./")


def commands(plate, weights):
    matte = ("matte", plate, "--model", weights)
    return {
        "the mattes": (*matte, "--no-cache", "--out", f"{NOBODY}/m.####.exr"),
        "the cache": (*matte, "--cache-dir", f"{NOBODY}/cache"),
        "an exported model": ("export", "--target", "inference", "--out", f"{NOBODY}/live.pt"),
        "the node": ("nuke", "install", "--dir", f"{NOBODY}/nuke"),
    }


@pytest.mark.parametrize("what", commands("", ""))
def test_nothing_is_written_into_the_home_of_nobody(nuke_matting, make_plate, weights, tmp_path, what):
    done = nuke_matting(*commands(make_plate([1001]), weights)[what])
    assert done.returncode == 2 and f"{NOBODY}/" in done.stderr and "no such user's home" in done.stderr
    assert not (tmp_path / NOBODY).exists()


@pytest.mark.parametrize(
    ("variable", "place", "kind"),
    [("NUKE_MATTING_CACHE", default_folder, CacheError), ("NUKE_MATTING_MODELS", models_folder, ModelError)],
)
def test_nor_is_a_variable_taken_for_it(monkeypatch, variable, place, kind):
    monkeypatch.setenv(variable, f"{NOBODY}/there")
    with pytest.raises(kind, match="no such user's home"):
        place()


def test_models_that_are_listed_from_the_home_of_nobody_are_missed_aloud_once(nuke_matting, monkeypatch, caplog):
    monkeypatch.setenv("NUKE_MATTING_MODELS", f"{NOBODY}/shelf")
    done = nuke_matting("model", "list")
    assert done.returncode == 0 and "two_stage" in done.stdout
    assert [each.getMessage() for each in caplog.records if "no such user's home" in each.getMessage()] == [
        f"{NOBODY}/shelf: there is no such user's home; write it in full"
    ]
