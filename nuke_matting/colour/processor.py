"""The way of pixels between a plate's colour space and the model space, both directions, by OpenColorIO alone."""

from __future__ import annotations

import functools
import hashlib
import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import PyOpenColorIO as ocio_lib
from numpy.typing import NDArray

from nuke_matting.colour.choose import choose_space
from nuke_matting.colour.config import OCIO_ERRORS, load_config
from nuke_matting.colour.interchange import REFERENCE, interchange_of
from nuke_matting.colour.model_space import BOUNDS
from nuke_matting.errors import ColourError
from nuke_matting.plate.frame import LARGEST_HALF, LARGEST_LIGHT, ColourHints
from nuke_matting.resources import shipped

_MODEL = "nuke_matting model"
_LINEAR_REC709 = "Linear Rec.709"

# Without OpenColorIO's fast logarithms and powers, which cost 0.0036 in a round trip at 16.0 (0.0001 without).
_EXACT = ocio_lib.OPTIMIZATION_LOSSLESS

_MOST_LIGHT = 1e30  # far below the largest float32, so that sums of a matrix stay finite


@dataclass(frozen=True)
class _Ways:
    to_model: ocio_lib.CPUProcessor
    to_plate: ocio_lib.CPUProcessor
    to_linear: ocio_lib.CPUProcessor
    bounds: tuple[float, float]  # the plate values between which linear light is finite
    is_linear: bool
    digest: str


@dataclass(frozen=True)
class ColourPipe:
    """The colour transforms of one plate. Safe to use from many threads at once; made by `open_colour`.

    space : canonical name of the plate's colour space.
    reason : why that one, a sentence for the log without a full stop.
    doubt : why it may well be another, as in `SpaceChoice`.
    config_name : the OCIO config and where it was found, for the log.
    digest : 64 hexadecimal digits that change with the mathematics of the transforms, and only with them.
    """

    space: str
    reason: str
    doubt: str
    config_name: str
    digest: str
    _ways: _Ways = field(repr=False, compare=False)

    @property
    def is_linear(self) -> bool:
        """Whether the plate's space is scene-linear, so that its values may be added, and multiplied by an alpha."""
        return self._ways.is_linear

    def to_model(self, pixels: NDArray) -> NDArray[np.float32]:
        """Plate space -> model space. [H, W, 3] float, any range -> a new [H, W, 3] float32, not clipped.

        The result is finite whatever comes in: not-a-number counts as 0, an infinite value as 65504, one beyond 1e25 as
        that, and in a log space a value whose light no float could hold (above 4 in ACEScct) as one that just fits.
        """
        return self._through(self._ways.to_model, pixels, self._ways.bounds)

    def beyond(self, pixels: NDArray) -> int:
        """How many finite pixels [H, W, 3] `to_model` takes for darker or brighter ones, since no float could hold
        their light."""
        low, high = self._ways.bounds
        if pixels.size == 0 or (pixels.min() >= low and pixels.max() <= high):
            return 0
        return int(((pixels < low) | (pixels > high)).any(axis=2).sum())

    def to_plate(self, model: NDArray) -> NDArray[np.float32]:
        """Model space -> plate space, the inverse of `to_model`. [H, W, 3] float -> a new [H, W, 3] float32.

        For a scene-linear plate, there and back is exact to 0.001 in values of 0 to 16, and to 0.0001 of the value
        above that. The result is finite.
        """
        return self._through(self._ways.to_plate, model, BOUNDS)

    def to_linear_rec709(self, pixels: NDArray) -> NDArray[np.float32]:
        """Plate space -> scene-linear Rec.709. [H, W, 3] float, any range -> a new [H, W, 3] float32, not clipped."""
        return self._through(self._ways.to_linear, pixels, self._ways.bounds)

    def _through(self, way: ocio_lib.CPUProcessor, pixels: NDArray, bounds: tuple[float, float]) -> NDArray[np.float32]:
        if pixels.ndim != 3 or pixels.shape[2] != 3:
            raise ValueError(f"pixels have the shape {pixels.shape}, not [H, W, 3]")
        result = np.array(pixels, dtype=np.float32, order="C", copy=True)
        if result.size == 0:
            return result
        if not np.isfinite(result).all():
            np.nan_to_num(result, copy=False, nan=0.0, posinf=LARGEST_HALF, neginf=-LARGEST_HALF)
        np.clip(result, *bounds, out=result)
        way.apply(ocio_lib.PackedImageDesc(result, result.shape[1], result.shape[0], 3))
        return result


def open_colour(
    ocio: str = "",
    colourspace: str = "",
    hints: ColourHints | None = None,
    path: str | Path = "",
) -> ColourPipe:
    """The colour transforms for a plate: finds the config, chooses the plate's space, and makes the processors.

    Processors are made once in a process for each config, its tables and space, so a second call is cheap; but the
    config's file and its tables are looked at each time.

    Parameters
    ----------
    ocio : the config as `load_config` takes it; empty for the default.
    colourspace : the plate's space if the user named it; empty to choose from what follows.
    hints : what the file says of its colour; None for nothing.
    path : the plate's file, for the config's file rules and messages.

    Raises
    ------
    ColourError : no usable config, space, or way from that space to the model space.
    """
    return colour_under(*load_config(ocio), colourspace, hints, path)


def colour_under(
    config: ocio_lib.Config,
    origin: str,
    colourspace: str = "",
    hints: ColourHints | None = None,
    path: str | Path = "",
) -> ColourPipe:
    """As `open_colour`, under a config that `load_config` gave, and where that comes from: no file is looked at."""
    try:
        choice = choose_space(config, hints or ColourHints(), path, colourspace)
        ways = _ways_of(config, choice.name)
    except ColourError as error:
        # The config is half of what went wrong, so the line names it beside the file or the space.
        raise ColourError(f"{error.what} [config {origin}]", path=error.path, advice=error.advice) from error
    return ColourPipe(choice.name, choice.reason, choice.doubt, origin, ways.digest, ways)


@functools.lru_cache(maxsize=1)
def model_config() -> ocio_lib.Config:
    """The shipped config that defines the model space, `ocio/nuke_matting.ocio`. Shared; never to be changed.

    Raises
    ------
    ColourError : it cannot be read.
    MattingError : it is not there.
    """
    path = shipped("ocio/nuke_matting.ocio")
    try:
        return ocio_lib.Config.CreateFromFile(str(path))
    except OCIO_ERRORS as error:
        raise ColourError(
            f"the shipped OCIO config is damaged: {error}", path=path, advice="install the package again"
        ) from error


_making = threading.Lock()


def _ways_of(config: ocio_lib.Config, space: str) -> _Ways:
    with _making:
        return _make_ways(config, space)


@functools.lru_cache(maxsize=64)  # by the very config: one that was read anew, as a table has changed, has its cache ID
def _make_ways(config: ocio_lib.Config, space: str) -> _Ways:
    ours = model_config()
    bridge = interchange_of(config)
    try:
        # Each direction is asked of the config, as a space may define both; their parts are joined to one processor.
        there = [config.getProcessor(space, bridge.space), *bridge.there]
        back = [*bridge.back, config.getProcessor(bridge.space, space)]
        to_model = _joined([*there, ours.getProcessor(REFERENCE, _MODEL)])
        to_plate = _joined([ours.getProcessor(_MODEL, REFERENCE), *back])
        to_linear = _joined([*there, ours.getProcessor(REFERENCE, _LINEAR_REC709)])
    except OCIO_ERRORS as error:
        raise ColourError(
            f"the OCIO config cannot convert {space!r}: {error}",
            advice="mend the config (look-up tables missing from its search_path are the usual cause), or choose "
            "another space with --colourspace",
        ) from error
    identity = "\n".join(way.getCacheID() for way in (to_model, to_plate))
    digest = hashlib.sha256(identity.encode()).hexdigest()
    return _Ways(to_model, to_plate, to_linear, _bounds_of(to_linear), _is_linear(to_linear), digest)


def _joined(processors: list[ocio_lib.Processor]) -> ocio_lib.CPUProcessor:
    group = ocio_lib.GroupTransform([each.createGroupTransform() for each in processors])
    return ocio_lib.Config.CreateRaw().getProcessor(group).getOptimizedCPUProcessor(_EXACT)


def _is_linear(to_linear: ocio_lib.CPUProcessor) -> bool:
    """Whether four times the light is four times the value, and none is none."""
    light = np.concatenate([np.eye(3), 4 * np.eye(3), np.zeros((1, 3))]).astype(np.float32)
    to_linear.apply(ocio_lib.PackedImageDesc(light, len(light), 1, 3))
    return np.allclose(light[3:], [*(4 * light[:3]), np.zeros(3)], atol=1e-4)


def _bounds_of(to_linear: ocio_lib.CPUProcessor) -> tuple[float, float]:
    """The lowest and the highest plate value whose light a float can hold: 1e25 either side of 0 in a linear space, in
    others less, above 0 a power of two in a log one."""
    return -_bound_of(to_linear, -1.0), _bound_of(to_linear, 1.0)


def _bound_of(to_linear: ocio_lib.CPUProcessor, sign: float) -> float:
    for value in (LARGEST_LIGHT, LARGEST_HALF, *(2.0**power for power in range(15, 0, -1))):
        light = np.full((1, 1, 3), sign * value, np.float32)
        to_linear.apply(ocio_lib.PackedImageDesc(light, 1, 1, 3))
        if np.abs(light).max() < _MOST_LIGHT:  # False for not-a-number
            return value
    return 1.0
