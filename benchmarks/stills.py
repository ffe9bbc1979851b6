"""How good the mattes of single photographs are: `python benchmarks/stills.py MATTES PHOTOGRAPHS`.

MATTES is a folder of NAME_alpha.png, PHOTOGRAPHS one of NAME.jpg, NAME_image.jpg or the like; what is missing there is
left out. Prints the soft IoU and the MAD of each, by the model as it ships, and the means. A matte of another size than
its photograph is compared at its own.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from nuke_matting import Settings, Shot
from nuke_matting.errors import UsageError
from nuke_matting.plate.reader import read_matte
from nuke_matting.quality.metrics import mad, soft_iou
from nuke_matting.training.cutting.behind import names_of, photograph_of


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n", 1)[1], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mattes", metavar="MATTES", type=Path)
    parser.add_argument("photographs", metavar="PHOTOGRAPHS", type=Path)
    parser.add_argument("--model", default="two_stage")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    settings = Settings(model=args.model, device=args.device, cache=False)
    found = {}
    for name in names_of(args.mattes):
        if photograph := photograph_of(args.photographs, name):
            found[name] = measured(Shot(photograph, settings), args.mattes / f"{name}_alpha.png")
    if not found:
        raise UsageError("holds no photograph of a matte", path=args.photographs, advice="name another folder")
    print("| photograph | soft IoU | MAD |\n| --- | ---: | ---: |")
    means = tuple(np.mean([*found.values()], axis=0))
    for name, (iou, error) in [*found.items(), (f"mean of {len(found)}", means)]:
        print(f"| {name} | {iou:.3f} | {error:.1f} |")


def measured(shot: Shot, path: Path) -> tuple[float, float]:
    """The soft IoU and the MAD of a photograph's matte."""
    truth = read_matte(path, 0)[0]
    alpha = cv2.resize(shot.matte(shot.frames[0]).alpha, truth.shape[::-1], interpolation=cv2.INTER_AREA)
    return soft_iou(alpha, truth), mad(alpha, truth)


if __name__ == "__main__":
    main()
