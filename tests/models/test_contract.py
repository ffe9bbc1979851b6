"""What every model promises to the engine: what it takes, and the names of the frames that it reads from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting.models.adapters.peers import PEERS
from nuke_matting.models.contract import named_frames
from nuke_matting.models.registry import ARCHITECTURES

OFFSETS = st.lists(st.one_of(st.none(), st.integers(-12, -1), st.integers(1, 12)), max_size=4)


@given(st.integers(-50, 50), st.integers(0, 30), st.integers(0, 30), OFFSETS)
def test_a_frame_reads_from_frames_of_its_shot_alone_one_for_each_offset(first, before, after, offsets):
    frame, last = first + before, first + before + after
    read = named_frames(frame, first, offsets, last)
    assert len(read) == len(offsets) and all(first <= each <= last for each in read)
    named = [first if offset is None else frame + offset for offset in offsets]
    assert all(each in (frame, other) for each, other in zip(read, named, strict=True))
    apart = [each for each in read if each != frame]
    assert len(set(apart)) == len(apart), "no other frame twice"


@given(st.integers(-50, 50), st.integers(0, 100), st.sampled_from([(None, -1), (-1, -2)]))
def test_from_the_third_frame_on_the_memory_is_of_two_others(first, along, offsets):
    frame = first + along
    assert (frame in named_frames(frame, first, offsets)) == (along < 2)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("two_stage", ("plate", "clean plate", "guide", "key mattes")),
        ("memory", ("plate",)),
        ("regional", ("plate",)),
        ("background", ("plate", "clean plate (needed, but by weights that guess it)")),
        ("rvm", ("plate",)),
        ("bgmv2", ("plate", "clean plate (needed)")),
        ("modnet", ("plate",)),
    ],
)
def test_what_a_network_takes_is_said_in_words(kind, words):
    assert (PEERS | ARCHITECTURES)[kind].abilities.words() == words
