"""Key mattes: mattes that an artist corrected on a few frames, which the memory of the other frames reads too."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace

from nuke_matting.errors import UsageError
from nuke_matting.plate.sequence import ImageSequence, find_sequence, format_frames, parse_frames


def find_keys(pattern: str, named: str, plate: ImageSequence) -> ImageSequence | None:
    """The key mattes of a plate, its `frames` being the key frames; None for an empty pattern.

    pattern : a sequence, with files for the key frames alone or for more, or a file, which is for its own number.
    named : the range of those that are key frames; empty for all.
    Frames that the plate has not are none; a still has any. Raises UsageError where nothing is left, or a named one has
    no file.
    """
    if not pattern:
        return None
    found = find_sequence(pattern)
    wanted = parse_frames(named) if named.strip() else found.frames
    lacking = set(wanted) - found.frame_set
    if lacking:
        raise UsageError(
            f"there is no key matte of frame {format_frames(lacking)}",
            path=pattern,
            advice="render or copy it, or leave the frame out of --key-frames",
        )
    frames = tuple(sorted(wanted if plate.still else plate.frame_set.intersection(wanted)))
    if not frames:
        raise UsageError(
            f"the key mattes ({format_frames(wanted)}) are of no frame of the plate",
            path=pattern,
            advice=f"number them as the plate, which has {format_frames(plate.frames)}",
        )
    return replace(found, frames=frames)


def nearest(frames: Sequence[int], frame: int) -> tuple[int, ...]:
    """Of ascending key frames, the nearest before a frame and the nearest after it; it is none itself.

    >>> nearest((1001, 1010, 1020), 1010), nearest((1001, 1010), 1012)
    ((1001, 1020), (1010,))
    """
    before, after = bisect_left(frames, frame), bisect_right(frames, frame)
    return (*frames[max(0, before - 1) : before], *frames[after : after + 1])
