"""Clips on disk: found, matched, read."""

import numpy as np
import OpenEXR
import pytest
from PIL import Image

from nuke_matting.errors import MattingError, PlateError, UsageError
from nuke_matting.quality.clips import ALONE, Clip, find_clips, match_clips, measure, read_sample


def png(path, value=255, size=(8, 6)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, value).save(path)


def exr(path, value, data=(0, 0, 7, 5), display=(0, 0, 7, 5), channels="A"):
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = data[3] - data[1] + 1, data[2] - data[0] + 1
    header = {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "dataWindow": ((data[0], data[1]), (data[2], data[3])),
        "displayWindow": ((display[0], display[1]), (display[2], display[3])),
    }
    planes = {name: np.full((height, width), value, np.float32) for name in channels}
    OpenEXR.File(header, planes).write(str(path))


@pytest.fixture
def clip(tmp_path) -> Clip:
    """Three frames, the mattes 0.5 lower than the truth."""
    for frame in (1, 2, 3):
        exr(tmp_path / f"a/m.{frame:04d}.exr", 0.5)
        exr(tmp_path / f"t/t.{frame:04d}.exr", 1.0)
    return one(match_clips(find_clips(str(tmp_path / "a")), find_clips(str(tmp_path / "t"))))


def one(found):
    assert len(found) == 1
    return found[0]


def test_a_sequence_is_one_clip(tmp_path):
    png(tmp_path / "a" / "m.0001.png")
    for where in ("a", "a/m.####.png", "a/m.%04d.png", "a/m.0001.png"):
        assert list(find_clips(str(tmp_path / where))) == [ALONE]


def test_a_folder_of_folders_is_a_set_of_clips(tmp_path):
    png(tmp_path / "a" / "walk" / "m.0001.png")
    png(tmp_path / "a" / "talk" / "0001.png")
    (tmp_path / "a" / ".hidden").mkdir()
    found = find_clips(str(tmp_path / "a"))
    assert list(found) == ["talk", "walk"] and found["walk"].frames == (1,)


def test_a_star_stands_for_the_clips_name(tmp_path):
    for name in ("walk", "talk"):
        png(tmp_path / name / "out" / "alpha.0001.png")
        png(tmp_path / name / "out" / "plate.0001.png")
    found = find_clips(str(tmp_path / "*" / "out" / "alpha.####.png"))
    assert list(found) == ["talk", "walk"] and found["talk"].path(1).name == "alpha.0001.png"
    with pytest.raises(UsageError, match="no clip is there"):
        find_clips(str(tmp_path / "*" / "nothing" / "alpha.####.png"))


def test_a_folder_of_single_pictures_is_a_set_of_clips(tmp_path):
    for name in ("anna.png", "bo.png"):
        png(tmp_path / "a" / name)
    assert list(find_clips(str(tmp_path / "a"))) == ["anna", "bo"]


def test_two_pictures_of_one_name_are_refused(tmp_path):
    for name in ("anna.png", "anna.jpg", "bo.png"):
        png(tmp_path / name)
    with pytest.raises(UsageError, match=r"both anna\.jpg and anna\.png are clip anna"):
        find_clips(str(tmp_path))


@pytest.mark.parametrize("beside", [["plate.0001.png", "plate.0002.png"], ["thumbnail.png"]])
def test_frames_of_a_sequence_that_is_not_alone_are_no_clips_of_their_own(tmp_path, beside):
    for name in ("m.0001.png", "m.0002.png", *beside):
        png(tmp_path / name)
    with pytest.raises(UsageError, match=r"the folder holds 2 sequences .*m\.####\.png"):
        find_clips(str(tmp_path))


def test_single_pictures_of_which_some_are_numbered_are_clips(tmp_path):
    for name in ("p_015dd22e.png", "p_12345678.png", "p_87654321.png", "p_f30ab.png"):
        png(tmp_path / name)
    assert len(find_clips(str(tmp_path))) == 4


def test_a_clip_of_a_set_that_cannot_be_found_leaves_the_others(tmp_path):
    png(tmp_path / "a" / "walk" / "m.0001.png")
    (tmp_path / "a" / "empty").mkdir()
    found = find_clips(str(tmp_path / "a"))
    assert isinstance(found["empty"], UsageError) and found["walk"].frames == (1,)
    error, clip = match_clips(found, found)
    assert isinstance(error, MattingError) and clip.name == "walk"


def test_what_means_nothing_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    for where in ("", str(tmp_path / "empty"), str(tmp_path / "no.####.exr")):
        with pytest.raises(UsageError):
            find_clips(where)


def test_a_clip_without_mattes_is_an_error_that_names_it(tmp_path):
    for name in ("t/walk/1.png", "t/talk/1.png", "a/walk/1.png", "a/more/1.png"):
        png(tmp_path / name)
    missing, walk = match_clips(find_clips(str(tmp_path / "a")), find_clips(str(tmp_path / "t")))
    assert "talk" in str(missing) and walk.name == "walk"


def test_clips_that_do_not_belong_together_are_refused(tmp_path):
    for name in ("t/walk/1.png", "a/talk/1.png", "one/m.1.png"):
        png(tmp_path / name)
    a, t, single = (find_clips(str(tmp_path / name)) for name in ("a", "t", "one/m.#.png"))
    with pytest.raises(UsageError, match="no name in common: talk and walk"):
        match_clips(a, t)
    with pytest.raises(UsageError, match="one clip cannot be compared with a set of 1"):
        match_clips(single, t)


def test_sequences_without_a_frame_in_common_are_refused(tmp_path):
    for name in ("a/m.0001.png", "a/m.0002.png", "t/m.1001.png", "t/m.1002.png"):
        png(tmp_path / name)
    with pytest.raises(UsageError, match="frames 1-2 have no truth: that has 1001-1002"):
        match_clips(find_clips(str(tmp_path / "a")), find_clips(str(tmp_path / "t")))


def test_the_truths_frames_are_measured(tmp_path, clip):
    assert clip.frames == (1, 2, 3)
    png(tmp_path / "still.png")
    still, sequence = find_clips(str(tmp_path / "still.png")), find_clips(str(tmp_path / "a"))
    assert one(match_clips(sequence, still)).frames == (1, 2, 3)
    assert one(match_clips(find_clips(str(tmp_path / "a/m.0002.exr")), sequence)).frames == (2,)


def test_a_clip_is_measured_frame_by_frame(clip):
    found = dict(measure(clip))
    assert [each["mad"] for each in found.values()] == [500] * 3
    assert ["dtssd" in each for each in found.values()] == [False, True, True]
    assert "dtssd" not in dict(measure(clip, (3, 1)))[3]


def test_a_broken_frame_leaves_the_others_and_costs_the_next_its_flicker(clip):
    clip.alpha.path(2).write_bytes(b"broken")
    found = dict(measure(clip))
    assert isinstance(found[2], PlateError) and found[2].frame == 2 and "m.0002.exr" in str(found[2])
    assert found[3]["mad"] == 500 and "dtssd" not in found[3]


def test_a_missing_frame_of_either_side_is_named(clip):
    clip.truth.path(1).unlink()
    clip.alpha.path(2).unlink()
    found = dict(measure(clip, (1, 2, 3, 4)))
    assert found[1].path == str(clip.truth.path(1)) and found[2].path == str(clip.alpha.path(2))
    assert all(found[frame].frame == frame and "missing" in found[frame].what for frame in (1, 2, 4))


def test_sizes_that_differ_are_told_with_file_and_frame(clip):
    exr(clip.alpha.path(2), 1.0, data=(0, 0, 15, 9), display=(0, 0, 15, 9))
    error = dict(measure(clip))[2]
    assert error.frame == 2 and error.path == str(clip.alpha.path(2))
    assert error.what == "is 16x10 and its true alpha 8x6"


def test_alphas_are_compared_over_the_format_and_cut_to_their_range(clip):
    exr(clip.alpha.path(1), 7.0, data=(2, 1, 20, 3))
    sample = read_sample(clip, 1)
    assert sample.alpha.shape == (6, 8) and sample.alpha.max() == 1
    assert sample.alpha.sum() == 6 * 3 and sample.alpha[1:4, 2:].all()


def test_a_painted_truth_with_a_solid_alpha_is_read_by_its_grey_and_that_is_said(tmp_path):
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    grey, solid = np.full((6, 8), 0.5, np.float32), np.ones((6, 8), np.float32)
    for frame in (1, 2):
        for name in ("truth", "merged"):
            channels = {"R": grey, "G": grey, "B": grey, "A": solid}
            OpenEXR.File(header, channels).write(str(tmp_path / f"{name}.000{frame}.exr"))
    truth, merged = (find_clips(str(tmp_path / f"{name}.####.exr")) for name in ("truth", "merged"))
    said = []
    figures = dict(measure(one(match_clips(merged, truth)), warn=said.append))
    assert figures[1]["mad"] == 500  # the matte's alpha is its alpha: it may be merged with a grey plate
    assert said[0].endswith("truth of frames 1-2 has an alpha that is 1 everywhere: its grey was read in place of it")
    assert said[1].endswith(
        "matte of frames 1-2 has an alpha that is 1 everywhere, which was read, and not the grey picture beside it"
    )
    assert len(said) == 2


def test_a_format_that_no_memory_could_hold_is_damage(clip):
    exr(clip.alpha.path(1), 1.0, display=(0, 0, 2**16, 2**16))
    assert "claims a format" in dict(measure(clip))[1].what


def test_foregrounds_are_compared_in_linear_light(tmp_path):
    for name, value in (("fg", 0.5), ("true", 0.25)):
        exr(tmp_path / f"{name}.0001.exr", value, channels="RGB")
    exr(tmp_path / "t.0001.exr", 1.0)
    Image.new("RGB", (8, 6), (188,) * 3).save(tmp_path / "code.0001.png")  # sRGB 188 is a light of 0.5
    truth, linear, code, true = (
        find_clips(str(tmp_path / name)) for name in ("t.####.exr", "fg.####.exr", "code.####.png", "true.####.exr")
    )
    for foreground in (linear, code):
        clip = one(match_clips(truth, truth, (foreground, true)))
        assert dict(measure(clip))[1]["fg_mse"] == pytest.approx(62.5, rel=0.03)


def test_a_foreground_of_another_size_is_named(tmp_path):
    exr(tmp_path / "fg.0001.exr", 1.0, channels="RGB", data=(0, 0, 3, 3), display=(0, 0, 3, 3))
    exr(tmp_path / "true.0001.exr", 1.0, channels="RGBA")
    fg, true = (find_clips(str(tmp_path / name)) for name in ("fg.####.exr", "true.####.exr"))
    error = dict(measure(one(match_clips(true, true, (fg, true)))))[1]
    assert "fg.0001.exr" in error.path and error.what.startswith("is 4x4")


def test_a_matte_without_a_number_is_compared_with_each_frame_of_a_sequence(tmp_path):
    png(tmp_path / "matte.png")
    for frame in (1001, 1002):
        png(tmp_path / f"t/t.{frame}.png")
    clip = one(match_clips(find_clips(str(tmp_path / "matte.png")), find_clips(str(tmp_path / "t"))))
    assert clip.frames == (1001, 1002)


def test_a_single_truth_with_a_number_is_of_that_frame_alone(tmp_path, clip):
    truth = find_clips(str(tmp_path / "t/t.0002.exr"))
    alone = one(match_clips(find_clips(str(tmp_path / "a")), truth))
    assert alone.frames == (2,) and alone.without_truth == (1, 3)
    assert dict(measure(alone, (2,)))[2]["mad"] == 500
    assert "is of frame 2 alone" in dict(measure(alone, (1,)))[1].what


@pytest.mark.parametrize("name", ["matte.png", "matte_v02.png"])
def test_a_matte_without_a_number_is_compared_with_each_frame_whatever_those_are_numbered(tmp_path, name):
    png(tmp_path / name)
    for frame in (1, 2, 3):
        png(tmp_path / f"t/t.{frame:04d}.png")
    clip = one(match_clips(find_clips(str(tmp_path / name)), find_clips(str(tmp_path / "t"))))
    assert clip.frames == (1, 2, 3)


def test_single_files_of_two_frames_are_refused(tmp_path):
    for name in ("m.1001.png", "t.1002.png"):
        png(tmp_path / name)
    with pytest.raises(UsageError, match="frames 1001 have no truth: that has 1002"):
        match_clips(*(find_clips(str(tmp_path / name)) for name in ("m.1001.png", "t.1002.png")))


def test_one_truth_of_several_frames_is_told(tmp_path, clip):
    png(tmp_path / "still.png")
    several = one(match_clips(find_clips(str(tmp_path / "a")), find_clips(str(tmp_path / "still.png"))))
    said = []
    assert len(list(measure(several, warn=said.append))) == 3
    assert len(said) == 1 and "still.png is the truth of all 3 frames" in said[0]


@pytest.mark.parametrize("what", ["truth", "matte"])
def test_a_truth_or_matte_that_is_a_colour_picture_is_warned_of(clip, what):
    header = {"compression": OpenEXR.ZIP_COMPRESSION}
    planes = {name: np.full((6, 8), value, np.float16) for name, value in zip("RGB", (0.2, 0.5, 0.9), strict=True)}
    OpenEXR.File(header, planes).write(str({"truth": clip.truth, "matte": clip.alpha}[what].path(1)))
    said = []
    list(measure(clip, warn=said.append))
    assert said == [f"m.####.exr: the {what} of frames 1 is a colour picture: its red was read"]


@pytest.mark.parametrize(
    "value, said",
    [
        (np.nan, "of frames 2-3 has pixels that are no numbers: they were read as 0"),
        (255.0, "of frames 2-3 goes far beyond 0 to 1, as of another scale: it was cut to them"),
    ],
)
def test_pixels_that_are_no_numbers_and_alphas_of_another_scale_are_warned_of(clip, value, said):
    exr(clip.alpha.path(2), value)
    exr(clip.alpha.path(3), value)
    exr(clip.truth.path(1), 1.02)  # a filter's overshoot
    told = []
    list(measure(clip, warn=told.append))
    assert told == [f"m.####.exr: the matte {said}"]
