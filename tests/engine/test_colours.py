"""The colours of a shot: when the OCIO config and its look-up tables are looked at."""

import pytest

from nuke_matting import Settings, Shot
from nuke_matting.colour import config as configs
from nuke_matting.engine.delivery import Delivery
from nuke_matting.engine.pipeline import run
from nuke_matting.worker.library import Library

CONFIG = """ocio_profile_version: 2
search_path: .
roles: {default: lin, scene_linear: lin, aces_interchange: lin}
file_rules:
  - !<Rule> {name: Default, colorspace: default}
displays:
  d:
    - !<View> {name: v, colorspace: lin}
colorspaces:
  - !<ColorSpace> {name: lin}
  - !<ColorSpace>
    name: log
    to_scene_reference: !<FileTransform> {src: a.spi1d, interpolation: linear}
"""
TABLE = "Version 1\nFrom 0.0 1.0\nLength 2\nComponents 1\n{{\n0.0\n{}\n}}\n"


@pytest.fixture
def table(tmp_path):
    (tmp_path / "show").mkdir()
    (tmp_path / "show" / "config.ocio").write_text(CONFIG)
    path = tmp_path / "show" / "a.spi1d"
    path.write_text(TABLE.format(1.0))
    return path


@pytest.fixture
def settings(weights, table):
    return Settings(model=weights, cache=False, ocio=str(table.parent / "config.ocio"), colourspace="log")


@pytest.fixture
def looks(monkeypatch):
    """The look-up tables that are looked at."""
    done, real = [], configs._stamp
    monkeypatch.setattr(configs, "_stamp", lambda path: done.append(path) or real(path))
    return done


def test_a_run_looks_at_a_table_once(make_plate, settings, tmp_path, looks):
    shot = Shot(make_plate(), settings)
    shot.facts(shot.frames)
    looks.clear()
    target = Delivery(shot, str(tmp_path / "m.####.exr"), shot.frames, overwrite=False)
    assert [each.state for each in run(shot, shot.frames, target, print)] == ["computed"] * 6
    assert len(looks) == 1


def test_a_table_that_has_changed_is_met_by_the_next_run_of_a_shot(make_plate, settings, tmp_path, table):
    shot = Shot(make_plate([1001]), settings)

    def state():
        target = Delivery(shot, str(tmp_path / "m.####.exr"), shot.frames, overwrite=False)
        return [each.state for each in run(shot, shot.frames, target, print)]

    assert (state(), state()) == (["computed"], ["skipped"])
    table.write_text(TABLE.format(0.25))
    assert state() == ["computed"]


def test_and_by_the_next_frame_that_is_asked_for_alone(make_plate, settings, table):
    shot = Shot(make_plate([1001]), settings)
    before = shot.matte(1001).alpha
    table.write_text(TABLE.format(0.25))
    assert (shot.matte(1001).alpha != before).any()


def test_and_by_the_next_request_of_a_worker_that_keeps_the_shot(make_plate, settings, table):
    library, plate = Library(), make_plate([1001])
    shot = library.open(plate, settings)
    before = shot.plan(1001).key
    table.write_text(TABLE.format(0.25))
    assert shot.plan(1001).key == before, "within one request it stays"
    assert library.open(plate, settings) is shot and shot.plan(1001).key != before


def test_of_two_shots_each_keeps_what_it_has_read(make_plate, settings, table):
    """A worker may put one request off for another, in whose time a table changes."""
    one, other = (Shot(make_plate([1001]), settings) for _ in "12")
    before = one.plan(1001).key
    table.write_text(TABLE.format(0.25))
    after = other.plan(1001).key
    assert one.plan(1001).key == before != after == other.plan(1001).key
