"""Image sequences and frame ranges: what a user's text means, and which files there are.

`fileseq` sorts a folder's files into sequences, one `#` to a digit. Frame ranges are Nuke's and are read here, since
fileseq takes "1 5 7" for frame 157 and knows staggered ranges that Nuke does not.
"""

from __future__ import annotations

import difflib
import functools
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fileseq import PAD_STYLE_HASH1, FileSequence, findSequencesOnDisk
from fileseq.exceptions import FileSeqException

from nuke_matting.errors import UsageError

IMAGES = frozenset(
    {".exr", ".dpx", ".cin", ".png", ".tif", ".tiff", ".jpg", ".jpeg", ".tga", ".bmp", ".hdr", ".sxr", ".webp"}
)
_MOVIES = frozenset({".mov", ".mp4", ".m4v", ".mxf", ".avi", ".mkv", ".webm", ".mpg", ".wmv", ".r3d", ".braw"})
MOST_FRAMES = 1_000_000

_RANGE = re.compile(r"(-?[0-9]{1,9})(?:-(-?[0-9]{1,9})(?:x([0-9]{1,9}))?)?")
_FIELD = re.compile(r"#+|@+|%0?[0-9]{0,2}d")
_NUMBER = re.compile(r"((?:(?<=[._])-)?\d+)\.[^.]+$")  # in sh-010.exr the dash is no sign
_VERSION = re.compile(r"(^|[\W_])[vV]$")
_FRAMES_ADVICE = "write frames as 1001-1100, 1001-1100x2 or 1001,1005"


@dataclass(frozen=True)
class ImageSequence:
    """Files of one picture over time.

    pattern : the path with a frame field such as `####`, or the path of the one file.
    frames : the frames that are on disk, ascending.
    still : one file, named in full: it serves every frame that is asked for; `frames` has the one of its own number.
    left_out : names of files whose number has its sign before the padding (-0001 of ####, where -001 is meant).
    """

    pattern: str
    frames: tuple[int, ...]
    still: bool = False
    left_out: tuple[str, ...] = ()

    @functools.cached_property
    def frame_set(self) -> frozenset[int]:
        """The frames, for quick look-up."""
        return frozenset(self.frames)

    def path(self, frame: int) -> Path:
        """The file of a frame, whether or not it is there. A still has one for all."""
        return Path(self.pattern) if self.still else expand_pattern(self.pattern, frame)

    def refuse_strangers(self, frames: Sequence[int]) -> None:
        """Raises UsageError where none of some frames is there: most likely they are of another plate."""
        if not self.still and not self.frame_set.intersection(frames):
            raise UsageError(
                f"the plate has none of the frames {format_frames(frames)}",
                path=self.pattern,
                advice=f"it has {format_frames(self.frames)}",
            )


def parse_frames(text: str) -> tuple[int, ...]:
    """Frames of a range as Nuke writes it: `1001-1100`, `1001-1100x2`, `-8--5`, lists by comma or space.

    The order is kept, a frame named twice comes once. Raises UsageError.

    >>> parse_frames("1001-1007x3, 1002")
    (1001, 1004, 1007, 1002)
    """
    frames: dict[int, None] = {}
    for part in re.split(r"[,\s]+", text.strip()):
        match = _RANGE.fullmatch(part)
        if not match:
            raise UsageError(f"frames {text!r}: {part!r} is no frame range", advice=_FRAMES_ADVICE)
        first, last, step = match[1], match[2] or match[1], match[3] or "1"
        if int(step) == 0:
            raise UsageError(f"frames {text!r}: a step of 0 leads nowhere", advice=_FRAMES_ADVICE)
        if int(last) < int(first):
            raise UsageError(f"frames {text!r}: {part!r} ends before it begins", advice=_FRAMES_ADVICE)
        if (int(last) - int(first)) // int(step) + len(frames) >= MOST_FRAMES:
            raise UsageError(f"frames {text!r}: more than {MOST_FRAMES} frames", advice=_FRAMES_ADVICE)
        frames.update(dict.fromkeys(range(int(first), int(last) + 1, int(step))))
    return tuple(frames)


def format_frames(frames: Iterable[int]) -> str:
    """The short text of frames, ascending.

    >>> format_frames([1001, 1002, 1003, 1007])
    '1001-1003,1007'
    """
    runs: list[list[int]] = []
    for frame in sorted(set(frames)):
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)


def has_frame_field(pattern: str) -> bool:
    """Whether the file name of a path has a place for the frame number: `%04d`, `####` or `@@@@`."""
    return _FIELD.search(Path(pattern).name) is not None


def expand_pattern(pattern: str, frame: int) -> Path:
    """The path of a frame. Negative frames keep the sign within the padding, as Nuke and fileseq do.

    >>> expand_pattern("out/matte.####.exr", 7).name
    'matte.0007.exr'
    """
    path = Path(pattern)
    fields = list(_FIELD.finditer(path.name))
    if not fields:
        return path
    field = fields[-1]
    text = field[0]
    width = int(text[1:-1] or 1) if text.startswith("%") else len(text)
    return path.with_name(f"{path.name[: field.start()]}{frame:0{width}d}{path.name[field.end() :]}")


def sequence_around(path: Path) -> ImageSequence | None:
    """The files that are numbered as one file is, itself among them; None where it is alone, or its number is that of
    a version, as in shot_v02.exr."""
    number = _NUMBER.search(path.name)
    if number is None or _VERSION.search(path.name[: number.start()]):
        return None
    name = f"{path.name[: number.start()]}{'#' * len(number[1])}{path.name[number.end(1) :]}"
    try:
        found = _of_pattern(path.with_name(name))
    except (OSError, UsageError):
        return None
    return found if len(found.frames) > 1 else None


def find_sequence(plate: str) -> ImageSequence:
    """What is on disk for `dir/plate.%04d.exr`, `plate.####.exr`, `plate.@@@@.exr`, a folder or one file.

    Raises UsageError where nothing is found, or a folder holds more than one sequence.
    """
    if not plate.strip():
        raise UsageError(
            "no plate is named", advice="name a folder, a file, or a pattern such as folder/plate.####.exr"
        )
    try:
        return _find(plate)
    except (OSError, ValueError, RuntimeError) as error:  # no right to look, a name too long, no such user's home
        what = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(
            f"cannot be looked into ({what})", path=plate, advice="check the path and its rights"
        ) from error


def found_among(paths: Iterable[Path], sequences: Iterable[ImageSequence]) -> Path | None:
    """One of some paths that is a file of one of some sequences, whatever way it leads there; None where none is.

    A folder is resolved once, and names are compared from there; only what is a link by itself is followed.
    """
    resolve = functools.cache(os.path.realpath)

    def real(path: Path, is_link: bool) -> str:
        return os.path.realpath(path) if is_link else os.path.join(resolve(path.parent), path.name)

    there = {real(path, path.is_symlink()): path for path in paths if os.path.lexists(path)}
    folders = {os.path.dirname(each) for each in there}
    for sequence in sequences if there else ():
        links = _links(sequence)
        if links or resolve(Path(sequence.pattern).parent) in folders:
            for path in map(sequence.path, sequence.frames):
                if found := there.get(real(path, path.name in links)):
                    return found
    return None


def _links(sequence: ImageSequence) -> set[str]:
    """The names in a sequence's folder that are links; a still may be one, which is not worth looking through it."""
    path = Path(sequence.pattern)
    if sequence.still:
        return {path.name}
    try:
        with os.scandir(path.parent) as entries:
            return {each.name for each in entries if each.is_symlink()}
    except OSError:  # gone since it was found; reading it says so
        return set()


def _find(plate: str) -> ImageSequence:
    path = Path(plate).expanduser()
    if path.is_dir():
        return _in_folder(path)
    if path.suffix.lower() in _MOVIES:
        raise UsageError("is no image sequence", path=path, advice="render it as an EXR sequence")
    if has_frame_field(plate) and not path.is_file():
        return _of_pattern(path)
    if path.is_file():
        return _still(path)
    _refuse_missing_folder(path)
    raise UsageError("there is no such file", path=path, advice=_near(path) or "check the path")


def _still(path: Path) -> ImageSequence:
    """One file, named in full: its frame is the number at its end, if that is none of a version, else 1."""
    number = _NUMBER.search(path.name)
    is_version = number is not None and _VERSION.search(path.name[: number.start()])
    return ImageSequence(str(path), (int(number[1]) if number and not is_version else 1,), still=True)


def _in_folder(folder: Path) -> ImageSequence:
    found = [
        each
        for each in findSequencesOnDisk(str(folder), pad_style=PAD_STYLE_HASH1)
        if each.extension().lower() in IMAGES
    ]
    if len(found) == 2 and (one := _signs_before(*found)) is not None:
        return one
    if not found:
        raise UsageError(
            "the folder holds no images", path=folder, advice="name the folder that the plate's frames are in"
        )
    if len(found) == 1 and _VERSION.search(found[0].basename()):
        if len(found[0]) == 1:
            return _still(Path(found[0][0]))
        raise UsageError(
            f"the folder holds {len(found[0])} versions ({', '.join(Path(each).name for each in found[0][:3])})",
            path=folder,
            advice="name one of them",
        )
    if len(found) > 1:
        names = ", ".join(_name(each) for each in sorted(found, key=str)[:6])
        raise UsageError(
            f"the folder holds {len(found)} sequences ({names})",
            path=folder,
            advice="name one of them, as folder/name.####.exr",
        )
    return _sequence(found[0])


def _signs_before(one: FileSequence, other: FileSequence) -> ImageSequence | None:
    """Two that are one sequence, the frames below 0 with their sign before the padding (-003 beside 003); else None."""
    rest, below = sorted((one, other), key=lambda each: each.zfill())
    alike = (rest.basename(), rest.extension()) == (below.basename(), below.extension())
    if not alike or below.zfill() != rest.zfill() + 1:
        return None
    frames, negative = _sequence(rest), _sequence(below)
    return _of_pattern(Path(frames.pattern)) if negative.frames[-1] < 0 <= frames.frames[0] else None


def _of_pattern(path: Path) -> ImageSequence:
    _refuse_missing_folder(path)
    fields = list(_FIELD.finditer(path.name))
    before, after = path.name[: fields[-1].start()], path.name[fields[-1].end() :]
    number = re.compile(re.escape(before) + r"(-?)(\d+)" + re.escape(after))
    frames, left_out = [], []
    with os.scandir(path.parent) as entries:
        for entry in entries:
            match = number.fullmatch(entry.name)
            if not match or _is_folder(entry):
                continue
            frame = int(match[1] + match[2])
            if expand_pattern(path.name, frame).name == entry.name:
                frames.append(frame)
            elif frame < 0 and expand_pattern(path.name, -frame).name == before + match[2] + after:
                left_out.append(entry.name)
    if not frames:
        raise UsageError(
            "no file matches the pattern", path=path, advice=_near(path) or "check the name and the folder"
        )
    return ImageSequence(str(path), tuple(sorted(frames)), left_out=tuple(sorted(left_out)))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """A link that leads nowhere is none: it is a frame, which fails alone when it is read."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _sequence(found: FileSequence) -> ImageSequence:
    frames = tuple(sorted(int(each) for each in found.frameSet() or ()))
    if not frames:
        return ImageSequence(found[0], (1,), still=True)
    base, digits = found.basename(), found.zfill()
    if base and base[-1] not in "._" and frames[-1] <= 0:  # in sh-1001.exr the dash is no sign, as of a still
        dashed = f"{found.dirname()}{base}-{'#' * (digits - 1) or '#'}{found.extension()}"
        if os.path.lexists(expand_pattern(dashed, -frames[0])):
            return _of_pattern(Path(dashed))
    return ImageSequence(f"{found.dirname()}{base}{'#' * digits or '#'}{found.extension()}", frames)


def _name(found: FileSequence) -> str:
    return Path(_sequence(found).pattern).name


def _refuse_missing_folder(path: Path) -> None:
    if path.parent.is_dir():
        return
    if path.parent.exists():
        raise UsageError("a file stands where a folder should be", path=path.parent, advice="check the path")
    raise UsageError("there is no such folder", path=path.parent, advice="check the path")


def _near(path: Path) -> str:
    """What the folder has of a similar name, as advice; empty where there is nothing."""
    try:
        there = [_name(each) for each in findSequencesOnDisk(str(path.parent), pad_style=PAD_STYLE_HASH1)]
    except (OSError, FileSeqException):
        return ""
    near = difflib.get_close_matches(path.name, there, n=3, cutoff=0.4)
    return f"the folder has {', '.join(near)}" if near else ""
