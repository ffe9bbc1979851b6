"""`nuke-matting matte --dry-run`: what a run would do, said beforehand, with nothing touched."""

import json
import os
import shutil
from pathlib import Path

import pytest

from nuke_matting.engine import hashed

QUICK = ("--device", "cpu", "--region-batch", 50)


@pytest.fixture
def matte(nuke_matting, make_plate, weights, monkeypatch):
    """Runs `matte` on a plate of frames 1001-1004 with a cache beside it: matte("--json", ...) -> Ended."""
    monkeypatch.setattr(hashed, "SETTLED", 0)  # the plate is new, and its fingerprints would not be kept anyway
    plate = make_plate(range(1001, 1005))
    return lambda *more: nuke_matting(
        "matte", plate, "--model", weights, "--cache-dir", "cache", "--out", "out/m.####.exr", *QUICK, *more
    )


def everything(folder):
    """All that is in a folder, with its dates."""
    paths = sorted(Path(folder).rglob("*"))
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None) for path in paths}


def events(ended, kind):
    return [each for each in map(json.loads, ended.stdout.splitlines()) if each["event"] == kind]


def states(ended):
    return {each["frame"]: each["state"] for each in events(ended, "frame")}


def test_a_run_that_was_never_made_would_compute_all_and_makes_no_folder(matte, tmp_path):
    before = everything(tmp_path)
    done = matte("--dry-run")
    assert done.returncode == 0, done.stderr
    assert "plate.%04d.exr, frames 1001-1004 (4)" in done.stderr and "model   quick on cpu" in done.stderr
    assert "colour  " in done.stderr and "out     out/m.####.exr" in done.stderr
    assert "would compute   1001-1004 (4)\ndry run: nothing was touched" in done.stderr
    assert everything(tmp_path) == before


def test_each_frame_is_said_to_become_what_the_run_then_makes_of_it(matte, make_plate, tmp_path):
    matte("--frames", "1001-1003")
    os.remove("out/m.1002.exr")
    Path("out/m.1003.exr").write_bytes(b"a painting")
    make_plate([1004])
    frames = ("--frames", "1001-1005")
    for path in Path("cache").rglob("*"):  # the run would date what it uses anew
        os.utime(path, (10**9, 10**9))
    before = everything(tmp_path)
    shown, told = matte(*frames, "--dry-run"), matte(*frames, "--dry-run", "--json")
    assert everything(tmp_path) == before
    lines = [
        "would compute   1004 (1)",
        "from the cache  1002 (1)",
        "there already   1001 (1)",
        "would fail      1003,1005 (2)",
    ]
    assert all(line in shown.stderr.splitlines() for line in lines), shown.stderr
    assert (
        "a file is in the way" in shown.stderr and "plate.1005.exr (frame 1005): the frame is missing" in shown.stderr
    )
    done = matte(*frames, "--json")
    assert states(told) == states(done) == {1001: "skipped", 1002: "cached", 1004: "computed"}
    errors = [[(each["frame"], each["text"]) for each in events(each, "error")] for each in (told, done)]
    assert sorted(errors[0]) == sorted(errors[1]) and len(errors[0]) == 2
    assert shown.returncode == told.returncode == done.returncode == 1
    assert [events(each, "start")[0]["dry_run"] for each in (told, done)] == [True, False]


def test_a_stale_matte_would_be_made_again_and_overwrite_writes_all(matte, tmp_path):
    matte()
    assert set(states(matte("--dry-run", "--json")).values()) == {"skipped"}
    assert set(states(matte("--dry-run", "--json", "--overwrite")).values()) == {"cached"}
    assert set(states(matte("--dry-run", "--json", "--edge-shift", 1)).values()) == {"computed"}


def test_a_plate_that_was_touched_leaves_the_mattes_date_alone(matte, tmp_path):
    matte()
    os.utime("plate/plate.1001.exr", (2 * 10**9, 2 * 10**9))
    before = everything(tmp_path)
    assert states(matte("--dry-run", "--json"))[1001] == "skipped"
    assert everything(tmp_path) == before
    matte()
    assert everything(tmp_path) != before


def test_a_frame_that_cannot_be_read_is_told(matte):
    Path("plate/plate.1002.exr").write_bytes(b"broken")
    done = matte("--dry-run")
    assert done.returncode == 1 and "plate.1002.exr (frame 1002)" in done.stderr
    assert "would fail      1002 (1)" in done.stderr


@pytest.mark.parametrize(
    "more, said",
    [
        (("--frames", "7"), "the plate has none of the frames 7"),
        (("--colourspace", "ACEScgg"), "ACEScgg"),
        (("--guide", "small/plate.1001.exr"), "is 32x18 and the plate 64x36"),
        (("--out", "m.exr"), "no frame number"),
        (("--out", "plate/plate.1001.exr/m.####.exr"), "cannot be written: a file stands where a folder should be"),
    ],
)
def test_what_a_run_refuses_it_refuses_with_the_same_words_and_code(matte, make_plate, tmp_path, more, said):
    make_plate([1001], 18, 32, "small")
    before = everything(tmp_path)
    dry = matte(*more, "--dry-run")
    assert everything(tmp_path) == before
    done = matte(*more)
    assert (dry.returncode, dry.stderr) == (done.returncode, done.stderr) and dry.returncode == 2 and said in dry.stderr


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_refused(matte):
    Path("out").mkdir(mode=0o555)
    assert matte("--dry-run").returncode == 2


def test_quiet_gives_the_code_alone(matte):
    assert matte("--dry-run", "--quiet") == (0, "", "")
    shutil.rmtree("plate")
    assert matte("--dry-run", "--quiet").returncode == 2
