"""Cutting people out of clips of one still camera."""

import weakref

import cv2
import numpy as np
import pytest

from nuke_matting.colour.model_space import srgb_curve, srgb_curve_inverse
from nuke_matting.errors import PlateError, UsageError
from nuke_matting.training.cutting import footage
from nuke_matting.training.cutting.footage import Head, cut, cut_clips, read_clip, read_heads, unlikeness
from nuke_matting.training.cutting.matte import band_matte, largest, without_holes

H, W = 120, 160
ROOM = cv2.GaussianBlur(np.random.default_rng(0).integers(60, 200, (H, W, 3)).astype(np.uint8), (0, 0), 4)
COLOURS = {0: (40, 40, 160), 1: (150, 60, 30)}


def somebody(person, shift=0):
    """The room with a person before it, and their true mask."""
    mask = np.zeros((H, W), np.uint8)
    cv2.ellipse(mask, (80 + shift, 35), (11, 15), 0, 0, 360, 1, -1)
    cv2.rectangle(mask, (62 + shift, 52), (98 + shift, H), 1, -1)
    cv2.rectangle(mask, (74 + shift, 45), (86 + shift, 55), 1, -1)
    return np.where(mask[..., None] > 0, np.uint8(COLOURS[person]), ROOM), mask


def head(person, **more):
    return Head(f"{person}.avi", person, 80 / W, 35 / H, 22 / W, **more)


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


def test_a_person_is_what_others_clips_do_not_show():
    picture, mask = somebody(0)
    behind = np.stack([somebody(1, shift)[0] for shift in (-40, 40)]).astype(np.float32)
    assert overlap(cut(picture, behind, head(0)), mask) > 0.93


def test_the_second_nearest_of_the_others_counts():
    picture = somebody(0)[0]
    same_cloth, plain = picture.astype(np.float32), ROOM.astype(np.float32)
    assert unlikeness(picture, np.stack([same_cloth, plain]))[80, 80] > 20


def video(path, pictures):
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (width, height))
    for picture in pictures:
        writer.write(picture)
    writer.release()


def table(folder, *rows):
    (folder / "heads.csv").write_text("\n".join(["clip,person,x,y,size,cut", *rows, ""]))
    return folder / "heads.csv"


@pytest.fixture
def heads(tmp_path):
    """Two clips in a folder, of one person each, and the table of their heads."""
    for person in COLOURS:
        video(tmp_path / f"{person}.avi", [somebody(person, frame % 3)[0] for frame in range(8)])
    where = f"{80 / W},{35 / H},{22 / W}"
    return table(tmp_path, f"0.avi,0,{where},yes", f"1.avi,1,{where},no")


def test_clips_become_pairs_and_a_second_run_keeps_them(tmp_path, heads):
    for _ in range(2):
        assert list(cut_clips(tmp_path, heads, tmp_path / "out", 4)) == [(1, 1), (2, 2)]
    names = {f"0_{number:04d}_{kind}.png" for number in (2, 6) for kind in ("fg", "alpha")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    alpha = cv2.imread(str(tmp_path / "out" / "0_0002_alpha.png"), cv2.IMREAD_GRAYSCALE)
    assert overlap((alpha > 127).astype(np.uint8), somebody(0, 2)[1]) > 0.85


def test_a_file_that_is_no_video_is_named(tmp_path):
    (tmp_path / "a.avi").write_bytes(b"no video")
    with pytest.raises(PlateError, match=r"a\.avi"):
        read_clip(tmp_path / "a.avi")


@pytest.mark.parametrize("text", ["", "clip,x\na,1\n", "clip,person,x,y,size,cut\na,b,c,d,e,yes\n"])
def test_a_table_that_is_none_is_named(tmp_path, text):
    (tmp_path / "heads.csv").write_text(text)
    if text:
        with pytest.raises(UsageError, match=r"heads\.csv.*columns"):
            read_heads(tmp_path / "heads.csv")
    else:
        assert read_heads(tmp_path / "heads.csv") == []


def test_only_the_largest_piece_stays_and_only_small_holes_are_filled():
    mask = np.zeros((50, 50), np.uint8)
    mask[5:45, 5:35] = 1
    mask[10:12, 10:12], mask[20:32, 15:27], mask[40:44, 40:44] = 0, 0, 1
    tidy = without_holes(largest(mask), 0.01)
    assert tidy[11, 11] == 1 and tidy[25, 20] == 0 and tidy[41, 41] == 0


def test_a_soft_edge_is_matted_in_the_band():
    true = cv2.GaussianBlur(np.pad(np.ones((30, 60)), ((15, 15), (0, 0))), (0, 0), 2.0)
    near, far = (srgb_curve_inverse(np.float64(each)) for each in ((0.9, 0.2, 0.1), (0.1, 0.3, 0.8)))
    image = srgb_curve(true[..., None] * near + (1 - true[..., None]) * far)
    alpha, foreground = band_matte(image, (true > 0.5).astype(np.uint8), 5)
    assert np.abs(alpha - true).mean() < 0.03
    assert np.abs(foreground[true > 0.3] - (0.9, 0.2, 0.1)).mean() < 0.05


def test_clips_of_two_sizes_are_refused_with_both_and_the_row(tmp_path, heads):
    video(tmp_path / "1.avi", [cv2.resize(somebody(1)[0], (W // 2, H // 2))])
    with pytest.raises(UsageError, match=r"heads\.csv: row 3: 1\.avi is 80x60, and 0\.avi 160x120"):
        list(cut_clips(tmp_path, heads, tmp_path / "out", 4))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("b,1,80,35,22,no", "x 80, y 35 and size 22 are no shares"),
        ("b,1,0.5,0.3,0,no", "size 0 are no shares"),
        ("b,1,0.5,0.3,nan,no", "no shares"),
        ("b,1,0.5,0.3,0.1,maybe", "cut is 'maybe'"),
    ],
)
def test_a_head_that_cannot_be_is_told_with_its_row(tmp_path, row, said):
    with pytest.raises(UsageError, match=rf"heads\.csv.*row 3: .*{said}.*shares of the picture"):
        read_heads(table(tmp_path, "a,0,0.5,0.3,0.1,yes", row))


def test_yes_is_yes_in_any_case(tmp_path):
    assert [each.cut for each in read_heads(table(tmp_path, "a,0,0.5,0.3,0.1,Yes", "b,1,0.5,0.3,0.1,NO"))] == [
        True,
        False,
    ]


def test_a_clip_of_which_nothing_can_be_told_from_what_is_behind_gives_no_matte(tmp_path, heads):
    with_nobody = np.zeros((H, W, 3), np.uint8)
    assert not cut(with_nobody, with_nobody[None].astype(np.float32), Head("a", 0, 0.5, 1.0, 0.001)).any()


def test_one_clip_at_a_time_is_held(tmp_path, heads, monkeypatch):
    held = []

    def read(path):
        assert not any(each() is not None for each in held)
        clip = read_clip(path)
        held.append(weakref.ref(clip))
        return clip

    monkeypatch.setattr(footage, "read_clip", read)
    table(tmp_path, *(row.replace("no", "yes") for row in heads.read_text().splitlines()[1:]))
    list(cut_clips(tmp_path, heads, tmp_path / "out", 4))
    assert len(held) == 4
