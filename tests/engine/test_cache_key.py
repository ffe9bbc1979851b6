"""The key of a matte in the cache: a setting is part of it exactly where it changes the matte."""

import pytest

from nuke_matting import Settings, Shot
from nuke_matting.engine.provenance import TOLD
from nuke_matting.settings import options

FRAME = 1003
CONFIG = """ocio_profile_version: 2
name: other
roles: {default: rec709, scene_linear: rec709}
file_rules:
  - !<Rule> {name: Default, colorspace: default}
displays:
  d:
    - !<View> {name: v, colorspace: acescg}
colorspaces:
  - !<ColorSpace> {name: acescg}
  - !<ColorSpace>
    name: rec709
    to_scene_reference: !<MatrixTransform>
      matrix: [0.61309740, 0.33952315, 0.04737945, 0, 0.07019372, 0.91635388, 0.01345240, 0,
               0.02061559, 0.10956977, 0.86981463, 0, 0, 0, 0, 1]
"""
# what a matte is made of, by setting: whether a change of it changes the matte, and so must change the key
TRUTH = {
    "model": True,
    "device": False,  # of one precision: auto is another on a GPU, which the key holds
    "precision": True,
    "ocio": True,
    "colourspace": True,
    "clean_plate": True,
    "clean_colourspace": True,
    "clean_match": True,
    "clean_align": True,
    "guide": True,
    "guide_use": True,
    "keys": True,
    "key_frames": True,
    "exposure": True,
    "edge_shift": True,
    "edge_soften": True,
    "black_point": True,
    "white_point": True,
    "regions": True,
    "region_batch": True,
    "mode": False,
    "layer": False,
    "fg": True,
    "premult": False,  # it is the written file's: the cache holds the foreground as it is
    "cache_dir": False,
    "cache": False,
    "cache_size": False,
    "jobs": False,
}
# not in every picture, or on every machine: a camera that stood still is not lined up, a batch changes the last bits
SOMETIMES = {"clean_align", "region_batch"}


@pytest.fixture
def changes(make_plate, weights, aided_weights, tmp_path):
    """Settings under which all others do something, and another value for each."""
    clean, guide, keys = (make_plate(name=name, gain=gain) for name, gain in (("c", 1.5), ("g", 0.9), ("k", 1.0)))
    config = tmp_path / "other.ocio"
    config.write_text(CONFIG)
    settings = Settings(
        model=weights,
        cache=False,
        clean_plate=clean,
        guide=guide,
        keys=keys,
        key_frames="1005",
        fg=True,
    )
    return settings, {
        "model": aided_weights,
        "device": "cpu",
        "precision": "bf16",
        "ocio": str(config),
        "colourspace": "lin_rec709",
        "clean_plate": make_plate(name="other", gain=3.0),
        "clean_colourspace": "lin_rec709",
        "clean_match": False,
        "clean_align": True,
        "guide": make_plate(name="wider", gain=1.2),
        "guide_use": "force",
        "keys": make_plate(name="drawn", gain=0.5),
        "key_frames": "1002,1005",
        "exposure": 1.0,
        "edge_shift": 1.0,
        "edge_soften": 1.0,
        "black_point": 0.3,
        "white_point": 0.6,
        "regions": 0.5,
        "region_batch": 3,
        "mode": "merge",
        "layer": "matte.A",
        "fg": False,
        "premult": True,
        "cache_dir": str(tmp_path / "cache"),
        "cache": True,
        "cache_size": 1.0,
        "jobs": 5,
    }


def test_a_setting_changes_the_key_exactly_where_it_changes_the_matte(make_plate, changes):
    plate, (settings, others) = make_plate(), changes

    def made(settings):
        shot = Shot(plate, settings)
        plan = shot.plan(FRAME)
        matte = shot.infer(plan, shot.load(FRAME))
        return plan.key, (matte.alpha.tobytes(), None if matte.foreground is None else matte.foreground.tobytes())

    key, pixels = made(settings)
    found = {name: made(settings.replace(**{name: value})) for name, value in others.items()}
    assert {name: other != key for name, (other, _) in found.items()} == TRUTH
    assert {name: other != pixels for name, (_, other) in found.items() if name not in SOMETIMES} == {
        name: truth for name, truth in TRUTH.items() if name not in SOMETIMES
    }


def test_the_same_number_is_the_same_key_however_it_is_written(make_plate, weights):
    plate, settings = make_plate([FRAME]), Settings(model=weights, edge_shift=0.0, edge_soften=2.0)
    written = settings.replace(edge_shift=-0.0, edge_soften=2)
    assert Shot(plate, settings).plan(FRAME).key == Shot(plate, written).plan(FRAME).key


def test_the_table_is_of_all_settings(changes):
    settings, others = changes
    assert list(TRUTH) == list(options()) and others.keys() == TRUTH.keys()
    assert all(getattr(settings, name) != value for name, value in others.items())


def test_a_delivered_file_names_the_settings_that_change_it():
    """Those that name inputs are told by their content; the model and the precision stand for themselves."""
    named = {
        "model",
        "precision",
        "ocio",
        "clean_plate",
        "guide",
        "keys",
        "key_frames",
    }
    assert set(TOLD) - {"mode", "layer", "premult"} == {name for name, truth in TRUTH.items() if truth} - named
