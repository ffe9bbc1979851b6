"""Short clips for temporal training: `NNNNN/T_fg.png` and `NNNNN/T_alpha.png`, as `stills` writes them, T from 0."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.pairs import is_there
from nuke_matting.training.people.adornments import adorned
from nuke_matting.training.people.assets import Assets
from nuke_matting.training.people.light import draw_light
from nuke_matting.training.people.motion import draw_motion
from nuke_matting.training.people.person import draw_person, speaking
from nuke_matting.training.people.render import Renderer
from nuke_matting.training.people.scene import bone_at, draw_camera, pose_scene
from nuke_matting.training.people.stills import LEAST_SEEN, RESERVED_PANORAMA, expose_factor, write_still

SEED_OF_CLIPS = 40_000_000  # clips have this seed plus their number
SUBFRAMES, SHUTTER = 4, 0.5
WITHIN = np.array([[0.125, 0.375], [0.625, 0.125], [0.875, 0.625], [0.375, 0.875]])  # a place in a pixel for each


def clip(assets: Assets, renderer: Renderer, seed: int, frames: int = 6) -> list[NDArray[np.float32]]:
    """Premultiplied pictures [H, W, 4] of consecutive frames: somebody who moves in one of the ways of `motion`.

    All of it is drawn from the seed. The exposure is that of the first frame.
    """
    rng = np.random.default_rng(seed)
    person = adorned(assets, rng, draw_person(assets, rng))
    motion = draw_motion(rng)
    names = [name for name in assets.panorama_names() if name != RESERVED_PANORAMA]
    light = draw_light(rng, assets.panorama(str(rng.choice(names))))
    camera = draw_camera(rng, person, motion.pose_at(frames / 2))
    drift = rng.normal(0, 0.012, 2) * (rng.random() < 0.6)  # of the framing, a frame
    level = float(np.exp(rng.normal(np.log(0.5), 0.4)))

    pictures, factor = [], None
    for frame in range(frames):
        total = np.zeros((renderer.height, renderer.width, 4), np.float32)
        # a mouth's few pixels need no sub-frames, and moving it takes as long as a picture
        speaker = person if motion.mouth_at is None else speaking(assets, person, motion.mouth_at(frame + SHUTTER / 2))
        for k in range(SUBFRAMES):
            time = frame + (k + 0.5) / SUBFRAMES * SHUTTER
            cell = (WITHIN[k] - 0.5) * 2 / renderer.height  # edges are sampled elsewhere within the pixel each time
            view = replace(camera, shift=tuple(np.asarray(camera.shift) + drift * time + cell))
            pose, before = motion.pose_at(time), motion.pose_at(time - 1)
            swing = bone_at(person, pose, "head", 0.5) - bone_at(person, before, "head", 0.5)
            swing -= np.subtract(pose.place, before.place)  # a steady walk is no storm
            pull = np.clip(-1.5 * swing, -0.6, 0.6)
            total += renderer.render(pose_scene(speaker, pose, light, view, pull=tuple(pull), rows=renderer.height))
        total /= SUBFRAMES
        if factor is None:
            factor = expose_factor(total, level)
        pictures.append(total * np.array([factor] * 3 + [1.0], np.float32))
    return pictures


def render_clips(assets: Path, out: Path, numbers: range, size: int = 256, frames: int = 6) -> Iterator[int]:
    """Writes the clips of some numbers, squares of `size` pixels; yields each number when it is done.

    The number is the seed. Those that are there are left; those with next to nobody in some frame are left out.

    assets : folder with `humans`, `humans_textures` and `hdri`.
    Raises MattingError.
    """
    cv2.setNumThreads(1)
    read = Assets(assets)
    renderer = Renderer(size, size, read.texture, supersample=1)
    for number in numbers:
        folder = out / f"{number:05d}"
        if not is_there(folder, str(frames - 1)):
            pictures = clip(read, renderer, SEED_OF_CLIPS + number, frames)
            if min(float(picture[..., 3].mean()) for picture in pictures) > LEAST_SEEN:
                for time, picture in enumerate(pictures):
                    write_still(folder, str(time), picture)
        yield number
