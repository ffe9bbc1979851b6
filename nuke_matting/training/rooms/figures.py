"""What is nearly a person and is none: statues, busts, mannequins, coats on stands and hooks, things under a cloth."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.decoding import encode_srgb
from nuke_matting.training.people.assets import Assets
from nuke_matting.training.people.light import light_of
from nuke_matting.training.people.parts import Part
from nuke_matting.training.people.person import draw_person
from nuke_matting.training.people.pose import Pose, bone_transforms, draw_pose
from nuke_matting.training.people.render import CLOTH, SKIN, Drawing, Renderer
from nuke_matting.training.people.scene import draw_camera, pose_scene
from nuke_matting.training.people.stills import expose
from nuke_matting.training.rooms.kit import Kit
from nuke_matting.training.rooms.mesh import Piece, box, cushion, cylinder, join, lathe, piece, surface, tube
from nuke_matting.training.rooms.surfaces import Material, shrink

_BODIES, _PORTRAITS = 40, 24  # how many different ones there are
_SEED = 31_000_000
Shape = tuple[NDArray, NDArray, NDArray, NDArray]  # positions (metres), normals, uv, triangles


class Figures:
    """Bodies and clothes as bare shapes, made when first asked for. Without assets there are only made-up shapes.

    renderer : draws portraits; its textures are the assets'.
    """

    def __init__(self, assets: Assets | None, renderer: Renderer | None = None) -> None:
        self.assets, self._renderer = assets, renderer
        self.body = cache(self._body)
        self.garment = cache(self._garment)
        self.portrait = cache(self._portrait)

    def _body(self, number: int, clothed: bool) -> list[Shape]:
        """A person's parts in a pose, with or without their clothes, feet on y = 0."""
        assert self.assets is not None
        rng = np.random.default_rng(_SEED + number)
        person = draw_person(self.assets, rng, hair="cards" if rng.random() < 0.7 else "none", face={})
        pose = draw_pose(rng)
        transforms = bone_transforms(person.skeleton, pose)
        parts = []
        for part in person.parts:
            mode, texture = part.surface.mode, part.surface.texture
            if texture.startswith(("eyebrows", "eyelashes")) or (mode == CLOTH and not clothed):
                continue
            triangles = part.triangles
            if mode == SKIN and not clothed:
                mesh = self.assets.base
                triangles = mesh.triangles[mesh.groups == mesh.group_names.index("body")]
            shape = Part(part.rest, part.weights, part.corner, part.uv, triangles, part.tint, part.surface)
            parts.append(_split(shape.posed(transforms)))
        low = min(float(each[0][each[3]][..., 1].min()) for each in parts)
        down = np.array([0, low, 0], np.float32)
        return [(points - down, normals, uv, triangles) for points, normals, uv, triangles in parts]

    def _garment(self, number: int) -> Shape:
        """The largest upper garment of somebody whose arms hang, cut off below the hips, its top at y = 0."""
        assert self.assets is not None
        rng = np.random.default_rng(_SEED + 500_000 + number)
        person = draw_person(self.assets, rng, hair="none", face={})
        spread = rng.uniform(0.05, 0.2)
        points = {
            f"{limb}_{side}": (sign * spread, -1.0, 0.05)
            for side, sign in (("l", 1), ("r", -1))
            for limb in ("upperarm", "lowerarm")
        }
        transforms = bone_transforms(person.skeleton, Pose({}, points))
        clothes = [part for part in person.parts if part.surface.mode == CLOTH]
        neck = person.skeleton.heads[person.skeleton.index("neck_01"), 1]
        hip = person.skeleton.heads[person.skeleton.index("thigh_l"), 1]

        def covers(part: Part) -> float:
            used = part.rest[part.corner[part.triangles]].mean(axis=1)
            return float(((used[:, 1] > hip) & (used[:, 1] < neck)).sum())

        part = max(clothes, key=covers)
        drawn = part.posed(transforms)
        rest = part.rest[part.corner[part.triangles]].mean(axis=1)
        side = np.abs(rest[:, 0]) > np.abs(person.skeleton.heads[person.skeleton.index("upperarm_l"), 0])
        keep = (rest[:, 1] > hip - rng.uniform(0.5, 3.5)) | (side & (rest[:, 1] > hip))
        positions, normals, uv, triangles = _split(drawn)
        triangles = triangles[keep]
        top = float(positions[triangles][..., 1].max()) if len(triangles) else 0.0
        return positions - np.array([0, top, 0], np.float32), normals, uv, triangles

    def _portrait(self, number: int) -> NDArray[np.uint8]:
        """A rendered person before a plain ground [256, 192, 3] uint8 sRGB."""
        assert self.assets is not None and self._renderer is not None
        rng = np.random.default_rng(_SEED + 900_000 + number)
        person, pose = draw_person(self.assets, rng), draw_pose(rng)
        light = light_of(
            np.full((32, 64, 3), 1.0, np.float32) * np.linspace(1.6, 0.4, 32, dtype=np.float32)[:, None, None], 0.0
        )
        drawn = expose(
            self._renderer.render(pose_scene(person, pose, light, draw_camera(rng, person, pose, rng.uniform(0, 0.9)))),
            0.5,
        )
        ground = np.linspace(1.2, 0.8, drawn.shape[0])[:, None, None] * rng.uniform(0.03, 0.7, 3)
        return encode_srgb(drawn[..., :3] + ground.astype(np.float32) * (1 - drawn[..., 3:]))


def _split(drawing: Drawing) -> Shape:
    table = drawing.vertices
    return table[:, :3] * np.float32(0.1), table[:, 3:6], table[:, 12:14] * np.float32(0.1), drawing.triangles


def picture_of_person(figures: Figures, rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
    """A portrait made square: it is shown stretched to the frame's shape again."""
    return shrink(figures.portrait(int(rng.integers(_PORTRAITS))), side)


def _hard_material(kit: Kit) -> int:
    """Stone, plaster, bronze, wood, or a mannequin's plastic."""
    kind = kit.pick("stone", "plaster", "bronze", "wood", "plastic", "plastic")
    if kind == "stone":
        return kit.stone()
    if kind == "wood":
        return kit.wood()
    if kind == "plaster":
        tone = kit.between(0.45, 0.8)
        return kit.add(Material((tone, tone * 0.97, tone * 0.9), (tone * 0.7,) * 3, "paint", 2.0, 0.05, 10.0))
    if kind == "bronze":
        dark = np.array([0.25, 0.15, 0.07]) * kit.between(0.3, 1.5)
        green = (0.12, 0.25, 0.2) if kit.chance(0.4) else tuple(dark * 0.4)
        return kit.add(Material(tuple(dark), green, "worn", 3.0, 0.7, 30.0, metal=kit.between(0.3, 0.9)))
    return kit.add(plastic(kit))


def plastic(kit: Kit) -> Material:
    """Of a mannequin: white or any colour that skin does not have, or bare arms would be nobody's."""
    white = kit.between(0.5, 0.85) * np.array([1.0, kit.between(0.97, 1.0), kit.between(0.92, 1.0)])
    tone = np.asarray(kit.colour(0.8)) if kit.chance(0.5) else white
    if tone[0] > 1.2 * tone[2]:
        tone = tone[::-1]
    return Material(tuple(tone), tuple(tone * 0.9), "plain", 1.0, kit.between(0.2, 1.0), kit.between(20, 120))


def plinth(kit: Kit, high: float, wide: float) -> Piece:
    """A pedestal, square or round."""
    stone = kit.stone() if kit.chance(0.7) else kit.painted()
    if kit.chance(0.4):
        r = wide / 2
        return lathe(
            [
                (0, 0),
                (r * 1.15, 0),
                (r * 1.15, 0.05),
                (r, 0.09),
                (r * 0.9, high - 0.1),
                (r * 1.1, high - 0.05),
                (r * 1.1, high),
                (0, high),
            ],
            stone,
            28,
        )
    return join(
        [
            box((0, high / 2, 0), (wide, high, wide), stone, 0.01),
            box((0, 0.05, 0), (wide + 0.08, 0.1, wide + 0.08), stone, 0.01),
            box((0, high - 0.03, 0), (wide + 0.06, 0.06, wide + 0.06), stone, 0.01),
        ]
    )


def statue(kit: Kit, figures: Figures) -> Piece:
    """A statue or mannequin: naked or in clothes of the same stuff, whole or without head or arms, at times high up."""
    material = _hard_material(kit)
    parts = []
    for points, normals, uv, triangles in figures.body(int(kit.rng.integers(_BODIES)), kit.chance(0.55)):
        parts.append(piece(points, normals, uv, triangles, material))
    figure = join(parts)
    top = float(figure.vertices[:, 1].max())
    if kit.chance(0.2):  # headless, as in shops
        figure = cut(figure, top * 0.865)
    base = kit.between(0.02, 0.08) if kit.chance(0.6) else kit.between(0.3, 1.2)
    foot = cylinder(0.3, base, material) if base < 0.1 else plinth(kit, base, 0.62)
    return join([foot, figure.placed((0, base, 0), 0, kit.between(0.85, 1.1))])


def bust(kit: Kit, figures: Figures) -> Piece:
    """Head and shoulders on a pedestal of a person's height."""
    material = _hard_material(kit)
    parts = [
        piece(p, n, uv, t, material) for p, n, uv, t in figures.body(int(kit.rng.integers(_BODIES)), kit.chance(0.4))
    ]
    figure = join(parts)
    top = float(figure.vertices[:, 1].max())
    low = top - kit.between(0.42, 0.7)
    figure = cut(cut(figure, low, above=True), 0.28, across=True).placed((0, -low, 0))
    middle = figure.vertices[figure.triangles[:, 0], :3].mean(axis=0) if len(figure.triangles) else np.zeros(3)
    high = kit.between(0.7, 1.25)
    figure = figure.placed((-middle[0], high + 0.1, -middle[2]), 0)
    neck = lathe([(0.11, 0), (0.1, 0.02), (0.05, 0.06), (0.09, 0.13), (0.0, 0.16)], material).placed((0, high, 0))
    return join([plinth(kit, high, kit.between(0.28, 0.45)), neck, figure])


def cut(shape: Piece, edge: float, above: bool = False, across: bool = False) -> Piece:
    """Only what is below a height (or above it, or within it of x's middle), its edge drawn straight."""
    vertices, axis = shape.vertices.copy(), 0 if across else 1
    place = vertices[:, axis]
    middle = np.median(place[shape.triangles].mean(axis=1)) if across else 0.0
    least, most = (middle - edge, middle + edge) if across else (edge, np.inf) if above else (-np.inf, edge)
    inside = (place > least) & (place < most)
    vertices[:, axis] = np.clip(place, least, most)
    return Piece(vertices, shape.triangles[inside[shape.triangles].any(axis=1)])


def coat(kit: Kit, figures: Figures) -> Piece:
    """A garment that hangs from y = 0: a real one's shape, or folds between shoulders."""
    cloth = kit.leather() if kit.chance(0.15) else kit.cloth(0.6)
    if figures.assets is not None and kit.chance(0.6):
        points, normals, uv, triangles = figures.garment(int(kit.rng.integers(_BODIES)))
        if len(triangles):
            shape = piece(points, normals, uv * 4, triangles, cloth).stretched(
                (kit.between(0.85, 1.05), 1, kit.between(0.45, 0.9))
            )
            low, high = (
                shape.vertices[shape.triangles[:, 0], :3].min(axis=0),
                shape.vertices[shape.triangles[:, 0], :3].max(axis=0),
            )
            return shape.placed((0, 0, -float(low[2] + high[2]) / 2))
    long, wide = kit.between(0.7, 1.25), kit.between(0.36, 0.5)
    a, y = np.linspace(0, 2 * np.pi, 49), np.linspace(0, 1, 16)[:, None]
    shoulder = np.clip(y / 0.12, 0, 1) ** 0.6
    half = wide / 2 * (0.25 + 0.75 * shoulder) * (1 + 0.2 * y)
    deep = (0.05 + 0.07 * shoulder) * (1 + 0.3 * y)
    fold = 1 + 0.12 * y * np.sin(7 * a + kit.between(0, 6) + 2 * y) + 0.05 * y * np.sin(17 * a)
    points = np.stack([half * np.cos(a) * fold, -long * y + 0 * a, deep * np.sin(a) * fold], -1)
    parts = [surface(points, cloth)]
    for side in (-1, 1):
        arm = kit.between(0.5, 0.65)
        line = [
            (side * wide * 0.44, -0.05, 0),
            (side * (wide * 0.52 + 0.04), -arm / 2, 0.03),
            (side * (wide * 0.53 + kit.between(0, 0.08)), -arm, 0.05),
        ]
        parts.append(tube(line, [0.075, 0.07, 0.06], cloth, 12))
    parts.append(cushion((0.2, 0.1, 0.16), cloth, 0.6).placed((0, -0.02, 0)))
    return join(parts)


def coat_stand(kit: Kit, figures: Figures) -> Piece:
    """A stand with a coat or several, and perhaps a hat on top."""
    wood, high = kit.wood() if kit.chance(0.6) else kit.metal(), kit.between(1.6, 1.95)
    parts = [tube([(0, 0.02, 0), (0, high / 2, 0), (0, high, 0)], 0.02, wood), cylinder(0.2, 0.03, wood)]
    count = int(kit.rng.integers(1, 4))
    for k in range(count):
        turn = k * 2 * np.pi / count + kit.between(-0.4, 0.4)
        parts.append(tube([(0, high - 0.1, 0), (0.12 * np.sin(turn), high - 0.06, 0.12 * np.cos(turn))], 0.012, wood))
        out = 0.02 if count == 1 else 0.13
        parts.append(
            coat(kit, figures).placed((out * np.sin(turn), high - kit.between(0.08, 0.2), out * np.cos(turn)), turn)
        )
    if kit.chance(0.5):
        parts.append(hat(kit).placed((0, high - 0.04, 0)))
    return join(parts)


def hat(kit: Kit) -> Piece:
    """A brimmed hat."""
    r, felt = 0.1, kit.cloth(1.0)
    return lathe(
        [(r * 1.7, 0.01), (r * 1.75, 0), (r, 0.01), (r * 1.02, 0.02), (r * 0.92, 0.1), (r * 0.6, 0.13), (0, 0.115)],
        felt,
        28,
    )


def coat_hooks(kit: Kit, figures: Figures) -> Piece:
    """A rail on the wall with coats on hooks; the wall is z = 0."""
    wide, high, wood = kit.between(0.6, 1.6), kit.between(1.55, 1.8), kit.wood()
    parts = [box((0, high, 0.015), (wide, 0.1, 0.03), wood, 0.006)]
    for x in np.arange(-wide / 2 + 0.15, wide / 2, kit.between(0.25, 0.45)):
        parts.append(tube([(x, high - 0.02, 0.03), (x, high - 0.03, 0.07), (x, high + 0.02, 0.08)], 0.007, kit.metal()))
        if kit.chance(0.7):
            parts.append(coat(kit, figures).placed((x, high - 0.05, 0.13), kit.between(-0.5, 0.5)))
    return join(parts)


def covered(kit: Kit) -> Piece:
    """Something upright under a cloth: a ghost of a chair, a lamp or a statue."""
    high, cloth = kit.between(0.8, 1.9), kit.cloth(0.8)
    r0, r1 = kit.between(0.12, 0.3), kit.between(0.3, 0.55)
    a, y = np.linspace(0, 2 * np.pi, 81), np.linspace(0, 1, 26)[:, None]
    head = np.sqrt(np.clip(1 - (1 - np.clip(y / 0.14, 0, 1)) ** 2, 0, 1))
    shoulder = np.clip((y - kit.between(0.12, 0.3)) / 0.12, 0, 1)
    grow = head * (r0 + (r1 - r0) * (shoulder * 0.6 + 0.4 * y))
    fold = 1 + (
        0.1 * np.sin(kit.rng.integers(6, 11) * a + kit.between(0, 6)) + 0.05 * np.sin(23 * a + 3 * y)
    ) * np.clip(y * 1.6 - 0.15, 0, 1)
    oval = kit.between(0.6, 1)
    points = np.stack([grow * fold * np.cos(a), high * (1 - y) + 0 * a, grow * fold * np.sin(a) * oval], -1)
    return surface(points, cloth)


def rounded_post(kit: Kit) -> Piece:
    """An upright thing of a person's height with a rounded top: a bollard, bell, boiler, punching bag, post box."""
    high, r = kit.between(0.9, 1.9), kit.between(0.12, 0.3)
    material = (kit.painted(0.2), kit.metal(), kit.stone(), kit.wood(), kit.leather())[int(kit.rng.integers(5))]
    neck = kit.between(0.0, 0.45) if kit.chance(0.5) else 0.0
    y = np.linspace(0, 1, 30)
    top = np.sqrt(np.clip(1 - np.clip((y - 0.87) / 0.13, 0, 1) ** 2, 0, 1))
    radius = (
        r
        * top
        * (1 - neck * np.exp(-(((y - 0.8) / 0.05) ** 2)))
        * (1 - 0.25 * np.clip((y - 0.78) / 0.05, 0, 1) * (neck > 0))
    )
    profile = np.concatenate(
        [[(0, 0), (r * 1.15, 0), (r * 1.15, 0.06), (r, 0.08)], np.column_stack([radius, 0.08 + y * (high - 0.08)])]
    )
    parts = [lathe(profile, material, 28)]
    for _ in range(int(kit.rng.integers(0, 4))):
        level = kit.between(0.1, 0.75)
        parts.append(lathe([(r * 1.03, level * high), (r * 1.04, level * high + 0.03)], kit.metal(), 28))
    return join(parts)


def dress_form(kit: Kit, figures: Figures) -> Piece:
    """A tailor's torso on a stand."""
    high, wood = kit.between(0.7, 0.95), kit.wood()
    parts = [tube([(0, 0, 0), (0, high / 2, 0), (0, high + 0.1, 0)], 0.02, wood), cylinder(0.2, 0.03, wood)]
    cloth = kit.cloth(0.8)
    y = np.linspace(0, 1, 24)
    radius = np.interp(y, [0, 0.15, 0.42, 0.7, 0.85, 0.93, 1], [0.155, 0.165, 0.11, 0.15, 0.14, 0.06, 0.05])
    form = lathe(np.column_stack([radius, y * 0.68]), cloth, 28).stretched((1.08, 1, 0.72)).placed((0, high, 0))
    parts += [form, cushion((0.1, 0.06, 0.08), wood, 0.9, 8).placed((0, high + 0.7, 0))]
    if kit.chance(0.4):
        parts.append(coat(kit, figures).placed((0, high + 0.68, 0)))
    return join(parts)


def draw_figure(kit: Kit, figures: Figures) -> Piece:
    """One of them at random, standing on the origin, facing +z."""
    kinds = ["stand", "covered", "post", "form"]
    if figures.assets is not None:
        kinds += ["statue", "statue", "statue", "bust", "bust", "stand"]
    kind = kit.pick(*kinds)
    if kind == "statue":
        return statue(kit, figures)
    if kind == "bust":
        return bust(kit, figures)
    if kind == "stand":
        return coat_stand(kit, figures)
    if kind == "form":
        return dress_form(kit, figures)
    return covered(kit) if kind == "covered" else rounded_post(kit)
