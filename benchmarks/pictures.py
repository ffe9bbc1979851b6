"""The pictures of the documents, with the weights that ship: `python benchmarks/pictures.py [CLIP ...]`.

Writes example.png and guided.png of the example plate into docs/pictures, and keys.png of the clips of `held_out.py`
that are given (each its fourth frame, with the matte of its first as a key).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from quality import EXAMPLE, write_guides

from nuke_matting import Settings, Shot
from nuke_matting.cli.sheets import sheet_row
from nuke_matting.plate.sequence import find_sequence
from nuke_matting.quality.clips import Clip, Colour, read_alpha
from nuke_matting.quality.sheet import Row, contact_sheet, lay_out, save_sheet

FRAMES = (1001, 1012)  # of the example
KEY, KEYED = 1001, 1004  # of the others: the frame whose matte is given, and the one that is shown


def clip_of(folder: Path) -> Clip:
    """A folder's plates and true alphas."""
    truth = find_sequence(str(folder / "alpha.%04d.exr"))
    return Clip(
        f"{folder.parent.name} {folder.name}", truth, truth, plate=find_sequence(str(folder / "plate.%04d.exr"))
    )


def matted(clip: Clip, label: str, frame: int, settings: Settings) -> Row:
    """A frame with the alpha that the settings make of it, and the true one."""
    alpha = Shot(clip.plate.pattern, settings).matte(frame).alpha
    return sheet_row(label, clip.plate, frame, alpha, Colour(), read_alpha(clip.truth, frame))


def grey(alpha: NDArray) -> NDArray:
    """[H, W] as a picture [H, W, 3]."""
    return np.repeat(alpha[..., None], 3, axis=-1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n", 1)[1], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", nargs="*", metavar="CLIP", type=Path, help="for keys.png; without any it stays")
    parser.add_argument("--model", default="two_stage")
    parser.add_argument("--out", type=Path, default=EXAMPLE.parent.parent / "docs" / "pictures", metavar="DIR")
    args = parser.parse_args()
    settings, example = Settings(model=args.model, cache=False), clip_of(EXAMPLE)

    plain = [matted(example, f"frame {frame}", frame, settings) for frame in FRAMES]
    save_sheet(args.out / "example.png", contact_sheet(plain))

    with tempfile.TemporaryDirectory() as temporary:
        pattern = write_guides(example, Path(temporary) / "guides")
        guides = find_sequence(pattern)
        rows = []
        for row, frame in zip(plain, FRAMES, strict=True):
            guided = matted(example, "", frame, settings.replace(guide=pattern)).alpha
            shown = (read_alpha(guides, frame), row.alpha, guided, row.truth)
            rows.append((row.label, [row.rgb, *map(grey, shown)]))
    save_sheet(args.out / "guided.png", lay_out(["plate", "rough guide", "without it", "with it", "truth"], rows, 300))

    rows = []
    for clip in map(clip_of, args.clips):
        keys = settings.replace(keys=clip.truth.pattern, key_frames=str(KEY))
        row = matted(clip, f"{clip.name} {KEYED}", KEYED, settings)
        keyed = matted(clip, "", KEYED, keys).alpha
        rows.append((row.label, [row.rgb, *map(grey, (row.alpha, keyed, row.truth))]))
    if rows:
        titles = ["plate", "without keys", f"with frame {KEY} as a key", "truth"]
        save_sheet(args.out / "keys.png", lay_out(titles, rows, 300))


if __name__ == "__main__":
    main()
