"""Where a run's mattes go: output files, which of them are there already, and which must not be touched.

A small ledger in the cache folder remembers each file this tool has written (matte key, size, time), since the file
itself, a copy of the plate in `merge` mode, is to differ from the plate in the alpha alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from nuke_matting.engine.fingerprint import digest
from nuke_matting.engine.pipeline import Target
from nuke_matting.engine.shot import Matte, Plan, Shot, cache_folder
from nuke_matting.errors import MattingError, OutputError, UsageError
from nuke_matting.plate.atomic import write_whole
from nuke_matting.plate.sequence import expand_pattern, has_frame_field
from nuke_matting.plate.writer import Pixels, write_merged, write_sidecar


class Delivery(Target):
    """Writes mattes to an output pattern.

    Raises UsageError for a pattern that cannot hold the frames, or that would write over the plate itself.
    """

    def __init__(self, shot: Shot, out: str, frames: Sequence[int], overwrite: bool) -> None:
        if len(frames) > 1 and not has_frame_field(out):
            raise UsageError("the output has no frame number", path=out, advice="write it as name.####.exr")
        if Path(out).suffix.lower() != ".exr":
            raise UsageError("mattes are written as EXR", path=out, advice="end --out with .exr")
        self.shot, self.out, self.overwrite = shot, out, overwrite
        inputs = [each for each in (shot.plate, shot.clean, shot.guide) if each is not None]
        taken = {os.path.realpath(each.path(frame)) for each in inputs for frame in each.frames}
        for frame in frames:
            if os.path.realpath(self.path(frame)) in taken:
                raise UsageError(
                    "the output would write over an input", path=self.path(frame), advice="give another --out"
                )
        self._ledger = Ledger(cache_folder(shot.settings) / "written")

    def path(self, frame: int) -> Path:
        """The output file of a frame."""
        return Path(expand_pattern(self.out, frame))

    def has(self, plan: Plan) -> bool:
        path = self.path(plan.frame)
        return not self.overwrite and self._ledger.knows(path) == self._stamp(plan.key)

    def write(self, matte: Matte) -> list[str]:
        path, settings = self.path(matte.frame), self.shot.settings
        if path.exists() and not self.overwrite and not self._ledger.ours(path):
            raise OutputError(
                "a file is in the way that this tool did not write",
                path=path,
                frame=matte.frame,
                advice="move it, give another --out, or use --overwrite",
            )
        self._ledger.announce(path)
        write = write_merged if settings.mode == "merge" else write_sidecar
        pixels = Pixels(
            matte.plate, matte.frame, matte.data_window, matte.display_window, matte.alpha, matte.foreground
        )
        warnings = write(path, pixels, layer=settings.layer, premult=settings.premult)
        self._ledger.record(path, self._stamp(matte.key))
        return warnings

    def _stamp(self, key: str) -> str:
        """What a written file is: the matte, and how it was written."""
        settings = self.shot.settings
        return digest([key, settings.mode, settings.layer, settings.premult])


class Ledger:
    """The files that were written, one small JSON file each. Without a folder to write to it remembers nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ours(self, path: Path) -> bool:
        """Whether this tool has written the path, or was about to."""
        return self._entry(path).exists()

    def knows(self, path: Path) -> str | None:
        """The stamp that the path was recorded with, if it is still that file."""
        try:
            entry = json.loads(self._entry(path).read_bytes())
            stat = path.stat()
            same = entry["size"] == stat.st_size and entry["mtime_ns"] == stat.st_mtime_ns
            return str(entry["stamp"]) if same else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def announce(self, path: Path) -> None:
        """To be called before a path is written: a run that is killed in between knows the file for its own."""
        if not self.ours(path):
            self._write(path, {})

    def record(self, path: Path, stamp: str) -> None:
        """To be called after a path was written."""
        stat = path.stat()
        self._write(path, {"path": str(path), "stamp": stamp, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns})

    def _entry(self, path: Path) -> Path:
        name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()
        return self._folder / name[:2] / f"{name}.json"

    def _write(self, path: Path, entry: dict[str, str | int]) -> None:
        try:
            write_whole(self._entry(path), json.dumps(entry).encode())
        except MattingError:
            return  # the run goes on; the next one will write the frame again
