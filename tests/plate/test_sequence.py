"""Sequences and frame ranges."""

import contextlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting.errors import UsageError
from nuke_matting.plate.sequence import (
    expand_pattern,
    find_sequence,
    format_frames,
    found_among,
    has_frame_field,
    parse_frames,
    sequence_around,
)


def touch(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("1001", (1001,)),
        ("1001-1004", (1001, 1002, 1003, 1004)),
        ("1001-1007x3", (1001, 1004, 1007)),
        ("1 5 7", (1, 5, 7)),
        ("1,5,7-8", (1, 5, 7, 8)),
        ("-8--5", (-8, -7, -6, -5)),
        ("-2-1", (-2, -1, 0, 1)),
        ("5,1,5", (5, 1)),
    ],
)
def test_ranges_mean_what_they_mean_in_nuke(text, frames):
    assert parse_frames(text) == frames


@pytest.mark.parametrize(
    "text", ["", "a", "1-", "1-5x0", "1-10:3", "1x2", "10-1", "1001-", "1..5", "1-5y2", "0-99999999"]
)
def test_nonsense_is_refused_with_advice(text):
    with pytest.raises(UsageError, match=r"write frames as|frames"):
        parse_frames(text)


@given(st.sets(st.integers(-5000, 5000), min_size=1, max_size=60))
def test_formatted_frames_are_parsed_back(frames):
    assert parse_frames(format_frames(frames)) == tuple(sorted(frames))


@given(st.text(max_size=30))
def test_any_text_is_a_range_or_a_usage_error(text):
    with contextlib.suppress(UsageError):
        assert parse_frames(text)


@pytest.mark.parametrize("pattern", ["plate.%04d.exr", "plate.####.exr", "plate.@@@@.exr"])
def test_a_pattern_finds_its_frames_and_no_others(tmp_path, pattern):
    touch(
        tmp_path,
        "plate.1001.exr",
        "plate.1003.exr",
        "plate.100.exr",
        "plate.10001.exr",
        "other.1002.exr",
        "plate.1002.exr.part",
    )
    assert find_sequence(str(tmp_path / pattern)).frames == (1001, 1003, 10001)


def test_negative_frames_are_found(tmp_path):
    touch(tmp_path, "plate.-002.exr", "plate.0001.exr")
    sequence = find_sequence(str(tmp_path / "plate.####.exr"))
    assert sequence.frames == (-2, 1)
    assert sequence.path(-2).name == "plate.-002.exr"


@given(st.integers(-99999, 99999))
def test_what_is_expanded_is_found_again(frame):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        for pattern in ("p.%04d.exr", "p.######.exr", "p_#.exr"):
            path = expand_pattern(f"{folder}/{pattern}", frame)
            path.write_bytes(b"")
            assert find_sequence(f"{folder}/{pattern}").frames == (frame,)
            assert Path(path).parent == Path(folder)


def test_a_folder_with_one_sequence_is_that_sequence(tmp_path):
    touch(tmp_path, "plate.1001.exr", "plate.1002.exr", "notes.txt", ".hidden")
    sequence = find_sequence(str(tmp_path))
    assert sequence.frames == (1001, 1002)
    assert sequence.path(1002) == tmp_path / "plate.1002.exr"


def test_one_file_is_a_still_that_serves_every_frame(tmp_path):
    touch(tmp_path, "clean.exr", "plate.1001.exr")
    assert find_sequence(str(tmp_path / "clean.exr")).frames == (1,)
    still = find_sequence(str(tmp_path / "plate.1001.exr"))
    assert still.still and still.frames == (1001,)
    assert still.path(7) == tmp_path / "plate.1001.exr"


def test_a_dash_in_a_name_is_no_sign(tmp_path):
    touch(tmp_path, "sh-010.exr")
    assert find_sequence(str(tmp_path / "sh-010.exr")).frames == (10,)


@pytest.mark.parametrize(
    ("names", "pattern", "frames"),
    [
        (["sh-0998.exr", "sh-1001.exr"], "sh-####.exr", (998, 1001)),
        (["sh-0000.exr"], "sh-####.exr", (0,)),
        (["sh-7.exr", "sh-10.exr"], "sh-#.exr", (7, 10)),
        (["sh_-002.exr", "sh_-001.exr"], "sh_####.exr", (-2, -1)),
        (["sh.-1.exr", "sh.0.exr"], "sh.#.exr", (-1, 0)),
        (["p0.exr"], "p#.exr", (0,)),
    ],
)
def test_a_folder_is_read_with_the_signs_that_its_files_have_by_themselves(tmp_path, names, pattern, frames):
    touch(tmp_path, *names)
    found = find_sequence(str(tmp_path))
    assert (os.path.basename(found.pattern), found.frames) == (pattern, frames)
    assert {found.path(frame).name for frame in frames} == set(names)


@pytest.mark.parametrize(
    ("make", "plate", "says"),
    [
        ([], "missing/plate.%04d.exr", "no such folder"),
        ([], "plate.%04d.exr", "no file matches"),
        ([], "plate.exr", "no such file"),
        (["readme.txt"], "", "holds no images"),
        (["a.0001.exr", "b.0001.exr"], "", "2 sequences"),
        (["plate"], "plate/plate.%04d.exr", "a file stands where a folder should be"),
    ],
)
def test_what_is_not_there_is_said(tmp_path, make, plate, says):
    touch(tmp_path, *make)
    with pytest.raises(UsageError, match=says):
        find_sequence(str(tmp_path / plate))


@pytest.mark.parametrize(
    "plate", ["", " ", "n" * 300, "n" * 300 + ".####.exr", "~nobody-of-this-name/p.exr", "a\0b.exr", "a\0b.####.exr"]
)
def test_a_plate_that_cannot_be_a_path_is_a_usage_error(plate):
    with pytest.raises(UsageError):
        find_sequence(plate)


@given(st.text(max_size=40))
def test_any_text_is_a_plate_or_a_usage_error(text):
    try:
        assert find_sequence(f"no-such-folder/{text}").frames
    except UsageError as error:
        assert error.advice


def test_frames_whose_sign_is_before_the_padding_are_named_as_left_out(tmp_path):
    touch(tmp_path, "plate.-0002.exr", "plate.-001.exr", "plate.0001.exr", "plate.-1.exr", "plate.-10000.exr")
    found = find_sequence(str(tmp_path / "plate.####.exr"))
    assert (found.frames, found.left_out) == ((-10000, -1, 1), ("plate.-0002.exr",))


def test_a_folder_named_like_a_frame_is_none(tmp_path):
    touch(tmp_path, "plate.1001.exr")
    (tmp_path / "plate.1002.exr").mkdir()
    assert find_sequence(str(tmp_path / "plate.####.exr")).frames == (1001,)


@pytest.mark.skipif(os.name != "posix", reason="links need a right there")
def test_a_link_that_leads_nowhere_is_a_frame(tmp_path):
    touch(tmp_path, "plate.1001.exr")
    (tmp_path / "plate.1002.exr").symlink_to("plate.1002.exr")
    for named in (tmp_path, tmp_path / "plate.####.exr"):
        assert find_sequence(str(named)).frames == (1001, 1002)


def test_frames_of_more_digits_than_the_padding_belong_to_the_sequence(tmp_path):
    touch(tmp_path, "plate.9999.exr", "plate.10000.exr", "._plate.9999.exr")
    assert find_sequence(str(tmp_path)).frames == (9999, 10000)


def test_a_near_match_is_offered(tmp_path):
    touch(tmp_path, "plate_v2.1001.exr")
    with pytest.raises(UsageError, match=r"plate_v2\.####\.exr"):
        find_sequence(str(tmp_path / "plate_v1.####.exr"))


def test_frame_fields_are_seen_in_the_name_alone():
    assert has_frame_field("a/b.%04d.exr") and has_frame_field("b.#.exr") and has_frame_field("b.@@@.exr")
    assert not has_frame_field("shots%04d/b.exr")


class TestFilesFoundAmongSequences:
    """Whether what is to be written is what is read."""

    @pytest.fixture
    def plate(self, tmp_path):
        touch(tmp_path / "plate", "p.1001.exr", "p.1002.exr")
        return find_sequence(str(tmp_path / "plate" / "p.####.exr"))

    def test_a_file_of_a_sequence_is_and_one_beside_it_is_not(self, plate, tmp_path):
        beside = [tmp_path / "plate" / "m.1001.exr", tmp_path / "out" / "p.1001.exr"]
        for path in beside:
            touch(path.parent, path.name)
        assert found_among([*beside, plate.path(1002)], [plate]) == plate.path(1002)
        assert found_among([*beside, tmp_path / "p.1001.exr"], [plate]) is None

    def test_by_a_link_to_its_folder(self, plate, tmp_path):
        (tmp_path / "link").symlink_to("plate")
        path = tmp_path / "link" / "p.1001.exr"
        assert found_among([path], [plate]) == path

    def test_by_a_link_to_the_file(self, plate, tmp_path):
        (tmp_path / "link.exr").symlink_to(plate.path(1001))
        assert found_among([tmp_path / "link.exr"], [plate]) == tmp_path / "link.exr"

    def test_where_the_sequence_is_made_of_links(self, plate, tmp_path):
        (tmp_path / "links").mkdir()
        for frame in (1, 2):
            (tmp_path / "links" / f"p.{frame:04d}.exr").symlink_to(plate.path(1000 + frame))
        linked = find_sequence(str(tmp_path / "links" / "p.####.exr"))
        assert found_among([tmp_path / "no.exr", plate.path(1002)], [linked]) == plate.path(1002)
        still = find_sequence(str(tmp_path / "links" / "p.0001.exr"))
        assert found_among([plate.path(1001)], [still]) == plate.path(1001)
        assert found_among([plate.path(1002)], [still]) is None

    def test_however_many_frames_a_folder_is_resolved_once(self, tmp_path, monkeypatch):
        touch(tmp_path / "plate", *(f"p.{frame}.exr" for frame in range(1001, 1101)))
        touch(tmp_path / "out", *(f"m.{frame}.exr" for frame in range(1001, 1101)))
        resolved, real = [], os.path.realpath
        monkeypatch.setattr(os.path, "realpath", lambda path: resolved.append(path) or real(path))
        plate = find_sequence(str(tmp_path / "plate"))
        assert found_among([tmp_path / "out" / f"m.{frame}.exr" for frame in plate.frames], [plate] * 3) is None
        assert len(resolved) == 2


@pytest.mark.parametrize(
    ("name", "others", "pattern"),
    [
        ("plate.1002.exr", ["plate.1001.exr", "plate.1010.exr", "plate.99.exr", "plate.1003.png"], "plate.####.exr"),
        ("a_0002.png", ["a_0001.png", "a_3.png", "a_0010.png"], "a_####.png"),
        ("p.-02.exr", ["p.-01.exr", "p.001.exr"], "p.###.exr"),
    ],
)
def test_around_a_file_are_those_that_are_numbered_alike(tmp_path, name, others, pattern):
    around = sequence_around(touch(tmp_path, name, *others) / name)
    assert around.pattern == str(tmp_path / pattern) and len(around.frames) == 3


@pytest.mark.parametrize("name", ["plate.exr", "plate.1001.exr", "sh010_v002.exr", "v2.exr", "other.1.exr"])
def test_around_a_single_file_or_a_version_there_is_nothing(tmp_path, name):
    folder = touch(tmp_path, "plate.exr", "plate.1001.exr", "sh010_v001.exr", "sh010_v002.exr", "v1.exr", "v2.exr")
    assert sequence_around(folder / name) is None


class TestAVersionIsNoFrame:
    def test_of_a_file_that_is_named(self, tmp_path):
        touch(tmp_path, "portrait_v02.exr", "portrait.0007.exr")
        assert find_sequence(str(tmp_path / "portrait_v02.exr")).frames == (1,)
        assert find_sequence(str(tmp_path / "portrait.0007.exr")).frames == (7,)

    def test_of_the_one_file_in_a_folder(self, tmp_path):
        touch(tmp_path, "portrait_v02.exr")
        found = find_sequence(str(tmp_path))
        assert found.still and found.frames == (1,) and found.path(1) == tmp_path / "portrait_v02.exr"

    def test_so_two_of_them_are_no_sequence(self, tmp_path):
        touch(tmp_path, "portrait_v01.exr", "portrait_v02.exr")
        with pytest.raises(UsageError, match=r"2 versions \(portrait_v01.exr, portrait_v02.exr\)"):
            find_sequence(str(tmp_path))


def test_a_folder_of_frames_whose_sign_is_before_the_padding_is_one_sequence_that_says_so(tmp_path):
    touch(tmp_path, *(f"p.{'-' if frame < 0 else ''}{abs(frame):03d}.exr" for frame in range(-3, 4)))
    found = find_sequence(str(tmp_path))
    assert (os.path.basename(found.pattern), found.frames) == ("p.###.exr", (0, 1, 2, 3))
    assert found.left_out == ("p.-001.exr", "p.-002.exr", "p.-003.exr")
