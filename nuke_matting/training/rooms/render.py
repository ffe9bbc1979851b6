"""Pixels of a scene: moderngl (a GPU or a software rasteriser), four samples a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import moderngl
import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.decoding import decode_srgb
from nuke_matting.training.people.light import Light
from nuke_matting.training.people.render import look
from nuke_matting.training.rooms import shaders
from nuke_matting.training.rooms.mesh import Piece
from nuke_matting.training.rooms.surfaces import SIDE, Material, pattern_bank

_SHADOW_SIDE = 1024
_NEAR, _FAR = 0.08, 160.0
_SAMPLES = 4


@dataclass(frozen=True)
class Camera:
    """eye, target : [3] metres. field : vertical field of view, roll : both radians."""

    eye: NDArray[np.float64]
    target: NDArray[np.float64]
    field: float
    roll: float = 0.0


@dataclass(frozen=True)
class Lamp:
    """A lamp. at : metres. colour : what it sheds at a metre. size : its radius; soft and without a peak within it."""

    at: tuple[float, float, float]
    colour: tuple[float, float, float]
    size: float = 0.2


@dataclass(frozen=True)
class Lighting:
    """daylight : ambient and key (sun). lamps : the first casts shadows, straight down. sky : panorama [H, W, 3].

    sky_turn : radians, as in `people.light.light_of`; sky_scale : what its values are multiplied by.
    sun_size : share of the shadow map that a sun's edge is spread over.
    """

    daylight: Light
    lamps: tuple[Lamp, ...]
    sky: NDArray[np.float32]
    sky_turn: float = 0.0
    sky_scale: float = 1.0
    sun_size: float = 0.002


@dataclass(frozen=True)
class Scene:
    """All that a picture needs. pictures : [P, H, W, 3] uint8 sRGB. radius : metres about `centre` with sun shadows."""

    piece: Piece
    materials: tuple[Material, ...]
    pictures: NDArray[np.uint8]
    lighting: Lighting
    camera: Camera
    centre: tuple[float, float, float]
    radius: float


def projection(field: float, aspect: float, near: float, far: float) -> NDArray[np.float64]:
    """View to clip space, 4x4."""
    matrix = np.zeros((4, 4))
    matrix[0, 0], matrix[1, 1] = 1 / (np.tan(field / 2) * aspect), 1 / np.tan(field / 2)
    matrix[2, 2], matrix[2, 3], matrix[3, 2] = (far + near) / (near - far), 2 * far * near / (near - far), -1
    return matrix


class RoomRenderer:
    """Draws scenes of one size of picture in a context that is there already."""

    def __init__(self, context: moderngl.Context, width: int, height: int) -> None:
        self.context, self.width, self.height = context, width, height
        size = (width, height)
        self._sampled = context.framebuffer(
            [context.renderbuffer(size, 4, samples=_SAMPLES, dtype="f2")],
            context.depth_renderbuffer(size, samples=_SAMPLES),
        )
        self._resolved = context.framebuffer([context.renderbuffer(size, 4, dtype="f2")])
        self._depth = context.depth_texture(size)
        self._depth.compare_func = ""
        self._depth.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self._depth.repeat_x = self._depth.repeat_y = False
        self._depth_target = context.framebuffer(depth_attachment=self._depth)
        self._open = context.texture(size, 1, dtype="f1")
        self._open.repeat_x = self._open.repeat_y = False
        self._open_target = context.framebuffer([self._open])
        self._shadows = []
        for _ in range(2):
            depth = context.depth_texture((_SHADOW_SIDE, _SHADOW_SIDE))
            depth.compare_func = "<="
            depth.filter = (moderngl.LINEAR, moderngl.LINEAR)
            self._shadows.append((depth, context.framebuffer(depth_attachment=depth)))
        self._only_depth = context.program(shaders.DEPTH_VERTEX, shaders.DEPTH_FRAGMENT)
        self._occlude = context.program(shaders.SCREEN_VERTEX, shaders.OCCLUSION_FRAGMENT)
        self._sky = context.program(shaders.SCREEN_VERTEX, shaders.SKY_FRAGMENT)
        self._surface = context.program(shaders.VERTEX, shaders.FRAGMENT)
        self._occlude_screen, self._sky_screen = (context.vertex_array(each, []) for each in (self._occlude, self._sky))
        bank = pattern_bank()
        self._bank = context.texture_array((SIDE, SIDE, len(bank)), 4, bank.tobytes())
        self._bank.build_mipmaps()
        self._bank.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)

    def render(self, scene: Scene) -> NDArray[np.float32]:
        """The picture [H, W, 3] float32, scene-linear; the first row is the top."""
        with self.context:
            return self._render(scene)

    def _render(self, scene: Scene) -> NDArray[np.float32]:
        context = self.context
        vertices = context.buffer(np.ascontiguousarray(scene.piece.vertices))
        triangles = context.buffer(np.ascontiguousarray(scene.piece.triangles))
        depth_only = context.vertex_array(self._only_depth, [(vertices, "3f 24x", "position")], triangles)
        surfaces = context.vertex_array(
            self._surface, [(vertices, "3f 3f 2f 1f", "position", "normal", "uv", "material")], triangles
        )
        context.enable(moderngl.DEPTH_TEST)
        camera, lighting = scene.camera, scene.lighting
        views = (self._sun_view(scene), self._lamp_view(lighting))
        for (_, target), view in zip(self._shadows, views, strict=True):
            self._depths(target, view, depth_only)
        view = look(camera.eye, camera.target, camera.roll)
        aspect = self.width / self.height
        whole = projection(camera.field, aspect, _NEAR, _FAR) @ view
        self._depths(self._depth_target, whole, depth_only)
        half = np.tan(camera.field / 2) * np.array([aspect, 1.0])
        self._occlusion(half)
        self._sampled.use()
        self._sampled.clear(0.0, 0.0, 0.0, 1.0, depth=1.0)
        sky = context.texture(lighting.sky.shape[1::-1], 3, _half(lighting.sky), dtype="f2")
        sky.repeat_y = False
        sky.use(0)
        _set(self._sky, sky=0, sky_turn=lighting.sky_turn, sky_scale=lighting.sky_scale, half_field=tuple(half))
        self._sky["turn"].value = tuple(view[:3, :3].reshape(-1))  # type: ignore[union-attr]  # columns of its inverse
        context.disable(moderngl.DEPTH_TEST)
        self._sky_screen.render(moderngl.TRIANGLES, vertices=3)
        context.enable(moderngl.DEPTH_TEST)
        textures = self._bind(scene, views)
        _set(self._surface, camera=_columns(whole), eye=tuple(camera.eye), size=(self.width, self.height))
        self._sampled.use()
        _set(self._only_depth, camera=_columns(whole))
        self._sampled.color_mask = False, False, False, False
        depth_only.render()  # so that only what is seen is shaded
        self._sampled.color_mask = True, True, True, True
        context.depth_func = "<="
        surfaces.render()
        context.depth_func = "<"
        context.copy_framebuffer(self._resolved, self._sampled)
        raw = np.frombuffer(self._resolved.read(components=3, dtype="f2", alignment=1), np.float16)
        for each in (vertices, triangles, sky, *textures, depth_only, surfaces):
            each.release()
        return raw.reshape(self.height, self.width, 3)[::-1].astype(np.float32)

    def _depths(self, target: moderngl.Framebuffer, view: NDArray, array: moderngl.VertexArray) -> None:
        target.use()
        target.clear(depth=1.0)
        _set(self._only_depth, camera=_columns(view))
        array.render()

    def _occlusion(self, half: NDArray) -> None:
        self._open_target.use()
        self._depth.use(0)
        _set(self._occlude, depth=0, near=_NEAR, far=_FAR, half_field=tuple(half), reach=0.45)
        self.context.disable(moderngl.DEPTH_TEST)
        self._occlude_screen.render(moderngl.TRIANGLES, vertices=3)
        self.context.enable(moderngl.DEPTH_TEST)

    def _sun_view(self, scene: Scene) -> NDArray[np.float64]:
        toward = np.asarray(scene.lighting.daylight.key_direction, np.float64)
        toward /= max(float(np.linalg.norm(toward)), 1e-9)
        centre, far = np.asarray(scene.centre, np.float64), scene.radius * 3
        matrix = np.diag([1 / scene.radius, 1 / scene.radius, -1 / far, 1.0])
        matrix[2, 3] = -1.0
        return matrix @ look(centre + toward * far, centre)

    def _lamp_view(self, lighting: Lighting) -> NDArray[np.float64]:
        at = np.asarray(lighting.lamps[0].at if lighting.lamps else (0, 3, 0), np.float64)
        return projection(2.5, 1.0, 0.25, 12.0) @ look(at, at - (0, 1, 0))

    def _bind(self, scene: Scene, views: tuple[NDArray, ...]) -> list[moderngl.Texture | moderngl.TextureArray]:
        """Sets all that the surfaces' shader needs but the camera; gives the textures that are only this scene's."""
        context, lighting, program = self.context, scene.lighting, self._surface
        rows = np.asarray([material.row() for material in scene.materials], np.float32)
        table = context.texture((4, len(rows)), 4, rows.tobytes(), dtype="f4")
        table.filter = (moderngl.NEAREST, moderngl.NEAREST)
        number, high, wide = scene.pictures.shape[:3]
        pictures = context.texture_array((wide, high, number), 3, _half(decode_srgb(scene.pictures)), dtype="f2")
        pictures.build_mipmaps()
        pictures.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        shadows = [depth for depth, _ in self._shadows]
        textures: list[moderngl.Texture | moderngl.TextureArray] = [table, self._bank, pictures, self._open]
        for unit, texture in enumerate([*shadows, *textures]):
            texture.use(unit)
        _set(program, key_shadow=0, lamp_shadow=1, materials=2, bank=3, pictures=4, occlusion=5)
        _set(program, key_view=_columns(views[0]), lamp_view=_columns(views[1]), key_spread=lighting.sun_size)
        light = lighting.daylight
        program["ambient"].write(np.ascontiguousarray(light.ambient, np.float32).tobytes())  # type: ignore[union-attr]
        _set(
            program,
            key_direction=tuple(map(float, light.key_direction)),
            key_colour=tuple(map(float, light.key_colour)),
        )
        lamps = lighting.lamps[: shaders.LAMPS]
        places, colours = np.zeros((shaders.LAMPS, 4), np.float32), np.zeros((shaders.LAMPS, 3), np.float32)
        for row, lamp in enumerate(lamps):
            places[row], colours[row] = (*lamp.at, lamp.size**2), lamp.colour
        program["lamp_at"].write(places.tobytes())  # type: ignore[union-attr]
        program["lamp_colour"].write(colours.tobytes())  # type: ignore[union-attr]
        _set(program, lamps=len(lamps))
        return [table, pictures]


def _half(values: NDArray) -> bytes:
    return np.ascontiguousarray(np.clip(values, 0, 60000), np.float16).tobytes()


def _columns(matrix: NDArray) -> tuple[float, ...]:
    return tuple(float(v) for v in np.asarray(matrix).T.reshape(-1))


def _set(program: moderngl.Program, **values: object) -> None:
    for name, value in values.items():
        if name in program:  # the compiler drops what a shader does not use
            program[name].value = value  # type: ignore[union-attr]
