"""`nuke-matting matte` on what a studio's disks really hold: odd sizes, windows, values, kinds and damage."""

import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

QUICK = ("--device", "cpu", "--region-batch", 50)


def picture(height, width, frame=1):
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    blob = np.exp(-((x - width / 2 - frame) ** 2 + (y - height / 2) ** 2) / (0.1 * width * height + 1))
    return np.stack([blob * 4, blob * 0.5 + 0.1, x / width], 2)


def write(path, pixels, kind="half", origin=(0, 0), display=None):
    """display : x, y, width, height of the display window, if it is not the data window."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width, channels = pixels.shape
    spec = oiio.ImageSpec(width, height, channels, kind)
    spec.x, spec.y = origin
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = display or (*origin, width, height)
    file = oiio.ImageOutput.create(str(path))
    assert file and file.open(str(path), spec) and file.write_image(pixels.astype(np.float32)), oiio.geterror()
    file.close()


def read(path):
    """Pixels as a dictionary of channels, and the windows as x, y, width, height."""
    file = oiio.ImageInput.open(str(path))
    assert file, oiio.geterror()
    spec, pixels = file.spec(), file.read_image("float")
    file.close()
    windows = (spec.x, spec.y, spec.width, spec.height), (
        spec.full_x, spec.full_y, spec.full_width, spec.full_height
    )  # fmt: skip
    return {name: pixels[..., index] for index, name in enumerate(spec.channelnames)}, *windows


def events(done):
    """The JSON lines of a run; each of them has to be one."""
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(isinstance(each, dict) and each["event"] for each in told)
    return told


class FullDisk(io.TextIOBase):
    """A log on a disk without room."""

    def write(self, text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def matte(nuke_matting, weights):
    """Mattes with quick weights and without the cache: matte("plate", ...) -> Ended."""
    return lambda *args: nuke_matting("matte", *args, "--model", weights, "--no-cache", *QUICK)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (9, 1), (37, 53), (8, 130)])
def test_a_matte_has_the_size_of_its_plate_whatever_that_is(matte, tmp_path, height, width):
    for frame in (1, 2):
        write(tmp_path / "plate" / f"p.{frame:04d}.exr", picture(height, width, frame))
    done = matte("plate", "--fg", "--out", "o.####.exr")
    assert done.returncode == 0, done.stderr
    for frame in (1, 2):
        channels, data, _ = read(tmp_path / f"o.{frame:04d}.exr")
        assert data == (0, 0, width, height)
        assert all(np.isfinite(values).all() for values in channels.values())
        assert channels["A"].min() >= 0 and channels["A"].max() <= 1


@pytest.mark.parametrize("mode", ["sidecar", "merge"])
@pytest.mark.parametrize(
    ("origin", "size"),
    [((5, 5), (20, 30)), ((-8, -7), (50, 80)), ((200, -300), (20, 30))],
    ids=["smaller", "larger", "off"],
)
def test_both_windows_are_those_of_the_plate(matte, tmp_path, mode, origin, size):
    write(tmp_path / "p.0001.exr", picture(*size), origin=origin, display=(0, 0, 64, 36))
    assert matte("p.0001.exr", "--mode", mode, "--out", "o.exr").returncode == 0
    channels, data, display = read(tmp_path / "o.exr")
    assert (data, display) == ((*origin, size[1], size[0]), (0, 0, 64, 36))
    assert channels["A"].shape == size


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rows", [36, 5], ids=["all", "some"])
def test_a_plate_of_no_numbers_is_counted_kept_and_does_no_harm(matte, tmp_path, value, rows):
    pixels = picture(36, 64)
    pixels[:rows] = value
    write(tmp_path / "p.0001.exr", pixels)
    done = matte("p.0001.exr", "--fg", "--mode", "merge", "--out", "o.exr", "--json")
    frame = next(each for each in events(done) if each["event"] == "frame")
    assert done.returncode == 0 and any(f"{rows * 64} pixels" in note for note in frame["notes"])
    channels, _, _ = read(tmp_path / "o.exr")
    plate, _, _ = read(tmp_path / "p.0001.exr")
    assert all(np.array_equal(channels[name], plate[name], equal_nan=True) for name in "RGB")
    assert all(np.isfinite(values).all() for name, values in channels.items() if name not in set("RGB"))


@pytest.mark.parametrize(
    ("suffix", "kind", "space"),
    [("png", "uint8", "sRGB"), ("tif", "uint16", "sRGB"), ("jpg", "uint8", "sRGB"), ("dpx", "uint16", "compositing_log")],
)  # fmt: skip
def test_plates_that_are_no_exr_are_matted_in_a_space_of_their_kind(matte, tmp_path, suffix, kind, space):
    for frame in (1, 2):
        write(tmp_path / "plate" / f"p.{frame:04d}.{suffix}", np.clip(picture(36, 64, frame), 0, 1), kind)
    done = matte("plate", "--out", "o.####.exr", "--json")
    assert done.returncode == 0 and space in events(done)[0]["colour"]
    assert read(tmp_path / "o.0002.exr")[0]["A"].shape == (36, 64)


@pytest.mark.parametrize("given", [["--frames", "-3--2"], ["--frames=-3--2"], ["--frames", "-3,-2"]])
def test_negative_frames_are_asked_for_like_any_other(matte, tmp_path, given):
    for frame in range(-3, 2):
        write(tmp_path / "plate" / f"p.{frame:04d}.exr", picture(8, 8, frame))
    done = matte("plate", *given, "--out", "o.####.exr")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.glob("*.exr")) == ["o.-002.exr", "o.-003.exr"]


@pytest.mark.parametrize("mode", ["sidecar", "merge"])
def test_a_truncated_frame_in_the_middle_costs_that_frame_alone(matte, make_plate, tmp_path, mode):
    plate = make_plate(range(1001, 1007))
    bad = Path(plate % 1003)
    bad.write_bytes(bad.read_bytes()[: bad.stat().st_size * 2 // 3])
    done = matte(plate, "--mode", mode, "--out", "o.####.exr", "--json")
    told = events(done)
    errors = [each for each in told if each["event"] == "error"]
    assert done.returncode == 1 and told[-1] == {**told[-1], "event": "done", "frames": 5, "failed": 1}
    assert [(each["frame"], each["kind"]) for each in errors] == [(1003, "plate")] and str(bad) in errors[0]["text"]
    assert sorted(path.name for path in tmp_path.glob("*.exr")) == [
        f"o.{n}.exr" for n in (1001, 1002, 1004, 1005, 1006)
    ]
    notes = {each["frame"]: each["notes"] for each in told if each["event"] == "frame"}
    reading = {1001, 1002, 1004, 1005}  # whose memory would have read it
    assert {frame for frame, said in notes.items() if said} == reading
    assert all("frame 1003" in said for frame in reading for said in notes[frame])


def test_people_are_told_of_a_failed_frame_in_one_line_and_it_counts_as_failed(matte, make_plate):
    plate = make_plate(range(1001, 1004))
    Path(plate % 1002).write_bytes(b"broken")
    lines = matte(plate, "--out", "o.####.exr").stderr.splitlines()
    assert sum(line.startswith("error: ") and "frame 1002" in line for line in lines) == 1
    assert any(line.startswith("frame 1003  3/3  ") for line in lines)
    assert lines[-1] == "1 frame FAILED, each is named above; the others are o.####.exr"
    assert "2 frames in" in lines[-2] and "1 failed" in lines[-2]


def test_quiet_says_the_errors_and_nothing_else(matte, make_plate):
    plate = make_plate(range(1001, 1005))
    Path(plate % 1002).unlink()
    Path(plate % 1003).write_bytes(b"broken")
    done = matte(plate, "--out", "o.####.exr", "--quiet", "--frames", "1001-1004")
    assert (done.returncode, done.stdout) == (1, "")
    assert [re.search(r"\(frame (\d+)\)", line)[1] for line in done.stderr.splitlines()] == ["1002", "1003"]


def test_the_number_of_jobs_changes_no_bit(matte, make_plate, tmp_path):
    plate = make_plate(range(1001, 1007))
    for jobs in (1, 3, 64):
        assert matte(plate, "--jobs", jobs, "--out", f"jobs{jobs}/o.####.exr").returncode == 0
    made = {jobs: [read(path)[0]["A"].tobytes() for path in sorted((tmp_path / f"jobs{jobs}").iterdir())] for jobs in (1, 3, 64)}  # fmt: skip
    assert len(made[1]) == 6 and made[1] == made[3] == made[64]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_utf_8_is_told(matte, tmp_path):
    folder = os.fsencode(tmp_path) + b"/lat\xe9"
    write(tmp_path / "plain" / "p.0001.exr", picture(8, 8))
    try:
        os.rename(tmp_path / "plain", folder)
    except OSError:
        pytest.skip("this file system has no such names")
    done = matte(os.fsdecode(folder), "--out", "o.exr", "--json")
    error = next(each for each in events(done) if each["event"] == "error")
    assert done.returncode == 1 and "not UTF-8" in error["what"] and "rename" in error["advice"]


def test_one_file_has_one_frame_and_says_how_to_name_the_others(matte, make_plate):
    plate = make_plate(range(1001, 1004))
    done = matte(plate % 1002, "--frames", "1002-1003", "--out", "o.####.exr", "--quiet")
    assert done.returncode == 1 and "this one file, taken for frame 1002" in done.stderr and "####" in done.stderr


class TestWrongUse:
    """Exit code 2, one line, after the plate's where that is not at fault, nothing written."""

    def refused(self, done, *says):
        assert done.returncode == 2 and done.stdout == ""
        lines = [each for each in done.stderr.splitlines() if not each.startswith("plate   ")]
        assert len(lines) == 1 and all(each in lines[0] for each in says), done.stderr

    @pytest.mark.parametrize(
        ("args", "says"),
        [
            ((), "PLATE"),
            (("plate", "--jobs", "two"), "--jobs"),
            (("plate", "--jobs", "0"), "outside 1..64"),
            (("plate", "--cache-size", "inf"), "cache-size"),
            (("plate", "--regions", "nan"), "regions"),
            (("plate", "--mode", "over"), "sidecar"),
            (("plate", "--frames", ""), "no frame range"),
            (("plate", "--frames"), "--frames"),
            (("plate", "--frames", "5-1"), "ends before it begins"),
            (("plate", "--color", "ACEScg"), "did you mean --color"),
            (("plate", "another"), "another"),
            (("plate", "--out", "o.####.png"), ".exr"),
            (("plate", "--guide", "nowhere.exr"), "nowhere.exr"),
        ],
    )
    def test_each_slip_is_one_line(self, matte, make_plate, tmp_path, args, says):
        make_plate([1, 2])
        self.refused(matte(*args), says)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["plate"]

    @pytest.mark.parametrize(("suffix", "kind"), [("png", "uint8"), ("dpx", "uint16")])
    def test_colour_that_is_no_light_is_not_multiplied_by_an_alpha(self, matte, tmp_path, suffix, kind):
        write(tmp_path / f"p.0001.{suffix}", np.clip(picture(36, 64), 0, 1), kind)
        self.refused(matte(f"p.0001.{suffix}", "--fg", "--premult"), "not scene-linear", "leave premult off")
        assert matte(f"p.0001.{suffix}", "--fg", "--premult", "--colourspace", "ACEScg").returncode == 0

    def test_a_pattern_that_the_shell_took_apart_is_taught(self, matte, make_plate, tmp_path):
        plate = make_plate(range(1001, 1007))
        files = sorted(str(path) for path in (tmp_path / "plate").iterdir())
        self.refused(matte(*files), f"{files[3]} and 2 more; write the plate as {tmp_path}/plate/plate.####.exr;")
        assert str(files[4]) not in matte(*files).stderr
        assert "write the plate" not in matte(plate, "another").stderr

    @pytest.mark.parametrize("name", ["clip.mov", "clip.MP4", "clip.####.mxf"])
    def test_a_movie_is_no_sequence(self, matte, tmp_path, name):
        (tmp_path / name).write_bytes(b"moov")
        self.refused(matte(name), f"{name}: is no image sequence; render it as an EXR sequence")

    def test_a_verb_that_is_none(self, nuke_matting):
        self.refused(nuke_matting("mate", "plate"), "mate", "doctor")
        self.refused(nuke_matting(), "VERB", "--help")

    @pytest.mark.parametrize("out", ["plate/../plate/plate.%04d.exr", "link/plate.@@@@.exr", "clean.0001.exr"])
    def test_an_input_by_another_name_is_not_written_over(self, matte, make_plate, tmp_path, out):
        make_plate([1])
        write(tmp_path / "clean.0001.exr", picture(36, 64))
        (tmp_path / "link").symlink_to("plate")
        inputs = [tmp_path / "plate" / "plate.0001.exr", tmp_path / "clean.0001.exr"]
        before = [path.read_bytes() for path in inputs]
        self.refused(matte("plate", "--clean-plate", inputs[1], "--out", out, "--overwrite"), "write over an input")
        assert [path.read_bytes() for path in inputs] == before

    def test_programs_get_it_as_json(self, matte):
        done = matte("nowhere", "--json")
        assert done.returncode == 2 and done.stderr == ""
        assert [(each["event"], each["kind"], each["frame"]) for each in events(done)] == [("error", "usage", None)]


class TestOutputs:
    """What stands in the way of a file is reported for its frame, and the others are written; in that of all, at once."""

    @pytest.mark.parametrize("more", [(), ("--overwrite",)])
    def test_a_folder_where_the_file_should_be(self, matte, make_plate, tmp_path, more):
        (tmp_path / "o.1002.exr").mkdir()
        done = matte(make_plate(range(1001, 1004)), "--out", "o.####.exr", "--quiet", *more)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "o.1002.exr (frame 1002)" in done.stderr
        assert (tmp_path / "o.1001.exr").is_file() and (tmp_path / "o.1003.exr").is_file()

    def test_a_file_where_the_folder_should_be(self, matte, make_plate, tmp_path):
        (tmp_path / "out").write_bytes(b"mine")
        done = matte(make_plate([1001, 1002]), "--out", "out/o.####.exr", "--quiet")
        assert done.returncode == 2 and done.stderr.count("a file stands where a folder should be") == 1
        assert (tmp_path / "out").read_bytes() == b"mine"

    def test_a_matte_that_an_artist_painted_over_is_not_lost(self, matte, make_plate, tmp_path):
        plate = make_plate([1001, 1002])
        assert matte(plate, "--out", "o.####.exr").returncode == 0
        painted = tmp_path / "o.1001.exr"
        write(painted, np.ones((36, 64, 1)))
        before = painted.read_bytes()
        done = matte(plate, "--out", "o.####.exr", "--quiet")
        assert done.returncode == 1 and "o.1001.exr (frame 1001): a file is in the way" in done.stderr
        assert painted.read_bytes() == before
        painted.unlink()
        assert matte(plate, "--out", "o.####.exr").returncode == 0 and painted.exists()

    def test_a_run_that_cannot_remember_its_files_says_so_once(self, matte, make_plate, monkeypatch, tmp_path):
        (tmp_path / "file").write_bytes(b"")
        monkeypatch.setenv("NUKE_MATTING_CACHE", str(tmp_path / "file" / "cache"))
        plate = make_plate([1001, 1002])
        done = matte(plate, "--out", "o.####.exr")
        assert done.returncode == 0 and done.stderr.count("the next run will not know its own files") == 1
        again = matte(plate, "--out", "o.####.exr", "--quiet")
        assert again.returncode == 1 and again.stderr.count("use --overwrite") == 2

    @pytest.mark.parametrize("args", [("matte", "plate", "--json"), ("cache", "info"), ("doctor",)])
    def test_a_log_that_finds_no_room_ends_the_run_in_one_line(self, nuke_matting, make_plate, monkeypatch, args):
        make_plate([1001])
        monkeypatch.setattr(sys, "stdout", FullDisk())
        done = nuke_matting(*args)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1 and "No space left" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals and terminals work otherwise there")
class TestProcesses:
    """What only a process of its own can show."""

    def command(self, plate, weights, out, *more):
        return [sys.executable, "-m", "nuke_matting", "matte", plate, "--model", weights, "--no-cache", "--out", out,
                "--device", "cpu", "--region-batch", "50", *more]  # fmt: skip

    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
    def test_a_kill_that_can_be_heard_is_an_interruption(self, make_plate, weights, tmp_path, name):
        out = tmp_path / "out"
        command = self.command(make_plate(range(1, 121)), weights, f"{out}/o.####.exr", "--quiet")
        heard = lambda: signal.signal(getattr(signal, name), signal.SIG_DFL)  # noqa: E731, the tests may run in nohup
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heard) as run:
            while not list(out.glob("*.exr")) and run.poll() is None:
                time.sleep(0.01)
            run.send_signal(getattr(signal, name))
            _, said = run.communicate(timeout=60)
        answer, end = said.splitlines()
        assert answer.startswith("nuke-matting: stopping after the frame under way")
        assert run.returncode == 130 and end == "nuke-matting: interrupted; run the same command again to go on"
        made = sorted(path.name for path in out.iterdir())
        assert 0 < len(made) < 120 and all(re.fullmatch(r"o\.\d{4}\.exr", each) for each in made)

    def test_an_interruption_is_an_event_in_json(self, make_plate, weights, tmp_path):
        command = self.command(make_plate(range(1, 121)), weights, f"{tmp_path}/out/o.####.exr", "--json")
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
            events = []
            for line in run.stdout:
                events.append(json.loads(line))
                if events[-1]["event"] == "frame":
                    run.send_signal(signal.SIGTERM)
                    break
            events += [json.loads(line) for line in run.stdout]
        assert run.returncode == 130 and events[-1]["event"] == "interrupted"
        assert events[-1]["frames"] >= 1 and events[-1]["failed"] == 0

    def test_an_interruption_while_the_program_loads_is_no_traceback(self):
        code = (
            "import os, signal, sys\n"
            "from nuke_matting.cli.app import main\n"
            "class Interrupts:\n"
            "    def find_spec(self, name, *rest):\n"
            "        if name == 'torch':\n"
            "            os.kill(os.getpid(), signal.SIGTERM)\n"
            "sys.meta_path.insert(0, Interrupts())\n"
            "sys.exit(main(['matte', 'plate.####.exr']))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 130 and done.stderr.startswith("nuke-matting: interrupted")
        assert len(done.stderr.splitlines()) == 1

    def test_a_terminal_shows_a_bar_with_speed_and_time_left(self, make_plate, weights, tmp_path):
        pty = pytest.importorskip("pty")
        plate = make_plate(range(1, 5))
        Path(plate % 2).write_bytes(b"broken")
        ours, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
        with subprocess.Popen(
            self.command(plate, weights, f"{tmp_path}/o.####.exr"), stderr=theirs, stdout=theirs, env=environment
        ):
            os.close(theirs)
            said = b""
            while True:
                try:
                    said += os.read(ours, 65536)
                except OSError:  # the other end is closed
                    break
        os.close(ours)
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode())
        assert "4/4" in text and "frames/s" in text and re.search(r"\d:\d\d:\d\d", text)
        assert text.count("error: ") == 1 and "3 frames in" in text
