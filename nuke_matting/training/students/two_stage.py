"""The student of `two_stage`: the coarse stage with its memory, then the regions at full size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nuke_matting.errors import UsageError
from nuke_matting.models.tensors import to_device
from nuke_matting.models.two_stage_file import long_sides, networks
from nuke_matting.models.weights import LARGEST, LONG_SIDE, WeightFile
from nuke_matting.nets import regions as rg
from nuke_matting.nets.decoder import SHUFFLED, Coarse
from nuke_matting.nets.memory import KeyValue
from nuke_matting.nets.resize import area, bilinear
from nuke_matting.nets.two_stage import OWN, Features, TwoStage, coarse_size, stack
from nuke_matting.training import losses
from nuke_matting.training.calibration import fitted, fold
from nuke_matting.training.data import Batch, flat, given, layers_of
from nuke_matting.training.stages import Recipe, Stage, Weight, Within
from nuke_matting.training.student import Student, at_work, weighed

ALONE = 0.15  # how often the frames of a clip have themselves alone for memory, as at the head of a shot
PIXELS = 2_000  # of each sample, about, for the calibration
FIRST_SIZES = 0.75, 1.3  # over its own, of frames as the first network sees them in training: it errs otherwise at each
FALSE, LOST = 0.2, 0.15  # how often somebody else is put into what the first network finds, and a part taken out
AT_RANDOM = 0.03  # of the regions' cells, whatever the error map says


@dataclass(frozen=True)
class TwoStageLosses:
    """What each loss is multiplied by. The fine ones are of the regions at full size."""

    alpha: Weight
    laplacian: Weight
    foreground: Weight
    composition: Weight
    error: Weight
    direct: Weight
    cover: Weight
    temporal: Weight
    fine_alpha: Weight
    fine_gradient: Weight
    fine_foreground: Weight


@dataclass(frozen=True)
class TwoStageRecipe(Recipe):
    """A recipe for `two_stage`.

    coarse_long_side : pixels; the long side of coarse frames of 16:9 at work, about that of the last stages' sizes.
    regions : refined in each training frame.
    calibrated : samples by which the coarse alpha is calibrated at the start of a stage in which the refinement alone
        learns, when it starts from another stage's weights; 0 leaves it as it is.
    detail : how often the regions learn from the true alpha at half the coarse frame's size, in place of the coarse
        stage's own; what is left to correct is detail then.
    shown : how often the network is shown the clean plate, and how often the guide, each by itself.
    twice : how often its guides are closer to what they are of by its own answer, as at work (see `TwoStage.closer`).
    after : whether it comes after another network: what that finds is its guide where it is shown nothing.
    """

    coarse_long_side: Annotated[int, Within(32, LARGEST)]
    regions: Annotated[int, Within(1, 100_000)]
    calibrated: Annotated[int, Within(0, 100_000)]
    detail: Annotated[float, Within(0, 1)]
    shown: Annotated[float, Within(0, 1)]
    twice: Annotated[float, Within(0, 1)]
    after: bool
    losses: TwoStageLosses


class First(NamedTuple):
    """The network that comes first, and the long side of the coarse frames that it sees; not a part of the student."""

    net: TwoStage
    long_side: int


class TwoStageStudent(Student):
    """See `Student`. Only training needs the heads that supervise the memory's output directly."""

    kind = TwoStageRecipe
    takes_help = True
    recipe: TwoStageRecipe
    net: TwoStage

    def __init__(self, recipe: TwoStageRecipe) -> None:
        super().__init__(recipe)
        self.net = TwoStage()
        self.direct = nn.Conv2d(192, 4, 1)  # alpha at 1/16, Song, equation 8; three channels are at rest
        self.cover = nn.Conv2d(192, 1, 1)  # logit of the alpha at 1/16: absolute errors alone learn slowly what is whom
        self._first: First | None = None

    @property
    def refinement(self) -> nn.Module:
        return self.net.refiner

    def learners(self, stage: Stage) -> Sequence[nn.Module]:
        if stage.learns == "memory":
            return self.net.memory, self.net.decoder, self.direct, self.cover
        return super().learners(stage)

    @property
    def comes_after(self) -> bool:
        return self.recipe.after

    def follow(self, weights: WeightFile, device: torch.device) -> None:
        if not self.comes_after:
            raise UsageError(
                "the recipe is of a network that comes after no other one",
                advice="leave out --after, or write after: true in the recipe",
            )
        self._check(weights)
        self._first = First(to_device(networks(weights).plain, str(device)), long_sides(weights)[False])

    def _fill(self, weights: WeightFile, helped: bool) -> None:
        plain, aided, again = networks(weights)
        net = plain if not helped else again if again is not None and self._first is not None else aided
        self.net.load_state_dict(net.state_dict())
        for head in (self.direct, self.cover):  # they are in no file; drawn at random, they would first teach it noise
            nn.init.zeros_(head.weight)

    def about(self) -> dict[str, str]:
        return {LONG_SIDE: str(self.recipe.coarse_long_side)}

    def begin(self, stage: Stage, batches: Iterator[Batch], generator: torch.Generator) -> str:
        """Calibrates the coarse alpha, where regions alone are to learn: they correct what is left.

        Every frame is its own memory, and has help only where nothing else tells the subject, as the network has it at
        work. The error map stays: it goes on to find what was wrong before, and so some regions more than are wanted.
        """
        if stage.learns != "refinement" or self.recipe.calibrated == 0:
            return ""
        found: list[tuple[Tensor, Tensor]] = []
        with at_work(self):
            for batch in islice(batches, math.ceil(self.recipe.calibrated / stage.batch)):
                small = layers_of(batch, stage.enlarge)
                frame = self._encode(small, *given(batch.guided, 0.0, False, generator))
                alpha = self.net.coarse(frame, [frame.memory]).alpha.float()
                some = torch.randperm(alpha.numel(), generator=generator)[: stage.batch * PIXELS].to(alpha.device)
                found.append((alpha.flatten()[some], small["alpha"].flatten()[some]))
        contrast, offset = fitted(*(torch.cat(each) for each in zip(*found, strict=True)))
        fold(self.net.decoder.head, SHUFFLED, contrast, offset)
        return f"the coarse alpha is calibrated: {contrast:.3f} (a - 0.5) + {0.5 + offset:.3f}"

    def forward(self, batch: Batch, stage: Stage, generator: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
        net, (b, t) = self.net, batch.image.shape[:2]
        small = layers_of(batch, stage.enlarge)
        # the region stage takes one clean plate setting for all
        clean_given, guide_given = given(batch.guided, self.recipe.shown, stage.enlarge != 1, generator)
        features = self._encode(small, clean_given, guide_given, generator)

        f16 = self._read(features.memory, t, generator)
        coarse = net.decoder(f16, features.f8, features.f4, features.f2)

        out = self._coarse_losses(coarse, f16, small)
        if stage.enlarge > 1:
            out |= self._refine(batch, flat(small), coarse, clean_given, generator)
        alpha = coarse.alpha.detach().float().clamp(0, 1).unflatten(0, (b, t))
        return weighed(out, self.recipe.losses), alpha

    def _encode(
        self,
        small: dict[str, Tensor],
        clean_given: Tensor,
        guide_given: Tensor,
        generator: torch.Generator | None = None,
    ) -> Features:
        """Of [B * T] frames; those are shown their clean plate and guide that are said to be given them.

        Frames that are given neither have what the first network finds for their guide, where there is one.
        generator : draws the size at which that sees them, and whether guides are closer; without one, as at work.
        """
        b, t, _, height, width = small["image"].shape
        guide, channel = small["guide"] * guide_given, guide_given.float()
        alone = ~(clean_given | guide_given).flatten()
        if self._first is not None and alone.any():
            found = self._first_alpha(self._first, small["image"][alone], generator)
            found = found if generator is None else _erring(found, generator)
            guide, channel = guide.index_put((alone,), found), channel + OWN * alone.view_as(channel)
        shown = (small["image"], small["clean"] * clean_given, clean_given.float(), guide, channel)
        x = torch.cat([each.expand(b, t, -1, height, width) for each in shown], dim=2).flatten(0, 1)
        drawn = 0.0 if generator is None else float(torch.rand((), generator=generator))
        if drawn < self.recipe.twice:
            with at_work(self):
                x = self.net.closer(x)
        return self.net.encode(x.contiguous(memory_format=torch.channels_last))

    def _first_alpha(self, first: First, images: Tensor, generator: torch.Generator | None) -> Tensor:
        """What the first network finds in clips [N, T, 3, h, w], each frame by itself; [N, T, 1, h, w]."""
        flat_, (height, width) = images.flatten(0, 1), images.shape[-2:]
        least, most = FIRST_SIZES
        scale = 1.0 if generator is None else least + (most - least) * float(torch.rand((), generator=generator))
        size = coarse_size(height, width, round(first.long_side * scale))
        with torch.no_grad():
            frame = first.net.encode(stack(area(flat_, *size)).contiguous(memory_format=torch.channels_last))
            alpha = first.net.coarse(frame, [frame.memory]).alpha.float().clamp(0, 1)
            return bilinear(alpha, height, width).unflatten(0, images.shape[:2])

    def _read(self, memory: KeyValue, t: int, generator: torch.Generator) -> Tensor:
        """What the memory gives to each frame of clips of t frames, [B * T, C, h, w]: it reads the two before."""
        keys, values = (each.unflatten(0, (-1, t)) for each in memory)
        frames = [KeyValue(keys[:, at], values[:, at]) for at in range(t)]
        alone = t == 1 or torch.rand((), generator=generator) < ALONE
        read = []
        for at, own in enumerate(frames):
            before = [own] if alone or at == 0 else [frames[at - 1], frames[max(0, at - 2)]]
            read.append(self.net.memory(own, before))
        return torch.stack(read, 1).flatten(0, 1)

    def _coarse_losses(self, coarse: Coarse, f16: Tensor, small: dict[str, Tensor]) -> dict[str, Tensor]:
        true = flat(small)
        unbounded = coarse.alpha.float()
        alpha = losses.clamp_through(unbounded)
        fg = true["image"] + coarse.residual.float()
        direct = self.direct(f16).float()
        truth = F.interpolate(true["alpha"], size=direct.shape[-2:], mode="area")
        out = {
            "alpha": losses.undecided(unbounded, true["alpha"]).mean(),
            "laplacian": losses.laplacian(alpha, true["alpha"]),
            "foreground": losses.foreground(fg, true["foreground"], true["alpha"]),
            "composition": losses.composition(alpha, fg, true["alpha"], true["foreground"]),
            "error": losses.error(coarse.error.float(), alpha, true["alpha"]),
            "direct": losses.l1(losses.clamp_through(direct[:, :1]), truth),
            "cover": F.binary_cross_entropy_with_logits(self.cover(f16).float(), truth),
        }
        b, t = small["alpha"].shape[:2]
        if t > 1:
            out["temporal"] = losses.temporal(alpha.unflatten(0, (b, t)), small["alpha"])
        return out

    def _refine(
        self, batch: Batch, small: dict[str, Tensor], coarse: Coarse, clean_given: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Losses of the regions, at full size. A few are drawn at random, so that plain ones are known too.

        They train the region stage alone: their weight, an average over few pixels, would drown the coarse stage's own.
        """
        coarse = Coarse(*(each.detach() for each in coarse))
        image, true_alpha = batch.image.flatten(0, 1), batch.alpha.flatten(0, 1)
        seen = small["image"]
        right = losses.about_right(coarse.alpha.float().clamp(0, 1), small["alpha"])
        if torch.rand((), generator=generator) < self.recipe.detail:
            half = [max(1, side // 2) for side in seen.shape[-2:]]
            seen, right = area(seen, *half), torch.ones_like(right)
            coarse = coarse._replace(alpha=area(small["alpha"], *half))
        clean = batch.clean.flatten(0, 1) if clean_given.any() else None
        grid = rg.grid_size(*image.shape[-2:])
        error = F.interpolate(coarse.error.float().sigmoid(), size=grid, mode="area")
        noise = torch.rand(error.shape, generator=generator).to(error.device)
        cells = rg.choose(torch.where(noise > 1 - AT_RANDOM, noise, error), self.recipe.regions, 0.0)
        alpha, patches = self.net.refine(image, clean, coarse, cells, small=seen)
        residual = self.net.residual(coarse, cells, patches, *image.shape[-2:])
        unbounded, fg = alpha.float(), image + residual.float()
        alpha = losses.clamp_through(unbounded)
        inside = rg.paste(torch.zeros_like(alpha), cells, alpha.new_ones(len(cells), 1, rg.CELL, rg.CELL))
        counts = inside * bilinear(right, *image.shape[-2:])
        total = counts.sum().clamp(min=1)
        return {
            "fine_alpha": (losses.undecided(unbounded, true_alpha) * counts).sum() / total,
            "fine_gradient": (losses.gradients(alpha, true_alpha) * counts).sum() / total,
            "fine_foreground": losses.foreground(fg, batch.foreground.flatten(0, 1), true_alpha * inside),
        }


def _erring(found: Tensor, generator: torch.Generator) -> Tensor:
    """What the first network finds, [N, T, 1, h, w], with mistakes: it makes fewer on what it has learnt from than at
    work, and whoever comes after it would trust it too far."""
    false, lost = torch.rand(2, len(found), 1, 1, 1, 1, generator=generator).to(found.device)
    strength = torch.rand(len(found), 1, 1, 1, 1, generator=generator).to(found.device) * 0.7 + 0.3
    one, two = (found[torch.randperm(len(found), generator=generator).to(found.device)] for _ in range(2))
    found = torch.where(false < FALSE, torch.maximum(found, strength * one.flip(-1)), found)
    return torch.where(lost < LOST, found * (1 - two.flip(-1)), found)
