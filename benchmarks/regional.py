"""What the `regional` network costs: `python benchmarks/regional.py`. Needs no weights and no time.

Prints two Markdown tables: parameters and GMACs (one multiplication and addition; papers call them GFLOPs) of the whole
network at several sizes and shares of unknown cells, and what cross region attention adds to a region.
"""

from __future__ import annotations

import argparse

import torch
from torch.utils.flop_counter import FlopCounterMode

from nuke_matting.nets import regions as rg
from nuke_matting.nets.regional import RegionalNetwork
from nuke_matting.nets.trimap_decoder import Level

SIZES = "1152x1792 2304x3456 1920x1080"  # the first two are those that the paper's speed was measured at
ATTENTION = {"off": None, "self only": 0, "nearest 4": 4, "nearest 8": 8, "nearest 16": 16}


def parameters(net: torch.nn.Module) -> int:
    return sum(each.numel() for each in net.parameters())


def coarse_macs(shrink: int, width: int, height: int) -> float:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        RegionalNetwork(shrink).eval().coarse(torch.empty(1, 3, height, width))
    return counter.get_total_flops() / 2


def region_macs(neighbours: int | None) -> float:
    """Of one region; it is the same for each, whatever their number and the coarse stage."""
    net, rows = RegionalNetwork(shrink=4, neighbours=neighbours).eval(), 10
    regions = rg.choose(torch.ones(1, 1, rows, rows), rows * rows, 0.0)
    level = Level(torch.zeros(1, 3, rows, rows), torch.zeros(1, 1, rows, rows))
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        net.refine(torch.zeros(1, 3, rows * rg.CELL, rows * rg.CELL), level, regions)
    return counter.get_total_flops() / 2 / len(regions)


def row(*cells: object) -> None:
    print("|", " | ".join(str(cell) for cell in cells), "|")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=SIZES.split(), metavar="WxH")
    parser.add_argument("--unknown", nargs="+", type=float, default=[2, 5, 10], metavar="PERCENT", help="of all cells")
    parser.add_argument("--shrink", nargs="+", type=int, default=[1, 2, 4], choices=[1, 2, 4])
    args = parser.parse_args()

    region = region_macs(neighbours=8)
    row("shrink", "parameters, M", "size", "coarse, GMACs", *(f"with {share:g} % unknown" for share in args.unknown))
    row("---:", "---:", "---:", "---:", *("---:" for _ in args.unknown))
    for shrink in args.shrink:
        with torch.device("meta"):
            size_of = f"{parameters(RegionalNetwork(shrink)) / 1e6:.2f}"
        for size in args.sizes:
            width, height = map(int, size.split("x"))
            coarse, (rows, columns) = coarse_macs(shrink, width, height), rg.grid_size(height, width)
            totals = (coarse + region * round(rows * columns * share / 100) for share in args.unknown)
            row(shrink, size_of, size, f"{coarse / 1e9:.2f}", *(f"{total / 1e9:.2f}" for total in totals))

    print()
    row("cross region attention", "its parameters, M", "a region, MMACs")
    row("---", "---:", "---:")
    without = parameters(RegionalNetwork(4, None))
    for name, neighbours in ATTENTION.items():
        more = (parameters(RegionalNetwork(4, neighbours)) - without) / 1e6
        row(name, f"{more:.3f}", f"{region_macs(neighbours) / 1e6:.2f}")


if __name__ == "__main__":
    main()
