"""Mattes and their truths on disk: which clips there are, which belong together, and how a frame of them is read.

Clips are named in one of these ways, the same one for mattes and truths:

    folder/matte.####.exr      one clip: a pattern, a folder with one sequence, a file
    folder                     of folders, each of them a clip with one sequence
    folder/*/matte.####.exr    likewise, where each of them holds more
    folder                     of single pictures, each of them a clip by its name
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nuke_matting.colour.processor import open_colour
from nuke_matting.errors import MattingError, PlateError, UsageError
from nuke_matting.plate.files import MOST_PIXELS
from nuke_matting.plate.frame import Window
from nuke_matting.plate.reader import align, read_frame, read_matte
from nuke_matting.plate.sequence import IMAGES, ImageSequence, find_sequence, format_frames, sequence_around
from nuke_matting.quality.figures import Figures, Sample, frame_figures

_NUMBER = re.compile(r"(?:(^|[\W_])v)?(\d+)$", re.IGNORECASE)  # at the end of a name without its ending; v02: a version
ALONE = ""  # the name of the one clip, where no set of them was named

Found = dict[str, ImageSequence | UsageError]


@dataclass(frozen=True)
class Colour:
    """How foregrounds are taken to linear light: OCIO config and colour space, "" for what `matte` would take."""

    ocio: str = ""
    colourspace: str = ""


@dataclass(frozen=True)
class Clip:
    """What is to be compared. The foregrounds are both there, or neither; the plate is for looking at."""

    name: str
    alpha: ImageSequence
    truth: ImageSequence
    foreground: ImageSequence | None = None
    true_foreground: ImageSequence | None = None
    plate: ImageSequence | None = None

    @property
    def frames(self) -> tuple[int, ...]:
        """The frames that the truth has, or, of one that is a single file without a number, those that the matte has.
        Of a single matte that has a number, that frame; one without is compared with each."""
        matte, truth = _frames(self.alpha), _frames(self.truth)
        if not truth:
            return matte or self.alpha.frames
        return matte if self.alpha.still and matte else truth

    @property
    def without_truth(self) -> tuple[int, ...]:
        """The frames of mattes whose truth is not there, ascending."""
        truth = set(_frames(self.truth))
        return tuple(each for each in _frames(self.alpha) if truth and each not in truth)


def find_clips(where: str) -> Found:
    """The clips that a text means, by name; a clip of a set that cannot be found is the error that says so.

    Raises UsageError where it means none.
    """
    path = Path(os.path.expanduser(where))
    starred = [index for index, part in enumerate(path.parts) if "*" in part]
    if starred:
        root, folder, rest = Path(*path.parts[: starred[0]]), path.parts[starred[0]], path.parts[starred[0] + 1 :]
        return _in_folders([each for each in root.glob(folder) if os.path.isdir(each)], rest, path)
    if not os.path.isdir(path):
        return {ALONE: find_sequence(where)}
    inside = [each for each in _listed(path) if not each.name.startswith(".")]
    images = [each for each in inside if each.suffix.lower() in IMAGES and not os.path.isdir(each)]
    if not images and (folders := [each for each in inside if os.path.isdir(each)]):
        return _in_folders(folders, (), path)
    try:
        return {ALONE: find_sequence(where)}
    except UsageError:
        if len(images) < 2 or _numbered(images) > len(images) / 2:  # names of single pictures may end in digits too
            raise
        return _pictures(images)


def match_clips(
    alphas: Found, truths: Found, others: tuple[Found, Found] | None = None, plates: Found | None = None
) -> list[Clip | MattingError]:
    """The clips to compare, in the order of their names; for a clip that is missing somewhere, the error.

    others : foregrounds and true foregrounds.

    Raises UsageError where not one clip can be compared.
    """
    kinds = {"alpha": alphas, "truth": truths}
    if others is not None:
        kinds |= {"foreground": others[0], "true_foreground": others[1]}
    if plates is not None:
        kinds["plate"] = plates
    if len({ALONE in each for each in kinds.values()}) > 1:
        several = next(len(each) for each in kinds.values() if ALONE not in each)
        raise UsageError(
            f"one clip cannot be compared with a set of {several}",
            advice="name a sequence for each, as folder/name.####.exr, or a folder of clips for each",
        )
    if not set(truths) & set(alphas):
        raise UsageError(
            f"the clips have no name in common: {_some(alphas)} and {_some(truths)}",
            advice="name the folders or files of mattes as those of the truths",
        )
    matched = [_match(name, kinds) for name in sorted(truths)]
    errors = [each for each in matched if isinstance(each, MattingError)]
    if len(errors) == len(matched):
        raise errors[0]
    return matched


def read_sample(clip: Clip, frame: int, colour: Colour | None = None) -> Sample:
    """Reads a frame of a clip over the whole of its format: 0 outside the data window, alphas cut to [0, 1].

    Raises PlateError where a file cannot be read or sizes differ, ColourError.
    """
    path = clip.alpha.path(frame)
    # Blender and Nuke write a grey truth as R, G, B with a solid alpha
    (truth, of_truth), (alpha, of_alpha) = _read(clip.truth, frame, takes_grey=True), _read(clip.alpha, frame)
    remarks = tuple([("truth", each) for each in of_truth] + [("matte", each) for each in of_alpha])
    _same_size(path, frame, alpha, truth)
    if clip.foreground is None or clip.true_foreground is None:
        return Sample(alpha, truth, remarks=remarks)
    colours = [_picture(each, frame, colour or Colour()) for each in (clip.foreground, clip.true_foreground)]
    for each, picture in zip((clip.foreground, clip.true_foreground), colours, strict=True):
        _same_size(each.path(frame), frame, picture, truth)
    return Sample(alpha, truth, colours[0], colours[1], remarks)


def measure(
    clip: Clip,
    frames: tuple[int, ...] | None = None,
    colour: Colour | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> Iterator[tuple[int, Figures | MattingError]]:
    """The figures of one frame after the other, or why a frame has none. Only two frames are held at a time.

    frames : all of the clip's if not given. dtSSD is of frames whose numbers follow each other.
    warn : told of a single truth that serves several frames, and, in the end, of how files were read that are no plain
        alphas between 0 and 1.
    """
    before: tuple[int, Sample] | None = None
    remarks: dict[tuple[str, str], list[int]] = {}
    wanted = sorted(clip.frames if frames is None else frames)
    if len(wanted) > 1 and not _frames(clip.truth):
        warn(f"{clip.name}: {Path(clip.truth.pattern).name} is the truth of all {len(wanted)} frames")
    for frame in wanted:
        try:
            sample = read_sample(clip, frame, colour)
        except MattingError as error:
            yield frame, error
            continue
        for remark in sample.remarks:
            remarks.setdefault(remark, []).append(frame)
        yield frame, frame_figures(sample, before[1] if before and before[0] == frame - 1 else None)
        before = frame, sample
    for (what, how), told in remarks.items():
        warn(f"{clip.name}: the {what} of frames {format_frames(told)} {how}")


def read_alpha(sequence: ImageSequence, frame: int) -> NDArray[np.float32]:
    """A frame's alpha [H, W] over the whole of its format, cut to [0, 1]. Raises PlateError."""
    return _read(sequence, frame)[0]


def _read(sequence: ImageSequence, frame: int, takes_grey: bool = False) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """A frame's alpha as in `read_alpha`, and what is to be known of how it was read.

    takes_grey : of an EXR too the grey picture is taken where the alpha beside it is 1 everywhere. Without it such an
        alpha stays: it may be the merged matte of a grey plate.
    """
    path = sequence.path(frame)
    if sequence.still and _frames(sequence) not in ((), (frame,)):
        raise PlateError(f"is of frame {sequence.frames[0]} alone", path=path, frame=frame, advice="name a sequence")
    matte = read_matte(path, frame, painted=True)
    kept: tuple[str, ...] = ()
    if matte.by_grey and not takes_grey and path.suffix.lower() == ".exr":
        matte = matte._replace(pixels=np.ones_like(matte.pixels), by_grey=False)
        kept = ("has an alpha that is 1 everywhere, which was read, and not the grey picture beside it",)
    pixels = whole(matte.pixels, matte.data_window, matte.display_window, path, frame)
    return np.clip(pixels, 0, 1), kept + matte.remarks()


def whole(pixels: NDArray[np.float32], data: Window, display: Window, path: Path, frame: int) -> NDArray[np.float32]:
    """Pixels [H, W] or [H, W, C] of the data window as those of the whole format, 0 where there are none.

    Raises PlateError: the format is one of a damaged header.
    """
    if display.width * display.height > MOST_PIXELS:  # what a damaged header says must not be allocated
        raise PlateError(
            f"cannot be read (it claims a format of {display.width}x{display.height} pixels)",
            path=path,
            frame=frame,
            advice="render or copy the file again",
        )
    return align(pixels, data, display)


def _frames(sequence: ImageSequence) -> tuple[int, ...]:
    """The frames that a sequence has; none of a single file whose name has no number, or a version's or another one."""
    number = _NUMBER.search(Path(sequence.pattern).stem)
    if not sequence.still or (number and number[1] is None and int(number[2]) == abs(sequence.frames[0])):
        return sequence.frames
    return ()


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(
            f"cannot be looked into ({error.strerror})", path=folder, advice="check the path and its rights"
        ) from error


def _in_folders(folders: list[Path], rest: tuple[str, ...], named: Path) -> Found:
    found: Found = {}
    for folder in sorted(folders):
        try:
            found[folder.name] = find_sequence(str(folder.joinpath(*rest)))
        except UsageError as error:
            found[folder.name] = error
    if not any(isinstance(each, ImageSequence) for each in found.values()):
        first = next(iter(found.values()), None)
        why = f": {first}" if isinstance(first, UsageError) else ""
        raise UsageError(f"no clip is there{why}", path=named, advice="check the path")
    return found


def _numbered(images: list[Path]) -> int:
    """How many of the files of a folder are frames of sequences."""
    frames: set[Path] = set()
    for each in images:
        around = None if each in frames else sequence_around(each)
        if around is not None:
            frames.update(map(around.path, around.frames))
    return len(frames)


def _pictures(images: list[Path]) -> Found:
    """Single pictures by their names. Raises UsageError where two have one name."""
    found: dict[str, Path] = {}
    for each in images:
        other = found.setdefault(each.stem, each)
        if other is not each:
            raise UsageError(
                f"both {other.name} and {each.name} are clip {each.stem}",
                path=each.parent,
                advice="keep one of them there",
            )
    return {name: ImageSequence(str(each), (1,), still=True) for name, each in found.items()}


def _match(name: str, kinds: dict[str, Found]) -> Clip | MattingError:
    parts = {}
    for kind, each in kinds.items():
        part = each.get(name) or UsageError(f"clip {name} has a truth, and is missing beside {_some(each)}")
        if isinstance(part, UsageError):
            return part
        parts[kind] = part
    clip = Clip(name or Path(parts["alpha"].pattern).name, **parts)
    matte, truth = _frames(clip.alpha), _frames(clip.truth)
    if matte and truth and not set(matte) & set(truth):
        return UsageError(
            f"frames {format_frames(matte)} have no truth: that has {format_frames(truth)}",
            path=clip.alpha.pattern,
            advice="number both alike",
        )
    return clip


def _some(found: Found) -> str:
    names = sorted(found)
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _picture(sequence: ImageSequence, frame: int, colour: Colour) -> NDArray[np.float32]:
    read = read_frame(sequence.path(frame), frame)
    pipe = open_colour(colour.ocio, colour.colourspace, read.colour, read.path)
    linear = pipe.to_linear_rec709(read.pixels)
    return whole(linear, read.data_window, read.display_window, read.path, frame)


def _same_size(path: Path, frame: int, pixels: NDArray, truth: NDArray) -> None:
    (height, width), (true_height, true_width) = pixels.shape[:2], truth.shape
    if (height, width) != (true_height, true_width):
        raise PlateError(
            f"is {width}x{height} and its true alpha {true_width}x{true_height}",
            path=path,
            frame=frame,
            advice="compare pictures of one size",
        )
