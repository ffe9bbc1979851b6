"""Settings: every choice once, checked, and the same on the command line as in Python."""

import argparse
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting.cli.options import add_settings, settings_of
from nuke_matting.errors import UsageError
from nuke_matting.settings import Settings, options

WRONG = [
    ("precision", "fp8"),
    ("device", "cuda:x"),
    ("device", "gpu"),
    ("mode", "over"),
    ("layer", "rgba.red"),
    ("layer", "matte"),
    ("regions", -0.1),
    ("regions", float("nan")),
    ("region_batch", 0),
    ("region_batch", 1.5),
    ("jobs", True),
    ("cache_size", -1.0),
    ("fg", 1),
    ("model", None),
    ("edge_shift", -51.0),
    ("edge_soften", -1.0),
    ("black_point", 1.0),
    ("guide_use", "garbage"),
    ("key_frames", "1001"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_value_that_cannot_be_meant_is_refused_by_name(name, value):
    with pytest.raises(UsageError, match=f"^{name.replace('_', '-')}: "):
        Settings(**{name: value})


def test_levels_must_leave_something_between_them():
    assert Settings(black_point=0.4, white_point=0.5).white_point == 0.5
    with pytest.raises(UsageError, match=r"^black-point: 0\.5 is not below the white point, 0\.5"):
        Settings(black_point=0.5, white_point=0.5)


def test_whole_numbers_serve_as_decimal_ones():
    assert Settings(regions=2).regions == 2


def test_settings_cannot_change_under_a_run():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().model = "other"


def test_a_changed_copy_is_checked_too():
    changed = Settings().replace(device="cuda:1", fg=True)
    assert (changed.device, changed.fg, changed.model) == ("cuda:1", True, "two_stage")
    with pytest.raises(UsageError, match="no setting is called colorspace"):
        changed.replace(colorspace="ACEScg")
    with pytest.raises(UsageError):
        changed.replace(jobs=0)


def test_every_setting_says_what_it_does():
    for name, (default, option) in options().items():
        assert option.help and "\n" not in option.help, name
        assert not option.choices or default in option.choices


def parsed(*words: str) -> Settings:
    parser = argparse.ArgumentParser()
    add_settings(parser, options())
    return settings_of(parser.parse_args(words))


def test_no_options_give_the_defaults():
    assert parsed() == Settings()


@given(
    st.builds(
        Settings,
        device=st.sampled_from(["auto", "cpu", "cuda", "cuda:3", "mps"]),
        precision=st.sampled_from(["auto", "fp32", "bf16", "fp16"]),
        layer=st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}\.[A-Za-z][A-Za-z0-9_]{0,3}", fullmatch=True).filter(
            lambda layer: not layer.startswith("rgba.")
        ),
        regions=st.floats(0, 1000),
        guide_use=st.sampled_from(["hint", "force", "limit", "core"]),
        keys=st.just("keys.####.exr"),
        key_frames=st.sampled_from(["", "1001-1100x9", "1001,1050"]),
        edge_shift=st.integers(-5000, 5000).map(lambda hundredths: hundredths / 100),
        edge_soften=st.floats(0, 50),
        black_point=st.floats(0, 0.4),
        white_point=st.floats(0.5, 1),
        region_batch=st.integers(1, 1_000_000),
        fg=st.booleans(),
        cache=st.booleans(),
        jobs=st.integers(1, 64),
    )
)
def test_the_command_line_says_the_same_as_python(settings):
    words = []
    for name, (default, _) in options().items():
        value = getattr(settings, name)
        if value == default:
            continue
        flag = name.replace("_", "-")
        words += [f"--no-{flag}"] if value is False else [f"--{flag}"] if value is True else [f"--{flag}", str(value)]
    assert parsed(*words) == settings


def test_the_alpha_does_not_take_a_channel_of_the_foreground_in_a_merged_plate():
    with pytest.raises(UsageError, match=r"fg\.R holds the foreground"):
        Settings(fg=True, mode="merge", layer="fg.R")
