"""`nuke-matting cache {info,clear,prune}`, as a user runs it."""

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nuke_matting.engine.cache import Cache, CachedMatte

KEYS = ("aaaa1111", "bbbb2222", "cccc3333")


@pytest.fixture
def folder(tmp_path):
    """A cache of three mattes, each last used an hour after the one before."""
    cache = Cache(tmp_path / "cache", 10**9)
    for hours, key in zip((3, 2, 1), KEYS, strict=True):
        cache.put(key, CachedMatte(np.full((32, 32), 0.5, np.float32), None, (), {}))
        used = time.time() - hours * 3600
        os.utime(cache._sidecar(key), (used, used))
    return cache.folder


@pytest.fixture
def cache(nuke_matting, folder):
    """Runs an action on the folder: cache("clear", ...) -> Ended."""
    return lambda action, *args: nuke_matting("cache", action, "--cache-dir", folder, *args)


def kept(folder):
    return {key for key in KEYS if Cache(folder, 10**9).get(key) is not None}


def put_foreign(folder):
    """Files that somebody else put everywhere."""
    places = [folder, folder / "v1", folder / "v1" / "aa", folder / "shots"]
    names = ("plate.00001001.exr", "notes.json", "aaaa1111.txt", "my.dead")
    files = [place / name for place in places for name in names]
    files.append(folder / "v1" / "damaged" / "mine.txt")
    long_ago = time.time() - 10**6
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"mine")
        os.utime(file, (long_ago, long_ago))
    return files


def test_info_says_where_how_many_and_how_large(cache, folder):
    done = cache("info")
    assert done.returncode == 0 and done.stderr == ""
    assert str(folder) in done.stdout and "mattes    3" in done.stdout and "limit 50 GB" in done.stdout
    assert "damaged" not in done.stdout and "foreign" not in done.stdout


def test_info_as_json_is_one_object(cache, folder):
    about = json.loads(cache("info", "--json").stdout)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert about == {**about, "folder": str(folder), "entries": 3, "bytes": size, "problems": 0, "foreign": []}
    assert about["limit"] == 50 * 10**9 and about["oldest"] < about["newest"]


def test_the_usual_folder_need_not_be_there_yet(nuke_matting, monkeypatch, tmp_path):
    monkeypatch.setenv("NUKE_MATTING_CACHE", str(tmp_path / "usual"))
    done = nuke_matting("cache", "info")
    assert done.returncode == 0 and "not there yet" in done.stdout
    assert nuke_matting("cache", "clear", "--yes").stdout == f"0 mattes removed from {tmp_path / 'usual'}\n"


def test_info_tells_damage_with_exit_code_1(cache, folder):
    next((folder / "v1" / "aa").glob("*.exr")).write_bytes(b"damaged")
    assert Cache(folder, 10**9).get(KEYS[0]) is None
    done = cache("info")
    assert done.returncode == 1 and "damaged   1" in done.stdout and "cache prune" in done.stdout
    assert cache("prune").returncode == 0 and cache("info").returncode == 0


def test_info_names_what_is_not_of_the_cache(cache, folder):
    files = put_foreign(folder)
    (folder / ".snapshot").mkdir()  # a file server's own
    done = cache("info", "--json")
    told = [Path(each) for each in json.loads(done.stdout)["foreign"]]
    tops = {folder / "shots", *(file for file in files if file.parent.name != "shots")}
    assert done.returncode == 1 and set(told) == tops
    assert f"foreign   {len(tops)} not of the cache, left alone" in cache("info").stdout


def test_clear_removes_every_matte_and_nothing_that_is_not_its_own(cache, folder):
    files = put_foreign(folder)
    done = cache("clear", "--yes")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"3 mattes removed from {folder}\n", "")
    assert kept(folder) == set() and all(file.read_bytes() == b"mine" for file in files)
    assert json.loads(cache("clear", "--yes", "--json").stdout) == {"removed": 0}


def test_clear_wants_to_be_told_yes_where_nobody_can_be_asked(cache, folder, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    done = cache("clear")
    assert done.returncode == 2 and done.stdout == "" and kept(folder) == set(KEYS)
    assert f"{folder}: it holds 3 mattes, maybe of others too; give --yes to have them removed" in done.stderr


@pytest.mark.parametrize(("answer", "removed"), [("y\n", 3), ("YES\n", 3), ("n\n", 0), ("\n", 0), ("", 0)])
def test_clear_asks_a_person_and_takes_silence_for_no(cache, folder, monkeypatch, answer, removed):
    person = io.StringIO(answer)
    person.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", person)
    done = cache("clear", "--json")
    assert f"{folder} holds 3 mattes, maybe of others too. Remove them? [y/N] " in done.stderr
    assert (done.returncode, json.loads(done.stdout)) == (0, {"removed": removed}) and len(kept(folder)) == 3 - removed


def test_prune_removes_the_least_recently_used_first_and_nothing_that_is_not_its_own(cache, folder):
    files = put_foreign(folder)
    size = json.loads(cache("info", "--json").stdout)["bytes"]
    done = cache("prune", "--cache-size", str(size * 0.7 / 1e9))
    assert (done.returncode, done.stdout) == (0, f"1 matte removed from {folder}\n")
    assert kept(folder) == {KEYS[1], KEYS[2]}
    assert json.loads(cache("prune", "--cache-size", "0", "--json").stdout)["removed"] in (0, 2)  # 0: just been used
    assert all(file.read_bytes() == b"mine" for file in files)


def test_a_cache_within_its_limit_loses_nothing_to_prune(cache, folder):
    assert cache("prune").stdout == f"0 mattes removed from {folder}\n" and len(kept(folder)) == 3


@pytest.mark.parametrize("action", [("clear", "--yes"), ("prune", "--cache-size", "0")])
def test_a_matte_that_another_process_is_busy_with_stays(cache, folder, action):
    code = (
        "import sys; from pathlib import Path; from nuke_matting.engine.cache import Cache\n"
        f"lease = Cache(Path({str(folder)!r}), 10**9).claim({KEYS[0]!r})\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline().strip() == b"held"
        done = cache(*action)
        holder.stdin.close()
    assert (done.returncode, done.stdout) == (0, f"2 mattes removed from {folder}\n")
    assert kept(folder) == {KEYS[0]}


@pytest.mark.parametrize("action", ["info", "clear", "prune"])
@pytest.mark.parametrize(
    ("name", "says"), [("typo", "there is no such folder; check --cache-dir"), ("file", "Not a directory")]
)
def test_a_wrong_folder_is_wrong_use(nuke_matting, tmp_path, action, name, says):
    (tmp_path / "file").write_bytes(b"mine")
    done = nuke_matting("cache", action, "--cache-dir", tmp_path / name)
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and says in done.stderr and name in done.stderr
    assert (tmp_path / "file").read_bytes() == b"mine" and not (tmp_path / "typo").exists()


def test_a_home_of_nobody_is_said(nuke_matting, monkeypatch):
    done = nuke_matting("cache", "info", "--cache-dir", "~nobody-of-this-name/cache")
    assert done.returncode == 2 and "~nobody-of-this-name/cache: there is no such user's home" in done.stderr
    monkeypatch.setenv("NUKE_MATTING_CACHE", "~nobody-of-this-name/cache")
    assert nuke_matting("cache", "info").returncode == 2


@pytest.mark.parametrize("size", ["inf", "-1", "nan", "much"])
def test_a_limit_that_is_none_is_wrong_use(cache, folder, size):
    done = cache("prune", "--cache-size", size)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "cache-size" in done.stderr
    assert len(kept(folder)) == 3


def test_prune_forgets_outputs_that_are_gone(nuke_matting, make_plate, weights, tmp_path):
    cache, out = tmp_path / "c", tmp_path / "out"
    args = ("matte", make_plate([1, 2]), "--model", weights, "--cache-dir", cache, "--out", out / "o.####.exr")
    assert nuke_matting(*args).returncode == 0
    (out / "o.0001.exr").unlink()
    written = list((cache / "written").rglob("*.json"))
    assert len(written) == 2
    for entry in written:
        os.utime(entry, (time.time() - 10**4,) * 2)  # so that nobody can be about to write these files
    assert nuke_matting("cache", "prune", "--cache-dir", cache).returncode == 0
    assert len(list((cache / "written").rglob("*.json"))) == 1
    assert "1 skipped" in nuke_matting(*args).stderr  # the other one is still known
