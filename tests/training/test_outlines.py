"""Cutting people out of photographs along outlines."""

import cv2
import numpy as np
import pytest

from nuke_matting.errors import PlateError, UsageError
from nuke_matting.resources import shipped
from nuke_matting.training.cutting.matte import band_matte
from nuke_matting.training.cutting.outlines import LONG_SIDE, cut_photographs, inside, read_outlines

BOX, HOLE = "200 200 800 200 800 800 200 800", "400 400 600 400 600 600 400 600"


@pytest.fixture
def table(tmp_path):
    def write(*rows):
        path = tmp_path / "outlines.csv"
        path.write_text("\n".join(["photograph,outline", *rows]) + "\n")
        return path

    return write


def test_a_ring_within_another_is_a_hole(table):
    mask = inside(read_outlines(table(f"a.png,{BOX}", f"a.png,{HOLE}"))["a.png"], 100, 200)
    assert mask[50, 60] == 1 and mask[50, 100] == 0 and mask[10, 100] == 0


def test_an_outline_may_leave_the_picture(table):
    mask = inside(read_outlines(table("a.png,-5 500 1005 500 1005 1005 -5 1005"))["a.png"], 40, 40)
    assert mask[21:].all() and not mask[:19].any()


@pytest.mark.parametrize("row", ["a.png,1 2 3", "a.png,x y", "a.png", "a.png,", "a.png,1 2 3 4"])
def test_a_table_that_is_none_is_told(table, row):
    with pytest.raises(UsageError, match="is no table of outlines"):
        read_outlines(table(row))


def test_photographs_become_pairs_no_larger_than_they_need_to_be(table, tmp_path):
    picture = np.full((600, 800, 3), 40, np.uint8)
    picture[120:480, 160:640] = 200
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    for _ in range(2):
        assert list(cut_photographs(tmp_path, table(f"a.png,{BOX}"), tmp_path / "out")) == [(1, 1, 1)]
    alpha = cv2.imread(str(tmp_path / "out" / "a_alpha.png"), cv2.IMREAD_GRAYSCALE)
    assert max(alpha.shape) == LONG_SIDE
    assert alpha[192, 256] == 255 and alpha[20, 20] == 0
    assert np.isclose(alpha.mean() / 255, 0.36, atol=0.01)


def test_a_photograph_that_is_not_there_is_told(table, tmp_path):
    with pytest.raises(PlateError, match="is no picture that can be read"):
        list(cut_photographs(tmp_path, table(f"a.png,{BOX}"), tmp_path / "out"))


def test_the_outlines_that_ship_are_rings_within_their_photographs():
    for rings in read_outlines(shipped("training/cutting/photograph_outlines.csv")).values():
        assert all(len(ring) >= 3 and ring.min() >= -0.01 and ring.max() <= 1.01 for ring in rings)


def test_two_photographs_of_one_name_are_refused_and_not_taken_for_each_other(tmp_path):
    table = tmp_path / "outlines.csv"
    table.write_text("photograph,outline\na/1.jpg,0 0 500 0 500 500\nb/1.jpg,0 0 500 0 500 500\n")
    with pytest.raises(UsageError, match=r"a/1\.jpg and b/1\.jpg"):
        next(cut_photographs(tmp_path, table, tmp_path / "out"))


def test_a_table_that_a_spreadsheet_marked_as_utf8_is_read(tmp_path):
    table = tmp_path / "outlines.csv"
    table.write_text("photograph,outline\n1.jpg,0 0 500 0 500 500\n", encoding="utf-8-sig")
    assert list(read_outlines(table)) == ["1.jpg"]


@pytest.mark.parametrize("thin", [slice(10, 12), slice(0, 40), slice(0, 0)])
def test_a_mask_without_an_inside_or_an_outside_has_no_matte(thin):
    mask = np.zeros((40, 40), np.uint8)
    mask[thin] = 1
    assert band_matte(np.random.default_rng(0).random((40, 40, 3)), mask, 4) is None
