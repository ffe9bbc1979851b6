"""A cached matte as bytes: an EXR that an artist can open, and a JSON sidecar that vouches for it.

The EXR is 32-bit float, zip (lossless): channel A, and R, G, B for the foreground (straight, in the plate's space).
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from nuke_matting.engine.fingerprint import digest

FORMAT = 1  # of sidecars; another number is none of ours
_FARTHEST = 1 << 24  # pixels from the origin that a window may lie


@dataclass(frozen=True, eq=False)
class CachedMatte:
    """A matte as the cache keeps it.

    alpha : [H, W] float32.
    foreground : [H, W, 3] float32, straight, in the plate's colour space; or None.
    notes : what the user should know of how it came about.
    info : plain JSON data: plate, frame, model, settings. `data_window` and `display_window` as [x, y, width, height],
        where given, become the windows of the EXR.
    """

    alpha: NDArray[np.float32]
    foreground: NDArray[np.float32] | None
    notes: tuple[str, ...]
    info: dict[str, Any]


class Damaged(Exception):
    """Bytes that are not what was once written; says why, one clause."""


@dataclass(frozen=True)
class Sidecar:
    """What a sidecar says of its EXR: SHA-256 and size in bytes, shape (H, W), whether it has a foreground."""

    checksum: str
    size: int
    shape: tuple[int, int]
    foreground: bool
    notes: tuple[str, ...]
    info: dict[str, Any]


def encode(key: str, matte: CachedMatte) -> tuple[bytes, bytes, str]:
    """The EXR, the sidecar, and the EXR's SHA-256. Raises ValueError or TypeError for what is no CachedMatte."""
    alpha = np.ascontiguousarray(matte.alpha, dtype=np.float32)
    if alpha.ndim != 2 or not alpha.size:
        raise ValueError(f"alpha must be [H, W], not {alpha.shape}")
    channels = {"A": alpha}
    if matte.foreground is not None:
        foreground = np.asarray(matte.foreground, dtype=np.float32)
        if foreground.shape != (*alpha.shape, 3):
            raise ValueError(f"foreground must be {(*alpha.shape, 3)}, not {foreground.shape}")
        channels |= {name: np.ascontiguousarray(foreground[..., index]) for index, name in enumerate("RGB")}
    exr = _write_exr(channels, matte.info)
    about = {
        "format": FORMAT,
        "key": key,
        "checksum": hashlib.sha256(exr).hexdigest(),
        "size": len(exr),
        "shape": list(alpha.shape),
        "foreground": matte.foreground is not None,
        "notes": [str(note) for note in matte.notes],
        "info": matte.info,
    }
    text = json.dumps({**about, "digest": digest(about)}, indent=1, allow_nan=False)
    return exr, text.encode("ascii"), str(about["checksum"])


def read_sidecar(data: bytes, key: str) -> Sidecar:
    """What a sidecar says. Raises Damaged for bytes that `encode` did not make for this key."""
    try:
        about = json.loads(data)
        vouched = about.pop("digest")
        genuine = vouched == digest(about)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, MemoryError) as error:
        raise Damaged("its sidecar is no sidecar, or damaged") from error
    if not genuine:
        raise Damaged("its sidecar was changed or damaged")
    try:
        if about["format"] != FORMAT or about["key"] != key:
            raise Damaged("its sidecar belongs to another matte")
        height, width = about["shape"]
        return Sidecar(
            checksum=_checked(about["checksum"], str),
            size=_checked(about["size"], int),
            shape=(_checked(height, int), _checked(width, int)),
            foreground=_checked(about["foreground"], bool),
            notes=tuple(_checked(note, str) for note in about["notes"]),
            info=_checked(about["info"], dict),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise Damaged("its sidecar is of another kind") from error


def decode(exr: bytes, about: Sidecar) -> CachedMatte:
    """The matte in the bytes of an EXR. Raises Damaged where they are not those that the sidecar vouches for."""
    if len(exr) != about.size:
        raise Damaged(f"its EXR has {len(exr)} bytes of {about.size}")
    if hashlib.sha256(exr).hexdigest() != about.checksum:
        raise Damaged("its EXR was changed or damaged")
    try:
        parts = OpenEXR.File(io.BytesIO(exr), separate_channels=True).parts
        planes = {name: channel.pixels for name, channel in parts[0].channels.items()}
    except Exception as error:  # the library raises whatever its C++ side threw
        raise Damaged(f"its EXR cannot be read ({error})") from error
    names = ("A", "B", "G", "R") if about.foreground else ("A",)
    if tuple(sorted(planes)) != names or any(p.shape != about.shape or p.dtype != np.float32 for p in planes.values()):
        raise Damaged("its EXR is of another kind")
    foreground = np.stack([planes[name] for name in "RGB"], axis=-1) if about.foreground else None
    return CachedMatte(np.ascontiguousarray(planes["A"]), foreground, about.notes, about.info)


def _write_exr(channels: dict[str, NDArray[np.float32]], info: dict[str, Any]) -> bytes:
    height, width = channels["A"].shape
    data = _window(info.get("data_window")) or (0, 0, width, height)
    if data[2:] != (width, height):
        data = (0, 0, width, height)
    display = _window(info.get("display_window")) or data
    header: dict[str, Any] = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    for name, (x, y, w, h) in (("dataWindow", data), ("displayWindow", display)):
        header[name] = (np.array([x, y], np.int32), np.array([x + w - 1, y + h - 1], np.int32))
    if "R" not in channels:
        header["colorInteropID"] = "data"  # no viewer is to take an alpha for a colour
    stream = io.BytesIO()
    OpenEXR.File(header, channels).write(stream)
    return stream.getvalue()


def _window(value: Any) -> tuple[int, int, int, int] | None:
    if not isinstance(value, (list, tuple)) or len(value) != 4 or any(type(each) is not int for each in value):
        return None
    sane = max(map(abs, value)) <= _FARTHEST and min(value[2:]) > 0
    return tuple(value) if sane else None  # type: ignore[return-value]


def _checked(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is not a {kind.__name__}")
    return value
