"""Frame ranges as Nuke writes them, and which frames are there as an animation curve."""

import re

from .errors import HostError

_PART = re.compile(r"(-?\d{1,9})(?:-(-?\d{1,9})(?:x(\d{1,9}))?)?")
_MOST = 1000000


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


def read_by(frame, keys):
    """The frames that the matte of a frame is made from: itself, two and the nearest key frame on both sides.

    keys : key frames, ascending.

    >>> read_by(1005, [1001, 1002, 1005, 1010])
    [1005, 1003, 1004, 1006, 1007, 1002, 1010]
    """
    before = [key for key in keys if key < frame]
    after = [key for key in keys if key > frame]
    return [frame, frame - 2, frame - 1, frame + 1, frame + 2, *before[-1:], *after[:1]]


def curve(frames):
    """The text of a stepped curve, as in a .nk file, that is 1 at the frames and 0 elsewhere.

    >>> curve([1001, 1002, 1007])
    'curve K x1000 0 x1001 1 x1003 0 x1007 1 x1008 0'
    """
    keys = []
    for first, last in runs(frames):
        if not keys:
            keys.append((first - 1, 0))
        keys += [(first, 1), (last + 1, 0)]
    return " ".join(["curve K"] + [f"x{frame} {value}" for frame, value in keys]) if keys else ""
