"""Files that appear whole, and what killed writers leave."""

import errno
import os
import time

import pytest

from nuke_matting import atomic
from nuke_matting.atomic import LEFT_BEHIND, TEMPORARY, remove_left_behind, write_whole
from nuke_matting.errors import OutputError


def test_a_file_appears_whole_with_the_rights_of_any_other(tmp_path):
    write_whole(tmp_path / "a" / "b.exr", b"data")
    (tmp_path / "other").write_bytes(b"")
    assert (tmp_path / "a" / "b.exr").read_bytes() == b"data"
    assert (tmp_path / "a" / "b.exr").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.exr"]


def test_a_disk_that_keeps_no_rights_is_written_to(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "chmod", refused)
    write_whole(tmp_path / "a" / "b.exr", b"data")
    assert (tmp_path / "a" / "b.exr").read_bytes() == b"data"


def test_what_a_file_will_be_is_told_before_it_has_its_name(tmp_path):
    path, told = tmp_path / "a.exr", []
    write_whole(path, b"data", before=lambda about: told.append((about.st_size, about.st_mtime_ns, path.exists())))
    assert told == [(4, path.stat().st_mtime_ns, False)]


@pytest.mark.skipif(os.utime not in os.supports_fd, reason="files are dated by their names there")
def test_files_of_one_size_and_one_moment_are_told_apart_by_their_dates(tmp_path, monkeypatch):
    now = time.time_ns() // 10**6 * 10**6
    monkeypatch.setattr(os, "fsync", lambda file: os.utime(file, ns=(now, now)))  # the clock of the disk stands still
    told = []
    for name in "abcdefghij":
        write_whole(tmp_path / name, b"data", before=lambda about: told.append(about.st_mtime_ns - now))
    assert len(set(told)) == 10 and 0 <= min(told) <= max(told) < 10**6


@pytest.fixture
def held(tmp_path, monkeypatch):
    """A file that a reader has open on Windows, where its name is not free then: held(times) -> path."""
    path, real = tmp_path / "a.exr", os.replace
    path.write_bytes(b"before")
    monkeypatch.setattr(atomic, "_WINDOWS", True)
    monkeypatch.setattr(atomic, "PATIENCE", 0.2)

    def hold(times):
        tries = iter(range(times))

        def replace(source, target):
            if next(tries, None) is not None:
                raise PermissionError(errno.EACCES, "Access is denied")
            real(source, target)

        monkeypatch.setattr(os, "replace", replace)
        return path

    return hold


def test_a_reader_that_has_the_file_open_for_a_moment_is_waited_for(held):
    path = held(times=2)
    write_whole(path, b"data")
    assert path.read_bytes() == b"data"


def test_a_program_that_keeps_the_file_open_is_named_and_the_file_stays_what_it_was(held):
    path = held(times=1000)
    with pytest.raises(OutputError, match="another program has it open; close it there"):
        write_whole(path, b"data")
    assert path.read_bytes() == b"before" and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("why", ["a folder", "read-only", "not Windows"])
def test_what_no_waiting_helps_is_told_at_once(held, monkeypatch, why):
    path = held(times=1)
    if why == "a folder":
        path.unlink(), path.mkdir()
    elif why == "read-only":
        monkeypatch.setattr(os, "access", lambda *_: False)
    else:
        monkeypatch.setattr(atomic, "_WINDOWS", False)
    with pytest.raises(OutputError, match="no right to write there"):
        write_whole(path, b"data")


def test_a_disk_that_goes_away_is_one_typed_error(tmp_path, monkeypatch):
    def gone(*_, **__):
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    monkeypatch.setattr(os, "fsync", gone)
    monkeypatch.setattr(type(tmp_path), "unlink", gone)
    with pytest.raises(OutputError, match=os.strerror(errno.ESTALE)):
        write_whole(tmp_path / "a.exr", b"data")


def test_only_old_temporary_files_are_removed(tmp_path):
    names = [f"{TEMPORARY}old.part", f"{TEMPORARY}new.part", "old.part", f"{TEMPORARY}old.exr"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
        if "old" in name:
            os.utime(tmp_path / name, (time.time() - 2 * LEFT_BEHIND,) * 2)
    remove_left_behind(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(names[1:])


def test_what_another_host_is_writing_stays_where_this_ones_clock_is_wrong(tmp_path, monkeypatch):
    (tmp_path / f"{TEMPORARY}new.part").write_bytes(b"")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 2 * LEFT_BEHIND)
    remove_left_behind(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_is_not_there_is_nothing_to_tidy(tmp_path):
    remove_left_behind(tmp_path / "none")
