"""Pictures in memory: bounded, and drawn alike whatever is remembered."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting.errors import PlateError, UsageError
from nuke_matting.training.pairs import read_picture
from nuke_matting.training.store import (
    BACKGROUND_LONG_SIDE,
    Kept,
    Store,
    find_backgrounds,
    read_background,
)
from nuke_matting.training.values import Picture, Subject


@pytest.fixture
def subjects(tmp_path):
    """Four stills and a clip of five frames, each frame of a colour of its own."""
    alpha = tmp_path / "alpha.png"
    cv2.imwrite(str(alpha), np.full((50, 40), 255, np.uint8))

    def picture(value):
        cv2.imwrite(str(tmp_path / f"{value}.png"), np.full((50, 40, 3), value, np.uint8))
        return Picture(tmp_path / f"{value}.png", alpha)

    stills = [Subject(str(value), (picture(value),)) for value in range(10, 50, 10)]
    return [*stills, Subject("clip", tuple(picture(value) for value in range(100, 105)))]


def photograph(folder, behind=(50, 40)):
    """Of somebody grey before white, and the file of what is behind."""
    cv2.imwrite(str(folder / "a_fg.png"), np.full((50, 40, 3), 90, np.uint8))
    cv2.imwrite(str(folder / "a_alpha.png"), np.full((50, 40), 255, np.uint8))
    cv2.imwrite(str(folder / "a_behind.png"), np.full((*behind, 3), 255, np.uint8))
    return Subject("a", (Picture(*(folder / f"a_{each}.png" for each in ("fg", "alpha", "behind"))),))


def drawn(store, subjects, seed, frames=3, times=30):
    random = np.random.default_rng(seed)
    return [[int(cut.foreground[0, 0, 0]) for cut in store.cutouts(subjects, random, frames)] for _ in range(times)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 60)), max_size=60), st.integers(1, 200))
def test_what_is_kept_stays_within_the_limit(asked, limit):
    kept, sizes = Kept(limit), {}
    for key, size in asked:
        sizes.setdefault(key, size)
        assert kept.get(key, lambda key=key: [key] * sizes[key], len) == [key] * sizes[key]
        held = [len(value) for value, _ in kept._values.values()]
        assert sum(held) <= limit or len(held) == 1


def test_the_least_recently_used_goes_first():
    kept, made = Kept(2), []
    for key in "ababcab":
        kept.get(key, lambda key=key: made.append(key) or key, len)
    assert made == ["a", "b", "c", "a", "b"]


def test_the_same_seed_draws_the_same_whatever_the_memory(subjects):
    assert drawn(Store(), subjects, 4) == drawn(Store(memory=1), subjects, 4)
    assert drawn(Store(), subjects, 4) != drawn(Store(), subjects, 5)


def test_a_still_gives_one_cut_out_and_a_clip_consecutive_ones(subjects):
    found = drawn(Store(), subjects, 1)
    clips = [each for each in found if each[0] >= 100]
    assert {len(each) for each in found if each[0] < 100} == {1}
    assert {tuple(each) for each in clips} == {(100, 101, 102), (101, 102, 103), (102, 103, 104)}


def test_an_unreadable_subject_is_told_and_another_drawn(subjects, tmp_path):
    gone = Subject("gone", (Picture(tmp_path / "gone.png"),))
    with pytest.warns(UserWarning, match=r"left out of training: .*gone\.png"):
        assert [20] in drawn(Store(), [gone, subjects[1]], 1)


@pytest.mark.filterwarnings("ignore:left out")
def test_nothing_but_unreadable_subjects_is_an_error(tmp_path):
    with pytest.raises(PlateError, match="gone"):
        drawn(Store(), [Subject("gone", (Picture(tmp_path / "gone.png"),))], 1)


def test_photographs_are_8_bit_rgb_and_reduced(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((3000, 400, 3), (10, 20, 30), np.uint8))
    picture = read_background(tmp_path / "a.png")
    assert picture.dtype == np.uint8 and max(picture.shape) == BACKGROUND_LONG_SIDE
    assert (picture == (30, 20, 10)).all()


def test_photographs_of_16_bits_are_taken_for_no_light(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((30, 40, 3), 128 * 257, np.uint16))
    picture = read_background(tmp_path / "a.png")
    assert picture.dtype == np.uint8 and (np.abs(picture.astype(int) - 128) <= 1).all()


def test_panoramas_are_scene_linear(tmp_path):
    cv2.imwrite(str(tmp_path / "a.hdr"), np.full((30, 40, 3), (0.25, 1, 8), np.float32))
    assert read_background(tmp_path / "a.hdr") == pytest.approx(
        np.broadcast_to(np.float32([8, 1, 0.25]), (30, 40, 3)), rel=0.02
    )


def test_an_unreadable_background_is_told_and_another_drawn(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    cv2.imwrite(str(tmp_path / "good.png"), np.zeros((30, 40, 3), np.uint8))
    with pytest.warns(UserWarning, match=r"broken\.jpg"):
        for seed in range(6):
            store = Store()
            assert store.background(find_backgrounds(tmp_path), np.random.default_rng(seed)).shape == (30, 40, 3)


def test_a_background_whose_header_claims_a_size_that_none_has_is_told_as_others_that_are_damaged(tmp_path):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    for read in (read_background, read_picture):
        with pytest.raises(PlateError, match=r"huge\.png"):
            read(tmp_path / "huge.png")


def test_a_folder_without_backgrounds_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(UsageError, match="holds no backgrounds"):
        find_backgrounds(tmp_path)


def test_a_photograph_is_its_layers(tmp_path):
    whole = Store().photograph([photograph(tmp_path)], np.random.default_rng(0))
    assert whole.foreground.shape == whole.behind.shape == (50, 40, 3) and whole.alpha.shape == (50, 40)
    assert (whole.foreground == 90).all() and (whole.behind == 255).all() and (whole.alpha == 255).all()


def test_what_is_behind_may_be_scene_linear_and_brighter_than_white(tmp_path):
    still = photograph(tmp_path).frames[0]
    cv2.imwrite(str(tmp_path / "bright.hdr"), np.full((50, 40, 3), 2.5, np.float32))
    subject = Subject("a", (Picture(still.foreground, still.alpha, tmp_path / "bright.hdr"),))
    assert (Store().photograph([subject], np.random.default_rng(0)).behind == 255).all()


def test_what_is_behind_must_have_its_subjects_size(tmp_path):
    with pytest.raises(PlateError, match=r"a_behind\.png.*is 40x20, its subject 40x50"), pytest.warns(UserWarning):
        Store().photograph([photograph(tmp_path, behind=(20, 40))], np.random.default_rng(0))


def test_a_jpeg_that_ends_too_soon_is_an_error_and_a_hidden_file_is_no_background(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    whole = cv2.imencode(".jpg", pixels)[1].tobytes()
    (tmp_path / "whole.jpg").write_bytes(whole)
    (tmp_path / "short.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / ".being-written.jpg").write_bytes(whole)
    short, good = find_backgrounds(tmp_path)
    assert (short.name, good.name) == ("short.jpg", "whole.jpg") and read_background(good).shape == (64, 64, 3)
    with pytest.raises(PlateError, match=r"short\.jpg"):
        read_background(short)


def test_subjects_and_what_is_made_up_behind_them_are_no_backgrounds(tmp_path):
    photograph(tmp_path)
    with pytest.raises(UsageError, match="holds subjects, and no backgrounds"):
        find_backgrounds(tmp_path)
    cv2.imwrite(str(tmp_path / "place.png"), np.zeros((30, 40, 3), np.uint8))
    assert [path.name for path in find_backgrounds(tmp_path)] == ["place.png"]
