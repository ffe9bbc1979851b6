"""The cache of mattes: one process at a time. `test_cache_processes.py` has many at once."""

import errno
import hashlib
import json
import logging
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nuke_matting.engine import _sweep
from nuke_matting.engine import cache as cache_module
from nuke_matting.engine._value import Damaged, encode, read_sidecar
from nuke_matting.engine.cache import Cache, CachedMatte, default_folder
from nuke_matting.engine.fingerprint import digest
from nuke_matting.engine.ledger import Ledger
from nuke_matting.errors import CacheError

KEY = hashlib.sha256(b"a frame").hexdigest()
WINDOWS = {"data_window": [-3, 4, 8, 6], "display_window": [0, 0, 32, 24]}


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def matte(seed: int = 0, shape: tuple[int, int] = (6, 8), foreground: bool = True, **info) -> CachedMatte:
    random = np.random.default_rng(seed)
    colour = random.normal(0, 4, (*shape, 3)).astype(np.float32) if foreground else None
    alpha = random.random(shape).astype(np.float32)
    alpha.flat[:2] = 0, 1
    return CachedMatte(alpha, colour, ("frame 1000 is missing",), {"frame": 1001, "plate": "p.1001.exr", **info})


def same(one: CachedMatte, other: CachedMatte) -> bool:
    def raw(array):
        return None if array is None else (array.shape, array.dtype, array.tobytes())

    return (raw(one.alpha), raw(one.foreground), one.notes, one.info) == (
        raw(other.alpha), raw(other.foreground), other.notes, other.info,
    )  # fmt: skip


def files(cache: Cache, pattern: str = "*") -> list[str]:
    return sorted(str(path.relative_to(cache.folder)) for path in cache.folder.rglob(pattern) if path.is_file())


def only(cache: Cache, pattern: str):
    (path,) = (each for each in cache.folder.rglob(pattern) if each.parent.name != "damaged")
    return path


def used(cache: Cache, name: str, seconds_ago: float) -> None:
    """Sets when a matte was last used."""
    path = only(cache, f"{name}.json")
    os.utime(path, (time.time() - seconds_ago,) * 2)


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "cache", 10**9)


# -- what is put comes back --


def test_an_empty_cache_has_nothing_and_touches_nothing(cache):
    assert cache.get(KEY) is None
    info = cache.info()
    assert (info.entries, info.bytes, info.oldest, info.newest, info.problems) == (0, 0, None, None, 0)
    assert cache.prune() == 0 and cache.clear() == 0
    assert not cache.folder.exists()


@pytest.mark.parametrize("foreground", [True, False])
def test_a_matte_comes_back_bit_for_bit(cache, foreground):
    put = matte(foreground=foreground, **WINDOWS)
    cache.put(KEY, put)
    assert same(cache.get(KEY), put)
    assert cache.problems == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_shape_and_any_float_comes_back_bit_for_bit(cache, data):
    height, width = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40))
    values = st.floats(width=32, allow_nan=True, allow_subnormal=True) | st.sampled_from(
        [0.0, 1.0, -0.0, 1e-45, 1.1754942e-38]
    )
    few = np.array(data.draw(st.lists(values, min_size=1, max_size=20)), np.float32)
    alpha = np.resize(few, (height, width))
    colour = np.resize(few[::-1], (height, width, 3)) if data.draw(st.booleans()) else None
    notes = tuple(data.draw(st.lists(st.text(), max_size=2)))
    info = data.draw(
        st.dictionaries(
            st.text(max_size=4),
            st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.none() | st.text(max_size=4),
            max_size=3,
        )
    )
    put = CachedMatte(alpha, colour, notes, info)
    cache.put(KEY, put)
    assert same(cache.get(KEY), put)


@pytest.mark.parametrize(
    "window", [None, "x", [0, 0, 9, 9], [0, 0, 8], [1.5, 0, 8, 6], [2**40, 0, 8, 6], [0, 0, True, 6]]
)
def test_windows_that_cannot_be_meant_do_no_harm(cache, window):
    put = matte(data_window=window, display_window=window)
    cache.put(KEY, put)
    assert same(cache.get(KEY), put)


def test_a_later_matte_of_the_same_key_replaces_the_first(cache):
    cache.put(KEY, matte(1))
    cache.put(KEY, matte(2))
    assert same(cache.get(KEY), matte(2))
    assert cache.info().entries == 1


def test_an_artist_can_open_the_exr(cache):
    put = matte(**WINDOWS)
    cache.put(KEY, put)
    image = oiio.ImageInput.open(str(only(cache, "*.exr")))
    spec = image.spec()
    assert list(spec.channelnames) == ["R", "G", "B", "A"] and spec.format == oiio.FLOAT
    assert (spec.x, spec.y, spec.width, spec.height) == (-3, 4, 8, 6)
    assert (spec.full_x, spec.full_y, spec.full_width, spec.full_height) == (0, 0, 32, 24)
    assert spec.getattribute("compression") == "zip"
    pixels = image.read_image(oiio.FLOAT)
    assert np.array_equal(pixels[..., 3], put.alpha) and np.array_equal(pixels[..., :3], put.foreground)


def test_an_alpha_alone_is_marked_as_data(cache):
    cache.put(KEY, matte(foreground=False))
    spec = oiio.ImageInput.open(str(only(cache, "*.exr"))).spec()
    assert list(spec.channelnames) == ["A"] and spec.getattribute("colorInteropID") == "data"


def test_the_sidecar_says_what_the_exr_is(cache):
    cache.put(KEY, matte())
    about = json.loads(only(cache, "*.json").read_text())
    exr = only(cache, "*.exr").read_bytes()
    assert about["key"] == KEY and about["shape"] == [6, 8] and about["size"] == len(exr)
    assert about["checksum"] == hashlib.sha256(exr).hexdigest()
    assert about["info"]["plate"] == "p.1001.exr" and about["notes"] == ["frame 1000 is missing"]


def test_mattes_lie_in_folders_by_the_first_digits_of_their_keys(cache):
    cache.put(KEY, matte())
    assert all(name.startswith(f"v1/{KEY[:2]}/{KEY}.") for name in files(cache)) and len(files(cache)) == 2


@pytest.mark.parametrize("bad", ["", "../../etc/passwd", "ab/cd", "ABCD", "a.b.c"])
def test_a_key_that_is_no_name_is_refused(cache, bad):
    with pytest.raises(ValueError):
        cache.get(bad)


@pytest.mark.parametrize(
    "alpha", [np.zeros((0, 4), np.float32), np.zeros(4, np.float32), np.zeros((2, 2, 1), np.float32)]
)
def test_what_is_no_alpha_is_refused(cache, alpha):
    with pytest.raises(ValueError):
        cache.put(KEY, CachedMatte(alpha, None, (), {}))


def test_a_foreground_of_another_size_is_refused(cache):
    with pytest.raises(ValueError):
        cache.put(KEY, CachedMatte(np.zeros((2, 2), np.float32), np.zeros((2, 3, 3), np.float32), (), {}))


def test_the_folder_is_the_environments_else_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("NUKE_MATTING_CACHE", str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.delenv("NUKE_MATTING_CACHE")
    assert default_folder().name == "nuke_matting"


# -- what is damaged is never served --


@pytest.mark.parametrize("pattern", ["*.exr", "*.json"])
@pytest.mark.parametrize("left", [0, 1, 0.5, -1])
def test_a_truncated_file_is_set_aside_and_said(cache, caplog, pattern, left):
    cache.put(KEY, matte())
    path = only(cache, pattern)
    data = path.read_bytes()
    path.write_bytes(data[: int(left * len(data)) if left == 0.5 else left])
    with caplog.at_level(logging.WARNING):
        assert cache.get(KEY) is None
    assert len(cache.problems) == 1 and KEY in cache.problems[0] and "not used" in caplog.text
    assert cache.info().entries == 0 and cache.info().problems > 0
    assert cache.get(KEY) is None and len(cache.problems) == 1  # it is gone, so a second look finds nothing amiss
    cache.put(KEY, matte())
    assert same(cache.get(KEY), matte())


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["*.exr", "*.json"]), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
def test_a_flipped_bit_never_changes_what_is_served(cache, pattern, where, bit):
    put = matte(**WINDOWS)
    cache.put(KEY, put)
    path = only(cache, pattern)
    data = bytearray(path.read_bytes())
    data[int(where * len(data))] ^= 1 << bit
    path.write_bytes(data)
    found = cache.get(KEY)
    assert found is None or (pattern == "*.json" and same(found, put))  # white space of the sidecar means nothing


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["key", "digest", "shape", "size", "info"]), inner)
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_a_sidecar_of_anything_is_refused_and_never_crashes(cache, data):
    cache.put(KEY, matte())
    only(cache, "*.json").write_bytes(data)
    assert cache.get(KEY) is None


@settings(max_examples=80)
@given(
    st.sampled_from(["format", "key", "checksum", "size", "shape", "foreground", "notes", "info"]),
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.lists(st.integers() | st.none(), max_size=3)
    | st.just({}),
)
def test_a_sidecar_with_a_value_of_another_kind_is_refused(name, value):
    _, text, _ = encode(KEY, matte())
    about = json.loads(text)
    del about["digest"]
    about[name] = value
    try:
        found = read_sidecar(json.dumps({**about, "digest": digest(about)}).encode(), KEY)
    except Damaged:
        return
    assert type(found.size) is int and type(found.foreground) is bool and type(found.info) is dict
    assert len(found.shape) == 2 and all(type(note) is str for note in found.notes)


@pytest.mark.parametrize(
    "text", [b"[" * 100_000, b" " * (2 << 20), b'{"size": ' + b"9" * 10_000 + b"}", b"\xff\xfe\x00"]
)
def test_a_huge_or_deep_sidecar_is_refused(cache, text):
    cache.put(KEY, matte())
    only(cache, "*.json").write_bytes(text)
    assert cache.get(KEY) is None and len(cache.problems) == 1


def test_the_matte_of_another_key_is_refused(cache):
    cache.put(KEY, matte())
    other = key(2)
    folder = cache.folder / "v1" / other[:2]
    folder.mkdir(parents=True, exist_ok=True)
    for path in (cache.folder / "v1" / KEY[:2]).iterdir():
        (folder / path.name.replace(KEY, other)).write_bytes(path.read_bytes())
    assert cache.get(other) is None
    assert same(cache.get(KEY), matte())


def test_a_foreign_exr_is_refused(cache):
    cache.put(KEY, matte())
    only(cache, "*.exr").write_bytes(encode(KEY, matte(5))[0])
    assert cache.get(KEY) is None and "changed or damaged" in cache.problems[0]


def test_a_genuine_sidecar_of_an_exr_of_another_kind_is_refused(cache):
    _, text, _ = encode(KEY, matte())
    about = {name: value for name, value in json.loads(text).items() if name != "digest"}
    cache.put(KEY, matte())
    for change in ({"shape": [8, 6]}, {"foreground": False}):
        changed = {**about, **change}
        only(cache, "*.json").write_text(json.dumps({**changed, "digest": digest(changed)}))
        assert cache.get(KEY) is None and "another kind" in cache.problems[-1]
        cache.put(KEY, matte())


def test_an_exr_without_its_sidecar_is_no_matte(cache):
    cache.put(KEY, matte())
    only(cache, "*.json").unlink()
    assert cache.get(KEY) is None and cache.problems == [] and cache.info().entries == 0


def test_a_sidecar_without_its_exr_is_no_matte(cache):
    cache.put(KEY, matte())
    only(cache, "*.exr").unlink()
    assert cache.get(KEY) is None and "its EXR is missing" in cache.problems[0]


def test_a_folder_in_the_place_of_a_file_does_not_crash(cache):
    cache.put(KEY, matte())
    path = only(cache, "*.json")
    path.unlink()
    path.mkdir()
    assert cache.get(KEY) is None and len(cache.problems) == 1


# -- a folder that cannot be used --


@pytest.mark.parametrize("folder", ["file", "file/inside", "/proc/nobody/writes/here"])
def test_an_unusable_folder_is_one_typed_error_at_put_and_a_miss_at_get(tmp_path, folder):
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / folder, 10**9)
    assert cache.get(KEY) is None
    with cache.claim(KEY) as lease, pytest.raises(CacheError, match="--cache-dir"):
        assert not lease.held
        cache.put(KEY, matte())
    assert cache.get(key(2)) is None
    assert len(cache.problems) <= 1


def test_looking_at_a_folder_that_is_a_file_is_a_typed_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for action in ("info", "prune", "clear"):
        with pytest.raises(CacheError, match="cannot be used"):
            getattr(Cache(tmp_path / "file", 10**9), action)()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("file systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_a_typed_error_and_leaves_nothing_half_written(small_disk):
    cache = Cache(small_disk, 10**9)
    cache.put(key(1), matte(1))
    with pytest.raises(CacheError, match="full"):
        cache.put(key(2), matte(2, (400, 400)))
    assert len(files(cache)) == 2
    assert same(cache.get(key(1)), matte(1)) and cache.get(key(2)) is None
    with cache.claim(key(2)):
        pass


@pytest.mark.parametrize("empty", [Cache.clear, lambda cache: cache.prune(0)], ids=["clear", "prune"])
def test_a_full_disk_can_be_made_room_on(small_disk, empty):
    cache = Cache(small_disk, 10**9, grace=0.0)
    cache.put(KEY, matte())
    with pytest.raises(OSError, match="No space"), open(small_disk / "footage.mov", "wb", buffering=0) as footage:
        while True:
            footage.write(bytes(4096))
    assert empty(cache) == 1 and files(cache) == ["footage.mov"]


@pytest.mark.parametrize("before", [False, True])
def test_a_sidecar_that_cannot_be_written_takes_its_exr_with_it(cache, monkeypatch, before):
    if before:
        cache.put(KEY, matte(1))
    there = files(cache)
    real = cache_module.write_whole

    def fails(path, data, **within):
        if path.suffix == ".json":
            raise cache_module.OutputError("cannot be written: the disk is full", path=path)
        real(path, data, **within)

    monkeypatch.setattr(cache_module, "write_whole", fails)
    with pytest.raises(CacheError):
        cache.put(KEY, matte())
    assert files(cache) == there
    assert same(cache.get(KEY), matte(1)) if before else cache.get(KEY) is None


# -- many users --


@pytest.fixture
def shared_cache():
    """A cache in a folder that everybody may write to, and nobody has to own."""
    umask = os.umask(0o022)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        os.mkdir(f"{folder}/cache")
        os.chmod(f"{folder}/cache", 0o2777)
        yield Cache(Path(folder) / "cache", 10**9)
    os.umask(umask)


@pytest.mark.skipif(os.name != "posix", reason="rights work otherwise there")
def test_all_that_is_made_in_a_shared_folder_is_for_all_who_share_it(shared_cache, tmp_path):
    shared_cache.put(KEY, matte())
    shared_cache.put(key(2), matte(2))
    only(shared_cache, f"{key(2)}.json").write_bytes(b"damaged")
    assert shared_cache.get(key(2)) is None
    assert Ledger(shared_cache.folder).vouch(tmp_path / "m.exr", os.stat(__file__), "stamp")
    with shared_cache.claim(KEY):
        made = {path: path.stat().st_mode & 0o7777 for path in shared_cache.folder.rglob("*")}
    assert {path.suffix for path in made} == {"", ".json", ".exr", ".lease"}
    for path, rights in made.items():
        assert rights == (0o666 if path.suffix else 0o2777), path


@pytest.mark.skipif(not hasattr(os, "fork") or os.geteuid() != 0, reason="needs the right to become somebody else")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_whoever_comes_second_keeps_mattes_too(shared_cache):
    shared_cache.put(KEY, matte())
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([]), os.setgid(65534), os.setuid(65534)
            with shared_cache.claim(KEY) as lease:
                shared_cache.put(KEY, matte(1))
                code = 0 if lease.held else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0 and same(shared_cache.get(KEY), matte(1))


# -- room --


def test_the_least_recently_used_goes_first(cache):
    for number in range(6):
        cache.put(key(number), matte(number))
        used(cache, key(number), 1000 - number)
    used(cache, key(5), 5000)
    assert cache.get(key(0)) is not None  # used now
    size = cache.info().bytes / 6
    assert cache.prune(int(3.5 * size)) == 3
    assert [number for number in range(6) if cache.get(key(number))] == [0, 3, 4]


def test_a_matte_in_use_is_not_evicted(cache):
    for number in range(3):
        cache.put(key(number), matte(number))
        used(cache, key(number), 1000)
    cache.get(key(0))
    with cache.claim(key(1)):
        assert cache.prune(0) == 1
    assert [number for number in range(3) if cache.get(key(number))] == [0, 1]


@pytest.mark.parametrize("empty", [Cache.clear, lambda cache: cache.prune(0)], ids=["clear", "prune"])
def test_a_matte_that_another_user_alone_may_remove_keeps_no_other_from_going(tmp_path, monkeypatch, empty):
    cache, real = Cache(tmp_path, 10**9, grace=0.0), Path.unlink
    for number in range(3):
        cache.put(key(number), matte(number))
        used(cache, key(number), 1000 - number)

    def unlink(path, missing_ok=False):  # as in a folder with the sticky bit
        if path.name.startswith(key(0)):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(path))
        real(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    assert empty(cache) == 2
    assert [number for number in range(3) if cache.get(key(number))] == [0]


def test_putting_keeps_the_cache_within_its_size(tmp_path):
    small = Cache(tmp_path, 200_000, grace=0.0)
    each = len(encode(KEY, matte(0, (40, 40)))[0])
    for number in range(60):
        small.put(key(number), matte(number, (40, 40)))
        assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 200_000 + each * 2
    assert small.info().entries > 5
    assert small.get(key(59)) is not None and small.get(key(0)) is None


def test_another_process_takes_over_the_count_of_what_is_there(tmp_path):
    for number in range(40):  # each in a cache of its own, as short farm tasks are
        Cache(tmp_path, 200_000, grace=0.0).put(key(number), matte(number, (40, 40)))
    assert Cache(tmp_path, 200_000).info().bytes <= 230_000


def test_a_cache_with_room_is_not_looked_through_at_each_put(cache, monkeypatch):
    looks, real = [], cache_module.scan
    monkeypatch.setattr(cache_module, "scan", lambda *args: looks.append(args) or real(*args))
    for number in range(30):
        cache.put(key(number), matte(number))
    assert len(looks) <= 2


def test_a_large_cache_is_judged_by_a_sample(tmp_path, monkeypatch):
    for number in range(100):
        Cache(tmp_path, 10**9).put(key(number), matte(number, (2, 2)))
    size = Cache(tmp_path, 10**9).info().bytes
    looks, real = [], cache_module.scan
    monkeypatch.setattr(cache_module, "scan", lambda *args: looks.append(len(args)) or real(*args))
    monkeypatch.setattr(cache_module, "_FEW", 1)
    Cache(tmp_path, 3 * size).put(key(1000), matte())
    assert looks == [2]  # some of the shelves
    Cache(tmp_path, size // 2, grace=0.0).put(key(1001), matte())
    assert looks == [2, 2, 1]  # then all of them
    assert 0.4 * size < Cache(tmp_path, size).info().bytes <= 0.5 * size


def test_prune_removes_what_dead_processes_left(cache):
    cache.put(KEY, matte())
    shelf = cache.folder / "v1" / KEY[:2]
    old, fresh = shelf / ".nuke_matting-old.part", shelf / ".nuke_matting-new.part"
    orphan, foreign = shelf / f"{KEY[:2]}{key(9)[2:]}.01234567.exr", shelf / "notes.txt"
    for path in (old, fresh, orphan, foreign):
        path.write_bytes(b"half")
    for path in (old, orphan, foreign):
        os.utime(path, (time.time() - 2 * _sweep.LEFT_BEHIND,) * 2)
    assert cache.prune() == 0
    assert fresh.exists() and foreign.exists() and not old.exists() and not orphan.exists()
    assert same(cache.get(KEY), matte())


@pytest.mark.parametrize("empty", [Cache.prune, Cache.clear], ids=["prune", "clear"])
@pytest.mark.parametrize("folder", ["written/ab", "hashed"])
def test_prune_and_clear_remove_what_they_left_beside_the_mattes_too(cache, folder, empty):
    (cache.folder / folder).mkdir(parents=True)
    for name, ago in (("old", 2 * _sweep.LEFT_BEHIND), ("new", 0)):
        path = cache.folder / folder / f".nuke_matting-{name}.part"
        path.write_bytes(b"half")
        os.utime(path, (time.time() - ago,) * 2)
    empty(cache)
    assert files(cache) == [f"{folder}/.nuke_matting-new.part"]


def test_prune_removes_what_was_set_aside(cache):
    cache.put(KEY, matte())
    only(cache, "*.exr").write_bytes(b"damaged")
    cache.get(KEY)
    assert cache.info().problems == 1
    cache.prune()
    assert cache.info().problems == 0 and files(cache) == []


def test_clear_removes_every_matte_and_nothing_else(cache):
    for number in range(3):
        cache.put(key(number), matte(number))
    (cache.folder / "written").mkdir()
    (cache.folder / "written" / "ledger.json").write_text("{}")
    assert cache.clear() == 3
    assert files(cache) == ["written/ledger.json"] and cache.info().entries == 0


def test_info_counts_mattes_bytes_and_uses(cache):
    for number in range(3):
        cache.put(key(number), matte(number))
    used(cache, key(1), 3600)
    info = cache.info()
    assert info.entries == 3 and info.problems == 0
    assert info.bytes == sum(path.stat().st_size for path in cache.folder.rglob("*") if path.is_file())
    assert 3590 < (info.newest - info.oldest).total_seconds() < 3610
