"""A shot: any frame, any order, any chunking, the same pixels."""

import errno
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from nuke_matting import Settings, Shot
from nuke_matting.engine import files
from nuke_matting.errors import ColourError, ModelError, PlateError, UsageError
from nuke_matting.plate.reader import read_frame

FRAMES = range(1001, 1007)


@pytest.fixture
def settings(weights):
    return Settings(model=weights, cache=False, fg=True, region_batch=50)


def alphas(shot, frames):
    return {frame: shot.matte(frame).alpha.tobytes() for frame in frames}


def test_the_order_of_frames_changes_no_bit(make_plate, settings):
    plate = make_plate(FRAMES)
    forward = alphas(Shot(plate, settings), FRAMES)
    assert alphas(Shot(plate, settings), reversed(FRAMES)) == forward
    shuffled = list(FRAMES)
    random.Random(3).shuffle(shuffled)
    assert alphas(Shot(plate, settings), shuffled) == forward
    assert {frame: Shot(plate, settings).matte(frame).alpha.tobytes() for frame in FRAMES} == forward


def test_two_halves_in_two_processes_equal_one_run(make_plate, settings, weights, tmp_path):
    plate = make_plate(FRAMES)
    whole = alphas(Shot(plate, settings), FRAMES)
    script = (
        "import sys, pathlib; from nuke_matting import Settings, Shot\n"
        "plate, weights, out, *frames = sys.argv[1:]\n"
        "shot = Shot(plate, Settings(model=weights, cache=False, fg=True, region_batch=50))\n"
        "for frame in map(int, frames): pathlib.Path(out, str(frame)).write_bytes(shot.matte(frame).alpha.tobytes())"
    )
    halves = [list(FRAMES)[:3], list(FRAMES)[3:]]
    running = [
        subprocess.Popen([sys.executable, "-c", script, plate, weights, str(tmp_path), *map(str, half)])
        for half in halves
    ]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    assert {frame: Path(tmp_path, str(frame)).read_bytes() for frame in FRAMES} == whole


def test_the_memory_reads_two_frames_before_and_two_after(make_plate, settings):
    plate = make_plate(FRAMES)
    before = alphas(Shot(plate, settings), FRAMES)
    Path(plate % 1001).write_bytes(Path(plate % 1006).read_bytes())
    after = alphas(Shot(plate, settings), FRAMES)
    assert {frame for frame in FRAMES if before[frame] != after[frame]} == {1001, 1002, 1003}
    Path(plate % 1006).write_bytes(Path(plate % 1004).read_bytes())
    last = alphas(Shot(plate, settings), FRAMES)
    assert {frame for frame in FRAMES if last[frame] != after[frame]} == {1004, 1005, 1006}


def test_a_plan_has_the_date_of_the_newest_file_that_the_matte_is_made_from(make_plate, weights, tmp_path):
    model = Path(shutil.copy(weights, tmp_path / "model.safetensors"))
    plate, clean, guide, keys = (make_plate(FRAMES, name=name) for name in ("plate", "clean", "guide", "keys"))
    settings = Settings(model=str(model), cache=False, clean_plate=clean, guide=guide, keys=keys, key_frames="1006")
    read = [plate % 1003, plate % 1005, plate % 1006, clean % 1003, guide % 1004, keys % 1006, model]
    for ahead, path in enumerate(read, 1):
        date = (2_000_000_000 + ahead) * 10**9
        os.utime(path, ns=(date, date))
        assert Shot(plate, settings).plan(1003).date == date, path
    for path in (keys % 1003, keys % 1005):
        os.utime(path, ns=(3 * 10**18, 3 * 10**18))
    assert Shot(plate, settings).plan(1003).date == date, "what it does not read is of no concern"


def test_a_missing_neighbour_is_replaced_by_the_frame_itself_and_said(make_plate, settings):
    plate = make_plate(FRAMES)
    Path(plate % 1002).unlink()
    matte = Shot(plate, settings).matte(1003)
    assert matte.notes == ("frame 1002 is missing: the memory read the frame itself in its place",)


@pytest.mark.parametrize("kind", ["clean_plate", "guide"])
def test_a_neighbour_that_lacks_what_goes_with_it_is_told_by_that_file(make_plate, settings, kind):
    plate, other = make_plate(FRAMES), make_plate(FRAMES, name="other")
    Path(other % 1002).unlink()
    matte = Shot(plate, settings.replace(**{kind: other}, clean_match=False)).matte(1003)
    why = f"frame 1002 is left out ({other % 1002}: the frame is missing)"
    assert matte.notes[0] == f"{why}: the memory read the frame itself in its place"


def test_a_broken_neighbour_is_replaced_by_the_frame_itself_and_said(make_plate, settings):
    plate = make_plate(FRAMES)
    whole = Path(plate % 1002).read_bytes()
    Path(plate % 1002).write_bytes(whole[: len(whole) // 2])
    matte = Shot(plate, settings).matte(1003)
    assert len(matte.notes) == 1 and "frame 1002 cannot be read" in matte.notes[0]


def test_a_neighbour_whose_colour_cannot_be_known_is_replaced_by_the_frame_itself_and_said(make_plate, settings):
    plate = make_plate(FRAMES)
    (other,) = OpenEXR.File(plate % 1002, separate_channels=True).parts
    planes = {name: channel.pixels for name, channel in other.channels.items()}
    OpenEXR.File({**other.header, "colorInteropID": "data"}, planes).write(plate % 1002)
    matte = Shot(plate, settings).matte(1003)
    assert len(matte.notes) == 1 and matte.notes[0].startswith("frame 1002 is left out")
    with pytest.raises(ColourError):
        Shot(plate, settings).matte(1002)


@pytest.mark.parametrize("frame", [FRAMES[0], FRAMES[1], FRAMES[-2], FRAMES[-1]])
def test_at_the_ends_of_a_shot_a_missing_neighbour_is_no_news(make_plate, settings, frame):
    assert Shot(make_plate(FRAMES), settings).matte(frame).notes == ()


def test_a_frame_that_is_missing_or_broken_is_an_error_with_its_name(make_plate, settings):
    plate = make_plate(FRAMES)
    shot = Shot(plate, settings)
    with pytest.raises(PlateError, match=r"plate\.2000\.exr \(frame 2000\)"):
        shot.matte(2000)
    Path(plate % 1004).write_bytes(b"no image at all")
    with pytest.raises(PlateError, match=r"plate\.1004\.exr \(frame 1004\): cannot be read"):
        shot.matte(1004)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 200), (200, 1), (7, 9), (37, 65)])
def test_any_frame_size_is_matted_at_that_size(make_plate, settings, height, width):
    matte = Shot(make_plate([1], height, width), settings).matte(1)
    assert matte.alpha.shape == (height, width) and matte.foreground.shape == (height, width, 3)
    assert matte.alpha.min() >= 0 and matte.alpha.max() <= 1


def test_a_plate_that_says_it_is_anamorphic_is_matted_unsqueezed(make_plate, settings):
    plate = make_plate(FRAMES)
    square = alphas(Shot(plate, settings), [1003])
    for frame in FRAMES:
        file = OpenEXR.File(plate % frame, separate_channels=True)
        file.header()["pixelAspectRatio"] = 2.0
        file.write(plate % frame)
    shot = Shot(plate, settings)
    assert shot.load(1003).input.pixel_aspect == 2 and shot.matte(1003).alpha.shape == (36, 64)
    assert alphas(shot, [1003]) != square


def test_neighbours_of_another_size_are_read_all_the_same(make_plate, settings):
    make_plate([1001], 20, 30)
    matte = Shot(make_plate([1002], 36, 64), settings).matte(1002)
    assert matte.alpha.shape == (36, 64) and matte.notes == ()


def test_the_foreground_is_the_plate_where_the_alpha_is_one(make_plate, settings):
    plate = make_plate(FRAMES)
    matte = Shot(plate, settings).matte(1003)
    solid = matte.alpha >= 1
    assert np.array_equal(matte.foreground[solid], read_frame(Path(plate % 1003), 1003).pixels[solid])


def test_a_clean_plate_and_a_guide_are_used(make_plate, settings):
    plate = make_plate(FRAMES)
    clean, guide = make_plate([1], name="clean") % 1, make_plate(FRAMES, name="guide")
    plain = Shot(plate, settings).matte(1003).alpha
    for changes in ({"clean_plate": clean}, {"guide": guide}):
        assert not np.array_equal(Shot(plate, settings.replace(**changes)).matte(1003).alpha, plain)


def test_a_clean_plate_sequence_must_cover_the_frame(make_plate, settings):
    clean = make_plate([1001], name="clean")
    shot = Shot(make_plate(FRAMES), settings.replace(clean_plate=clean))
    shot.matte(1001)
    with pytest.raises(PlateError, match=r"clean.*1003.*single file"):
        shot.matte(1003)


def test_pixels_that_are_not_finite_are_counted_and_do_no_harm(make_plate, settings):
    import OpenEXR

    plate = make_plate([1])
    bad = np.full((36, 64), 0.5, np.float16)
    bad[3, 4], bad[5, 6] = np.nan, np.inf
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION}, dict.fromkeys("RGB", bad)).write(plate % 1)
    matte = Shot(plate, settings).matte(1)
    assert "2 pixels of the plate are not finite" in matte.notes[0]
    assert np.isfinite(matte.alpha).all()


@pytest.mark.parametrize("pixel", [(2.5e38,) * 3, (3.4e38, -3.4e38, 3.4e38), (-1e38, 1e38, 0)], ids=str)
def test_a_pixel_beyond_any_light_is_counted_and_does_no_harm(make_plate, settings, pixel):
    plate = make_plate([1, 2])
    picture = np.full((36, 64, 3), 0.5, np.float32)
    picture[3, 4] = pixel
    channels = {name: np.ascontiguousarray(picture[..., n]) for n, name in enumerate("RGB")}
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION}, channels).write(plate % 1)
    shot = Shot(plate, settings)
    matte = shot.matte(1)
    assert "1 pixels of the plate hold more than any light" in matte.notes[0]
    assert np.isfinite(matte.alpha).all() and np.isfinite(matte.foreground).all()
    assert np.array_equal(read_frame(Path(plate % 1), 1).pixels, picture), "the plate itself is not clamped"
    assert np.isfinite(shot.matte(2).alpha).all(), "nor does it harm a frame that has it in memory"


def test_an_alpha_that_is_not_finite_is_refused(make_plate, settings, monkeypatch):
    shot = Shot(make_plate([1]), settings)
    answer = shot.model.matte

    def broken(*args):
        raw = answer(*args)
        raw.alpha[0, 0] = np.nan
        return raw

    monkeypatch.setattr(shot.model, "matte", broken)
    with pytest.raises(ModelError, match=r"frame 1\).*not finite"):
        shot.matte(1)


class TestCache:
    def test_the_second_time_a_matte_comes_from_the_cache_bit_for_bit(self, make_plate, settings):
        plate, cached = make_plate(FRAMES), settings.replace(cache=True)
        first, second = Shot(plate, cached).matte(1003), Shot(plate, cached).matte(1003)
        assert (first.cached, second.cached) == (False, True)
        assert first.alpha.tobytes() == second.alpha.tobytes()
        assert first.foreground.tobytes() == second.foreground.tobytes()
        assert (first.data_window, first.display_window) == (second.data_window, second.display_window)

    @pytest.mark.parametrize("changed", [1001, 1002, 1003, 1004, 1005])
    def test_a_changed_file_of_the_frame_or_its_memory_is_another_matte(self, make_plate, settings, changed):
        plate, cached = make_plate(FRAMES), settings.replace(cache=True)
        Shot(plate, cached).matte(1003)
        Path(plate % changed).write_bytes(Path(plate % 1006).read_bytes())
        assert not Shot(plate, cached).matte(1003).cached

    def test_a_matte_is_not_kept_if_a_file_changed_between_planning_and_reading(self, make_plate, settings):
        plate, cached = make_plate(FRAMES), settings.replace(cache=True)
        shot, neighbour = Shot(plate, cached), Path(plate % 1004)
        plan = shot.plan(1003)
        neighbour.rename(plate % 2004)
        matte = shot.infer(plan, shot.load(1003))
        shot.keep(matte)
        Path(plate % 2004).rename(neighbour)
        assert not matte.key and not Shot(plate, cached).matte(1003).cached

    def test_a_changed_file_elsewhere_is_not(self, make_plate, settings):
        plate, cached = make_plate(FRAMES), settings.replace(cache=True)
        Shot(plate, cached).matte(1003)
        Path(plate % 1006).unlink()
        assert Shot(plate, cached).matte(1003).cached

    @pytest.mark.parametrize(
        "change",
        [{"regions": 1.0}, {"colourspace": "ACES2065-1"}, {"precision": "bf16"}, {"region_batch": 9}, {"fg": False}],
    )
    def test_settings_that_change_pixels_are_part_of_the_key(self, make_plate, settings, change):
        plate, cached = make_plate(FRAMES), settings.replace(cache=True)
        Shot(plate, cached).matte(1003)
        assert not Shot(plate, cached.replace(**change)).matte(1003).cached

    def test_settings_that_change_no_pixel_are_not(self, make_plate, settings):
        plate, cached = make_plate(FRAMES), settings.replace(cache=True)
        Shot(plate, cached).matte(1003)
        assert Shot(plate, cached.replace(jobs=5, mode="merge", layer="m.A", premult=True)).matte(1003).cached

    def test_a_clean_plate_is_part_of_the_key(self, make_plate, settings):
        plate, clean = make_plate(FRAMES), make_plate([1], name="clean") % 1
        cached = settings.replace(cache=True, clean_plate=clean)
        Shot(plate, cached).matte(1003)
        assert Shot(plate, cached).matte(1003).cached
        Path(clean).write_bytes(Path(plate % 1006).read_bytes())
        assert not Shot(plate, cached).matte(1003).cached


class TestFailuresOfTheMoment:
    """A neighbour that could not be read for reasons that pass must not leave its mark under the good matte's key."""

    @pytest.fixture
    def cached(self, settings):
        return settings.replace(cache=True)

    def test_a_full_gpu_fails_the_frame(self, make_plate, cached):
        plate = make_plate(FRAMES)
        shot = Shot(plate, cached)
        encode, count = shot.model.encode, []

        def full(prepared):
            count.append(prepared)
            if len(count) == 2:
                raise ModelError("cuda:0 has no memory left")
            return encode(prepared)

        shot.model.encode = full
        with pytest.raises(ModelError, match="no memory left"):
            shot.matte(1003)
        matte = Shot(plate, cached).matte(1003)
        assert not matte.cached and not matte.notes

    @pytest.mark.parametrize("what, times", [("cannot be read (truncated)", 1), (os.strerror(errno.EIO), 99)])
    def test_a_disk_that_did_not_answer_leaves_no_matte_behind(self, make_plate, cached, monkeypatch, what, times):
        plate, read, asked = make_plate(FRAMES), read_frame, []

        def flaky(path, number):
            if number != 1003 and len(asked) < times:
                asked.append(number)
                raise PlateError(what, path=path, frame=number)
            return read(path, number)

        with monkeypatch.context() as patched:
            patched.setattr("nuke_matting.engine.shot.read_frame", flaky)
            matte = Shot(plate, cached).matte(1003)
        assert not matte.key and "not cached" in matte.notes[-1]
        again = Shot(plate, cached).matte(1003)
        assert not again.cached and not again.notes and again.key

    def test_a_file_that_is_damaged_is_so_the_next_time_and_its_neighbours_are_kept(self, make_plate, cached):
        plate = make_plate(FRAMES)
        whole = Path(plate % 1002).read_bytes()
        Path(plate % 1002).write_bytes(whole[: len(whole) // 2])
        first, again = Shot(plate, cached).matte(1003), Shot(plate, cached).matte(1003)
        assert first.key and again.cached and len(again.notes) == 1


class TestDataWindowsThatDiffer:
    """Two discs that look alike, of which the left one is keyed; the next frame shows the right one alone."""

    @pytest.fixture
    def plate(self, tmp_path):
        y, x = np.mgrid[0:64, 0:128].astype(np.float32)
        discs = [(y - 32) ** 2 + (x - middle) ** 2 < 12**2 for middle in (28, 100)]
        picture = (0.1 + 0.5 * (discs[0] | discs[1])).astype(np.float16)
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "displayWindow": ((0, 0), (127, 63))}

        def write(path, left, **channels):
            about = {**header, "dataWindow": ((left, 0), (127, 63))}
            cut = {name: np.ascontiguousarray(each[:, left:]) for name, each in channels.items()}
            OpenEXR.File(about, cut).write(str(path))

        for frame, left in ((1001, 0), (1002, 64)):
            write(tmp_path / f"p.{frame}.exr", left, **dict.fromkeys("RGB", picture))
        write(tmp_path / "key.1001.exr", 0, A=discs[0].astype(np.float16))
        return tmp_path

    def test_a_key_is_told_of_the_object_that_it_is_of(self, plate, settings):
        shot = Shot(plate / "p.####.exr", settings.replace(keys=str(plate / "key.####.exr"), fg=False))
        own, key = (shot.model.encode(shot.load(frame).known.prepared) for frame in (1002, 1001))
        assert (own.lies, key.lies) == ((0.0, 0.5, 0.5, 0.5), (0.0, 0.0, 0.5, 1.0))

    def test_they_are_part_of_the_key_and_like_ones_are_not(self, plate, settings, make_plate, monkeypatch):
        apart, alike = Shot(plate / "p.####.exr", settings), Shot(make_plate(FRAMES), settings)
        keys = [apart.plan(1002).key, alike.plan(1003).key]
        monkeypatch.setattr(files.Files, "lies", lambda own, frame: None)
        assert apart.plan(1002).key != keys[0] and alike.plan(1003).key == keys[1]


class TestNotesOfAMatteFromTheCache:
    """The key knows what was read, and not why: a frame at the end of a shot and one beside a hole are the same."""

    HOLE = ("frame 1004 is missing: the memory read the frame itself in its place",)

    @pytest.mark.parametrize("hole_first", [True, False])
    def test_are_of_the_plan_that_asks_for_it(self, make_plate, settings, tmp_path, hole_first):
        cached = settings.replace(cache=True)
        ended, holed = make_plate([1002, 1003], name="ended"), make_plate([1002, 1003, 1006], name="holed")
        told = {}
        for plate in (holed, ended) if hole_first else (ended, holed):
            matte = Shot(plate, cached).matte(1003)
            told[plate] = matte.notes
        assert matte.cached and told[ended] == () and told[holed][:1] == self.HOLE


def test_a_plate_that_is_not_there_is_refused_at_once(settings, tmp_path):
    with pytest.raises(UsageError):
        Shot(tmp_path / "plate.%04d.exr", settings)


@pytest.mark.parametrize("fast", [True, False])
def test_arithmetic_that_the_processor_only_emulates_is_warned_of(make_plate, settings, monkeypatch, fast):
    monkeypatch.setattr("nuke_matting.engine.remarks.bf16_is_fast", lambda device: fast)
    shot = Shot(make_plate([1]), settings.replace(precision="bf16", device="cpu"))
    assert any("emulates bf16" in each for each in shot.warnings) is not fast
    assert Shot(make_plate([1]), settings.replace(device="cpu")).warnings == ()


class TestOneFileOfASequence:
    """It is matted without its neighbours, which were meant."""

    def test_is_warned_of_with_the_pattern_to_name(self, make_plate, settings):
        plate = make_plate(FRAMES)
        (said,) = Shot(plate % 1002, settings).warnings
        assert said.startswith("the plate is one of 6 files plate.####.exr; give the pattern with --frames 1002")
        assert Shot(plate, settings).warnings == ()

    def test_is_no_news_where_it_is_alone_or_a_version(self, make_plate, settings, tmp_path):
        one = Path(make_plate([1001]) % 1001)
        for name in ("sh010_v01.exr", "sh010_v02.exr"):
            (tmp_path / name).write_bytes(one.read_bytes())
        assert Shot(one, settings).warnings == Shot(tmp_path / "sh010_v02.exr", settings).warnings == ()


def test_a_file_is_opened_once_for_its_header_however_many_frames_read_it(make_plate, settings, monkeypatch):
    opened, real = [], files.read_header
    monkeypatch.setattr(files, "read_header", lambda path, frame: opened.append(frame) or real(path, frame))
    shot = Shot(make_plate(FRAMES), settings.replace(clean_plate=make_plate(FRAMES, name="clean", gain=0.5)))
    keys = [shot.plan(frame).key for frame in FRAMES]
    assert sorted(opened) == sorted([*FRAMES, *FRAMES])
    Path(shot.plate.path(1003)).write_bytes(Path(shot.plate.path(1004)).read_bytes())
    assert shot.plan(1003).key != keys[2]


def test_a_shot_tells_the_space_of_a_frame(make_plate, settings):
    assert Shot(make_plate([1001]), settings).colours.space(1001) == "ACEScg"
    assert (
        Shot(make_plate([1001]), settings.replace(colourspace="lin_rec709")).colours.space(1001)
        == "Linear Rec.709 (sRGB)"
    )


class TestASpaceThatIsAGuess:
    """A file that states primaries which nobody knows is in some space, and most likely not in the one it is given."""

    @pytest.fixture
    def plate(self, tmp_path):
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "chromaticities": (0.5, 0.4, 0.3, 0.5, 0.2, 0.1, 0.31, 0.33)}
        plane = np.full((36, 64), 0.5, np.float16)
        OpenEXR.File(header, {name: plane.copy() for name in "RGB"}).write(str(tmp_path / "p.exr"))
        return tmp_path / "p.exr"

    NOTE = (
        "the plate is taken to be in ACEScg, a guess, as the file's chromaticities are of no known gamut: "
        "name its space with --colourspace",
    )

    def test_is_noted_from_the_cache_too(self, plate, settings):
        shot = Shot(plate, settings.replace(cache=True))
        assert shot.matte(1).notes == self.NOTE
        again = shot.matte(1)
        assert again.cached and again.notes == self.NOTE

    def test_is_none_once_it_was_named(self, plate, settings):
        Shot(plate, settings.replace(cache=True)).matte(1)
        named = Shot(plate, settings.replace(cache=True, colourspace="ACEScg")).matte(1)
        assert named.cached and named.notes == ()

    def test_is_noted_of_a_clean_plate_with_its_own_option(self, plate, make_plate, settings):
        shot = Shot(make_plate([1001]), settings.replace(clean_plate=str(plate), clean_match=False))
        assert shot.plan(1001).notes[0].startswith("the clean plate is taken to be in ACEScg")
        assert "--clean-colourspace" in shot.plan(1001).notes[0]


def test_the_notes_say_which_picture_of_a_file_was_matted(settings, tmp_path):
    plane = np.full((36, 64), 0.5, np.float16)
    channels = {f"{layer}.{each}": plane.copy() for layer in ("diffuse", "spec") for each in "RGB"}
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION}, channels).write(str(tmp_path / "p.exr"))
    assert Shot(tmp_path / "p.exr", settings).matte(1).notes == ("the picture was read from the layer diffuse",)


def test_the_notes_say_which_picture_of_a_clean_plate_was_read(make_plate, settings, tmp_path):
    plane = np.full((36, 64), 0.5, np.float16)
    channels = {f"{layer}.{each}": plane.copy() for layer in ("diffuse", "spec") for each in "RGB"}
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION}, channels).write(str(tmp_path / "c.exr"))
    shot = Shot(make_plate([1001]), settings.replace(clean_plate=str(tmp_path / "c.exr"), clean_match=False))
    assert shot.matte(1001).notes[0] == "the clean plate: the picture was read from the layer diffuse"


class TestAStillThatIsNamedInFull:
    def test_serves_any_frame_with_the_same_matte(self, make_plate, settings, tmp_path):
        one = tmp_path / "portrait_v02.exr"
        one.write_bytes(Path(make_plate([1001]) % 1001).read_bytes())
        shot = Shot(one, settings)
        assert shot.frames == (1,)
        own, other = shot.matte(1), shot.matte(1050)
        assert own.alpha.tobytes() == other.alpha.tobytes() and own.notes == other.notes == ()
        assert (other.frame, other.plate) == (1050, one) and shot.plan(1050).key == shot.plan(1).key

    def test_serves_none_that_has_a_file_of_its_own(self, make_plate, settings):
        shot = Shot(make_plate(FRAMES) % 1002, settings)
        assert shot.plan(2000).references == (2000,) * 4
        with pytest.raises(PlateError, match="this one file, taken for frame 1002"):
            shot.plan(1003)

    def test_has_the_key_matte_of_any_frame(self, make_plate, settings, tmp_path):
        one = tmp_path / "portrait.exr"
        one.write_bytes(Path(make_plate([1001]) % 1001).read_bytes())
        header = {"compression": OpenEXR.ZIP_COMPRESSION}
        OpenEXR.File(header, {"A": np.ones((36, 64), np.float16)}).write(str(tmp_path / "key.1050.exr"))
        shot = Shot(one, settings.replace(keys=str(tmp_path / "key.####.exr")))
        assert (shot.matte(1050).alpha == 1).all()
