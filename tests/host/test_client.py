"""The client with stand-ins for the worker: real processes that misbehave in every way we could think of."""

import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nuke_matting import host
from nuke_matting.host.client import Client
from nuke_matting.host.errors import HostError
from nuke_matting.host.pathmap import PathMap
from nuke_matting.host.protocol import check_event
from nuke_matting.host.wire import BadMessage

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are POSIX's")

BEGIN = """
import json, os, signal, sys, time

def say(**event):
    print(json.dumps(event), flush=True)

def hello(protocol=2):
    say(type="hello", protocol=protocol, version="0", pid=os.getpid(), devices=["cpu"], models=[])

def requests():
    for line in sys.stdin:
        yield json.loads(line)

def ok(request):
    say(type="ok", id=request["id"])

def done(request, state="done"):
    say(type="done", id=request["id"], state=state, done=1, failed=0, seconds=0.1)

def starts():  # how often this program was started, this time included
    with open(sys.argv[1], "a") as file:
        file.write("x")
    return os.path.getsize(sys.argv[1])
"""


@pytest.fixture
def client(tmp_path):
    """client(program, ...) is a Client of a worker that runs it."""
    made = []

    def make(program, **about):
        path = tmp_path / f"worker{len(made)}.py"
        path.write_text(BEGIN + textwrap.dedent(program))
        about = {"patience": 20.0, "paths": PathMap(), **about}
        made.append(Client([sys.executable, "-I", "-S", str(path), str(tmp_path / "starts")], **about))
        return made[-1]

    yield make
    for each in made:
        each.close()


POLITE = """
hello()
for request in requests():
    done(request) if request["type"] == "matte" else ok(request)
"""


def test_it_says_hello_answers_and_ends(client):
    it = client(POLITE)
    assert it.hello(10)["devices"] == ["cpu"] and it.ping()
    events = []
    assert it.matte("p.####.exr", events.append, frames="1-3").wait(10)["state"] == "done"
    assert [each["type"] for each in events] == ["done"]
    pid = it.hello(10)["pid"]
    it.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert it.ping(), "it may be used again"


def test_a_request_that_does_not_fit_is_refused_before_it_is_sent(client):
    with pytest.raises(BadMessage, match=r"settings\.regions"):
        client(POLITE).matte("p.####.exr", settings={"regions": "many"})


def test_a_request_too_long_for_a_line_is_refused_and_leaves_nothing_behind(client):
    it = client("""
        hello()
        first = starts() == 1
        for request in requests():
            if first:
                os._exit(1)
            done(request)
    """)
    with pytest.raises(BadMessage, match="longer than"):
        it.matte("p.####.exr", frames="1001 " * 300_000)
    assert it.matte("p.####.exr").wait(10)["state"] == "done", "after a death what is open is asked for again"
    assert it._open == {}


def test_one_that_does_not_even_read_cannot_hold_up_its_end(client):
    it = client("hello()\ntime.sleep(60)")
    it.hello(10)
    closings = []

    def ask():
        closings.append(it.matte("p.####.exr", frames="1001 " * 100_000).wait(30))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for each in threads:
        each.start()
    time.sleep(0.5)  # the pipe is full, and a thread waits to write
    began = time.monotonic()
    it.close()
    assert time.monotonic() - began < 15
    for each in threads:
        each.join(15)
    assert [each["type"] for each in closings] == ["error"] * 3


def test_what_a_script_around_the_worker_started_ends_with_it(client, tmp_path):
    it = client(
        f"""
        import subprocess
        child = subprocess.Popen(["sleep", "60"])
        with open({str(tmp_path / "child")!r}, "w") as file:
            file.write(str(child.pid))
        child.wait()
    """,
        patience=1.5,
    )
    assert it.matte("p.####.exr").wait(20)["type"] == "error"
    child = int((tmp_path / "child").read_text())
    end = time.monotonic() + 5
    while _runs(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _runs(child)


def _runs(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_nonsense_from_the_worker_costs_no_request(client, caplog):
    it = client(r"""
        print("Welcome to gpu7!\n{\"motd\": 1}")
        hello()
        for request in requests():
            out = sys.stdout.buffer
            out.write(os.urandom(5000) + b"\n" + b"x" * 3000000 + b"\n[1]\n{}\n{\"type\": []}\n")
            out.flush()
            say(type="frame", id=request["id"])
            say(type="frame", id=request["id"], frame="1", state="computed", path=None, seconds=0, notes=[])
            say(type="dance", id=request["id"])
            say(type="done", id="somebody", state="done", done=1, failed=0, seconds=0)
            say(type="warning", id=None, text="half a frame of mind")
            done(request)
    """)
    events = []
    for _ in range(3):
        assert it.matte("p.####.exr", events.append).wait(20)["state"] == "done"
    assert [each["type"] for each in events] == ["done"] * 3
    assert "half a frame of mind" in caplog.text and "no event" in caplog.text


def test_ten_thousand_damaged_events_cost_no_request(client):
    it = client(r"""
        import random
        hello()
        rng = random.Random(3)
        events = [
            {"type": "frame", "id": "r1", "frame": 1, "state": "computed", "path": "/m.exr", "seconds": 0, "notes": []},
            {"type": "progress", "id": "r1", "done": 1, "failed": 0, "total": 9},
            {"type": "error", "id": "r1", "frame": 1, "kind": "plate", "what": "w", "advice": "", "path": None},
            {"type": "hello", "protocol": 7, "version": "0", "pid": 1, "devices": [], "models": []},
        ]
        for request in requests():
            if request["type"] == "ping":
                ok(request)
                continue
            out = sys.stdout.buffer
            for number in range(10000):
                line = bytearray(json.dumps(rng.choice(events)).encode())
                for _ in range(rng.randrange(1, 4)):
                    line[rng.randrange(len(line))] = rng.choice(b'\x00"\\,:[]{}059-\xff')
                out.write(bytes(line[:rng.choice((9, 99, 999))]) + b"\n")
            out.flush()
            done(request)
    """)
    events = []
    assert it.matte("p.####.exr", events.append).wait(60)["state"] == "done"
    assert events[-1]["type"] == "done" and it.ping()
    for event in events:
        check_event(event)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=2000))
def test_a_worker_of_random_bytes_is_an_error(tmp_path, data):
    (tmp_path / "bytes").write_bytes(data)
    with Client(["cat", str(tmp_path / "bytes")], paths=PathMap()) as it, pytest.raises(HostError, match="ended"):
        it.hello(10)


def test_one_that_dies_before_hello_is_not_tried_again_and_its_last_words_are_told(client, tmp_path):
    it = client("starts(); print('No module named nuke_matting', file=sys.stderr); sys.exit(1)")
    request = it.matte("p.####.exr")
    assert "No module named nuke_matting" in request.wait(10)["what"]
    with pytest.raises(HostError, match="exit code 1"):
        it.hello(10)
    assert (tmp_path / "starts").read_text() == "xx"


def test_one_that_never_says_hello_is_given_up(client):
    it = client("time.sleep(60)", patience=0.5)
    event = it.matte("p.####.exr").wait(10)
    assert event["type"] == "error" and event["what"] == "the worker said nothing for 0.5 s"
    assert "run its command in a terminal" in event["advice"]


def test_what_is_cancelled_while_a_worker_starts_ends_at_once(client):
    it = client("time.sleep(60)")
    events = []
    request = it.matte("p.####.exr", events.append)
    began = time.monotonic()
    request.cancel()
    assert request.wait(5)["state"] == "cancelled" and time.monotonic() - began < 5
    assert [each["type"] for each in events] == ["done"]


def test_nobody_waits_for_one_that_starts_slowly_however_much_is_asked(client):
    it = client("""
        time.sleep(3)
        hello()
        for request in requests():
            done(request)
    """)
    began = time.monotonic()
    requests = [it.matte("p.####.exr", frames="1001 " * 50_000) for _ in range(3)]
    assert time.monotonic() - began < 2, "Nuke stands still as long"
    assert [each.wait(20)["state"] for each in requests] == ["done"] * 3


def test_what_is_cancelled_while_a_worker_starts_is_not_asked_for(client):
    it = client("""
        time.sleep(1)
        hello()
        for request in requests():
            say(type="warning", id="r3", text=request["id"])
            done(request)
    """)
    it.matte("p.####.exr").cancel()
    events = []
    it.matte("p.####.exr", events.append).wait(20)
    assert "r1" not in [each.get("text") for each in events]


def test_how_long_a_worker_may_take_to_start_can_be_set_and_the_message_says_by_what(client, monkeypatch):
    monkeypatch.setenv("NUKE_MATTING_PATIENCE", "0.5")
    event = client("time.sleep(60)", patience=None).matte("p.####.exr").wait(10)
    assert event["what"] == "the worker said nothing for 0.5 s"
    assert "where it only starts slowly, set NUKE_MATTING_PATIENCE to more seconds" in event["advice"]


@pytest.mark.parametrize("seconds", ["soon", "0", "-3", "nan", "inf"])
def test_a_patience_that_is_none_is_told(client, monkeypatch, seconds):
    monkeypatch.setenv("NUKE_MATTING_PATIENCE", seconds)
    with pytest.raises(HostError, match="NUKE_MATTING_PATIENCE is .*, which is no number of seconds"):
        client(POLITE, patience=None).hello(10)


def test_one_of_another_version_is_refused(client):
    it = client("hello(protocol=99)\nfor request in requests(): ok(request)")
    request = it.matte("p.####.exr")
    assert "protocol 99, this side 2" in request.wait(10)["what"]
    with pytest.raises(HostError, match="install the same"):
        it.hello(10)


def test_one_that_cannot_be_started_is_said(tmp_path):
    with pytest.raises(HostError, match="cannot be started"):
        Client([str(tmp_path / "nothing")], paths=PathMap()).hello()


def test_one_that_dies_is_started_again_and_the_caller_is_told(client):
    it = client("""
        hello()
        first = starts() == 1
        for request in requests():
            if first:
                os.kill(os.getpid(), signal.SIGKILL)
            done(request)
    """)
    events = []
    assert it.matte("p.####.exr", events.append).wait(10)["state"] == "done"
    assert [each["type"] for each in events] == ["warning", "done"]
    assert "killed by signal 9" in events[0]["text"] and "started again" in events[0]["text"]


def test_one_that_dies_again_is_left_alone_until_the_next_request(client, tmp_path):
    it = client("hello()\nstarts()\nnext(requests())\nos._exit(3)")
    events = []
    closing = it.matte("p.####.exr", events.append).wait(10)
    assert [each["type"] for each in events] == ["warning", "error"] and "exit code 3" in closing["what"]
    assert (tmp_path / "starts").read_text() == "xx"
    it.matte("p.####.exr").wait(10)
    assert (tmp_path / "starts").read_text() == "xxxx"


def test_what_was_cancelled_is_not_asked_for_again(client, tmp_path):
    it = client("hello()\nstarts()\nfor request in requests():\n    if request['type'] == 'cancel': os._exit(3)")
    request = it.matte("p.####.exr")
    it.hello(10)
    request.cancel()
    assert request.wait(10)["state"] == "cancelled"


def test_a_callback_that_fails_stops_nothing(client, caplog):
    it = client(POLITE)
    assert it.matte("p.####.exr", lambda event: 1 / 0).wait(10)["state"] == "done"
    assert it.ping() and "ZeroDivisionError" in caplog.text


def test_a_callback_may_ask_for_more(client):
    it = client(POLITE)
    second = []
    it.matte("p.####.exr", lambda event: second.append(it.matte("q.####.exr"))).wait(10)
    assert second[0].wait(10)["state"] == "done"


def test_floods_on_stderr_block_nothing(client):
    it = client("""
        hello()
        for request in requests():
            sys.stderr.write("x" * 3000000 + "\\n" + "noise\\n" * 100000)
            sys.stderr.flush()
            done(request)
    """)
    assert it.matte("p.####.exr").wait(20)["state"] == "done"


def test_paths_are_mapped_both_ways(client):
    it = client("""
        hello()
        for request in requests():
            path = request["settings"]["guide"].replace("####", "0001")
            say(type="warning", id=request["id"], text=json.dumps(request))
            say(type="frame", id=request["id"], frame=1, state="cached", path=path, seconds=0, notes=[])
            done(request)
    """, paths=PathMap.parse("/here=/there"))  # fmt: skip
    events = []
    about = {"out": "/here/o.####.exr", "settings": {"guide": "/here/g.####.exr", "model": "two_stage"}}
    it.matte("/here/p.####.exr", events.append, **about).wait(10)
    assert '"plate": "/there/p.####.exr"' in events[0]["text"] and '"out": "/there/o.####.exr"' in events[0]["text"]
    assert events[1]["path"] == "/here/g.0001.exr"
    assert about["settings"]["guide"] == "/here/g.####.exr", "the caller's own is left alone"


def test_many_threads_may_ask_at_once_while_it_dies(client):
    it = client("""
        hello()
        first = starts() == 1
        for number, request in enumerate(requests()):
            if first and number == 200:
                os._exit(1)
            done(request) if request["type"] == "matte" else ok(request)
    """)
    closings = []

    def ask():
        for _ in range(50):
            closings.append(it.matte("p.####.exr").wait(20))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert len(closings) == 400 and all(each["state"] == "done" for each in closings)


def test_no_thread_is_left(client):
    before = set(threading.enumerate())
    it = client(POLITE)
    it.hello(10)
    it.close()
    end = time.monotonic() + 5
    while set(threading.enumerate()) - before and time.monotonic() < end:
        time.sleep(0.02)
    assert not set(threading.enumerate()) - before


def test_the_folder_works_under_another_name_without_the_package(tmp_path):
    shutil.copytree(Path(host.__file__).parent, tmp_path / "inside_nuke", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "worker.py").write_text(BEGIN + POLITE)
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from inside_nuke.client import Client\n"
        f"with Client([sys.executable, '-I', '-S', {str(tmp_path / 'worker.py')!r}]) as client:\n"
        "    assert client.matte('p.####.exr', settings={'fg': True}).wait(10)['state'] == 'done'\n"
        "assert not [name for name in sys.modules if name.startswith('nuke_matting')]"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True, timeout=20)


def test_a_worker_that_is_lost_is_started_again(client):
    it = client(
        """
        first = starts() == 1
        hello()
        for request in requests():
            if first:
                time.sleep(600)
            done(request) if request["type"] == "matte" else ok(request)
        """,
        silence=0.5,
    )
    events = []
    assert it.matte("p.####.exr", events.append).wait(30)["state"] == "done"
    assert "said nothing" in events[0]["text"] and "it was started again" in events[0]["text"]


def test_a_worker_that_works_long_and_answers_is_left_alone(client):
    it = client(
        """
        hello()
        asked, work = 0, None
        for request in requests():
            if request["type"] == "matte":
                work = request
                continue
            ok(request)
            asked += 1
            if asked == 4:
                done(work)
        """,
        silence=0.5,
    )
    events = []
    assert it.matte("p.####.exr", events.append).wait(30)["state"] == "done"
    assert [each["type"] for each in events] == ["done"]


def test_a_worker_that_rested_long_is_not_taken_for_lost_when_it_is_asked(client):
    it = client(POLITE, silence=0.5)
    it.hello(10)
    time.sleep(1.5)
    events = []
    assert it.matte("p.####.exr", events.append).wait(30)["state"] == "done"
    assert [each["type"] for each in events] == ["done"]


def test_a_worker_is_not_taken_for_lost_while_a_callback_is_slow(client):
    it = client(
        """
        hello()
        for request in requests():
            say(type="warning", id=request["id"], text="a word")
            time.sleep(1.2)
            done(request)
        """,
        silence=0.4,
    )
    events = []
    request = it.matte("p.####.exr", lambda event: events.append(event["type"]) or time.sleep(1.5))
    assert request.wait(30)["state"] == "done"
    assert events == ["warning", "done"]
