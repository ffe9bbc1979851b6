"""What stays open between requests: the model, and the last shot with its features."""

from __future__ import annotations

import os

from nuke_matting.engine.shot import Shot
from nuke_matting.models.contract import Model
from nuke_matting.models.registry import find_weights, load_model
from nuke_matting.plate.sequence import find_sequence
from nuke_matting.settings import Settings


class Library:
    """Opens shots. One of each is kept: artists work on a shot with a model for a while. For one thread."""

    def __init__(self) -> None:
        self._model: tuple[object, Model] | None = None
        self._shot: tuple[object, Shot] | None = None

    def open(self, plate: str, settings: Settings) -> Shot:
        """The shot of a plate; the one at hand, where files and settings are still the same. Raises as `Shot` does.

        To be called for each request: what OpenColorIO reads is looked at again.
        """
        model = self._open_model(settings)
        names = (plate, settings.clean_plate, settings.guide, settings.keys)
        identity = (settings, model.digest, [find_sequence(name) if name else None for name in names])
        if self._shot is None or self._shot[0] != identity:
            self._shot = None  # its memory is free before the next one takes some
            self._shot = identity, Shot(plate, settings, model)
        self._shot[1].colours.look_again()
        return self._shot[1]

    def _open_model(self, settings: Settings) -> Model:
        path = find_weights(settings.model)
        try:
            about = os.stat(path)
        except OSError:  # which loading it says better
            self._model = self._shot = None
            return load_model(settings.model, settings.device, settings.precision)
        identity = (path, about.st_mtime_ns, about.st_size, settings.device, settings.precision)
        if self._model is None or self._model[0] != identity:
            self._model = self._shot = None
            self._model = identity, load_model(settings.model, settings.device, settings.precision)
        return self._model[1]
