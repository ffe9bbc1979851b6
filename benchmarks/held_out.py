"""Clips with a true alpha and a clean plate, composited as training samples are, for `benchmarks/quality.py`.

    python benchmarks/held_out.py --people DIR --backgrounds DIR --out DIR        somebody in each clip
    python benchmarks/held_out.py --things --backgrounds DIR --out DIR            anything but people

Writes `NN/plate.1001.exr ..`, `NN/alpha.1001.exr ..` and `NN/clean.1001.exr ..`, scene-linear Rec.709. People are clips
of `nuke-matting train people clips`, of numbers that no training has; backgrounds are photographs that none has.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
from numpy.typing import NDArray

from nuke_matting.colour.model_space import from_model
from nuke_matting.training.composite import Compositor, Sample
from nuke_matting.training.folders import find_folder
from nuke_matting.training.store import find_backgrounds

FIRST = 1001
LEAST, MOST = 0.03, 0.7  # mean alpha of a clip: somebody is to be seen, and something behind


def write_exr(path: Path, pixels: NDArray[np.float32]) -> None:
    """[H, W, C] as half float, three channels as scene-linear Rec.709, one as alpha. Raises OSError."""
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], oiio.HALF)
    colour = pixels.shape[2] == 3
    spec.channelnames = ("R", "G", "B") if colour else ("A",)
    spec.attribute("colorInteropID", "lin_rec709_scene" if colour else "data")
    buffer = oiio.ImageBuf(spec)
    buffer.set_pixels(spec.roi, pixels)
    if not buffer.write(str(path)):
        raise OSError(buffer.geterror())


def write_clip(folder: Path, sample: Sample) -> None:
    """The frames of a sample, numbered from FIRST."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, (image, alpha, clean) in enumerate(zip(sample.image, sample.alpha, sample.clean, strict=True), FIRST):
        write_exr(folder / f"plate.{index}.exr", from_model(image))
        write_exr(folder / f"alpha.{index}.exr", alpha)
        write_exr(folder / f"clean.{index}.exr", from_model(clean))


def main() -> None:
    parser = argparse.ArgumentParser(description="Make clips with a true alpha and a clean plate")
    subjects = parser.add_mutually_exclusive_group(required=True)
    subjects.add_argument("--people", type=Path, metavar="DIR", help="clips of `nuke-matting train people clips`")
    subjects.add_argument("--things", action="store_true", help="solids, strands, leaves, smoke and so on instead")
    parser.add_argument("--backgrounds", type=Path, required=True, metavar="DIR", help="photographs without people")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--count", type=int, default=20, help="clips (default: 20)")
    parser.add_argument("--frames", type=int, default=8, help="of a clip (default: 8)")
    parser.add_argument("--size", type=int, nargs=2, default=(512, 288), metavar=("WIDTH", "HEIGHT"))
    chosen = parser.parse_args()
    groups = [(1.0, find_folder(chosen.people, "clips"))] if chosen.people else []
    backgrounds = [(1.0, find_backgrounds(chosen.backgrounds))]
    made = seed = 0
    while made < chosen.count:
        seed += 1
        draw = Compositor(groups, backgrounds, seed, things=float(chosen.things))
        sample = draw.sample(chosen.size[1], chosen.size[0], chosen.frames)
        if all(LEAST < float(alpha.mean()) < MOST for alpha in sample.alpha):
            write_clip(chosen.out / f"{made:02d}", sample)
            made += 1
            print(chosen.out / f"{made - 1:02d}", flush=True)


if __name__ == "__main__":
    main()
