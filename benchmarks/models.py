"""Every model there is, in one table: `python benchmarks/models.py`.

Prints a Markdown table: parameters, GMACs at 512x512, 1920x1080 and 3840x2160, and the milliseconds that the model
takes for a frame on two CPU cores, without reading, colour and writing. Files of others are in it where they were added
(`nuke-matting model add`). Networks of ours that have no weights yet are measured with random ones. Where the work
depends on the picture, the counts are for as many regions as the default budget allows, the times for noise.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from nuke_matting import Settings
from nuke_matting.models.about import Cost, about, cost, names
from nuke_matting.models.adapters.rvm import RvmModel
from nuke_matting.models.contract import Model, Quality
from nuke_matting.models.cost import SIZES, gmacs, parameters, some_frame
from nuke_matting.models.registry import load_file, load_model
from nuke_matting.models.weights import save_weights
from nuke_matting.nets.background import BackgroundNetwork
from nuke_matting.nets.memory_network import MemoryNetwork
from nuke_matting.nets.regional import RegionalNetwork
from nuke_matting.nets.two_stage import TwoStage

NETS = {
    "two_stage": TwoStage,
    "regional": RegionalNetwork,
    "memory": MemoryNetwork,
    "background": BackgroundNetwork,
}


def milliseconds(model: Model, width: int, height: int, runs: int) -> float:
    """Median of some runs after a first one: a frame of a sequence, what is remembered of its neighbours at hand."""
    frame, settings = some_frame(width, height, clean=True), Settings()
    other = model.encode(model.prepare(replace(frame, image=frame.image[::-1].copy())))
    memory, quality = [other] * len(model.references), Quality(settings.regions, settings.region_batch)
    took = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        model.matte(frame, model.encode(model.prepare(frame)), memory, quality)
        took.append(time.perf_counter() - began)
    return statistics.median(took[1:]) * 1e3


def with_random_weights(kind: str, folder: Path) -> Model:
    """A network of ours as it is before training."""
    torch.manual_seed(0)
    path = folder / f"{kind}.safetensors"
    save_weights(path, NETS[kind](), {"architecture": kind, "name": kind})
    return load_file(path, "cpu", "fp32")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", metavar="NAME", help="default: all")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-times", action="store_true", help="counts alone, which are the same on any machine")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    times = () if args.no_times else tuple(SIZES.values())
    sizes = [f"{width}x{height}" for width, height in SIZES.values()]
    counted, timed = (f"GMACs {each}" for each in sizes), (f"ms {each}" for each in sizes if times)
    row("model", "weights", "parameters, M", *counted, *timed)
    row("---", "---", *("---:" for _ in range(1 + len(sizes) + len(times))))
    with tempfile.TemporaryDirectory() as folder:
        for name in args.models or sorted({*names(), *NETS}):
            if name in names():
                model, price, origin = load_model(name, "cpu", "auto"), cost(name), about(name).origin
            else:
                model, origin = with_random_weights(name, Path(folder)), "random"
                price = Cost(parameters(model), *(gmacs(model, *size) for size in SIZES.values()), warm_up=0)
            shown = f"{name} (each frame warmed up over {price.warm_up})" if isinstance(model, RvmModel) else name
            counts = (price.gmacs_512, price.gmacs_hd, price.gmacs_4k)
            cells = [f"{each:.2f}" for each in (price.parameters / 1e6, *counts)]
            row(shown, origin, *cells, *(f"{milliseconds(model, *size, args.runs):.0f}" for size in times))


def row(*cells: str) -> None:
    print("|", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
