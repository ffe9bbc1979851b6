"""How far a matte depends on the plate's light: `python benchmarks/exposure.py CLIP ...`.

A CLIP is a folder with plate.####.exr, scene-linear, and alpha.####.exr. The middle frame of each is taken as it is,
and brighter or darker, with the grain that a camera adds to what is darker; alone, with no frame to remember. Prints
the mean and the median MAD over the clips at each light.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from nuke_matting import Settings, Shot
from nuke_matting.plate.reader import read_frame, read_matte
from nuke_matting.plate.sequence import find_sequence
from nuke_matting.quality.metrics import mad

STOPS = (2, 1, 0, -1, -2, -4, -6)
SHOT, READ = 0.006, 0.0005  # noise of light and of reading, scene-linear
EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "plate"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n", 1)[1], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", metavar="CLIP", type=Path, nargs="*", default=[EXAMPLE])
    parser.add_argument("--model", default="two_stage")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    settings = Settings(model=args.model, device=args.device, cache=False)
    with tempfile.TemporaryDirectory() as folder:
        found = [errors(clip, settings, Path(folder)) for clip in args.clips]
    print("| stops | MAD | median |\n| ---: | ---: | ---: |")
    for stops, each in zip(STOPS, np.transpose(found), strict=True):
        print(f"| {stops:+d} | {each.mean():.1f} | {np.median(each):.1f} |")


def errors(clip: Path, settings: Settings, folder: Path) -> list[float]:
    """The MAD of a clip's middle frame, brighter by each of STOPS."""
    plate, truth = (find_sequence(str(clip / f"{name}.%04d.exr")) for name in ("plate", "alpha"))
    frame = truth.frames[len(truth.frames) // 2]
    read, alpha = read_frame(plate.path(frame), frame), read_matte(truth.path(frame), frame)[0]
    return [
        mad(Shot(lit(read.pixels, stops, plate.path(frame), folder), settings).matte(1).alpha, alpha) for stops in STOPS
    ]


def lit(pixels: np.ndarray, stops: int, like: Path, folder: Path) -> str:
    """Writes a frame brighter by so many stops, with the attributes of a file, and gives its pattern."""
    light = pixels * 2.0**stops
    if stops < 0:
        grain = SHOT * np.sqrt(np.maximum(light, 0)) + READ
        light = light + grain * np.random.default_rng(0).standard_normal(light.shape)
    spec = oiio.ImageBuf(str(like)).spec().copy()
    spec.channelnames, spec.nchannels, spec.alpha_channel = ("R", "G", "B"), 3, -1
    file = oiio.ImageBuf(spec)
    file.set_pixels(spec.roi, np.ascontiguousarray(light, np.float32))
    path = Path(tempfile.mkdtemp(dir=folder)) / "plate.0001.exr"
    if not file.write(str(path)):
        raise OSError(file.geterror())
    return str(path).replace("0001.exr", "%04d.exr")


if __name__ == "__main__":
    main()
