"""A clean plate made to fit its plate: the exposure of another take matched, a camera that moved a little lined up.

Both are found from the two pictures alone, so a frame's matte goes on depending on its own files and nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from skimage.feature import ORB, match_descriptors
from skimage.measure import block_reduce, ransac
from skimage.transform import ProjectiveTransform, SimilarityTransform, warp

from nuke_matting.colour.model_space import from_model, to_model

Array = NDArray[np.float32]
SIDE = 256  # pixels of the long side that the exposure is found at
ALIGN_SIDE = 960  # pixels of the long side that the camera's move is found at
LIGHT = (0.01, 0.55)  # scene-linear; darker is noise, lighter is bent by the highlights' roll-off
WITHIN = 0.12  # share by which a pixel of the background may differ from gain x clean
LEAST_SHARE = 0.03  # of the picture that must agree
STRONGEST = 8.0  # times lighter or darker; more is another scene
FLAT = 1e-3  # variance over the squared mean; of a picture with no more, gain and bias are hard to tell apart
NEAR = 0.01, 0.001  # gain and bias: below half of it no change, to the bit; in full from one and a half of it
LEAST_MATCHES = 12  # points that must agree on a camera's move
LEAST_SIDE = 32  # pixels; a corner and its surroundings do not fit into less
AS_GOOD = 0.98  # of the best move's score, for a simpler one to be taken
FARTHEST = 0.25  # of the long side; a corner that would move farther is a wrong match, or of another shot
STILL = 0.25  # pixels; corners that move less have not moved


@dataclass(frozen=True)
class Exposure:
    """What takes a clean plate's scene-linear Rec.709 to its plate's: gain * c + bias, for red, green and blue."""

    gain: tuple[float, float, float]
    bias: tuple[float, float, float]


SAME = Exposure((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))


class Fitted(NamedTuple):
    """A plate and its clean plate, [H, W, 3] float32 in the model space, as a network is to see them; and notes."""

    plate: Array
    clean: Array
    notes: tuple[str, ...]


def fitted(plate: Array, clean: Array, match: bool, align: bool, stops: float = 0.0) -> Fitted:
    """A clean plate lined up with its plate (`align`) and in its exposure (`match`).

    plate, clean : [H, W, 3] float32, model space; the clean plate is not a number where it shows nothing, and there the
        plate stands in, so that what was not filmed without the subject is no subject. What lining up alone left bare
        says nothing of a subject, and most people are cut by an edge of the frame: there, both go on as beside it.
    stops : by which both are brighter than they are, for the notes, which tell of them as they are.
    """
    notes = []
    if np.array_equal(plate, clean):
        notes.append("the clean plate is the plate: nothing differs from it")
    if align:
        found = move(plate, clean)
        if found is None:
            notes.append("the clean plate could not be lined up with the plate: too few points agree")
        elif (reach := _reach(found, plate.shape)) > FARTHEST * max(plate.shape):
            notes.append(f"the clean plate was not lined up with the plate: it would move by up to {reach:.0f} pixels")
        elif reach > STILL:
            clean, bare = moved(clean, found), beyond(found, plate.shape)
            said = f"the clean plate was lined up with the plate, by up to {reach:.0f} pixels"
            if bare.any():
                plate, clean = carried_on(bare, plate, clean)
                said += f"; in the {_percent(bare)} of the frame that this left bare, the matte goes on as beside it"
            notes.append(said)
    lacking = np.asarray(np.isnan(clean).any(axis=2))
    if lacking.any():
        notes.append(f"the clean plate does not cover {_percent(lacking)} of the plate")
    light = exposure(plate, clean) if match else SAME
    if light is None:
        notes.append("the clean plate's exposure could not be matched to the plate's: too little agrees")
    elif light != SAME:
        clean = exposed(clean, light)
        gain, bias = (
            " ".join(f"{each:.2f}" for each in light.gain),
            " ".join(f"{each / 2**stops:.3f}" for each in light.bias),
        )
        notes.append(f"the clean plate's exposure was matched to the plate's: times {gain}, plus {bias}")
    return Fitted(plate, filled(plate, clean), tuple(notes))


def carried_on(bare: NDArray[np.bool_], *pictures: Array) -> list[Array]:
    """Pictures [H, W, 3] that have the nearest pixel of the others in place of the bare ones."""
    rows, columns = distance_transform_edt(bare, return_distances=False, return_indices=True)[:, bare]
    out = [each.copy() for each in pictures]
    for each in out:
        each[bare] = each[rows, columns]
    return out


def filled(plate: Array, clean: Array) -> Array:
    """The clean plate, with the plate where it shows nothing."""
    lacking = np.isnan(clean).any(axis=2, keepdims=True)
    return np.where(lacking, plate, clean) if lacking.any() else clean


def exposure(plate: Array, clean: Array) -> Exposure | None:
    """How a clean plate's exposure differs from its plate's, `SAME` where it does not; None where nothing tells.

    plate, clean : [H, W, 3] float32, model space, of the same view; the plate also shows a subject, which is left out:
    the ratio of the two that most pixels share is the background's, and gain and bias are fitted to those alone. The
    less a channel shows, as blue does by tungsten light, the more it takes the gain that the others have.
    """
    step = _step(plate.shape, SIDE)
    small = [from_model(_reduced(each, step).astype(np.float64)) for each in (plate, clean)]
    channels = zip(*(np.moveaxis(each, 2, 0).reshape(3, -1) for each in small), strict=True)
    gain, bias, trust = np.array([_fit(p, c) for p, c in channels]).T
    if not trust.any():
        return None
    trust /= trust.max()
    shared = np.average(np.log(gain), weights=trust)
    gain, bias = np.exp(trust * np.log(gain) + (1 - trust) * shared), trust * bias
    size = max(np.abs(gain - 1).max() / NEAR[0], np.abs(bias).max() / NEAR[1])
    part = min(max(size - 0.5, 0.0), 1.0)
    if part == 0:
        return SAME
    return Exposure(tuple((1 + part * (gain - 1)).tolist()), tuple((part * bias).tolist()))


def exposed(clean: Array, found: Exposure) -> Array:
    """The clean plate [H, W, 3], model space, in its plate's exposure."""
    light = from_model(clean) * np.asarray(found.gain, np.float32) + np.asarray(found.bias, np.float32)
    return to_model(light).astype(np.float32)


def _fit(plate: NDArray, clean: NDArray) -> tuple[float, float, float]:
    """Gain and bias of one channel [N], over the pixels that agree, and how far to trust them.

    The trust is 0 where no more than the least share agrees, and 1 from twice that: a channel that comes and goes there
    from frame to frame does so little by little.
    """
    nothing = 1.0, 0.0, 0.0
    seen = (np.minimum(plate, clean) > LIGHT[0]) & (np.maximum(plate, clean) < LIGHT[1])
    p, c = plate[seen], clean[seen]
    if len(p) < max(16, LEAST_SHARE * len(plate)):
        return nothing
    ratio = np.log(p / c)
    count, edge = np.histogram(ratio, bins=np.arange(-np.log(STRONGEST), np.log(STRONGEST) + 0.02, 0.02))
    count = np.convolve(count, [0.25, 0.5, 1, 0.5, 0.25], mode="same")
    gain, bias, share = float(np.exp(edge[count.argmax()] + 0.01)), 0.0, 0.0
    for _ in range(4):
        off = np.abs(p - gain * c - bias)
        agree = off < WITHIN * (gain * c + abs(bias))
        share = float(agree.sum() / len(plate))
        if share <= LEAST_SHARE:
            return nothing
        x, y = c[agree], p[agree]
        gain = _gain(x, y)
        bias = float(y.mean() - gain * x.mean())
    if not 1 / STRONGEST < gain < STRONGEST:
        return nothing
    return gain, bias, min(share / LEAST_SHARE - 1, 1.0)


def _gain(x: NDArray, y: NDArray) -> float:
    """The gain of y = gain * x + bias, both with noise of which nothing is known.

    It lies between the two regressions, of y on x and of x on y, which are one where there is no noise. Of all gains
    between them it is the one that is nearest to a gain alone, which stays where a flat picture tells nothing.
    """
    alone = float(y.mean() / x.mean())
    both = float(np.mean((x - x.mean()) * (y - y.mean()))) / alone
    if both <= 0:
        return alone
    slope = min(max(1.0, both / float(np.var(x))), float(np.var(y)) / alone**2 / both)  # over the gain alone
    trust = both / (both + FLAT * float(np.mean(x)) ** 2)
    return alone * (trust * slope + 1 - trust)


def move(plate: Array, clean: Array) -> ProjectiveTransform | None:
    """What takes points of the plate to the clean plate, a homography at most; None where too few points agree.

    plate, clean : [H, W, 3] float32, model space. Corners are matched by ORB (Rublee et al., 2011), and the move is the
    one that most of them agree on, so the subject does not matter as long as enough of the background shows.
    """
    points, words, step = [], [], _step(plate.shape, ALIGN_SIDE)
    for each in (plate, clean):
        grey = np.clip(_reduced(np.nan_to_num(each), step).mean(2), 0, 1)
        if min(grey.shape) < LEAST_SIDE:
            return None
        finder = ORB(n_keypoints=1500, fast_threshold=0.03)
        try:
            finder.detect_and_extract(grey)
        except RuntimeError:  # no corners at all
            return None
        if len(np.asarray(finder.descriptors)) < LEAST_MATCHES:  # those too near to the border have none
            return None
        points.append((np.asarray(finder.keypoints)[:, ::-1] + 0.5) * step - 0.5)  # x, y of the full picture
        words.append(finder.descriptors)
    pairs = match_descriptors(words[0], words[1], cross_check=True, max_ratio=0.85)
    if len(pairs) < LEAST_MATCHES:
        return None
    return _simplest(points[0][pairs[:, 0]], points[1][pairs[:, 1]], 1.5 * step)


def _simplest(plate: NDArray, clean: NDArray, within: float) -> ProjectiveTransform | None:
    """The simplest move that takes points [N, 2] of the plate to their matches about as well as any; None where too few
    agree.

    Points that all lie on one poster tell of a homography's eight numbers only what it does there, and nothing of what
    it does to the corners. A move scores by how near to `within` it takes each point (MSAC; Torr and Zisserman, 2000),
    and each of its numbers has to be worth a point.
    """
    found = []
    for numbers, each in (
        (2, _shift(plate, clean, within)),
        (4, _agreed(SimilarityTransform, 2, plate, clean, within)),
        (8, _agreed(ProjectiveTransform, 4, plate, clean, within)),
    ):
        if each is None or not np.isfinite(each.params).all():
            continue
        off = each.residuals(plate, clean) / within
        if (off < 1).sum() >= max(LEAST_MATCHES, 0.3 * len(plate)):
            found.append((float(np.maximum(0, 1 - off**2).sum()) - numbers, each))
    best = max((score for score, _ in found), default=0.0)
    return next((each for score, each in found if score >= AS_GOOD * best), None)


def _shift(plate: NDArray, clean: NDArray, within: float) -> ProjectiveTransform:
    """The shift that takes most of the points [N, 2] to within so many pixels of their matches."""
    each = clean - plate
    near = np.hypot(*(each - each[:, None]).T) < within
    matrix = np.eye(3)
    matrix[:2, 2] = each[near[near.sum(axis=1).argmax()]].mean(axis=0)
    return ProjectiveTransform(matrix)


def _agreed(
    kind: type[ProjectiveTransform], least: int, plate: NDArray, clean: NDArray, within: float
) -> ProjectiveTransform | None:
    """The move of a kind, told by `least` points, that most agree on."""
    found, _ = ransac((plate, clean), kind, min_samples=least, residual_threshold=within, max_trials=400, rng=0)
    return found


def moved(clean: Array, found: ProjectiveTransform) -> Array:
    """The clean plate [H, W, 3] lined up with its plate; beyond its edges its outermost pixels go on."""
    return warp(clean, found, order=1, mode="edge", preserve_range=True).astype(np.float32)


def beyond(found: ProjectiveTransform, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where in a plate of this shape a clean plate that is lined up with it has ended, [H, W]."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    x, y, scale = (across * columns + down * rows + start for across, down, start in found.params)
    edges = ((each / scale, side - 0.5) for each, side in ((x, shape[1]), (y, shape[0])))
    return np.logical_or.reduce([(at < -0.5) | (at > end) for at, end in edges])


def _reach(found: ProjectiveTransform, shape: tuple[int, ...]) -> float:
    """How far the corners of a picture are moved at most, in pixels."""
    right, low = shape[1] - 1, shape[0] - 1
    corners = np.array([[0, 0], [right, 0], [0, low], [right, low]], float)
    return float(np.hypot(*(found(corners) - corners).T).max())


def _percent(mask: NDArray[np.bool_]) -> str:
    """How much of a picture it is, rounded up: 25 %."""
    return f"{math.ceil(100 * mask.mean())} %"


def _step(shape: tuple[int, ...], side: int) -> int:
    """Pixels of a block's side, so that blocks of a picture of this shape are no more than `side` in a row."""
    return max(1, -(-max(shape[:2]) // side))


def _reduced(picture: Array, step: int) -> Array:
    """[H, W, 3] -> the means of its blocks; those at the end are filled up with black, in both plates alike."""
    return block_reduce(picture, (step, step, 1), np.mean) if step > 1 else picture
