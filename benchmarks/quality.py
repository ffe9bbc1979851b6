"""How good the mattes are on a plate with a true alpha: `python benchmarks/quality.py` for the example plate.

Prints a table of the metrics (see `nuke_matting/quality/metrics.py`): the model as it ships, without its memory, and
without the refinement of regions.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from nuke_matting import Settings, Shot
from nuke_matting.plate.reader import read_matte
from nuke_matting.plate.sequence import find_sequence
from nuke_matting.quality.metrics import clip_metrics

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "plate"


def without_memory(shot: Shot, frame: int):
    """The alpha with the frame itself in place of those that the memory reads."""
    plan = shot.plan(frame)
    return shot.infer(replace(plan, references=(frame,) * len(plan.references)), shot.load(frame)).alpha


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plate", default=str(EXAMPLE / "plate.%04d.exr"))
    parser.add_argument("--truth", default=str(EXAMPLE / "alpha.%04d.exr"))
    parser.add_argument("--model", default="two_stage")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    truth = find_sequence(args.truth)
    true = [read_matte(truth.path(frame), frame)[0] for frame in truth.frames]
    settings = Settings(model=args.model, device=args.device, cache=False)
    shot, coarse = Shot(args.plate, settings), Shot(args.plate, settings.replace(regions=0.0))
    cases = {
        "as it ships": [shot.matte(frame).alpha for frame in truth.frames],
        "without memory": [without_memory(shot, frame) for frame in truth.frames],
        "without regions": [coarse.matte(frame).alpha for frame in truth.frames],
    }
    figures = {name: clip_metrics(alphas, true) for name, alphas in cases.items()}
    names = list(next(iter(figures.values())))
    print("| |", " | ".join(names), "|")
    print("| --- |", " | ".join("---" for _ in names), "|")
    for case, found in figures.items():
        print(f"| {case} |", " | ".join(f"{found[name]:.2f}" for name in names), "|")


if __name__ == "__main__":
    main()
