"""The example plate: somebody who turns and waves in a room, 24 frames of scene-linear ACEScg, with the true alpha.

    python -m nuke_matting.training.people.example --assets DIR --out examples/plate

Writes `plate.1001.exr` .. `plate.1024.exr` and `alpha.1001.exr` .. `alpha.1024.exr`, 960x540, half float. Every frame
is the mean of sub-frames spread over the shutter, each at its own offset within the pixel, so motion blur and edges
are true coverage: I = premultiplied foreground + (1 - alpha) background, in linear light, then film grain.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio
from numpy.typing import NDArray

from nuke_matting.errors import OutputError
from nuke_matting.opencv import blurred, sampled
from nuke_matting.training.people.assets import Assets
from nuke_matting.training.people.light import Light, light_of
from nuke_matting.training.people.person import Person, draw_person
from nuke_matting.training.people.pose import Pose, Vector
from nuke_matting.training.people.render import Camera, Renderer
from nuke_matting.training.people.scene import bone_at, pose_scene
from nuke_matting.training.people.stills import RESERVED_PANORAMA, defocus

SEED = 9_000_048  # of who it is; no still and no clip has it
WIDTH, HEIGHT, FIRST, FRAMES, FPS = 960, 540, 1001, 24, 24
SHUTTER = 0.5  # share of the frame's time that it is open
SUBFRAMES, STEP = (8, 28), 2.5  # fewest and most renders a frame; pixels that the hand may move from one to the next
EXPOSURE = 0.62
_TURN = 0.1  # of the room about the vertical, radians
_FIELD = 0.62  # vertical field of view, radians
_DEFOCUS = 7.0  # radius of the background's circle of confusion, pixels
_GRAIN = 0.012  # at a value of 1
AP1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
_REC709_TO_AP1 = np.array(  # Bradford-adapted, D65 to ACES white
    [[0.61309732, 0.33952285, 0.04737928], [0.07019422, 0.91635557, 0.01345259], [0.02061560, 0.10956983, 0.86981512]]
)


def _ease(time: float, start: float, end: float) -> float:
    """0 before `start`, 1 after `end`, smooth between."""
    share = float(np.clip((time - start) / (end - start), 0, 1))
    return share * share * (3 - 2 * share)


def pose_at(time: float) -> Pose:
    """The pose at a time in frames, 0 the first: turns to the camera, raises the right arm and waves."""
    turned, raised = _ease(time, 0, 20), _ease(time, 1, 16)
    wave = 0.35 * _ease(time, 13, 18) * np.sin((time - 13) * 2 * np.pi / 9)

    def way(first: Vector, second: Vector, share: float) -> Vector:
        mixed = np.asarray(first) * (1 - share) + np.asarray(second) * share
        return float(mixed[0]), float(mixed[1]), float(mixed[2])

    points = {
        "upperarm_r": way((-0.25, -1.0, 0.0), (-0.85, -0.15, 0.35), raised),
        "lowerarm_r": way((-0.15, -1.0, 0.35), (-0.25 + wave, 0.95, 0.35), raised),
        "upperarm_l": (0.24, -1.0, -0.02),
        "lowerarm_l": way((0.1, -0.9, 0.45), (0.05, -0.75, 0.65), turned),
        "thigh_l": (0.1, -1.0, 0.0), "thigh_r": (-0.1, -1.0, 0.0),
        "calf_l": (0.08, -1.0, -0.05), "calf_r": (-0.08, -1.0, -0.05),
    }  # fmt: skip
    turns = {
        "spine_01": (0.0, 0.05 * turned, 0.0), "spine_02": (0.0, 0.06 * turned, -0.04 * raised),
        "spine_03": (-0.03, 0.08 * turned, -0.05 * raised), "neck_01": (0.02, 0.14 * turned - 0.05, 0.06 * raised),
        "head": (0.0, 0.16 * turned - 0.05, 0.08 * raised), "hand_r": (0.0, 0.0, 0.9 * wave), "hand_l": (0.1, 0.1, 0.0),
    }  # fmt: skip
    return Pose(turns, points, (0.45, 0.5 - 0.5 * raised), -0.62 + 0.38 * turned)


def camera_at(time: float, person: Person) -> Camera:
    """The camera at a time in frames: it stands still before the person's chest and pans slowly."""
    pan = -0.035 + 0.07 * time / (FRAMES - 1)
    size = person.height / 16.5
    neck = float(person.skeleton.heads[person.skeleton.index("neck_01"), 1])
    eye = np.array([0.5 * size, neck, 13.0 * size])
    target = eye + 13.0 * size * np.array([np.sin(pan) - 0.05, -0.045, -np.cos(pan)])
    return Camera(eye, target, _FIELD)


def room(panorama: NDArray[np.float32], camera: Camera, turn: float) -> NDArray[np.float32]:
    """What the camera sees of a panorama turned by `turn`: [H, W, 3], in the panorama's units."""
    x = (np.arange(WIDTH) + 0.5) / WIDTH * 2 - 1
    y = 1 - (np.arange(HEIGHT) + 0.5) / HEIGHT * 2
    reach = np.tan(camera.field / 2)
    rays = np.stack(
        np.broadcast_arrays(x[None] * reach * WIDTH / HEIGHT, y[:, None] * reach, -np.ones((HEIGHT, WIDTH))), -1
    )
    back = (camera.eye - camera.target) / np.linalg.norm(camera.eye - camera.target)
    right = np.cross((0, 1, 0), back)
    right = right / np.linalg.norm(right)
    world = rays @ np.stack([right, np.cross(back, right), back])
    world /= np.linalg.norm(world, axis=-1, keepdims=True)
    c, s = np.cos(turn), np.sin(turn)
    px, pz = c * world[..., 0] - s * world[..., 2], s * world[..., 0] + c * world[..., 2]
    rows, columns = panorama.shape[:2]
    u = (np.arctan2(px, -pz) / (2 * np.pi) + 0.5) * columns - 0.5
    v = np.arccos(np.clip(world[..., 1], -1, 1)) / np.pi * rows - 0.5
    seen = sampled(panorama, u.astype(np.float32), v.astype(np.float32), cv2.BORDER_WRAP, cv2.INTER_CUBIC)
    return np.maximum(seen, 0)


def grain(picture: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Film grain to add: finer than three pixels, as strong as the square root of the light, mostly without colour."""
    rng = np.random.default_rng(seed)
    noise = 0.75 * rng.normal(0, 1, (*picture.shape[:2], 1)) + 0.5 * rng.normal(0, 1, picture.shape)
    soft = blurred(noise.astype(np.float32), 0.7)
    return (soft / soft.std() * _GRAIN * np.sqrt(np.maximum(picture, 0) + 0.004)).astype(np.float32)


def example_light(panorama: NDArray[np.float32]) -> Light:
    """The light of the room, and what a crew would add: a lamp from the left, the window's edge from behind."""
    return replace(
        light_of(panorama, _TURN),
        key_direction=np.array([-0.62, 0.42, 0.66], np.float32), key_colour=np.array([0.62, 0.55, 0.47], np.float32),
        rim_direction=np.array([0.80, 0.25, -0.55], np.float32), rim_colour=np.array([1.0, 1.05, 1.15], np.float32),
    )  # fmt: skip


def example_person(assets: Assets) -> tuple[Person, Light]:
    """Who is in the plate, and the light of the room."""
    unit = "expression/units/caucasian/"
    smile = {unit + "mouth-corner-puller": 0.55, unit + "eyebrows-left-up": 0.2, unit + "eyebrows-right-up": 0.2}
    return draw_person(assets, np.random.default_rng(SEED), "strands", smile), example_light(
        assets.panorama(RESERVED_PANORAMA)
    )


def subframes_of(person: Person, index: int) -> int:
    """How many renders a frame needs for the waving hand's blur to be smooth, a multiple of 4."""

    def hand(time: float) -> NDArray[np.float64]:
        at = camera_at(time, person).matrix(WIDTH / HEIGHT) @ np.append(
            bone_at(person, pose_at(time), "middle_03_r", 1.0), 1.0
        )
        return at[:2] / at[3] * (WIDTH / 2, HEIGHT / 2)

    moved = float(np.linalg.norm(hand(index + SHUTTER) - hand(index)))
    return int(np.clip(np.ceil(moved / STEP / 4) * 4, *SUBFRAMES))


def frame_at(
    renderer: Renderer, person: Person, light: Light, panorama: NDArray[np.float32], index: int, subframes: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """One frame: premultiplied foreground [H, W, 3], alpha [H, W], background [H, W, 3], scene-linear Rec.709."""
    subframes = subframes or subframes_of(person, index)
    rng = np.random.default_rng(index)
    order = rng.permutation(subframes)
    person_sum = np.zeros((HEIGHT, WIDTH, 4))
    room_sum = np.zeros((HEIGHT, WIDTH, 3))
    for k in range(subframes):
        time = index + (k + 0.5) / subframes * SHUTTER
        camera = camera_at(time, person)
        # one cell each of a grid within the pixel, in another order than time's
        cell = np.array(
            [(order[k] % 4 + rng.random()) / 4 - 0.5, (order[k] // 4 + rng.random()) / max(subframes // 4, 1) - 0.5]
        )
        camera = replace(camera, shift=(cell[0] * 2 / HEIGHT, cell[1] * 2 / HEIGHT))
        swing = (pose_at(time).heading - pose_at(time - 2).heading) / 2
        breeze = 0.05 * np.sin(time * 0.5)
        scene = pose_scene(
            person, pose_at(time), light, camera, EXPOSURE, (-6.0 * swing + breeze, 0.0, 0.05), rows=HEIGHT
        )
        person_sum += renderer.render(scene)
        room_sum += room(panorama, camera_at(time, person), _TURN)
    mean = (person_sum / subframes).astype(np.float32)
    background = defocus((room_sum / subframes).astype(np.float32), _DEFOCUS) * light.scale * EXPOSURE
    return mean[..., :3], np.clip(mean[..., 3], 0, 1), background


def timecode(frame: int) -> tuple[int, int]:
    """SMPTE time code of a frame number at 24 frames a second, as EXR stores it: binary-coded decimal, and user bits.

    >>> hex(timecode(1001)[0])
    '0x4117'
    """
    seconds, frames = divmod(frame, FPS)
    parts = (frames, seconds % 60, seconds // 60 % 60, seconds // 3600)
    return sum((part // 10 * 16 + part % 10) << (8 * place) for place, part in enumerate(parts)), 0


def write_exr(path: Path, pixels: NDArray[np.float32], frame: int, channels: tuple[str, ...], compression: str) -> None:
    """A half-float EXR [H, W, C] with time code and frame rate, ACEScg if it has three channels. Raises OutputError."""
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], len(channels), oiio.HALF)
    spec.channelnames = channels
    spec.attribute("compression", compression)
    spec.attribute("smpte:TimeCode", oiio.TypeTimeCode, timecode(frame))
    spec.attribute("FramesPerSecond", oiio.TypeRational, (FPS, 1))
    if len(channels) == 3:
        spec.attribute("chromaticities", oiio.TypeDesc("float[8]"), AP1)
        spec.attribute("colorInteropID", "lin_ap1_scene")
        spec.attribute("oiio:ColorSpace", "lin_ap1_scene")
    else:
        spec.attribute("colorInteropID", "data")
    spec.attribute("Copyright", "CC0 1.0")
    spec.attribute("DateTime", "2026:01:01 00:00:00")  # else the time of writing: the same command, the same files
    out = oiio.ImageOutput.create(str(path))
    if (
        out is None
        or not out.open(str(path), spec)
        or not out.write_image(np.ascontiguousarray(pixels))
        or not out.close()
    ):
        raise OutputError("the frame could not be written", path=path, frame=frame)


def main() -> None:
    parse = argparse.ArgumentParser(description="Render the example plate and its true alpha")
    parse.add_argument("--assets", type=Path, required=True, help="folder with humans, humans_textures and hdri")
    parse.add_argument("--out", type=Path, required=True)
    parse.add_argument("--first", type=int, default=FIRST, help="first frame to make")
    parse.add_argument("--last", type=int, default=FIRST + FRAMES - 1, help="last frame to make")
    chosen = parse.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    assets = Assets(chosen.assets)
    renderer = Renderer(WIDTH, HEIGHT, assets.texture, supersample=1)
    person, light = example_person(assets)
    panorama = assets.panorama(RESERVED_PANORAMA)
    for index in range(chosen.first - FIRST, chosen.last - FIRST + 1):
        colour, alpha, background = frame_at(renderer, person, light, panorama, index)
        plate = (colour + (1 - alpha[..., None]) * background) @ _REC709_TO_AP1.T.astype(np.float32)
        plate = np.minimum(plate + grain(plate, FIRST + index), 60000)
        number = FIRST + index
        write_exr(chosen.out / f"plate.{number}.exr", plate.astype(np.float32), number, ("R", "G", "B"), "dwaa:60")
        write_exr(chosen.out / f"alpha.{number}.exr", alpha[..., None], number, ("A",), "zip")
        print(f"frame {number}", flush=True)


if __name__ == "__main__":
    main()
