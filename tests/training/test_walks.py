"""Cutting people out of a still shot that is empty at times."""

import cv2
import numpy as np
import pytest

from nuke_matting.errors import UsageError
from nuke_matting.training.cutting.walks import as_exposed, cut, cut_walks, read_walks, unlikeness

H, W = 120, 160
GRAIN = cv2.GaussianBlur(np.random.default_rng(0).normal(0, 40, (H, W)), (0, 0), 1.5)[..., None]
ROOM = np.clip(np.where(np.arange(H)[:, None, None] < 60, (200, 195, 190), (50, 90, 170)) + GRAIN, 0, 255).astype(
    np.uint8
)
BLUE = (150, 60, 30)


def somebody(x=80):
    """The room with somebody in it, and their true mask."""
    mask = np.zeros((H, W), np.uint8)
    cv2.ellipse(mask, (x, 30), (9, 12), 0, 0, 360, 1, -1)
    cv2.rectangle(mask, (x - 14, 40), (x + 14, 105), 1, -1)
    return np.where(mask[..., None] > 0, np.uint8(BLUE), ROOM), mask


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


def write_clip(path, pictures):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (W, H))
    for picture in pictures:
        writer.write(picture)
    writer.release()


def test_a_person_is_what_the_empty_room_does_not_show():
    picture, mask = somebody()
    assert overlap(cut(picture, ROOM.astype(np.float32)), mask) > 0.95


def test_a_shadow_on_a_coloured_floor_is_floor():
    picture, mask = somebody()
    shaded = picture.copy()
    shadow = np.zeros((H, W), bool)
    shadow[90:110, 95:140] = True
    shaded[shadow] = (ROOM[shadow] * 0.6).astype(np.uint8)
    plain, unlike = unlikeness(shaded, ROOM.astype(np.float32))
    assert plain[100, 120] > 50 and unlike[100, 120] < 10
    assert overlap(cut(shaded, ROOM.astype(np.float32)), mask) > 0.95


def test_grey_before_a_white_wall_is_no_shadow():
    grey = ROOM.copy()
    grey[10:50, 60:100] = 100
    assert unlikeness(grey, ROOM.astype(np.float32))[1][30, 80] > 80


def test_another_exposure_is_made_up_for():
    darker = np.uint8(somebody()[0] * 0.7)
    assert np.abs(as_exposed(ROOM.astype(np.float32), darker) - ROOM * 0.7).mean() < 2


def test_nobody_is_cut_of_an_empty_room():
    assert not cut(ROOM, ROOM.astype(np.float32)).any()


def test_named_frames_become_pairs_and_a_second_run_keeps_them(tmp_path):
    write_clip(tmp_path / "a.avi", [ROOM] * 3 + [somebody(60)[0], somebody(100)[0]])
    (tmp_path / "walks.csv").write_text("clip,frame,first,last\na.avi,1,0,2\na.avi,3,0,2\na.avi,4,0,2\n")
    for _ in range(2):
        assert list(cut_walks(tmp_path, tmp_path / "walks.csv", tmp_path / "out")) == [(1, 3, 0), (2, 3, 1), (3, 3, 2)]
    alpha = cv2.imread(str(tmp_path / "out" / "a_0003_alpha.png"), cv2.IMREAD_GRAYSCALE)
    assert overlap((alpha > 127).astype(np.uint8), somebody(60)[1]) > 0.9


@pytest.mark.parametrize("row", ["a,b,0,1", "a,3,2,1", "a,3,0", "a,-1,0,1"])
def test_a_table_that_is_none_is_named(tmp_path, row):
    (tmp_path / "walks.csv").write_text(f"clip,frame,first,last\n{row}\n")
    with pytest.raises(UsageError, match=r"walks\.csv.*columns"):
        read_walks(tmp_path / "walks.csv")


def test_a_frame_that_a_clip_lacks_is_named(tmp_path):
    write_clip(tmp_path / "a.avi", [ROOM] * 3)
    (tmp_path / "walks.csv").write_text("clip,frame,first,last\na.avi,7,0,1\n")
    with pytest.raises(UsageError, match=r"frame 7 of a\.avi, which has 3"):
        list(cut_walks(tmp_path, tmp_path / "walks.csv", tmp_path / "out"))


def test_nobody_is_cut_where_the_empty_shot_is_like_the_picture_nowhere():
    picture = np.random.default_rng(0).integers(100, 255, (60, 80, 3)).astype(np.uint8)
    assert not cut(picture, np.zeros((60, 80, 3), np.float32)).any()
