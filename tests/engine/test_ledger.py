"""Which output files this tool has written, whatever became of the run that wrote them."""

import os
import signal
import subprocess
import sys
import time

import pytest

from nuke_matting.atomic import LEFT_BEHIND, write_whole
from nuke_matting.engine.ledger import Ledger

KILLED = """
import os, signal, sys
from functools import partial
from pathlib import Path
from nuke_matting.engine.ledger import Ledger
from nuke_matting import atomic

replace, path = os.replace, Path(sys.argv[2])

def killed(source, target):
    if Path(target) == path:
        if sys.argv[3] == "after":
            replace(source, target)
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)

os.replace = killed
ledger = Ledger(Path(sys.argv[1]))
atomic.write_whole(path, b"matte", before=lambda about: ledger.vouch(path, about, "stamp"))
"""


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "cache")


def write(ledger, path, stamp, data=b"matte"):
    write_whole(path, data, before=lambda about: ledger.vouch(path, about, stamp))


def known(ledger, path):
    return ledger.knows(path, path.stat())


def entries(tmp_path):
    return list((tmp_path / "cache").rglob("*.json"))


def grow_old(tmp_path):
    for entry in entries(tmp_path):
        os.utime(entry, (time.time() - 2 * LEFT_BEHIND,) * 2)


def killed(tmp_path, path, when):
    run = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "cache"), str(path), when])
    assert run.returncode == -signal.SIGKILL


def test_a_file_is_known_until_it_is_changed(ledger, tmp_path):
    path = tmp_path / "m.exr"
    write(ledger, path, "stamp")
    assert known(ledger, path) == "stamp"
    path.write_bytes(b"paint")  # as many bytes
    assert known(ledger, path) is None


def test_of_two_runs_that_write_one_path_each_vouches_for_its_own_file_alone(ledger, tmp_path):
    path, other = tmp_path / "m.exr", Ledger(tmp_path / "cache")

    def before(about):
        ledger.vouch(path, about, "one")
        write(other, path, "other", b"other")  # comes and goes before the first has its name
        assert known(ledger, path) == "other"

    write_whole(path, b"one", before=before)
    assert path.read_bytes() == b"one" and known(ledger, path) == "one"
    write(other, path, "other", b"other")
    assert path.read_bytes() == b"other" and known(ledger, path) == "other"


@pytest.mark.skipif(os.name != "posix", reason="there is no such kill")
def test_a_run_that_is_killed_as_its_file_takes_its_name_leaves_it_known(ledger, tmp_path):
    killed(tmp_path, tmp_path / "m.exr", "after")
    assert known(ledger, tmp_path / "m.exr") == "stamp"


@pytest.mark.skipif(os.name != "posix", reason="there is no such kill")
def test_what_somebody_puts_where_a_run_was_killed_is_not_its_own(ledger, tmp_path):
    killed(tmp_path, tmp_path / "m.exr", "before")
    (tmp_path / "m.exr").write_bytes(b"paint")
    assert known(ledger, tmp_path / "m.exr") is None
    grow_old(tmp_path)
    assert ledger.prune() == 1 and entries(tmp_path) == []


@pytest.mark.parametrize("damage", [b"", b"\xff", b"[]", b"[" * 100_000], ids=["empty", "bytes", "list", "deep"])
def test_an_entry_that_is_damaged_says_nothing(ledger, tmp_path, damage):
    path = tmp_path / "m.exr"
    write(ledger, path, "stamp")
    entries(tmp_path)[0].write_bytes(damage)
    assert known(ledger, path) is None and ledger.made(path, path.stat()) == {} and not ledger.plate(path, path.stat())


def test_a_file_in_the_place_of_another_leaves_one_entry(ledger, tmp_path):
    path = tmp_path / "m.exr"
    write(ledger, path, "first")
    there = path.stat()
    write(ledger, path, "second", b"another matte")
    ledger.forget(path, there)
    ledger.forget(path, path.stat())  # it is there: nothing to forget
    assert known(ledger, path) == "second" and len(entries(tmp_path)) == 1


def test_a_file_is_known_by_whatever_way_leads_to_its_folder(ledger, tmp_path, monkeypatch):
    write(ledger, tmp_path / "out" / "m.exr", "stamp")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    monkeypatch.chdir(tmp_path / "out")
    for path in (tmp_path / "link" / "m.exr", type(tmp_path)("m.exr")):
        assert known(ledger, path) == "stamp"


def test_a_file_that_is_dated_anew_stays_known_and_has_one_entry(ledger, tmp_path):
    path = tmp_path / "m.exr"
    write(ledger, path, "stamp")
    when = path.stat().st_mtime_ns + 5
    ledger.renew(path, path.stat(), "stamp", when)
    assert path.stat().st_mtime_ns >= when and known(ledger, path) == "stamp" and len(entries(tmp_path)) == 1


@pytest.mark.skipif(os.utime not in os.supports_fd, reason="files are dated by their names there")
def test_a_file_that_is_put_there_while_another_is_dated_anew_keeps_its_date(ledger, tmp_path, monkeypatch):
    path, other = tmp_path / "m.exr", tmp_path / "other.exr"
    write(ledger, path, "stamp")
    other.write_bytes(b"paint")
    date, real = other.stat().st_mtime_ns, Ledger._write

    def meanwhile(self, *about):
        other.replace(path)
        return real(self, *about)

    monkeypatch.setattr(Ledger, "_write", meanwhile)
    ledger.renew(path, path.stat(), "stamp", path.stat().st_mtime_ns + 5)
    assert path.read_bytes() == b"paint" and path.stat().st_mtime_ns == date and known(ledger, path) is None


def test_a_file_that_may_not_be_dated_anew_stays_known_as_it_is(ledger, tmp_path, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    path = tmp_path / "m.exr"
    write(ledger, path, "stamp")
    monkeypatch.setattr(os, "utime", refused)
    ledger.renew(path, path.stat(), "stamp", path.stat().st_mtime_ns + 5)
    assert known(ledger, path) == "stamp" and len(entries(tmp_path)) == 1


def test_files_that_are_gone_are_forgotten_and_those_on_a_disk_that_is_away_are_not(ledger, tmp_path):
    here, away = tmp_path / "here", tmp_path / "away"
    for folder in (here, away):
        write(ledger, folder / "m.exr", "stamp")
    grow_old(tmp_path)
    (here / "m.exr").unlink()
    away.rename(tmp_path / "unmounted")
    assert ledger.prune() == 1
    (tmp_path / "unmounted").rename(away)
    assert known(ledger, away / "m.exr") == "stamp" and ledger.prune() == 0


def test_files_that_are_about_to_be_there_are_not_forgotten(ledger, tmp_path):
    path = tmp_path / "m.exr"
    pruned = []
    write_whole(
        path, b"matte", before=lambda about: (ledger.vouch(path, about, "stamp"), pruned.append(ledger.prune()))
    )
    assert pruned == [0] and known(ledger, path) == "stamp"


def test_where_nothing_can_be_kept_it_says_so(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    ledger, path = Ledger(tmp_path / "file"), tmp_path / "m.exr"
    path.write_bytes(b"matte")
    assert not ledger.vouch(path, path.stat(), "stamp") and known(ledger, path) is None and ledger.prune() == 0
