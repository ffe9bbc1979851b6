"""What of a picture a scene covers, by 8x8 samples a pixel, and a rendered picture with that for its alpha.

Nothing need be shaded, nor be nearer than another thing, to cover a sample; so edges are sampled four times as finely
as colour is, for a small part of the time. What is drawn of a mesh is the same: its front or both its sides, within the
cut of trimmed clothes, beyond the near plane.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.opencv import resized
from nuke_matting.training.people.coverage import (
    SIDE,
    no_samples,
    share_of,
    take_cards,
    take_ribbons,
    take_triangles,
    taken,
)
from nuke_matting.training.people.render import CARD, EYE, SKIN, Camera, Drawing, Renderer, Scene
from nuke_matting.training.resizing import continued

Array = NDArray[np.float64]
_NEAR = 9  # pixels across: where colour is looked for that no sample of it has hit


def pictured(
    renderer: Renderer, scene: Scene, textures: Callable[[str], NDArray[np.uint8]], cameras: Sequence[Camera] = ()
) -> NDArray[np.float32]:
    """What a renderer draws of a scene, [H, W, 4] premultiplied as `Renderer.render` has it, its alpha by 8x8 samples a
    pixel, of each camera where there are any."""
    size = renderer.width, renderer.height
    alphas = [covered(scene, *size, textures, camera) for camera in cameras or (scene.camera,)]
    return recovered(renderer.render(scene, cameras), np.mean(alphas, axis=0))


def covered(
    scene: Scene, width: int, height: int, textures: Callable[[str], NDArray[np.uint8]], camera: Camera | None = None
) -> NDArray[np.float32]:
    """Coverage [H, W], 0 to 1 in steps of 1/64, of a picture of a size in pixels.

    textures : path -> [H, W, 4] uint8, such as `Assets.texture`. camera : the scene's own where None.
    """
    camera = camera or scene.camera
    matrix = camera.matrix(width / height)
    bits = no_samples(height, width)
    cards = []
    for drawing in scene.drawings:
        corners, uv = _on_screen(drawing, matrix, width, height)
        if drawing.surface.mode == CARD:
            cards.append((corners, uv, drawing.surface.texture))
        else:
            take_triangles(bits, corners)
    whole = taken(bits)
    for strands in scene.strands:
        points, radius = (np.ascontiguousarray(each, np.float32) for each in (strands.points, strands.radius))
        take_ribbons(bits, whole, points, radius, np.asarray(camera.eye, np.float64), matrix)
    for corners, uv, texture in cards:
        take_cards(bits, corners, uv, *_opacities(textures(texture)))
    return share_of(bits)


def recovered(picture: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """A premultiplied picture [H, W, 4] with another alpha [H, W]; its straight colour stays.

    Where the picture has no colour, as all its samples missed what covers the pixel, it is that of what is near.
    """
    share = picture[..., 3]
    anew: NDArray[np.float32] = np.asarray(picture * (alpha / np.maximum(share, 1e-6))[..., None], np.float32)
    anew[..., 3] = alpha
    missed = (share <= 0) & (alpha > 0)
    near = np.asarray(cv2.blur(picture, (_NEAR, _NEAR)), np.float32)
    if (near[missed, 3] <= 1e-6).any():  # what is farther away has to do
        near[..., :3], near[..., 3] = continued(picture[..., :3] / np.maximum(share, 1e-6)[..., None], share), 1
    anew[missed, :3] = near[missed, :3] / near[missed, 3:] * alpha[missed, None]
    return anew


def _on_screen(drawing: Drawing, matrix: Array, width: int, height: int) -> tuple[Array, Array]:
    """The drawn triangles of a mesh: corners [T, 3, 2] in samples, and their uv [T, 3, 2]."""
    vertices = drawing.vertices.astype(np.float64)
    clip = vertices[:, :3] @ matrix[:, :3].T + matrix[:, 3]
    corners = np.concatenate([clip, vertices[:, 6:8]], axis=1)[drawing.triangles]
    corners = within(corners, corners[..., 2] + corners[..., 3])
    if drawing.surface.trimmed:
        corners = within(corners, corners[..., 4])
    flat = corners[..., :2] / corners[..., 3:4]
    if drawing.surface.mode in (SKIN, EYE):
        (ax, ay), (bx, by) = (np.moveaxis(flat[:, k] - flat[:, 0], -1, 0) for k in (1, 2))
        front = ax * by > bx * ay
        flat, corners = flat[front], corners[front]
    return (flat * (0.5, -0.5) + 0.5) * (width * SIDE, height * SIDE), corners[..., 4:]


def within(corners: Array, inside: Array) -> Array:
    """Triangles [T, 3, C] cut where a quantity that is linear over each, [T, 3] at the corners, is not above 0."""
    held = inside > 0
    if held.all():
        return corners
    count = held.sum(axis=1)
    kept = [corners[count == 3]]
    for many in (1, 2):
        some = count == many
        if not some.any():
            continue
        odd = np.argmax(held[some] == (many == 1), axis=1)[:, None]  # the corner that is alone on its side comes first
        order = (odd + np.arange(3)) % 3
        first, second, third = np.moveaxis(np.take_along_axis(corners[some], order[..., None], axis=1), 1, 0)
        at = np.take_along_axis(inside[some], order, axis=1)
        toward_second, toward_third = (first + (other - first) * (at[:, :1] / (at[:, :1] - at[:, k : k + 1]))
                                       for k, other in ((1, second), (2, third)))  # fmt: skip
        if many == 1:
            kept.append(np.stack([first, toward_second, toward_third], axis=1))
        else:
            kept.append(np.stack([toward_second, second, third], axis=1))
            kept.append(np.stack([toward_second, third, toward_third], axis=1))
    return np.concatenate(kept)


def _opacities(texture: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """A texture's opacity at full size, at half of it and so on, 0 to 1, one after the other; their sizes [L, 2]."""
    levels = [np.ascontiguousarray(texture[..., 3], np.float32) / 255]
    while max(levels[-1].shape) > 1:
        rows, columns = (max(1, side // 2) for side in levels[-1].shape)
        levels.append(resized(levels[-1], (columns, rows)))
    return np.concatenate([level.ravel() for level in levels]), np.array([level.shape for level in levels], np.int64)
