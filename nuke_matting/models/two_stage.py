"""The `two_stage` model: the network of `nets/two_stage.py` behind the engine's contract."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nuke_matting.models.carried import KeyPicture, carried
from nuke_matting.models.contract import Abilities, Array, FrameInput, Lies, Quality, RawMatte
from nuke_matting.models.tensors import array, autocast, memory_told, seen, tensor, to_device
from nuke_matting.models.two_stage_file import AGAIN, AIDED, PLAIN, long_sides, networks
from nuke_matting.models.weights import WeightFile
from nuke_matting.nets import regions as rg
from nuke_matting.nets.decoder import Coarse
from nuke_matting.nets.resize import area, bilinear
from nuke_matting.nets.spread import (
    DOUBT,
    CellMatte,
    cell_matte,
    consensus,
    gather,
    joined,
    keyed,
    news,
    placed,
    votes_of,
    with_alpha,
)
from nuke_matting.nets.two_stage import OWN, Features, TwoStage, coarse_size, stack

THRESHOLD = 0.05  # regions less likely wrong than this are left as they are
MOVED = 0.15  # of a cell's mean alpha: where other frames change that by less, the third network sees nothing new
FURTHER = 0.1  # until where it sees the change in part only: a frame just beyond a limit would step
KEY_TRUST = 10.0  # an artist's matte counts as much as so many frames' own, of a cell that they are sure of


class Prepared(NamedTuple):
    """The coarse inputs, [1, 9, h, w] float32 on the CPU.

    first : of the network that sees the frame first. second : of one that looks again. aided : the frame has help.
    lies : where the frame lies in its format, if that is known.
    """

    first: Tensor
    second: Tensor
    aided: bool
    lies: Lies | None = None


class Answer(NamedTuple):
    """What one of `Networks` says of a frame: the image as it saw it, [1, 3, h, w], and what it makes of that."""

    which: int
    small: Tensor
    coarse: Coarse


class SecondLook:
    """What the third network makes of a frame by itself, and its mattes in cells then: made when it is first asked for,
    and once. Frames that read a key frame need none."""

    def __init__(self, look: Callable[[], tuple[Answer, CellMatte]]) -> None:
        self._look: Callable[[], tuple[Answer, CellMatte]] | None = look
        self._lock = threading.Lock()

    @property
    def answer(self) -> Answer:
        return self._made()[0]

    @property
    def cell_matte(self) -> CellMatte:
        return self._made()[1]

    def _made(self) -> tuple[Answer, CellMatte]:
        with self._lock:
            if self._look is not None:
                self._kept, self._look = self._look(), None
            return self._kept


class Encoded(NamedTuple):
    """What a network knows of a frame.

    small : the image as it saw it, [1, 3, h, w]. alone : its answer without other frames. cell_matte : that, in
    cells. second : the input of a network that looks again, [1, 9, h, w]. which : of `Networks` it is. second_look : of
    the third, if there is one. key : of a frame with an artist's matte in place of the network's own, whether that
    shows a subject; None of others. key_alpha : that matte, of `second`'s size, where it shows one.
    """

    features: Features
    small: Tensor
    alone: Coarse
    cell_matte: CellMatte
    second: Tensor
    which: int
    second_look: SecondLook | None = None
    key: bool | None = None
    key_alpha: Tensor | None = None
    lies: Lies | None = None
    away: int = 1

    def cells_for(self, other: Encoded) -> Tensor:
        """What its cells look like, and where they lie in another frame, whose data window may be another."""
        if self.lies is None or other.lies is None or self.lies == other.lies:
            return self.cell_matte.cells
        grids = [(each.shape[2], each.shape[3]) for each in (self.features.f8, other.features.f8)]
        return placed(self.cell_matte.cells, grids[0], self.lies, grids[1], other.lies)


class Votes(NamedTuple):
    """Of other frames for the cells of one, [1, 2, N] as in `spread.gather`, or None where there are none: by what the
    network itself makes of them, and by what the third one does."""

    first: Tensor | None
    again: Tensor | None


class TwoStageModel:
    """See `contract.KeyedModel`. Reads from the two frames before and the two after, and the mattes of key frames.

    A weight file may hold a second network, for frames with a clean plate or a guide: what tells the subject by its
    looks and what tells it by such help grow in each other's way in so small a network. A frame reads from frames of
    its own network alone; in a shot, all have the same help. Where it reads a key frame, its matte is carried along the
    motion, and where that is unsure, what the key makes of the frame is a guide to the second network. A third one
    looks again at all other frames without help, at a larger size: what the first has found there is a guide to it, of
    which it knows that it errs. It does so once for a frame by itself, and once more where memory changes what the
    first has found. What it says is agreed with what it says of the frames around, each by itself.
    """

    abilities = Abilities(clean_plate=True, guide=True, keys=True)
    references: tuple[int | None, ...] = (-1, 1, -2, 2)

    def __init__(self, weights: WeightFile, device: str, precision: str) -> None:
        self.name = weights.metadata.get("name", weights.path.stem)
        self.digest, self.device, self.precision = weights.digest, device, precision
        self._long_sides = long_sides(weights)
        self.nets = tuple(None if net is None else to_device(net, device) for net in networks(weights))

    def net(self, which: int = PLAIN) -> TwoStage:
        """One of `Networks`, which the weights have."""
        net = self.nets[which]
        assert net is not None
        return net

    def prepare(self, frame: FrameInput) -> Prepared:
        """The frame's area averages at the coarse sizes, anamorphic ones unsqueezed."""
        image = seen(tensor(frame.image))
        clean = None if frame.clean is None else seen(tensor(frame.clean))
        guide = None if frame.guide is None else tensor(frame.guide)[None, None]
        aided = clean is not None or guide is not None
        shown = frame.unsqueezed(image.shape[-2], image.shape[-1])
        with torch.inference_mode():
            second = _reduced(image, clean, guide, coarse_size(*shown, self._long_sides[True]))
            one_size = self._long_sides[aided] == self._long_sides[True]
            first = second if one_size else _reduced(image, None, None, coarse_size(*shown, self._long_sides[False]))
        return Prepared(first, second, aided, frame.lies)

    def encode(self, prepared: Prepared) -> Encoded:
        with torch.inference_mode():
            second = prepared.second.to(self.device)
            stacked = second if prepared.aided else prepared.first.to(self.device)
            which = AIDED if prepared.aided else PLAIN
            with memory_told(self.device, stacked.shape[-2:]):
                features, alone = self._look(stacked, which)
            cells = cell_matte(stacked[:, :3], features.f8, alone.alpha)
            own = Encoded(features, stacked[:, :3], alone, cells, second, which, lies=prepared.lies)
            if which == PLAIN and self.nets[AGAIN] is not None:
                return own._replace(second_look=SecondLook(lambda: self._second_look(own)))
            return own

    def _second_look(self, own: Encoded) -> tuple[Answer, CellMatte]:
        """What the third network makes of a frame by itself; the same in cells."""
        with memory_told(self.device, own.second.shape[-2:]):
            answer = self.again(own, own.alone.alpha.float().clamp(0, 1), AGAIN)
        with torch.inference_mode():
            return answer, with_alpha(own.cell_matte.cells, answer.coarse.alpha, *own.features.f8.shape[-2:])

    def _look(self, stacked: Tensor, which: int) -> tuple[Features, Coarse]:
        """What a network makes of its input without other frames; of a guide alone, when that is closer."""
        with autocast(self.device, self.precision):
            net = self.net(which)
            features = net.encode(net.closer(stacked.contiguous(memory_format=torch.channels_last)))
            return features, net.coarse(features, [features.memory])

    def again(self, own: Encoded, alpha: Tensor, which: int) -> Answer:
        """What another network makes of a frame, with an alpha [1, 1, h, w] for its guide.

        which : AIDED where the alpha says what is wanted; AGAIN where it is what the first network found by itself.
        """
        with torch.inference_mode():
            guide = bilinear(alpha.float(), *own.second.shape[-2:])
            given = torch.full_like(guide, OWN if which == AGAIN else 1.0)
            stacked = torch.cat([own.second[:, :7], guide, given], dim=1)
            return Answer(which, own.second[:, :3], self._look(stacked, which)[1])

    def correct(self, encoded: Encoded, alpha: Array) -> Encoded:
        """A matte with less than one cell of a subject says nothing: not what it is, nor that others have none."""
        rows, columns = encoded.features.f8.shape[-2:]
        with torch.inference_mode():  # on the CPU: CUDA's smoothed resize refuses to shrink a 4K matte so far
            whole = torch.from_numpy(np.ascontiguousarray(alpha))[None, None]
            matte = area(whole, rows, columns)
            key = bool(matte.sum() >= 1)
            cells = keyed(encoded.cell_matte, matte.to(self.device), KEY_TRUST if key else 0.0)
            fine = area(whole, *encoded.second.shape[-2:]).clone() if key else None
        return encoded._replace(cell_matte=cells, second_look=None, key=key, key_alpha=fine)

    def away(self, corrected: Encoded, frames: int) -> Encoded:
        return corrected._replace(away=frames)

    def matte(self, frame: FrameInput, own: Encoded, memory: Sequence[Encoded], quality: Quality) -> RawMatte:
        height, width = frame.image.shape[:2]
        rows, columns = rg.grid_size(height, width)
        with memory_told(self.device, (height, width)), torch.inference_mode():
            which, small, coarse = self.answer(own, memory)
            net = self.net(which)
            pixels = tensor(frame.image, self.device)
            image = seen(pixels)
            clean = None if frame.clean is None else seen(tensor(frame.clean, self.device))
            with autocast(self.device, self.precision):
                error = area(torch.sigmoid(coarse.error.float()), rows, columns)
                chosen = rg.choose(error, quality.budget(height, width), THRESHOLD)
                alpha, patches = net.refine(image, clean, coarse, chosen, quality.batch, small)
            foreground = None
            if quality.foreground:
                residual = net.residual(coarse, chosen, patches, height, width)
                foreground = array(pixels + residual[0].float().permute(1, 2, 0))
            return RawMatte(array(alpha[0, 0].float().clamp(0, 1)), foreground)

    def answer(self, own: Encoded, memory: Sequence[Encoded]) -> Answer:
        """What is made of a frame at the coarse size, by the networks that it takes."""
        votes = self.votes(own, memory)
        coarse = self.coarse(own, memory, votes)
        keys = {  # each once: a key frame may be a reference as well
            id(each): KeyPicture(each.second[:, :3], each.key_alpha, each.lies, each.away)
            for each in memory
            if each.key_alpha is not None
        }
        if keys:
            return self.with_keys(own, coarse.alpha, list(keys.values()))
        if own.second_look is None:
            return Answer(own.which, own.small, coarse)
        alone, (rows, columns) = own.alone.alpha.float().clamp(0, 1), own.features.f8.shape[-2:]
        new = news(alone, coarse.alpha, rows, columns, MOVED, FURTHER)
        alpha = alone + new * (coarse.alpha - alone)
        found = self.again(own, alpha, AGAIN) if bool(new) else own.second_look.answer
        alpha = self.consensus_again(own, found.coarse.alpha, votes)
        return found._replace(coarse=found.coarse._replace(alpha=alpha))

    def with_keys(self, own: Encoded, alpha: Tensor, keys: list[KeyPicture]) -> Answer:
        """What is made of a frame that reads key frames: their mattes, carried along the motion, where that is sure;
        elsewhere what the second network makes of them and of an alpha [1, 1, h, w] that their votes have changed.

        They say what the subject is, as a guide does; a guide that there is was seen already.
        """
        known = carried(own.second[:, :3], own.lies, keys)
        answer = self.again(own, known.over(bilinear(alpha.float(), *own.second.shape[-2:])), AIDED)
        return answer._replace(coarse=answer.coarse._replace(alpha=known.over(answer.coarse.alpha)))

    def votes(self, own: Encoded, memory: Sequence[Encoded]) -> Votes:
        """Of the frames of `references` for a frame's cells. Where there are key frames, they alone vote: no other
        frame was told what is wanted; and those whose mattes show no subject have no vote."""
        near = len(self.references)  # what follows are key frames
        others: list[Encoded] = []
        for at, each in enumerate(memory):
            counts = each.key or (each.key is None and at < near)
            if counts and all(each is not known for known in (own, *others)):
                others.append(each)
        cells = own.cell_matte.cells
        with torch.inference_mode():
            if keys := [each.cell_matte._replace(cells=each.cells_for(own)) for each in others if each.key]:
                key = joined(keys)
                return Votes(gather(cells, [key.cells], [votes_of(key)]), None)
            if not others:
                return Votes(None, None)
            theirs = [votes_of(each.cell_matte) for each in others]
            if own.second_look is not None:
                again = [votes_of(each.second_look.cell_matte) for each in others if each.second_look is not None]
                theirs = [torch.cat(each, dim=1) for each in zip(theirs, again, strict=True)]
            rows = gather(cells, [each.cells_for(own) for each in others], theirs)
            return Votes(rows[:, :2], rows[:, 2:])

    def coarse(self, own: Encoded, memory: Sequence[Encoded], votes: Votes) -> Coarse:
        """A frame's answer at the coarse size: with the features of `references`, agreed with their votes."""
        with torch.inference_mode():
            with autocast(self.device, self.precision):
                read = [each.features.memory for each in memory[: len(self.references)] if each is not own]
                coarse = self.net(own.which).coarse(own.features, read or [own.features.memory])
            rows, columns = own.features.f8.shape[-2:]
            # a guide to the second network: nothing that the first is sure of holds against what key mattes say
            doubt = math.inf if any(each.key for each in memory) else DOUBT
            return coarse._replace(
                alpha=consensus(coarse.alpha, own.cell_matte, votes.first, rows, columns, doubt=doubt)
            )

    def consensus_again(self, own: Encoded, alpha: Tensor, votes: Votes) -> Tensor:
        """What the third network says of a frame, agreed with what it says of others."""
        grid = own.features.f8.shape[-2:]
        with torch.inference_mode():
            return consensus(alpha, with_alpha(own.cell_matte.cells, alpha, *grid), votes.again, *grid)


def _reduced(image: Tensor, clean: Tensor | None, guide: Tensor | None, size: tuple[int, int]) -> Tensor:
    """A coarse input [1, 9, *size]."""
    return stack(area(image, *size), *(None if each is None else area(each, *size) for each in (clean, guide)))
