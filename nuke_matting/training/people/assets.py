"""The assets on disk as arrays: meshes, morph targets, clothes fittings, textures, panoramas. Read once, kept."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.errors import UsageError

TEXTURE_SIDE = 1024  # pixels; larger textures are reduced to it
BODY_VERTICES = 13380  # of the base mesh; helpers and joint cubes follow


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh whose corners share positions but not texture coordinates.

    positions : [V, 3] float32, decimetres, Y up. corner : [C] which position each render vertex has.
    uv : [C, 2] float32. triangles : [T, 3] into the render vertices. groups : [T] name index, with `group_names`.
    """

    positions: NDArray[np.float32]
    corner: NDArray[np.int32]
    uv: NDArray[np.float32]
    triangles: NDArray[np.int32]
    groups: NDArray[np.int32]
    group_names: tuple[str, ...]

    def only(self, keep: NDArray[np.bool_]) -> Mesh:
        """The same mesh with the triangles where `keep` [T] is true."""
        return Mesh(self.positions, self.corner, self.uv, self.triangles[keep], self.groups[keep], self.group_names)


@dataclass(frozen=True)
class Fitting:
    """How a garment's vertices hang on the base mesh (`.mhclo`).

    hold : [N, 3] base vertices; share : [N, 3] their shares; offset : [N, 3] in units of `scales`.
    scales : per axis the two base vertices and the distance between them at which offsets are true (0: no scaling).
    hidden : [H] body vertices that the garment covers.
    """

    hold: NDArray[np.int32]
    share: NDArray[np.float32]
    offset: NDArray[np.float32]
    scales: tuple[tuple[int, int, float], ...]
    hidden: NDArray[np.int32]


def read_obj(path: Path) -> Mesh:
    """A Wavefront mesh; quads become two triangles. Raises UsageError where the file is not there."""
    if not path.is_file():
        raise UsageError(
            "a mesh of the people's assets is missing", path=path, advice="give the assets folder with --assets"
        )
    positions, coords, triangles, groups = [], [], [], []
    corners: dict[tuple[int, int], int] = {}
    names: list[str] = []
    group = 0
    for line in path.read_text(errors="replace").splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "v":
            positions.append([float(w) for w in words[1:4]])
        elif words[0] == "vt":
            coords.append([float(w) for w in words[1:3]])
        elif words[0] == "g":
            name = words[1] if len(words) > 1 else ""
            if name not in names:
                names.append(name)
            group = names.index(name)
        elif words[0] == "f":
            face = []
            for word in words[1:]:
                parts = word.split("/")
                key = (int(parts[0]) - 1, int(parts[1]) - 1 if len(parts) > 1 and parts[1] else -1)
                face.append(corners.setdefault(key, len(corners)))
            for second in range(1, len(face) - 1):
                triangles.append([face[0], face[second], face[second + 1]])
                groups.append(group)
    keys = np.asarray(list(corners), np.int32)
    table = np.asarray([*coords, [0.0, 0.0]], np.float32)
    return Mesh(
        np.asarray(positions, np.float32),
        np.ascontiguousarray(keys[:, 0]),
        table[keys[:, 1]],
        np.asarray(triangles, np.int32),
        np.asarray(groups, np.int32),
        tuple(names or [""]),
    )


def read_fitting(path: Path) -> Fitting:
    """A `.mhclo` file. Raises UsageError where the file is not there."""
    if not path.is_file():
        raise UsageError("a garment of the people's assets is missing", path=path)
    scales = {"x": (0, 0, 0.0), "y": (0, 0, 0.0), "z": (0, 0, 0.0)}
    hold, share, offset, hidden = [], [], [], []
    part = "head"
    for line in path.read_text(errors="replace").splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] in ("x_scale", "y_scale", "z_scale"):
            scales[words[0][0]] = (int(words[1]), int(words[2]), float(words[3]))
        elif words[0] == "verts":
            part = "verts"
        elif words[0] == "delete_verts":
            part = "hidden"
        elif part == "verts" and words[0].lstrip("-").isdigit():
            if len(words) == 1:
                hold.append([int(words[0])] * 3)
                share.append([1.0, 0.0, 0.0])
                offset.append([0.0, 0.0, 0.0])
            elif len(words) >= 9:
                hold.append([int(w) for w in words[:3]])
                share.append([float(w) for w in words[3:6]])
                offset.append([float(w) for w in words[6:9]])
        elif part == "hidden":
            hidden.extend(_ranges(words))
    return Fitting(
        np.asarray(hold, np.int32),
        np.asarray(share, np.float32),
        np.asarray(offset, np.float32),
        (scales["x"], scales["y"], scales["z"]),
        np.asarray(hidden, np.int32),
    )


def _ranges(words: list[str]) -> list[int]:
    """`3 - 5 9` -> [3, 4, 5, 9]"""
    found: list[int] = []
    through = False
    for word in words:
        if word == "-":
            through = True
        elif word.isdigit():
            found.extend(range(found[-1] + 1, int(word) + 1) if through and found else [int(word)])
            through = False
    return found


class Assets:
    """A folder with `humans`, `humans_textures` and `hdri`. Everything read from it is kept in memory."""

    def __init__(self, folder: Path) -> None:
        self.humans = folder / "humans"
        self.textures = folder / "humans_textures"
        self.panoramas = folder / "hdri"
        if not (self.humans / "3dobjs" / "base.obj").is_file():
            raise UsageError("no humans/3dobjs/base.obj in the assets folder", path=folder)
        if len(self.panorama_names()) < 2:  # one is kept for what is held out
            raise UsageError("no panoramas hdri/*.hdr, two or more, in the assets folder", path=folder)
        self.base = read_obj(self.humans / "3dobjs" / "base.obj")
        self.target_names = frozenset(
            str(path.relative_to(self.humans / "targets"))[: -len(".target.gz")]
            for path in (self.humans / "targets").rglob("*.target.gz")
        )
        groups = json.loads((self.humans / "mesh_metadata" / "basemesh_vertex_groups.json").read_text())
        self.groups = {name: _spans(spans) for name, spans in groups.items()}
        self.rig: dict = json.loads((self.humans / "rigs" / "standard" / "rig.game_engine.json").read_text())
        self.weights: dict = json.loads((self.humans / "rigs" / "standard" / "weights.game_engine.json").read_text())[
            "weights"
        ]
        self.target = cache(self._target)
        self.moves = cache(self._moves)
        self.mesh = cache(lambda path: read_obj(self.humans / path))
        self.fitting = cache(lambda path: read_fitting(self.humans / path))
        self.texture = cache(self._texture)
        self.panorama = cache(self._panorama)

    def _target(self, name: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """A morph: (vertices [N], moves [N, 3])."""
        path = self.humans / "targets" / f"{name}.target.gz"
        text = gzip.decompress(path.read_bytes()).decode()
        rows = [line for line in text.splitlines() if line and not line.startswith("#")]
        if not rows:
            return np.zeros(0, np.int32), np.zeros((0, 3), np.float32)
        table = np.fromstring(" ".join(rows), np.float64, sep=" ").reshape(-1, 4)
        return table[:, 0].astype(np.int32), table[:, 1:].astype(np.float32)

    def _moves(self, name: str) -> tuple[NDArray[np.int32] | slice, NDArray[np.float32]]:
        """A morph as `target` has it; one that moves most of those from its first to its last moves all of them."""
        vertices, moves = self._target(name)
        first, last = (int(vertices.min()), int(vertices.max()) + 1) if len(vertices) else (0, 0)
        if 2 * len(vertices) <= last - first:
            return vertices, moves
        dense = np.zeros((last - first, 3), np.float32)
        dense[vertices - first] = moves
        return slice(first, last), dense

    def _texture(self, path: str) -> NDArray[np.uint8]:
        """[H, W, 4] uint8 sRGB + alpha, first row at v = 0 (flipped from the file)."""
        picture = cv2.imread(str(self.textures / path), cv2.IMREAD_UNCHANGED)
        if picture is None:
            raise UsageError("a texture cannot be read", path=self.textures / path)
        if picture.ndim == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
        scale = TEXTURE_SIDE / max(picture.shape)
        if scale < 1:
            picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if picture.shape[2] == 3:
            picture = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
        return np.ascontiguousarray(picture[::-1, :, [2, 1, 0, 3]])

    def _panorama(self, name: str) -> NDArray[np.float32]:
        """[H, W, 3] scene-linear Rec.709; the first row is straight up."""
        path = self.panoramas / f"{name}.hdr"
        picture = cv2.imread(str(path), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
        if picture is None:
            raise UsageError("a panorama cannot be read", path=path)
        return np.ascontiguousarray(picture[..., ::-1]).astype(np.float32)

    def panorama_names(self) -> list[str]:
        """Names of the panoramas, sorted."""
        return sorted(path.stem for path in self.panoramas.glob("*.hdr"))


def _spans(spans: list[list[int]]) -> NDArray[np.int32]:
    return np.concatenate([np.arange(first, last + 1) for first, last in spans]).astype(np.int32)
