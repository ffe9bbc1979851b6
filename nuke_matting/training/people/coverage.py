"""Which of 8x8 samples of each pixel triangles, ribbons and cut-out cards take: loops, compiled by numba.

Samples are kept as bits, [H * 8, W] uint8: a row of samples a row, a byte a pixel, its lowest bit the leftmost sample.
Places are in samples, x to the right and y down, from the picture's upper left corner. Each row of a pixel has its own
places across, so that an upright edge parts 64 of them and not 8. Edges that two triangles share are computed alike in
both, so that no sample falls between them.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

SIDE = 8  # samples along a pixel's side
_PLACES = (np.array([0, 4, 2, 6, 1, 5, 3, 7]) + 0.5) / 8  # of a row's samples, from the left end of each
_CELL = 4  # samples along the side of what of a card has one opacity
_ORDER = np.array([0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5])  # of a cell's samples: spread at any count
_COUNT = np.array([value.bit_count() for value in range(256)], np.uint8)


def no_samples(height: int, width: int) -> NDArray[np.uint8]:
    """The bits of an empty picture of a size in pixels."""
    return np.zeros((height * SIDE, width), np.uint8)


def share_of(bits: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The share of each pixel's samples that are taken: [H, W], 0 to 1 in steps of 1/64."""
    rows, width = bits.shape
    return _COUNT[bits].reshape(rows // SIDE, SIDE, width).sum(axis=1, dtype=np.float32) / np.float32(SIDE * SIDE)


def taken(bits: NDArray[np.uint8]) -> NDArray[np.int32]:
    """How many pixels above and to the left of each corner [H + 1, W + 1] have all their samples taken."""
    rows, width = bits.shape
    whole = (bits == 255).reshape(rows // SIDE, SIDE, width).all(axis=1)
    return np.pad(whole.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32), ((1, 0), (1, 0)))


@njit(cache=True)
def _slopes(x0, y0, x1, y1, x2, y2):
    """How far the edges of a triangle, its highest corner first, go to the right a row: the long one's, the others'."""
    long = (x2 - x0) / (y2 - y0) if y2 > y0 else 0.0
    upper = (x1 - x0) / (y1 - y0) if y1 > y0 else 0.0
    lower = (x2 - x1) / (y2 - y1) if y2 > y1 else 0.0
    return long, upper, lower


@njit(cache=True)
def _row_ends(row, x0, y0, x1, y1, long, upper, lower, columns):
    """First and last + 1 of the samples of a row that a triangle takes."""
    y, place = row + 0.5, _PLACES[row & 7]
    one = x0 + (y - y0) * long
    other = x0 + (y - y0) * upper if y < y1 else x1 + (y - y1) * lower
    return int(np.ceil(max(min(one, other), 0.0) - place)), int(np.ceil(min(max(one, other), columns) - place))


@njit(cache=True)
def _upright(x0, y0, x1, y1, x2, y2):
    """A triangle's corners, the highest first."""
    if y1 < y0:
        x0, y0, x1, y1 = x1, y1, x0, y0
    if y2 < y0:
        x0, y0, x2, y2 = x2, y2, x0, y0
    if y2 < y1:
        x1, y1, x2, y2 = x2, y2, x1, y1
    return x0, y0, x1, y1, x2, y2


@njit(cache=True)
def _rows(top, bottom, rows):
    """First and last + 1 of the rows of samples between two heights."""
    return int(np.ceil(min(max(top, 0.0), rows) - 0.5)), int(np.ceil(min(max(bottom, 0.0), rows) - 0.5))


@njit(cache=True)
def _take(bits, xa, ya, xb, yb, xc, yc):
    """Takes the samples within a triangle."""
    x0, y0, x1, y1, x2, y2 = _upright(xa, ya, xb, yb, xc, yc)
    columns = float(bits.shape[1] * 8)
    long, upper, lower = _slopes(x0, y0, x1, y1, x2, y2)
    first, end = _rows(y0, y2, bits.shape[0])
    for row in range(first, end):
        left, right = _row_ends(row, x0, y0, x1, y1, long, upper, lower, columns)
        if left >= right:
            continue
        begin, last = left >> 3, (right - 1) >> 3
        low, high = (255 << (left & 7)) & 255, 255 >> (7 - ((right - 1) & 7))
        if begin == last:
            bits[row, begin] |= low & high
        else:
            bits[row, begin] |= low
            for at in range(begin + 1, last):
                bits[row, at] = 255
            bits[row, last] |= high


@njit(cache=True)
def take_triangles(bits, corners):
    """Takes the samples within triangles. bits : changed; corners : [T, 3, 2] float64, in samples."""
    for t in range(len(corners)):
        _take(
            bits,
            corners[t, 0, 0], corners[t, 0, 1], corners[t, 1, 0], corners[t, 1, 1], corners[t, 2, 0], corners[t, 2, 1],
        )  # fmt: skip


@njit(cache=True)
def _projected(matrix, columns, rows, x, y, z):
    """Where a point is, in samples, and whether it is beyond the near plane."""
    w = matrix[3, 0] * x + matrix[3, 1] * y + matrix[3, 2] * z + matrix[3, 3]
    depth = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]
    if w <= 0 or depth <= -w:
        return 0.0, 0.0, False
    right = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]) / w
    up = (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]) / w
    return (0.5 + 0.5 * right) * columns, (0.5 - 0.5 * up) * rows, True


@njit(cache=True)
def take_ribbons(bits, whole, points, radius, eye, matrix):
    """Takes the samples within ribbons that face the eye and taper to the tip, as the renderer's shader has them.

    bits : changed. whole : `taken` of other things before; ribbons that only cross such pixels are skipped.
    points : [N, K, 3] float32; radius : [N] float32; eye : [3] float64; matrix : [4, 4] float64, world to clip space.
    """
    height, width = bits.shape[0] // 8, bits.shape[1]
    rows, columns = float(height * 8), float(width * 8)
    steps = points.shape[1]
    for n in range(len(points)):
        xa = ya = xb = yb = 0.0
        before = False
        for k in range(steps):
            low, high = max(k - 1, 0), min(k + 1, steps - 1)
            tx = float(points[n, high, 0]) - points[n, low, 0]
            ty = float(points[n, high, 1]) - points[n, low, 1]
            tz = float(points[n, high, 2]) - points[n, low, 2]
            px, py, pz = float(points[n, k, 0]), float(points[n, k, 1]), float(points[n, k, 2])
            vx, vy, vz = eye[0] - px, eye[1] - py, eye[2] - pz
            ax, ay, az = ty * vz - tz * vy, tz * vx - tx * vz, tx * vy - ty * vx
            along = k / (steps - 1)
            out = radius[n] * (1 - 0.75 * along * along) / max(np.sqrt(ax * ax + ay * ay + az * az), 1e-12)
            ax, ay, az = ax * out, ay * out, az * out
            xc, yc, one = _projected(matrix, columns, rows, px - ax, py - ay, pz - az)
            xd, yd, other = _projected(matrix, columns, rows, px + ax, py + ay, pz + az)
            here = one and other
            if k > 0 and before and here:
                x0, x1 = min(min(xa, xb), min(xc, xd)), max(max(xa, xb), max(xc, xd))
                y0, y1 = min(min(ya, yb), min(yc, yd)), max(max(ya, yb), max(yc, yd))
                if x1 > 0 and y1 > 0 and x0 < columns and y0 < rows:
                    left, right = int(max(x0, 0.0)) >> 3, min(int(x1) >> 3, width - 1) + 1
                    top, bottom = int(max(y0, 0.0)) >> 3, min(int(y1) >> 3, height - 1) + 1
                    full = whole[bottom, right] - whole[top, right] - whole[bottom, left] + whole[top, left]
                    if full < (right - left) * (bottom - top):
                        _take(bits, xa, ya, xb, yb, xc, yc)
                        _take(bits, xc, yc, xb, yb, xd, yd)
            xa, ya, xb, yb, before = xc, yc, xd, yd, here


@njit(cache=True)
def _opacity(levels, begin, wide, high, u, v):
    """A level of a texture's opacity between its four nearest texels; it repeats. u, v : in texels."""
    u, v = u - 0.5, v - 0.5
    c, r = int(np.floor(u)), int(np.floor(v))
    fu, fv = u - c, v - r
    c0, c1, r0, r1 = c % wide, (c + 1) % wide, begin + r % high * wide, begin + (r + 1) % high * wide
    upper = levels[r0 + c0] * (1 - fu) + levels[r0 + c1] * fu
    return upper * (1 - fv) + (levels[r1 + c0] * (1 - fu) + levels[r1 + c1] * fu) * fv


@njit(cache=True)
def take_cards(bits, corners, uv, levels, sizes):
    """Takes so many of the samples within triangles as their texture's opacity says, spread by chance.

    bits : changed. corners : [T, 3, 2] float64, in samples; uv : [T, 3, 2] float64. levels : float32, 0 to 1, one
    reduced picture of the opacity after the other; sizes : [L, 2] int64, their rows and columns, halves each time.
    """
    columns = float(bits.shape[1] * 8)
    begins = np.zeros(len(sizes), np.int64)
    for k in range(1, len(sizes)):
        begins[k] = begins[k - 1] + sizes[k - 1, 0] * sizes[k - 1, 1]
    for t in range(len(corners)):
        xa, ya, xb, yb = corners[t, 0, 0], corners[t, 0, 1], corners[t, 1, 0], corners[t, 1, 1]
        xc, yc = corners[t, 2, 0], corners[t, 2, 1]
        area = (xb - xa) * (yc - ya) - (xc - xa) * (yb - ya)
        if area == 0:
            continue
        u1, v1 = uv[t, 1, 0] - uv[t, 0, 0], uv[t, 1, 1] - uv[t, 0, 1]
        u2, v2 = uv[t, 2, 0] - uv[t, 0, 0], uv[t, 2, 1] - uv[t, 0, 1]
        ux, uy = (u1 * (yc - ya) - u2 * (yb - ya)) / area, (u2 * (xb - xa) - u1 * (xc - xa)) / area
        vx, vy = (v1 * (yc - ya) - v2 * (yb - ya)) / area, (v2 * (xb - xa) - v1 * (xc - xa)) / area
        across = np.hypot(ux * sizes[0, 1], vx * sizes[0, 0])
        down = np.hypot(uy * sizes[0, 1], vy * sizes[0, 0])
        step = max(max(across, down) * _CELL, 1.0)
        level = min(int(np.round(np.log2(step))), len(sizes) - 1)
        high, wide = sizes[level]
        x0, y0, x1, y1, x2, y2 = _upright(xa, ya, xb, yb, xc, yc)
        long, upper, lower = _slopes(x0, y0, x1, y1, x2, y2)
        first, end = _rows(y0, y2, bits.shape[0])
        for row in range(first, end):
            left, right = _row_ends(row, x0, y0, x1, y1, long, upper, lower, columns)
            for cell in range(left // _CELL, (right + _CELL - 1) // _CELL):
                at, shift = cell * _CELL >> 3, cell * _CELL & 7
                if (bits[row, at] >> shift) & 15 == 15:
                    continue
                x, y = cell * _CELL + 0.5 * _CELL - xa, row // _CELL * _CELL + 0.5 * _CELL - ya
                u, v = uv[t, 0, 0] + x * ux + y * uy, uv[t, 0, 1] + x * vx + y * vy
                solid = _opacity(levels, begins[level], wide, high, u * wide, v * high)
                chance = (cell * 73856093 ^ row // _CELL * 19349663 ^ t * 83492791) & 0x7FFFFFFF
                chance = (chance ^ (chance >> 13)) * 1274126177 & 0x7FFFFFFF
                chance ^= chance >> 16
                count = int(min(max(solid * 1.15 - 0.03, 0.0), 1.0) * 16 + (chance & 1023) / 1024)
                for k in range(max(left - cell * _CELL, 0), min(right - cell * _CELL, _CELL)):
                    if (_ORDER[row % _CELL * _CELL + k] + (chance >> 10)) & 15 < count:
                        bits[row, at] |= 1 << (shift + k)
