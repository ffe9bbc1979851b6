"""A shot: frame -> matte, for any frame, in any order, with the same result.

    plan   which files the frame depends on, and the key of its matte in the cache
    load   read them and take their pixels to the model space
    infer  features of the frame and of those it reads from, then the matte

`matte` does all three; the pipeline runs them side by side for many frames.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuke_matting.colour.processor import ColourPipe, open_colour
from nuke_matting.engine.cache import Cache, CachedMatte, default_folder
from nuke_matting.engine.fingerprint import Fingerprints, digest
from nuke_matting.engine.store import Store
from nuke_matting.errors import CacheError, MattingError, PlateError, UsageError
from nuke_matting.models.contract import FrameInput, Model, Quality
from nuke_matting.models.registry import load_model
from nuke_matting.plate.frame import ColourHints, Frame, Window
from nuke_matting.plate.reader import align, read_frame, read_hints, read_matte
from nuke_matting.plate.sequence import Sequence, find_sequence
from nuke_matting.settings import Settings

log = logging.getLogger(__name__)

CACHE_VERSION = 1  # to be raised by every change that changes mattes
FEATURES_KEPT = 8  # frames; each is some 6 MB at the coarse size of a 16:9 plate


@dataclass(frozen=True)
class Matte:
    """The matte of one frame.

    frame : frame number.
    alpha : [H, W] float32 in [0, 1], coverage in linear light.
    foreground : [H, W, 3] float32 in the plate's own colour space, straight; None unless `settings.fg`.
    data_window, display_window : where the pixels lie, as in the plate.
    plate : the plate's file.
    notes : what the user should know of how it came about.
    key : its name in the cache.
    cached : it was taken from there.
    """

    frame: int
    alpha: NDArray[np.float32]
    foreground: NDArray[np.float32] | None
    data_window: Window
    display_window: Window
    plate: Path
    notes: tuple[str, ...]
    key: str
    cached: bool = False


@dataclass(frozen=True)
class Plan:
    """What a frame's matte depends on.

    references : the frame to read from for each of the model's offsets; the frame itself where there is none.
    inputs : a digest of each frame's own input files (plate, clean plate, guide), for the frame and its references.
    """

    frame: int
    path: Path
    references: tuple[int, ...]
    inputs: Mapping[int, str]
    notes: tuple[str, ...]
    key: str


@dataclass(frozen=True)
class Loaded:
    """A frame as read, and as the model takes it."""

    frame: Frame
    input: FrameInput
    prepared: Any
    colour: ColourPipe


def cache_folder(settings: Settings) -> Path:
    """The folder of the cache: from the settings, else $NUKE_MATTING_CACHE, else the user's own."""
    return Path(settings.cache_dir).expanduser() if settings.cache_dir else default_folder()


class Shot:
    """A plate and the settings to matte it with.

    >>> shot = Shot("examples/plate/plate.%04d.exr", Settings(cache=False))
    >>> matte = shot.matte(1012)
    >>> matte.alpha.shape, matte.alpha.dtype
    ((540, 960), dtype('float32'))
    >>> bool(0.0 <= matte.alpha.min() and matte.alpha.max() <= 1.0)
    True

    Parameters
    ----------
    plate : pattern, folder or file, as of `plate.sequence.find_sequence`.
    settings : defaults if not given.
    model : one that is loaded already, in place of loading the one that the settings name.

    Raises
    ------
    UsageError, ModelError, ColourError : the plate, model, device or config cannot be used at all.
    """

    def __init__(self, plate: str | Path, settings: Settings | None = None, model: Model | None = None) -> None:
        self.settings = settings or Settings()
        self.plate = find_sequence(str(plate))
        self.clean = find_sequence(self.settings.clean_plate) if self.settings.clean_plate else None
        self.guide = find_sequence(self.settings.guide) if self.settings.guide else None
        self.model: Model = model or load_model(self.settings.model, self.settings.device, self.settings.precision)
        if self.clean is None and getattr(self.model, "needs_clean_plate", False):
            raise UsageError(f"the model {self.model.name} needs a clean plate", advice="give one with --clean-plate")
        self.cache = self._open_cache()
        self._fingerprints = Fingerprints()
        self._features: Store = Store(max(FEATURES_KEPT, len(self.model.references) + 2))

    @property
    def frames(self) -> tuple[int, ...]:
        """The frames that the plate has on disk."""
        return self.plate.frames

    def matte(self, frame: int) -> Matte:
        """The matte of a frame, from the cache or computed. Raises PlateError where the frame cannot be read."""
        plan = self.plan(frame)
        found = self.cached(plan)
        if found is not None or self.cache is None:
            return found or self.infer(plan, self.load(frame))
        with self.cache.claim(plan.key):
            found = self.cached(plan)  # another process may have been first
            if found is None:
                found = self.infer(plan, self.load(frame))
                try:
                    self.keep(found)
                except CacheError as error:
                    log.warning("%s", error)
        return found

    def colour_choice(self, frames: Iterable[int]) -> str:
        """The colour space of the first of the frames that can be read, why it, and the config; for the log."""
        for frame in frames:
            try:
                path = self.plate.path(frame)
                colour = self._colour(read_hints(path, frame), path)
            except PlateError:
                continue
            return f"{colour.space} ({colour.reason}), {colour.config_name}"
        return "unknown: no frame can be read"

    # -- the three steps --

    def plan(self, frame: int) -> Plan:
        """What the matte of a frame depends on. Raises PlateError where the frame or what belongs to it is missing."""
        inputs = {frame: self._inputs_digest(frame)}
        references, notes = [], []
        for offset in self.model.references:
            other = frame + offset
            try:
                inputs[other] = self._inputs_digest(other)
                references.append(other)
            except PlateError:
                references.append(frame)
                if other > self.plate.frames[0]:  # at the head of a shot it is no news
                    notes.append(f"frame {other} is missing: the memory read frame {frame} in its place")
        settings = self.settings
        key = digest(
            {
                "version": CACHE_VERSION,
                "model": self.model.digest,
                "precision": self.model.precision,
                "regions": [settings.regions, settings.region_batch],
                "foreground": settings.fg,
                "inputs": [inputs[each] for each in (frame, *references)],
            }
        )
        return Plan(frame, self.plate.path(frame), tuple(references), inputs, tuple(notes), key)

    def load(self, frame: int) -> Loaded:
        """Reads a frame and what goes with it, and takes it to the model space. Raises PlateError, ColourError."""
        read = read_frame(self.plate.path(frame), frame)
        colour = self._colour(read.colour, read.path)
        clean = guide = None
        if self.clean is not None:
            other = read_frame(self._still_path(self.clean, frame), frame)
            clean = align(
                self._colour(other.colour, other.path).to_model(other.pixels), other.data_window, read.data_window
            )
        if self.guide is not None:
            matte, window, _ = read_matte(self._still_path(self.guide, frame), frame)
            guide = np.clip(align(matte, window, read.data_window), 0, 1)
        given = FrameInput(colour.to_model(read.pixels), clean, guide)
        return Loaded(read, given, self.model.prepare(given), colour)

    def infer(self, plan: Plan, loaded: Loaded, prepared: Mapping[int, Any] | None = None) -> Matte:
        """The matte of a loaded frame. `prepared` may hold the model's input for frames that it reads from."""
        notes = list(plan.notes)
        own = self._encode(plan, plan.frame, loaded.prepared)
        memory = []
        for other in plan.references:
            try:
                memory.append(own if other == plan.frame else self._encode(plan, other, (prepared or {}).get(other)))
            except MattingError as error:  # a broken neighbour must not cost this frame
                memory.append(own)
                why = error.what if error.what.startswith("cannot be read") else f"cannot be read ({error.what})"
                notes.append(f"frame {other} {why}: the memory read frame {plan.frame} in its place")
        quality = Quality(self.settings.regions, self.settings.region_batch)
        raw = self.model.matte(loaded.input, own, memory, quality)
        notes += raw.notes
        if loaded.frame.non_finite:
            notes.append(
                f"{loaded.frame.non_finite} pixels of the plate are not finite numbers; they were read as 0 or +-65504"
            )
        foreground = None
        if self.settings.fg:
            foreground = loaded.colour.to_plate(raw.foreground)
            # what is wholly subject is the plate, to the bit
            foreground = np.where(raw.alpha[..., None] >= 1, loaded.frame.pixels, foreground)
        frame = loaded.frame
        return Matte(
            plan.frame,
            raw.alpha,
            foreground,
            frame.data_window,
            frame.display_window,
            plan.path,
            tuple(notes),
            plan.key,
        )

    # -- the cache --

    def cached(self, plan: Plan) -> Matte | None:
        """The matte of a plan from the cache, or None."""
        value = self.cache.get(plan.key) if self.cache is not None else None
        if value is None:
            return None
        data, display = (Window(*value.info[name]) for name in ("data_window", "display_window"))
        return Matte(
            plan.frame, value.alpha, value.foreground, data, display, plan.path, value.notes, plan.key, cached=True
        )

    def keep(self, matte: Matte) -> None:
        """Puts a matte into the cache, if there is one. Raises CacheError where it cannot be written."""
        if self.cache is None:
            return
        info = {
            "frame": matte.frame,
            "plate": str(matte.plate),
            "model": self.model.name,
            "data_window": list(vars(matte.data_window).values()),
            "display_window": list(vars(matte.display_window).values()),
        }
        self.cache.put(matte.key, CachedMatte(matte.alpha, matte.foreground, matte.notes, info))

    def _open_cache(self) -> Cache | None:
        settings = self.settings
        return Cache(cache_folder(settings), int(settings.cache_size * 1e9)) if settings.cache else None

    # -- parts --

    def _encode(self, plan: Plan, frame: int, prepared: Any | None) -> Any:
        """Features of a frame; read and prepared here where nobody did so before."""

        def compute() -> Any:
            return self.model.encode(self.load(frame).prepared if prepared is None else prepared)

        return self._features.get_or_compute(plan.inputs[frame], compute)

    def _inputs_digest(self, frame: int) -> str:
        """A digest of what a frame's features come from: its files, and their way to the model space.

        Raises PlateError where a file is missing, ColourError where its colour cannot be known.
        """
        if frame not in self.plate.frame_set:
            if self.plate.still:
                raise PlateError(
                    f"the plate is this one file, taken for frame {self.plate.frames[0]}",
                    path=self.plate.path(frame),
                    frame=frame,
                    advice="name the sequence, as folder/name.####.exr, or leave --frames out",
                )
            raise PlateError(
                "the frame is missing",
                path=self.plate.path(frame),
                frame=frame,
                advice="render or copy it, or leave it out of --frames",
            )
        colours = [self.plate.path(frame)]
        colours += [self._still_path(self.clean, frame)] if self.clean is not None else []
        guides = [self._still_path(self.guide, frame)] if self.guide is not None else []
        try:
            ways = [self._colour(read_hints(path, frame), path).digest for path in colours]
        except PlateError as error:  # a damaged file is told by its bytes; reading it says what is wrong
            ways = [error.what]
        return digest([[self._fingerprints.of(path) for path in (*colours, *guides)], len(guides), ways])

    @staticmethod
    def _still_path(sequence: Sequence, frame: int) -> Path:
        if not sequence.still and frame not in sequence.frame_set:
            raise PlateError(
                "the frame is missing",
                path=sequence.path(frame),
                frame=frame,
                advice="give a sequence that covers the frames, or a single file",
            )
        return sequence.path(frame)

    def _colour(self, hints: ColourHints, path: Path) -> ColourPipe:
        return open_colour(self.settings.ocio, self.settings.colourspace, hints, path)
