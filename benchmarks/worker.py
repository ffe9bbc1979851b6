"""What the worker costs beside the matte itself: `python benchmarks/worker.py [--size 1920x1080]`.

Prints a Markdown table: start to hello and to the first frame, a ping there and back, a frame taken from the cache
(asked for, found, checked, told), the same looked at without checking its pixels, and memory when idle. The plate is
noise over ramps, the cache is a fresh folder, times are medians where they are repeated.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenEXR
import psutil

from nuke_matting.host.client import Client
from nuke_matting.host.process import clean_environment

FRAMES = "1001-1003"
RUNS = 50


def write_plate(folder: Path, width: int, height: int) -> str:
    """Three half-float RGB frames, zip; gives their pattern."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    for frame in (1001, 1002, 1003):
        noise = np.random.default_rng(frame).normal(0, 0.02, (height, width)).astype(np.float32)
        channels = {"R": x / width + noise, "G": y / height + noise, "B": 0.3 + noise}
        half = {name: np.ascontiguousarray(each.astype(np.float16)) for name, each in channels.items()}
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        OpenEXR.File(header, half).write(str(folder / f"plate.{frame}.exr"))
    return str(folder / "plate.####.exr")


def median_ms(work: Callable[[], object]) -> float:
    took = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1e3


def measure(width: int, height: int) -> dict[str, str]:
    """What is measured -> its value, in words."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plate = write_plate(folder, width, height)
        environ = {**clean_environment(os.environ), "NUKE_MATTING_CACHE": str(folder / "cache")}
        first: list[float] = []

        def on_event(event: dict) -> None:
            if event["type"] == "frame":
                first.append(time.perf_counter())

        began = time.perf_counter()
        with Client([sys.executable, "-I", "-m", "nuke_matting", "worker"], environ=environ) as client:
            request = client.matte(plate, on_event, frames="1003")
            pid = client.hello()["pid"]
            found["start to hello"] = f"{time.perf_counter() - began:.2f} s"
            found["memory at hello"] = f"{psutil.Process(pid).memory_info().rss / 2**20:.0f} MiB"
            assert request.wait()["state"] == "done", request.closing
            found["start to first frame"] = f"{first[0] - began:.2f} s"
            client.matte(plate, frames=FRAMES).wait()
            found["ping"] = f"{median_ms(client.ping):.2f} ms"
            looked = median_ms(lambda: client.matte(plate, frames="1003", compute=False).wait())
            found["cached frame, looked at"] = f"{looked:.2f} ms"
            cached = median_ms(lambda: client.matte(plate, frames="1003").wait())
            found["cached frame, every byte checked"] = f"{cached:.2f} ms"
            found["memory when idle, model open"] = f"{psutil.Process(pid).memory_info().rss / 2**20:.0f} MiB"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1920x1080")
    size = parser.parse_args().size
    print(f"| worker, {size} | |\n| --- | ---: |")
    for what, value in measure(*map(int, size.split("x"))).items():
        print(f"| {what} | {value} |")


if __name__ == "__main__":
    main()
