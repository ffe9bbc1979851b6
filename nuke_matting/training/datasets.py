"""Known sets of mattes by name, as their authors pack them, and the sources of a training as users write them.

`[LAYOUT=]DIR[:WEIGHT]`: LAYOUT is a set's name or a layout of `folders`. None of these sets comes with this package;
each has terms of its own, which whoever trains on it must hold to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from nuke_matting.errors import UsageError
from nuke_matting.homes import expanded
from nuke_matting.training.folders import LAYOUTS, find_folder, match_folders, sequences, visible
from nuke_matting.training.values import Picture, Subject

MADE = 2  # of foregrounds that are kept: one more where those of before are no longer to be used


@dataclass(frozen=True)
class Known:
    """A set: how it is laid out, whether all of its subjects are people, and how its subjects are found."""

    layout: str
    people: bool
    find: Callable[[Path, Path], list[Subject]]


@dataclass(frozen=True)
class Source:
    """Subjects to draw from: a folder, its weight among all sources, and its layout ("": found out)."""

    path: Path
    weight: float = 1.0
    layout: str = ""

    @property
    def people(self) -> bool:
        """Whether its subjects are people, as far as its name tells."""
        return self.layout not in KNOWN or KNOWN[self.layout].people


def parse_source(text: str) -> Source:
    """`DIR`, `DIR:2`, `pairs=DIR:0.5`, `P3M-10k=DIR:1` -> Source; the names of sets in any case. Raises UsageError."""
    layout, equals, rest = text.partition("=")
    named = {name.lower(): name for name in (*KNOWN, *LAYOUTS)}
    if not equals or "/" in layout or "\\" in layout or Path(text.rpartition(":")[0] or text).exists():
        layout, rest = "", text
    elif layout.lower() not in named:
        raise UsageError(f"unknown layout {layout!r} in {text!r}", advice=f"one of {', '.join(named.values())}")
    folder, colon, weight = rest.rpartition(":")
    if not colon or len(folder) == 1:  # none given, or a drive's letter
        folder, weight = rest, "1"
    try:
        value = float(weight)
    except ValueError:
        folder, value = rest, 1.0
    if not folder or not 0 <= value < float("inf"):
        raise UsageError(f"{text!r} is not a valid source", advice="write [LAYOUT=]DIR[:WEIGHT]")
    # shells know no home behind an equals sign
    return Source(expanded(folder), value, named.get(layout.lower(), ""))


def find_subjects(source: Source, foregrounds: Path | None = None) -> list[Subject]:
    """The subjects of a source by name; reads no picture.

    foregrounds : where foreground colours are kept that have to be estimated; beside the set, if None.
    Raises UsageError: no folder, or one that is laid out otherwise, with the expected layout.
    """
    if source.layout not in KNOWN:
        return find_folder(source.path, source.layout)
    if not source.path.is_dir():
        raise UsageError(f"no such folder of {source.layout}", path=source.path)
    known = KNOWN[source.layout]
    root = source.path.resolve()
    own = hashlib.sha256(str(root).encode()).hexdigest()[:8]  # two sets of a layout have pictures of the same names
    name = f"{source.layout}-{root.name}-{own}-{MADE}"
    beside = root.parent / f"{source.layout}-{root.name}-foregrounds-{MADE}"
    cache = beside if foregrounds is None else foregrounds / name
    subjects = known.find(source.path, cache)
    if not subjects:
        raise UsageError(f"is not laid out as {source.layout} is", path=source.path, advice=f"expected {known.layout}")
    return sorted(subjects, key=lambda each: each.name)


def _below(root: Path, *tails: str) -> Path:
    """The first of some sub-folders that is there; so a set's root, its training part and so on may be given."""
    return next((root / tail for tail in tails if (root / tail).is_dir()), root / tails[0])


def _video_matte(root: Path, _cache: Path) -> list[Subject]:
    base = _below(root, "train/fgr", "fgr").parent
    found = match_folders(base / "fgr", base / "pha", base) if (base / "fgr").is_dir() else []
    return [Subject(name, tuple(frames)) for name, frames in sequences(found, root_too=False)]


def _video_matting_108(root: Path, _cache: Path) -> list[Subject]:
    base = _below(root, "FG_done")
    if not base.is_dir():
        return []
    files = sorted(path for path in visible(base) if path.suffix == ".png")
    listed = root / "train_videos.txt"
    if listed.is_file():  # the authors' own part for training
        names = {line.strip() for line in listed.read_text(encoding="utf-8").splitlines()}
        files = [path for path in files if path.parent.relative_to(base).as_posix() in names]
    found = [(path.parent.relative_to(base).parts, path.stem.removesuffix("_rgba"), Picture(path)) for path in files]
    return [Subject(name, tuple(frames)) for name, frames in sequences(found, root_too=False)]


def _distinctions(root: Path, _cache: Path) -> list[Subject]:
    base = _below(root, "Train/FG", "FG").parent
    return _stills(base / "FG", base / "GT", base)


def _p3m(root: Path, cache: Path) -> list[Subject]:
    base = _below(root, "train/blurred_image", "blurred_image").parent
    return [replace(each, cache=cache) for each in _stills(base / "blurred_image", base / "mask", base)]


def _aim(root: Path, cache: Path) -> list[Subject]:
    return [replace(each, cache=cache) for each in _stills(root / "original", root / "mask", root)]


def _stills(foregrounds: Path, alphas: Path, root: Path) -> list[Subject]:
    if not foregrounds.is_dir() or not alphas.is_dir():
        return []
    return [
        Subject("/".join((*where, name)), (picture,))
        for where, name, picture in match_folders(foregrounds, alphas, root)
    ]


KNOWN = {
    "VideoMatte240K": Known(
        "[train/]fgr/CLIP/00000.jpg and [train/]pha/CLIP/00000.jpg, frames of the same name"
        " (the JPEG packages; take frames out of the MP4 ones first)",
        True,
        _video_matte,
    ),
    "VideoMatting108": Known(
        "FG_done/VIDEO/FRAME.png with an alpha channel, straight, and train_videos.txt", False, _video_matting_108
    ),
    "Distinctions-646": Known("[Train/]FG/NAME.png and [Train/]GT/NAME.png", False, _distinctions),
    "P3M-10k": Known("[train/]blurred_image/NAME.jpg and [train/]mask/NAME.png", True, _p3m),
    "AIM-500": Known("original/NAME.jpg and mask/NAME.png", False, _aim),
}
