"""What keeping freed memory saves on a CPU: `python benchmarks/heap.py`.

Prints a Markdown table: milliseconds from a frame's pixels to its alpha with the memory kept (`nuke_matting/heap.py`)
and left alone. Each is the median over fresh processes that take turns, of the median frame of each.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

import numpy as np

from nuke_matting.heap import keep_freed
from nuke_matting.models.contract import FrameInput, Quality
from nuke_matting.models.cost import others_like
from nuke_matting.models.registry import load_model
from nuke_matting.settings import Settings

FRAMES, WARM_UP = 9, 3


def frame_ms(size: str, precision: str, kept: bool) -> float:
    """The median frame's, in this process."""
    if kept:
        keep_freed()
    width, height = map(int, size.split("x"))
    model, settings = load_model("two_stage", "cpu", precision), Settings()
    frame = FrameInput(np.random.default_rng(0).random((height, width, 3), np.float32))
    quality = Quality(settings.regions, settings.region_batch, foreground=False)
    took = []
    for _ in range(WARM_UP + FRAMES):
        began = time.perf_counter()
        own = model.encode(model.prepare(frame))
        model.matte(frame, own, others_like(own, model), quality)
        took.append(time.perf_counter() - began)
    return statistics.median(took[WARM_UP:]) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=["1920x1080", "3840x2160"], metavar="WxH")
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16"], choices=["fp32", "bf16"])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--only", choices=["kept", "left alone"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        print(frame_ms(args.sizes[0], args.precision[0], args.only == "kept"))
        return
    print("| size | precision | kept, ms | left alone, ms | kept / left alone |\n| --- | --- | ---: | ---: | ---: |")
    for size in args.sizes:
        for precision in args.precision:
            took: dict[str, list[float]] = {"kept": [], "left alone": []}
            command = [sys.executable, __file__, "--sizes", size, "--precision", precision, "--only"]
            for _ in range(args.turns):
                for how, found in took.items():
                    ran = subprocess.run([*command, how], check=True, capture_output=True, text=True)
                    found.append(float(ran.stdout))
            kept, left = (statistics.median(each) for each in took.values())
            print(f"| {size} | {precision} | {kept:.0f} | {left:.0f} | {kept / left:.2f} |", flush=True)


if __name__ == "__main__":
    main()
