"""The student of `background`: with a clean plate, and with one that it guessed; coarse, then patches at full size.

Lin et al., "Real-Time High-Resolution Background Matting" (CVPR 2021), section 4.3; the guess is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from nuke_matting.nets.background import ABSENT, BASES, BackgroundNetwork, Coarse, choose
from nuke_matting.nets.background_refiner import HIDDEN, PATCH
from nuke_matting.nets.resize import bilinear, pad_to_multiple
from nuke_matting.training import losses
from nuke_matting.training.data import Batch, flat, layers_of
from nuke_matting.training.stages import Among, Recipe, Stage, Weight, Within
from nuke_matting.training.student import Student, at_work, weighed


@dataclass(frozen=True)
class BackgroundLosses:
    """What each loss is multiplied by. The fine ones are of the refined matte at full size."""

    alpha: Weight
    gradient: Weight
    foreground: Weight
    error: Weight
    plate: Weight
    fine_alpha: Weight
    fine_gradient: Weight
    fine_foreground: Weight


@dataclass(frozen=True)
class BackgroundRecipe(Recipe):
    """A recipe for `background`.

    base : the encoder.
    patches : of 4x4 pixels, refined in each training frame.
    plateless : share of the samples of people that have no clean plate, so that it is guessed; others always have one.
    """

    base: Annotated[str, Among(tuple(BASES))]
    patches: Annotated[int, Within(1, 1_000_000)]
    plateless: Annotated[float, Within(0, 1)]
    losses: BackgroundLosses


class BackgroundStudent(Student):
    """See `Student`. One pass of the encoder sees plates beside clean ones, given or guessed, and plates without."""

    kind = BackgroundRecipe
    takes_help = True
    least = 2  # ASPP normalises what is left of a whole frame, one value a channel
    recipe: BackgroundRecipe
    net: BackgroundNetwork

    def __init__(self, recipe: BackgroundRecipe) -> None:
        super().__init__(recipe)
        self.net = BackgroundNetwork(recipe.base, predicts_plate=True)

    @property
    def refinement(self) -> nn.Module:
        return self.net.refiner

    def about(self) -> dict[str, str]:
        return {"base": self.recipe.base, "predicts_plate": "yes"}

    def forward(self, batch: Batch, stage: Stage, generator: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
        b, t = batch.image.shape[:2]
        small = flat(layers_of(batch, stage.enlarge))
        drawn = torch.rand(b, generator=generator) < self.recipe.plateless
        without = (drawn.to(batch.guided.device) & ~batch.guided).repeat_interleave(t).nonzero()[:, 0]
        clean = self._guess(small["image"], small["clean"], without)
        coarse, plate = self._coarse(small["image"], clean, without)
        alpha = coarse.alpha.float()
        out = {
            "alpha": losses.l1(alpha, small["alpha"]),
            "gradient": losses.gradient(alpha, small["alpha"]),
            "foreground": losses.foreground(
                small["image"] + coarse.residual.float(), small["foreground"], small["alpha"]
            ),
            "error": losses.error_size(coarse.error.float(), alpha, small["alpha"]),
            "plate": losses.l1(plate.float(), small["clean"][without]) if len(without) else alpha.new_zeros(()),
        }
        if stage.enlarge > 1:
            full = flat(layers_of(batch, 1))
            out |= self._refine(full, clean, coarse, without)
        return weighed(out, self.recipe.losses), alpha.detach().unflatten(0, (b, t))

    def _guess(self, image: Tensor, clean: Tensor, without: Tensor) -> Tensor:
        """The clean plates [N, 3, h, w], those of frames `without` as the network guesses them.

        As at work, so that the coarse stage learns what to make of them; they teach the plate decoder nothing.
        """
        if len(without) == 0:
            return clean
        with at_work(self.net):
            guessed = self.net.plate(image[without])
        return clean.index_copy(0, without, guessed.to(clean.dtype))

    def _coarse(self, image: Tensor, clean: Tensor, without: Tensor) -> tuple[Coarse, Tensor]:
        """The first stage's answer for all frames, and the guessed clean plates of frames `without`.

        As `BackgroundNetwork.coarse` and `plate`, but in one pass, so that batch norm has the same statistics for both;
        and with gradients for what is out of range, which a clamp would leave there.
        """
        net, n = self.net, len(image)
        assert net.plate_decoder is not None
        alone = image[without]
        pairs = torch.cat([torch.cat([image, clean], 1), torch.cat([alone, torch.full_like(alone, ABSENT)], 1)])
        *scales, deep = net.backbone(pairs.contiguous(memory_format=torch.channels_last))
        deep = net.aspp(deep)
        said = net.decoder(deep[:n], [each[:n] for each in scales])
        alpha, residual, error, hidden = said.split([1, 3, 1, HIDDEN], dim=1)
        coarse = Coarse(losses.clamp_through(alpha), residual, losses.clamp_through(error), hidden.relu())
        if len(without) == 0:
            return coarse, alone
        return coarse, alone + net.plate_decoder(deep[n:], [each[n:] for each in scales])

    def _refine(
        self, full: dict[str, Tensor], small_clean: Tensor, coarse: Coarse, without: Tensor
    ) -> dict[str, Tensor]:
        """Losses of the full-size answer, which teach both stages, as with the authors.

        full : the batch's layers, [N, C, H, W]. Frames `without` a clean plate have that of `small_clean`, enlarged.
        """
        height, width = full["image"].shape[2:]
        clean = full["clean"].index_copy(0, without, bilinear(small_clean[without], height, width))
        pair = pad_to_multiple(torch.cat([full["image"], clean], dim=1), PATCH)
        # always as many, so that where errors are few it sees what is right already, and learns to leave it
        patches = choose(coarse.error.detach(), pair.shape[2], pair.shape[3], self.recipe.patches, threshold=-1.0)
        said = torch.cat([coarse.alpha, coarse.residual], dim=1)
        out = self.net.refiner(pair, said, coarse.hidden, patches, max(1, len(patches)))[..., :height, :width].float()
        alpha, residual = losses.clamp_through(out[:, :1]), out[:, 1:]
        return {
            "fine_alpha": losses.l1(alpha, full["alpha"]),
            "fine_gradient": losses.gradient(alpha, full["alpha"]),
            "fine_foreground": losses.foreground(full["image"] + residual, full["foreground"], full["alpha"]),
        }
