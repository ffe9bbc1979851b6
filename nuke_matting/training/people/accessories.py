"""What people wear beside clothes: glasses, caps."""

from __future__ import annotations

import numpy as np

from nuke_matting.training.people import parts as shapes
from nuke_matting.training.people.assets import BODY_VERTICES, Assets
from nuke_matting.training.people.clothes import draw_colour
from nuke_matting.training.people.parts import Part, rigid_part
from nuke_matting.training.people.render import CLOTH, PLAIN, Surface, vertex_normals


def draw_beanie(assets: Assets, rng: np.random.Generator, vertices, weights) -> Part:
    """A knitted cap: the crown of the head, pushed outward."""
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
    surface = Surface(CLOTH, pattern=pattern, second=second, scale=float(rng.uniform(1, 4)), wrinkle=0.4)
    return Part(rest.astype(np.float32), weights, mesh.corner, mesh.uv, mesh.triangles[part], tint, surface)


def draw_glasses(assets: Assets, rng: np.random.Generator, vertices, bones) -> list[Part]:
    """Frames about the eyes; some with dark lenses."""
    head = bones.index("head")
    eyes = [vertices[assets.groups[g]] for g in ("helper-l-eye", "helper-r-eye")]
    centres = [(e.max(0) + e.min(0)) / 2 for e in eyes]
    size = float(np.mean([np.ptp(e[:, 0]) for e in eyes]))
    wide, tall, front = (
        size * rng.uniform(0.85, 1.05),
        size * rng.uniform(0.6, 1.0),
        float(max(e[:, 2].max() for e in eyes)) + 0.13,
    )
    power, thick = rng.uniform(2, 5), float(rng.uniform(0.012, 0.035))
    colour = draw_colour(rng) if rng.random() < 0.5 else (0.01, 0.01, 0.01)
    surface = Surface(PLAIN, gloss=0.5, shine=60.0)
    parts = []
    dark = rng.random() < 0.3
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    for centre, sign in zip(centres, (1, -1), strict=True):
        c, s = np.cos(angle), np.sin(angle)
        ring = np.stack(
            [np.sign(c) * np.abs(c) ** (2 / power) * wide, np.sign(s) * np.abs(s) ** (2 / power) * tall, np.zeros(28)],
            1,
        )
        middle = np.array([centre[0] + sign * 0.02, centre[1] - 0.02, front])
        points, triangles = shapes.tube(ring + middle, thick, True, 6)
        parts.append(rigid_part(points, triangles, head, len(bones), colour, surface))
        arm = np.array(
            [
                [middle[0] + sign * wide, middle[1] + 0.05, front],
                [sign * 0.78, middle[1] + 0.08, front - 0.35],
                [sign * 0.82, middle[1] + 0.06, 0.25],
            ]
        )
        parts.append(rigid_part(*shapes.tube(arm, thick * 0.8, False, 6), head, len(bones), colour, surface))
        if dark:
            fan = np.concatenate([[middle], ring + middle])
            disc = np.array([[0, 1 + k, 1 + (k + 1) % 28] for k in range(28)])
            parts.append(
                rigid_part(fan, disc, head, len(bones), (0.01, 0.01, 0.012), Surface(PLAIN, gloss=0.9, shine=80.0))
            )
    bridge = np.array(
        [
            [centres[0][0] - wide + 0.02, centres[0][1] + 0.03, front],
            [0, centres[0][1] + 0.07, front + 0.03],
            [centres[1][0] + wide - 0.02, centres[1][1] + 0.03, front],
        ]
    )
    parts.append(rigid_part(*shapes.tube(bridge, thick, False, 6), head, len(bones), colour, surface))
    return parts
