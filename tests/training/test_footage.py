"""Cutting people out of clips of one still camera."""

import cv2
import numpy as np
import pytest

from nuke_matting.colour.model_space import srgb_curve, srgb_curve_inverse
from nuke_matting.errors import PlateError, UsageError
from nuke_matting.training.cutting import band_matte, largest, without_holes
from nuke_matting.training.footage import Head, cut, cut_clips, read_clip, read_heads, unlikeness

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


def test_clips_become_pairs_and_a_second_run_keeps_them(tmp_path):
    for person in COLOURS:
        writer = cv2.VideoWriter(str(tmp_path / f"{person}.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, (W, H))
        for frame in range(8):
            writer.write(somebody(person, frame % 3)[0])
        writer.release()
    heads = tmp_path / "heads.csv"
    heads.write_text(
        f"clip,person,x,y,size,cut\n0.avi,0,{80 / W},{35 / H},{22 / W},yes\n1.avi,1,{80 / W},{35 / H},{22 / W},no\n"
    )
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
