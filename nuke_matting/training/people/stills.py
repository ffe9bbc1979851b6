"""A folder of stills for training: `NNNNN_fg.png` (straight colour, sRGB, 8 bit) and `NNNNN_alpha.png` (8 bit)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.decoding import encode_srgb
from nuke_matting.training.pairs import is_there, write_pair
from nuke_matting.training.people.action import action_camera, in_action
from nuke_matting.training.people.adornments import adorned
from nuke_matting.training.people.assets import Assets
from nuke_matting.training.people.light import draw_light
from nuke_matting.training.people.person import draw_person
from nuke_matting.training.people.pose import draw_pose
from nuke_matting.training.people.render import Camera, Renderer, Scene, look, straight
from nuke_matting.training.people.scene import draw_camera, pose_scene
from nuke_matting.training.people.silhouette import pictured

RESERVED_PANORAMA = "apartment"  # lights the example plate, so nothing to train on
SEED_OF_STILLS = 20_000_000  # stills have this seed plus their number; the example and clips have others
_OPEN_LENS = 0.05  # share of the stills in which the person is out of focus
_IN_ACTION = 0.35  # share of the stills in which somebody strides, runs, crouches, kneels or bends
_GOLDEN = 2.399963  # radians
_VIEWS = 9  # through an open lens; what is between them a blur fills
LEAST_SEEN = 0.03  # of the frame; with less, the person is all but out of it


def still_scene(assets: Assets, seed: int, rows: int) -> Scene:
    """The scene of one still of a height in pixels: all of it is drawn from the seed."""
    rng = np.random.default_rng(seed)
    person = adorned(assets, rng, draw_person(assets, rng))
    acts = rng.random() < _IN_ACTION
    pose = in_action(rng, draw_pose(rng)) if acts else draw_pose(rng)
    names = [name for name in assets.panorama_names() if name != RESERVED_PANORAMA]
    light = draw_light(rng, assets.panorama(str(rng.choice(names))))
    camera = (action_camera if acts else draw_camera)(rng, person, pose)
    pull = tuple(rng.normal(0, 0.12, 3))
    return pose_scene(person, pose, light, camera, pull=pull, rows=rows)


def lens_cameras(camera: Camera, blur: float, focus: float, height: int, rng: np.random.Generator) -> list[Camera]:
    """Cameras at points all over an open lens, the mean of whose pictures is what it sees, once that is blurred by
    `blur_between` of it.

    blur : radius in pixels of a point that is as far away as the camera's target. focus : distance that is sharp, over
        the target's; not 1. height : of the picture, pixels.
    """
    view = look(camera.eye, camera.target, camera.roll)
    distance, reach = float(np.linalg.norm(camera.target - camera.eye)), 1 / np.tan(camera.field / 2)
    sharp = focus * distance
    aperture = blur * 2 / height / (reach * abs(1 / sharp - 1 / distance))  # radius, dm
    aperture *= np.sqrt(1 - 1 / _VIEWS)  # of two blurs in a row the squares add
    turn = rng.uniform(0, 2 * np.pi)
    cameras = []
    for k in range(_VIEWS):
        angle, out = turn + k * _GOLDEN, aperture * np.sqrt((k + 0.5) / _VIEWS)  # spread evenly, as a sunflower's seeds
        x, y = out * np.cos(angle), out * np.sin(angle)
        within = (rng.random(2) - 0.5) * 2 / height
        shift = np.asarray(camera.shift) + np.array([x, y]) * reach / sharp + within
        beside = x * view[0, :3] + y * view[1, :3]
        cameras.append(
            replace(camera, eye=camera.eye + beside, target=camera.target + beside, shift=(shift[0], shift[1]))
        )
    return cameras


def blur_between(blur: float) -> float:
    """Radius in pixels of the disc that each of `lens_cameras`' views stands for, a share of the lens each."""
    return blur / np.sqrt(_VIEWS)


def defocus(picture: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    """Blurred by a disc of `radius` pixels with a soft edge, as a lens does: bright spots become discs."""
    reach = int(np.ceil(radius)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    blurred = cv2.filter2D(picture, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT)
    return blurred.astype(np.float32, copy=False)


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


def write_still(folder: Path, name: str, picture: NDArray[np.float32]) -> None:
    """Writes a premultiplied picture [H, W, 4] as a pair. Raises OutputError."""
    colour, alpha = straight(picture)
    write_pair(folder, name, encode_srgb(colour), np.round(alpha * 255).astype(np.uint8))


def render_stills(assets: Path, out: Path, numbers: range, size: int = 320) -> Iterator[int]:
    """Writes the stills of some numbers, squares of `size` pixels; yields each number when it is done.

    The number is the seed. Those that are there are left; those with next to nobody in frame are left out.

    assets : folder with `humans`, `humans_textures` and `hdri`.
    Raises MattingError.
    """
    cv2.setNumThreads(1)
    read = Assets(assets)
    renderer = Renderer(size, size, read.texture, multisamples=1)  # as alpha comes from elsewhere
    through: Renderer | None = None
    for number in numbers:
        name = f"{number:05d}"
        if not is_there(out, name):
            rng = np.random.default_rng(number)
            level = float(np.exp(rng.normal(np.log(0.5), 0.4)))
            if rng.random() < _OPEN_LENS:
                through = through or Renderer(size, size, read.texture, supersample=1, multisamples=1)  # of many
                blur, focus = float(rng.uniform(1, 0.02 * size)), float(rng.choice([0.75, 1.4]))
                rows = round(size / (1 + blur / 2))  # no single hair is told apart
                scene = still_scene(read, SEED_OF_STILLS + number, rows)
                views = lens_cameras(scene.camera, blur, focus, size, rng)
                picture = defocus(pictured(through, scene, read.texture, views), blur_between(blur))
            else:
                picture = pictured(renderer, still_scene(read, SEED_OF_STILLS + number, size), read.texture)
            picture = expose(picture, level)
            if picture[..., 3].mean() > LEAST_SEEN:
                write_still(out, name, picture)
        yield number
