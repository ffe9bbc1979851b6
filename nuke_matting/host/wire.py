"""Lines of JSON over a pipe: whole, bounded, UTF-8, one object each. Used at both ends."""

import json

LONGEST_LINE = 1 << 20  # bytes, without the line feed
_BLOCK = 1 << 16  # bytes read at once
_LONGEST_NUMBER = 32  # characters; a longer one takes Python long to read, and means nothing here


class BadMessage(ValueError):
    """A line or message that is none of the protocol; says why, one clause."""


class Lines:
    """Iterates over the lines that come out of a pipe, each as bytes without its line feed, or as a BadMessage.

    A line over `longest` bytes is thrown away as it comes, so that it costs no memory; what stands after the last
    line feed at the end is half a line. Both are given as a BadMessage, after which iteration goes on. Blank lines
    are passed over.

    read : takes a number of bytes and gives at most as many, at least one unless the end is reached: `os.read` of a
        pipe, or `BytesIO.read`.
    """

    def __init__(self, read, longest=LONGEST_LINE):
        self._read, self._longest = read, longest

    def __iter__(self):
        kept, length = [], 0  # the pieces of the line so far; None in place of the list when it is too long
        while True:
            block = self._read(_BLOCK)
            if not block:
                break
            *ended, rest = block.split(b"\n")
            for piece in ended:
                if kept is None or length + len(piece) > self._longest:
                    yield self._too_long()
                else:
                    line = b"".join(kept) + piece
                    if line.strip():
                        yield line
                kept, length = [], 0
            length += len(rest)
            if kept is not None:
                if length > self._longest:
                    kept = None
                elif rest:
                    kept.append(rest)
        if kept is None:
            yield self._too_long()
        elif b"".join(kept).strip():
            yield BadMessage("the stream ended within a line")

    def _too_long(self):
        return BadMessage(f"a line is longer than {self._longest} bytes")


def encode(message):
    """A message as the bytes of its line, with the line feed. Raises BadMessage for what JSON or a line cannot hold."""
    try:
        line = json.dumps(message, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise BadMessage(f"not to be written as JSON ({error})") from error
    if len(line) > LONGEST_LINE:
        raise BadMessage(f"the message is longer than {LONGEST_LINE} bytes")
    return line + b"\n"


def decode(line):
    """The message in what `Lines` gave: a dict, not yet checked. Raises BadMessage."""
    if isinstance(line, BadMessage):
        raise line
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadMessage(f"a line is not UTF-8 ({error.reason} at byte {error.start})") from error
    try:
        message = json.loads(text, parse_constant=_refuse, parse_int=_integer)
    except (ValueError, RecursionError, MemoryError) as error:
        raise BadMessage(f"a line is not JSON ({error})") from error
    if not isinstance(message, dict):
        raise BadMessage("a line is not a JSON object")
    return message


def _refuse(name):
    raise ValueError(f"{name} is no number of JSON")


def _integer(digits):
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)
