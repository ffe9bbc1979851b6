"""Mattes the example plate with the shipped weights; says where the mattes and a contact sheet are, and how good."""

import sys
from pathlib import Path

import numpy as np

from nuke_matting.cli.app import main
from nuke_matting.colour.model_space import srgb_curve
from nuke_matting.colour.processor import open_colour
from nuke_matting.plate.reader import read_frame, read_matte
from nuke_matting.plate.sequence import find_sequence
from nuke_matting.quality.figures import DECIMALS, TITLES, Sample, clip_figures
from nuke_matting.quality.sheet import Row, contact_sheet, save_sheet

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "demo"
SHOWN = (1001, 1007, 1012, 1018, 1024)


def run() -> int:
    """Mattes, measures, draws; the exit code of the matting."""
    plate, mattes = HERE / "plate" / "plate.%04d.exr", OUT / "alpha.%04d.exr"
    code = main(["matte", str(plate), "--out", str(mattes), "--overwrite"])
    if code:
        return code
    plates, found, true = (find_sequence(str(path)) for path in (plate, mattes, HERE / "plate" / "alpha.%04d.exr"))
    got, want = (np.stack([read_matte(each.path(n), n)[0] for n in true.frames]) for each in (found, true))
    rows = []
    for number in SHOWN:
        frame = read_frame(plates.path(number), number)
        linear = open_colour(hints=frame.colour, path=frame.path).to_linear_rec709(frame.pixels)
        at = true.frames.index(number)
        rows.append(Row(f"frame {number}", np.clip(srgb_curve(linear), 0, 1), got[at], want[at]))
    sheet = OUT / "contact_sheet.png"
    save_sheet(sheet, contact_sheet(rows))
    found = clip_figures(map(Sample, got, want))
    figures = ", ".join(f"{TITLES[name]} {value:.{DECIMALS.get(name, 1)}f}" for name, value in found.items())
    print(f"against the true alpha: {figures}")
    print(f"mattes         {mattes}")
    print(f"contact sheet  {sheet}")
    return 0


if __name__ == "__main__":
    sys.exit(run())
