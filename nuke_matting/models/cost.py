"""What a model costs: its parameters, and the multiply-accumulates of a frame.

Convolutions and products of matrices are counted, as is usual, by torch's own counter; 1 GMAC is 1e9 of them. Where
the work depends on the picture, the count is the most that default settings allow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from nuke_matting.models.background import PATCHES, BackgroundModel, coarse_size
from nuke_matting.models.contract import Array, FrameInput, Model, Quality
from nuke_matting.models.memory import MemoryModel
from nuke_matting.models.regional import RegionalModel
from nuke_matting.models.two_stage import Encoded, TwoStageModel
from nuke_matting.models.two_stage_file import AGAIN
from nuke_matting.nets import regions as rg
from nuke_matting.nets.background import Coarse, choose
from nuke_matting.nets.background_refiner import PATCH
from nuke_matting.nets.trimap_decoder import Level
from nuke_matting.settings import Settings

SIZES = {"gmacs_512": (512, 512), "gmacs_hd": (1920, 1080), "gmacs_4k": (3840, 2160)}  # width, height


def parameters(model: Model) -> int:
    """How many numbers one of our models learned."""
    if isinstance(model, TwoStageModel):
        nets: set[torch.nn.Module] = {net for net in model.nets if net is not None}
    else:
        assert isinstance(model, MemoryModel | RegionalModel | BackgroundModel)
        nets = {model.net}
    return sum(each.numel() for net in nets for each in net.parameters())


def gmacs(model: Model, width: int, height: int) -> float:
    """Of a frame of one of our models, its features and its memory's reading included, not its neighbours' features."""
    if isinstance(model, TwoStageModel):
        return sum(two_stage_gmacs(model, width, height))
    if isinstance(model, RegionalModel):
        return sum(regional_gmacs(model, width, height))
    if isinstance(model, BackgroundModel):
        return sum(background_gmacs(model, width, height))
    return counted(lambda: one_frame(model, some_frame(width, height), len(model.references)))


def one_frame(model: Model, frame: FrameInput, memory: int = 0) -> None:
    """All that a model does for a frame, with itself `memory` times for a memory."""
    own = model.encode(model.prepare(frame))
    model.matte(frame, own, [own] * memory, by_default())


def others_like(own: Encoded, model: TwoStageModel) -> list[Encoded]:
    """A memory of other frames that look like a frame; the frame itself would stand for none."""
    return [own._replace() for _ in model.references]


def two_stage_gmacs(
    model: TwoStageModel, width: int, height: int, clean: bool = False, guide: bool = False
) -> tuple[float, float, float, float]:
    """GMACs of the encoder and what it shows to others, of memory and decoder, of the third network's second look where
    memory changes what the first finds, and of the default budget of regions.

    clean, guide : with a clean plate, a rough guide, so of the second network alone, if the weights have one.
    """
    frame = some_frame(width, height, clean, guide)
    image = torch.from_numpy(np.ascontiguousarray(frame.image.transpose(2, 0, 1)))[None].to(model.device)
    found: dict[str, Any] = {}
    with torch.inference_mode():
        encode = counted(lambda: found.update(own=model.encode(model.prepare(frame))))
        own = found["own"]
        if own.second_look is not None:
            encode += counted(lambda: own.second_look.answer)
        memory = others_like(own, model)
        decode = counted(lambda: found.update(coarse=model.coarse(own, memory, model.votes(own, memory))))
        again, which = 0.0, own.which
        if own.second_look is not None:
            again = counted(lambda: found.update(again=model.again(own, found["coarse"].alpha, AGAIN)))
            which, _, found["coarse"] = found["again"]
        error = torch.from_numpy(outline(*rg.grid_size(height, width))).to(model.device)
        chosen = rg.choose(error, by_default().budget(height, width), 0.0)
        net = model.net(which)
        refine = counted(lambda: net.refine(image, None, found["coarse"], chosen))
    return encode, decode, again, refine


def regional_gmacs(model: RegionalModel, width: int, height: int) -> tuple[float, float]:
    """GMACs of the coarse stage, and of as many regions as the default budget allows."""
    frame = some_frame(width, height)
    found: dict[str, Level] = {}
    coarse = counted(lambda: found.update(own=model.encode(model.prepare(frame))))
    own = found["own"]
    open_ = torch.zeros_like(own.trimap)
    open_[:, 1] = torch.from_numpy(outline(*own.trimap.shape[-2:]))[0] + 1  # unknown everywhere, along an outline most
    return coarse, counted(lambda: model.matte(frame, Level(open_, own.segmentation), (), by_default()))


def background_gmacs(model: BackgroundModel, width: int, height: int) -> tuple[float, float]:
    """GMACs of the first stage, with a clean plate, and of as many patches as the default budget allows."""
    net, patches = model.net, by_default().budget(height, width) * PATCHES
    height, width = height + -height % PATCH, width + -width % PATCH
    small, full = torch.zeros(1, 3, *coarse_size(height, width)), torch.zeros(1, 3, height, width)
    found: dict[str, Coarse] = {}
    with torch.inference_mode():
        first = counted(lambda: found.update(coarse=net.coarse(small, small)))
        chosen = choose(torch.from_numpy(outline(*small.shape[2:])), height, width, patches)
        return first, counted(lambda: net.refine(full, full, found["coarse"], chosen))


def counted(work: Callable[[], object]) -> float:
    """GMACs that torch does in a piece of work."""
    # the quick kernels of attention are not known to the counter
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops() / 2e9


def by_default() -> Quality:
    """The quality that default settings ask for."""
    settings = Settings()
    return Quality(settings.regions, settings.region_batch)


def some_frame(width: int, height: int, clean: bool = False, guide: bool = False) -> FrameInput:
    """A frame of noise, the same each time; a clean plate alike, and a guide to its left half, where asked for."""
    dice = np.random.default_rng(0)
    image, plate = (dice.random((height, width, 3), dtype=np.float32) for _ in range(2))
    left = np.repeat(np.arange(width, dtype=np.float32)[None] < width / 2, height, axis=0).astype(np.float32)
    return FrameInput(image, plate if clean else None, left if guide else None)


def outline(rows: int, columns: int) -> Array:
    """An error map [1, 1, rows, columns] that is high along an outline, as a person's is."""
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    radius = np.hypot((x - columns / 2) / columns, (y - rows / 2) / rows)
    wave = 0.05 * np.sin(np.arctan2(y - rows / 2, x - columns / 2) * 9)
    return np.exp(-(((radius - 0.3 - wave) / 0.1) ** 2)).astype(np.float32)[None, None]
