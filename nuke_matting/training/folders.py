"""Users' own folders of subjects: which files belong together, and which of them are the frames of a clip.

Layouts, by name (`LAYOUT=DIR`; without one, pairs and parallel folders are told apart by what is there):

- pairs: `NAME_fg.*` beside `NAME_alpha.*`, and maybe `NAME_behind.*` (see `cutting.behind`);
- parallel: `fg/NAME.*` and `alpha/NAME.*` (also `fgr`, `foreground`; `pha`, `matte`, `mask`; in any case);
- rgba-straight, rgba-premult: one file with its own alpha channel; `premult` in linear light, as comps write it.

In a sub-folder, files numbered in sequence are a clip; in the folder itself they are stills. `clips=` takes numbered
files for clips everywhere, `stills=` nowhere. Stages of stills take each frame of a clip for a still.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from nuke_matting.errors import UsageError
from nuke_matting.training.values import Picture, Subject

SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr"}
FOREGROUND = ("fg", "fgr", "foreground")
ALPHA = ("alpha", "pha", "matte", "mask")
LAYOUTS = ("pairs", "parallel", "clips", "stills", "rgba-straight", "rgba-premult")

EXPECTED = """expected NAME_fg.png beside NAME_alpha.png; or fg/NAME.png and alpha/NAME.png; or, as rgba-straight=DIR or
rgba-premult=DIR, images with an alpha channel"""

Found = tuple[tuple[str, ...], str, Picture]  # folder below the given one, name without ending, files


def find_folder(folder: Path, layout: str = "") -> list[Subject]:
    """The subjects in a folder by one of LAYOUTS, or "" for pairs and parallel folders alike. Reads no picture.

    Raises UsageError: an unknown layout, no folder, or nothing of the layout in it.
    """
    if layout and layout not in LAYOUTS:
        raise UsageError(f"unknown layout {layout!r}", advice=f"one of {', '.join(LAYOUTS)}")
    if not folder.is_dir():
        raise UsageError("no such folder of subjects", path=folder)
    if layout.startswith("rgba"):
        found = [(_below(folder, path), path.stem, Picture(path)) for path in _images(folder)]
    else:
        found = [] if layout == "parallel" else list(_pairs(folder))
        found += [] if layout == "pairs" else list(_parallel(folder))
    if not found:
        raise UsageError("holds no subjects with mattes", path=folder, advice=EXPECTED)
    if layout == "stills":
        groups = [("/".join((*where, name)), [picture]) for where, name, picture in found]
    else:
        groups = list(sequences(found, root_too=layout == "clips"))
    return [Subject(name, tuple(pictures), layout == "rgba-premult") for name, pictures in sorted(groups)]


def sequences(found: Iterable[Found], root_too: bool) -> Iterator[tuple[str, list[Picture]]]:
    """Names (of the first frame) and frames: runs of consecutive numbers in a folder are clips, all else stills.

    root_too : also in the given folder itself.
    """
    numbered: dict[tuple, list[tuple[int, str, Picture]]] = {}
    for where, name, picture in found:
        match = re.fullmatch(r"(.*?)(\d+)", name)
        whole = "/".join((*where, name))
        if match is None or not (where or root_too):
            yield whole, [picture]
        else:
            numbered.setdefault((where, match[1]), []).append((int(match[2]), whole, picture))
    for frames in numbered.values():
        frames.sort(key=lambda each: each[0])
        cuts = [at for at in range(1, len(frames)) if frames[at][0] != frames[at - 1][0] + 1]
        for first, last in zip([0, *cuts], [*cuts, len(frames)], strict=True):
            yield frames[first][1], [picture for _, _, picture in frames[first:last]]


def as_stills(subjects: Iterable[Subject]) -> list[Subject]:
    """Each frame of each clip as a still of its own, of the clip's name."""
    return [replace(each, frames=(frame,)) for each in subjects for frame in each.frames]


def told(subjects: Iterable[Subject]) -> str:
    """How many stills and clips there are, in words: "3 stills, 2 clips of 12 to 30 frames"."""
    lengths = [len(each.frames) for each in subjects]
    clips = sorted(each for each in lengths if each > 1)
    stills = len(lengths) - len(clips)
    said = [f"{stills} still{'s' * (stills > 1)}"] if stills else []
    if clips:
        length = f"{clips[0]} frames" if clips[0] == clips[-1] else f"{clips[0]} to {clips[-1]} frames"
        said.append(f"{len(clips)} clip{'s' * (len(clips) > 1)} of {length}")
    return ", ".join(said)


def match_folders(foregrounds: Path, alphas: Path, root: Path) -> Iterator[Found]:
    """Files of the same name, whatever their ending, in two folders and their sub-folders."""
    by_name = {path.relative_to(alphas).with_suffix(""): path for path in _images(alphas)}
    above = _below(root, foregrounds)
    for path in _images(foregrounds):
        relative = path.relative_to(foregrounds).with_suffix("")
        if relative in by_name:
            yield (*above, *relative.parts[:-1]), path.stem, Picture(path, by_name[relative])


def _pairs(folder: Path) -> Iterator[Found]:
    images = {path.with_suffix(""): path for path in _images(folder)}
    for stem, alpha in images.items():
        name = stem.name.removesuffix("_alpha")
        foreground = images.get(stem.with_name(f"{name}_fg"))
        if name != stem.name and foreground is not None:  # else it is being written this moment
            yield _below(folder, alpha), name, Picture(foreground, alpha, images.get(stem.with_name(f"{name}_behind")))


def _parallel(folder: Path) -> Iterator[Found]:
    for each in sorted(where for where, _ in _searched(folder)):
        inside = {path.name.lower(): path for path in each.iterdir() if path.is_dir()}
        foregrounds, alphas = (
            next((inside[name] for name in names if name in inside), None) for names in (FOREGROUND, ALPHA)
        )
        if foregrounds is not None and alphas is not None:
            yield from match_folders(foregrounds, alphas, folder)


def _images(folder: Path) -> list[Path]:
    return sorted(path for path in visible(folder) if path.suffix.lower() in SUFFIXES)


def visible(folder: Path) -> Iterator[Path]:
    """The files in a folder and those below it; none that is hidden, as those are that somebody is writing."""
    return (where / each for where, files in _searched(folder) for each in files)


def _searched(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """A folder and those below it, by links too, each once, so that links in circles end, and the names of its files.

    Nothing that is hidden, such as what programs keep for themselves.
    """
    seen: set[str] = set()
    for where, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(where)
        folders[:] = [] if real in seen else sorted(each for each in folders if not each.startswith("."))
        if real not in seen:
            yield Path(where), [each for each in files if not each.startswith(".")]
        seen.add(real)


def _below(root: Path, path: Path) -> tuple[str, ...]:
    return path.parent.relative_to(root).parts
