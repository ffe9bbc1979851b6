"""The contact sheet."""

import numpy as np
import pytest
from PIL import Image

from nuke_matting.errors import OutputError, UsageError
from nuke_matting.quality.sheet import GREEN, Row, contact_sheet, save_sheet


def row(label="frame 1001", size=(30, 40), rgb=(0.8, 0.4, 0.2), alpha=1.0, truth=None) -> Row:
    colour = np.broadcast_to(np.float32(rgb), (*size, 3))
    return Row(
        label, colour, np.full(size, alpha, np.float32), None if truth is None else np.full(size, truth, np.float32)
    )


def middles(sheet, columns, width=64, height=48):
    """The pixel in the middle of each picture of the first row, as display values."""
    top = int(np.flatnonzero((sheet[:, 6 + width // 2] != sheet[0, 0]).all(axis=-1))[-1]) - height // 2
    return [sheet[top, 6 + column * (width + 6) + width // 2] / 255 for column in range(columns)]


def test_a_row_shows_plate_alpha_and_subject_over_green():
    plate, alpha, over = middles(contact_sheet([row(label="")], width=64), 3)
    assert np.allclose(plate, (0.8, 0.4, 0.2), atol=0.01) and np.allclose(alpha, 1) and np.allclose(over, plate)


def test_where_alpha_is_nothing_the_new_background_is_seen():
    _, alpha, over = middles(contact_sheet([row(label="", alpha=0.001)], width=64), 3)
    assert np.allclose(alpha, 0, atol=0.01) and np.allclose(over, GREEN, atol=0.01)


def test_the_subject_is_composited_in_linear_light():
    over = middles(contact_sheet([row(label="", rgb=(1, 1, 1), alpha=0.5)], width=64), 3)[2]
    assert over[0] == pytest.approx(0.737, abs=0.01)  # half of white, and next to nothing of the green's red


def test_a_truth_adds_the_signed_error():
    too_much = middles(contact_sheet([row(label="", alpha=0.9, truth=0.4)], width=64), 4)[3]
    too_little = middles(contact_sheet([row(label="", alpha=0.4, truth=0.9)], width=64), 4)[3]
    assert too_much[0] == pytest.approx(0.5, abs=0.01) and too_much[2] == 0
    assert too_little[2] == pytest.approx(0.5, abs=0.01) and too_little[0] == 0


def test_the_sheet_grows_by_rows_and_columns():
    one = contact_sheet([row()], width=64)
    two = contact_sheet([row(), row()], width=64)
    truth = contact_sheet([row(), row(truth=1.0)], width=64)
    assert one.dtype == np.uint8 and one.shape[2] == 3
    assert two.shape[0] > one.shape[0] + 48 and two.shape[1] == one.shape[1] == 3 * 70 + 6
    assert truth.shape[1] == 4 * 70 + 6


def test_labels_are_drawn_and_cut_to_fit():
    empty, short, long = (contact_sheet([row(label=text)], width=64) for text in ("", "frame 1001", "frame " * 100))
    assert empty.shape == short.shape == long.shape
    assert (short != empty).any() and (long != short).any()


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 2)])
def test_any_size_can_be_shown(size):
    assert contact_sheet([row(size=size, truth=0.5)], width=64).size


def test_values_outside_the_display_range_are_cut():
    strange = Row("x", np.full((4, 4, 3), np.nan, np.float32), np.full((4, 4), np.inf, np.float32))
    assert contact_sheet([strange, row(rgb=(-1, 2, 9))], width=64).size


def test_the_arrays_that_are_given_stay_as_they_are():
    given = row(alpha=2.0)
    contact_sheet([given])
    assert (given.alpha == 2).all()


def test_what_does_not_go_together_is_refused():
    bad = Row("frame 7", np.zeros((2, 2, 3)), np.zeros((2, 3)))
    worse = Row("frame 8", np.zeros((2, 2, 3)), np.zeros((2, 2)), np.zeros((3, 3)))
    with pytest.raises(UsageError, match="frame 7"):
        contact_sheet([bad])
    with pytest.raises(UsageError, match="frame 8"):
        contact_sheet([worse])
    with pytest.raises(UsageError):
        contact_sheet([])


def test_a_sheet_is_saved_as_png(tmp_path):
    sheet = contact_sheet([row()])
    save_sheet(tmp_path / "new" / "sheet.png", sheet)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "new" / "sheet.png")), sheet)


def test_a_sheet_that_cannot_be_written_is_a_typed_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        save_sheet(tmp_path / "file" / "sheet.png", contact_sheet([row()]))
