"""Frame ranges as Nuke writes them, and which frames are there as an animation curve."""

import re

from .errors import HostError

_PART = re.compile(r"(-?\d{1,9})(?:-(-?\d{1,9})(?:x(\d{1,9}))?)?")
_MOST = 1000000
DEFAULT = (-2, -1, 1, 2)  # which other frames a model is taken to read, until a worker has said which


def parse_frames(text):
    """Ascending frames of a range such as `1001-1100x2 1203` or `1,5,7`. Raises HostError.

    >>> parse_frames("1001-1007x3, 1002")
    [1001, 1002, 1004, 1007]
    """
    frames = set()
    for part in re.split(r"[,\s]+", text.strip()):
        match = _PART.fullmatch(part)
        first, last, step = (
            (int(each) for each in (match[1], match[2] or match[1], match[3] or 1)) if match else (1, 0, 0)
        )
        if step == 0 or last < first or (last - first) // step + len(frames) >= _MOST:
            raise HostError(f"{part!r} is no frame range", "write frames as 1001-1100, 1001-1100x2 or 1001 1005")
        frames.update(range(first, last + 1, step))
    return sorted(frames)


def runs(frames):
    """Runs of frames without a gap, as (first, last).

    >>> runs([1003, 1001, 1002, 1007])
    [(1001, 1003), (1007, 1007)]
    """
    found = []
    for frame in sorted(set(frames)):
        if found and frame == found[-1][1] + 1:
            found[-1] = (found[-1][0], frame)
        else:
            found.append((frame, frame))
    return found


def format_frames(frames):
    """The short text of frames.

    >>> format_frames([1001, 1002, 1003, 1007])
    '1001-1003 1007'
    """
    return " ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs(frames))


def read_by(frame, keys, first, reads=DEFAULT):
    """The frames that the matte of a frame is made from: itself, those that the model reads, and the nearest key frame
    on both sides.

    keys : key frames, ascending. first : of the plate. reads : as offsets; None is the first.

    >>> read_by(1005, [1001, 1002, 1005, 1010], 1001)
    [1005, 1003, 1004, 1006, 1007, 1002, 1010]
    >>> read_by(1005, [], 1001, (None, -1))
    [1005, 1001, 1004]
    """
    before = [key for key in keys if key < frame]
    after = [key for key in keys if key > frame]
    around = [first if each is None else frame + each for each in reads]
    return [frame, *around, *before[-1:], *after[:1]]


def format_reads(model, reads):
    """What a node notes of the frames that a model reads.

    >>> format_reads("memory", (None, -1))
    'memory first -1'
    """
    return " ".join([model, *("first" if each is None else str(each) for each in reads)])


def parse_reads(text, model):
    """What a model reads, by such a note; what most do, where it is of another model.

    >>> parse_reads("memory first -1", "memory"), parse_reads("memory first -1", "two_stage")
    ((None, -1), (-2, -1, 1, 2))
    """
    noted = re.fullmatch(re.escape(model) + r"((?: first| -?\d+)*)", text)
    return tuple(None if each == "first" else int(each) for each in noted[1].split()) if noted else DEFAULT


def curve(frames, beyond=()):
    """The text of a stepped curve, as in a .nk file, that is 1 at the frames and 0 elsewhere.

    beyond : of which frames on it is 1 as well: those up to the first of them, and those from the second; None for
    neither.

    >>> curve([1001, 1002, 1007])
    'curve K x1000 0 x1001 1 x1003 0 x1007 1 x1008 0'
    >>> curve([1001, 1002, 1007], (1000, None)), curve([1003], (None, 1006))
    ('curve K x1000 1 x1001 1 x1003 0 x1007 1 x1008 0', 'curve K x1002 0 x1003 1 x1004 0 x1006 1')
    """
    keys = {}
    for first, last in runs(frames):
        if not keys:
            keys[first - 1] = 0
        keys.update({first: 1, last + 1: 0})
    before, after = beyond or (None, None)
    if before is not None:
        keys[before] = 1
        keys.setdefault(before + 1, 0)
    if after is not None:
        keys[after] = 1
    return " ".join(["curve K"] + [f"x{frame} {keys[frame]}" for frame in sorted(keys)]) if keys else ""


def curve_keys(text):
    """The keys of a curve's text, value by frame. Nuke leaves out the frame of a key that is one after the key before.

    >>> curve_keys("{curve K x1000 0 1 x1003 0}"), curve_keys("0")
    ({1000: 0.0, 1001: 1.0, 1003: 0.0}, {})
    """
    keys, frame = {}, None
    for word in text.strip("{} ").split()[1:]:
        if re.fullmatch(r"x-?\d+", word):
            frame = int(word[1:])
        elif frame is not None and re.fullmatch(r"-?[\d.]+", word):
            keys[frame] = float(word)
            frame += 1
    return keys
