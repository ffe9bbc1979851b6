"""`nuke-matting eval`, as a user runs it."""

import csv
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from PIL import Image

from nuke_matting.colour.model_space import srgb_curve

FIGURES = ["mad", "mse", "grad", "conn", "dtssd", "sad", "soft_iou", "core", "edge", "hair", "outside"]
TITLES = ["MAD", "MSE", "Grad", "Conn", "dtSSD", "SAD", "soft IoU", "core", "edge", "hair", "outside"]


def picture(path: Path, alpha, channels="A"):
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    plane = np.ascontiguousarray(alpha, np.float32)
    OpenEXR.File(header, dict.fromkeys(channels, plane)).write(str(path))


def half(left=0.0, right=1.0, size=(16, 32)):
    alpha = np.full(size, left, np.float32)
    alpha[:, size[1] // 2 :] = right
    return alpha


@pytest.fixture
def clips(tmp_path):
    """Folders `a` and `t` of two clips of three frames: the mattes of walk are perfect, those of talk 0.5 too low."""
    for frame in (1001, 1002, 1003):
        for clip, right in (("walk", 1.0), ("talk", 0.5)):
            picture(tmp_path / "t" / clip / f"alpha.{frame}.exr", half())
            picture(tmp_path / "a" / clip / f"matte.{frame}.exr", half(right=right))
    return tmp_path


def table(text):
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows}


def events(text):
    return [json.loads(line) for line in text.splitlines()]


def test_one_clip_is_a_row_and_its_mean(nuke_matting, clips):
    done = nuke_matting("eval", "a/talk/matte.%04d.exr", "t/talk/alpha.####.exr")
    assert done.returncode == 0, done.stderr
    rows = table(done.stdout)
    assert [name for name in rows if "--" not in name] == ["clip", "matte.%04d.exr", "mean"]
    assert list(rows["clip"]) == ["clip", "frames", *TITLES]
    assert rows["mean"]["MAD"] == "250.00" and rows["mean"]["MSE"] == "125.00" and rows["mean"]["frames"] == "3"
    assert rows["mean"]["SAD"] == "0.13" and rows["mean"]["dtSSD"] == "0.00" and rows["mean"]["hair"] == "-"
    assert rows["mean"]["soft IoU"] == "0.500"
    assert rows["mean"]["core"] == "500.00" and rows["mean"]["outside"] == "0.00"
    assert done.stderr == ""


@pytest.mark.parametrize("truth", ["t", "t/*/alpha.####.exr", "./t/"])
def test_a_set_is_a_row_a_clip_and_a_mean_over_clips(nuke_matting, clips, truth):
    (clips / "t/walk/alpha.1003.exr").unlink()
    done = nuke_matting("eval", "a", truth)
    rows = table(done.stdout)
    assert done.returncode == 0 and list(rows)[2:] == ["talk", "walk", "mean"]
    assert [rows[name]["frames"] for name in ("talk", "walk", "mean")] == ["3", "2", "5"]
    assert [rows[name]["MAD"] for name in ("talk", "walk", "mean")] == ["250.00", "0.00", "125.00"]
    assert "walk: frames 1003 have no truth" in done.stderr


def test_frames_may_be_chosen(nuke_matting, clips):
    rows = table(nuke_matting("eval", "a/talk", "t/talk", "--frames", "1001-1003x2").stdout)
    assert rows["mean"]["frames"] == "2" and rows["mean"]["dtSSD"] == "-"


def test_single_files_and_folders_of_pictures_are_measured(nuke_matting, tmp_path):
    for name in ("anna", "bo"):
        for folder, value in (("a", 102), ("t", 255)):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.new("L", (9, 7), value).save(tmp_path / folder / f"{name}.png")
    assert table(nuke_matting("eval", "a/bo.png", "t/anna.png").stdout)["mean"]["MAD"] == "600.00"
    assert list(table(nuke_matting("eval", "a", "t").stdout))[2:] == ["anna", "bo", "mean"]


def test_json_tells_everything_a_line_at_a_time(nuke_matting, clips):
    Path("a/walk/matte.1002.exr").write_bytes(b"broken")
    done = nuke_matting("eval", "a", "t", "--json")
    told = events(done.stdout)
    assert done.returncode == 1 and done.stderr == ""
    assert [each["event"] for each in told].count("frame") == 5
    error = next(each for each in told if each["event"] == "error")
    assert error["frame"] == 1002 and error["kind"] == "plate" and "matte.1002.exr" in error["path"] and error["advice"]
    talk, walk = (each for each in told if each["event"] == "clip")
    assert talk["clip"] == "talk" and talk["mad"] == 250 and walk["frames"] == 2 and walk["dtssd"] is None
    assert [name for name in told[-1] if name in FIGURES] == FIGURES
    assert told[-1]["event"] == "done" and told[-1]["failed"] == 1 and told[-1]["mad"] == 125


def test_frames_of_mattes_without_a_truth_are_told_in_json_too(nuke_matting, clips):
    picture(Path("a/walk/matte.1004.exr"), half())
    warnings = [each["text"] for each in events(nuke_matting("eval", "a/walk", "t/walk", "--json").stdout)[:1]]
    assert warnings == ["matte.####.exr: frames 1004 have no truth and are left out"]


def test_csv_has_every_frame_and_the_means(nuke_matting, clips):
    assert nuke_matting("eval", "a", "t", "--csv", "out/figures.csv").returncode == 0
    with open("out/figures.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["clip", "frame", *FIGURES]
    assert [(row["clip"], row["frame"]) for row in rows] == [
        *((clip, frame) for clip in ("talk", "walk") for frame in ("1001", "1002", "1003", "mean")),
        ("mean", "mean"),
    ]
    assert rows[0]["dtssd"] == "" and rows[1]["dtssd"] == "0.0" and float(rows[-1]["mad"]) == 125


@pytest.mark.skipif(os.name != "posix", reason="a file as a folder fails otherwise there")
def test_a_csv_that_cannot_be_written_is_a_failure_and_the_table_is_printed(nuke_matting, clips):
    Path("file").write_text("")
    done = nuke_matting("eval", "a", "t", "--csv", "file/figures.csv")
    assert done.returncode == 1 and table(done.stdout)["mean"] and "--csv" in done.stderr


def test_what_is_missing_broken_or_of_another_size_is_named_and_the_rest_goes_on(nuke_matting, clips):
    Path("a/walk/matte.1001.exr").unlink()
    picture(Path("a/walk/matte.1002.exr"), half(size=(8, 8)))
    picture(Path("t/sit/alpha.1001.exr"), half())
    done = nuke_matting("eval", "a", "t")
    assert done.returncode == 1
    told = done.stderr.splitlines()
    assert any("matte.1001.exr (frame 1001)" in line and "missing" in line for line in told)
    assert any("matte.1002.exr (frame 1002): is 8x8 and its true alpha 32x16" in line for line in told)
    assert any("clip sit has a truth" in line for line in told)
    assert told[-1].startswith("3 failed")
    assert table(done.stdout)["walk"]["frames"] == "1" and table(done.stdout)["talk"]["frames"] == "3"


def test_a_clip_of_which_nothing_can_be_read_is_a_row_without_figures(nuke_matting, clips):
    for path in Path("a/walk").iterdir():
        path.write_bytes(b"broken")
    done = nuke_matting("eval", "a", "t")
    assert done.returncode == 1 and set(table(done.stdout)["walk"].values()) == {"walk", "0", "-"}


def test_clips_without_a_truth_are_left_out_and_said(nuke_matting, clips):
    picture(Path("a/more/matte.1001.exr"), half())
    done = nuke_matting("eval", "a", "t")
    assert done.returncode == 0 and "1 clips have no truth and are left out: more" in done.stderr


def test_the_foregrounds_error_is_a_column_where_both_are_given(nuke_matting, clips):
    for frame in (1001, 1002, 1003):
        for clip in ("walk", "talk"):
            picture(clips / "fg" / clip / f"fg.{frame}.exr", half(left=9, right=0.5), "RGB")
            picture(clips / "tfg" / clip / f"fg.{frame}.exr", half(right=1.0), "RGB")
    done = nuke_matting("eval", "a", "t", "--foreground", "fg", "--true-foreground", "tfg", "--json")
    assert done.returncode == 0 and events(done.stdout)[-1]["fg_mse"] == pytest.approx(250, rel=1e-3)
    assert "FG MSE" in nuke_matting("eval", "a", "t", "--foreground", "fg", "--true-foreground", "tfg").stdout


@pytest.fixture
def plates(clips):
    """Folder `p` of the clips' plates: a shade a frame, those of walk dark, those of talk bright."""
    for clip, shade in (("walk", 0.05), ("talk", 0.3)):
        for step, frame in enumerate((1001, 1002, 1003)):
            picture(clips / "p" / clip / f"plate.{frame}.exr", half(shade * (1 + step), shade * (1 + step)), "RGB")
    return clips


def shades(path):
    """Those of the plates on a sheet, from top to bottom, as the sheet's codes."""
    column = np.asarray(Image.open(path)).astype(int)[:, 20]
    found = [tuple(value) for value in column if np.ptp(value) == 0]
    known = [code(base * (1 + step)) for base in (0.05, 0.3) for step in range(3)]
    seen = [value[0] for value in found if value[0] in known]
    return [value for index, value in enumerate(seen) if index == 0 or seen[index - 1] != value]


def code(shade):
    return round(255 * float(srgb_curve(np.float64(shade))))


def test_a_sheet_shows_the_worst_frame_of_every_clip_and_then_the_others(nuke_matting, plates):
    picture(plates / "a" / "walk" / "matte.1002.exr", half(right=0.9))
    picture(plates / "a" / "talk" / "matte.1003.exr", half(right=0.3))
    done = nuke_matting("eval", "a", "t", "--sheet", "sheet.png", "--plate", "p")
    assert done.returncode == 0, done.stderr
    assert shades("sheet.png")[:3] == [code(0.9), code(0.1), code(0.3)]


def test_a_frame_whose_plate_cannot_be_read_is_named_and_the_next_is_shown(nuke_matting, plates):
    (plates / "p" / "talk" / "plate.1001.exr").write_bytes(b"no picture")
    done = nuke_matting("eval", "a", "t", "--sheet", "sheet.png", "--plate", "p")
    assert done.returncode == 1 and "plate.1001.exr" in done.stderr and "mean" in table(done.stdout)
    assert code(0.6) in shades("sheet.png") and code(0.3) not in shades("sheet.png")


def test_a_plate_of_another_size_is_no_plate_of_the_mattes(nuke_matting, plates):
    for frame in (1001, 1002, 1003):
        picture(plates / "p" / "walk" / f"plate.{frame}.exr", half(size=(8, 8)), "RGB")
    done = nuke_matting("eval", "a/walk", "t/walk", "--sheet", "sheet.png", "--plate", "p/walk", "--json")
    said = [each for each in events(done.stdout) if each["event"] == "error"]
    assert done.returncode == 1 and len(said) == 3 and "8x8, of another size" in said[0]["what"]
    assert not os.path.exists("sheet.png")


def test_a_sheet_that_cannot_be_written_is_a_failure_and_the_table_is_printed(nuke_matting, plates):
    os.mkdir("sheet.png")
    done = nuke_matting("eval", "a", "t", "--sheet", "sheet.png", "--plate", "p")
    assert done.returncode == 1 and "--sheet" in done.stderr and "mean" in table(done.stdout)


@pytest.mark.skipif(os.name != "posix", reason="names are UTF-16 there")
@pytest.mark.parametrize(
    ("name", "frames"),
    [("\u6b69\u304f", 6), (os.fsdecode(b"caf\xe9"), 3)],  # Japanese; Latin-1, under which no file can be read
)
def test_a_clip_whose_name_cannot_be_printed_ends_nothing(nuke_matting, clips, monkeypatch, name, frames):
    for folder in ("a", "t"):
        os.rename(f"{folder}/walk", f"{folder}/{name}")
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="cp1252", write_through=True))
    done = nuke_matting("eval", "a", "t", "--csv", "figures.csv")
    printed = table(sys.stdout.buffer.getvalue().decode("cp1252"))
    assert done.returncode == (frames < 6) and printed["mean"]["frames"] == str(frames)
    assert "1003" in Path("figures.csv").read_text("utf-8")


@pytest.mark.parametrize("sheet", ["a/bo.png", "a/../t/bo.png"])
def test_a_sheet_is_not_written_over_what_is_measured(nuke_matting, tmp_path, sheet):
    for folder in ("a", "t"):
        (tmp_path / folder).mkdir()
        for name in ("anna", "bo"):
            Image.new("L", (8, 8), 255).save(tmp_path / folder / f"{name}.png")
    before = (tmp_path / sheet).read_bytes()
    done = nuke_matting("eval", "a", "t", "--sheet", sheet, "--plate", "t")
    assert done.returncode == 2 and "bo.png: would be written over" in done.stderr
    assert (tmp_path / sheet).read_bytes() == before


@pytest.mark.parametrize(
    "command, said",
    [
        (("a", "t", "--sheet", "s.png"), "go together"),
        (("a", "t", "--sheet", "comp.nk", "--plate", "p"), "comp.nk: is no name for a sheet; end it in .png"),
        (("a", "t", "--csv", "a/walk/a.1001.exr"), "is no name for figures; end it in .csv"),
        (("a", "t", "--sheet", "s.png", "--plate", "nowhere"), "nowhere"),
        (("a", "t", "--sheet", "s.png", "--plate", "a/walk"), "one clip cannot be compared with a set of 2"),
        (("a", "nothing/alpha.####.exr"), "no such folder"),
        (("a", "~nobody-of-this-name/t"), "~nobody-of-this-name"),
        (("a/walk", "t"), "one clip cannot be compared with a set of 2"),
        (("a/*", "t/nobody/*"), "nobody"),
        (("a", "t", "--frames", "1-"), "no frame range"),
        (("a", "t", "--frames", ""), "no frame range"),
        (("a", "t", "--foreground", "a"), "go together"),
        (("a", "t", "--foreground", "a", "--true-foreground", "t", "--ocio", "no.ocio"), "no.ocio"),
        (("a", "t", "--foreground", "a", "--true-foreground", "t", "--colourspace", "Nonsense"), "Nonsense"),
        (("a",), "TRUTH"),
    ],
)
def test_wrong_use_is_2_and_nothing_is_printed(nuke_matting, clips, command, said):
    done = nuke_matting("eval", *command)
    assert done.returncode == 2 and said in done.stderr and done.stdout == ""


def test_wrong_use_is_an_error_in_json_too(nuke_matting, clips):
    done = nuke_matting("eval", "a/walk", "t", "--json")
    assert done.returncode == 2 and [each["event"] for each in events(done.stdout)] == ["error"]
