"""A folder of pictures without people, `NNNNN.jpg`: each a place, its light and a camera, all drawn from a number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.atomic import write_whole
from nuke_matting.opencv import blurred, resized
from nuke_matting.training.decoding import encode_srgb
from nuke_matting.training.people.assets import Assets
from nuke_matting.training.people.light import Light, light_of
from nuke_matting.training.people.render import Renderer
from nuke_matting.training.people.stills import RESERVED_PANORAMA
from nuke_matting.training.rooms.figures import Figures, picture_of_person
from nuke_matting.training.rooms.flags import flag_picture
from nuke_matting.training.rooms.kit import PICTURE_SIDE, Kit
from nuke_matting.training.rooms.outdoors import make_garden, make_heap, make_street
from nuke_matting.training.rooms.place import Place
from nuke_matting.training.rooms.render import Lighting, RoomRenderer, Scene
from nuke_matting.training.rooms.room import make_room
from nuke_matting.training.rooms.surfaces import shrink
from nuke_matting.training.textures import noise, texture

SEED_OF_ROOMS = 40_000_000  # places have this seed plus their number
VIEWS = 3  # pictures of each place, in other light and from elsewhere: making one costs as much as drawing it
_QUALITY = 92
INDOORS = ("hall", "lab", "lobby", "studio", "warehouse", "workshop")  # panoramas that are no sky


class Maker:
    """Makes the scenes of pictures. assets : the people's assets, or None: made-up skies, and no statues or posters."""

    def __init__(self, assets: Assets | None, renderer: Renderer | None = None) -> None:
        self.assets = assets
        self.figures = Figures(assets, renderer)
        self._place = lru_cache(maxsize=1)(self._make_place)

    def scene(self, number: int) -> Scene:
        """The scene of one picture, all of it drawn from its number; the place is that of the numbers next to it."""
        place, kit = self._place(number // VIEWS)
        rng = np.random.default_rng([SEED_OF_ROOMS, number])
        lighting, camera = self._lighting(rng, place), place.camera(rng)
        pictures = np.stack(kit.pictures) if kit.pictures else np.zeros((1, 4, 4, 3), np.uint8)
        middle = (place.low + place.high) / 2
        radius = min(float(np.linalg.norm(place.high - place.low)) / 2 + 1.5, 14.0)
        centre = (float(middle[0]), 1.2, float(middle[2]))
        return Scene(place.all(), tuple(kit.materials), pictures, lighting, camera, centre, radius)

    def _make_place(self, number: int) -> tuple[Place, Kit]:
        rng = np.random.default_rng(SEED_OF_ROOMS + number)
        kit = Kit(rng, self._picture)
        kind = rng.random()
        if kind < 0.62:
            return make_room(kit, self.figures, corridor=kind < 0.1), kit
        return (make_street if kind < 0.78 else make_garden if kind < 0.87 else make_heap)(kit, self.figures), kit

    def _lighting(self, rng: np.random.Generator, place: Place) -> Lighting:
        panorama, turn = self._sky(rng), float(rng.uniform(0, 2 * np.pi))
        base = light_of(panorama, turn, float(rng.uniform(0.5, 1.5)))
        direction, key, ambient = (
            base.key_direction.astype(np.float64),
            base.key_colour.astype(np.float64),
            base.ambient.astype(np.float64),
        )
        white = np.clip(ambient[0] / ambient[0].mean(), 0.3, 3) ** -float(rng.uniform(0.3, 1.0))
        ambient, key, lamps = ambient * white, key * white, place.lamps
        if place.sealed:
            day = float(np.exp(rng.normal(0, 0.6))) if rng.random() < 0.85 else 0.02
            inside = rng.uniform(0.12, 0.3)
            flat = np.zeros((9, 3))
            flat[0] = ambient[0]
            flat[1] = -0.12 * ambient[0].mean()  # floors send back less than ceilings
            ambient = (0.75 * flat + 0.25 * ambient) * inside * (0.25 + day)
            if rng.random() < 0.6:  # a sun that comes in
                across, up = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 0.8)
                direction = np.array([np.sin(across) * np.cos(up), np.sin(up), np.cos(across) * np.cos(up)])
                key = np.array([1.0, 0.9, 0.75]) ** rng.uniform(0.2, 2) * rng.uniform(1, 6)
            key = key * day
            lamps = [
                replace(lamp, colour=tuple(np.asarray(lamp.colour) * (day if lamp.size > 0.5 else 1.0)))
                for lamp in lamps
            ]
            scale = base.scale * day * rng.uniform(0.7, 2.5)
        else:
            scale = base.scale
        light = Light(
            ambient.astype(np.float32),
            direction.astype(np.float32),
            key.astype(np.float32),
            base.rim_direction,
            base.rim_colour,
        )
        return Lighting(
            light,
            tuple(lamps),
            panorama * white.astype(np.float32),
            turn,
            float(scale),
            float(rng.uniform(0.001, 0.004)),
        )

    def _sky(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """A panorama of outdoors, [256, 512, 3] or larger."""
        if self.assets is not None:
            names = [name for name in self.assets.panorama_names() if name not in (RESERVED_PANORAMA, *INDOORS)]
            if names:
                return self.assets.panorama(str(rng.choice(names)))
        up = np.linspace(1, -1, 128, dtype=np.float32)[:, None, None]
        blue, haze = np.asarray([[0.35, 0.55, 1.0], [0.6, 0.5, 0.4]], np.float32)
        clear = blue * rng.uniform(0.5, 1.2)
        sky = clear * (1 - np.abs(up)) * 0.4 + clear * 0.6 + np.exp(-8 * np.abs(up)) * haze
        wide = resized(noise(rng, 128, 4), (256, 128), cv2.INTER_LINEAR)
        clouds = np.clip(wide * 0.5 + rng.uniform(-0.5, 0.5), 0, 1)[..., None]
        ground = rng.uniform(0.05, 0.3, 3).astype(np.float32) * np.ones_like(sky)
        panorama = np.where(up > 0, sky * (1 - clouds) + clouds * 1.1, ground).astype(np.float32)
        panorama = np.broadcast_to(panorama, (128, 256, 3)).copy()
        x, y = int(rng.integers(8, 248)), int(rng.integers(15, 60))
        panorama[y - 1 : y + 2, x - 1 : x + 2] = rng.uniform(0, 400)
        return blurred(panorama, 1.0)

    def _picture(self, rng: np.random.Generator, kind: str) -> NDArray[np.uint8]:
        """A picture to hang [PICTURE_SIDE, PICTURE_SIDE, 3] uint8 sRGB, of a kind: screen, flag, view..."""
        if kind == "flag":
            return flag_picture(rng, PICTURE_SIDE)
        if kind in ("portrait", "poster") and self.assets is not None and rng.random() < 0.75:
            shown = picture_of_person(self.figures, rng, PICTURE_SIDE)
        elif kind == "view" and self.assets is not None:
            panorama = self._sky(rng)
            high, wide = panorama.shape[:2]
            side = int(high * rng.uniform(0.2, 0.4))
            x, y = int(rng.integers(wide - side)), int(rng.uniform(0.3, 0.45) * high)
            crop = shrink(panorama[y : y + side, x : x + side], PICTURE_SIDE)
            shown = encode_srgb(crop * 0.5 / max(float(np.percentile(crop, 85)), 1e-4))
        else:
            shown = encode_srgb(texture(rng, PICTURE_SIDE))
        shown = shown.copy()
        if kind in ("poster", "screen"):
            _letter(rng, shown)
        return shown


def _letter(rng: np.random.Generator, shown: NDArray[np.uint8]) -> None:
    """Lines of something like writing, drawn into a picture."""
    y = int(rng.integers(8, 200))
    ink = tuple(int(v) for v in rng.integers(0, 256, 3))
    for _ in range(int(rng.integers(1, 6))):
        high, x = int(rng.integers(4, 30)), 16
        while x < 236:
            wide = int(rng.integers(4, 4 + 2 * high))
            cv2.rectangle(shown, (x, y), (min(x + wide, 240), y + high), ink, -1)
            x += wide + max(2, high // 4)
        y += high + 8
        if y > 236:
            break


def finish(rng: np.random.Generator, linear: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Exposure, a little bloom and vignetting, then sRGB, BGR. linear : [H, W, 3] scene-linear."""
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    middle, high = np.percentile(luminance, (50, 94))
    level = float(np.exp(rng.normal(np.log(0.2), 0.4)))
    linear = linear * min(level / max(float(middle), 1e-4), rng.uniform(0.6, 1.2) / max(float(high), 1e-4))
    if rng.random() < 0.5:
        bright: NDArray[np.float32] = np.minimum(linear, 4.0)
        linear = linear + (blurred(bright, linear.shape[0] / 40) - bright) * np.float32(rng.uniform(0.01, 0.08))
    h, w = linear.shape[:2]
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
    linear = linear * (1 - rng.uniform(0, 0.25) * (x * x + y * y) / 2)[..., None].astype(np.float32)
    if rng.random() < 0.1:
        linear = blurred(linear, rng.uniform(0.4, 1.6))
    return np.ascontiguousarray(encode_srgb(linear)[..., ::-1])


def render_rooms(assets: Path | None, out: Path, numbers: range, width: int = 640, height: int = 400) -> Iterator[int]:
    """Writes the pictures of some numbers, `NNNNN.jpg`, 8-bit sRGB; yields each number when it is done.

    The number is the seed. Those that are there are left.

    assets : folder with `humans`, `humans_textures` and `hdri`; None: without statues, people's clothes, real skies.
    width, height : pixels.
    Raises MattingError.
    """
    cv2.setNumThreads(1)
    read = None if assets is None else Assets(assets)
    people = Renderer(192, 256, None if read is None else read.texture, supersample=1)
    maker, renderer = Maker(read, people), RoomRenderer(people.context, width, height)
    out.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        path = out / f"{number:05d}.jpg"
        if not path.exists():
            linear = renderer.render(maker.scene(number))
            pixels = finish(np.random.default_rng(number), linear)
            write_whole(path, cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes())
        yield number
