"""Trained networks of `two_stage` as one weight file: for frames without help, for those with it, and to look again."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from nuke_matting.errors import ModelError, UsageError
from nuke_matting.models.two_stage_file import AIDED_LONG_SIDE, Networks, as_one, long_sides, networks
from nuke_matting.models.weights import LONG_SIDE, WeightFile, load_weights, save_weights
from nuke_matting.training.provenance import Past, joined, licences_of


def join(
    plain: Path, aided: Path, out: Path, licence: str = "", again: Path | None = None, regions: Path | None = None
) -> None:
    """Writes a weight file whose first network is that of `plain`, whose second, for frames with a clean plate or a
    guide, is that of `aided` (its second one, where it has more), and whose third is that of `again` (its last one);
    or that of `aided`, if it has one, where no other is given.

    regions : a weight file whose networks lend each of these the one that corrects regions: it reads what the coarse
    stages find and hidden features, so it serves after a little more training of those too, if not as well.
    licence : of all; may be "" where they state the same. What they and those before them state besides is kept.
    Raises ModelError: one of them cannot be read or is of another network; UsageError: the licences differ, or the
    sizes at which the last two see frames; OutputError.
    """
    first, second, third = (_read(path) for path in (plain, aided, again or aided))
    lender = None if regions is None else _read(regions)
    files = [each for each in (first, second, third, lender) if each is not None]
    licences = [each.metadata.get("licence", "") for each in files]
    if not licence and len(set(licences)) > 1:
        stated = " and ".join(each or "none stated" for each in dict.fromkeys(licences))
        raise UsageError(
            f"their licences differ ({stated})",
            path=aided,
            advice="say with --licence what holds for all",
        )
    sizes = [long_sides(each)[True] for each in (second, third)]
    if sizes[0] != sizes[1]:
        raise UsageError(
            f"its coarse frames are of {sizes[1]} pixels, those of the network for frames with help of {sizes[0]}",
            path=again,
            advice="train both for one size",
        )
    last = networks(third)
    looking = last.again or (None if again is None else last.plain)
    nets = Networks(networks(first).plain, networks(second).aided, looking)
    if lender is not None:
        lent = networks(lender)
        for net, giver in zip(nets, (lent.plain, lent.aided, lent.again or lent.plain), strict=True):
            if net is not None:
                net.refiner.load_state_dict(giver.refiner.state_dict())
    trained = [each.metadata.get("training", "not stated") for each in (first, second, third)]
    about = {
        "architecture": "two_stage",
        "name": first.metadata.get("name", "two_stage"),
        "version": version("nuke-matting"),
        "training": f"{trained[0]}. With a clean plate or a guide: {trained[1]}"
        + (f". Looking again: {trained[2]}" if again is not None else "")
        + (f". Regions of the weights {lender.digest[:12]}" if lender is not None else ""),
        "licence": licence or licences[0],
        LONG_SIDE: str(long_sides(first)[False]),
        AIDED_LONG_SIDE: str(sizes[0]),
    } | joined([Past(licences=licences_of(each)) for each in files]).licences_beside(licence or licences[0])
    save_weights(out, as_one(*nets), {key: value for key, value in about.items() if value})


def _read(path: Path) -> WeightFile:
    weights = load_weights(path)
    if weights.metadata["architecture"] != "two_stage":
        raise ModelError(
            f"it is of the network {weights.metadata['architecture']}",
            path=path,
            advice="give weights of two_stage: the others have one network alone",
        )
    return weights
