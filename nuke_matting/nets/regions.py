"""Regions: the 8x8-pixel cells of the full-size frame that deserve a second look. Choose, cut out, find near, paste.

The idea is Zhong and Zharkov's ("Lightweight Portrait Matting via Regional Attention and Refinement", WACV 2024).
A region is named by its frame in the batch, and its row and column in the grid of cells.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

CELL = 8  # pixels a side; arguments have it as their default, since TorchScript knows no constants of a module


def grid_size(height: int, width: int, cell: int = CELL) -> tuple[int, int]:
    """Rows and columns of cells that cover a frame; the last ones may hang over its edge."""
    return -(-height // cell), -(-width // cell)


def choose(error: Tensor, budget: int, threshold: float) -> Tensor:
    """The cells where the error is largest.

    error : [B, 1, rows, columns], probability of an error.
    budget : most cells in a frame.
    threshold : cells at or below it are never taken.

    Returns [N, 3] int64: frame, row, column, in raster order. N may be 0.
    """
    b, _, rows, columns = error.shape
    flat = error.reshape(b, -1).float()
    budget = min(budget, rows * columns)
    if budget <= 0:
        return torch.zeros(0, 3, dtype=torch.int64, device=error.device)
    value, index = flat.topk(budget, dim=1)
    frame = torch.arange(b, device=error.device)[:, None].expand_as(index)
    keep = value > threshold
    chosen = torch.zeros_like(flat)
    chosen[frame[keep], index[keep]] = 1
    # in raster order without a sort: since macOS 15.4 Apple's GPU gets one of more than 256 whole numbers wrong
    return chosen.reshape(b, rows, columns).nonzero()


def cut(image: Tensor, regions: Tensor, halo: int, cell: int = CELL) -> Tensor:
    """Cuts regions and `halo` pixels around them: [B, C, H, W], [N, 3] -> [N, C, 8 + 2 halo, 8 + 2 halo].

    Beyond the frame the edge pixels are repeated.
    """
    b, c, height, width = image.shape
    rows, columns = grid_size(height, width, cell)
    if halo == 0 and rows * cell == height and columns * cell == width:  # whole cells, which a view has
        cells = image.reshape(b, c, rows, cell, columns, cell)
        return cells[regions[:, 0], :, regions[:, 1], :, regions[:, 2]]
    span = torch.arange(-halo, cell + halo, device=image.device)
    y = (regions[:, 1, None] * cell + span).clamp(0, height - 1)
    x = (regions[:, 2, None] * cell + span).clamp(0, width - 1)
    channels = torch.arange(image.shape[1], device=image.device)
    return image[regions[:, 0, None, None, None], channels[:, None, None], y[:, None, :, None], x[:, None, None, :]]


def sample(feature: Tensor, regions: Tensor, grid: tuple[int, int]) -> Tensor:
    """A small map's value at the regions' centres, bilinear: [B, C, h, w], [N, 3] -> [N, C].

    The map is taken to cover the grid, so a little more than a frame whose sides are no multiples of 8.
    """
    rows, columns = grid
    y = _in_map(regions[:, 1].to(feature.dtype), rows, feature.shape[2])
    x = _in_map(regions[:, 2].to(feature.dtype), columns, feature.shape[3])
    where = torch.stack([x, y], dim=1)[:, None, None]
    return _looked_up(feature, regions[:, 0], where)[..., 0, 0]


def sample_pixels(small: Tensor, regions: Tensor, height: int, width: int, halo: int = 0, cell: int = CELL) -> Tensor:
    """What `cut` finds in a small map that is enlarged to height x width: [B, C, h, w], [N, 3] -> [N, C, 8 + 2 halo,
    8 + 2 halo].

    Bilinear, as `resize.bilinear`, for the regions alone.
    """
    side = cell + 2 * halo
    span = torch.arange(-halo, cell + halo, device=small.device)
    y = _in_map((regions[:, 1, None] * cell + span).clamp(0, height - 1).to(small.dtype), height, small.shape[2])
    x = _in_map((regions[:, 2, None] * cell + span).clamp(0, width - 1).to(small.dtype), width, small.shape[3])
    shape = [len(regions), side, side]
    where = torch.stack([x[:, None, :].expand(shape), y[:, :, None].expand(shape)], dim=3)
    return _looked_up(small, regions[:, 0], where)


def _looked_up(small: Tensor, frames: Tensor, where: Tensor) -> Tensor:
    """A map [B, C, h, w] at places [N, rows, columns, 2], as `grid_sample` counts them, of the frames [N] of the batch
    that they are in: [N, C, rows, columns]."""
    if small.shape[0] == 1:  # a mask of all of them would have a GPU waited for
        return _at(small, where)
    out = small.new_zeros(len(where), small.shape[1], where.shape[1], where.shape[2])
    for index in range(small.shape[0]):
        mine = frames == index
        out[mine] = _at(small[index : index + 1], where[mine])
    return out


def _at(small: Tensor, where: Tensor) -> Tensor:
    """As `_looked_up`, of one frame [1, C, h, w]."""
    n, rows, columns, _ = where.shape
    found = F.grid_sample(small, where.reshape(1, n * rows, columns, 2), align_corners=False)
    return found[0].reshape(small.shape[1], n, rows, columns).transpose(0, 1)


def _in_map(pixel: Tensor, whole: int, side: int, short: float = 1 + 2**-22) -> Tensor:
    """Where pixels of `whole` in a row are in a map of `side`, which covers the same, as `grid_sample` counts: -1 to 1.

    No further out than the centres of the map's outermost pixels, so that those reach to the edge without
    `padding_mode="border"`, which Apple's GPU lacks before torch 2.13. short : by how much less, as rounding must not
    pass those centres.
    """
    most = (side - 1) / side / short
    return ((pixel + 0.5) / whole * 2 - 1).clamp(-most, most)


def paste(image: Tensor, regions: Tensor, patches: Tensor, cell: int = CELL) -> Tensor:
    """[B, C, H, W] with [N, C, 8, 8] patches in their cells; what hangs over the frame's edge is dropped.

    The image itself is written into where its sides are multiples of 8.
    """
    b, c, height, width = image.shape
    rows, columns = grid_size(height, width, cell)
    out = image.contiguous()
    if (rows * cell, columns * cell) != (height, width):
        out = F.pad(out, (0, columns * cell - width, 0, rows * cell - height))
    frame, row, column = regions.unbind(1)
    cells = out.view(b, c, rows, cell, columns, cell)
    cells[frame, :, row, :, column, :] = patches.to(out.dtype)
    return out[..., :height, :width]


def fade(regions: Tensor, grid: tuple[int, int], like: Tensor, cell: int = CELL) -> Tensor:
    """What a correction counts: 1 where regions adjoin and in their middles, down to 0 where one meets a cell that is
    none. Otherwise cells would show as squares where the regions end.

    Bilinear between the cells' corners, the middles of their sides and their own, each 1 where all cells that it
    belongs to are regions; beyond the frame all is as at its edge.

    regions : one or more. like : [B, ...], of the batch, device and type wanted. Returns [N, 1, 8, 8].
    """
    none, one = like.new_zeros(like.shape[0], 1, grid[0], grid[1]), like.new_zeros(len(regions), 1, 1, 1) + 1
    chosen = paste(none, regions, one, 1).repeat_interleave(2, 2).repeat_interleave(2, 3)
    nodes = -F.max_pool2d(-F.pad(chosen, [1, 1, 1, 1], mode="replicate"), 2, 1)  # [B, 1, 2 rows + 1, 2 columns + 1]
    span = torch.arange(3, device=like.device)
    y = (2 * regions[:, 1, None] + span)[:, None, :, None]
    x = (2 * regions[:, 2, None] + span)[:, None, None, :]
    own = nodes[regions[:, 0, None, None, None], 0, y, x]  # [N, 1, 3, 3]
    where = (torch.arange(cell, device=like.device).to(like.dtype) + 0.5) / cell * 2 - 1
    at = torch.stack([where[None, :].expand(cell, cell), where[:, None].expand(cell, cell)], dim=2)
    return F.grid_sample(own, at[None].expand(len(own), cell, cell, 2), align_corners=True)


def nearest(regions: Tensor, count: int, at_once: int = 1 << 22) -> Tensor:
    """For every region, itself and the `count` nearest other ones of the same frame.

    Distance is Euclidean over the grid of cells; of equally near ones, those earlier in raster order come first. Where
    a frame has fewer regions, the region itself fills the list: ours, as `two_stage` was trained so; for the authors'
    way, see `nets.regional`. Most regions find their neighbours in the cells around
    them, nearly all others in a wider circle, and few are left to search all.

    regions : [N, 3] in raster order, as in `choose`. Returns [N, 1 + count] int64 indices into them.
    at_once : distances held at once; it bounds the memory, and changes nothing.
    """
    own = torch.arange(len(regions), device=regions.device)
    if len(regions) == 0:
        return own.new_zeros(0, 1 + count)
    found = torch.full([len(regions), count], -1, dtype=torch.int64, device=regions.device)
    for reach in (4, 16):
        side = 2 * reach + 1
        for rows in _unfinished(found).split(max(1, at_once // (side * side))):
            found[rows] = _near_by(regions, rows, count, reach)
    for rows in _unfinished(found).split(max(1, at_once // len(regions))):
        found[rows] = _among_all(regions, rows, count)
    return torch.cat([own[:, None], found], dim=1)


def _unfinished(found: Tensor) -> Tensor:
    """Indices of the regions that lack neighbours."""
    return (found < 0).any(1).nonzero()[:, 0]


def _near_by(regions: Tensor, rows: Tensor, count: int, reach: int) -> Tensor:
    """The nearest of the regions with indices `rows` within `reach` cells, [len(rows), count]; -1 where some are not.

    A region's missing neighbours may be among those further away.
    """
    device = regions.device
    span = torch.arange(-reach, reach + 1, device=device)
    step = torch.stack([span.repeat_interleave(len(span)), span.repeat(len(span))], dim=1)
    distance = (step * step).sum(1)
    step = step[(distance > 0) & (distance <= reach * reach)]  # a disc: what is left out is further than all within
    step = step[(step * step).sum(1).float().sort(stable=True).indices]  # floats, as in `choose`
    size: list[int] = (regions.amax(0) + 1).tolist()
    grid = torch.full([size[0], size[1] + 2 * reach, size[2] + 2 * reach], -1, dtype=torch.int64, device=device)
    frame, row, column = regions.unbind(1)
    grid[frame, row + reach, column + reach] = torch.arange(len(regions), device=device)
    frame, row, column = regions[rows].unbind(1)
    there = grid[frame[:, None], row[:, None] + reach + step[:, 0], column[:, None] + reach + step[:, 1]]
    rank = torch.where(there >= 0, torch.arange(len(step), device=device), len(step))
    place = rank.topk(min(count, len(step)), dim=1, largest=False).values
    out = there.gather(1, place.clamp(max=len(step) - 1))
    out = torch.where(place < len(step), out, -1)
    return F.pad(out, (0, count - out.shape[1]), value=-1.0)


def _among_all(regions: Tensor, rows: Tensor, count: int) -> Tensor:
    """The nearest of the regions with indices `rows`, by their distances to all: [len(rows), count]."""
    n = len(regions)
    part = regions[rows]
    offset = part[:, None, 1:] - regions[None, :, 1:]
    order = (offset * offset).sum(-1) * n + torch.arange(n, device=regions.device)  # unique, so ties break alike
    far = 0x7FFFFFFFFFFFFFFF  # the largest int64
    order[part[:, None, 0] != regions[None, :, 0]] = far
    order[torch.arange(len(rows), device=regions.device), rows] = far
    value, index = order.topk(min(count, n), dim=1, largest=False)
    index = torch.where(value == far, rows[:, None], index)
    return torch.cat([index, rows[:, None].expand(-1, count - index.shape[1])], dim=1)
