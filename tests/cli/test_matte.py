"""`nuke-matting matte`, as a user runs it."""

import argparse
import dataclasses
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from nuke_matting.cli.app import parser
from nuke_matting.cli.matte import add, default_out, gaps_of
from nuke_matting.cli.report import JsonReport
from nuke_matting.engine.shot import Shot
from nuke_matting.errors import ModelError
from nuke_matting.models.two_stage import TwoStageModel
from nuke_matting.plate.reader import read_frame, read_matte
from nuke_matting.plate.sequence import find_sequence
from nuke_matting.settings import options

QUICK = ("--device", "cpu", "--region-batch", 50)


def alphas(folder, pattern="*.exr"):
    return {path.name: read_matte(path, 0)[0].tobytes() for path in sorted(Path(folder).glob(pattern))}


def events(text):
    return [json.loads(line) for line in text.splitlines()]


def test_a_plate_becomes_alphas(nuke_matting, make_plate, weights, tmp_path):
    done = nuke_matting("matte", make_plate(range(1001, 1005)), "--model", weights, *QUICK)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "matte").iterdir()) == [
        f"plate_matte.{n}.exr" for n in range(1001, 1005)
    ]
    assert "4 frames in" in done.stderr and "computed" in done.stderr


@pytest.mark.parametrize("plate", ["plate/plate.%04d.exr", "plate/plate.####.exr", "plate/plate.@@@@.exr", "plate"])
def test_a_plate_may_be_named_in_every_usual_way(nuke_matting, make_plate, weights, tmp_path, plate):
    make_plate([1001])
    assert nuke_matting("matte", plate, "--model", weights, "--out", "o.####.exr", *QUICK).returncode == 0
    assert (tmp_path / "o.1001.exr").exists()


def test_json_tells_everything_a_line_at_a_time(nuke_matting, make_plate, weights):
    plate = make_plate(range(1001, 1004))
    Path(plate % 1002).write_bytes(b"broken")
    done = nuke_matting("matte", plate, "--model", weights, "--json", "--frames", "1001-1004", *QUICK)
    told = events(done.stdout)
    assert done.returncode == 1
    assert [each["event"] for each in told].count("error") == 2
    assert told[0]["event"] == "start" and told[0]["count"] == 4
    assert told[0]["version"] == version("nuke-matting") and len(told[0]["weights"]) == 64
    assert told[-1] == {**told[-1], "event": "done", "frames": 2, "failed": 2}
    errors = {each["frame"]: each for each in told if each["event"] == "error"}
    assert "plate.1002.exr" in errors[1002]["path"] and errors[1002]["kind"] == "plate"
    assert errors[1004]["what"] == "the frame is missing" and errors[1004]["advice"]


def test_lines_of_json_are_whole_whichever_threads_speak(monkeypatch):
    class Slow(io.StringIO):
        """A pipe on which others come in between two writes."""

        def write(self, text):
            time.sleep(0.001)
            return super().write(text)

    monkeypatch.setattr(sys, "stdout", Slow())
    report = JsonReport()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(report.warning, map(str, range(40))))
    assert sorted(int(each["text"]) for each in events(sys.stdout.getvalue())) == list(range(40))


def test_a_second_run_skips_what_is_there_and_overwrite_does_not(nuke_matting, make_plate, weights):
    command = ("matte", make_plate(range(1001, 1004)), "--model", weights, "--json", *QUICK)

    def states(*more):
        return [each["state"] for each in events(nuke_matting(*command, *more).stdout) if each["event"] == "frame"]

    assert states() == ["computed"] * 3
    assert states() == ["skipped"] * 3
    assert states("--overwrite") == ["cached"] * 3
    assert states("--layer", "matte.A") == ["cached"] * 3


def test_a_frame_that_is_skipped_still_says_what_it_lacked(nuke_matting, make_plate, weights):
    command = ("matte", make_plate([1001, 1002, 1004]), "--model", weights, "--json", *QUICK)
    first, again = ([each for each in events(nuke_matting(*command).stdout) if each["event"] == "frame"] for _ in "12")
    assert [each["state"] for each in again] == ["skipped"] * 3
    assert [each["notes"] for each in again] == [each["notes"] for each in first]
    assert all("frame 1003 is missing" in note for each in again for note in each["notes"])


def test_a_stale_matte_is_made_anew(nuke_matting, make_plate, weights):
    plate = make_plate(range(1001, 1006))
    command = ("matte", plate, "--model", weights, "--json", *QUICK)
    nuke_matting(*command)
    Path(plate % 1005).write_bytes(Path(plate % 1001).read_bytes())
    told = {each["frame"]: each["state"] for each in events(nuke_matting(*command).stdout) if each["event"] == "frame"}
    assert told == dict.fromkeys([1001, 1002], "skipped") | dict.fromkeys([1003, 1004, 1005], "computed")


def test_a_file_of_other_origin_is_not_written_over_unless_told_to(nuke_matting, make_plate, weights, tmp_path):
    plate = make_plate(range(1001, 1003))
    (tmp_path / "o.1001.exr").write_bytes(b"a painting")
    command = ("matte", plate, "--model", weights, "--out", "o.####.exr", *QUICK)
    done = nuke_matting(*command)
    assert done.returncode == 1 and "--overwrite" in done.stderr
    assert (tmp_path / "o.1001.exr").read_bytes() == b"a painting" and (tmp_path / "o.1002.exr").exists()
    assert nuke_matting(*command, "--overwrite").returncode == 0
    assert (tmp_path / "o.1001.exr").read_bytes() != b"a painting"


def test_merge_adds_the_alpha_to_a_copy_of_the_plate(nuke_matting, make_plate, weights, tmp_path):
    plate = make_plate([1001])
    assert (
        nuke_matting("matte", plate, "--model", weights, "--mode", "merge", "--out", "m.####.exr", *QUICK).returncode
        == 0
    )
    merged = tmp_path / "m.1001.exr"
    assert np.array_equal(read_frame(merged, 1001).pixels, read_frame(Path(plate % 1001), 1001).pixels)
    assert read_matte(merged, 1001)[0].shape == (36, 64)


class TestProductsOfOnePlate:
    """Mattes and merged files stand side by side; what takes another's place is told before it does."""

    def test_merged_files_leave_mattes_alone(self, nuke_matting, make_plate, weights, tmp_path):
        command = ("matte", make_plate([1001]), "--model", weights, *QUICK)
        nuke_matting(*command)
        before = (tmp_path / "matte/plate_matte.1001.exr").read_bytes()
        done = nuke_matting(*command, "--mode", "merge")
        assert done.returncode == 0 and "other settings" not in done.stderr
        assert (tmp_path / "matte/plate_matte.1001.exr").read_bytes() == before
        assert (tmp_path / "merged/plate_merged.1001.exr").exists()

    def test_files_of_other_settings_are_counted_before_they_are_written_over(self, nuke_matting, make_plate, weights):
        command = ("matte", make_plate([1001, 1002, 1003]), "--model", weights, "--json", *QUICK)
        nuke_matting(*command, "--frames", "1001-1002", "--layer", "matte.A")

        def warnings(*more):
            told = events(nuke_matting(*command, *more).stdout)
            return [each["text"] for each in told[: [each["event"] for each in told].index("frame")] if "text" in each]

        said = "2 files that were made with other settings (layer=matte.A) will be written over; give another --out"
        assert [each.startswith(said) for each in warnings()] == [True]
        assert warnings() == []  # they are up to date
        assert warnings("--fg", "--overwrite") == []  # it was asked for

    def test_a_plate_that_was_rendered_again_is_no_other_setting(self, nuke_matting, make_plate, weights):
        plate = make_plate([1001, 1002])
        command = ("matte", plate, "--model", weights, *QUICK)
        nuke_matting(*command)
        Path(plate % 1001).write_bytes(Path(plate % 1002).read_bytes())
        done = nuke_matting(*command)
        assert "skipped" not in done.stderr and "other settings" not in done.stderr


def test_a_key_matte_is_its_frames_and_is_told_to_the_others(nuke_matting, make_plate, weights, tmp_path):
    plate, painted = make_plate(range(1001, 1004)), make_plate(range(1001, 1004), name="painted")
    command = ("matte", plate, "--model", weights, "--json", *QUICK)
    nuke_matting(*command)
    before = alphas("matte")
    done = nuke_matting(*command, "--keys", painted, "--key-frames", "1002")
    assert [each["state"] for each in events(done.stdout) if each["event"] == "frame"] == ["computed"] * 3, done.stdout
    after = alphas("matte")
    assert all(after[name] != before[name] for name in before)
    red = read_matte(Path(painted % 1002), 1002)[0].clip(0, 1)
    assert after["plate_matte.1002.exr"] == red.tobytes()


def test_key_frames_and_edges_may_be_negative(nuke_matting, make_plate, weights):
    plate = make_plate([7, 8])
    for frame in (7, 8):
        os.rename(plate % frame, plate % -frame)
    done = nuke_matting(
        "matte", plate, "--model", weights, "--keys", plate, "--key-frames", "-8--7", "--edge-shift", "-1.5", *QUICK
    )
    assert done.returncode == 0, done.stderr


def test_quiet_says_nothing_when_all_is_well(nuke_matting, make_plate, weights):
    done = nuke_matting("matte", make_plate([1001]), "--model", weights, "--quiet", *QUICK)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_setting_is_an_option_of_matte():
    """The command line cannot drift from settings.py."""
    verb = argparse.ArgumentParser()
    add(verb)
    assert set(options()) <= {action.dest for action in verb._actions}
    assert all(action.help for action in verb._actions)


class TestWrongUse:
    """Exit code 2, one line that says what, where and what to do."""

    def refused(self, done, *says):
        """What is wrong beside the plate is said after the line that names that."""
        assert done.returncode == 2, done.stderr
        *before, line = done.stderr.strip().splitlines()
        assert all(each.startswith("plate   ") for each in before) and len(before) < 2
        for each in says:
            assert each in line

    def test_a_missing_plate(self, nuke_matting, weights):
        self.refused(
            nuke_matting("matte", "nowhere/plate.%04d.exr", "--model", weights),
            "nowhere",
            "no such folder",
            "check the path",
        )

    def test_an_empty_folder(self, nuke_matting, weights, tmp_path):
        (tmp_path / "empty").mkdir()
        self.refused(nuke_matting("matte", "empty", "--model", weights), "empty", "no images")

    def test_a_file_where_a_folder_should_be(self, nuke_matting, weights, tmp_path):
        (tmp_path / "file").write_bytes(b"")
        self.refused(
            nuke_matting("matte", "file/plate.%04d.exr", "--model", weights), "a file stands where a folder should be"
        )

    @pytest.mark.parametrize("named", ["plate", "./plate/", "guide"])
    def test_mattes_in_a_folder_that_is_named_for_its_sequence(self, nuke_matting, make_plate, weights, named):
        """Mattes there make it two sequences, of which the next run could not tell which is meant."""
        plate, guide = make_plate([1001, 1002]), make_plate([1001, 1002], name="guide")
        plate, guide = (plate, named) if named == "guide" else (named, guide)
        command = ("matte", plate, "--guide", guide, "--model", weights, *QUICK)
        done = nuke_matting(*command, "--out", f"{named}/m.####.exr")
        assert done.returncode == 2 and "/plate.####.exr, or give another --out" in done.stderr
        assert nuke_matting(*command, "--out", "m.####.exr").returncode == 0

    def test_an_unknown_colour_space(self, nuke_matting, make_plate, weights):
        done = nuke_matting("matte", make_plate([1]), "--model", weights, "--colourspace", "ACEScgg")
        self.refused(done, "ACEScgg", "ACEScg")

    def test_a_broken_config(self, nuke_matting, make_plate, weights, tmp_path):
        (tmp_path / "bad.ocio").write_text("not a config")
        self.refused(nuke_matting("matte", make_plate([1]), "--model", weights, "--ocio", "bad.ocio"), "bad.ocio")

    def test_a_damaged_weight_file(self, nuke_matting, make_plate, weights, tmp_path):
        data = Path(weights).read_bytes()
        (tmp_path / "cut.safetensors").write_bytes(data[: len(data) // 2])
        done = nuke_matting("matte", make_plate([1]), "--model", tmp_path / "cut.safetensors")
        self.refused(done, "cut.safetensors", "not a whole safetensors file", "--model")

    def test_an_unknown_model(self, nuke_matting, make_plate):
        done = nuke_matting("matte", make_plate([1]), "--model", "two_stages")
        self.refused(done, "two_stages", "known")
        assert done.stderr.startswith("plate   "), "it is named at once: a model takes its time to open"

    def test_a_gpu_that_is_not_there(self, nuke_matting, make_plate, weights):
        done = nuke_matting("matte", make_plate([1]), "--model", weights, "--device", "cuda:99")
        self.refused(done, "cuda:99", "--device cpu")

    @pytest.mark.parametrize(
        ("args", "says"),
        [
            (
                ("--layer", "rgba.A"),
                "--layer: 'rgba.A' is not of the form rgba.alpha|NAME.A; channel for the alpha: rgba.a",
            ),
            (("--regions", "-1"), "--regions: -1 is outside 0..1000"),
            (("--edge-shift", "99"), "--edge-shift: 99 is outside -50..50 pixels"),
            (
                ("--device", "gpu"),
                "--device: 'gpu' is not of the form auto|cpu|cuda|cuda:N|mps; where the network runs",
            ),
            (("--key-frames", "7"), "--key-frames: there are no keys; give the corrected mattes with --keys"),
        ],
    )
    def test_a_value_that_does_not_fit_is_told_by_its_option(self, nuke_matting, args, says):
        self.refused(nuke_matting("matte", "plate.####.exr", *args), says)

    def test_levels_that_leave_nothing(self, nuke_matting, make_plate, weights):
        done = nuke_matting("matte", make_plate([1]), "--model", weights, "--black-point", 0.7, "--white-point", 0.3)
        self.refused(done, "black-point: 0.7 is not below the white point, 0.3")

    def test_a_key_frame_without_a_matte(self, nuke_matting, make_plate, weights):
        keys = make_plate([1], name="keys")
        done = nuke_matting("matte", make_plate([1, 2]), "--model", weights, "--keys", keys, "--key-frames", "1,2")
        self.refused(done, "there is no key matte of frame 2", "--key-frames")

    def test_frames_that_are_none(self, nuke_matting, make_plate, weights):
        self.refused(
            nuke_matting("matte", make_plate([1]), "--model", weights, "--frames", "1-x"), "1-x", "1001-1100x2"
        )

    def test_an_output_without_a_frame_number(self, nuke_matting, make_plate, weights):
        done = nuke_matting("matte", make_plate([1, 2]), "--model", weights, "--out", "o.exr")
        self.refused(done, "no frame number", "####")

    @pytest.mark.parametrize(
        ("out", "says"), [("o.####.png", "mattes are written as EXR"), ("guide/plate.####.exr", "write over an input")]
    )
    def test_an_output_that_cannot_be_is_told_before_a_model_is_opened(self, nuke_matting, make_plate, out, says):
        guide = make_plate([1, 2], name="guide")
        done = nuke_matting("matte", make_plate([1, 2]), "--guide", guide, "--out", out, "--model", "none.safetensors")
        self.refused(done, says)
        assert "plate   " not in done.stderr

    def test_an_output_onto_the_plate(self, nuke_matting, make_plate, weights):
        plate = make_plate([1, 2])
        before = Path(plate % 1).read_bytes()
        done = nuke_matting("matte", plate, "--model", weights, "--out", plate, "--mode", "merge", "--overwrite")
        self.refused(done, "write over an input")
        assert Path(plate % 1).read_bytes() == before


class TestFramesThatFail:
    """Exit code 1; the other frames are written."""

    def test_a_gap_in_the_range(self, nuke_matting, make_plate, weights, tmp_path):
        plate = make_plate([1001, 1002, 1004])
        done = nuke_matting("matte", plate, "--model", weights, "--frames", "1001-1004", "--out", "o.####.exr", *QUICK)
        assert done.returncode == 1
        assert "plate.1003.exr (frame 1003): the frame is missing; render or copy it" in done.stderr
        assert len(alphas(tmp_path)) == 3

    @pytest.mark.skipif(os.name != "posix", reason="links need a right there")
    @pytest.mark.parametrize("leads_to", ["plate.1001.exr", "x" * 300])  # itself; where no file system can look
    @pytest.mark.parametrize("named", ["plate", "plate/plate.####.exr"])
    def test_a_link_that_leads_nowhere_costs_its_frame_alone(
        self, nuke_matting, make_plate, weights, tmp_path, named, leads_to
    ):
        (Path(make_plate([1002, 1003])).parent / "plate.1001.exr").symlink_to(leads_to)
        done = nuke_matting("matte", named, "--model", weights, "--json", *QUICK, "--out", "o.####.exr")
        told = {each["frame"]: each for each in events(done.stdout) if each["event"] in ("frame", "error")}
        assert done.returncode == 1 and sorted(alphas(tmp_path)) == ["o.1002.exr", "o.1003.exr"]
        assert (told[1001]["event"], told[1001]["kind"]) == ("error", "plate") and "cannot be read" in told[1001][
            "what"
        ]
        assert any("frame 1001 is left out" in note for note in told[1002]["notes"])

    def test_a_range_that_the_plate_has_nothing_of(self, nuke_matting, make_plate, weights):
        plate = make_plate([1001, 1002])
        done = nuke_matting("matte", plate, "--model", weights, "--frames", "1-500")
        assert done.returncode == 2
        assert "the plate has none of the frames 1-500; it has 1001-1002" in done.stderr
        assert done.stderr.count("\n") == 1

    @pytest.mark.parametrize(
        ("there", "said"),
        [
            ([1, 3], "frame 2 is missing; --frames 1-3"),
            ([1, 4, 5, 6], "2 frames are missing: 2-3; --frames 1-6"),
            ([1, 9], "7 frames are missing: 2-8; --frames 1-9"),
            (range(1, 23, 2), "10 frames are missing: 2, 4, 6, 8, 10, 12, 14, 16, ...; --frames 1-21"),
            ([-5, 1_000_000_000], "1000000004 frames are missing: -4-999999999; --frames -5-1000000000"),
        ],
    )
    def test_frames_that_were_not_asked_for_and_are_missing_are_counted_and_named(self, there, said):
        assert gaps_of(there) == f"the plate has gaps, {said} counts what is missing as failed"

    def test_a_gap_that_was_not_asked_for_is_a_warning(self, nuke_matting, make_plate, weights):
        command = ("matte", make_plate([1001, 1002, 1007]), "--model", weights, *QUICK)
        done = nuke_matting(*command)
        assert done.returncode == 0 and "warning: the plate has gaps, 4 frames are missing: 1003-1006" in done.stderr
        assert nuke_matting(*command, "--frames", "1001-1007").returncode == 1

    def test_a_read_only_folder_is_told_before_any_frame_is_computed(self, nuke_matting, make_plate, weights, tmp_path):
        if os.name != "posix":
            pytest.skip("rights work otherwise there")
        folder = "/proc/self/no" if os.geteuid() == 0 else str(tmp_path / "locked")  # root may write anywhere but there
        if os.geteuid():
            (tmp_path / "locked").mkdir(mode=0o555)
        done = nuke_matting("matte", make_plate([1001]), "--model", weights, "--out", f"{folder}/o.####.exr", *QUICK)
        assert done.returncode == 2 and f"{folder}: cannot be written" in done.stderr.splitlines()[-1]

    def test_a_full_disk(self, nuke_matting, make_plate, weights, tmp_path):
        disk = tmp_path / "disk"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], capture_output=True).returncode:
            pytest.skip("no right to mount a small disk")
        try:
            plate = make_plate(range(1001, 1004), 90, 160)
            command = ("matte", plate, "--model", weights, "--fg", "--out", f"{disk}/o.####.exr", *QUICK)
            done = nuke_matting(*command)
            assert done.returncode == 1 and "the disk is full; make room" in done.stderr
            assert all(read_frame(path, 1).pixels.shape == (90, 160, 3) for path in disk.iterdir())
            subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
            assert nuke_matting(*command).returncode == 0
        finally:
            subprocess.run(["umount", disk], check=True)

    def test_a_cache_that_cannot_be_used_costs_no_frame(self, nuke_matting, make_plate, weights, tmp_path):
        (tmp_path / "file").write_bytes(b"")
        done = nuke_matting("matte", make_plate([1001, 1002]), "--model", weights, "--cache-dir", "file/cache", *QUICK)
        assert done.returncode == 0 and done.stderr.count("goes on without the cache") == 1

    @pytest.mark.parametrize(
        "out", ["n" * 250 + ".####.exr", "new/" + "n" * 300 + "/o.####.exr", "new/" * 2000 + "o.####.exr"]
    )
    def test_a_name_too_long_for_the_disk_is_refused_before_any_frame(self, nuke_matting, make_plate, weights, out):
        done = nuke_matting("matte", make_plate([1001, 1002]), "--model", weights, "--out", out, "--json")
        (error,) = events(done.stdout)
        assert done.returncode == 2 and error["kind"] == "usage" and "too long" in error["what"]
        assert error["advice"] == "give a shorter --out" and not os.path.exists("new")

    @pytest.mark.skipif(os.name != "posix", reason="a shell closes stdout")
    def test_closed_streams_lead_nowhere_and_into_no_matte(self, make_plate, weights, tmp_path):
        out, command = tmp_path / "o.1001.exr", [sys.executable, "-m", "nuke_matting", "matte", make_plate([1001])]
        command += ["--model", weights, "--out", f"{tmp_path}/o.####.exr", "--json", *map(str, QUICK)]
        done = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command])
        assert done.returncode == 0 and read_matte(out, 1001)[0].shape == (36, 64)


class TestInterruption:
    """Whatever happens to a run: no partial file, and the next one goes on."""

    FRAMES = range(1001, 1013)

    def command(self, plate, weights, out):
        return [
            sys.executable,
            "-m",
            "nuke_matting",
            "matte",
            plate,
            "--model",
            weights,
            "--out",
            out,
            "--fg",
            "--quiet",
            "--region-batch",
            "50",
        ]

    def test_ctrl_c_leaves_whole_files_and_exit_code_130(self, make_plate, weights, tmp_path):
        out = tmp_path / "out"
        command = self.command(make_plate(self.FRAMES), weights, f"{out}/o.####.exr")
        run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while not list(out.glob("*.exr")) and run.poll() is None:
            time.sleep(0.02)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
        assert run.returncode in (130, 0)
        assert run.returncode == 0 or ("run the same command again" in said and "Traceback" not in said)
        assert all(re.fullmatch(r"o\.\d{4}\.exr", path.name) for path in out.iterdir())
        assert subprocess.run(command).returncode == 0
        assert len(alphas(out)) == len(self.FRAMES)

    def test_it_is_answered_at_once_and_told_how_far_the_run_came(self, nuke_matting, make_plate, weights, monkeypatch):
        matte = TwoStageModel.matte

        def interrupted(self, *about):
            signal.raise_signal(signal.SIGINT)
            time.sleep(
                0.5
            )  # signals are heard by the main thread, which must have its turn before so quick a frame ends
            return matte(self, *about)

        monkeypatch.setattr(TwoStageModel, "matte", interrupted)
        done = nuke_matting("matte", make_plate([1, 2, 3]), "--model", weights, *QUICK)
        assert done.returncode == 130
        *_, answer, frame, count, end = done.stderr.splitlines()
        assert answer.startswith("nuke-matting: stopping after the frame under way; once more")
        assert frame.startswith("frame 1  1/3") and count == "interrupted: 1 of 3 frames done"
        assert end == "nuke-matting: interrupted; run the same command again to go on"

    def test_one_that_strikes_while_the_model_is_opened_is_an_event_too(
        self, nuke_matting, make_plate, weights, monkeypatch
    ):
        monkeypatch.setattr("nuke_matting.engine.shot.load_model", lambda *_: signal.raise_signal(signal.SIGTERM))
        done = nuke_matting("matte", make_plate([1]), "--model", weights, "--json")
        assert done.returncode == 130
        assert events(done.stdout) == [{"event": "interrupted", "frames": 0, "failed": 0}]

    def test_runs_that_are_killed_ten_times_end_like_an_undisturbed_one(
        self, make_plate, weights, tmp_path, monkeypatch
    ):
        plate = make_plate(range(1001, 1121))
        assert (
            subprocess.run([*self.command(plate, weights, f"{tmp_path}/calm/o.####.exr"), "--no-cache"]).returncode == 0
        )
        out = tmp_path / "killed"
        command = self.command(plate, weights, f"{out}/o.####.exr")
        random = np.random.default_rng(5)
        alive = 0
        for _ in range(10):
            enough = len(list(out.glob("*.exr"))) + random.integers(0, 6)  # a kill hits it at work, however fast it is
            run = subprocess.Popen(command)
            while run.poll() is None and len(list(out.glob("*.exr"))) < enough:
                time.sleep(0.002)
            time.sleep(random.uniform(0, 0.05))
            alive += run.poll() is None
            run.kill()
            run.wait()
            for path in out.glob("*.exr"):
                assert read_frame(path, 0).pixels.shape == (36, 64, 3)
        assert alive >= 8
        assert subprocess.run(command).returncode == 0
        assert alphas(tmp_path / "killed") == alphas(tmp_path / "calm")

    def test_two_runs_at_once_share_the_work(self, make_plate, weights, tmp_path):
        command = self.command(make_plate(self.FRAMES), weights, f"{tmp_path}/out/o.####.exr")
        command[command.index("--quiet")] = "--json"
        runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        told = [each for run in runs for each in events(run.communicate(timeout=240)[0])]
        assert [run.returncode for run in runs] == [0, 0]
        computed = sorted(each["frame"] for each in told if each["event"] == "frame" and each["state"] == "computed")
        assert computed == list(self.FRAMES)
        assert len(alphas(tmp_path / "out")) == len(self.FRAMES)


def test_options_are_written_out(nuke_matting, make_plate, weights):
    done = nuke_matting("matte", make_plate([1]), "--model", weights, "--over")
    assert done.returncode == 2 and "--over" in done.stderr


@pytest.mark.parametrize(
    ("files", "plate", "out"),
    [
        ("plate.1001.exr", "plate.%04d.exr", "plate_OF.####.exr"),
        ("plate.1001.exr", "plate.@@@@.exr", "plate_OF.####.exr"),
        ("plate_7.exr", "plate_%d.exr", "plate_OF.#.exr"),
        ("plate.001.exr", "plate.001.exr", "plate_OF.###.exr"),
        ("plate.-003.exr", "plate.-003.exr", "plate_OF.####.exr"),
        ("sh010_plate_v2.1001.exr", "sh010_plate_v2.####.exr", "sh010_plate_v2_OF.####.exr"),
        ("plate_v1.exr", "plate_v1.exr", "plate_v1_OF.####.exr"),
        ("hand.exr", "hand.exr", "hand_OF.####.exr"),
        ("sh010/0001.exr", "sh010/####.exr", "sh010_OF.####.exr"),
        ("0001.exr", "####.exr", "plate_OF.####.exr"),
        ("jpg/A001_C002.001.jpg jpg/A001_C002.002.jpg", "jpg", "A001_C002_OF.###.exr"),
        ("sh010/001.exr sh010/002.exr", "sh010", "sh010_OF.###.exr"),
    ],
)
@pytest.mark.parametrize(("mode", "kind"), [("sidecar", "matte"), ("merge", "merged")])
def test_mattes_are_called_and_padded_as_the_plate(files, plate, out, mode, kind, tmp_path, monkeypatch):
    """Without its frame number, and by its own name where its folder is given."""
    monkeypatch.chdir(tmp_path)
    for each in map(Path, files.split()):
        each.parent.mkdir(exist_ok=True)
        each.touch()
    assert Path(default_out(find_sequence(plate), mode)) == Path(kind) / out.replace("OF", kind)


@pytest.mark.parametrize("how", ["--json", "--quiet"])
def test_what_the_package_logs_is_told_as_the_run_tells_all_else(nuke_matting, make_plate, weights, tmp_path, how):
    plate, cache = make_plate([1]), tmp_path / "cache"
    args = ("matte", plate, "--model", weights, "--cache-dir", cache, "--overwrite")
    assert nuke_matting(*args).returncode == 0
    (kept,) = cache.rglob("v*/*/*.exr")
    kept.write_bytes(kept.read_bytes()[:-9])
    done = nuke_matting(*args, how)
    assert done.returncode == 0 and done.stderr == ""
    said = [json.loads(line) for line in done.stdout.splitlines()]
    warnings = [each["text"] for each in said if each["event"] == "warning"]
    assert len(warnings) == (how == "--json") and all("not used" in each for each in warnings)


@pytest.mark.parametrize("args", [("p.####.exr", "--jobs", "two"), ("p.####.exr", "--nonsense"), ()])
def test_wrong_options_are_an_event_in_json(nuke_matting, args):
    done = nuke_matting("matte", *args, "--json")
    (said,) = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 2 and said["event"] == "error" and said["kind"] == "usage"
    assert said["advice"] == "see nuke-matting matte --help" and said["what"] in done.stderr


def test_notes_that_differ_in_a_measure_alone_are_one_with_its_range(nuke_matting, make_plate, weights, monkeypatch):
    """As those of a clean plate's exposure; in JSON each frame has its own."""
    gains = {"plate.0001.exr": "1.05", "plate.0002.exr": "-0.50", "plate.0003.exr": "10.00"}
    load = Shot.load

    def noted(self, frame):
        gain = gains[self.plate.path(frame).name]
        return dataclasses.replace(
            load(self, frame), notes=(f"matched: times {gain} 1.20, plus 0.000", f"{frame} of 3.exr")
        )

    monkeypatch.setattr(Shot, "load", noted)
    command = ("matte", make_plate([1, 2, 3]), "--model", weights, "--no-cache", "--overwrite", *QUICK)
    said = [line for line in nuke_matting(*command).stderr.splitlines() if "matched" in line or ".exr" in line]
    assert [line for line in said if "matched" in line] == [
        "frame 1: matched: times 1.05 1.20, plus 0.000",
        "frames 1-3: matched: times -0.50..10.00 1.20, plus 0.000",
    ]
    assert {f"frame {n}: {n} of 3.exr" for n in (1, 2, 3)} <= set(said)
    told = [each["notes"][0] for each in events(nuke_matting(*command, "--json").stdout) if each["event"] == "frame"]
    assert [each.split()[2] for each in told] == ["1.05", "-0.50", "10.00"]


class TestOptionsThatAreNearlyRight:
    @pytest.mark.parametrize(
        ("given", "meant"),
        [(("--frame", "1-2"), "--frames"), (("--clean_plate=c.exr",), "--clean-plate"), (("--no-cash",), "--no-cache")],
    )
    def test_the_one_that_may_be_meant_is_asked_for(self, nuke_matting, given, meant):
        done = nuke_matting("matte", "plate.####.exr", *given)
        assert done.returncode == 2
        said = f"unrecognized arguments: {' '.join(given)}; did you mean {meant}?; see nuke-matting matte --help"
        assert done.stderr == f"nuke-matting matte: {said}\n"

    def test_of_one_that_is_like_none_nothing_is_asked(self, nuke_matting):
        assert "did you mean" not in nuke_matting("matte", "plate.####.exr", "--nonsense").stderr

    @pytest.mark.parametrize("name", ["colourspace", "clean-colourspace"])
    def test_colour_may_be_spelt_as_in_nuke(self, name):
        for spelt in (name, name.replace("colour", "color")):
            args = parser().parse_args(["matte", "plate.####.exr", f"--{spelt}", "ACEScg"])
            assert getattr(args, name.replace("-", "_")) == "ACEScg"


class TestLogOfAFarm:
    """Plain lines: how far it is, how fast, which frames failed and where the others are."""

    def test_frames_have_their_pace_and_the_time_that_is_left(self, nuke_matting, make_plate, weights):
        done = nuke_matting("matte", make_plate([1, 2, 3]), "--model", weights, "--no-cache", *QUICK)
        lines = [line for line in done.stderr.splitlines() if line.startswith("frame ")]
        pace = r"\d+\.\d\d s a frame"
        ends = [f"1/3  {pace}, \\d:\\d\\d:\\d\\d left", f"2/3  {pace}, \\d:\\d\\d:\\d\\d left", f"3/3  {pace}"]
        assert [bool(re.fullmatch(f"frame \\d  {end}", line)) for line, end in zip(lines, ends, strict=True)] == [
            True
        ] * 3

    def test_a_failed_frame_does_not_read_like_a_done_one(self, nuke_matting, make_plate, weights):
        plate = make_plate([1, 2])
        done = nuke_matting("matte", plate, "--model", weights, "--no-cache", "--frames", "1-3", *QUICK)
        marked = [line for line in done.stderr.splitlines() if line.startswith("frame ") and "FAILED" in line]
        assert [line.split()[1] for line in marked] == ["3"]
        last = done.stderr.splitlines()[-1]
        assert last == "1 frame FAILED, each is named above; the others are matte/plate_matte.####.exr"

    def test_where_all_failed_it_says_that_nothing_was_written(self, nuke_matting, make_plate, weights):
        plate = make_plate([1])
        Path(plate % 1).write_bytes(b"no picture")
        done = nuke_matting("matte", plate, "--model", weights, "--no-cache", *QUICK)
        assert done.stderr.splitlines()[-1] == "1 frame FAILED, each is named above; nothing was written"


class TestFailuresByTheirCause:
    @pytest.mark.parametrize("how", [(), ("--quiet",)])
    def test_each_is_told_once_and_its_frames_in_the_end(self, nuke_matting, make_plate, weights, how):
        plate = make_plate([1, 9])
        done = nuke_matting("matte", plate, "--model", weights, "--frames", "1-9", "--no-cache", *how)
        said = [line for line in done.stderr.splitlines() if "the frame is missing" in line]
        assert done.returncode == 1 and len(said) == 2
        assert "(frame 2)" in said[0] and "frames 2-8: the frame is missing; render or copy it" in said[1]

    def test_a_model_s_names_the_frame(self, nuke_matting, make_plate, weights, monkeypatch):
        def full(self, *_):
            raise ModelError("cuda:0 has no memory left")

        monkeypatch.setattr("nuke_matting.models.two_stage.TwoStageModel.matte", full)
        done = nuke_matting("matte", make_plate([7]), "--model", weights, "--no-cache")
        assert "error: frame 7: cuda:0 has no memory left" in done.stderr

    def test_one_hole_is_one_note_of_all_frames_around(self, nuke_matting, make_plate, weights):
        plate = make_plate([1, 2, 4, 5])
        done = nuke_matting("matte", plate, "--model", weights, "--no-cache")
        said = [line for line in done.stderr.splitlines() if "frame 3 is missing: " in line]
        assert len(said) == 2 and said[1].startswith("frames 1-2,4-5: frame 3 is missing")


class TestHelpOfAnotherSize:
    """It is wrong use, and told once, where the first frame meets it."""

    @pytest.mark.parametrize("option", ["--guide", "--clean-plate"])
    @pytest.mark.parametrize("still", [True, False])
    def test_is_refused_before_any_frame(self, nuke_matting, make_plate, weights, option, still):
        plate, small = make_plate([1, 2, 3]), make_plate([1, 2, 3], 18, 32, "small")
        done = nuke_matting("matte", plate, "--model", weights, option, small % 1 if still else small, "--quiet")
        (line,) = done.stderr.splitlines()
        assert done.returncode == 2 and "is 32x18 and the plate 64x36; reformat it" in line
        assert not Path("matte").exists() or not list(Path("matte").iterdir())

    def test_costs_the_frames_alone_that_meet_it_later(self, nuke_matting, make_plate, weights):
        plate, other = make_plate([1, 2]), make_plate([1], name="other")
        make_plate([2], 18, 32, "other")
        done = nuke_matting("matte", plate, "--model", weights, "--guide", other, "--quiet")
        assert done.returncode == 1 and "frame 2" in done.stderr
