"""Two trained networks of `two_stage` as one weight file: for frames without help, and for those with it."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from nuke_matting.errors import ModelError, OutputError, UsageError
from nuke_matting.models.two_stage import AIDED_LONG_SIDE, LARGER, LONG_SIDE, LOOKS_AGAIN, as_one, long_sides, networks
from nuke_matting.models.weights import WeightFile, load_weights, save_weights


def join(plain: Path, aided: Path, out: Path, licence: str = "") -> None:
    """Writes a weight file whose first network is that of `plain`, and whose second, for frames with a clean plate or
    a guide, is that of `aided` (its second one, where it has two).

    licence : of both; may be "" where they state the same.
    Raises ModelError: one of them cannot be read or is of another network; UsageError: the licences differ;
    OutputError.
    """
    first, second = (_read(path) for path in (plain, aided))
    licences = [each.metadata.get("licence", "") for each in (first, second)]
    if not licence and licences[0] != licences[1]:
        raise UsageError(
            f"the two have not the same licence ({' and '.join(each or 'none stated' for each in licences)})",
            path=aided,
            advice="say with --licence what holds for both",
        )
    net = as_one(networks(first)[False], networks(second)[True])
    trained = [each.metadata.get("training", "not stated") for each in (first, second)]
    about = {
        "architecture": "two_stage",
        "name": first.metadata.get("name", "two_stage"),
        "version": version("nuke-matting"),
        "training": f"{trained[0]}. With a clean plate or a guide: {trained[1]}",
        "licence": licence or licences[0],
        LONG_SIDE: str(long_sides(first)[False]),
        AIDED_LONG_SIDE: str(long_sides(second)[True]),
        LOOKS_AGAIN: second.metadata.get(LOOKS_AGAIN, ""),
        LARGER: second.metadata.get(LARGER, ""),
    }
    try:
        save_weights(out, net, {key: value for key, value in about.items() if value})
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", path=out) from error


def _read(path: Path) -> WeightFile:
    weights = load_weights(path)
    if weights.metadata["architecture"] != "two_stage":
        raise ModelError(
            f"it is of the network {weights.metadata['architecture']}",
            path=path,
            advice="give weights of two_stage: the others have one network alone",
        )
    return weights
