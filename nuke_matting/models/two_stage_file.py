"""The weight file of `two_stage`: up to three networks in one, their tensors told apart by how their names begin."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from nuke_matting.models.weights import WeightFile, coarse_long_side, fill
from nuke_matting.nets.two_stage import TwoStage

PLAIN, AIDED, AGAIN = 0, 1, 2  # the networks of a weight file, see `Networks`
PREFIXES = ("", "aided.", "again.")  # what the names of their tensors begin with
AIDED_LONG_SIDE = "aided_long_side"  # in the metadata, beside LONG_SIDE: of the second network and the third
BEFORE = 11  # inputs of the stem in weights that know no `cues.traces`


class Networks(NamedTuple):
    """The networks of a weight file.

    plain : for frames without help. aided : for those with a clean plate or a guide; the same where the file has one
    network. again : which looks again at what the first has found, or None.
    """

    plain: TwoStage
    aided: TwoStage
    again: TwoStage | None


def networks(weights: WeightFile) -> Networks:
    """Raises ModelError: a tensor of one is missing, or is of something else."""
    plain, aided, again = (_network(weights, which) for which in (PLAIN, AIDED, AGAIN))
    assert plain is not None
    return Networks(plain, aided or plain, again)


def _network(weights: WeightFile, which: int) -> TwoStage | None:
    """One of them, or None where nothing is there of it."""
    prefix = PREFIXES[which]
    others = tuple(each for each in PREFIXES if each and each != prefix)
    own = {name: value for name, value in weights.tensors.items() if name.startswith(prefix)}
    own = {name[len(prefix) :]: value for name, value in own.items() if not name.startswith(others)}
    if prefix and not own:
        return None
    net = TwoStage()
    fill(net, replace(weights, tensors=_widened(own, net)))
    return net


def _widened(tensors: dict[str, Tensor], net: TwoStage) -> dict[str, Tensor]:
    """Weights of before the network had the last of its cues: what they know nothing of weighs nothing."""
    name, wanted = next(each for each in net.stem.named_parameters(prefix="stem"))
    own = tensors.get(name)
    if own is None or own.ndim != 4 or not BEFORE <= own.shape[1] < wanted.shape[1]:
        return tensors
    return tensors | {name: F.pad(own, [0, 0, 0, 0, 0, wanted.shape[1] - own.shape[1]])}


def as_one(plain: TwoStage, aided: TwoStage, again: TwoStage | None = None) -> TwoStage:
    """The first network with the others as parts of it: its state is a weight file's of all."""
    for which, net in ((AIDED, aided), (AGAIN, again)):
        if net is not None and net is not plain:
            plain.add_module(PREFIXES[which].rstrip("."), net)
    return plain


def long_sides(weights: WeightFile) -> tuple[int, int]:
    """Of the coarse frames, in pixels, without help, and with it or looked at again; as they were trained.
    Raises ModelError."""
    plain = coarse_long_side(weights)
    return plain, coarse_long_side(weights, AIDED_LONG_SIDE) if AIDED_LONG_SIDE in weights.metadata else plain
