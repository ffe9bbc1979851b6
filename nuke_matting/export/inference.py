"""The model `two_stage` as one TorchScript module for Nuke's Inference node: a tensor in, a tensor out, no state.

It takes scene-linear pixels, does what `TwoStageModel` does with a frame, the one before it and the one after it, the
colour included, and gives scene-linear pixels back. Only operators of torch 1.12.1 are in it (Nuke 14's), and none that
fixes a size, a device or a precision: Nuke moves the module to a GPU and halves it as its knobs say. Colour stays in
float32 then.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nuke_matting.colour.exposure import EVERY, LIGHTS, LIT, MOST, WHITE
from nuke_matting.colour.model_space_tensors import from_model, to_model
from nuke_matting.errors import ModelError
from nuke_matting.models.tensors import DARKEST
from nuke_matting.models.two_stage import FURTHER, MOVED, THRESHOLD
from nuke_matting.models.two_stage_file import long_sides, networks
from nuke_matting.models.weights import WeightFile
from nuke_matting.nets import regions as rg
from nuke_matting.nets.decoder import Coarse
from nuke_matting.nets.memory import KeyValue
from nuke_matting.nets.resize import area, bilinear
from nuke_matting.nets.spread import CellMatte, cell_matte, consensus, gather, news, votes_of, with_alpha
from nuke_matting.nets.two_stage import OWN, Features, TwoStage, coarse_size, stack
from nuke_matting.nets.vit import Attention
from nuke_matting.plate.frame import LARGEST_HALF, LARGEST_LIGHT

FRAMES = 3  # the frame, the one before it, the one after it
BATCH = 1024  # regions at once
FARTHEST = 10.0  # stops that may be asked for, as the setting has it


@dataclass(frozen=True)
class Inputs:
    """What the module's input holds besides the frames' colour: a clean plate, guides."""

    clean: bool = False
    guide: bool = False


class Look(nn.Module):
    """One of the networks, and what it makes of frames: what `TwoStageModel` does with it.

    Images, clean plates and guides are [1, C, H, W], images in the model space.

    long_side : pixels of the coarse frames.
    """

    def __init__(self, net: TwoStage, long_side: int) -> None:
        super().__init__()
        self.net, self.long_side = net, long_side
        self.threshold, self.batch, self.own = THRESHOLD, BATCH, OWN
        self.moved, self.further = MOVED, FURTHER

    @torch.jit.export
    def remember(
        self, images: list[Tensor], clean: Tensor | None, guides: list[Tensor | None], dtype: torch.dtype
    ) -> tuple[Tensor, Coarse, Tensor, Tensor, list[int]]:
        """The first image as it was seen, and what it is with the others for a memory; what the cells of all of them
        look like, and what a second look is given of each: what it is by itself, and the first as others change it;
        and which of the others are frames of the clip.
        """
        others = _others(images)
        h, w = coarse_size(images[0].shape[2], images[0].shape[3], self.long_side)
        plate = area(clean, h, w) if clean is not None else None
        inputs: list[Tensor] = []
        for n in range(len(images)):
            guide = guides[n]
            inputs.append(stack(area(images[n], h, w), plate, area(guide, h, w) if guide is not None else None))
        small = torch.cat(inputs)
        features = self.net.encode(self.net.closer(small.to(dtype)))
        key, value = features.memory
        memory = [KeyValue(key[n : n + 1], value[n : n + 1]) for n in range(len(images))]
        own = Features(features.f2[:1], features.f4[:1], features.f8[:1], memory[0])
        alone = self.net.coarse(features, [features.memory]).alpha.float().clamp(0, 1)
        coarse = self.net.coarse(own, [memory[n] for n in others] if len(others) > 0 else memory[:1])
        alpha = coarse.alpha.float().clamp(0, 1)
        mattes = cell_matte(small[:, :3], features.f8, alone)
        rows, columns = features.f8.shape[2], features.f8.shape[3]
        alpha = _consensus(alpha, mattes, others, rows, columns)
        new = news(alone[:1], alpha, rows, columns, self.moved, self.further)
        found = torch.cat([alone[:1] + new * (alpha - alone[:1]), alone[1:]])
        answer = Coarse(alpha, coarse.residual, coarse.error, coarse.hidden)
        return small[:1, :3], answer, mattes.cells, found, others

    @torch.jit.export
    def again(
        self, images: list[Tensor], alphas: Tensor, cells: Tensor, others: list[int], dtype: torch.dtype
    ) -> tuple[Tensor, Coarse]:
        """The first image as it was seen, and what it is with an alpha of another network for a guide that errs, agreed
        with what the others are, each by itself.

        alphas : of all images, [N, 1, h, w]. cells, others : what `remember` found.
        """
        h, w = coarse_size(images[0].shape[2], images[0].shape[3], self.long_side)
        seen = torch.cat([area(image, h, w) for image in images])
        guide = bilinear(alphas, h, w)
        given = torch.full_like(guide, self.own)
        stacked = torch.cat([stack(seen)[:, :7], guide, given], dim=1)
        features = self.net.encode(stacked.to(dtype))
        found = self.net.coarse(features, [features.memory])
        rows, columns = alphas.shape[2] // 8, alphas.shape[3] // 8
        alpha = _consensus(found.alpha[:1], with_alpha(cells, found.alpha, rows, columns), others, rows, columns)
        return seen[:1], Coarse(alpha, found.residual[:1], found.error[:1], found.hidden[:1])

    @torch.jit.export
    def refine(
        self, image: Tensor, clean: Tensor | None, seen: Tensor, coarse: Coarse, budget: int
    ) -> tuple[Tensor, Tensor]:
        """Alpha and foreground residual at full size; `budget` regions at most are refined."""
        height, width = image.shape[2], image.shape[3]
        rows, columns = rg.grid_size(height, width)
        error = area(torch.sigmoid(coarse.error.float()), rows, columns)
        chosen = rg.choose(error, budget, self.threshold)
        alpha, patches = self.net.refine(image, clean, coarse, chosen, self.batch, seen)
        return alpha, self.net.residual(coarse, chosen, patches, height, width)


def _others(images: list[Tensor]) -> list[int]:
    """Which images are other frames than the first: at the ends of a clip Nuke gives that again, or black."""
    found: list[int] = []
    for n in range(1, len(images)):
        if bool((images[n] != images[0]).any()) and bool((images[n] != 0).any()):
            found.append(n)
    return found


def _consensus(alpha: Tensor, mattes: CellMatte, others: list[int], rows: int, columns: int) -> Tensor:
    """The first frame's alpha, agreed with the others': [1, 1, h, w]. mattes : of all [N, ...] frames."""
    own = CellMatte(mattes.cells[:1], mattes.matte[:1], mattes.trust[:1])
    if len(others) == 0:
        return consensus(alpha, own, None, rows, columns)
    votes = votes_of(mattes)
    cells = [mattes.cells[n : n + 1] for n in others]
    said = gather(own.cells, cells, [votes[n : n + 1] for n in others])
    return consensus(alpha, own, said, rows, columns)


class InferenceModule(nn.Module):
    """The network with all that is around it.

    Input [1, C, H, W], scene-linear, the channels in this order: RGB of the frame, of the one before it, of the one
    after it; with `inputs.clean`, RGB of the clean plate, which stands for all three frames; with `inputs.guide`,
    the guide of each of the three. Output [1, 4, H, W]: straight foreground RGB, scene-linear, and alpha.

    looks : of the network; or of two, of which the second looks again at what the first has found.
    regions, exposure : as the settings; attributes that knobs of the Inference node may set.
    matrix : 3x3, the input's linear RGB -> linear Rec.709.
    """

    def __init__(self, looks: Sequence[Look], inputs: Inputs, regions: float, matrix: NDArray[np.float64]) -> None:
        super().__init__()
        self.first = looks[0]
        self.second = looks[1] if len(looks) > 1 else None
        self.clean, self.guide = inputs.clean, inputs.guide
        self.regions, self.exposure = regions, 0.0
        self.every, self.darker, self.white, self.lit, self.brightest = EVERY, 1 - LIGHTS, WHITE, LIT, 2.0**MOST
        self.least, self.largest_gain = 2.0**-FARTHEST, 2.0 ** (FARTHEST + MOST)
        self.frames, self.largest, self.darkest, self.most = FRAMES, LARGEST_HALF, DARKEST, LARGEST_LIGHT
        self.to_rec709: list[float] = matrix.flatten().tolist()
        self.from_rec709: list[float] = np.linalg.inv(matrix).flatten().tolist()

    def forward(self, stacked: Tensor) -> Tensor:
        pixels = torch.nan_to_num(stacked.float(), 0.0, self.largest, -self.largest).clamp(-self.most, self.most)
        linear = [mixed(pixels[:, 3 * n : 3 * n + 3], self.to_rec709) for n in range(self.frames)]
        gains = [self._gain(each) for each in linear]
        images = [to_model(linear[n] * gains[n]) for n in range(self.frames)]
        height, width = stacked.shape[2], stacked.shape[3]

        clean, guides = self._clean(pixels, gains[0]), self._guides(pixels)
        plate = images[0]
        images = [each.clamp(min=self.darkest) for each in images]
        seen, coarse, cells, alphas, others = self.first.remember(images, clean, guides, stacked.dtype)
        # Quality.budget's, which cannot be scripted; TorchScript rounds to a float
        budget = int(round(self.regions * (height + width) / 8))  # noqa: RUF046
        if self.second is not None:
            seen, coarse = self.second.again(images, alphas, cells, others, stacked.dtype)
            alpha, residual = self.second.refine(images[0], clean, seen, coarse, budget)
        else:
            alpha, residual = self.first.refine(images[0], clean, seen, coarse, budget)
        # bounded before the mixing too: infinities would cancel to what is no number
        foreground = (from_model(plate + residual) * gains[0].pow(-1)).clamp(-self.largest, self.largest)
        foreground = mixed(foreground, self.from_rec709)
        out = torch.cat([foreground.clamp(-self.largest, self.largest), alpha.clamp(0, 1)], dim=1)
        return out.to(stacked.dtype)

    def _gain(self, linear: Tensor) -> Tensor:
        """The factor by which a frame is to be brighter; `colour.exposure.stops`, which cannot be scripted."""
        known, _ = linear[0, :, :: self.every, :: self.every].amax(0).flatten().sort()
        lights = known[int(self.darker * (len(known) - 1)) :].clamp(max=self.white).mean(dim=0)
        own = (self.lit * lights.clamp(min=1e-6).pow(-1)).clamp(1, self.brightest)
        return (own * 2**self.exposure).clamp(self.least, self.largest_gain)

    def _clean(self, pixels: Tensor, gain: Tensor) -> Tensor | None:
        if not self.clean:
            return None
        return to_model(mixed(pixels[:, 9:12], self.to_rec709) * gain).clamp(min=self.darkest)

    def _guides(self, pixels: Tensor) -> list[Tensor | None]:
        guides: list[Tensor | None] = []
        first = 12 if self.clean else 9
        for n in range(self.frames):
            guides.append(pixels[:, first + n : first + n + 1].clamp(0, 1) if self.guide else None)
        return guides


class PlainAttention(nn.Module):
    """`vit.Attention` without the fused operator, which torch has since 2.0 only."""

    def __init__(self, fused: Attention) -> None:
        super().__init__()
        self.heads, self.qkv, self.out = fused.heads, fused.qkv, fused.out

    def forward(self, x: Tensor) -> Tensor:
        b, n, width = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        weights = torch.softmax(q * (width // self.heads) ** -0.5 @ k.transpose(2, 3), dim=3)
        return self.out((weights @ v).transpose(1, 2).reshape(b, n, width))


def mixed(image: Tensor, matrix: list[float]) -> Tensor:
    """[B, 3, H, W] through a 3x3 matrix, row by row; in sums, since a GPU may shorten the factors of a matmul."""
    r, g, b = image.split(1, dim=1)
    rows = [matrix[3 * n] * r + matrix[3 * n + 1] * g + matrix[3 * n + 2] * b for n in range(3)]
    return torch.cat(rows, dim=1)


def build(weights: WeightFile, inputs: Inputs, regions: float, matrix: NDArray[np.float64]) -> InferenceModule:
    """The module with a model's weights, float32, on the CPU. Raises ModelError where they are of another network."""
    if weights.metadata["architecture"] != "two_stage":
        raise ModelError(
            f"a network {weights.metadata['architecture']!r} cannot be exported",
            path=weights.path,
            advice="use --model two_stage, or weights of that network",
        )
    aided = inputs.clean or inputs.guide
    nets, (own, other) = networks(weights), long_sides(weights)
    if aided:
        looks = [Look(nets.aided, other)]
    else:
        looks = [Look(nets.plain, own)]
        looks += [] if nets.again is None else [Look(nets.again, other)]
    for block in (block for look in looks for block in look.net.vit.blocks):
        fused = block.attention
        assert isinstance(fused, Attention)
        block.attention = PlainAttention(fused)
    module = InferenceModule(looks, inputs, regions, matrix)
    return module.eval().requires_grad_(False)


def torchscript(module: InferenceModule) -> bytes:
    """The module as a TorchScript file."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer torch calls TorchScript old; Nuke takes nothing else
        torch.jit.save(torch.jit.script(module), file)
    return file.getvalue()
