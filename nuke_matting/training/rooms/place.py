"""A place being filled: what stands in it, what is taken, where a camera can stand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.rooms.mesh import Piece, join
from nuke_matting.training.rooms.render import Camera, Lamp


@dataclass
class Place:
    """What a scene is filled into. low, high : corners of where a camera may be, metres.

    focus : points worth looking at. sealed : daylight comes only through openings.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    pieces: list[Piece] = field(default_factory=list)
    taken: list[tuple[NDArray, NDArray]] = field(default_factory=list)
    focus: list[NDArray[np.float64]] = field(default_factory=list)
    lamps: list[Lamp] = field(default_factory=list)
    sealed: bool = False

    def add(self, piece: Piece) -> None:
        """Adds what nothing collides with: floors, walls, what hangs high."""
        if len(piece.triangles):
            self.pieces.append(piece)

    def put(self, piece: Piece, margin: float = 0.04, worth: bool = False) -> bool:
        """Adds the piece unless its footprint overlaps another. worth : a camera may look at it."""
        if not len(piece.triangles):
            return False
        used = piece.vertices[piece.triangles.reshape(-1), :3]
        low, high = used.min(axis=0) - margin, used.max(axis=0) + margin
        for other_low, other_high in self.taken:
            if np.all(low < other_high) and np.all(high > other_low):
                return False
        self.taken.append((low, high))
        self.pieces.append(piece)
        if worth:
            middle = (low + high) / 2
            self.focus.append(np.array([middle[0], low[1] + (high[1] - low[1]) * 0.6, middle[2]]))
        return True

    def all(self) -> Piece:
        """Everything as one piece."""
        return join(self.pieces)

    def camera(self, rng: np.random.Generator, eyes: tuple[float, float] = (0.5, 2.1)) -> Camera:
        """A camera that stands free: the best of some drawn ones, by how much stands before it and how little hides."""
        low, high = (
            (np.stack(corners) for corners in zip(*self.taken, strict=True)) if self.taken else (np.zeros((0, 3)),) * 2
        )
        middles = (low + high) / 2
        near = float(np.exp(rng.normal(np.log(2.6), 0.35)))  # height in the picture at what is looked at, metres
        tilt = 0.5 if rng.random() < 0.2 else 0.16  # most cameras look nearly straight ahead
        best, best_score = None, -np.inf
        for _ in range(60):
            eye = rng.uniform(self.low, self.high)
            eye[1] = np.clip(rng.normal(1.45, 0.35), *eyes)
            if self.focus and rng.random() < 0.8:
                target = self.focus[int(rng.integers(len(self.focus)))] + rng.normal(0, (0.35, 0.2, 0.35))
            else:
                turn = rng.uniform(0, 2 * np.pi)
                target = eye + 3 * np.array([np.sin(turn), rng.normal(-0.05, 0.12), np.cos(turn)])
            distance = float(np.linalg.norm(target - eye))
            target[1] = np.clip(target[1], eye[1] - tilt * distance, eye[1] + 0.8 * tilt * distance)
            field = float(np.clip(2 * np.arctan(near / 2 / max(distance, 0.1)), 0.35, 1.2))
            ahead = (target - eye) / max(distance, 1e-6)
            free = [_away(eye + ahead * step, low, high) for step in (0.0, 0.4, 0.8, min(1.3, distance * 0.6))]
            score = 2 * min(free[0], 0.5) + sum(min(each, 0.3) for each in free[1:]) + rng.random()
            if free[0] < 0.15 or distance < 1.0:
                score -= 8
            way = middles - eye
            far = np.linalg.norm(way, axis=1)
            seen = (way @ ahead > np.cos(field * 0.75) * far) & (far < 9)
            score += 0.25 * min(int(seen.sum()), 14)
            if score > best_score:
                best, best_score = Camera(eye, target, field, float(rng.normal(0, 0.03))), score
        assert best is not None
        return best


def _away(point: NDArray, low: NDArray, high: NDArray) -> float:
    """Distance from a point to the nearest of some boxes [N, 3], 0 inside."""
    if not len(low):
        return 9.0
    return float(np.linalg.norm(np.maximum(np.maximum(low - point, point - high), 0), axis=1).min())
