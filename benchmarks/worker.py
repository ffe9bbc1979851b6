"""What the worker costs beside the matte itself: `python benchmarks/worker.py [--size 1920x1080]`.

Prints a Markdown table: start to hello and to the first frame, a ping there and back, the protocol's share of a frame
(its two events checked, written, sent through a pipe, read and checked again), a frame taken from the cache (asked for,
found, checked, told), the same looked at without checking its pixels, a cached file to pixels, and memory when idle.
The plate is noise over ramps, the cache is a fresh folder, times are medians where they are repeated.
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
from nuke_matting.host.protocol import check_event
from nuke_matting.host.wire import Lines, decode, encode
from nuke_matting.plate.reader import read_matte
from nuke_matting.worker.desk import QUIET

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


def protocol_ms() -> float:
    """The two events of a frame, from dictionaries in the worker to dictionaries in the host."""
    about = {"type": "frame", "id": "r1", "frame": 1003, "state": "computed", "path": "/cache/v1/40/40f6.exr"}
    events = [
        {**about, "seconds": 0.2, "notes": []},
        {"type": "progress", "id": "r1", "done": 1, "failed": 0, "total": 9},
    ]
    out, into = os.pipe()

    def there_and_read() -> None:
        for event in events:
            check_event(event)
            os.write(into, encode(event))
            check_event(decode(next(lines)))

    with open(out, "rb"), open(into, "wb"):
        lines = iter(Lines(lambda size: os.read(out, size)))
        return median_ms(there_and_read)


def measure(width: int, height: int) -> dict[str, str]:
    """What is measured -> its value, in words."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plate = write_plate(folder, width, height)
        environ = {**clean_environment(os.environ), "NUKE_MATTING_CACHE": str(folder / "cache")}
        first: list[float] = []
        paths: list[Path] = []

        def on_event(event: dict) -> None:
            if event["type"] == "frame":
                first.append(time.perf_counter())
                paths.append(Path(event["path"]))

        began = time.perf_counter()
        with Client([sys.executable, "-I", "-m", "nuke_matting", "worker"], environ=environ) as client:
            pid = client.hello()["pid"]
            found["start to hello"] = f"{time.perf_counter() - began:.2f} s"
            found["memory at hello"] = f"{psutil.Process(pid).memory_info().rss / 2**20:.0f} MiB"
            request = client.matte(plate, on_event, frames="1003")
            assert request.wait()["state"] == "done", request.closing
            found["start to first frame"] = f"{first[0] - began:.2f} s"
            client.matte(plate, frames=FRAMES).wait()
            found["ping"] = f"{median_ms(client.ping):.2f} ms"
            found["protocol, a frame"] = f"{protocol_ms():.3f} ms"
            looked = median_ms(lambda: client.matte(plate, frames="1003", compute=False).wait())
            found["cached frame, looked at"] = f"{looked:.2f} ms"
            cached = median_ms(lambda: client.matte(plate, frames="1003").wait())
            found["cached frame, every byte checked"] = f"{cached:.2f} ms"
            found["cached file to pixels"] = f"{median_ms(lambda: read_matte(paths[0], 1003)):.2f} ms"
            time.sleep(QUIET + 2)  # then the worker gives back what it keeps for a next frame
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
