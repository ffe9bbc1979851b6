"""What weights come from, in the words of their metadata."""

from pathlib import Path

from nuke_matting.models.weights import WeightFile
from nuke_matting.training.data import Sources
from nuke_matting.training.datasets import Source
from nuke_matting.training.provenance import (
    MOST,
    Drawn,
    Past,
    drawn_from,
    joined,
    licences_of,
    past_of_checkpoint,
    past_of_weights,
)


def file(**metadata):
    return WeightFile(Path("a.safetensors"), {}, metadata, "0123456789abcdef")


def test_sets_are_named_by_their_own_names_folders_by_theirs_and_what_is_never_drawn_is_not():
    people = (Source(Path("a/ours")), Source(Path("b/zip"), layout="P3M-10k"), Source(Path("never"), 0.0))
    sources = Sources(
        people, (Source(Path("rooms")), Source(Path("skies"), 0.0)), (Source(Path("b/ours")),), things=2.0
    )
    assert str(drawn_from(sources)) == "on ours, P3M-10k, procedural things; over rooms"


def test_what_was_drawn_in_parts_is_said_once():
    assert Drawn(("a", "b"), ("c",)) + Drawn(("b", "d"), ("c",)) == Drawn(("a", "b", "d"), ("c",))


def test_what_a_past_tells_a_weight_file_says_again():
    past = Past(("large; on a; over b", "small; on c; over d"))
    assert past_of_weights(file(training=past.told())) == past


def test_of_very_many_runs_the_last_are_told_and_how_many_others_there_are():
    told = Past(tuple(f"run {number}" for number in range(MOST + 3))).told()
    assert told.startswith("run 0; before: run 1") and told.endswith(f"run {MOST - 1}; before: 3 other runs")


def test_the_mean_of_two_runs_of_one_beginning_comes_from_it_once():
    one, two = Past(("one", "start"), ("MIT",)), Past(("two", "more", "start"), ("MIT", "CC0"))
    assert joined([one, two]) == Past(("one", "two", "more", "start"), ("MIT", "CC0"))


def test_licences_are_those_of_a_file_and_of_what_it_comes_from():
    said = file(licence="MIT", licences_before="CC0 | research only")
    assert licences_of(said) == ("MIT", "CC0", "research only")
    assert Past(licences=licences_of(said)).licences_beside("MIT") == {"licences_before": "CC0 | research only"}
    assert Past(licences=("MIT",)).licences_beside("MIT") == {}


def test_files_that_say_nothing_are_named_all_the_same():
    assert past_of_weights(file()).runs == ("the weights 0123456789ab, which do not say",)
    assert past_of_checkpoint({"step": 3, "stage": "small"}).runs == (
        "step 3 of stage small, which does not say on what",
    )
