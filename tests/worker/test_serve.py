"""The worker as a process, spoken to line by line; and its parts where a process would be slow."""

import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting import Settings, Shot
from nuke_matting.host.client import Client
from nuke_matting.host.pathmap import PathMap
from nuke_matting.host.protocol import check_event
from nuke_matting.plate.reader import read_matte
from nuke_matting.worker.job import in_order, settings_of
from nuke_matting.worker.library import Library
from nuke_matting.worker.serve import _answer

COMMAND = [sys.executable, "-I", "-m", "nuke_matting", "worker"]


class Talk:
    """A worker process, and what it says, in order."""

    def __init__(self, environ):
        self.process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ)
        self._said = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._number = 0

    def _listen(self):
        for line in self.process.stdout:
            event = json.loads(line)  # nothing but the protocol is ever on stdout
            check_event(event)
            self._said.put(event)
        self._said.put(None)

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def ask(self, kind, **about):
        self._number += 1
        name = f"t{self._number}"
        self.write(json.dumps({"type": kind, "id": name, **about}).encode() + b"\n")
        return name

    def next(self):
        return self._said.get(timeout=60)

    def until(self, name):
        """All events up to the one that closes a request."""
        events = []
        while True:
            events.append(self.next())
            last = events[-1]
            assert last is not None, "the worker has died"
            if last.get("id") == name and (last["type"] in ("ok", "done") or last.get("frame", 0) is None):
                return events

    def matte(self, plate, **about):
        return self.until(self.ask("matte", plate=str(plate), **about))


@pytest.fixture(scope="module")
def environ():
    return {**os.environ, "OMP_NUM_THREADS": "1", "OCIO": ""}


@pytest.fixture(scope="module")
def shared(environ):
    talk = Talk(environ)
    assert talk.next()["type"] == "hello"
    yield talk
    talk.ask("shutdown")
    assert talk.process.wait(20) == 0


@pytest.fixture
def quick(weights, tmp_path):
    """Settings that are quick to matte with, and a cache of the test's own."""
    return {"model": weights, "device": "cpu", "region_batch": 50, "cache_dir": str(tmp_path / "cache")}


@pytest.fixture
def long_plate(make_plate):
    """A plate that takes a while."""
    return make_plate(range(1001, 1201), name="long")


def only(events, kind):
    return [each for each in events if each["type"] == kind]


def test_a_range_becomes_cached_exrs_of_the_same_pixels(shared, make_plate, quick):
    plate = make_plate(range(1001, 1005))
    events = shared.matte(plate, settings=quick, view=1003, frames="1001-1004")
    assert events[0]["type"] == "started" and events[0]["count"] == 4 and "(" in events[0]["colour"]
    assert sorted(events[0]["references"]) == [-2, -1, 1, 2], "which other frames the model reads"
    frames = only(events, "frame")
    assert [each["frame"] for each in frames] == [1003, 1004, 1001, 1002], "the one in view first"
    assert {each["state"] for each in frames} == {"computed"}
    assert [each["done"] for each in only(events, "progress")] == [0, 1, 2, 3, 4]
    assert events[-1] == {**events[-1], "type": "done", "state": "done", "done": 4, "failed": 0}
    shot = Shot(plate, Settings(**quick).replace(cache=False))
    for each in frames:
        assert each["path"].startswith(quick["cache_dir"])
        assert read_matte(Path(each["path"]), 0)[0].tobytes() == shot.matte(each["frame"]).alpha.tobytes()
    again = only(shared.matte(plate, settings=quick), "frame")
    assert {each["state"] for each in again} == {"cached"}
    assert {each["path"] for each in again} == {each["path"] for each in frames}


def test_it_can_be_asked_what_is_there_without_computing(shared, make_plate, quick):
    plate = make_plate(range(1001, 1004), name="look")
    shared.matte(plate, settings=quick, frames="1002")

    def states(**about):
        events = shared.matte(plate, compute=False, **about)
        return [(each["state"], each["path"] is None) for each in only(events, "frame")]

    assert states(settings=quick) == [("missing", True), ("cached", False), ("missing", True)]
    assert states(settings={**quick, "regions": 1}) == [("missing", True)] * 3
    os.replace(plate % 1001, plate % 1002)  # another picture
    assert states(settings=quick, frames="1002-1003") == [("missing", True)] * 2


def test_mattes_go_to_files_where_asked_and_are_left_alone_when_up_to_date(shared, make_plate, quick, tmp_path):
    plate, out = make_plate([1001, 1002]), str(tmp_path / "out" / "m.####.exr")
    first = only(shared.matte(plate, settings={**quick, "mode": "merge", "fg": True}, out=out), "frame")
    assert [each["path"] for each in first] == [str(tmp_path / "out" / f"m.{n}.exr") for n in (1001, 1002)]
    assert all(Path(each["path"]).is_file() for each in first)
    again = shared.matte(plate, settings={**quick, "mode": "merge", "fg": True}, out=out)
    assert [each["state"] for each in only(again, "frame")] == ["skipped"] * 2


def test_files_that_the_cache_does_not_know_are_neither_called_up_to_date_nor_not(shared, make_plate, quick, tmp_path):
    plate, out = make_plate([1001, 1002, 1003]), str(tmp_path / "m.####.exr")
    shared.matte(plate, settings=quick, out=out, frames="1001-1002")

    def looked(**settings):
        events = shared.matte(plate, settings={**quick, **settings}, out=out, compute=False)
        return [each["state"] for each in only(events, "frame")]

    assert looked() == ["skipped", "skipped", "missing"]
    assert looked(regions=1) == ["missing"] * 3, "they are of another matte"
    assert looked(cache_dir=str(tmp_path / "others")) == ["unknown", "unknown", "missing"]
    (tmp_path / "m.1002.exr").write_bytes(b"painted over")
    assert looked() == ["skipped", "unknown", "missing"]


def test_a_broken_frame_fails_alone_with_kind_and_advice(shared, make_plate, quick):
    plate = make_plate(range(1001, 1004), name="broken")
    Path(plate % 1002).write_bytes(b"nonsense")
    events = shared.matte(plate, settings=quick, frames="1001-1004")
    errors = {each["frame"]: each for each in only(events, "error")}
    assert sorted(errors) == [1002, 1004] and {each["kind"] for each in errors.values()} == {"plate"}
    assert all(each["advice"] and each["path"] for each in errors.values())
    assert events[-1]["state"] == "failed" and (events[-1]["done"], events[-1]["failed"]) == (2, 2)
    notes = [note for each in only(events, "frame") for note in each["notes"]]
    assert any("1002" in note for note in notes), "1003 says that its memory could not read 1002"


@pytest.mark.parametrize(
    "about, kind",
    [
        ({"plate": "/no/such/p.####.exr"}, "usage"),
        ({"plate": "PLATE", "settings": {"model": "thre_stage"}}, "model"),
        ({"plate": "PLATE", "settings": {"model": "/no.safetensors"}}, "model"),
        ({"plate": "PLATE", "settings": {"cache": False}}, "usage"),
        ({"plate": "PLATE", "settings": {"device": "cuda:77"}}, "usage"),
        ({"plate": "PLATE", "settings": {"clean_plate": "/no.exr"}}, "usage"),
        ({"plate": "PLATE", "frames": "1001-"}, "usage"),
        ({"plate": "PLATE", "out": "PLATE"}, "usage"),
        ({"plate": "PLATE", "frames": 7}, "protocol"),
        ({"plate": "PLATE", "settings": {"foo": 7}}, "protocol"),
    ],
)
def test_a_request_that_cannot_be_done_says_why(shared, make_plate, about, kind):
    plate = make_plate([1001, 1002])
    about = {name: plate if value == "PLATE" else value for name, value in about.items()}
    closing = shared.until(shared.ask("matte", **about))[-1]
    assert closing["type"] == "error" and closing["kind"] == kind and closing["what"] and closing["advice"]


def test_a_damaged_file_in_the_cache_is_told_and_made_again(shared, make_plate, quick):
    plate = make_plate([1001], name="damaged")
    path = Path(only(shared.matte(plate, settings=quick), "frame")[0]["path"])
    data = path.read_bytes()
    path.write_bytes(data[:-9] + bytes(9))
    events = shared.matte(plate, settings=quick)
    assert only(events, "frame")[0]["state"] == "computed" and path.read_bytes() == data
    warning = only(events, "warning")[0]
    assert "damaged" in warning["text"] and warning["id"] == events[-1]["id"]


def test_cancel_ends_a_range_soon_and_says_how_far_it_was(shared, long_plate, quick):
    name = shared.ask("matte", plate=long_plate, settings=quick)
    while shared.next()["type"] != "frame":
        pass
    shared.ask("cancel", request=name)
    closing = shared.until(name)[-1]
    assert closing["state"] == "cancelled" and 0 < closing["done"] < 200
    kept = [each["state"] for each in only(shared.matte(long_plate, settings=quick, compute=False), "frame")]
    assert kept.count("cached") == closing["done"], "what was done is kept"


def test_cancel_without_a_name_ends_all(shared, long_plate, quick):
    names = [shared.ask("matte", plate=long_plate, settings=quick) for _ in range(3)]
    cancel = shared.ask("cancel")
    open_, states = {*names, cancel}, []
    while open_:
        event = shared.next()
        if event["type"] in ("done", "ok"):
            open_.discard(event["id"])
            states.append(event.get("state", "ok"))
    assert sorted(states) == ["cancelled"] * 3 + ["ok"]


def test_the_frame_in_view_goes_before_a_range_under_way(shared, long_plate, quick):
    slow = shared.ask("matte", plate=long_plate, settings=quick)
    while shared.next()["type"] != "frame":
        pass
    events = shared.matte(long_plate, settings=quick, frames="1190", priority=1)
    assert events[-1]["state"] == "done" and not [
        each for each in events if each["type"] == "done" and each["id"] == slow
    ]
    shared.ask("cancel", request=slow)
    assert shared.until(slow)[-1]["state"] == "cancelled"


def test_an_id_in_use_is_refused_and_the_first_goes_on(shared, long_plate, quick):
    name = shared.ask("matte", plate=long_plate, settings=quick, frames="1001-1010")
    shared.write(json.dumps({"type": "matte", "id": name, "plate": long_plate}).encode() + b"\n")
    shared.write(json.dumps({"type": "matte", "id": name, "plate": 7}).encode() + b"\n")
    events = shared.until(name)
    assert [each["id"] for each in only(events, "error")] == [None, None] and events[-1]["done"] == 10


def test_no_line_kills_it(shared, make_plate):
    rng = random.Random(5)
    whole = json.dumps({"type": "matte", "id": "f", "plate": "/no/p.####.exr", "settings": {"regions": 4}}).encode()
    for _ in range(300):
        bad = bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            bad[rng.randrange(len(bad))] = rng.choice([0, 34, 44, 49, 58, 91, 93, 123, 125, 255])
        shared.write(bytes(bad) + b"\n" + rng.randbytes(rng.randrange(60)) + b"\n" + whole[: rng.randrange(90)] + b"\n")
    shared.write(b"x" * 5_000_000 + b"\n" + b"[" * 500_000 + b"\n" + b'{"type":"ping","id":' + b"9" * 9000 + b"}\n")
    for value in (None, True, 1e308, [], {}, "\x00", "\ud800", "x" * 100_000):
        for field in ("type", "id", "plate", "frames", "view", "settings", "out", "priority"):
            shared.write(json.dumps({"type": "matte", "id": "w", "plate": "/no", field: value}).encode() + b"\n")
    events = shared.until(shared.ask("ping"))
    assert len(only(events, "error")) > 500
    assert shared.matte(make_plate([1001]), compute=False)[-1]["state"] == "done"


def test_ten_thousand_pings_are_answered_in_order(shared):
    shared.write(b"".join(b'{"type":"ping","id":"p%d"}\n' % n for n in range(10_000)))
    assert [shared.next() for _ in range(10_000)] == [{"type": "ok", "id": f"p{n}"} for n in range(10_000)]


def test_of_ten_thousand_requests_each_is_closed_once(shared, make_plate, quick):
    plate = make_plate([1001], name="flood")
    kinds = random.Random(9).choices(["matte", "wrong", "ping", "cancel"], k=10_000)
    about = {
        "matte": {"type": "matte", "plate": plate, "settings": quick, "compute": False},
        "wrong": {"type": "matte", "plate": "/no/such/p.####.exr", "settings": quick},
        "ping": {"type": "ping"},
        "cancel": {"type": "cancel", "request": "nobody"},
    }
    lines = [json.dumps({**about[kind], "id": f"q{number}"}).encode() + b"\n" for number, kind in enumerate(kinds)]
    writer = threading.Thread(target=shared.write, args=(b"".join(lines),))
    writer.start()
    closings = {}
    while len(closings) < len(kinds):
        event = shared.next()
        if event["type"] in ("ok", "done") or (event["type"] == "error" and event["frame"] is None):
            assert event["id"] not in closings
            closings[event["id"]] = event
    writer.join()
    for number, kind in enumerate(kinds):
        closing = closings[f"q{number}"]
        busy = closing["type"] == "error" and closing["kind"] == "busy"
        if kind in ("ping", "cancel"):
            assert closing["type"] == "ok"
        elif kind == "wrong":
            assert busy or closing["kind"] == "usage"
        else:
            assert busy or closing["state"] == "done"
    assert shared.until(shared.ask("ping"))[-1]["type"] == "ok"


def test_it_ends_with_its_host_in_the_middle_of_a_range(environ, long_plate, quick, tmp_path):
    program = (
        "import sys, time; from nuke_matting.host.client import Client\n"
        f"client = Client({COMMAND!r}, environ={environ!r})\n"
        f"client.matte({long_plate!r}, lambda event: print(event['type'], flush=True), settings={quick!r})\n"
        "print(client.hello()['pid'], flush=True); time.sleep(60)"
    )
    host = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    said = [host.stdout.readline().strip()]
    while "frame" not in said:
        said.append(host.stdout.readline().strip())
    worker = psutil.Process(int(next(each for each in said if each.isdigit())))
    host.kill()
    host.wait()
    host.stdout.close()
    worker.wait(15)
    mattes = [read_matte(path, 0)[0] for path in Path(quick["cache_dir"]).rglob("*.exr")]
    assert mattes and all(each.shape == (36, 64) for each in mattes), "no file is left in halves"


def test_killed_it_is_started_again_and_the_range_ends_well(environ, long_plate, quick):
    events, seen = [], threading.Event()

    def on_event(event):
        events.append(event)
        if event["type"] == "frame":
            seen.set()

    with Client(COMMAND, environ=environ, paths=PathMap()) as client:
        request = client.matte(long_plate, on_event, settings=quick, frames="1001-1040")
        assert seen.wait(60)
        os.kill(client.hello()["pid"], signal.SIGKILL)
        assert request.wait(60)["state"] == "done"
    kinds = [each["type"] for each in events]
    assert kinds.count("warning") == 1 and kinds.count("started") == 2
    assert {each["frame"] for each in only(events, "frame")} == set(range(1001, 1041))
    assert "cached" in {each["state"] for each in only(events, "frame")}, "what was done is not done again"


def test_over_a_shell_that_greets_with_a_path_map(environ, make_plate, quick, tmp_path):
    plate = make_plate([1001])
    os.symlink(tmp_path, str(tmp_path) + "_there")
    shell = ["sh", "-c", 'echo "Welcome to gpu7"; exec "$@"', "sh", *COMMAND]
    with Client(shell, environ=environ, paths=PathMap([(str(tmp_path), f"{tmp_path}_there")])) as client:
        events = []
        assert client.matte(plate, events.append, settings=quick).wait(60)["state"] == "done"
    assert only(events, "started")[0]["plate"] == plate
    path = only(events, "frame")[0]["path"]
    assert path.startswith(quick["cache_dir"]) and os.path.isfile(path)


def test_nothing_but_the_protocol_is_on_stdout():
    program = (
        "import os, sys; from nuke_matting.worker.pipe import Pipe\n"
        "pipe = Pipe(); print('python'); sys.stdout.flush(); os.system('echo shell'); os.write(1, b'C\\n')\n"
        "assert os.read(0, 9) == b''\n"
        "pipe.send({'type': 'ok', 'id': '1'}); assert pipe.read(4) == b'mine'"
    )
    done = subprocess.run([sys.executable, "-c", program], input=b"mine", capture_output=True)
    assert done.stdout == b'{"type":"ok","id":"1"}\n' and done.returncode == 0
    assert all(word in done.stderr for word in (b"python", b"shell", b"C"))


class Deaf:
    """Takes what is sent, and mattes nothing."""

    def __init__(self):
        self.sent, self.taken = [], []
        self.send, self.take = self.sent.append, self.taken.append

    def has(self, name):
        return False

    def cancel(self, name=None):
        pass


@given(
    st.binary()
    | st.dictionaries(
        st.sampled_from(["type", "id", "plate", "frames", "settings", "request"]),
        st.sampled_from(["ping", "cancel", "matte"])
        | st.none()
        | st.integers()
        | st.text()
        | st.dictionaries(st.text(), st.text()),
    ).map(lambda each: json.dumps(each).encode())
)
def test_every_line_is_answered_or_taken(line):
    it = Deaf()
    _answer(line, it, it)
    assert len(it.sent) + len(it.taken) == 1
    for event in it.sent:
        check_event(event)


def test_a_key_matte_that_has_come_opens_the_shot_anew(make_plate, weights):
    plate, keys = make_plate(), make_plate([1002], name="keys")
    library, settings = Library(), Settings(model=weights, device="cpu", keys=keys)
    assert library.open(plate, settings).files.keys.frames == (1002,)
    make_plate([1004], name="keys")
    assert library.open(plate, settings).files.keys.frames == (1002, 1004)


def test_model_and_shot_stay_open_between_requests(make_plate, weights):
    library, settings = Library(), Settings(model=weights, device="cpu")
    plate = make_plate([1001, 1002])
    shot = library.open(plate, settings)
    assert library.open(plate, settings) is shot
    other = library.open(plate, settings.replace(regions=1.0))
    assert other is not shot and other.model is shot.model
    os.link(plate % 1001, plate % 1003)
    assert library.open(plate, settings.replace(regions=1.0)).frames == (1001, 1002, 1003)
    time.sleep(0.01)
    os.utime(weights)
    assert library.open(plate, settings).model is not shot.model


def test_a_whole_number_is_a_fraction_where_one_may_stand():
    assert repr(settings_of({"regions": 4}).regions) == "4.0" and settings_of({"jobs": 3}).jobs == 3


@given(st.lists(st.integers(), unique=True), st.none() | st.integers())
def test_the_order_of_frames_loses_none(frames, view):
    assert sorted(in_order(frames, view)) == sorted(frames)
