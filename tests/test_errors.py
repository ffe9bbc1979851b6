"""Errors: one line that says where, what, and what to do."""

import pickle

import pytest

from nuke_matting import errors
from nuke_matting.errors import MattingError, PlateError

KINDS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, MattingError)]


def test_an_error_names_file_and_frame_then_what_then_advice():
    error = PlateError("ends early", path="a.1001.exr", frame=1001, advice="render it again")
    assert str(error) == "a.1001.exr (frame 1001): ends early; render it again"


def test_what_is_not_known_is_left_out():
    assert str(MattingError("nothing fits")) == "nothing fits"
    assert str(MattingError("nothing fits", frame=-3)) == "frame -3: nothing fits"


def test_an_error_is_one_line_whatever_a_library_said():
    assert str(MattingError("first\n  second\n", advice="do\nthis")) == "first second; do this"


@pytest.mark.parametrize("kind", KINDS)
def test_errors_cross_processes_whole(kind):
    error = kind("what", path="p", frame=7, advice="advice")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind and str(again) == str(error) and again.frame == 7 and again.kind == error.kind


def test_an_error_that_was_foreseen_is_told_as_it_is_and_another_with_what_to_do():
    foreseen = PlateError("ends early", frame=1001)
    assert errors.as_told(foreseen, 7) is foreseen
    assert str(errors.as_told(KeyError("a\nb"), 7)) == (
        "frame 7: unexpected KeyError: 'a\\nb'; please report it, with the output of nuke-matting doctor"
    )


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes")])
def test_want_of_memory_is_no_error_to_report(error):
    assert str(errors.as_told(error, 7)).startswith("frame 7: no memory is left; lower --jobs")


def test_every_kind_has_its_own_word():
    assert len({each.kind for each in KINDS}) == len(KINDS)
