"""What is behind people in photographs, for samples that are photographs as they were taken.

Where the person was, the picture is carried on from around, ever more blurred; subjects mostly hide it. Around it lies
the texture of what is beside it, mirrored: what is smoother than its surroundings would tell where subjects are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from nuke_matting.errors import PlateError, UsageError
from nuke_matting.opencv import blurred, dilated, disc, resized
from nuke_matting.training.pairs import is_fresh, read_picture, write_picture
from nuke_matting.training.resizing import continued

MARGIN = 1 / 60  # of the longer side, around what shows of a person: mattes miss hair
SOFTEST = 0.25  # of what is carried over as texture: the deviation of the blur that is taken off, in margins
NEAR = 12  # 8-bit steps from what is carried on that a background's own texture is, and hair is not
ENDINGS = (".jpg", "_image.jpg", ".jpeg", ".png", "_image.png")  # of the photograph that a `NAME_alpha.png` is of


def without_subject(picture: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture [H, W, 3], carried on from around to where the alpha [H, W] shows anything."""
    margin = max(1, round(max(alpha.shape) * MARGIN))
    seen = dilated(alpha, disc(margin)) <= 5
    filled = continued(picture, seen.astype(np.float32))
    # beside the person the photograph itself is behind, but for hair that the matte missed: a smooth rim all around
    # would tell subjects from all else
    near = np.abs(filled.astype(np.int16) - picture).max(2) <= NEAR
    filled = np.clip(np.rint(filled + _texture(picture, seen, margin)), 0, 255).astype(np.uint8)
    return np.where((near & (alpha == 0))[..., None], picture, filled)


def _texture(picture: NDArray[np.uint8], seen: NDArray[np.bool_], margin: int) -> NDArray[np.float32]:
    """What a picture [H, W, 3] has beyond its blur where it is seen [H, W], mirrored to where it is not; 0 elsewhere,
    and so far inside that what would be mirrored is not seen either."""
    if seen.all() or not seen.any():
        return np.zeros(picture.shape, np.float32)
    sigma = max(1.0, margin * SOFTEST)
    cover = blurred(seen.astype(np.float32), sigma)
    soft = blurred(picture * seen[..., None].astype(np.float32), sigma)
    fine = np.where(seen[..., None], picture - soft / np.maximum(cover, 1e-3)[..., None], 0)
    border = distance_transform_edt(~seen, return_distances=False, return_indices=True)
    there = np.indices(seen.shape)
    rows, columns = (
        np.clip(2 * edge - each, 0, side - 1) for edge, each, side in zip(border, there, seen.shape, strict=True)
    )
    return np.where(seen[..., None], 0, fine[rows, columns]).astype(np.float32)


def cut_behind(photographs: Path, mattes: Path) -> Iterator[tuple[int, int]]:
    """Writes `NAME_behind.png` beside every `NAME_alpha.png` whose photograph is there, of its size; those that are
    not older than both are left.

    Yields how many mattes were looked at, and of how many. Raises UsageError: no photograph of any; PlateError: a
    picture that cannot be read, or a photograph of another aspect than its matte.
    """
    pairs = [(name, photograph) for name in names_of(mattes) if (photograph := photograph_of(photographs, name))]
    if not pairs:
        raise UsageError(
            "holds no photograph of a matte",
            path=photographs,
            advice=f"expected NAME.jpg of NAME_alpha.png in {mattes}",
        )
    for done, (name, photograph) in enumerate(pairs, 1):
        out, matte = (mattes / f"{name}_{layer}.png" for layer in ("behind", "alpha"))
        if not is_fresh((out,), (photograph, matte)):
            picture, alpha = read_picture(photograph), read_picture(matte, grey=True)
            _check_whole(photograph, picture, alpha)
            picture = resized(picture, alpha.shape[::-1])
            write_picture(out, without_subject(picture, alpha))
        yield done, len(pairs)


def _check_whole(photograph: Path, picture: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> None:
    """Raises PlateError where the matte [h, w] is not of all of the photograph [H, W, 3], at any size."""
    (height, width), (h, w) = picture.shape[:2], alpha.shape
    if abs(w * height - h * width) > width + height:  # a pixel each way is rounding
        raise PlateError(
            f"is {width}x{height}, its matte {w}x{h}, of another aspect",
            path=photograph,
            advice="give the whole photograph's matte, or the photograph cut as its matte is",
        )


def names_of(mattes: Path) -> list[str]:
    """The NAMEs of the mattes `NAME_alpha.png` in a folder."""
    return sorted(path.name.removesuffix("_alpha.png") for path in mattes.glob("*_alpha.png"))


def photograph_of(folder: Path, name: str) -> Path | None:
    """The photograph in a folder from which `NAME_alpha.png` was cut, if it is there."""
    return next((path for ending in ENDINGS if (path := folder / f"{name}{ending}").exists()), None)
