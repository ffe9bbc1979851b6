"""Fingerprints of files, and digests of plain data."""

import hashlib
import os
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting.engine import fingerprint
from nuke_matting.engine.fingerprint import Fingerprints, digest
from nuke_matting.errors import PlateError

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@pytest.fixture
def reads(monkeypatch):
    """The paths that are hashed."""
    done, real = [], fingerprint._sha256
    monkeypatch.setattr(fingerprint, "_sha256", lambda path: done.append(path) or real(path))
    return done


def test_the_fingerprint_is_the_sha256_of_the_bytes(tmp_path):
    data = os.urandom(3_000_000)
    (tmp_path / "a.exr").write_bytes(data)
    assert Fingerprints().of(tmp_path / "a.exr") == hashlib.sha256(data).hexdigest()


def test_an_unchanged_file_is_read_once(tmp_path, reads):
    path = tmp_path / "a.exr"
    path.write_bytes(b"pixels")
    fingerprints = Fingerprints()
    assert fingerprints.of(path) == fingerprints.of(str(path))
    assert len(reads) == 1


def test_many_threads_read_a_file_once(tmp_path, reads):
    path = tmp_path / "a.exr"
    path.write_bytes(b"pixels" * 100_000)
    fingerprints, found = Fingerprints(), []
    threads = [threading.Thread(target=lambda: found.append(fingerprints.of(path))) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 8 and len(set(found)) == 1 and len(reads) == 1


def test_a_changed_file_is_read_again(tmp_path):
    path, fingerprints = tmp_path / "a.exr", Fingerprints()
    path.write_bytes(b"one")
    before = fingerprints.of(path)
    path.write_bytes(b"three")
    assert fingerprints.of(path) != before


def test_a_file_replaced_by_one_of_the_same_size_and_date_is_read_again(tmp_path):
    path, other, fingerprints = tmp_path / "a.exr", tmp_path / "b.exr", Fingerprints()
    path.write_bytes(b"one")
    before = fingerprints.of(path)
    other.write_bytes(b"two")
    about = path.stat()
    os.utime(other, ns=(about.st_atime_ns, about.st_mtime_ns))
    os.replace(other, path)
    assert fingerprints.of(path) != before


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(PlateError, match=r"gone\.exr: the file is missing"):
        Fingerprints().of(tmp_path / "gone.exr")


def test_a_folder_is_an_error(tmp_path):
    with pytest.raises(PlateError, match="it is not a file"):
        Fingerprints().of(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_an_error_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.exr")
    with pytest.raises(PlateError):
        Fingerprints().of(tmp_path / "a.exr")


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="needs POSIX permissions and a user who is not root"
)
def test_an_unreadable_file_is_an_error(tmp_path):
    (tmp_path / "a.exr").write_bytes(b"pixels")
    (tmp_path / "a.exr").chmod(0)
    with pytest.raises(PlateError, match="cannot be read"):
        Fingerprints().of(tmp_path / "a.exr")


def test_a_read_error_is_a_plate_error(tmp_path, monkeypatch):
    def fails(path):
        raise OSError(5, "Input/output error")

    (tmp_path / "a.exr").write_bytes(b"pixels")
    monkeypatch.setattr(fingerprint, "_sha256", fails)
    with pytest.raises(PlateError, match="Input/output error"):
        Fingerprints().of(tmp_path / "a.exr")


def test_a_file_that_changes_while_it_is_read_is_an_error(tmp_path, monkeypatch):
    path, real = tmp_path / "a.exr", fingerprint._sha256
    path.write_bytes(b"pixels")

    def grows(name):
        with open(path, "ab") as file:
            file.write(b"more")
        return real(name)

    monkeypatch.setattr(fingerprint, "_sha256", grows)
    with pytest.raises(PlateError, match="changes while it is read"):
        Fingerprints().of(path)


def test_a_digest_is_the_same_in_every_process_and_release():
    parts = {"model": "two_stage", "regions": [4.0, 1024], "fg": False, "päte": None}
    text = b'{"fg":false,"model":"two_stage","p\\u00e4te":null,"regions":[4.0,1024]}'
    code = f"from nuke_matting.engine.fingerprint import digest; print(digest({parts!r}))"
    env = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONIOENCODING": "utf-8"}
    other = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == digest(parts)
    assert digest(parts) == hashlib.sha256(text).hexdigest()


@given(plain)
def test_a_digest_does_not_depend_on_the_order_of_keys(value):
    def turned(each):
        if isinstance(each, dict):
            return {key: turned(each[key]) for key in reversed(each)}
        return tuple(turned(item) for item in each) if isinstance(each, list) else each

    assert digest(value) == digest(turned(value))


@given(plain, plain)
def test_different_data_have_different_digests(one, two):
    same = repr(one) == repr(two) or _canonical(one) == _canonical(two)
    assert (digest(one) == digest(two)) == same


def _canonical(value):
    if isinstance(value, dict):
        return ("dict", tuple(sorted((key, _canonical(item)) for key, item in value.items())))
    if isinstance(value, list):
        return ("list", tuple(map(_canonical, value)))
    return (type(value).__name__, repr(value))


def test_numbers_of_different_kinds_differ():
    assert len({digest(each) for each in (1, 1.0, True, "1", [1], None)}) == 6


@pytest.mark.parametrize("value", [{1: 2}, object(), b"bytes", {"a": {None: 1}}, {1, 2}])
def test_what_is_not_plain_data_is_refused(value):
    with pytest.raises(TypeError):
        digest(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(value):
    with pytest.raises(ValueError):
        digest([value])
