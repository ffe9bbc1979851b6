"""Where mattes go: which files a run may write over, whatever became of the runs before."""

import errno
import os
import shutil
from importlib.metadata import version
from pathlib import Path

import OpenImageIO as oiio
import pytest

from nuke_matting import Settings, Shot
from nuke_matting.engine import delivery
from nuke_matting.engine.cache import folder_of
from nuke_matting.engine.delivery import Delivery
from nuke_matting.engine.ledger import Ledger
from nuke_matting.errors import OutputError, TakenError, UsageError


@pytest.fixture
def shot(make_plate, weights):
    return Shot(make_plate([1001]), Settings(model=weights, cache=False))


def deliver(shot, folder):
    target = Delivery(shot, str(folder / "m.####.exr"), [1001], overwrite=False)
    target.write(shot.matte(1001))
    return target


@pytest.mark.parametrize(("mode", "kind"), [("sidecar", "exr"), ("merge", "exr"), ("merge", "png")])
def test_what_a_run_has_written_it_knows_again(make_plate, weights, tmp_path, mode, kind):
    plate = make_plate([1001])
    oiio.ImageBuf(plate % 1001).write(f"{tmp_path}/p.1001.{kind}")
    shot = Shot(f"{tmp_path}/p.####.{kind}", Settings(model=weights, cache=False, mode=mode))
    target = deliver(shot, tmp_path)
    assert target.has(shot.plan(1001))
    target.write(shot.matte(1001))  # nor is it in the way


def test_a_file_of_another_run_that_came_last_is_not_taken_for_ones_own(shot, make_plate, tmp_path):
    out = str(tmp_path / "m.####.exr")
    other_shot = Shot(shot.plate.pattern, shot.settings.replace(edge_shift=2.0), shot.model)
    other = Delivery(other_shot, out, [1001], overwrite=False)

    class Crossed(Ledger):
        """The other run writes its file once one of ours is vouched for, and has not its name yet."""

        def vouch(self, *about):
            kept = super().vouch(*about)
            other.write(other_shot.matte(1001))
            return kept

    first = Delivery(shot, out, [1001], overwrite=False, ledger=Crossed(folder_of(shot.settings)))
    first.write(shot.matte(1001))
    assert first.has(shot.plan(1001)) and not other.has(other.shot.plan(1001))
    other.write(other.shot.matte(1001))
    assert other.has(other.shot.plan(1001)) and not first.has(shot.plan(1001))


def test_what_somebody_puts_where_a_write_failed_is_not_written_over(shot, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OutputError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(delivery, "write_sidecar", full)
        with pytest.raises(OutputError, match="the disk is full"):
            deliver(shot, tmp_path)
    (tmp_path / "m.1001.exr").write_bytes(b"painted by hand")
    with pytest.raises(OutputError, match="a file is in the way"):
        deliver(shot, tmp_path)
    assert (tmp_path / "m.1001.exr").read_bytes() == b"painted by hand"


def test_a_file_stays_ours_where_writing_it_again_failed(shot, tmp_path, monkeypatch):
    target = deliver(shot, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(delivery, "write_sidecar", lambda *_, **__: (_ for _ in ()).throw(OutputError("no")))
        with pytest.raises(OutputError, match="no"):
            deliver(shot, tmp_path)
    assert target.has(shot.plan(1001))


def test_a_matte_of_files_that_changed_meanwhile_is_made_again(shot, tmp_path):
    target = Delivery(shot, str(tmp_path / "m.####.exr"), [1001], overwrite=False)
    plan, loaded = shot.plan(1001), shot.load(1001)
    Path(plan.path).touch()
    Path(plan.path).write_bytes(Path(plan.path).read_bytes() + b" ")
    matte = shot.infer(plan, loaded)
    target.write(matte)
    assert "changed during matting" in matte.notes[-1] and not target.has(shot.plan(1001)) and not target.has(plan)
    target.write(shot.matte(1001))
    assert target.has(shot.plan(1001))


@pytest.mark.parametrize("ahead", [0.05, 3600.0])
def test_a_matte_that_is_up_to_date_is_no_older_than_files_that_were_only_touched(shot, tmp_path, ahead):
    target = deliver(shot, tmp_path)
    plate, matte = Path(shot.plate.path(1001)), tmp_path / "m.1001.exr"
    data, when = matte.read_bytes(), matte.stat().st_mtime + ahead
    os.utime(plate, (when, when))
    assert target.has(shot.plan(1001)) and matte.stat().st_mtime > plate.stat().st_mtime
    before = matte.stat().st_mtime_ns
    assert target.has(shot.plan(1001)) and matte.read_bytes() == data, "it is still known"
    assert matte.stat().st_mtime_ns == before


def test_of_a_frame_that_is_up_to_date_its_file_alone_is_looked_at(shot, tmp_path, monkeypatch):
    target, plan, looked_at, real = deliver(shot, tmp_path), shot.plan(1001), [], os.stat
    monkeypatch.setattr(os, "stat", lambda path, **about: looked_at.append(Path(path)) or real(path, **about))
    assert target.has(plan) and looked_at == [tmp_path / "m.1001.exr"]


def test_where_nothing_can_be_written_down_a_matte_keeps_its_date(shot, tmp_path, monkeypatch):
    target = deliver(shot, tmp_path)
    matte, when = tmp_path / "m.1001.exr", (tmp_path / "m.1001.exr").stat().st_mtime + 9
    os.utime(shot.plate.path(1001), (when, when))
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "_write", lambda *_: False)
        assert target.has(shot.plan(1001))
    assert matte.stat().st_mtime < when and target.has(shot.plan(1001))


def test_a_file_in_the_way_is_told_before_a_matte_is_computed(shot, tmp_path):
    (tmp_path / "m.1001.exr").write_bytes(b"painted by hand")
    target, forced = (Delivery(shot, str(tmp_path / "m.####.exr"), [1001], overwrite=each) for each in (False, True))
    with pytest.raises(TakenError, match=r"m\.1001\.exr \(frame 1001\): a file is in the way"):
        target.has(shot.plan(1001))
    assert not forced.has(shot.plan(1001))


@pytest.mark.parametrize("why", [errno.ENOSPC, errno.EROFS])
def test_once_a_disk_is_full_no_further_matte_is_computed_for_it(make_plate, weights, tmp_path, monkeypatch, why):
    def full(*_, **__):
        raise OutputError("cannot be written: no room") from OSError(why, os.strerror(why))

    shot = Shot(make_plate([1001, 1002]), Settings(model=weights, cache=False))
    first = deliver(shot, tmp_path)
    assert not first.has(shot.plan(1002))
    monkeypatch.setattr(delivery, "write_sidecar", full)
    with pytest.raises(OutputError):
        first.write(shot.matte(1002))
    with pytest.raises(OutputError, match=r"m\.1002\.exr \(frame 1002\): cannot be written: no room"):
        first.has(shot.plan(1002))
    assert first.has(shot.plan(1001))


def test_a_folder_that_cannot_be_written_to_is_told_unless_mattes_are_there(shot, tmp_path, monkeypatch):
    def refuse(folder):
        raise OutputError("cannot be written: no right", path=folder)

    monkeypatch.setattr(delivery, "try_folder", refuse)
    target = Delivery(shot, str(tmp_path / "m.####.exr"), [1001], overwrite=False)
    for _ in "12":  # what is reported before a run is reported of each frame, too
        with pytest.raises(OutputError, match="no right"):
            target.try_folders([1001])
        with pytest.raises(OutputError, match="no right"):
            target.has(shot.plan(1001))
    target.write(shot.matte(1001))
    target.try_folders([1001])
    assert target.has(shot.plan(1001))


def test_key_mattes_are_not_written_over_whichever_of_them_are_keys(make_plate, weights, tmp_path):
    plate = make_plate([1001, 1002])
    keys = str(tmp_path / "painted.####.exr")
    for frame in (1001, 1002):
        shutil.copy(plate % frame, tmp_path / f"painted.{frame}.exr")
    shot = Shot(plate, Settings(model=weights, cache=False, keys=keys, key_frames="1001"))
    with pytest.raises(UsageError, match=r"painted\.1002\.exr: the output would write over an input"):
        Delivery(shot, keys, [1002], overwrite=True)


def test_colour_that_came_from_no_exr_says_its_space(make_plate, weights, tmp_path):
    oiio.ImageBuf(make_plate([1001]) % 1001).write(f"{tmp_path}/p.1001.png")
    shot = Shot(f"{tmp_path}/p.####.png", Settings(model=weights, cache=False, mode="merge"))
    target = Delivery(shot, str(tmp_path / "m.####.exr"), [1001], overwrite=False)
    warnings = target.write(shot.matte(1001))
    written = oiio.ImageBuf(str(tmp_path / "m.1001.exr")).spec()
    assert (
        written.getattribute("oiio:ColorSpace") == shot.colours.space(1001) and shot.colours.space(1001) in warnings[0]
    )


def test_a_plate_that_was_read_for_its_matte_is_not_opened_again_for_its_space(
    make_plate, weights, tmp_path, monkeypatch
):
    oiio.ImageBuf(make_plate([1001]) % 1001).write(f"{tmp_path}/p.1001.png")
    shot = Shot(f"{tmp_path}/p.####.png", Settings(model=weights, cache=False))
    matte = shot.matte(1001)
    monkeypatch.setattr(shot.colours, "space", None)
    Delivery(shot, str(tmp_path / "m.####.exr"), [1001], overwrite=False).write(matte)
    assert (tmp_path / "m.1001.exr").exists()


class TestPlatesThatAreCalledAlike:
    """sh010/plate.####.exr and sh020/plate.####.exr have one default name for their mattes."""

    @pytest.fixture
    def shots(self, make_plate, weights):
        one = Shot(make_plate([1001], name="sh010"), Settings(model=weights, cache=False))
        return one, Shot(make_plate([1001], name="sh020", gain=0.5), one.settings, one.model)

    def test_the_matte_of_one_is_not_written_over_by_the_other_unless_told_to(self, shots, tmp_path):
        out = str(tmp_path / "m.####.exr")
        one, other = shots
        deliver(one, tmp_path)
        target = Delivery(other, out, [1001], overwrite=False)
        for ask in (lambda: target.has(other.plan(1001)), lambda: target.write(other.matte(1001))):
            with pytest.raises(TakenError, match=r"another plate, from .*sh010, is in the way"):
                ask()
        told = Delivery(other, out, [1001], overwrite=True)
        assert not told.has(other.plan(1001))
        told.write(other.matte(1001))
        assert target.has(other.plan(1001))

    def test_one_that_was_rendered_again_or_is_named_by_another_way_is_the_same(self, shots, tmp_path):
        one, other = shots
        deliver(one, tmp_path)
        Path(one.plate.path(1001)).write_bytes(Path(other.plate.path(1001)).read_bytes())
        (tmp_path / "link").symlink_to(tmp_path / "sh010")
        for pattern in (one.plate.pattern, str(tmp_path / "link" / "plate.%04d.exr")):
            again = Shot(pattern, one.settings.replace(edge_shift=1.0), one.model)
            assert not Delivery(again, str(tmp_path / "m.####.exr"), [1001], overwrite=False).has(again.plan(1001))


def test_a_png_that_is_called_exr_says_its_colour_space_in_the_matte(make_plate, weights, tmp_path):
    oiio.ImageBuf(make_plate([1001]) % 1001).write(f"{tmp_path}/p.1001.png")
    (tmp_path / "p.1001.png").rename(tmp_path / "p.1001.exr")
    shot = Shot(tmp_path / "p.####.exr", Settings(model=weights, cache=False, mode="merge", fg=True))
    target = Delivery(shot, str(tmp_path / "m.####.exr"), [1001], overwrite=False)
    assert any(f"still in {shot.colours.space(1001)}" in each for each in target.write(shot.matte(1001)))


class TestOtherColourSpaces:
    """A plate that is taken to be in another space has another matte."""

    @pytest.fixture
    def count(self, shot, tmp_path):
        """What is said of the file that is there, by a run whose settings are changed."""

        def count(**changes):
            other = Shot(shot.plate.pattern, shot.settings.replace(**changes), shot.model)
            return Delivery(other, str(tmp_path / "m.####.exr"), [1001], overwrite=False).written_over([1001])

        return count

    def test_a_file_of_another_space_is_told(self, shot, count, tmp_path):
        deliver(shot, tmp_path)
        assert count(colourspace="ACES2065-1") == (1, "colourspace=ACEScg")

    def test_and_so_is_one_of_another_space_of_the_clean_plate(self, shot, count, tmp_path):
        clean = shot.plate.pattern
        deliver(Shot(clean, shot.settings.replace(clean_plate=clean), shot.model), tmp_path)
        assert count(clean_plate=clean, clean_colourspace="ACES2065-1") == (1, "clean-colourspace=")

    def test_the_same_space_is_no_other_by_whatever_name(self, shot, count, tmp_path):
        deliver(shot, tmp_path)
        assert count(colourspace="acescg") == count(colourspace="scene_linear") == (0, "")

    def test_that_is_told_by_headers_before_any_plate_is_read_whole(self, shot, count, tmp_path, monkeypatch):
        deliver(shot, tmp_path)
        monkeypatch.setattr("nuke_matting.engine.fingerprint._sha256", lambda path: pytest.fail(f"{path} was read"))
        assert count(colourspace="ACES2065-1") == (1, "colourspace=ACEScg")

    def test_what_an_older_version_did_not_write_down_is_no_difference(self, shot, count, tmp_path):
        target = deliver(shot, tmp_path)
        path = target.path(1001)
        made = {"model": shot.model.name, "mode": "sidecar"}
        Ledger(folder_of(shot.settings)).vouch(path, path.stat(), "an old stamp", str(shot.plate.path(1001)), made)
        assert count() == (0, "")

    def test_a_file_names_the_space_that_was_given(self, shot, tmp_path):
        deliver(Shot(shot.plate.pattern, shot.settings.replace(colourspace="ACES2065-1"), shot.model), tmp_path)
        said = oiio.ImageBuf(f"{tmp_path}/m.1001.exr").spec()
        assert said["nuke_matting/colourspace"] == "ACES2065-1"
        assert said["nuke_matting/settings"] == "colourspace=ACES2065-1"


class TestProvenance:
    """A delivered file says how it was made, beside all that the plate says, and nothing of where or when."""

    @pytest.mark.parametrize("mode", ["sidecar", "merge"])
    @pytest.mark.parametrize("kind", ["exr", "png"])
    def test_a_file_can_be_traced(self, make_plate, weights, tmp_path, mode, kind):
        oiio.ImageBuf(make_plate([1001]) % 1001).write(f"{tmp_path}/p.1001.{kind}")
        settings = Settings(model=weights, cache=False, mode=mode, fg=True, edge_shift=-1.5, clean_match=False, jobs=1)
        shot = Shot(f"{tmp_path}/p.####.{kind}", settings)
        deliver(shot, tmp_path)
        said = oiio.ImageBuf(f"{tmp_path}/m.1001.exr").spec()
        told = {each.name: each.value for each in said.extra_attribs if each.name.startswith("nuke_matting/")}
        assert told == {
            "nuke_matting/version": version("nuke-matting"),
            "nuke_matting/model": "quick",
            "nuke_matting/weights": shot.model.digest,
            "nuke_matting/precision": "fp32",
            "nuke_matting/colourspace": shot.colours.space(1001),
            "nuke_matting/settings": "mode=merge " * (mode == "merge") + "fg=yes edge-shift=-1.5",
            "nuke_matting/key": shot.plan(1001).key,
        }

    @pytest.mark.parametrize("mode", ["sidecar", "merge"])
    def test_the_same_matte_is_the_same_file_wherever_it_is_made(self, make_plate, weights, tmp_path, mode):
        written = []
        for place in ("here", "there"):
            plate = make_plate([1001], name=place)
            shot = Shot(plate, Settings(model=weights, mode=mode, jobs=1 + len(written), cache_dir=str(tmp_path / "c")))
            target = Delivery(shot, str(tmp_path / f"{place}.####.exr"), [1001], overwrite=False)
            target.write(shot.matte(1001))
            written.append(target.path(1001).read_bytes())
        assert written[0] == written[1]

    def test_a_plate_that_is_itself_a_merged_file_gives_way_in_nothing_else(self, make_plate, weights, tmp_path):
        settings = Settings(model=weights, cache=False, mode="merge")
        first = Shot(make_plate([1001]), settings.replace(edge_shift=1.0))
        deliver(first, tmp_path)
        again = Shot(tmp_path / "m.####.exr", settings)
        Delivery(again, str(tmp_path / "n.####.exr"), [1001], overwrite=False).write(again.matte(1001))
        said = [oiio.ImageBuf(f"{tmp_path}/{name}.1001.exr").spec().extra_attribs for name in "mn"]
        one, other = ({each.name: each.value for each in found if each.name != "oiio:SourcePath"} for found in said)
        assert one.keys() == other.keys() and other["nuke_matting/settings"] == "mode=merge"
        assert {name for name in one if one[name] != other[name]} == {"nuke_matting/settings", "nuke_matting/key"}
