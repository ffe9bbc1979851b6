"""What stills of people cost, and how exact their edges are: `python benchmarks/rendering.py ASSETS`.

Prints the processor time of a still of 512x512 by part (all threads of the process; meshes read and shaders compiled
before), how many two cores make a second at that, and the error of alpha at edge pixels by 4x4 and by 8x8 samples a
pixel against 16x16, which the renderer draws at 256x256.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray

from nuke_matting.training.people.assets import Assets
from nuke_matting.training.people.render import Renderer
from nuke_matting.training.people.silhouette import covered, recovered
from nuke_matting.training.people.stills import SEED_OF_STILLS, expose, still_scene, write_still

CORES, SIZE, SMALL = 2, 512, 256


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n", 1)[1], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("assets", metavar="ASSETS", type=Path)
    parser.add_argument("--first", type=int, default=200)
    parser.add_argument("--count", type=int, default=24, help="stills that are timed")
    parser.add_argument("--edges", type=int, default=4, help="stills whose edges are measured")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    assets = Assets(args.assets)
    if args.count:
        print("| processor time of a still, s | median | mean |\n| --- | ---: | ---: |")
        times = timed(assets, range(args.first, args.first + args.count))
        for part, each in times.items():
            print(f"| {part} | {np.median(each):.3f} | {np.mean(each):.3f} |")
        whole = np.sum(list(times.values()), axis=0)
        print(f"| in all | {np.median(whole):.3f} | {np.mean(whole):.3f} |")
        rates = " and ".join(f"{CORES / how(whole):.1f} by the {how.__name__}" for how in (np.median, np.mean))
        print(f"\nstills a second on {CORES} cores: {rates}")
    if args.edges:
        print("\n| alpha at edge pixels, error against 16x16 | mean | 99 % below | max |\n| --- | ---: | ---: | ---: |")
        for name, error in edge_errors(assets, range(args.first, args.first + args.edges)).items():
            print(f"| {name} | {error.mean():.4f} | {np.quantile(error, 0.99):.3f} | {error.max():.3f} |")


def timed(assets: Assets, numbers: range) -> dict[str, list[float]]:
    """Processor seconds of each still, by part. None is seen through an open lens."""
    renderer = Renderer(SIZE, SIZE, assets.texture, multisamples=1)
    found: dict[str, list[float]] = defaultdict(list)
    with TemporaryDirectory() as folder:
        for number in numbers:
            scene = still_scene(assets, SEED_OF_STILLS + number, SIZE)  # reads what is read once
            recovered(renderer.render(scene), covered(scene, SIZE, SIZE, assets.texture))
            marks = [time.process_time()]
            scene = still_scene(assets, SEED_OF_STILLS + number, SIZE)
            marks.append(time.process_time())
            picture = renderer.render(scene)
            marks.append(time.process_time())
            picture = recovered(picture, covered(scene, SIZE, SIZE, assets.texture))
            marks.append(time.process_time())
            write_still(Path(folder), "still", expose(picture, 0.5))
            marks.append(time.process_time())
            for part, seconds in zip(("person", "colour", "alpha", "writing"), np.diff(marks), strict=True):
                found[part].append(float(seconds))
    return found


def edge_errors(assets: Assets, numbers: range) -> dict[str, NDArray[np.float32]]:
    """Absolute errors of alpha at the pixels of all stills that any of the three has for an edge."""
    coarse, fine = (Renderer(SMALL, SMALL, assets.texture, supersample=side) for side in (2, 8))
    found: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    for number in numbers:
        scene = still_scene(assets, SEED_OF_STILLS + number, SMALL)
        truth = fine.render(scene)[..., 3]
        ways = {"4x4": coarse.render(scene)[..., 3], "8x8": covered(scene, SMALL, SMALL, assets.texture)}
        edge = np.any([(each > 0) & (each < 1) for each in (truth, *ways.values())], axis=0)
        for name, alpha in ways.items():
            found[name].append(np.abs(alpha - truth)[edge])
    return {name: np.concatenate(each) for name, each in found.items()}


if __name__ == "__main__":
    main()
