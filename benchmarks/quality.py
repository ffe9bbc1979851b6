"""How good the mattes are on plates with a true alpha: `python benchmarks/quality.py [CLIP ...]`.

A CLIP is a folder with plate.%04d.exr and alpha.%04d.exr, and, if it is known, the plate without the subject as
clean.%04d.exr or clean.exr; without any named, it is the example plate. Prints a table for each clip, and one of their
means (of the clips that have the row, so a clean plate for all or for none compares best), of the model as it ships,
without each of its parts, and with a key matte, a clean plate or a rough guide. With --backgrounds also how much it
finds in photographs that show nobody.

The parts are left out of the trained network, which was not trained again without them. For the definitions of the
figures see `nuke_matting/quality/metrics.py`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import OpenImageIO as oiio
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import closing, disk

from nuke_matting import Settings, Shot
from nuke_matting.errors import UsageError
from nuke_matting.models.registry import find_weights
from nuke_matting.models.two_stage_file import as_one, networks
from nuke_matting.models.weights import load_weights, save_weights
from nuke_matting.nets import two_stage
from nuke_matting.nets.resize import bilinear
from nuke_matting.plate.sequence import IMAGES, ImageSequence, find_sequence
from nuke_matting.quality.clips import Clip, read_sample
from nuke_matting.quality.figures import UNITS, Figures, Sample, clip_figures, mean_figures
from nuke_matting.quality.table import MEAN, columns_of, markdown

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "plate"
GUIDE_REACH = 20  # pixels that the outline of a rough guide is off at most
GUIDED = 0.15  # alpha that a rough guide takes in
FALSE = 0.02  # mean alpha above which a photograph of nobody is said to have a false matte


def without_memory(shot: Shot, frame: int) -> NDArray:
    """The alpha with the frame itself in place of those that the memory reads."""
    plan = shot.plan(frame)
    return shot.infer(replace(plan, references=(frame,) * len(plan.references)), shot.load(frame)).alpha


def without_refinement(shot: Shot, frame: int) -> NDArray:
    """The coarse alpha, enlarged without regard to the image; for settings without regions."""
    with patch.object(two_stage, "enlarge", lambda alpha, image, small: bilinear(alpha, *image.shape[-2:])):
        return shot.matte(frame).alpha


def without_cross_region(model: str, folder: Path) -> str:
    """A copy of the weights in which what regions hear of each other is nothing; its path."""
    weights = load_weights(find_weights(model))
    nets = networks(weights)
    for net in (each for each in nets if each is not None):
        leave = net.refiner.cross_region.leave
        torch.nn.init.zeros_(leave.weight)
        torch.nn.init.zeros_(leave.bias)
    path = folder / "without_cross_region.safetensors"
    save_weights(path, as_one(*nets), weights.metadata)
    return str(path)


def looking_once(model: str, folder: Path) -> str | None:
    """A copy of the weights without the network that looks again at what the first has found; its path. None where
    there is no such network."""
    weights = load_weights(find_weights(model))
    nets = networks(weights)
    if nets.again is None:
        return None
    path = folder / "looking_once.safetensors"
    save_weights(path, as_one(nets.plain, nets.aided), weights.metadata)
    return str(path)


def rough_guide(truth: NDArray, seed: int) -> NDArray[np.float32]:
    """A blob as one draws it by hand: its outline is off the true alpha's by up to 20 pixels, in and out, smoothly.

    Gaps of less than 20 pixels are in it: nobody draws around each of many leaves.
    """
    inside = closing(np.pad(truth > GUIDED, GUIDE_REACH), disk(GUIDE_REACH // 2))[
        (slice(GUIDE_REACH, -GUIDE_REACH),) * 2
    ]
    noise = np.random.default_rng(seed).normal(size=truth.shape)
    wave = ndimage.gaussian_filter(noise, GUIDE_REACH, mode="wrap")
    wave = np.clip(wave / wave.std() * GUIDE_REACH / 2, -GUIDE_REACH, GUIDE_REACH)
    if not inside.any() or inside.all():
        return inside.astype(np.float32)
    distance = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
    return (distance + wave > 0).astype(np.float32)


def write_guides(truth: Clip, folder: Path) -> str:
    """A rough guide for each frame of a clip, the same wave in all, as a roto shape would have it; the pattern."""
    folder.mkdir()
    for frame in truth.frames:
        guide = rough_guide(read_sample(truth, frame).truth, seed=0)
        buffer = oiio.ImageBuf(np.ascontiguousarray(guide[..., None]))
        if not buffer.write(str(folder / f"guide.{frame:04d}.tif")):
            raise OSError(buffer.geterror())
    return str(folder / "guide.####.tif")


def clean_plate(clip: Path) -> str | None:
    """The clean plate that a clip's folder has: one file, or a sequence."""
    if (clip / "clean.exr").is_file():
        return str(clip / "clean.exr")
    return str(clip / "clean.%04d.exr") if list(clip.glob("clean.*.exr")) else None


def cases_of(clip: Path, truth: Clip, settings: Settings, folder: Path) -> Iterator[tuple[str, Figures]]:
    """The rows of a clip's table, with the mattes made for them."""
    plate = str(clip / "plate.%04d.exr")

    def figures(changed: Settings, matte: Callable[[Shot, int], NDArray] | None = None, first: int = 0) -> Figures:
        shot, frames = Shot(plate, changed), truth.frames[first:]
        alphas = (shot.matte(frame).alpha if matte is None else matte(shot, frame) for frame in frames)
        truths = (read_sample(truth, frame).truth for frame in frames)
        return clip_figures(map(Sample, alphas, truths))

    yield "as it ships", figures(settings)
    yield "without memory", figures(settings, without_memory)
    once = looking_once(settings.model, folder)
    if once is not None:
        yield "without the second look", figures(settings.replace(model=once))
    yield "without regions", figures(settings.replace(regions=0.0))
    yield (
        "without regions, and enlarged without regard to the image",
        figures(settings.replace(regions=0.0), without_refinement),
    )
    yield (
        "without cross region attention",
        figures(settings.replace(model=without_cross_region(settings.model, folder))),
    )
    keyed = settings.replace(keys=str(clip / "alpha.%04d.exr"), key_frames=str(truth.frames[0]))
    yield "with the first frame's matte as a key, the others", figures(keyed, first=1)
    guided = settings.replace(guide=write_guides(truth, folder / "guides"))
    clean = clean_plate(clip)
    if clean is not None:
        yield "with a clean plate", figures(settings.replace(clean_plate=clean))
        coarse = settings.replace(clean_plate=clean, regions=0.0)
        yield "with a clean plate, without regions", figures(coarse)
        yield "with a clean plate, without either", figures(coarse, without_refinement)
        yield "with a clean plate and a rough guide", figures(guided.replace(clean_plate=clean))
    yield "with a rough guide", figures(guided)
    yield "with a rough guide, without regions", figures(guided.replace(regions=0.0))


def show(title: str, rows: list[tuple[str, int, Figures]], count: str) -> None:
    """Prints a table under its title."""
    print(f"\n### {title}\n\n{markdown(rows, columns_of(row[2] for row in rows), 'case', count)}", flush=True)


def false_mattes(folder: Path, settings: Settings) -> None:
    """Prints the mean alpha of photographs that show nobody, and the worst of them."""
    pictures = sorted(each for each in folder.iterdir() if each.suffix.lower() in IMAGES)
    if not pictures:
        raise UsageError("the folder holds no images", path=folder)
    found = []
    for path in pictures:
        shot = Shot(path, settings)
        found.append((float(shot.matte(shot.frames[0]).alpha.mean()), path.name))
    means = np.array([mean for mean, _ in found])
    worst = ", ".join(f"{name} {mean:.3f}" for mean, name in sorted(found, reverse=True)[:5])
    print(f"\n### {folder.name}: {len(found)} photographs of nobody\n")
    print(f"mean alpha {means.mean():.4f}, median {np.median(means):.4f}; above {FALSE}: {np.mean(means > FALSE):.0%}")
    print(f"worst: {worst}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n", 1)[1], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", nargs="*", metavar="CLIP", type=Path, help="default: the example plate")
    parser.add_argument("--backgrounds", metavar="FOLDER", type=Path, help="photographs that show nobody")
    parser.add_argument("--model", default="two_stage")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    settings = Settings(model=args.model, device=args.device, cache=False)
    rows: dict[str, list[Figures]] = {}
    print(UNITS)
    clips = args.clips or [EXAMPLE]
    for clip in clips:
        with tempfile.TemporaryDirectory() as folder:
            alpha: ImageSequence = find_sequence(str(clip / "alpha.%04d.exr"))
            truth = Clip(clip.name, alpha, alpha)
            table = list(cases_of(clip, truth, settings, Path(folder)))
        show(clip.name, [(case, len(truth.frames), found) for case, found in table], "frames")
        for case, found in table:
            rows.setdefault(case, []).append(found)
    if len(clips) > 1:
        show(MEAN, [(case, len(found), mean_figures(found)) for case, found in rows.items()], "clips")
    if args.backgrounds:
        false_mattes(args.backgrounds, settings)


if __name__ == "__main__":
    main()
