"""What a frame costs, by stage: `python benchmarks/frame.py`.

Prints two Markdown tables: milliseconds of each stage and peak memory at several sizes, and parameters and operations
beside those of two peers. The regions are as many as the default budget allows, whatever the picture: the worst case.
Times are medians of several runs in one process; memory is that of a fresh process for each size.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenEXR
import torch

from nuke_matting import Settings, Shot
from nuke_matting.heap import keep_freed
from nuke_matting.models.carried import KeyPicture, carried
from nuke_matting.models.contract import Quality
from nuke_matting.models.cost import by_default, others_like, outline, parameters, two_stage_gmacs
from nuke_matting.models.tensors import array, autocast, seen, tensor
from nuke_matting.models.two_stage_file import AGAIN
from nuke_matting.nets import regions as rg
from nuke_matting.plate.reader import read_frame
from nuke_matting.plate.writer import Pixels, write_sidecar

SIZES = "960x540 1920x1080 3840x2160"
# RVM (MobileNetV3, deep guided filter) and Background Matting V2 (MobileNetV2): two CPU cores, torch 2.13, fp32, and
# random weights, measured elsewhere; quoted, not measured here
PEERS = {
    "RVM": ("3.75", {"1920x1080": (4.08, 126), "3840x2160": (4.08, 414)}),
    "BGMv2": ("5.01", {"1920x1080": (9.76, 302), "3840x2160": (16.88, 1433)}),
}
NETWORK = ("network", "network, with a second look")


def write_plate(folder: Path, width: int, height: int, frame: int = 1001) -> Path:
    """A half-float RGB plate of noise over ramps, zip."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    noise = np.random.default_rng(frame).normal(0, 0.02, (height, width)).astype(np.float32)
    channels = {"R": x / width + noise, "G": y / height + noise, "B": 0.3 + noise}
    half = {name: np.ascontiguousarray(each.astype(np.float16)) for name, each in channels.items()}
    path = folder / f"plate.{frame}.exr"
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, half).write(str(path))
    return path


def median_ms(work: Callable[[], object], runs: int) -> float:
    took = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        work()
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()
        took.append(time.perf_counter() - began)
    return statistics.median(took[1:]) * 1e3


def measure(width: int, height: int, precision: str, device: str, runs: int) -> dict[str, float]:
    """Stage -> milliseconds at a frame size."""
    with tempfile.TemporaryDirectory() as folder:
        plate = write_plate(Path(folder), width, height)
        shot = Shot(plate, Settings(cache=False, precision=precision, device=device, fg=True))
        model = shot.model
        loaded = shot.load(1001)
        own = model.encode(loaded.known.prepared)
        memory = others_like(own, model)
        image = seen(tensor(loaded.input.image, model.device))
        most = by_default().budget(height, width)
        error = torch.from_numpy(outline(*rg.grid_size(height, width))).to(model.device)

        def refine() -> torch.Tensor:
            with autocast(model.device, model.precision):
                return net.refine(image, None, coarse, chosen, small=small)[1]

        def in_and_out() -> None:
            alpha = seen(tensor(loaded.input.image, model.device))[0, 0]
            array(alpha)

        def encode() -> None:
            made = model.encode(loaded.known.prepared)
            if made.second_look is not None:
                made.second_look.answer  # noqa: B018, it looks now

        def remember() -> torch.Tensor:
            votes = model.votes(own, memory)
            coarse = model.coarse(own, memory, votes)
            return model.consensus_again(own, coarse.alpha, votes) if again else coarse.alpha

        def foreground() -> torch.Tensor:
            return image + net.residual(coarse, chosen, patches, height, width)

        def carry() -> torch.Tensor:
            moved = torch.roll(own.second[:, :3], 3, dims=3)
            return carried(own.second[:, :3], None, [KeyPicture(moved, moved[:, :1], None)]).alpha

        with torch.inference_mode():
            again = own.second_look is not None
            which, small, coarse = model.answer(own, memory)
            net = model.net(which)
            chosen = rg.choose(error, most, 0.0)
            patches = refine()
            stages = {
                "read": median_ms(lambda: read_frame(plate, 1001), runs),
                "colour": median_ms(lambda: loaded.colour.to_model(loaded.frame.pixels), runs),
                "reduce": median_ms(lambda: model.prepare(loaded.input), runs),
                "encode": median_ms(encode, runs),
                "memory and decoder": median_ms(remember, runs),
                "second look": median_ms(lambda: model.again(own, coarse.alpha, AGAIN), runs) if again else 0.0,
                "carry a key matte, where one is read": median_ms(carry, runs),
                "in and out": median_ms(in_and_out, runs),
                "choose": median_ms(lambda: rg.choose(error, most, 0.0), runs),
                "refine": median_ms(refine, runs),
                "foreground, where wanted": median_ms(foreground, runs),
            }
            raw = model.matte(loaded.input, own, memory, Quality(Settings().regions, 1024))
            stages["colour back"] = median_ms(lambda: loaded.colour.to_plate(raw.foreground), runs)
            frame = loaded.frame
            pixels = Pixels(plate, 1001, frame.data_window, frame.display_window, raw.alpha)
            out = Path(folder) / "out.exr"
            stages["write"] = median_ms(lambda: write_sidecar(out, pixels, layer="rgba.alpha", premult=False), runs)
        parts = ("encode", "memory and decoder", "in and out", "choose", "refine")
        once = sum(stages[name] for name in parts)
        stages |= dict(zip(NETWORK, (once, once + stages["second look"]), strict=True))
        stages["regions"] = len(chosen)
    return stages


def peak_memory(size: str, precision: str, device: str) -> float:
    """GiB of resident memory that a frame among others takes in a process of its own, imports included."""
    script = (
        "import re, sys; from pathlib import Path; from nuke_matting import Settings, Shot\n"
        "from nuke_matting.heap import keep_freed; keep_freed()\n"
        "Shot(sys.argv[1], Settings(cache=False, precision=sys.argv[2], device=sys.argv[3])).matte(1003)\n"
        # not by rusage, which counts whoever started the process
        "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"
    )
    with tempfile.TemporaryDirectory() as folder:
        for frame in range(1001, 1006):
            write_plate(Path(folder), *map(int, size.split("x")), frame)
        command = [sys.executable, "-c", script, f"{folder}/plate.####.exr", precision, device]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]) / 2**20


def row(*cells: object) -> None:
    print("|", " | ".join(str(cell) for cell in cells), "|")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=SIZES.split(), metavar="WxH")
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16"], choices=["fp32", "bf16", "fp16"])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    keep_freed()  # as the command line does
    torch.set_num_threads(args.threads)
    columns = [(size, precision) for size in args.sizes for precision in args.precision]
    found = {}
    for size, precision in columns:
        width, height = map(int, size.split("x"))
        found[size, precision] = measure(width, height, precision, args.device, args.runs)
    row(f"ms, {args.device}, {args.threads} threads", *(f"{size} {precision}" for size, precision in columns))
    row("---", *("---:" for _ in columns))
    for stage in next(iter(found.values())):
        row(stage, *(f"{found[each][stage]:.0f}" for each in columns))
    row("peak memory, GiB", *(f"{peak_memory(*each, args.device):.2f}" for each in columns))

    model = Shot(examples(), Settings(cache=False)).model
    print()
    row("network", "parameters, M", *(f"{size}: GMACs, ms" for size in args.sizes))
    row("---", "---:", *("---:" for _ in args.sizes))
    cells = []
    for size in args.sizes:
        encoder, decoder, second, regions = parts = two_stage_gmacs(model, *map(int, size.split("x")))
        times = [", ".join(f"{found[size, each][name]:.0f} ms {each}" for each in args.precision) for name in NETWORK]
        once = f"{sum(parts) - second:.2f} ({encoder:.2f} + {decoder:.2f} + {regions:.2f}), {times[0]}"
        cells.append((once, f"{sum(parts):.2f} (+ {second:.2f}), {times[1]}"))
    size_of = f"{parameters(model) / 1e6:.2f}"
    row("two_stage (encoder + memory, decoder + regions)", size_of, *(once for once, _ in cells))
    row("two_stage, with a second look", size_of, *(twice for _, twice in cells))
    for name, (millions, costs) in PEERS.items():
        quoted = ["{:.2f}, {} ms fp32".format(*costs[size]) if size in costs else "" for size in args.sizes]
        row(f"{name}, quoted", millions, *quoted)


def examples() -> str:
    return str(Path(__file__).resolve().parent.parent / "examples" / "plate" / "plate.%04d.exr")


if __name__ == "__main__":
    main()
