"""The cache used by many processes at once, some of which are killed: real processes, real files."""

import errno
import gc
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from nuke_matting.engine import _lease
from nuke_matting.engine._lease import acquire, is_held
from nuke_matting.engine.cache import Cache, CachedMatte

KEY = hashlib.sha256(b"a frame").hexdigest()

COMMON = """
import hashlib, os, random, sys, time
from pathlib import Path
import numpy as np
from nuke_matting.engine.cache import Cache, CachedMatte

def key(number):
    return hashlib.sha256(str(number).encode()).hexdigest()

def matte(number, side=16):
    return CachedMatte(np.random.default_rng(number).random((side, side), np.float32), None, (), {"frame": number})

folder = Path(sys.argv[1])
"""

COMPUTE_ALL = """
seed, count = int(sys.argv[2]), int(sys.argv[3])
cache = Cache(folder / "cache", 10**9)
numbers = list(range(count))
if seed % 2:
    random.Random(seed).shuffle(numbers)
while not (folder / "go").exists():
    time.sleep(0.005)
log = os.open(folder / "log", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
for number in numbers:
    with cache.claim(key(number)):
        found = cache.get(key(number))
        if found is None:
            os.write(log, f"{number}\\n".encode())
            time.sleep(0.002)
            cache.put(key(number), matte(number))
        else:
            assert found.alpha.tobytes() == matte(number).alpha.tobytes()
assert not cache.problems, cache.problems
"""

HOLD = """
cache = Cache(folder / "cache", 10**9, stale_after=float(sys.argv[2]))
lease = cache.claim(key(1))
print("held", lease.held, flush=True)
time.sleep(600)
"""

PUT_FOR_EVER = """
cache = Cache(folder / "cache", 10**9)
print("started", flush=True)
while True:
    number = random.randrange(12)
    cache.put(key(number), matte(number, 200))
"""


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def matte(number: int, side: int = 16) -> CachedMatte:
    return CachedMatte(np.random.default_rng(number).random((side, side), np.float32), None, (), {"frame": number})


def start(code: str, *args: object) -> subprocess.Popen:
    command = [sys.executable, "-c", COMMON + code, *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def lease_path(cache: Cache, name: str) -> Path:
    return cache.folder / "v1" / name[:2] / f"{name}.lease"


def foreign_lease(path: Path, age: float, **says) -> None:
    """The lease of a process on another host."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"token": "t", "machine": "another", "pid": 1, "started": "1", **says}))
    os.utime(path, (time.time() - age,) * 2)


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lease of key 1, with a beat of 1/6 s, and that this process does not reap."""
    process = start(HOLD, tmp_path, 1)
    assert process.stdout.readline() == "held True\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_four_processes_compute_each_of_a_hundred_mattes_once(tmp_path):
    processes = [start(COMPUTE_ALL, tmp_path, seed, 100) for seed in range(4)]
    (tmp_path / "go").touch()
    assert [(each.communicate(timeout=120), each.returncode)[1] for each in processes] == [0] * 4
    assert sorted(map(int, (tmp_path / "log").read_text().split())) == list(range(100))
    assert not list(tmp_path.rglob("*.lease")) and not list(tmp_path.rglob("*.part"))


def test_the_leases_of_the_dead_are_taken_over_by_one_process_each(tmp_path):
    cache = Cache(tmp_path / "cache", 10**9)
    for number in range(40):
        foreign_lease(lease_path(cache, key(number)), age=3600)
    processes = [start(COMPUTE_ALL, tmp_path, seed, 40) for seed in (0, 2, 4)]
    (tmp_path / "go").touch()
    assert [(each.communicate(timeout=120), each.returncode)[1] for each in processes] == [0] * 3
    computed = list(map(int, (tmp_path / "log").read_text().split()))
    assert sorted(set(computed)) == list(range(40)) and len(computed) <= 42  # the take-over itself is not quite atomic


def test_a_killed_holder_keeps_nobody_waiting(tmp_path, holder):
    cache = Cache(tmp_path / "cache", 10**9)  # with a stale_after of a minute
    assert cache.claim(key(1), wait=False) is None
    holder.send_signal(signal.SIGKILL)  # and not waited for: it stays in the table of processes
    began = time.monotonic()
    with cache.claim(key(1)) as lease:
        assert lease.held
    assert time.monotonic() - began < 20


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process")
def test_a_holder_that_gives_no_sign_of_life_is_replaced(tmp_path, holder):
    cache = Cache(tmp_path / "cache", 10**9, stale_after=1)
    holder.send_signal(signal.SIGSTOP)
    with cache.claim(key(1)) as lease:
        assert lease.held


def test_a_living_holder_is_waited_for_longer_than_its_lease_would_last_without_it(tmp_path, holder):
    cache = Cache(tmp_path / "cache", 10**9, stale_after=1)
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        assert cache.claim(key(1), wait=False) is None
        time.sleep(0.1)


def test_killed_writers_leave_whole_mattes_only(tmp_path):
    cache, seen = Cache(tmp_path / "cache", 10**9), 0
    for seed in range(4):
        process = start(PUT_FOR_EVER, tmp_path)
        assert process.stdout.readline() == "started\n"
        time.sleep(random.Random(seed).uniform(0.0, 0.3))
        process.kill()
        process.wait()
        process.stdout.close()
        for number in range(12):
            found = cache.get(key(number))
            if found is not None:
                seen += 1
                assert found.alpha.tobytes() == matte(number, 200).alpha.tobytes()
    assert seen and cache.problems == []


def test_readers_never_see_half_a_matte_while_others_write_evict_and_replace(tmp_path):
    processes = [start(PUT_FOR_EVER, tmp_path) for _ in range(2)]
    for each in processes:
        each.stdout.readline()
    cache, seen = Cache(tmp_path / "cache", 10**9, grace=0.0), 0
    try:
        end = time.monotonic() + 2
        while time.monotonic() < end:
            for number in range(12):
                found = cache.get(key(number))
                if found is not None:
                    seen += 1
                    assert found.alpha.tobytes() == matte(number, 200).alpha.tobytes()
            cache.prune(1_000_000)
    finally:
        for each in processes:
            each.kill()
            each.wait()
            each.stdout.close()
    assert seen and [line for line in cache.problems if "EXR is missing" not in line] == []


# -- leases, in one process --


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "cache", 10**9)


def test_a_lease_is_held_until_it_is_given_back(cache):
    lease = cache.claim(KEY, wait=False)
    assert lease.held and cache.claim(KEY, wait=False) is None
    lease.__exit__(None, None, None)
    assert not lease.held
    lease.release()
    with cache.claim(KEY, wait=False) as again:
        assert again.held
    assert not lease_path(cache, KEY).exists()


def test_waiting_for_a_lease_ends_where_it_is_told_to(cache):
    with cache.claim(KEY):
        asked = iter([False, False, True])
        assert cache.claim(KEY, stop=lambda: next(asked)) is None


def test_leases_of_different_keys_do_not_meet(cache):
    with cache.claim(key(1)) as one, cache.claim(key(2)) as two:
        assert one.held and two.held


def test_a_lease_that_is_forgotten_is_given_back(cache):
    lease = cache.claim(KEY)
    assert lease_path(cache, KEY).exists()
    del lease
    gc.collect()
    assert not lease_path(cache, KEY).exists()


def test_who_waits_goes_on_as_soon_as_the_matte_is_there(cache):
    found = []

    def waits():
        with cache.claim(KEY):
            found.append(cache.get(KEY))

    with cache.claim(KEY):
        thread = threading.Thread(target=waits)
        thread.start()
        cache.put(KEY, matte(1))
        thread.join(20)  # the lease is still held
        assert len(found) == 1 and found[0] is not None


def test_nobody_waits_longer_than_patience(tmp_path, caplog):
    cache = Cache(tmp_path, 10**9, patience=0.3)
    with cache.claim(KEY):
        began = time.monotonic()
        with cache.claim(KEY) as second:
            assert not second.held and time.monotonic() - began < 10
            cache.put(KEY, matte(1))
    assert "computed without waiting further" in caplog.text
    assert cache.get(KEY) is not None


def test_the_lease_of_another_host_counts_until_it_is_stale(cache):
    path = lease_path(cache, KEY)
    foreign_lease(path, age=30)
    assert cache.claim(KEY, wait=False) is None and is_held(path, 60)
    foreign_lease(path, age=90)
    assert not is_held(path, 60)
    with cache.claim(KEY, wait=False) as lease:
        assert lease.held


def test_a_process_number_that_was_given_to_another_process_is_not_mistaken_for_the_holder(cache):
    path = lease_path(cache, KEY)
    foreign_lease(path, age=0, machine=_lease._machine(), pid=os.getpid(), started="long ago")
    if not Path("/proc/self/stat").exists():
        pytest.skip("this system does not tell when a process began")
    assert cache.claim(KEY, wait=False).held


NOT_LEASES = [
    b"",
    b"{",
    b"\xff" * 9,
    b"[1]",
    b"[" * 10**6,
    b'{"token": 1, "machine": 2, "pid": 1e999, "started": 4}',
    b'{"token": 1, "machine": 2, "pid": "x", "started": 4}',
]


@pytest.mark.parametrize("data", NOT_LEASES)
def test_a_lease_that_says_nothing_is_judged_by_its_age(cache, data):
    path = lease_path(cache, KEY)
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    assert cache.claim(KEY, wait=False) is None
    os.utime(path, (time.time() - 90,) * 2)
    assert cache.claim(KEY, wait=False).held


def test_a_holder_that_lost_its_lease_does_not_remove_that_of_the_next(cache):
    path = lease_path(cache, KEY)
    lease = cache.claim(KEY)
    path.unlink()
    foreign_lease(path, age=0)
    lease.release()
    assert path.exists()


def test_a_lease_made_meanwhile_is_not_taken_away_with_the_dead_ones(tmp_path):
    path = tmp_path / "a.lease"
    foreign_lease(path, age=90)
    dead = _lease._read(path)
    foreign_lease(path, age=0, token="of another")
    _lease._take_away(path, dead)
    assert json.loads(path.read_text())["token"] == "of another"
    assert [each.name for each in tmp_path.iterdir()] == ["a.lease"]


def test_a_dead_lease_that_another_user_alone_may_remove_is_not_waited_for(cache, monkeypatch):
    foreign_lease(lease_path(cache, KEY), age=90)

    def rename(*_):  # as in a folder with the sticky bit
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "rename", rename)
    lease = cache.claim(KEY, wait=False)
    assert lease is not None and not lease.held


def test_ages_are_measured_by_the_file_systems_clock(tmp_path, monkeypatch):
    path = tmp_path / "a.lease"
    foreign_lease(path, age=0)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert acquire(path, 60) is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_does_not_give_back_its_parents_lease(cache):
    lease = cache.claim(KEY)
    child = os.fork()
    if child == 0:
        lease.release()
        os._exit(0)
    os.waitpid(child, 0)
    assert lease_path(cache, KEY).exists() and lease.held
