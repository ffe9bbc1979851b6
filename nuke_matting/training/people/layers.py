"""What lies over what somebody wears already: bands and panels cut from a garment's own mesh, and covers that go around
the head and the shoulders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nuke_matting.opencv import dilated
from nuke_matting.training.people.parts import Part
from nuke_matting.training.people.person import Person
from nuke_matting.training.people.render import CLOTH, SKIN, Surface, vertex_normals

Array = NDArray[np.float32]
Colour = tuple[float, float, float]
SILVER = (0.62, 0.63, 0.64)
_FINER = 3  # pieces of a triangle's side: bands are narrower than a garment's triangles
_ARM = ("upperarm", "lowerarm", "hand", "index", "middle", "ring", "pinky", "thumb")
_COLUMNS, _ROWS, _DOME = 48, 22, 8


@dataclass(frozen=True)
class Places:
    """Of points of somebody's clothes or skin: rest [N, 3], how much of each is on an arm or on a leg [N], 0 to 1, and
    how far down the arm it is [N], 0 at the shoulder and 1 at the wrist."""

    rest: Array
    arm: Array
    leg: Array
    along: NDArray[np.floating]


Cut = Callable[[Places], NDArray]  # how far inside each point is, dm


def joint(person: Person, bone: str) -> NDArray[np.float64]:
    """Where a bone begins, at rest."""
    return person.skeleton.heads[person.skeleton.index(bone)].astype(np.float64)


def skin_of(person: Person) -> Part:
    return next(part for part in person.parts if part.surface.mode == SKIN)


def places(person: Person, rest: Array, weights: Array) -> Places:
    """Of positions [N, 3], whose bones' shares are [N, B]."""

    def share(names: Sequence[str]) -> Array:
        rows = [k for k, name in enumerate(person.skeleton.names) if name.startswith(tuple(names))]
        return weights[:, rows].sum(axis=1)

    first, last = joint(person, "upperarm_l"), joint(person, "hand_l")
    way = last - first
    left = rest * np.where(rest[:, :1] < 0, (-1, 1, 1), (1, 1, 1))
    return Places(rest, share(_ARM), share(("thigh", "calf", "foot")), (left - first) @ way / (way @ way))


def over(person: Person, part: Part, cut: Cut, out: float, colour: Colour, surface: Surface) -> Part | None:
    """What of a part's mesh is inside a cut, once more and `out` dm above it; None where that is nothing."""
    normals = vertex_normals(part.rest, part.corner, part.triangles)
    rows = part.corner[part.triangles]
    inside = part.uv[part.triangles, 0] if part.surface.trimmed else np.ones(rows.shape, np.float32)
    near = cut(places(person, part.rest, part.weights))[rows].max(axis=1) > -0.6
    rows, inside = rows[near], inside[near]
    if len(rows) == 0:
        return None
    shares, small = _pieces(_FINER)

    def mixed(values: NDArray) -> NDArray[np.float32]:
        """[T, 3, ...] at corners -> [T, P, C] at the pieces' corners."""
        return np.einsum("pk,tkc->tpc", shares, values.astype(np.float32))

    rest, facing = mixed(part.rest[rows]), mixed(normals[rows])
    weights, kept = mixed(part.weights[rows]), mixed(inside[..., None])[..., 0].reshape(-1)
    flat = rest.reshape(-1, 3)
    depth = np.minimum(cut(places(person, flat, weights.reshape(len(flat), -1))), kept).astype(np.float32)
    triangles = (small[None] + len(shares) * np.arange(len(rows))[:, None, None]).reshape(-1, 3)
    triangles = triangles[(depth[triangles] > 0).any(axis=1)]
    if len(triangles) == 0:
        return None
    x, y, z = (np.round(flat * 2000).astype(np.int64) + (1 << 20)).T  # one number a place sorts faster than three
    _, first, same = np.unique((x << 42) | (y << 21) | z, return_index=True, return_inverse=True)
    rest = (flat + facing.reshape(-1, 3) * np.float32(out))[first].astype(np.float32)
    triangles = same.reshape(-1)[triangles]
    used, index = np.unique(triangles, return_inverse=True)
    uv = np.stack([depth[first][used], np.zeros(len(used))], 1).astype(np.float32)
    return part_of(
        rest[used], weights.reshape(len(flat), -1)[first][used], index.reshape(-1, 3), uv, colour,
        replace(surface, trimmed=True),
    )  # fmt: skip


def part_of(rest: NDArray, weights: NDArray, triangles: NDArray, uv: NDArray, colour: Colour, surface: Surface) -> Part:
    """A part of one colour whose corners are its positions."""
    tint = np.tile(np.asarray([*colour, 1.0], np.float32), (len(rest), 1))
    corner = np.arange(len(rest), dtype=np.int32)
    return Part(
        np.asarray(rest, np.float32), np.asarray(weights, np.float32), corner, np.asarray(uv, np.float32),
        np.asarray(triangles, np.int32), tint, surface,
    )  # fmt: skip


def _pieces(many: int) -> tuple[NDArray, NDArray[np.int64]]:
    """A triangle in many * many: shares of its corners [P, 3], and the triangles of those points."""
    at = [(a, b) for a in range(many + 1) for b in range(many + 1 - a)]
    index = {each: k for k, each in enumerate(at)}
    small = [(index[a, b], index[a + 1, b], index[a, b + 1]) for a, b in at if a + b < many]
    small += [(index[a + 1, b], index[a + 1, b + 1], index[a, b + 1]) for a, b in at if a + b < many - 1]
    shares = np.array([(many - a - b, a, b) for a, b in at]) / many
    return shares, np.array(small)


@dataclass(frozen=True)
class Face:
    """Where a face is: heights of its eyes, mouth and chin, half its width, and the head's middle at that height."""

    eyes: float
    mouth: float
    chin: float
    wide: float
    middle: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def face_of(groups: dict[str, NDArray[np.int32]], person: Person) -> Face:
    """groups : the base mesh's, by name."""
    skin = skin_of(person)
    eyes = float(skin.rest[groups["helper-l-eye"], 1].mean())
    mouth = float(skin.rest[groups["joint-mouth"], 1].mean())
    on = skin.weights[:, person.skeleton.index("head")] > 0.6
    on &= np.isin(np.arange(len(on)), np.unique(skin.corner[skin.triangles]))
    head = skin.rest[on]
    chin = mouth - 0.62 * (eyes - mouth)
    head = head[head[:, 1] > chin - 0.05]
    low, high = head.min(0).astype(np.float64), head.max(0).astype(np.float64)
    return Face(eyes, mouth, chin, float(high[0]) * 0.86, (low + high) / 2, low, high)


def around(person: Person, face: Face, low: float, loose: bool) -> tuple[NDArray, NDArray, NDArray]:
    """A surface about head, neck and shoulders, from a height upwards: heights [R], angles [C] from the front to the
    left, and how far from the axis it is [R, C]; then a dome of `_DOME` rows. loose : it hangs, and never narrows
    downwards."""
    clothes = [part for part in person.parts if part.surface.mode in (SKIN, CLOTH)]
    cloud = np.concatenate([part.rest[np.unique(part.corner[part.triangles])] for part in clothes])
    cloud = cloud[np.abs(cloud[:, 0]) < np.where(cloud[:, 1] > face.chin - 0.2, 0.97 * face.wide, 1.35)]
    heights = np.linspace(low, face.middle[1] + 0.3 * (face.high[1] - face.middle[1]), _ROWS)
    step = heights[1] - heights[0]
    row = np.round((cloud[:, 1] - low) / step).astype(int)
    on = (row >= 0) & (row < _ROWS)
    cloud, row = cloud[on], row[on]
    beside, ahead = cloud[:, 0], cloud[:, 2] - axis_of(person, face, cloud[:, 1])
    column = np.round(np.arctan2(beside, ahead) / (2 * np.pi) * _COLUMNS).astype(int) % _COLUMNS
    reach = np.zeros((_ROWS, _COLUMNS), np.float32)
    np.maximum.at(reach, (row, column), np.hypot(beside, ahead))
    wide = np.tile(reach, (1, 3))
    for _ in range(6):  # where no point is
        wide = np.where(wide > 0, wide, dilated(wide, np.ones((3, 3), np.uint8)))
    wide = np.asarray(cv2.blur(dilated(wide, np.ones((1, 3), np.uint8)), (3, 3)), np.float32)
    reach = wide[:, _COLUMNS : 2 * _COLUMNS]
    if loose:
        reach = np.maximum.accumulate(reach[::-1], axis=0)[::-1]
        wide = np.asarray(cv2.blur(np.tile(reach, (1, 3)), (5, 5)), np.float32)
        reach = wide[:, _COLUMNS : 2 * _COLUMNS]
    up = np.sin(np.linspace(0, 0.5 * np.pi, _DOME + 1)[1:])
    top = face.high[1] - heights[-1]
    heights = np.concatenate([heights, heights[-1] + top * up])
    reach = np.concatenate([reach, reach[-1] * np.sqrt(np.maximum(1 - up**2, 1e-4))[:, None]])
    return heights, np.arange(_COLUMNS) / _COLUMNS * 2 * np.pi, reach


def axis_of(person: Person, face: Face, height: NDArray) -> NDArray:
    """How far ahead the middle of neck and head is at some heights."""
    neck = joint(person, "neck_01")
    return np.interp(height, (neck[1], face.mouth), (neck[2], face.middle[2]))


def cover(person: Person, face: Face, low: float, out: float, loose: bool, cut: Callable[[NDArray], NDArray],
          colour: Colour, surface: Surface) -> Part:  # fmt: skip
    """A hood: `around`, `out` dm wider, where a cut of its positions [N, 3] is above 0."""
    heights, angles, reach = around(person, face, low, loose)
    share = np.clip((heights - heights[_ROWS - 1]) / max(heights[-1] - heights[_ROWS - 1], 1e-6), 0, 1)
    axis = axis_of(person, face, heights)

    def at(more: float) -> NDArray:
        wide = (reach + more * np.sqrt(np.maximum(1 - share**2, 0))[:, None])[..., None]
        flat = wide * np.stack([np.sin(angles), 0 * angles, np.cos(angles)], 1)
        flat[..., 1] += (heights + more * share)[:, None]
        flat[..., 2] += axis[:, None]
        return flat.reshape(-1, 3)

    rest = at(out)
    uv = np.stack([cut(rest), np.zeros(len(rest))], 1)
    triangles = grid(len(heights), _COLUMNS)
    return part_of(rest, hung(person, at(0.0)), triangles, uv, colour, replace(surface, trimmed=True))


def grid(rows: int, columns: int) -> NDArray[np.int64]:
    """Triangles of rows of points, each row closed to a ring."""
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns)).reshape(-1)
    beside = (np.arange(rows - 1)[:, None] * columns + (np.arange(columns) + 1) % columns).reshape(-1)
    one = np.stack([first, beside, first + columns], 1)
    other = np.stack([beside, beside + columns, first + columns], 1)
    return np.concatenate([one, other])


def hung(person: Person, rest: NDArray) -> NDArray[np.float32]:
    """Weights of the bones of points near the skin: those of the nearest points of the base mesh."""
    skin = skin_of(person)
    rows = np.unique(skin.corner)
    _, near = cKDTree(skin.rest[rows]).query(rest, k=4)
    return skin.weights[rows[near]].mean(axis=1)
