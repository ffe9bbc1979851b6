"""The student of `memory`: clips whose frames read from two named ones, then the deep guided filter to full size.

Song, "Attention-based Memory video portrait matting", section 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from nuke_matting.models.contract import named_frames
from nuke_matting.models.memory import REFERENCES
from nuke_matting.nets.memory import KeyValue
from nuke_matting.nets.memory_network import Features, MemoryNetwork, Small
from nuke_matting.training import losses
from nuke_matting.training.data import Batch, flat, layers_of
from nuke_matting.training.memory_heads import MemoryHeads
from nuke_matting.training.stages import Among, Recipe, Stage, Weight, Within
from nuke_matting.training.student import Student, weighed


@dataclass(frozen=True)
class MemoryLosses:
    """What each loss is multiplied by. The fine ones are of the matte that the deep guided filter gives."""

    alpha: Weight
    laplacian: Weight
    composition: Weight
    foreground: Weight
    direct: Weight
    segmentation: Weight
    temporal: Weight
    fine_alpha: Weight
    fine_laplacian: Weight
    fine_composition: Weight
    fine_foreground: Weight


@dataclass(frozen=True)
class MemoryRecipe(Recipe):
    """A recipe for `memory`.

    references : which two frames each frame reads from, by the names of `models.memory`; a clip is a shot.
    coarse_long_side : pixels; the long side of small frames of 16:9 at work, about that of the last stages' sizes.
    """

    references: Annotated[str, Among(tuple(REFERENCES))]
    coarse_long_side: Annotated[int, Within(32, 4096)]
    losses: MemoryLosses


class MemoryStudent(Student):
    """See `Student`. Only training needs the heads: a matte of what the memory gives, and a segmentation."""

    kind = MemoryRecipe
    takes_help = False
    recipe: MemoryRecipe
    net: MemoryNetwork

    def __init__(self, recipe: MemoryRecipe) -> None:
        super().__init__(recipe)
        self.net = MemoryNetwork()
        self.heads = MemoryHeads()

    @property
    def refinement(self) -> nn.Module:
        return self.net.guided_filter

    def about(self) -> dict[str, str]:
        return {"references": self.recipe.references, "coarse_long_side": str(self.recipe.coarse_long_side)}

    def forward(self, batch: Batch, stage: Stage, generator: torch.Generator) -> tuple[dict[str, Tensor], Tensor]:
        b, t = batch.image.shape[:2]
        true = flat(layers_of(batch, stage.enlarge))
        frame = self.net.encode(true["image"].contiguous(memory_format=torch.channels_last))
        f16 = self._read(frame.memory, b, t)
        small = self.net.decode(frame, f16)

        alpha, fg = losses.clamp_through(small.alpha.float()), true["image"] + small.residual.float()
        out = _of_frames(alpha, fg, true)
        out["direct"] = self.heads.supervise(f16, true["alpha"], true["foreground"])
        out["segmentation"] = self.heads.segmentation(small.hidden, (true["alpha"] > 0.5).float())
        if t > 1:
            pairs = ((alpha, true["alpha"]), (fg, true["foreground"]))
            of_alpha, of_foreground = (
                losses.temporal(mine.unflatten(0, (b, t)), other.unflatten(0, (b, t))) for mine, other in pairs
            )
            out["temporal"] = of_alpha + of_foreground
        if stage.enlarge > 1:
            out |= self._enlarge(batch, frame, small)
        return weighed(out, self.recipe.losses), alpha.detach().unflatten(0, (b, t))

    def _read(self, memory: KeyValue, b: int, t: int) -> Tensor:
        """What the memory gives to each of [B * T] frames, [B * T, C, h, w]; a clip is a shot of its own."""
        keys, values = (each.unflatten(0, (b, t)) for each in memory)
        frames = [KeyValue(keys[:, at], values[:, at]) for at in range(t)]
        offsets = REFERENCES[self.recipe.references]
        read = [
            self.net.memory(own, [frames[other] for other in named_frames(at, 0, offsets, t - 1)])
            for at, own in enumerate(frames)
        ]
        return torch.stack(read, 1).flatten(0, 1)

    def _enlarge(self, batch: Batch, frame: Features, small: Small) -> dict[str, Tensor]:
        """Losses of the full-size answer, which teach the whole network, as section 5.1 has it."""
        true = flat(layers_of(batch, 1))
        alpha, residual = self.net.enlarge(true["image"], frame, small)
        alpha, fg = losses.clamp_through(alpha.float()), true["image"] + residual.float()
        return {f"fine_{name}": value for name, value in _of_frames(alpha, fg, true).items()}


def _of_frames(alpha: Tensor, fg: Tensor, true: dict[str, Tensor]) -> dict[str, Tensor]:
    """Losses of frames by themselves: equations 4 to 6, and the foreground's own, which they leave to the product."""
    return {
        "alpha": losses.l1(alpha, true["alpha"]),
        "laplacian": losses.laplacian(alpha, true["alpha"]),
        "composition": losses.composition(alpha, fg, true["alpha"], true["foreground"]),
        "foreground": losses.foreground(fg, true["foreground"], true["alpha"]),
    }
