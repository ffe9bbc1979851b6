"""What is said of a shot before its first frame: settings that do nothing, and what its model cannot do."""

from types import SimpleNamespace

import pytest

from nuke_matting.engine.remarks import remarks
from nuke_matting.models.adapters.modnet import ModnetModel
from nuke_matting.models.contract import Abilities
from nuke_matting.models.regional import RegionalModel
from nuke_matting.plate.sequence import ImageSequence
from nuke_matting.settings import Settings

PLATE = ImageSequence("plate.####.exr", (1001, 1002))
ALL = Abilities(clean_plate=True, guide=True, keys=True)


def said(settings, abilities=ALL):
    """Of a model with these abilities."""
    model = SimpleNamespace(name="it", abilities=abilities, references=(), precision="fp32", device="cpu")
    return remarks(settings, model, PLATE, None)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"premult": True}, "--premult does nothing without --fg"),
        ({"clean_align": True}, "--clean-align does nothing without --clean-plate"),
        ({"clean_match": False}, "--no-clean-match does nothing without --clean-plate"),
        ({"clean_colourspace": "ACEScg"}, "--clean-colourspace does nothing without --clean-plate"),
        ({"guide_use": "force"}, "--guide-use does nothing without --guide"),
        ({"cache": False, "cache_size": 9.0}, "--cache-size does nothing with --no-cache"),
    ],
)
def test_a_setting_that_does_nothing_without_another_is_said_with_that(changed, text):
    assert said(Settings(**changed)) == (text,)


@pytest.mark.parametrize(
    "whole",
    [
        {},
        {"premult": True, "fg": True},
        {"clean_plate": "c.exr", "clean_align": True, "clean_match": False, "clean_colourspace": "ACEScg"},
        {"guide": "g.exr", "guide_use": "limit"},
        {"cache": False},
    ],
)
def test_nothing_is_said_of_defaults_nor_of_what_has_what_it_needs(whole):
    assert said(Settings(**whole)) == ()


@pytest.mark.parametrize("network", [RegionalModel, ModnetModel])
def test_a_foreground_that_is_only_the_plate_is_said_where_it_was_asked_for(network):
    assert said(Settings(fg=True), network.abilities) == (
        "the model it finds no foreground: the plate's own colours stand in for it",
    )
    assert said(Settings(), network.abilities) == said(Settings(fg=True)) == ()


def test_frames_whose_sign_is_before_the_padding_are_said_to_be_left_out():
    model = SimpleNamespace(name="it", abilities=ALL, references=(), precision="fp32", device="cpu")
    plate = ImageSequence("plate.####.exr", (1,), left_out=("plate.-0002.exr", "plate.-0001.exr"))
    (text,) = remarks(Settings(), model, plate, None)
    assert text.startswith("plate.-0002.exr, plate.-0001.exr left out") and "as in plate.-001.exr; rename" in text
