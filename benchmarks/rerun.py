"""What a run takes that is made again: `python benchmarks/rerun.py [--frames 200] [--size 1920x1080]`.

Prints a Markdown table: seconds to find, in a new shot, that all mattes of a plate are written and up to date, with the
fingerprints of its files remembered (`engine/hashed.py`) and forgotten; and those of the processor, which other work on
the machine changes less. Both take turns; the medians are given. The plate is noise over ramps, half-float, zip; it and
the mattes, which are made up, lie in a temporary folder, and the system has read them before: from a disk, and above
all from a network's, what is forgotten takes longer.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import OpenEXR

from nuke_matting.engine import hashed
from nuke_matting.engine.delivery import Delivery
from nuke_matting.engine.pipeline import Done, run
from nuke_matting.engine.shot import Shot
from nuke_matting.engine.values import Matte
from nuke_matting.models.registry import load_model
from nuke_matting.plate.frame import Window
from nuke_matting.settings import Settings

hashed.SETTLED = 0  # the plate is new, and nobody writes to it


def write_plate(folder: Path, count: int, width: int, height: int) -> str:
    """Frames from 1001 on, no two alike; gives their pattern."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 0.02, (height, width)).astype(np.float32)
    for number in range(count):
        planes = {"R": x / width + noise, "G": y / height + noise, "B": 0.3 + number / count + noise}
        half = {name: np.ascontiguousarray(each.astype(np.float16)) for name, each in planes.items()}
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        OpenEXR.File(header, half).write(str(folder / f"plate.{1001 + number}.exr"))
    return str(folder / "plate.####.exr")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--size", default="1920x1080", metavar="WxH")
    parser.add_argument("--turns", type=int, default=5)
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    model = load_model("two_stage", "cpu", "fp32")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(cache_dir=str(folder / "cache"))
        plate = write_plate(folder, args.frames, width, height)

        def opened() -> tuple[Shot, Delivery]:
            shot = Shot(plate, settings, model)
            return shot, Delivery(shot, str(folder / "matte.####.exr"), shot.frames, overwrite=False)

        shot, target = opened()
        alpha, whole = np.zeros((height, width), np.float32), Window(0, 0, width, height)
        for frame in shot.frames:
            plan = shot.plan(frame)
            matte = Matte(frame, alpha, None, whole, whole, plan.path, (), plan.key)
            shot.keep(matte)
            target.write(matte)
        took: dict[str, list[tuple[float, float]]] = {"remembered": [], "forgotten": []}
        for _ in range(args.turns):
            for how, found in took.items():
                if how == "forgotten":
                    shutil.rmtree(folder / "cache" / hashed.HASHED)
                began = time.perf_counter(), time.process_time()
                shot, target = opened()
                for each in run(shot, shot.frames, target, print):
                    assert isinstance(each, Done) and each.state == "skipped", each
                found.append((time.perf_counter() - began[0], time.process_time() - began[1]))
        size = sum(path.stat().st_size for path in folder.glob("plate.*.exr"))
    print(f"| {args.frames} frames {args.size}, {size / 1e9:.2f} GB | remembered | forgotten |\n| --- | ---: | ---: |")
    for index, what in enumerate(("seconds", "of the processor")):
        shown = " | ".join(f"{statistics.median(turn[index] for turn in each):.2f}" for each in took.values())
        print(f"| {what} | {shown} |")


if __name__ == "__main__":
    main()
