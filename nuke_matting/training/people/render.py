"""Pixels of a person: moderngl on EGL (a GPU or a software rasteriser), many samples a pixel, exact coverage.

Every sample is either the person or nothing, so the mean over a pixel's samples is the premultiplied colour and the
coverage, and dividing gives the straight colour. Nothing is blended, but cards where few samples are taken, as
`silhouette` then tells the coverage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import moderngl
import numpy as np
from numpy.typing import NDArray

from nuke_matting.errors import MattingError
from nuke_matting.training.people import shaders
from nuke_matting.training.people.light import Light
from nuke_matting.training.resizing import continued

SKIN, CLOTH, CARD, EYE, PLAIN = 0, 1, 2, 4, 5
_SRGB_ALPHA = 0x8C43  # GL_SRGB8_ALPHA8
_SHADOW_SIDE = 768
_CASTING = 3  # one strand in so many casts a shadow, as much wider
_CLIP_DISTANCE = 0x3000  # GL_CLIP_DISTANCE0


@dataclass(frozen=True)
class Surface:
    """How a drawing looks. mode : SKIN, CLOTH, CARD, EYE or PLAIN. texture : path below `humans_textures`, or "".

    gloss, shine : size and sharpness of highlights. pattern : 0 none .. 8; second : its other colour, scene-linear;
    scale : its repeats a decimetre. wrinkle : depth of cloth's folds. iris_size : radians.
    trimmed : draw only where u, interpolated, is above 0.
    """

    mode: int
    texture: str = ""
    gloss: float = 0.0
    shine: float = 20.0
    pattern: int = 0
    second: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: float = 1.0
    wrinkle: float = 0.0
    hair_colour: tuple[float, float, float] = (0.05, 0.03, 0.02)
    iris_size: float = 0.5
    iris_colour: tuple[float, float, float] = (0.1, 0.06, 0.03)
    trimmed: bool = False


@dataclass(frozen=True)
class Drawing:
    """A mesh to draw. vertices : [C, 15] float32: position 3, normal 3, uv 2, tint 4, rest position 3."""

    vertices: NDArray[np.float32]
    triangles: NDArray[np.int32]
    surface: Surface


@dataclass(frozen=True)
class Strands:
    """Hair, fur, threads, in random order. points : [N, K, 3]; outward : [N, 3] away from head or body;
    radius : [N] dm, at the root; colour : [N, 3], scene-linear."""

    points: NDArray[np.float32]
    outward: NDArray[np.float32]
    radius: NDArray[np.float32]
    colour: NDArray[np.float32]
    shine: float = 0.6


@dataclass(frozen=True)
class Camera:
    """eye, target : [3] dm. field : vertical field of view, radians. roll : radians.
    shift : of the picture, x and y, in half heights."""

    eye: NDArray[np.float64]
    target: NDArray[np.float64]
    field: float
    roll: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)

    def matrix(self, aspect: float) -> NDArray[np.float64]:
        """World to clip space, 4x4. aspect : width / height."""
        view = look(self.eye, self.target, self.roll)
        distance = float(np.linalg.norm(self.target - self.eye))
        near, far = max(distance * 0.08, 0.2), distance * 4 + 40
        f = 1 / np.tan(self.field / 2)
        project = np.zeros((4, 4))
        project[0, 0], project[1, 1] = f / aspect, f
        project[0, 2], project[1, 2] = -self.shift[0] / aspect, -self.shift[1]
        project[2, 2], project[2, 3], project[3, 2] = (far + near) / (near - far), 2 * far * near / (near - far), -1
        return project @ view


@dataclass(frozen=True)
class Scene:
    """All that a picture needs. centre, radius : dm, the part in view, for shadows. exposure : a factor."""

    drawings: tuple[Drawing, ...]
    strands: tuple[Strands, ...]
    light: Light
    camera: Camera
    centre: NDArray[np.float64]
    radius: float
    exposure: float = 1.0
    top_direction: tuple[float, float, float] = field(default=(0.15, 1.0, 0.45))


def look(eye: NDArray, target: NDArray, roll: float = 0.0) -> NDArray[np.float64]:
    """World to view space, 4x4, y up."""
    back = np.asarray(eye, np.float64) - target
    back /= np.linalg.norm(back)
    right = np.cross((0.0, 1.0, 0.0) if abs(back[1]) < 0.99 else (0.0, 0.0, 1.0), back)
    right /= np.linalg.norm(right)
    up = np.cross(back, right)
    c, s = np.cos(roll), np.sin(roll)
    view = np.eye(4)
    view[:3, :3] = np.stack([c * right + s * up, c * up - s * right, back])
    view[:3, 3] = -view[:3, :3] @ eye
    return view


def vertex_normals(positions: NDArray[np.float32], corner: NDArray, triangles: NDArray) -> NDArray[np.float32]:
    """Unit normals [V, 3] of shared positions [V, 3], area-weighted; `triangles` index `corner`, `corner` positions."""
    rows = corner[triangles]
    a, b, c = positions[rows[:, 0]], positions[rows[:, 1]], positions[rows[:, 2]]
    face = np.cross(b - a, c - a)
    normals = np.stack(
        [sum(np.bincount(rows[:, k], face[:, axis], len(positions)) for k in range(3)) for axis in range(3)], axis=1
    )
    return (normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)).astype(np.float32)


class Renderer:
    """A rendering context for one size of picture. supersample : places a pixel that are shaded, per axis.
    multisamples : for each of them, how many samples tell what covers it: 4, or 1, which takes half the time. Cards are
    then blended, the farthest first, and the coverage is coarse: `silhouette` has a finer one.

    What is made for a picture is released with it, by hand: moderngl's own collection (`gc_mode`) frees whatever has an
    object's number in the context that is current then, which may be another renderer's.
    """

    def __init__(self, width: int, height: int, textures, supersample: int = 2, multisamples: int = 4) -> None:
        """textures : path -> [H, W, 4] uint8, such as `Assets.texture`. Raises MattingError without EGL."""
        self.width, self.height, self.multisamples = width, height, multisamples
        try:
            self.context = moderngl.create_context(standalone=True, backend="egl")  # type: ignore[arg-type]  # moderngl's own hint is wrong
        except Exception as error:  # it raises nothing narrower
            raise MattingError(
                f"OpenGL cannot be started ({error})",
                advice="install EGL and a driver; without a GPU, Mesa's llvmpipe will do",
            ) from error
        self.context.enable_direct(_CLIP_DISTANCE)
        context, size = self.context, (width * supersample, height * supersample)
        several = multisamples if multisamples > 1 else 0
        self._samples = context.texture(size, 4, samples=several, dtype="f2")
        self._sampled = context.framebuffer([self._samples], context.depth_renderbuffer(size, samples=several))
        self._averaged = context.framebuffer([context.renderbuffer((width, height), 4, dtype="f4")])
        self._average = context.program(shaders.SCREEN_VERTEX, shaders.average_fragment(supersample, multisamples))
        self._screen = context.vertex_array(self._average, [])
        self._meshes: dict[str, moderngl.Program] = {}  # by their fragment shaders
        self._hair = context.program(shaders.STRAND_VERTEX, shaders.STRAND_FRAGMENT)
        self._mesh_depth = context.program(shaders.MESH_VERTEX, shaders.DEPTH_FRAGMENT)
        self._card_depth = context.program(shaders.MESH_VERTEX, shaders.CARD_DEPTH_FRAGMENT)
        self._hair_depth = context.program(shaders.STRAND_VERTEX, shaders.DEPTH_FRAGMENT)
        self._shadows = []
        for _ in range(2):
            depth = context.depth_texture((_SHADOW_SIDE, _SHADOW_SIDE))
            depth.compare_func = "<="
            depth.filter = (moderngl.LINEAR, moderngl.LINEAR)
            self._shadows.append((depth, context.framebuffer(depth_attachment=depth)))
        self._read_texture = textures
        self._textures: dict[str, moderngl.Texture] = {}

    def render(self, scene: Scene, cameras: Sequence[Camera] = ()) -> NDArray[np.float32]:
        """Premultiplied colour and coverage [H, W, 4] float32, scene-linear Rec.709; the first row is the top.

        cameras : where there are any, the mean of what they see, in place of what the scene's own does.
        """
        with self.context:
            return self._render(scene, cameras or (scene.camera,))

    def _render(self, scene: Scene, cameras: Sequence[Camera]) -> NDArray[np.float32]:
        meshes = [(self._upload(each, cameras[0]), each) for each in scene.drawings]
        hairs = [(self._upload_strands(each), each) for each in scene.strands]
        views = [
            self._shadow(i, d, scene, meshes, hairs)
            for i, d in enumerate((scene.light.key_direction, scene.top_direction))
        ]
        pictures = np.stack([self._seen(scene, camera, views, meshes, hairs) for camera in cameras])
        picture: NDArray[np.float32] = pictures.mean(axis=0)
        for buffers, _ in [*meshes, *hairs]:
            for each in buffers:
                each.release()
        picture[..., :3] *= scene.exposure
        return picture

    def _seen(self, scene: Scene, camera: Camera, views, meshes, hairs) -> NDArray[np.float32]:
        """What a camera sees, before exposure. views : of the lights' depth maps."""
        self._sampled.use()
        self._sampled.clear(0.0, 0.0, 0.0, 0.0)
        self.context.enable(moderngl.DEPTH_TEST)
        rim = bool(scene.light.rim_colour.any())
        programs = [self._program(drawing.surface, rim) for _, drawing in meshes]
        for program in (*self._meshes.values(), self._hair):
            self._lights(program, scene, camera, views)
        blended: list = []
        for program, (buffers, drawing) in zip(programs, meshes, strict=True):
            if self.multisamples == 1 and drawing.surface.mode == CARD:
                blended.append((program, (buffers, drawing)))
                continue
            self._surface(program, drawing.surface)
            if drawing.surface.mode in (SKIN, EYE):
                self.context.enable(moderngl.CULL_FACE)
            self._draw(program, buffers, _MESH_LAYOUT)
            self.context.disable(moderngl.CULL_FACE)
        for buffers, strands in hairs:
            _set(self._hair, "widen", 1.0)
            _set(self._hair, "lit_here", True)
            _set(self._hair, "shine", strands.shine)
            self._draw(self._hair, buffers, _HAIR_LAYOUT)
        self._blend(blended)
        self._averaged.use()
        self._samples.use(0)
        self.context.disable(moderngl.DEPTH_TEST)
        self._screen.render(moderngl.TRIANGLES, vertices=3)
        raw = np.frombuffer(self._averaged.read(components=4, dtype="f4"), np.float32)
        return raw.reshape(self.height, self.width, 4)[::-1]

    def _blend(self, cards) -> None:
        """Cards over all else, their colour premultiplied by their opacity."""
        self.context.enable(moderngl.BLEND)
        self.context.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        self._sampled.depth_mask = False
        for program, (buffers, drawing) in cards:
            self._surface(program, drawing.surface)
            self._draw(program, buffers, _MESH_LAYOUT)
        self._sampled.depth_mask = True
        self.context.disable(moderngl.BLEND)

    def _upload(self, drawing: Drawing, camera: Camera):
        """What is near comes first, so that little is shaded that is behind; cards that are blended come from afar, and
        those whose shader cuts win nothing."""
        vertices, triangles = np.ascontiguousarray(drawing.vertices, np.float32), drawing.triangles
        if drawing.surface.mode != CARD or self.multisamples == 1:
            away = vertices[:, :3] @ (camera.target - camera.eye).astype(np.float32)
            way = away[triangles].sum(axis=1)
            triangles = triangles[np.argsort(-way if drawing.surface.mode == CARD else way)]
        return self.context.buffer(vertices), self.context.buffer(np.ascontiguousarray(triangles, np.int32))

    def _upload_strands(self, strands: Strands):
        vertices, triangles = _ribbons(strands)
        return self.context.buffer(vertices), self.context.buffer(triangles)

    def _draw(self, program, buffers, layout, one_in: int = 1) -> None:
        """one_in : draw only the first of so many parts of the triangles."""
        names = [n for n in layout[1] if n in program]
        parts = [p if n in program else f"{_bytes(p)}x" for p, n in zip(layout[0].split(), layout[1], strict=True)]
        content = [(buffers[0], " ".join(parts), *names)]
        array = self.context.vertex_array(program, content, buffers[1], skip_errors=True)
        array.render(vertices=array.vertices // 3 // one_in * 3)
        array.release()

    def _program(self, surface: Surface, rim: bool) -> moderngl.Program:
        text = shaders.mesh_fragment(surface.mode, bool(surface.texture), surface.pattern, rim, self.multisamples)
        if text not in self._meshes:
            self._meshes[text] = self.context.program(shaders.MESH_VERTEX, text)
        return self._meshes[text]

    def _surface(self, program, surface: Surface) -> None:
        _set(program, "trimmed", surface.trimmed)
        if surface.texture:
            self._texture(surface.texture).use(2)
            _set(program, "picture", 2)
        for name in (
            "gloss",
            "shine",
            "pattern",
            "second",
            "scale",
            "wrinkle",
            "hair_colour",
            "iris_size",
            "iris_colour",
        ):
            _set(program, name, getattr(surface, name))

    def _texture(self, path: str) -> moderngl.Texture:
        if path not in self._textures:
            pixels = self._read_texture(path)
            texture = self.context.texture(pixels.shape[1::-1], 4, pixels.tobytes(), internal_format=_SRGB_ALPHA)
            texture.build_mipmaps()
            texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
            self._textures[path] = texture
        return self._textures[path]

    def _shadow(self, which: int, direction, scene: Scene, meshes, hairs) -> NDArray[np.float64]:
        """Draw the depth map of one directional light; its world to clip matrix."""
        _, target = self._shadows[which]
        toward = np.asarray(direction, np.float64) / np.linalg.norm(direction)
        view = look(scene.centre + toward * 30.0, scene.centre)
        project = np.diag([1 / scene.radius, 1 / scene.radius, -1 / 40.0, 1.0])
        project[2, 3] = -30.0 / 40.0
        matrix = project @ view
        target.use()
        target.clear(depth=1.0)
        self.context.enable(moderngl.DEPTH_TEST)
        for program in (self._mesh_depth, self._card_depth, self._hair_depth):
            _set(program, "camera", _columns(matrix))
            _set(program, "eye", tuple(scene.centre + toward * 1000.0))
        for buffers, drawing in meshes:
            program = self._card_depth if drawing.surface.mode == CARD else self._mesh_depth
            self._surface(program, drawing.surface)
            self._draw(program, buffers, _MESH_LAYOUT)
        _set(self._hair_depth, "widen", 1.5 * _CASTING)
        _set(self._hair_depth, "lit_here", False)
        for buffers, _ in hairs:
            self._draw(self._hair_depth, buffers, _HAIR_LAYOUT, _CASTING)
        return matrix

    def _lights(self, program, scene: Scene, camera: Camera, views) -> None:
        light = scene.light
        _set(program, "camera", _columns(camera.matrix(self.width / self.height)))
        _set(program, "eye", tuple(camera.eye))
        if "ambient" in program:
            program["ambient"].write(np.ascontiguousarray(light.ambient, np.float32).tobytes())
        for name in ("key_direction", "key_colour", "rim_direction", "rim_colour"):
            _set(program, name, tuple(float(v) for v in getattr(light, name)))
        for unit, (name, (depth, _)) in enumerate(zip(("key", "top"), self._shadows, strict=True)):
            depth.use(unit)
            _set(program, name + "_shadow", unit)
            _set(program, name + "_view", _columns(views[unit]))


_MESH_LAYOUT = ("3f 3f 2f 4f 3f", ("position", "normal", "uv", "tint", "rest"))
_HAIR_LAYOUT = ("3f 3f 1f 3f 3f 1f", ("position", "tangent", "side", "colour", "outward", "along"))


def _bytes(part: str) -> int:
    return int(part[:-1]) * 4


def _columns(matrix: NDArray) -> tuple[float, ...]:
    return tuple(float(v) for v in np.asarray(matrix).T.reshape(-1))


def _set(program, name: str, value) -> None:
    if name in program:  # the compiler drops what a shader does not use
        program[name].value = value


def _ribbons(strands: Strands) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Vertices [N K 2, 14] and triangles of thin strips along the strands, tapering to the tip."""
    points = np.asarray(strands.points, np.float32)
    count, steps, _ = points.shape
    tangent = np.gradient(points, axis=1)
    along = np.linspace(0, 1, steps, dtype=np.float32)
    radius = strands.radius[:, None] * (1 - 0.75 * along**2)
    row = np.empty((count, steps, 1, 14), np.float32)  # of one side
    row[..., 0, 0:3] = points
    row[..., 0, 3:6] = tangent
    row[..., 0, 6] = radius
    row[..., 0, 7:10] = strands.colour[:, None]
    row[..., 0, 10:13] = strands.outward[:, None]
    row[..., 0, 13] = along
    table = np.repeat(row, 2, axis=2)
    table[:, :, 0, 6] *= -1
    first = 2 * np.arange(count * steps, dtype=np.int32).reshape(count, steps)[:, :-1]
    triangles = first.reshape(-1, 1) + np.array([0, 1, 2, 2, 1, 3], np.int32)
    return table.reshape(-1, 14), triangles.reshape(-1, 3)


def straight(picture: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Premultiplied [H, W, 4] -> straight colour [H, W, 3], alpha [H, W]; the colour goes on beyond the person's edge.

    Where nothing covers a pixel its colour is that of what is near, so that resizing a straight colour never mixes
    black into an edge.
    """
    alpha = np.clip(picture[..., 3], 0, 1)
    return continued(picture[..., :3] / np.maximum(picture[..., 3:], 1e-6), alpha), alpha
