"""What ties a config's colour spaces to those of other configs: a space of it that is known to be ACES2065-1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import PyOpenColorIO as ocio_lib
from numpy.typing import NDArray

from nuke_matting.colour.config import DEFAULT_CONFIG, OCIO_ERRORS, load_config
from nuke_matting.colour.names import find_space, is_data
from nuke_matting.errors import ColourError

REFERENCE = "ACES2065-1"  # the space of the role aces_interchange, under this name in our config and the built-in ones

# How configs older than that role call it.
_REFERENCE_NAMES = (REFERENCE, "ACES - ACES2065-1", "aces2065_1", "lin_ap0", "lin_ap0_scene")

# How configs call sRGB, and what their scene-linear role may be.
_SRGB_NAMES = ("srgb", "sRGB - Texture", "Utility - sRGB - Texture", "srgb_texture", "srgb_rec709_scene", "srgb_tx")
_LINEAR_NAMES = ("lin_rec709", "lin_ap1", "lin_ap0", "lin_rec2020", "lin_p3d65")


@dataclass(frozen=True)
class Interchange:
    """The way from a config's own spaces to ACES2065-1.

    space : name of a scene-referred space of the config.
    there, back : what leads from that space to ACES2065-1, and back; empty where it is ACES2065-1.
    """

    space: str
    there: tuple[ocio_lib.Processor, ...] = ()
    back: tuple[ocio_lib.Processor, ...] = ()


def interchange_of(config: ocio_lib.Config) -> Interchange:
    """The way to ACES2065-1 by the role aces_interchange; else recognised by mathematics, else by name.

    Raises
    ------
    ColourError : the role is wrong, or missing and nothing is recognised; says what to do.
    """
    if config.hasRole(ocio_lib.ROLE_INTERCHANGE_SCENE):
        role = config.getColorSpace(ocio_lib.ROLE_INTERCHANGE_SCENE)
        if role is None:
            raise ColourError(
                "the role aces_interchange of the OCIO config names a colour space that it does not have",
                advice="correct the role, it is to name the config's ACES2065-1 space",
            )
        return Interchange(role.getName())
    found = _by_matrices(config) or _by_srgb(config) or _by_name(config)
    if found is None:
        raise ColourError(
            "the OCIO config has no role aces_interchange, and none of its spaces could be recognised by its "
            "mathematics, so colours cannot be carried over to another config",
            advice="add `aces_interchange: <the config's ACES2065-1 space>` to its roles, or use "
            f"--ocio {DEFAULT_CONFIG} and name the plate's space there with --colourspace",
        )
    return found


def _by_matrices(config: ocio_lib.Config) -> Interchange | None:
    """By OpenColorIO's own comparison, which looks at spaces made of matrices and simple curves."""
    scene = find_space(config, "scene_linear")
    if scene is None:
        return None
    known, _ = load_config(DEFAULT_CONFIG)
    try:
        space, same = ocio_lib.Config.IdentifyInterchangeSpace(config, scene, known, REFERENCE)
    except OCIO_ERRORS:
        return None  # that is how it says that it found none
    return _bridged(known, space, same)


def _by_srgb(config: ocio_lib.Config) -> Interchange | None:
    """By what the config's sRGB becomes in its scene-linear role; works for tables too, as in Nuke's own config."""
    scene = find_space(config, "scene_linear")
    srgb = next((found for found in (find_space(config, name) for name in _SRGB_NAMES) if found), None)
    if scene is None or srgb is None or is_data(config, srgb):
        return None
    known, _ = load_config(DEFAULT_CONFIG)
    try:
        ours = _probe(config.getProcessor(srgb, scene))
    except OCIO_ERRORS:
        return None  # its table is missing: nothing to compare
    for name in _LINEAR_NAMES:
        if np.abs(ours - _probe(known.getProcessor("srgb_texture", name))).max() < 0.001:
            return _bridged(known, scene, name)
    return None


def _by_name(config: ocio_lib.Config) -> Interchange | None:
    for name in _REFERENCE_NAMES:
        space = find_space(config, name)
        if space is not None and not is_data(config, space):
            return Interchange(space)
    return None


def _bridged(known: ocio_lib.Config, space: str, same: str) -> Interchange:
    """`space` of a config is `same` of the config `known`."""
    return Interchange(space, (known.getProcessor(same, REFERENCE),), (known.getProcessor(REFERENCE, same),))


def _probe(processor: ocio_lib.Processor) -> NDArray[np.float32]:
    """What becomes of a few greys and colours between 0 and 1: [1, N, 3]."""
    steps = np.linspace(0.0, 1.0, 5, dtype=np.float32)
    pixels = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3).copy()
    image = ocio_lib.PackedImageDesc(pixels, pixels.shape[1], 1, 3)
    processor.getOptimizedCPUProcessor(ocio_lib.OPTIMIZATION_LOSSLESS).apply(image)
    return pixels
