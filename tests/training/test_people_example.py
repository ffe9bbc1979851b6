"""The example plate: its time code, its header, its room, its motion."""

from __future__ import annotations

import numpy as np
import OpenImageIO as oiio
import pytest

from nuke_matting.errors import OutputError
from nuke_matting.training.people.example import AP1, defocus, grain, pose_at, room, timecode, write_exr
from nuke_matting.training.people.render import Camera


def attributes(path) -> dict:
    """Every attribute of a file's header."""
    return {each.name: each.value for each in oiio.ImageInput.open(str(path)).spec().extra_attribs}


@pytest.mark.parametrize(("frame", "code"), [(0, 0x0), (23, 0x23), (24, 0x100), (1001, 0x4117), (86400, 0x1000000)])
def test_the_time_code_counts_frames_of_a_second_in_decimal_digits(frame, code):
    assert timecode(frame) == (code, 0)


def test_a_frame_says_its_colour_its_rate_and_its_time(tmp_path):
    path = tmp_path / "plate.1001.exr"
    write_exr(path, np.full((4, 6, 3), 2.5, np.float32), 1001, ("R", "G", "B"), "zip")
    header = attributes(path)
    assert header["colorInteropID"] == "lin_ap1_scene"
    np.testing.assert_allclose(header["chromaticities"], AP1, atol=1e-6)
    assert header["smpte:TimeCode"] == timecode(1001)
    assert header["FramesPerSecond"] == (24, 1)
    np.testing.assert_array_equal(oiio.ImageBuf(str(path)).get_pixels(oiio.FLOAT), 2.5)


def test_an_alpha_is_marked_as_data(tmp_path):
    path = tmp_path / "alpha.1001.exr"
    write_exr(path, np.ones((4, 6, 1), np.float32), 1001, ("A",), "zip")
    assert attributes(path)["colorInteropID"] == "data"
    assert oiio.ImageInput.open(str(path)).spec().channelnames == ("A",)


def test_the_same_frame_makes_the_same_file(tmp_path):
    for name in ("a.exr", "b.exr"):
        write_exr(tmp_path / name, np.ones((4, 6, 3), np.float32), 1001, ("R", "G", "B"), "zip")
    assert (tmp_path / "a.exr").read_bytes() == (tmp_path / "b.exr").read_bytes()


def test_a_folder_that_is_not_there_is_an_error_that_names_the_file(tmp_path):
    with pytest.raises(OutputError, match=r"plate\.1001\.exr \(frame 1001\)"):
        write_exr(tmp_path / "none" / "plate.1001.exr", np.ones((4, 6, 3), np.float32), 1001, ("R", "G", "B"), "zip")


def test_defocus_and_an_even_room_keep_the_light():
    even = room(np.full((32, 64, 3), 3.0, np.float32), Camera(np.array([0, 1.0, 9]), np.array([0.5, 1.2, 0]), 0.6), 0.4)
    np.testing.assert_allclose(even, 3.0, rtol=1e-5)
    spot = np.zeros((41, 41, 3), np.float32)
    spot[20, 20] = 100.0
    disc = defocus(spot, 5.0)
    assert disc.sum() == pytest.approx(300.0, rel=1e-4)
    assert (disc[..., 0] > 0.5).sum() == pytest.approx(np.pi * 25, rel=0.2)


def test_grain_has_no_mean_is_stronger_in_the_light_and_repeats_from_its_seed():
    picture = np.full((200, 200, 3), 0.1, np.float32)
    picture[:, 100:] = 1.0
    noise = grain(picture, 7)
    assert abs(float(noise.mean())) < 3e-4
    assert noise[:, 100:].std() > 2 * noise[:, :100].std()
    np.testing.assert_array_equal(noise, grain(picture, 7))


def test_the_pose_moves_without_jumps():
    times = np.arange(0, 24, 0.25)
    arm = np.array([pose_at(float(time)).points["lowerarm_r"] for time in times])
    assert np.linalg.norm(np.diff(arm, axis=0), axis=1).max() < 0.1
    assert arm[0, 1] < -0.9  # hangs at first
    assert arm[-1, 1] > 0.9  # is up at last
