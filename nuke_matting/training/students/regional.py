"""The student of `regional`: stills, the trimap and the regions that it calls for learnt together.

Zhong and Zharkov, "Lightweight Portrait Matting via Regional Attention and Refinement" (WACV 2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nuke_matting.nets import regions as rg
from nuke_matting.nets.regional import RegionalNetwork
from nuke_matting.nets.trimap_decoder import UNKNOWN
from nuke_matting.training import regional_losses as losses
from nuke_matting.training.data import Batch, flat, layers_of, reduce_clip
from nuke_matting.training.losses import clamp_through
from nuke_matting.training.stages import Among, Recipe, Stage, Weight, Within
from nuke_matting.training.student import Student, weighed


@dataclass(frozen=True)
class RegionalLosses:
    """What each loss is multiplied by."""

    segmentation: Weight
    trimap: Weight
    alpha: Weight
    laplacian: Weight
    composition: Weight


@dataclass(frozen=True)
class RegionalRecipe(Recipe):
    """A recipe for `regional`.

    shrink : what the coarse stage's widths are divided by.
    regions : most of them in each training frame.
    """

    shrink: Annotated[int, Among((1, 2, 4))]
    regions: Annotated[int, Within(1, 100_000)]
    losses: RegionalLosses


class RegionalStudent(Student):
    """See `Student`. The network sees the frame at full size, and both of its stages learn from the start."""

    kind = RegionalRecipe
    takes_help = False
    recipe: RegionalRecipe
    net: RegionalNetwork

    def __init__(self, recipe: RegionalRecipe) -> None:
        super().__init__(recipe)
        self.net = RegionalNetwork(recipe.shrink)

    @property
    def refinement(self) -> nn.Module:
        return self.net.refiner

    def refines(self, stage: Stage) -> bool:
        return True

    def about(self) -> dict[str, str]:
        return {"shrink": str(self.recipe.shrink)}

    def forward(self, batch: Batch, stage: Stage, generator: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
        b, t = batch.image.shape[:2]
        true = flat(layers_of(batch, 1))
        trimap = losses.true_trimap(true["alpha"])
        levels = self.net.coarse(true["image"].contiguous(memory_format=torch.channels_last))
        cells = choose(levels[-1].trimap, trimap, self.recipe.regions, generator)
        alpha = clamp_through(self.net.refine(true["image"], levels[-1], cells, max(1, len(cells))).float())
        band = losses.band_weights(trimap)
        # noise, compression and light that adds up in linear values are no part of the alpha's error
        image = true["alpha"] * true["foreground"] + (1 - true["alpha"]) * true["clean"]
        out = {
            "segmentation": losses.segmentation([each.segmentation for each in levels], true["alpha"]),
            "trimap": losses.trimap_focal([each.trimap for each in levels], trimap),
            "alpha": losses.alpha(alpha, true["alpha"], band),
            "laplacian": losses.laplacian(alpha, true["alpha"], band),
            "composition": losses.composition(alpha, image, true["foreground"], true["clean"], band),
        }
        return weighed(out, self.recipe.losses), reduce_clip(alpha.detach().unflatten(0, (b, t)), stage.enlarge)


def choose(said: Tensor, true: Tensor, budget: int, generator: torch.Generator) -> Tensor:
    """Cells to refine in training, [N, 3] as in `regions.choose`: half of the truly unknown ones, drawn at random, then
    those that the trimap calls unknown, the surest first.

    A trimap that knows nothing yet would show the regions little of what they are for.

    said : [B, 3, rows, columns] logits; true : [B, 3, H, W]; budget : most cells in a frame.
    """
    probability = said.detach().float().softmax(1)
    called = (probability.argmax(1, keepdim=True) == UNKNOWN) * probability[:, UNKNOWN, None]
    unknown = F.max_pool2d(true[:, UNKNOWN, None], rg.CELL, ceil_mode=True) > 0
    drawn = torch.rand(called.shape, generator=generator).to(called.device)
    return rg.choose(torch.where(unknown & (drawn > 0.5), 1 + drawn, called), budget, 0.0)
