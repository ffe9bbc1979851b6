"""Fingerprints that are remembered between processes: what is known, and what must be hashed again."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting import Settings, Shot
from nuke_matting.engine import fingerprint, hashed
from nuke_matting.engine.fingerprint import Fingerprints
from nuke_matting.engine.hashed import Hashed

HOUR = 3600 * 10**9  # ns


@pytest.fixture
def reads(monkeypatch):
    """The paths that are hashed."""
    done, real = [], fingerprint._sha256
    monkeypatch.setattr(fingerprint, "_sha256", lambda path: done.append(path) or real(path))
    return done


@pytest.fixture
def later(monkeypatch):
    """An hour later, so that files that a test has just written were left alone long enough."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + HOUR)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def plate(tmp_path):
    (tmp_path / "plate").mkdir()
    path = tmp_path / "plate" / "a.exr"
    path.write_bytes(b"one")
    return path


def of(path, cache, adds=True):
    """The fingerprint of a file, as a process finds it that was just started."""
    return Fingerprints(Hashed(cache, adds)).of(path)


def files(cache):
    return [path for path in cache.rglob("*") if path.is_file()]


@pytest.mark.usefixtures("later")
class TestAFileThatWasLeftAlone:
    def test_is_hashed_once_for_all_processes(self, plate, cache, reads):
        assert of(plate, cache) == of(plate, cache) == Fingerprints().of(plate)
        assert len(reads) == 2, "and once without a memory"

    def test_is_known_by_its_real_path(self, plate, cache, reads, tmp_path):
        (tmp_path / "link").symlink_to(plate.parent)
        assert of(plate, cache) == of(tmp_path / "link" / plate.name, cache) and len(reads) == 1

    def test_is_hashed_again_once_it_changes_though_it_keeps_its_size_and_date(self, plate, cache):
        before, about = of(plate, cache), plate.stat()
        plate.write_bytes(b"two")
        os.utime(plate, ns=(about.st_atime_ns, about.st_mtime_ns))
        assert plate.stat().st_mtime_ns == about.st_mtime_ns and plate.stat().st_ino == about.st_ino
        assert of(plate, cache) == Fingerprints().of(plate) != before

    def test_is_hashed_again_once_another_takes_its_place(self, plate, cache):
        before, about, other = of(plate, cache), plate.stat(), plate.with_name("b.exr")
        other.write_bytes(b"two")
        os.utime(other, ns=(about.st_atime_ns, about.st_mtime_ns))
        os.replace(other, plate)
        assert of(plate, cache) == Fingerprints().of(plate) != before

    def test_is_known_by_its_name_too(self, plate, cache, reads):
        """Inodes are used again."""
        link = plate.with_name("b.exr")
        os.link(plate, link)
        of(plate, cache), of(link, cache)
        assert len(reads) == 2

    @pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read anything")
    def test_is_still_an_error_where_it_cannot_be_read(self, plate, cache):
        of(plate, cache)
        plate.chmod(0)
        with pytest.raises(fingerprint.PlateError, match="cannot be read"):
            of(plate, cache)

    def test_is_asked_of_its_disk_anew_before_its_old_fingerprint_is_trusted(self, plate, cache, monkeypatch):
        """A network disk may tell for a while what a file was, until the file is opened."""
        before, identity, real, opened = of(plate, cache), fingerprint._identity(str(plate)), open, []
        plate.write_bytes(b"three")
        now = fingerprint._identity
        monkeypatch.setattr("builtins.open", lambda name, *how: opened.append(str(name)) or real(name, *how))
        monkeypatch.setattr(fingerprint, "_identity", lambda name: now(name) if name in opened else identity)
        assert of(plate, cache) != before


class TestAFileThatWasWrittenJustNow:
    """It may change again within one tick of its disk's clock, and look the same."""

    def test_is_not_remembered(self, plate, cache, reads):
        of(plate, cache), of(plate, cache)
        assert len(reads) == 2 and files(cache) == []

    @pytest.mark.parametrize("age, known", [(0, False), (2, False), (240, False), (310, True), (-3600, False)])
    def test_is_so_for_some_minutes_as_clocks_of_servers_differ(self, plate, cache, reads, monkeypatch, age, known):
        changed = plate.stat().st_ctime_ns
        monkeypatch.setattr(time, "time_ns", lambda: changed + age * 10**9)
        of(plate, cache), of(plate, cache)
        assert len(reads) == (1 if known else 2)

    def test_is_told_by_its_change_and_not_by_a_date_that_it_was_given(self, plate, cache, reads):
        os.utime(plate, (1, 1))
        of(plate, cache), of(plate, cache)
        assert len(reads) == 2

    def test_is_told_by_when_hashing_it_began(self, plate, cache, reads, monkeypatch):
        """However long that took."""
        changed, slow = plate.stat().st_ctime_ns, iter([1, 10**6, 10**6, 10**6])
        monkeypatch.setattr(time, "time_ns", lambda: changed + next(slow) * 10**9)
        of(plate, cache)
        assert files(cache) == []


@pytest.mark.usefixtures("later")
class TestWhatIsInTheFolder:
    def test_is_replaced_where_it_is_damaged(self, plate, cache, reads):
        found = of(plate, cache)
        (kept,) = files(cache)
        whole = kept.read_bytes()
        for damaged in (
            b"",
            b"rubbish",
            os.urandom(3000),
            whole[:-9],
            whole[:50] + b"x" + whole[51:],
            b"x" * len(whole),
        ):
            kept.write_bytes(damaged)
            reads.clear()
            assert of(plate, cache) == found == of(plate, cache)
            assert len(reads) == 1 and kept.read_bytes() == whole and files(cache) == [kept]

    def test_is_kept_where_only_a_part_of_it_is_damaged(self, plate, cache, reads):
        other = plate.with_name("b.exr")
        other.write_bytes(b"other")
        of(plate, cache), of(other, cache)
        (kept,) = files(cache)
        kept.write_bytes(b"rubbish\n" + kept.read_bytes() + b"half a line")
        reads.clear()
        of(plate, cache), of(other, cache)
        assert reads == []

    @given(st.data())
    def test_never_gives_another_fingerprint_whatever_became_of_it(self, tmp_path_factory, data):
        folder = tmp_path_factory.mktemp("damage")
        names = [str(folder / f"{number}.exr") for number in range(3)]
        about = hashed.Identity(3, 1, 1, 1, 1)
        store = Hashed(folder / "cache")
        for number, name in enumerate(names):
            store.put(name, about, str(number) * 64, when=time.time_ns())
        (kept,) = files(folder / "cache")
        whole = kept.read_bytes()
        cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), min_size=2, max_size=2)))
        kept.write_bytes(whole[: cuts[0]] + data.draw(st.binary(max_size=9)) + whole[cuts[1] :])
        again = Hashed(folder / "cache")
        assert all(again.get(name, about) in (None, str(number) * 64) for number, name in enumerate(names))

    def test_is_bounded_and_the_newest_stay(self, tmp_path, cache, monkeypatch):
        monkeypatch.setattr(hashed, "MOST", 4000)
        about = hashed.Identity(3, 1, 1, 1, 1)
        store = Hashed(cache)
        for number in range(500):
            store.put(str(tmp_path / f"{number}.exr"), about, "a" * 64, when=time.time_ns())
            assert sum(path.stat().st_size for path in files(cache)) <= 4000
        again = Hashed(cache)
        known = [number for number in range(500) if again.get(str(tmp_path / f"{number}.exr"), about)]
        assert known == list(range(known[0], 500)) and len(known) >= 4000 // 2 // 115

    def test_is_left_as_it_is_by_who_only_looks(self, plate, cache, reads):
        of(plate, cache, adds=False)
        assert not cache.exists()
        of(plate, cache), of(plate, cache, adds=False)
        assert len(reads) == 2

    def test_has_the_rights_of_the_cache(self, plate, cache):
        cache.mkdir()
        cache.chmod(0o2770)
        of(plate, cache)
        (kept,) = files(cache)
        assert kept.stat().st_mode & 0o777 == 0o660 and kept.parent.stat().st_mode & 0o777 == 0o770

    @pytest.mark.parametrize("inside", ["", "hashed"])
    def test_is_nothing_where_it_cannot_be_written(self, plate, cache, reads, inside):
        if inside:
            cache.mkdir()
        (cache / inside).write_bytes(b"a file where a folder should be")
        assert of(plate, cache) == of(plate, cache) and len(reads) == 2


ADD = """
import sys, time
from pathlib import Path
from nuke_matting.engine.hashed import Hashed, Identity
folder, which = Path(sys.argv[1]), int(sys.argv[2])
store = Hashed(folder / "cache")
print("ready", flush=True)
while not (folder / "go").exists():
    time.sleep(0.005)
for number in range(which, 400, 2):
    store.put(str(folder / f"{number}.exr"), Identity(number, 1, 1, 1, 1), f"{number:064x}", time.time_ns())
"""


@pytest.mark.skipif(os.name != "posix", reason="lines that are added at one time may be lost there")
def test_two_processes_remember_side_by_side(tmp_path):
    (tmp_path / "cache").mkdir()
    command = [sys.executable, "-c", ADD, str(tmp_path)]
    started = [subprocess.Popen([*command, which], stdout=subprocess.PIPE, text=True) for which in "01"]
    assert [each.stdout.readline() for each in started] == ["ready\n"] * 2
    (tmp_path / "go").touch()
    assert [each.communicate(timeout=60) and each.returncode for each in started] == [0, 0]
    store = Hashed(tmp_path / "cache")
    found = [store.get(str(tmp_path / f"{number}.exr"), hashed.Identity(number, 1, 1, 1, 1)) for number in range(400)]
    assert found == [f"{number:064x}" for number in range(400)]
    assert len(files(tmp_path / "cache")) == 1


@pytest.mark.usefixtures("later")
class TestARunThatIsMadeAgain:
    @pytest.fixture
    def shot(self, make_plate, weights):
        plate = make_plate(range(1001, 1006))
        return lambda **more: Shot(plate, Settings(model=weights, **more))

    def test_hashes_no_plate(self, shot, reads):
        first, again = ([each.plan(frame).key for frame in each.frames] for each in (shot(), shot()))
        assert first == again and len(reads) == 5

    def test_finds_the_plate_that_has_changed(self, shot, reads):
        first = shot()
        before = {frame: first.plan(frame).key for frame in first.frames}
        path = Path(first.plate.path(1001))
        about = path.stat()
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
        again = shot()
        assert [frame for frame in again.frames if again.plan(frame).key != before[frame]] == [1001, 1002, 1003]
        assert len(reads) == 6

    def test_hashes_all_of_them_without_a_cache(self, shot, reads):
        for each in (shot(cache=False), shot(cache=False)):
            each.plan(1001)
        assert len(reads) == 6

    def test_a_cache_does_not_take_them_for_a_stranger_s(self, shot):
        each = shot()
        each.matte(1001)
        assert (each.cache.folder / "hashed").is_dir() and each.cache.foreign() == []
