"""Every model there is, in one table: `python benchmarks/models.py`.

Prints a Markdown table: parameters, GMACs at 512x512, 1920x1080 and 3840x2160, and the milliseconds that the model
takes for a frame on two CPU cores, without reading, colour and writing. Files of others are in it where they were added
(`nuke-matting model add`). Networks of ours that have no weights yet are measured with random ones. Where the work
depends on the picture, the counts are for as many regions as the default budget allows, the times for noise. With
--clips a second table follows: how good the mattes of those that have weights are.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import OpenImageIO as oiio
import torch

from nuke_matting import Settings, Shot
from nuke_matting.models.about import Cost, about, cost, names
from nuke_matting.models.adapters.rvm import RvmModel
from nuke_matting.models.contract import Model, Quality
from nuke_matting.models.cost import SIZES, gmacs, parameters, some_frame, two_stage_gmacs
from nuke_matting.models.registry import load_file, load_model
from nuke_matting.models.two_stage import TwoStageModel
from nuke_matting.models.two_stage_file import AIDED
from nuke_matting.models.weights import save_weights
from nuke_matting.nets.background import BackgroundNetwork
from nuke_matting.nets.memory_network import MemoryNetwork
from nuke_matting.nets.regional import RegionalNetwork
from nuke_matting.nets.two_stage import TwoStage
from nuke_matting.plate.sequence import find_sequence
from nuke_matting.quality.clips import Clip, read_sample
from nuke_matting.quality.figures import UNITS, Figures, Sample, clip_figures, mean_figures
from nuke_matting.quality.table import markdown

CLEAN = "clean.%04d.exr"  # of a clip
NETS = {
    "two_stage": TwoStage,
    "regional": RegionalNetwork,
    "memory": MemoryNetwork,
    "background": BackgroundNetwork,
}


def milliseconds(model: Model, width: int, height: int, runs: int, regions: float, **help: bool) -> float:
    """Median of some runs after a first one: a frame of a sequence, what is remembered of its neighbours at hand; its
    alpha alone, where the model can leave the foreground out."""
    frame = some_frame(width, height, **help)
    other = model.encode(model.prepare(replace(frame, image=frame.image[::-1].copy())))
    memory, quality = [other] * len(model.references), Quality(regions, Settings().region_batch, foreground=False)
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


def quality_row(model: Model, clips: list[Path], clean: str, regions: float) -> Figures:
    """The mean over clips as `held_out.py` writes them. `clean`: the clean plate, as seen from a clip; "" for none."""
    found = []
    for clip in clips:
        alpha = find_sequence(str(clip / "alpha.%04d.exr"))
        plate = str(clip / clean) if clean else ""
        settings = Settings(cache=False, clean_plate=plate, clean_match=clean == CLEAN, regions=regions)
        shot = Shot(clip / "plate.%04d.exr", settings, model)
        truth = Clip(clip.name, alpha, alpha)
        samples = (Sample(shot.matte(each).alpha, read_sample(truth, each).truth) for each in truth.frames)
        found.append(clip_figures(samples))
    return mean_figures(found)


def quality_table(chosen: list[str], clips: list[Path], regions: float) -> None:
    """Prints the figures of every model that has weights, and of those that take a clean plate with one too."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "empty.exr").resolve()
        size = oiio.ImageBuf(str(next(clips[0].glob("plate.*.exr")))).roi_full
        oiio.ImageBufAlgo.zero(size).write(str(empty))
        for name in chosen:
            model = load_model(name, "cpu", "auto")
            able = model.abilities
            given = {} if able.needs_clean_plate else {name: ""}
            given |= {f"{name}, with a clean plate": CLEAN} if able.clean_plate else {}
            given |= {f"{name}, with an empty one": str(empty)} if able.guesses_clean_plate else {}
            rows += [(shown, len(clips), quality_row(model, clips, clean, regions)) for shown, clean in given.items()]
    print(f"\n{UNITS}\n\n{markdown(rows, ('mad', 'mse', 'grad', 'conn', 'dtssd'), 'model', 'clips')}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", metavar="NAME", help="default: all")
    parser.add_argument("--regions", type=float, default=Settings().regions, help="of times and quality (default: 4)")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-times", action="store_true", help="counts alone, which are the same on any machine")
    parser.add_argument("--clips", nargs="+", type=Path, metavar="CLIP", help="of held_out.py: a table of quality too")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    chosen = args.models or sorted({*names(), *NETS})
    times = () if args.no_times else tuple(SIZES.values())
    sizes = [f"{width}x{height}" for width, height in SIZES.values()]
    counted, timed = (f"GMACs {each}" for each in sizes), (f"ms {each}" for each in sizes if times)
    row("model", "weights", "parameters, M", *counted, *timed)
    row("---", "---", *("---:" for _ in range(1 + len(sizes) + len(times))))
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            if name not in NETS or name in names():
                model, price, origin = load_model(name, "cpu", "auto"), cost(name), about(name).origin
            else:
                model, origin = with_random_weights(name, Path(folder)), "random"
                price = Cost(parameters(model), *(gmacs(model, *size) for size in SIZES.values()), warm_up=0)
            shown = f"{name} (each frame warmed up over {price.warm_up})" if isinstance(model, RvmModel) else name
            counts = (price.gmacs_512, price.gmacs_hd, price.gmacs_4k)
            cells = [f"{each:.2f}" for each in (price.parameters / 1e6, *counts)]
            two_stage = isinstance(model, TwoStageModel)
            took = (milliseconds(model, *size, args.runs, args.regions, clean=not two_stage) for size in times)
            row(shown, origin, *cells, *(f"{each:.0f}" for each in took))
            if two_stage and model.net(AIDED) is not model.net():
                for said, help in (("a clean plate", {"clean": True}), ("a rough guide", {"guide": True})):
                    counts = [f"{sum(two_stage_gmacs(model, *size, **help)):.2f}" for size in SIZES.values()]
                    took = (milliseconds(model, *size, args.runs, args.regions, **help) for size in times)
                    row(f"{shown}, with {said}", origin, "", *counts, *(f"{each:.0f}" for each in took))
    if args.clips:
        with_weights = [each for each in chosen if each in names() or each not in NETS]
        quality_table(with_weights, args.clips, args.regions)


def row(*cells: str) -> None:
    print("|", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
