"""A person from a seed: who, in what clothes and hair, in what pose, under what light, before what camera."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.people import parts as shapes
from nuke_matting.training.people.assets import BODY_VERTICES, Assets
from nuke_matting.training.people.body import Body, draw_body, shape_body
from nuke_matting.training.people.clothes import draw_colour, draw_outfit
from nuke_matting.training.people.light import Light
from nuke_matting.training.people.parts import Part, fitted_part, rigid_part
from nuke_matting.training.people.pose import Pose, Skeleton, bone_transforms, skeleton_of, skin_weights
from nuke_matting.training.people.render import CARD, CLOTH, EYE, PLAIN, SKIN, Camera, Scene, Strands, Surface, vertex_normals
from nuke_matting.training.people.strands import Style, draw_hair_colour, draw_style, grow, scatter

_CARDS = ("bob02", "long01", "ponytail01", "short01", "short02", "short03", "short04")
_SKINS = {  # texture: female, young, dark
    "creamy_female_diffuse.jpg": (1, 1, 0.35), "darthfurby_caucasian_female.jpg": (1, 1, 0.0),
    "middleage_eurasian_female_diffuse.jpg": (1, 0.5, 0.1), "old_eurasian_female_diffuse.jpg": (1, 0, 0.1),
    "old_eurasian_male_diffuse.jpg": (0, 0, 0.1), "skin_male_african_middleage.jpg": (0, 0.5, 1.0),
    "young_eurasian_female_diffuse.jpg": (1, 1, 0.1), "young_lightskinned_female_diffuse_Bronze.jpg": (1, 1, 0.3),
}  # fmt: skip


@dataclass(frozen=True)
class Coat:
    """Strands that wait for a pose: roots and normals [N, 3] in the rest pose, their style and their own seed."""

    roots: NDArray[np.float32]
    normals: NDArray[np.float32]
    style: Style
    seed: int


@dataclass(frozen=True)
class Person:
    """Somebody in the rest pose. headspace : centre and radii [6] of the skull in the rest pose."""

    body: Body
    skeleton: Skeleton
    parts: tuple[Part, ...]
    coats: tuple[Coat, ...]
    headspace: NDArray[np.float32]
    height: float


@cache
def _weights(assets: Assets, names: tuple[str, ...]) -> NDArray[np.float32]:
    return skin_weights(assets, names)


@cache
def _scalp(assets: Assets) -> NDArray[np.float32]:
    """[V] how much hair grows on each base vertex, read from the shaved scalp of a skin texture."""
    picture = assets.texture("skins/creamy_female_diffuse.jpg")[..., :3].astype(np.float32).mean(axis=2)
    picture = cv2.GaussianBlur(picture, (0, 0), 6)
    base = assets.base
    side = picture.shape[0]
    pixel = np.clip((base.uv * side).astype(int), 0, side - 1)
    dark = np.zeros(len(base.positions), np.float32)
    inside = (base.uv[:, 0] > 0.63) & (base.uv[:, 1] > 0.14)
    dark[base.corner[inside]] = np.clip((118 - picture[pixel[inside, 1], pixel[inside, 0]]) / 14, 0, 1)
    p = base.positions
    dark[(p[:, 1] < 6.75) | (np.arange(len(p)) >= BODY_VERTICES) | ((p[:, 1] < 7.75) & (p[:, 2] > 0.75))] = 0
    return dark


@cache
def _chin(assets: Assets) -> NDArray[np.float32]:
    """[V] how much beard grows on each base vertex."""
    p = assets.base.positions
    mouth = p[assets.groups["joint-mouth"]].mean(axis=0)
    grown = np.zeros(len(p), np.float32)
    low = (p[:, 1] < mouth[1] + 0.21 - 0.25 * np.abs(p[:, 0])) & (p[:, 1] > mouth[1] - 0.75) & (p[:, 2] > 0.35)
    cheeks = (p[:, 1] < mouth[1] + 0.1 + 1.2 * (np.abs(p[:, 0]) - 0.5)) & (p[:, 1] > mouth[1] - 0.75) & (np.abs(p[:, 0]) > 0.5) & (p[:, 2] > 0.1)
    lips = ((p[:, 0] / 0.34) ** 2 + ((p[:, 1] - mouth[1]) / 0.14) ** 2) < 1
    head = np.zeros(len(p), bool)
    head[np.asarray(assets.weights["head"])[:, 0].astype(int)] = True
    grown[(low | cheeks) & ~lips & head & (np.arange(len(p)) < BODY_VERTICES)] = 1
    return np.where(_scalp(assets) > 0.5, 0, grown).astype(np.float32)


def draw_person(assets: Assets, rng: np.random.Generator, hair: str = "") -> Person:
    """Somebody at random. hair : ``strands``, ``cards`` or ``none``; "" draws that too."""
    body = draw_body(rng, assets.target_names)
    vertices = shape_body(assets, body)
    skeleton = skeleton_of(assets, vertices)
    weights = _weights(assets, skeleton.names)
    female = body.gender < 0.5
    hidden = np.zeros(len(vertices), bool)
    clothes, covered = draw_outfit(assets, rng, vertices, weights, female)
    hidden[covered] = True
    dark = float(np.clip(body.race[0] * 1.1 + 0.25 * body.race[1], 0, 1))
    hair_colour = draw_hair_colour(rng, body.age, max(body.race[0], body.race[1]))
    kind = hair or str(rng.choice(["strands", "cards", "none"], p=[0.6, 0.37, 0.03] if female else [0.6, 0.28, 0.12]))
    hat = "fedora" if rng.random() < 0.06 else "beanie" if rng.random() < 0.06 else ""
    beard_length = 0.0
    if not female and body.age > 0.42 and rng.random() < 0.38:
        beard_length = float(rng.choice([0.05, 0.12, 0.3, 0.6], p=[0.3, 0.35, 0.25, 0.1]))
    pieces = [*clothes, _skin(assets, rng, body, vertices, weights, hidden, hair_colour, kind, dark, beard_length > 0)]
    pieces += _eyes(assets, rng, vertices, weights, dark)
    pieces += _face_cards(assets, rng, vertices, weights, hair_colour)
    coats = []
    rows = _scalp(assets) > 0.5
    skull = vertices[rows]
    centre = (skull.max(0) + skull.min(0)) / 2
    headspace = np.concatenate([centre, (skull.max(0) - skull.min(0)) / 2 * 1.0]).astype(np.float32)
    if kind == "strands":
        style = draw_style(rng, female, hair_colour, 0.05 + 0.75 * body.race[0])
        if hat:
            style = draw_style(rng, True, hair_colour, 0.0) if female else Style(0.3, 0.3, 0.2, (0, 0, -0.3), 0.3, 0, 0, 0.2, 0.1, hair_colour, 7)
        grown = _scalp(assets) * ((assets.base.positions[:, 1] < 7.6) if hat else 1.0)
        coats.append(_coat(assets, rng, vertices, grown, style, int(np.clip(17000 * style.length**-0.3, 11000, 20000))))
    elif kind == "cards" and not hat:
        pieces.append(_hair_cards(assets, rng, vertices, weights, hair_colour, female))
    if beard_length:
        beard = Style(beard_length, 0.3, 0.5, (0, -0.7, 0.2), 0.35, 0.0, 0.0, 0.3, 0.2, hair_colour, 6, 0.0045)
        coats.append(_coat(assets, rng, vertices, _chin(assets), beard, 9000))
    bones = skeleton.names
    if hat == "fedora":
        mesh, fitting = assets.mesh("clothes/fedora01/fedora.obj"), assets.fitting("clothes/fedora01/fedora.mhclo")
        colour = draw_colour(rng)
        pieces.append(fitted_part(mesh, fitting, vertices, weights, np.array([*colour, 1.0]), Surface(CLOTH, wrinkle=0.05)))
    elif hat:
        pieces.append(_beanie(assets, rng, vertices, weights))
    if rng.random() < 0.2:
        pieces += _glasses(assets, rng, vertices, bones)
    if rng.random() < 0.14:
        pieces.append(_prop(rng, skeleton))
    height = float(vertices[:BODY_VERTICES, 1].max() - vertices[:BODY_VERTICES, 1].min())
    return Person(body, skeleton, tuple(pieces), tuple(coats), headspace, height)


def _skin(assets, rng, body: Body, vertices, weights, hidden, hair_colour, kind: str, dark: float, beard: bool) -> Part:
    """The body's visible skin, its texture chosen by who it is, its tone drawn."""
    young = 1 - np.clip((body.age - 0.5) * 2, 0, 1)
    names = list(_SKINS)
    fit = np.array([abs(f - (1 - body.gender)) * 0.5 + abs(y - young) + 1.3 * abs(d - dark) for f, y, d in _SKINS.values()])
    chance = np.exp(-3.0 * fit)
    name = names[int(rng.choice(len(names), p=chance / chance.sum()))]
    already = _SKINS[name][2]
    depth = max(0.0, dark + rng.normal(0, 0.12) - already)
    tone = np.array([1.0, 1.0, 1.0]) * (1 - depth) + np.array([0.30, 0.20, 0.14]) * depth
    tone = tone * np.exp(rng.normal(0, 0.12)) * (1 + rng.normal(0, 0.04, 3))
    mesh = assets.base
    keep = (mesh.groups == mesh.group_names.index("body")) & ~hidden[mesh.corner[mesh.triangles]].all(axis=1)
    tint = np.empty((len(mesh.corner), 4), np.float32)
    tint[:, :3] = np.clip(tone, 0.02, 1.3)
    cover = {"strands": 0.85, "cards": 0.8, "none": 0.6 * rng.random()}[kind]
    tint[:, 3] = np.maximum(_scalp(assets) * cover, _chin(assets) * (0.45 if beard else 0.0))[mesh.corner]
    surface = Surface(SKIN, f"skins/{name}", gloss=float(rng.uniform(0.1, 0.4)), shine=float(rng.uniform(12, 40)), hair_colour=hair_colour)
    triangles = mesh.triangles[keep]
    return Part(vertices, weights, mesh.corner, mesh.uv, triangles, tint, surface)


def _eyes(assets, rng, vertices, weights, dark: float) -> list[Part]:
    """Two eyeballs whose tint holds the direction from their centre, turned by the gaze."""
    mesh = assets.base
    turn = (rng.normal(0, 0.12), rng.normal(0.0, 0.06))
    colours = ((0.05, 0.022, 0.010), (0.10, 0.05, 0.02), (0.10, 0.16, 0.25), (0.10, 0.14, 0.06), (0.2, 0.22, 0.23))
    chance = np.array([2 + 20 * dark, 2, 1.2, 0.8, 0.5])
    colour = colours[int(rng.choice(5, p=chance / chance.sum()))]
    cy, sy, cx, sx = np.cos(turn[0]), np.sin(turn[0]), np.cos(turn[1]), np.sin(turn[1])
    look_at = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    parts = []
    for group in ("helper-l-eye", "helper-r-eye"):
        rows = assets.groups[group]
        centre = (vertices[rows].max(0) + vertices[rows].min(0)) / 2
        part = mesh.groups == mesh.group_names.index(group)
        tint = np.zeros((len(mesh.corner), 4), np.float32)
        tint[:, :3] = (vertices - centre)[mesh.corner] @ look_at
        surface = Surface(EYE, gloss=0.25, shine=60.0, iris_size=0.47, iris_colour=colour)
        parts.append(Part(vertices, weights, mesh.corner, mesh.uv, mesh.triangles[part], tint, surface))
    for group in ("helper-upper-teeth", "helper-lower-teeth"):
        part = mesh.groups == mesh.group_names.index(group)
        tint = np.tile(np.array([0.6, 0.55, 0.45, 0], np.float32), (len(mesh.corner), 1))
        parts.append(Part(vertices, weights, mesh.corner, mesh.uv, mesh.triangles[part], tint, Surface(PLAIN, gloss=0.2)))
    return parts


def _face_cards(assets, rng, vertices, weights, hair_colour) -> list[Part]:
    """Brows and lashes."""
    parts = []
    brow, lash = f"eyebrow{rng.integers(1, 13):03d}", f"eyelashes{rng.integers(1, 5):02d}"
    colour = np.asarray(hair_colour) * 0.6
    for kind, name, tint in (("eyebrows", brow, colour), ("eyelashes", lash, np.full(3, 0.01))):
        mesh, fitting = assets.mesh(f"{kind}/{name}/{name}.obj"), assets.fitting(f"{kind}/{name}/{name}.mhclo")
        parts.append(fitted_part(mesh, fitting, vertices, weights, np.array([*tint, 1.0]), Surface(CARD, f"{kind}/{name}/{name}.png")))
    return parts


def _hair_cards(assets, rng, vertices, weights, hair_colour, female: bool) -> Part:
    names = [n for n in _CARDS if female or n.startswith("short") or rng.random() < 0.15]
    name = str(rng.choice(names))
    mesh, fitting = assets.mesh(f"hair/{name}/{name}.obj"), assets.fitting(f"hair/{name}/{name}.mhclo")
    own = 0.0 if rng.random() < 0.25 else 1.0
    tint = (*(hair_colour if own else rng.uniform(0.7, 1.3, 3)), own)
    surface = Surface(CARD, f"hair/{name}/{name}_diffuse.webp", gloss=float(rng.uniform(0.02, 0.1)), shine=25.0)
    return fitted_part(mesh, fitting, vertices, weights, np.array(tint), surface)


def _coat(assets, rng, vertices, grown, style: Style, count: int) -> Coat:
    """Roots of strands on the base mesh where `grown` [V] says."""
    mesh = assets.base
    body = mesh.groups == mesh.group_names.index("body")
    triangles = mesh.corner[mesh.triangles[body]]
    share = grown[triangles].mean(axis=1)
    triangles, share = triangles[share > 0.05], share[share > 0.05]
    pick, weight = scatter(vertices, triangles, count, rng, share)
    normals = vertex_normals(vertices, mesh.corner, mesh.triangles)
    held = triangles[pick]
    roots = np.einsum("nk,nkc->nc", weight, vertices[held])
    facing = np.einsum("nk,nkc->nc", weight, normals[held])
    facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-9)
    return Coat(roots.astype(np.float32), facing.astype(np.float32), style, int(rng.integers(2**31)))


def _beanie(assets, rng, vertices, weights) -> Part:
    mesh = assets.base
    normals = vertex_normals(vertices, mesh.corner, mesh.triangles)
    low = 7.55 + rng.uniform(-0.1, 0.25)
    p = assets.base.positions
    on = (p[:, 1] > low - 0.25 * (p[:, 2] < 0.3)) & (np.arange(len(p)) < BODY_VERTICES)
    part = (mesh.groups == mesh.group_names.index("body")) & on[mesh.corner[mesh.triangles]].all(axis=1)
    rest = vertices + normals * float(rng.uniform(0.10, 0.2))
    crown = np.clip((p[:, 1] - 7.9) / 0.6, 0, 1)[:, None] * float(rng.uniform(0, 0.35))
    rest = rest + crown * np.array([0, 1, -0.4])
    tint = np.tile(np.array([*draw_colour(rng), 1.0], np.float32), (len(mesh.corner), 1))
    pattern = int(rng.choice([0, 0, 1, 3, 7]))
    second = draw_colour(rng)
    surface = Surface(CLOTH, pattern=pattern, second=tuple(float(v) for v in second), scale=float(rng.uniform(1, 4)), wrinkle=0.4)
    return Part(rest.astype(np.float32), weights, mesh.corner, mesh.uv, mesh.triangles[part], tint, surface)


def _glasses(assets, rng, vertices, bones) -> list[Part]:
    """Frames about the eyes; some with dark lenses."""
    head = bones.index("head")
    eyes = [vertices[assets.groups[g]] for g in ("helper-l-eye", "helper-r-eye")]
    centres = [(e.max(0) + e.min(0)) / 2 for e in eyes]
    size = float(np.mean([np.ptp(e[:, 0]) for e in eyes]))
    wide, tall, front = size * rng.uniform(0.85, 1.05), size * rng.uniform(0.6, 1.0), float(max(e[:, 2].max() for e in eyes)) + 0.13
    power, thick = rng.uniform(2, 5), float(rng.uniform(0.012, 0.035))
    colour = tuple(float(v) for v in (draw_colour(rng) if rng.random() < 0.5 else np.full(3, 0.01)))
    surface = Surface(PLAIN, gloss=0.5, shine=60.0)
    parts = []
    dark = rng.random() < 0.3
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    for centre, sign in zip(centres, (1, -1), strict=True):
        c, s = np.cos(angle), np.sin(angle)
        ring = np.stack([np.sign(c) * np.abs(c) ** (2 / power) * wide, np.sign(s) * np.abs(s) ** (2 / power) * tall, np.zeros(28)], 1)
        middle = np.array([centre[0] + sign * 0.02, centre[1] - 0.02, front])
        points, triangles = shapes.tube(ring + middle, thick, True, 6)
        parts.append(rigid_part(points, triangles, head, len(bones), colour, surface))
        arm = np.array([[middle[0] + sign * wide, middle[1] + 0.05, front], [sign * 0.78, middle[1] + 0.08, front - 0.35],
                        [sign * 0.82, middle[1] + 0.06, 0.25]])  # fmt: skip
        parts.append(rigid_part(*shapes.tube(arm, thick * 0.8, False, 6), head, len(bones), colour, surface))
        if dark:
            fan = np.concatenate([[middle], ring + middle])
            disc = np.array([[0, 1 + k, 1 + (k + 1) % 28] for k in range(28)])
            parts.append(rigid_part(fan, disc, head, len(bones), (0.01, 0.01, 0.012), Surface(PLAIN, gloss=0.9, shine=80.0)))
    bridge = np.array([[centres[0][0] - wide + 0.02, centres[0][1] + 0.03, front], [0, centres[0][1] + 0.07, front + 0.03],
                       [centres[1][0] + wide - 0.02, centres[1][1] + 0.03, front]])  # fmt: skip
    parts.append(rigid_part(*shapes.tube(bridge, thick, False, 6), head, len(bones), colour, surface))
    return parts


def _prop(rng, skeleton: Skeleton) -> Part:
    """Something held in a hand: a phone, a mug, a book, a bottle, a ball, a bag."""
    side = str(rng.choice(["_l", "_r"]))
    hand = skeleton.heads[skeleton.index("hand" + side)]
    knuckle = skeleton.heads[skeleton.index("middle_01" + side)]
    tip = skeleton.tails[skeleton.index("middle_03" + side)]
    palm = np.cross(skeleton.heads[skeleton.index("index_01" + side)] - hand, skeleton.heads[skeleton.index("pinky_01" + side)] - hand)
    palm *= (1.0 if side == "_l" else -1.0) / max(float(np.linalg.norm(palm)), 1e-6)
    along = (tip - hand) / np.linalg.norm(tip - hand)
    across = np.cross(along, palm)
    kind = str(rng.choice(["phone", "mug", "book", "bottle", "ball", "bag"]))
    points, triangles = {
        "phone": lambda: shapes.box((0.75, 0.1, 1.5)), "mug": lambda: shapes.cylinder(0.42, 0.95),
        "book": lambda: shapes.box((1.4, 0.3, 2.1)), "bottle": lambda: shapes.cylinder(0.33, 2.2),
        "ball": lambda: shapes.ball(float(rng.uniform(0.4, 1.2))), "bag": lambda: shapes.box((2.2, 1.8, 0.7)),
    }[kind]()  # fmt: skip
    out = 0.15 + float(np.ptp(points[:, 1])) * (0.5 if kind in ("phone", "book", "ball") else 0.0) + (0.3 if kind in ("mug", "bottle") else 0)
    frame = np.stack([across, palm, along]) if kind in ("phone", "book", "ball") else np.stack([along, across, palm])
    place = knuckle + palm * out
    colour = tuple(float(v) for v in draw_colour(rng))
    second = draw_colour(rng)
    surface = Surface(CLOTH, gloss=float(rng.uniform(0, 0.6)), shine=40.0, pattern=int(rng.integers(0, 9)),
                      second=(float(second[0]), float(second[1]), float(second[2])), scale=float(rng.uniform(1, 5)))  # fmt: skip
    return rigid_part(points @ frame + place, triangles, skeleton.index("hand" + side), len(skeleton.names), colour, surface)


def pose_scene(person: Person, pose: Pose, light: Light, camera: Camera, exposure: float = 1.0, pull=(0.0, 0.0, 0.0), rows: int = 320) -> Scene:
    """The person in a pose. pull : [3] world direction and strength that hair is dragged in, beside gravity.

    rows : height of the picture in pixels; hairs far thinner than a pixel are drawn as fewer, wider ones.
    """
    transforms = bone_transforms(person.skeleton, pose)
    drawings = tuple(part.posed(transforms) for part in person.parts)
    head = transforms[person.skeleton.index("head")]
    turn = head[:, :3].astype(np.float64)
    distance = float(np.linalg.norm(camera.target - camera.eye))
    least = 0.2 * 2 * distance * np.tan(camera.field / 2) / rows  # radius of the thinnest ribbon, dm
    away = [_in_head(person, transforms, turn, head[:, 3])]
    strands = []
    for coat in person.coats:
        rng = np.random.default_rng(coat.seed)
        down = turn.T @ (np.array([0.0, -1.0, 0.0]) + pull)
        points = grow(coat.roots, coat.normals, coat.style, rng, down, np.concatenate(away))
        points = points @ turn.T.astype(np.float32) + head[:, 3]
        outward = points[:, -1] - (turn @ person.headspace[:3] + head[:, 3])
        outward = outward / np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-6) + coat.normals @ turn.T
        share = min(1.0, coat.style.radius / least)
        some = slice(0, max(1, int(len(points) * share)))  # roots are in random order
        points, outward = points[some], outward[some]
        colour = np.asarray(coat.style.colour) * np.exp(rng.normal(0, 0.22, (len(points), 1)))
        radius = max(coat.style.radius, least) * rng.uniform(0.6, 1.3, len(points))
        strands.append(Strands(points.astype(np.float32), outward.astype(np.float32), radius.astype(np.float32), colour.astype(np.float32)))
    radius = float(np.clip(distance * np.tan(camera.field / 2) * 1.5, 2.5, 11.0))
    return Scene(drawings, tuple(strands), light, camera, np.asarray(camera.target, np.float64), radius, exposure)


def _in_head(person: Person, transforms: NDArray, turn: NDArray, moved: NDArray) -> NDArray[np.float64]:
    """Ellipsoids [E, 6] of skull, neck, shoulders and chest, in the head's rest axes."""
    skeleton = person.skeleton
    wide = person.height / 16.5

    def at(bone: str, share: float) -> NDArray:
        row = skeleton.index(bone)
        rest = skeleton.heads[row] * (1 - share) + skeleton.tails[row] * share
        return turn.T @ (transforms[row][:, :3] @ rest + transforms[row][:, 3] - moved)

    rows = [np.concatenate([person.headspace[:3], person.headspace[3:] * 1.02])]
    face = person.headspace[:3] + np.array([0, -0.55, 0.25]) * wide
    rows.append(np.concatenate([face, np.array([0.68, 0.8, 0.72]) * wide]))
    for share in (0.0, 0.5, 0.9):
        rows.append(np.concatenate([at("neck_01", share), np.full(3, 0.66 * wide)]))
    neck, left, right = at("neck_01", 0.0), at("upperarm_l", 0.0), at("upperarm_r", 0.0)
    for share in (0.25, 0.5, 0.75, 1.0):
        for end in (left, right):
            rows.append(np.concatenate([neck * (1 - share) + end * share + turn.T @ (0, -0.25, 0), np.full(3, 0.85 * wide)]))
    chest = at("spine_03", 0.6)
    for out in (-0.7, 0.0, 0.7):
        rows.append(np.concatenate([chest + turn.T @ np.array([out * wide, 0, 0.1]), np.full(3, 1.35 * wide)]))
    return np.stack(rows)


def bone_at(person: Person, pose: Pose, bone: str, share: float = 0.0) -> NDArray[np.float64]:
    """Where a point of a bone is in a pose, world axes; share 0 its head, 1 its tail."""
    row = person.skeleton.index(bone)
    transform = bone_transforms(person.skeleton, pose)[row]
    rest = person.skeleton.heads[row] * (1 - share) + person.skeleton.tails[row] * share
    return (transform[:, :3] @ rest + transform[:, 3]).astype(np.float64)


def draw_camera(rng: np.random.Generator, person: Person, pose: Pose) -> Camera:
    """A framing at random: head and shoulders 40 %, half body 30 %, full body 20 %, anything partly out of frame 10 %."""
    crown, neck = bone_at(person, pose, "head", 1.0), bone_at(person, pose, "neck_01")
    hips, foot = bone_at(person, pose, "pelvis"), bone_at(person, pose, "foot_l", 1.0)
    tall = float(np.linalg.norm(crown - hips)) * 1.1
    kind = rng.random()
    shift = rng.normal(0, 0.08, 2)
    if kind < 0.4:
        target, span = neck * 0.75 + crown * 0.25, tall * rng.uniform(0.55, 0.85)
    elif kind < 0.7:
        target, span = neck * 0.55 + hips * 0.45 + (0, 0.5, 0), tall * rng.uniform(0.95, 1.4)
    elif kind < 0.9:
        middle = (crown + np.minimum(foot, hips)) / 2
        target, span = np.array([hips[0], middle[1], hips[2]]), abs(float(crown[1] - foot[1])) * rng.uniform(1.15, 1.7)
    else:
        target, span = neck * 0.5 + crown * 0.5, tall * rng.uniform(0.6, 1.8)
        shift = np.clip(rng.normal(0, 0.4, 2), -0.8, 0.8)
    field = float(rng.choice([0.25, 0.4, 0.6, 0.85], p=[0.25, 0.35, 0.3, 0.1]))
    distance = span / (2 * np.tan(field / 2))
    pitch, yaw = float(rng.normal(0.02, 0.12)), float(rng.normal(0, 0.15))
    eye = target + distance * np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    return Camera(eye, np.asarray(target, np.float64), field, float(rng.normal(0, 0.04)), (float(shift[0]), float(shift[1])))
