"""Files that appear whole, and what killed writers leave."""

import os
import time

from nuke_matting.plate.atomic import LEFT_BEHIND, TEMPORARY, remove_left_behind, write_whole


def test_a_file_appears_whole_with_the_rights_of_any_other(tmp_path):
    write_whole(tmp_path / "a" / "b.exr", b"data")
    (tmp_path / "other").write_bytes(b"")
    assert (tmp_path / "a" / "b.exr").read_bytes() == b"data"
    assert (tmp_path / "a" / "b.exr").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.exr"]


def test_what_a_file_will_be_is_told_before_it_has_its_name(tmp_path):
    path, told = tmp_path / "a.exr", []
    write_whole(path, b"data", before=lambda about: told.append((about.st_size, about.st_mtime_ns, path.exists())))
    assert told == [(4, path.stat().st_mtime_ns, False)]


def test_only_old_temporary_files_are_removed(tmp_path):
    names = [f"{TEMPORARY}old.part", f"{TEMPORARY}new.part", "old.part", f"{TEMPORARY}old.exr"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
        if "old" in name:
            os.utime(tmp_path / name, (time.time() - 2 * LEFT_BEHIND,) * 2)
    remove_left_behind(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(names[1:])


def test_a_folder_that_is_not_there_is_nothing_to_tidy(tmp_path):
    remove_left_behind(tmp_path / "none")
