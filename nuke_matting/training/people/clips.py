"""Short clips for temporal training: `NNNNN/{t}_fg.png` and `NNNNN/{t}_alpha.png`, as `stills` writes them, t from 0.

python -m nuke_matting.training.people.clips --assets DIR --out DIR --first 0 --count 150
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.people.assets import Assets
from nuke_matting.training.people.light import draw_light
from nuke_matting.training.people.person import draw_person
from nuke_matting.training.people.pose import Pose, draw_pose, mix
from nuke_matting.training.people.render import Renderer
from nuke_matting.training.people.scene import bone_at, draw_camera, pose_scene
from nuke_matting.training.people.stills import RESERVED_PANORAMA, expose_factor, write_pair

SEED_OF_CLIPS = 40_000_000  # clips have this seed plus their number
SUBFRAMES, SHUTTER = 4, 0.5


def clip(assets: Assets, renderer: Renderer, seed: int, frames: int = 6) -> list[NDArray[np.float32]]:
    """Premultiplied pictures [H, W, 4] of consecutive frames: somebody on the way from one pose towards another.

    All of it is drawn from the seed. The exposure is that of the first frame.
    """
    rng = np.random.default_rng(seed)
    person = draw_person(assets, rng)
    start, end = draw_pose(rng), draw_pose(rng)
    end = replace(end, heading=start.heading + float(rng.normal(0, 0.5)))
    begin, pace = float(rng.uniform(0.0, 0.6)), float(np.exp(rng.uniform(np.log(0.01), np.log(0.09))))
    names = [name for name in assets.panorama_names() if name != RESERVED_PANORAMA]
    light = draw_light(rng, assets.panorama(str(rng.choice(names))))
    camera = draw_camera(rng, person, mix(start, end, begin))
    drift = rng.normal(0, 0.012, 2) * (rng.random() < 0.6)  # of the framing, a frame
    level = float(np.exp(rng.normal(np.log(0.5), 0.4)))

    def pose_at(time: float) -> Pose:
        return mix(start, end, float(np.clip(begin + pace * time, 0, 1)))

    pictures, factor = [], None
    for frame in range(frames):
        total = np.zeros((renderer.height, renderer.width, 4), np.float32)
        for k in range(SUBFRAMES):
            time = frame + (k + 0.5) / SUBFRAMES * SHUTTER
            seen = replace(camera, shift=(camera.shift[0] + drift[0] * time, camera.shift[1] + drift[1] * time))
            swing = bone_at(person, pose_at(time), "head", 0.5) - bone_at(person, pose_at(time - 1), "head", 0.5)
            pull = np.clip(-1.5 * swing, -0.6, 0.6)
            total += renderer.render(
                pose_scene(person, pose_at(time), light, seen, pull=tuple(pull), rows=renderer.height)
            )
        total /= SUBFRAMES
        if factor is None:
            factor = expose_factor(total, level)
        pictures.append(total * np.array([factor] * 3 + [1.0], np.float32))
    return pictures


def main() -> None:
    parse = argparse.ArgumentParser(description="Render short clips of synthetic people")
    parse.add_argument("--assets", type=Path, required=True, help="folder with humans, humans_textures and hdri")
    parse.add_argument("--out", type=Path, required=True)
    parse.add_argument("--first", type=int, default=0, help="number, and seed, of the first")
    parse.add_argument("--count", type=int, default=150)
    parse.add_argument("--step", type=int, default=1, help="make every step-th, to share the work between processes")
    parse.add_argument("--size", type=int, default=256)
    parse.add_argument("--frames", type=int, default=6)
    chosen = parse.parse_args()
    cv2.setNumThreads(1)
    assets = Assets(chosen.assets)
    renderer = Renderer(chosen.size, chosen.size, assets.texture, supersample=1)
    for number in range(chosen.first, chosen.first + chosen.count, chosen.step):
        folder = chosen.out / f"{number:05d}"
        if (folder / f"{chosen.frames - 1}_alpha.png").exists():
            continue
        pictures = clip(assets, renderer, SEED_OF_CLIPS + number, chosen.frames)
        if min(float(picture[..., 3].mean()) for picture in pictures) > 0.02:
            folder.mkdir(parents=True, exist_ok=True)
            for time, picture in enumerate(pictures):
                write_pair(folder / str(time), picture)


if __name__ == "__main__":
    main()
