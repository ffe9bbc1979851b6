"""A shot: frame -> matte, for any frame, in any order, with the same result.

    plan   which files the frame depends on, and the key of its matte in the cache
    load   read them and take their pixels to the model space
    infer  features of the frame and of those it reads from, then the matte

`matte` does all three; the pipeline runs them side by side for many frames.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuke_matting.colour.exposure import brighter, stops
from nuke_matting.engine.cache import CachedMatte, open_cache
from nuke_matting.engine.clean_plate import fitted
from nuke_matting.engine.colours import Colours
from nuke_matting.engine.edges import edged, limited
from nuke_matting.engine.files import Files
from nuke_matting.engine.fingerprint import digest
from nuke_matting.engine.inputs import clean_pixels, coverage, file_of, says_nothing
from nuke_matting.engine.keys import nearest
from nuke_matting.engine.memory import Memory
from nuke_matting.engine.remarks import remarks
from nuke_matting.engine.values import Known, Loaded, Matte, Plan, refuse_not_finite
from nuke_matting.errors import CacheError, ColourError, MattingError, PlateError, UsageError
from nuke_matting.models.contract import FrameInput, Model, Quality, named_frames
from nuke_matting.models.registry import load_model
from nuke_matting.plate.frame import LARGEST_HALF, Window, lies
from nuke_matting.plate.reader import read_frame
from nuke_matting.plate.sequence import format_frames
from nuke_matting.settings import Settings

log = logging.getLogger(__name__)

# errors of the moment, as the system says them in what a library tells of a file
PASSING = tuple(map(os.strerror, (errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETIMEDOUT, errno.EACCES)))
CACHE_VERSION = 17  # to be raised by every change that changes mattes


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
    plate : pattern, folder or file, as in `plate.sequence.find_sequence`; or the files of these settings.
    settings : defaults if not given.
    model : one that is loaded already, in place of loading the one that the settings name.

    Raises
    ------
    UsageError, ModelError, ColourError : the plate, key mattes, model, device or config cannot be used at all.
    CacheError : there is no place for a cache.
    """

    def __init__(
        self,
        plate: str | Path | Files,
        settings: Settings | None = None,
        model: Model | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.cache = open_cache(self.settings) if self.settings.cache else None
        self.files = plate if isinstance(plate, Files) else Files(plate, self.settings)
        self.plate = self.files.plate
        self.colours = Colours(self.settings, self.plate, self.files.clean, self.files.header)
        self.model: Model = model or load_model(self.settings.model, self.settings.device, self.settings.precision)
        if self.files.clean is None and self.model.abilities.needs_clean_plate:
            raise UsageError(f"the model {self.model.name} needs a clean plate", advice="give one with --clean-plate")
        if self.settings.fg and self.settings.premult:
            self.colours.refuse_encoded()
        self._memory = Memory(self.model, lambda frame: self.load(frame).known, self._lasts)

    @property
    def frames(self) -> tuple[int, ...]:
        """The frames that the plate has on disk."""
        return self.plate.frames

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know of the shot as a whole."""
        return remarks(self.settings, self.model, self.plate, self.files.keys)

    def facts(self, frames: tuple[int, ...]) -> dict[str, Any]:
        """What is said of a run of the frames before it starts: plate, frames, count, model, device, precision, colour;
        plain data."""
        return {
            "plate": self.plate.pattern,
            "frames": format_frames(frames),
            "count": len(frames),
            "model": self.model.name,
            "device": self.model.device,
            "precision": self.model.precision,
            "colour": self.colours.choice(frames),
        }

    def matte(self, frame: int) -> Matte:
        """The matte of a frame, from the cache or computed. Raises PlateError where the frame cannot be read."""
        self.colours.look_again()
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

    # -- the three steps --

    def plan(self, frame: int) -> Plan:
        """What the matte of a frame depends on. Raises PlateError where the frame or what belongs to it is missing."""
        inputs = {frame: self._inputs_digest(frame)}
        references, keys, notes = [], [], self.colours.doubts(frame)
        # a still has no frames around any that it is taken for
        first, last = (frame, frame) if self.plate.still else (self.plate.frames[0], self.plate.frames[-1])
        for other in named_frames(frame, first, self.model.references, last):
            try:
                inputs[other] = self._inputs_digest(other)
                references.append(other)
            except (PlateError, ColourError) as error:
                references.append(frame)
                what = f"{error.path}: {error.what}" if error.path else error.what
                why = f"is left out ({what})" if other in self.plate.frame_set else "is missing"
                notes.append(f"frame {other} {why}: the memory read the frame itself in its place")
        for other in self._nearest_keys(frame):
            try:
                inputs[other] = self._inputs_digest(other)
                keys.append(other)
            except (PlateError, ColourError) as error:
                notes.append(f"the key matte of frame {other} is left out: {error}")
        told = (frame, *references, *keys) if self._reads_keys else (frame,)
        mattes = {each: self.files.key_matte(each) for each in told if self.files.is_key(each)}
        settings = self.settings
        where = [self.files.lies(each) for each in (frame, *references, *keys)]
        key = digest(
            {
                # frames of one window are told of each other's places by their own, as ever
                **({"lie": where} if any(each != where[0] for each in where) else {}),
                "version": CACHE_VERSION,
                "model": self.model.digest,
                "precision": self.model.precision,
                "regions": [settings.regions, settings.region_batch],
                "foreground": settings.fg,
                "edges": [settings.edge_shift, settings.edge_soften, settings.black_point, settings.white_point],
                "guide use": settings.guide_use if self.files.guide is not None else None,
                "inputs": [[inputs[each], mattes.get(each)] for each in (frame, *references)],
                "keys": [[inputs[each], mattes[each], abs(each - frame)] for each in keys],
            }
        )
        path, date = self.plate.path(frame), self.files.newest(inputs, mattes)
        return Plan(frame, path, tuple(references), tuple(keys), inputs, mattes, tuple(notes), key, date)

    def load(self, frame: int) -> Loaded:
        """Reads a frame and what goes with it, and takes it to the model space. Raises PlateError, ColourError.

        Not for a key matte that cannot be read: its error is in `known`.
        """
        read = read_frame(self.plate.path(frame), frame)
        colour = self.colours.of_plate(read.colour, read.path)
        image = colour.to_model(read.pixels)
        clean = guide = None
        notes = read.notes
        if beyond := colour.beyond(read.pixels):
            notes += (f"{beyond} pixels of the plate hold more than any light; the network was shown less",)
        light = stops(image, self.settings.exposure)
        if dark := round(light - self.settings.exposure):
            notes += (f"the plate is dark: the network was shown it some {dark} stops brighter",)
        image = brighter(image, light)  # the clean plate too, before it is matched: nothing is told from what is black
        if self.files.clean is not None:
            other = read_frame(file_of(self.files.clean, frame), frame, holes=True)
            clean = clean_pixels(other, self.colours.of_clean(other.colour, other.path, read.colour), read)
            match, move = self.settings.clean_match, self.settings.clean_align
            shown, clean, said = fitted(image, brighter(clean, light), match, move, light)
            image = shown if self.model.abilities.clean_plate else image
            notes += (*(f"the clean plate: {note}" for note in other.notes), *said)
        if self.files.guide is not None:
            guide, said = coverage(file_of(self.files.guide, frame), read, "guide")
            notes += said + says_nothing(guide)
        where = lies(read.data_window, read.display_window, read.pixel_aspect)
        hint = None if self.settings.guide_use == "core" else guide  # a core's 0 is no outside
        given = FrameInput(image, clean, hint, read.pixel_aspect, where)
        key: NDArray[np.float32] | MattingError | None = None
        if self.files.keys is not None and self.files.is_key(frame):
            try:
                key, said = coverage(self.files.keys.path(frame), read, "key matte")
                notes += said
            except MattingError as error:
                key = error
        return Loaded(read, given, Known(self.model.prepare(given), key), colour, guide, notes, light)

    def infer(self, plan: Plan, loaded: Loaded, known: Mapping[int, Known] | None = None) -> Matte:
        """The matte of a loaded frame. Raises PlateError where it is a key frame whose matte cannot be read.

        known : what was read before of frames that it reads from; the others are read here.
        """
        key, frame, settings = loaded.known.key, loaded.frame, self.settings
        if isinstance(key, MattingError):
            raise key
        own = self._memory.encode(plan, plan.frame, loaded.known)
        memory, notes, lasting = self._memory.recall(plan, own, known or {})
        quality = Quality(settings.regions, settings.region_batch, settings.fg)
        raw = self.model.matte(loaded.input, own, memory, quality)
        refuse_not_finite(raw.alpha, self.model.name, plan)
        notes = [*plan.notes, *loaded.notes, *notes, *raw.notes]
        if frame.non_finite:
            notes.append(
                f"{frame.non_finite} pixels of the plate are not finite numbers; "
                f"they were read as 0 or +-{LARGEST_HALF:g}"
            )
        guide, use = loaded.guide, settings.guide_use
        alpha = limited(edged(raw.alpha, settings), guide, use) if key is None else key
        made_of = plan.key
        if not lasting:
            made_of = ""
            notes.append(
                "what could not be read may be the next time: this matte is not cached, and that run redoes it"
            )
        elif not self._is_still(plan):
            made_of = ""
            notes.append("an input file changed during matting; this matte is not cached, and the next run redoes it")
        foreground = None
        if settings.fg and raw.foreground is not None:
            foreground = loaded.colour.to_plate(brighter(raw.foreground, -loaded.exposure))
            # what is wholly subject is the plate, to the bit; what an edge has only grown over is not
            solid = (limited(raw.alpha, guide, use) if key is None else key) >= 1
            foreground = np.where(solid[..., None], frame.pixels, foreground)
        return Matte(
            plan.frame,
            alpha,
            foreground,
            frame.data_window,
            frame.display_window,
            plan.path,
            tuple(notes),
            made_of,
            space=loaded.colour.space,
            passing=plan.notes,
        )

    def _is_still(self, plan: Plan) -> bool:
        """Whether a frame's inputs are as they were planned: a matte must not be kept under a name of others."""
        try:
            return self.plan(plan.frame).key == plan.key
        except MattingError:
            return False

    def _lasts(self, frame: int, error: MattingError) -> bool:
        """Whether a frame's files are what they were found to be at first, read anew, and fail likewise once more; not
        where the system had no memory, or a disk did not answer."""
        if any(text in error.what for text in PASSING):
            return False
        try:
            if self.files.have_changed(frame):
                return False
            again = self.load(frame).known.key
        except MattingError as other:
            again = other
        return isinstance(again, MattingError) and str(again) == str(error)

    # -- the cache --

    def cached(self, plan: Plan) -> Matte | None:
        """The matte of a plan from the cache, or None."""
        value = self.cache.get(plan.key) if self.cache is not None else None
        if value is None:
            return None
        data, display = (Window(*value.info[name]) for name in ("data_window", "display_window"))
        notes = tuple(dict.fromkeys((*plan.notes, *value.notes)))
        return Matte(
            plan.frame, value.alpha, value.foreground, data, display, plan.path, notes, plan.key, cached=True,
            passing=plan.notes,
        )  # fmt: skip

    def keep(self, matte: Matte) -> None:
        """Puts a matte that has a key into the cache, if there is one. Raises CacheError where it cannot be written."""
        if self.cache is None or not matte.key:
            return
        info = {
            "frame": matte.frame,
            "plate": str(matte.plate),
            "model": self.model.name,
            "data_window": list(vars(matte.data_window).values()),
            "display_window": list(vars(matte.display_window).values()),
        }
        notes = tuple(each for each in matte.notes if each not in matte.passing)
        self.cache.put(matte.key, CachedMatte(matte.alpha, matte.foreground, notes, info))

    # -- parts --

    @property
    def _reads_keys(self) -> bool:
        return self.model.abilities.keys

    def _nearest_keys(self, frame: int) -> tuple[int, ...]:
        return nearest(self.files.keys.frames, frame) if self.files.keys is not None and self._reads_keys else ()

    def _inputs_digest(self, frame: int) -> str:
        """A digest of what a frame's features come from: its files, and their way to the model space.

        Raises PlateError where a file is missing, ColourError where its colour cannot be known.
        """
        fingerprints, guides = self.files.pictures(frame)
        try:
            ways = [each.digest for each in self.colours.at(frame)]
        except PlateError as error:  # a damaged file is told by its bytes; reading it says what is wrong
            ways = [error.what]
        fit = [self.settings.clean_match, self.settings.clean_align] if self.files.clean is not None else []
        return digest([fingerprints, guides, ways, fit, self.settings.exposure])
