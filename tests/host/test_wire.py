"""Lines of JSON: whatever comes over a pipe, it is whole messages or word of what is wrong."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuke_matting.host.wire import LONGEST_LINE, BadMessage, Lines, decode, encode

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def lines(data, sizes, longest=LONGEST_LINE):
    """The lines in data that comes in pieces of the sizes given, over and over."""
    stream, turn = io.BytesIO(data), iter([])

    def read(size):
        nonlocal turn
        step = next(turn, None)
        if step is None:
            turn = iter(sizes)
            step = next(turn)
        return stream.read(min(step, size))

    return list(Lines(read, longest))


@given(st.lists(st.dictionaries(st.text(), plain, max_size=4)), st.lists(st.integers(1, 9), min_size=1))
def test_messages_survive_however_the_pipe_cuts_them(messages, sizes):
    data = b"".join(map(encode, messages))
    assert [decode(line) for line in lines(data, sizes)] == messages


@given(st.binary(), st.lists(st.integers(1, 9), min_size=1))
def test_random_bytes_are_messages_or_are_refused(data, sizes):
    for line in lines(data, sizes, longest=16):
        try:
            assert isinstance(decode(line), dict)
        except BadMessage as error:
            assert str(error)


def test_a_line_too_long_is_refused_and_the_next_one_is_read():
    data = b"x" * (3 * LONGEST_LINE) + b'\n{"a":1}\n'
    found = lines(data, [1 << 16])
    assert isinstance(found[0], BadMessage) and found[1:] == [b'{"a":1}']


def test_half_a_line_at_the_end_is_told():
    assert [type(each) for each in lines(b'{"a":1}\n{"b"', [5])] == [bytes, BadMessage]


def test_blank_lines_are_passed_over():
    assert lines(b'\n  \r\n{"a":1}\r\n', [4]) == [b'{"a":1}\r']


@pytest.mark.parametrize(
    "line",
    [
        b"[1]",
        b"1",
        b"nonsense",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b"\xff{}",
        b'{"a":' + b"9" * 5000 + b"}",
        b"[" * 90000,
    ],
)
def test_what_is_no_json_object_is_refused(line):
    with pytest.raises(BadMessage):
        decode(line)


@pytest.mark.parametrize("message", [{"a": float("nan")}, {"a": object()}, {"a": "x" * LONGEST_LINE}, {"a": {1, 2}}])
def test_what_no_line_can_hold_is_not_written(message):
    with pytest.raises(BadMessage):
        encode(message)


def test_a_path_that_is_no_utf8_comes_through():
    name = b"/plates/\xff.exr".decode("utf-8", "surrogateescape")
    assert decode(encode({"path": name}).rstrip()) == {"path": name}
    assert json.loads(encode({"path": "Gr\u00fcn"})) == {"path": "Gr\u00fcn"}
