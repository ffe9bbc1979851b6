"""The node's knobs are made from the settings, and none is forgotten."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting.host.description import ADVANCED, NOT_KNOBS, user_knobs
from nuke_matting.host.errors import HostError
from nuke_matting.host.frames import curve, format_frames, parse_frames
from nuke_matting.settings import options


def test_every_setting_is_a_knob_or_has_a_reason_not_to_be():
    knobs = {each.name for each in user_knobs()}
    assert set(options()) - knobs == set(NOT_KNOBS)
    assert set(ADVANCED) <= set(options())


OTHERWISE = ("ocio", "colourspace")  # whose defaults are the script's in a node


def test_a_knob_says_what_the_setting_says():
    knobs = {each.name: each for each in user_knobs()}
    for name, (default, option) in options().items():
        if name not in NOT_KNOBS:
            says_so = knobs[name].tooltip.lower().startswith(option.help.lower())
            assert says_so == (name not in OTHERWISE), name
            assert (
                default in ("", False)
                or option.choices
                or str(knobs[name].value).strip('"') == f"{default}".replace(".0", "").replace("True", "true")
            )


def test_colour_knobs_tell_what_empty_means_in_a_node_and_not_on_the_command_line():
    tips = {each.name: each.tooltip for each in user_knobs()}
    assert "Empty: that of the script" in tips["ocio"] and "built-in" not in tips["ocio"]
    assert "Empty: the one each Read is set to" in tips["colourspace"]


@pytest.mark.parametrize(
    "name, words",
    [
        ("mark", ["bar along the bottom of the picture", "never rendered"]),
        ("guard", ["stop the render", "matte them first"]),
        ("regions", ["8 is slow", "4 is good"]),
        ("clean_match", ["Turn it off"]),
    ],
)
def test_a_tool_tip_can_be_understood_without_the_page(name, words):
    tip = {each.name: each.tooltip for each in user_knobs()}[name]
    assert all(word in tip for word in words) and len(tip) < 400


def test_the_page_for_artists_tells_of_every_knob_that_is_seen():
    page = (Path(__file__).parent.parent.parent / "docs" / "nuke.md").read_text(encoding="utf-8").lower()
    advanced = {name.replace("_", " ") for name in ADVANCED}
    seen = [each.label for each in user_knobs() if each.flags != "+INVISIBLE" and each.code not in (20, 26)]
    assert [label for label in seen if label.lower() not in page and label not in advanced] == []


@given(st.sets(st.integers(-500, 500), min_size=1))
def test_frames_survive_their_text(frames):
    assert parse_frames(format_frames(frames)) == sorted(frames)


@given(st.sets(st.integers(-500, 500), min_size=1))
def test_the_curve_is_1_at_the_frames_and_0_elsewhere(frames):
    words = curve(frames).split()[2:]
    keys = {int(at[1:]): int(value) for at, value in zip(words[::2], words[1::2], strict=True)}
    assert list(keys) == sorted(keys)
    value, first = 0, min(keys)
    assert keys[first] == 0, "before its first key a curve has that key's value"
    for frame in range(-502, 503):
        value = keys.get(frame, value)
        assert value == (frame in frames)


@pytest.mark.parametrize("text", ["", "1-", "5-1", "1-9x0", "a", "1-99999999"])
def test_what_is_no_range_is_refused(text):
    with pytest.raises(HostError, match="no frame range"):
        parse_frames(text)
