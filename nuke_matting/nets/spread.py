"""What the mattes of other frames say of a frame: each votes for it, from cell to cell, by their likeness.

Every cell of a frame takes the mean of another frame's matte over the cells there that look like it and lie about where
it lies: the weights of non-local means (Buades et al., "A non-local algorithm for image denoising", 2005), with looks
from the stem. Nothing of it is learned.

This module's annotations are not postponed: TorchScript cannot read those of a NamedTuple otherwise; nor constants of a
module, so they are defaults of arguments.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from nuke_matting.nets.resize import area, bilinear

DOUBT = 0.1  # of what all together say, from 0.5


class CellMatte(NamedTuple):
    """A frame's matte, and what it looks like, in cells of 8x8 pixels.

    cells : [B, D, N], what they look like and where they lie: two are alike by exp(-d^2 / 2) of their distance d.
    matte : [B, 1, N], their mean alpha, in [0, 1].
    trust : [B, 1, N], what it counts; above 0 where it is a frame's own.
    """

    cells: Tensor
    matte: Tensor
    trust: Tensor


def cell_matte(image: Tensor, f8: Tensor, alpha: Tensor) -> CellMatte:
    """Of a coarse frame [B, 3, h, w], its stem features [B, C, h/8, w/8] and its own alpha [B, 1, h, w]."""
    return with_alpha(_cells(image.float(), f8.float()), alpha, f8.shape[2], f8.shape[3])


def with_alpha(cells: Tensor, alpha: Tensor, rows: int, columns: int) -> CellMatte:
    """Of a frame of so many cells with an alpha [B, 1, h, w] of any size, counted as far as it is near to 0 or 1."""
    alpha = alpha.float().clamp(0, 1)
    trust = area((2 * alpha - 1).abs(), rows, columns).flatten(2) + 1e-3
    return CellMatte(cells, area(alpha, rows, columns).flatten(2), trust)


def keyed(frame: CellMatte, matte: Tensor, trust: float) -> CellMatte:
    """Of a key frame, whose matte is known and counts `trust`; here the mean alpha of cells, [B, 1, h/8, w/8]."""
    return CellMatte(frame.cells, matte.float().flatten(2), torch.full_like(frame.trust, trust))


def joined(frames: list[CellMatte]) -> CellMatte:
    """Several frames as one: the one in which a cell is seen best votes for it."""
    return CellMatte(*(torch.cat(each, dim=2) for each in zip(*frames, strict=True)))


def placed(
    cells: Tensor,
    grid: tuple[int, int],
    lies: tuple[float, float, float, float],
    want: tuple[int, int],
    there: tuple[float, float, float, float],
    places: float = 0.14,
) -> Tensor:
    """Cells [B, D, N] of a frame, their places as those of a frame that shows another cut of the picture.

    grid, lies : rows and columns of the frame, and top, left, height and width of its cut, in any one unit.
    want, there : likewise of the other frame.
    places : as in `_cells`.
    """
    far = max(grid) / max(want)
    moved: list[Tensor] = [cells[:, :-2]]
    for axis in (0, 1):
        step, begins = across(grid[axis], lies[axis], lies[2 + axis], want[axis], there[axis], there[2 + axis])
        at = cells[:, axis - 2].unsqueeze(1)
        moved.append(at * (far * step) + begins / (places * max(want)))
    return torch.cat(moved, dim=1)


def across(count: int, begin: float, long: float, other: int, there: float, other_long: float) -> tuple[float, float]:
    """Step and first: the n-th of a row of `count` cells or pixels lies at step * n + first in a row of `other`.

    begin, long : where the row begins, and its length, in any one unit. there, other_long : likewise of the other.
    """
    own, each = long / count, other_long / other
    return own / each, (begin + own / 2 - there) / each - 0.5


def votes_of(frame: CellMatte) -> Tensor:
    """[B, 2, N], of a frame for its own cells: its matte as far as it counts, and what it counts."""
    return torch.cat([frame.trust * frame.matte, frame.trust], dim=1)


def gather(cells: Tensor, others: list[Tensor], votes: list[Tensor], weight: float = 1.5, found: float = 4.0) -> Tensor:
    """The sum of the votes of other frames, one or more, for each cell of a frame, [B, C, N].

    cells, others : of the frame and of each other one, as `CellMatte.cells`.
    votes : of each of them for its own cells, [B, C, its N]: `votes_of` one matte or several.
    weight : what another frame counts, in times of the frame itself.
    found : others count the less, the further what is most like a cell is from it: 0.6 at this distance, 0.14 at
        twice it. So they say little of what comes into view.
    """
    size = (cells**2).sum(dim=1).unsqueeze(2)
    sums: list[Tensor] = []
    for other, vote in zip(others, votes):  # noqa: B905, TorchScript
        near = cells.transpose(1, 2) @ other - 0.5 * (size + (other**2).sum(dim=1, keepdim=True))
        alike = torch.softmax(near, dim=2).transpose(1, 2)
        known = weight * torch.exp(near.amax(dim=2).clamp(max=0) / found / found).unsqueeze(1)
        sums.append(known * (vote @ alike))
    return torch.stack(sums).sum(dim=0)


def consensus(
    alpha: Tensor,
    own: CellMatte,
    others: Tensor | None,
    rows: int,
    columns: int,
    contrast: float = 1.3,
    ignored: float = 0.25,
    solid: float = 0.95,
    doubt: float = DOUBT,
) -> Tensor:
    """A frame's alpha [B, 1, h, w], moved to where its own votes and those of others agree; in [0, 1].

    What is 0 or 1 and nearer to that than to the other for all frames together, stays exactly so.

    others : their votes, as `gather` sums them, [B, 2, N]; None where there are none.
    rows, columns : of the frame's own cells.
    contrast : of what they agree on, about 0.5: else where most are sure and one is not a haze would be left.
    ignored : of a difference of this size half is made up for, of smaller ones less: they are of edges, which cells
        know less of than pixels; large ones are of parts that the network takes in one frame and not in the other.
    solid : how far from haze, |2 alpha - 1|, a pixel begins to be held so.
    doubt : where all together are no further than this from 0.5, it is held the less: else a step would show where they
        pass it, in the frame and in time. Infinite: nothing is held.
    """
    alpha = alpha.float().clamp(0, 1)
    if others is None:
        return alpha
    said, trust = (votes_of(own) + others).split(1, dim=1)
    all_ = ((said / trust - 0.5) * contrast + 0.5).clamp(0, 1)
    off = all_ - area(alpha, rows, columns).flatten(2)
    large = (off / ignored) ** 2
    off = off * (large / (1 + large))
    cells = torch.cat([off, all_ - 0.5], dim=1).reshape(off.shape[0], 2, rows, columns)
    moved, side = bilinear(cells, alpha.shape[2], alpha.shape[3]).split(1, dim=1)
    own_side = 2 * alpha - 1
    held = (1 - (1 - own_side.abs()) / (1 - solid)).clamp(min=0) * (own_side * side / doubt).clamp(0, 1)
    return (alpha + moved * (1 - held)).clamp(0, 1)


def news(before: Tensor, after: Tensor, rows: int, columns: int, least: float, more: float) -> Tensor:
    """How new a frame's alpha [B, 1, h, w] is to who knows one from before: [B] in [0, 1].

    0 where the mean alpha of none of its cells has changed by more than `least`, 1 where that of one has by `more`
    than that.
    """
    cells = [area(each.float().clamp(0, 1), rows, columns) for each in (before, after)]
    change = (cells[1] - cells[0]).abs().amax(dim=(1, 2, 3))
    return ((change - least) / more).clamp(0, 1)


def _cells(image: Tensor, f8: Tensor, looks: float = 0.22, colours: float = 0.26, places: float = 0.14) -> Tensor:
    """[B, 3, h, w] and [B, C, h/8, w/8] -> [B, C + 48 + 2, N]; `CellMatte.cells`.

    looks, colours, places : how far two cells may be apart: in the direction of their features, in the colours of a
        cell and its margin (of 4x4 parts) by the spread of the frame's colours, and in the frame, by its long side.
    """
    rows, columns = f8.shape[2], f8.shape[3]
    look = f8 - f8.mean(dim=(2, 3), keepdim=True)
    look = look / ((look**2).sum(dim=1, keepdim=True) + 1e-9) ** 0.5
    parts = area(image, 2 * rows, 2 * columns)
    parts = parts - parts.mean(dim=(1, 2, 3), keepdim=True)
    parts = parts / ((parts**2).mean(dim=(1, 2, 3), keepdim=True) ** 0.5 + 1e-3)
    parts = F.pad(parts, [1, 1, 1, 1], mode="replicate")
    colour: list[Tensor] = []
    for y in range(4):
        for x in range(4):
            colour.append(parts[:, :, y : y + 2 * rows : 2, x : x + 2 * columns : 2])
    far = places * max(rows, columns)
    down = torch.arange(rows, device=f8.device).reshape(1, 1, -1, 1) / far
    across = torch.arange(columns, device=f8.device).reshape(1, 1, 1, -1) / far
    place = torch.cat([each.expand(f8.shape[0], 1, rows, columns) for each in (down, across)], dim=1)
    return torch.cat([look / looks, torch.cat(colour, dim=1) / (colours * math.sqrt(48)), place], dim=1).flatten(2)
