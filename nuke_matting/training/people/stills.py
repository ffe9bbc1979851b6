"""A folder of stills for training: `NNNNN_fg.png` (straight colour, sRGB, 8 bit) and `NNNNN_alpha.png` (8 bit)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.people.assets import Assets
from nuke_matting.training.people.light import draw_light
from nuke_matting.training.people.person import draw_person
from nuke_matting.training.people.pose import draw_pose
from nuke_matting.training.people.render import Renderer, Scene, straight
from nuke_matting.training.people.scene import draw_camera, pose_scene

RESERVED_PANORAMA = "apartment"  # lights the example plate, so nothing to train on
SEED_OF_STILLS = 20_000_000  # stills have this seed plus their number; the example and clips have others
LEAST_SEEN = 0.02  # of the frame; with less, the person is all but out of it


def still_scene(assets: Assets, seed: int) -> Scene:
    """The scene of one still: all of it is drawn from the seed."""
    rng = np.random.default_rng(seed)
    person = draw_person(assets, rng)
    pose = draw_pose(rng)
    names = [name for name in assets.panorama_names() if name != RESERVED_PANORAMA]
    light = draw_light(rng, assets.panorama(str(rng.choice(names))))
    return pose_scene(person, pose, light, draw_camera(rng, person, pose), pull=tuple(rng.normal(0, 0.12, 3)))


def expose_factor(picture: NDArray[np.float32], level: float) -> float:
    """What to multiply a premultiplied picture [H, W, 4] by so that the 90th percentile of its luminance is `level`,
    less where that would take the 99th above 1.1."""
    solid = picture[picture[..., 3] > 0.9]
    if len(solid) == 0:
        return 1.0
    high, highest = np.percentile(solid[:, :3] @ np.array([0.2126, 0.7152, 0.0722], np.float32), (90, 99))
    return level / max(float(high), float(highest) * level / 1.1, 1e-4)


def expose(picture: NDArray[np.float32], level: float) -> NDArray[np.float32]:
    """The picture [H, W, 4] times its `expose_factor`; the alpha stays."""
    return picture * np.array([expose_factor(picture, level)] * 3 + [1.0], np.float32)


def encode_srgb(linear: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scene-linear [H, W, 3] -> 8-bit sRGB, BGR order, clipped at 1."""
    x = np.clip(linear, 0, 1)
    curved = np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.power(np.maximum(x, 0.0031308), 1 / 2.4) - 0.055)
    return np.ascontiguousarray((curved * 255 + 0.5).astype(np.uint8)[..., ::-1])


def write_pair(stem: Path, picture: NDArray[np.float32]) -> None:
    """Write `STEM_fg.png`, then `STEM_alpha.png`, each under a temporary name first: readers see whole files only."""
    colour, alpha = straight(picture)
    for name, pixels in (("_fg.png", encode_srgb(colour)), ("_alpha.png", (alpha * 255 + 0.5).astype(np.uint8))):
        path = stem.with_name(stem.name + name)
        part = stem.with_name(f".{stem.name}{name}.{os.getpid()}.png")
        cv2.imwrite(str(part), pixels, [cv2.IMWRITE_PNG_COMPRESSION, 3])
        part.replace(path)


def render_stills(assets: Path, out: Path, numbers: range, size: int = 320) -> Iterator[int]:
    """Writes the stills of some numbers, squares of `size` pixels; yields each number when it is done.

    The number is the seed. Those that are there are left; those with next to nobody in frame are left out.

    assets : folder with `humans`, `humans_textures` and `hdri`.
    Raises MattingError.
    """
    cv2.setNumThreads(1)
    read = Assets(assets)
    renderer = Renderer(size, size, read.texture)
    out.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        stem = out / f"{number:05d}"
        if not stem.with_name(stem.name + "_alpha.png").exists():
            scene = still_scene(read, SEED_OF_STILLS + number)
            level = float(np.exp(np.random.default_rng(number).normal(np.log(0.5), 0.4)))
            picture = expose(renderer.render(scene), level)
            if picture[..., 3].mean() > LEAST_SEEN:
                write_pair(stem, picture)
        yield number
