"""Tables of figures."""

from nuke_matting.quality.table import as_csv, columns_of, markdown

WALK = {"mad": 12.345, "dtssd": 1.0}


def test_a_table_is_aligned_and_is_markdown():
    assert markdown([("walk", 24, WALK), ("a|b", 1, {})], ["mad", "dtssd"], "clip", "frames").splitlines() == [
        "| clip | frames |   MAD | dtSSD |",
        "| :--- | -----: | ----: | ----: |",
        "| walk |     24 | 12.35 |  1.00 |",
        "| a\\|b |      1 |     - |     - |",
    ]


def test_a_figure_between_0_and_1_has_a_digit_more():
    assert " 0.988 |" in markdown([("walk", 1, {"soft_iou": 0.98765})], ["soft_iou"], "clip", "frames")


def test_columns_are_those_that_any_row_has_in_the_papers_order():
    assert columns_of([{"hair": 1.0}, {"mad": 1.0}], always=["dtssd"]) == ("mad", "dtssd", "hair")
    assert columns_of([]) == ()


def test_csv_keeps_the_figures_whole():
    assert as_csv([("walk", 1001, WALK), ("a,b", "mean", {"mad": 0.1})], ["mad", "dtssd"]) == (
        'clip,frame,mad,dtssd\nwalk,1001,12.345,1.0\n"a,b",mean,0.1,\n'
    )
