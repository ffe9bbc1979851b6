"""Who may use what is made."""

import os
import stat

import pytest

from nuke_matting.rights import give_rights, make_folder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="rights work otherwise there")


@pytest.fixture(autouse=True)
def closed_umask():
    """That of somebody who shares nothing unasked."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def rights(path):
    return stat.S_IMODE(path.stat().st_mode)


def shared(folder, mode):
    folder.mkdir()
    folder.chmod(mode)
    return folder


@pytest.mark.parametrize(("mode", "of_files"), [(0o2775, 0o664), (0o2777, 0o666), (0o755, 0o644), (0o700, 0o600)])
def test_what_is_made_within_a_shared_folder_has_its_rights(tmp_path, mode, of_files):
    root = shared(tmp_path / "cache", mode)
    make_folder(root / "v1" / "ab", root)
    (root / "v1" / "ab" / "file").write_bytes(b"")
    give_rights(root / "v1" / "ab" / "file", root)
    assert rights(root / "v1") == rights(root / "v1" / "ab") == mode
    assert rights(root / "v1" / "ab" / "file") == of_files


def test_a_folder_has_the_rights_of_the_one_that_it_is_made_in(tmp_path):
    root = shared(tmp_path / "cache", 0o2777)
    shared(root / "v1", 0o2770)
    make_folder(root / "v1" / "ab", root)
    assert rights(root / "v1" / "ab") == 0o2770


def test_folders_that_are_there_stay_as_they_are(tmp_path):
    root = shared(tmp_path / "cache", 0o2777)
    shared(root / "v1", 0o700)
    make_folder(root / "v1", root)
    assert rights(root / "v1") == 0o700


def test_what_is_not_within_a_shared_folder_has_what_the_umask_lets(tmp_path):
    shared(tmp_path / "open", 0o777)
    make_folder(tmp_path / "open" / "a" / "b")
    make_folder(tmp_path / "open" / "cache" / "v1", tmp_path / "open" / "cache")
    for name in ("a", "a/b", "cache", "cache/v1"):
        assert rights(tmp_path / "open" / name) == 0o700, name


def test_a_file_in_the_way_is_told_by_who_uses_the_folder(tmp_path):
    (tmp_path / "v1").write_bytes(b"")
    with pytest.raises(OSError):
        make_folder(tmp_path / "v1" / "ab", tmp_path)
