"""What a camera does to a training sample: its lens to all layers alike, its sensor to the pictures that it takes.

All is scene-linear and float32, [T, H, W, C], the same for all frames of a clip but for moves and noise.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.colour.model_space import srgb_curve_inverse
from nuke_matting.opencv import blurred, sampled, warped
from nuke_matting.training.decoding import encode_srgb

Array = NDArray[np.float32]
Random = np.random.Generator
_BORDER = cv2.BORDER_REFLECT_101
NIGHT = 4.5  # stops; as dark as plates of nights are taken


def lens(random: Random, *layers: Array) -> tuple[Array, ...]:
    """Sometimes moves, blur, distortion. Give colour premultiplied, or what is behind gets into the subject's."""
    stacked = np.concatenate(layers, axis=3)  # as one, since OpenCV samples pictures of few channels less exactly
    if len(stacked) > 1 and random.random() < 0.5:
        size = stacked.shape[2], stacked.shape[1]
        stacked = np.stack(
            [
                warped(each, path, size, _BORDER, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
                for each, path in zip(stacked, moves(random, len(stacked), *size), strict=True)
            ]
        )
    if random.random() < 0.35:
        radius = random.uniform(0.3, 1.4)
        stacked = np.stack([blurred(each, radius) for each in stacked])
    if random.random() < 0.08:
        smear = smeared(random.uniform(2, 10), random.uniform(0, np.pi))
        stacked = np.stack([cv2.filter2D(each, -1, smear, borderType=_BORDER) for each in stacked])
    if random.random() < 0.15:
        height, width = stacked.shape[1:3]
        x, y = distortion(height, width, random.uniform(-0.12, 0.12))
        stacked = np.stack([sampled(each, x, y, _BORDER) for each in stacked])
    return tuple(np.split(stacked, np.cumsum([layer.shape[3] for layer in layers])[:-1], axis=3))


def smeared(length: float, angle: float) -> Array:
    """What a point becomes before a camera that moves by `length` pixels while it is open: a line, of sum 1."""
    reach = int(np.ceil(length / 2)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along, beside = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    line = np.clip(length / 2 + 0.5 - np.abs(along), 0, 1) * np.clip(1 - np.abs(beside), 0, 1)
    return (line / line.sum()).astype(np.float32)


def moves(random: Random, frames: int, width: int, height: int) -> NDArray[np.float64]:
    """Where each pixel comes from in each frame, [T, 2, 3]: a pan, a tilt, a zoom, a hand that holds the camera.

    No pixel comes from beyond the picture, of which nothing is known: the camera is as much nearer as that takes.
    """
    time = np.arange(frames) - (frames - 1) / 2
    pan, hand = random.normal(0, 0.012, 2), random.normal(0, random.choice([0, 0.002, 0.006]), (frames, 2))
    off = (random.uniform(-0.02, 0.02, 2) + pan * time[:, None] + hand) * (width, height)
    zoom = np.exp(random.normal(0, 0.006) * time)
    roll = random.normal(0, 0.01) + np.cumsum(random.normal(0, 0.002, frames))
    middle = np.array([width - 1, height - 1]) / 2
    cos, sin = np.cos(roll) * zoom, np.sin(roll) * zoom
    turned = np.stack([np.stack([cos, -sin], 1), np.stack([sin, cos], 1)], 1)
    corners = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]]) * middle
    reach = np.abs(corners @ turned.transpose(0, 2, 1) + off[:, None]).max((0, 1))
    nearer = min([1.0, *(middle / np.maximum(reach, 1e-6))[middle > 0]])  # a side of one pixel has no beyond
    turned, off = turned * nearer, off * nearer
    return np.concatenate([turned, (middle + off - turned @ middle)[..., None]], axis=2)


def take(random: Random, image: Array, straight: Array, clean: Array) -> tuple[Array, Array, Array, Array]:
    """Exposure, white balance, dulled colours and clipping of all three; noise and compression of the image and the
    clean plate. The fourth is the clean plate without these two."""
    stops = random.normal(0, 0.8) - (random.uniform(0, NIGHT) if random.random() < 0.12 else 0)
    exposure = (2**stops * np.exp(random.normal(0, 0.07, 3))).astype(np.float32)
    image, straight, clean = image * exposure, straight * exposure, clean * exposure
    if random.random() < 0.2:  # one look for subject and background: graded, faded, or black and white
        vivid = np.float32(0 if random.random() < 0.25 else random.uniform(0.2, 1))
        image, straight, clean = (dulled(each, vivid) for each in (image, straight, clean))
    clean = clean * np.float32(2 ** random.normal(0, 0.05))  # a clean plate is another take
    behind = clean
    image, clean = noisy(random, image), noisy(random, clean)
    if random.random() < 0.3:
        quality = int(random.integers(35, 95))
        image, clean = (np.stack([compressed(each, quality) for each in picture]) for picture in (image, clean))
    if random.random() < 0.3:
        top = random.uniform(0.8, 1.5)  # a camera that clips
        image, straight, clean, behind = (np.minimum(each, top) for each in (image, straight, clean, behind))
    return image, straight, clean, behind


def dulled(linear: Array, vivid: np.float32) -> Array:
    """Colours on their way to grey, which is at 0."""
    grey = linear.mean(-1, keepdims=True)
    return grey + (linear - grey) * vivid


def noisy(random: Random, linear: Array) -> Array:
    """With noise of light and of reading: of single pixels, or larger, as grain and noise of enlarged pictures are."""
    if random.random() < 0.4:
        return linear
    shot, read = random.uniform(0, 0.03), random.uniform(0, 0.006)
    noise = random.standard_normal(linear.shape, dtype=np.float32)
    if random.random() < 0.3:
        grain = random.uniform(0.4, 1.0)
        noise = np.stack([blurred(each, grain) for each in noise])
        noise /= max(float(noise.std()), 1e-3)
    return (linear + noise * (np.sqrt(np.maximum(linear, 0)) * shot + read)).astype(np.float32)


def compressed(linear: Array, quality: int) -> Array:
    """[H, W, 3] as a JPEG of the quality has it; what lies above 1.0 passes by untouched."""
    base = np.clip(linear, 0, 1)
    coded = np.ascontiguousarray(encode_srgb(base)[..., ::-1])  # luma is green's and red's
    _, file = cv2.imencode(".jpg", coded, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(file, cv2.IMREAD_COLOR)
    assert decoded is not None
    return (srgb_curve_inverse(decoded[..., ::-1].astype(np.float32) / 255) + linear - base).astype(np.float32)


def distortion(height: int, width: int, strength: float) -> tuple[Array, Array]:
    """Where each pixel comes from, x and y [H, W], through a lens whose corners are off by `strength`, or more.

    Brown 1966, "Decentering Distortion of Lenses": the first radial term. No pixel comes from beyond the picture.
    """
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    factor = (1 + strength * (x * x + y * y)) / (1 + 2 * max(strength, 0))
    return (x * factor + 1) * (width - 1) / 2, (y * factor + 1) * (height - 1) / 2
