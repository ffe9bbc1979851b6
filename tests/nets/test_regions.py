"""Regions: choosing, cutting, finding near ones, pasting."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from nuke_matting.nets import regions as rg
from nuke_matting.nets.resize import bilinear

sides = st.integers(1, 40)


def some_regions(height, width, count, seed=0):
    error = torch.rand(1, 1, *rg.grid_size(height, width), generator=torch.Generator().manual_seed(seed))
    return rg.choose(error, count, 0.0)


def test_the_worst_cells_are_chosen_in_raster_order():
    error = torch.tensor([[[[0.1, 0.9], [0.8, 0.2]]]])
    assert rg.choose(error, 2, 0.0).tolist() == [[0, 0, 1], [0, 1, 0]]


def test_nothing_depends_on_a_sort_of_whole_numbers_which_apples_gpu_may_get_wrong(monkeypatch):
    error = torch.rand(2, 1, 40, 40, generator=torch.Generator().manual_seed(1))
    chosen = rg.choose(error, 700, 0.0)
    near, real = rg.nearest(chosen, 8), torch.Tensor.sort

    def sort(self, *args, **kwargs):
        values, indices = real(self, *args, **kwargs)
        if self.dtype == torch.int64:
            values[256:], indices[256:] = 0, 0
        return torch.return_types.sort((values, indices))

    monkeypatch.setattr(torch.Tensor, "sort", sort)
    assert chosen.tolist() == sorted(chosen.tolist()) and len(chosen) == 1400
    assert torch.equal(rg.choose(error, 700, 0.0), chosen) and torch.equal(rg.nearest(chosen, 8), near)


def test_no_cell_at_or_below_the_threshold_is_chosen():
    assert rg.choose(torch.full((1, 1, 3, 3), 0.5), 9, 0.5).tolist() == []


def test_each_frame_of_a_batch_has_its_own_budget():
    chosen = rg.choose(torch.rand(2, 1, 4, 4), 3, -1.0)
    assert (chosen[:, 0] == 0).sum() == 3 and (chosen[:, 0] == 1).sum() == 3


@given(sides, sides)
def test_a_cut_without_halo_pasted_back_changes_nothing(height, width):
    image = torch.rand(1, 2, height, width)
    regions = some_regions(height, width, 7)
    assert torch.equal(rg.paste(image.clone(), regions, rg.cut(image, regions, 0)), image)


@given(sides, sides)
def test_a_paste_changes_its_cells_and_nothing_else(height, width):
    regions = some_regions(height, width, 3)
    out = rg.paste(torch.zeros(1, 1, height, width), regions, torch.ones(len(regions), 1, 8, 8))
    for y in range(height):
        for x in range(width):
            inside = [0, y // 8, x // 8] in regions.tolist()
            assert out[0, 0, y, x] == float(inside)


def test_a_halo_repeats_the_edge_beyond_the_frame():
    image = torch.arange(64.0).view(1, 1, 8, 8)
    cut = rg.cut(image, torch.tensor([[0, 0, 0]]), 2)
    assert cut.shape == (1, 1, 12, 12)
    assert cut[0, 0, 0, 0] == image[0, 0, 0, 0] and cut[0, 0, -1, -1] == image[0, 0, -1, -1]


@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 64))
def test_the_nearest_are_those_of_a_full_search_whatever_the_batch(count, neighbours, at_once):
    regions = some_regions(80, 80, count, seed=count)
    found = rg.nearest(regions, neighbours, at_once)
    for index, row in enumerate(found.tolist()):
        distance = {
            other: ((regions[other, 1:] - regions[index, 1:]) ** 2).sum().item()
            for other in range(len(regions))
            if other != index
        }
        best = sorted(distance, key=lambda other: (distance[other], other))[:neighbours]
        assert row == [index, *best] + [index] * (neighbours - len(best))


@settings(max_examples=25)
@given(st.integers(1, 150), st.integers(1, 150), st.integers(1, 500), st.integers(0, 9))
def test_in_a_large_grid_the_nearest_are_those_of_the_full_distance_matrix(rows, columns, count, seed):
    """Dense or with wide gaps, in two frames: near by, in the wider circle, or among all."""
    error = torch.rand(2, 1, rows, columns, generator=torch.Generator().manual_seed(seed))
    regions = rg.choose(error, count, 0.0)
    order = torch.arange(len(regions))
    step = regions[:, None, 1:] - regions[None, :, 1:]
    rank = (step * step).sum(-1) * len(regions) + order  # earlier ones first among equally near ones
    rank[(regions[:, None, 0] != regions[None, :, 0]) | (order[:, None] == order)] = 1 << 60
    wanted = rank.argsort(1)[:, :8]
    wanted = torch.where(rank.gather(1, wanted) < 1 << 60, wanted, order[:, None])
    wanted = torch.cat([wanted, order[:, None].expand(-1, 8 - wanted.shape[1])], dim=1)
    assert torch.equal(rg.nearest(regions, 8, at_once=5000), torch.cat([order[:, None], wanted], dim=1))


def test_regions_of_other_frames_are_no_neighbours():
    regions = torch.tensor([[0, 0, 0], [1, 0, 0], [1, 0, 1]])
    assert rg.nearest(regions, 2).tolist() == [[0, 0, 0], [1, 2, 1], [2, 1, 2]]


def test_no_regions_have_no_neighbours():
    assert rg.nearest(torch.zeros(0, 3, dtype=torch.int64), 8).shape == (0, 9)


def test_a_map_is_sampled_at_the_regions_centres():
    feature = torch.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
    found = rg.sample(feature, torch.tensor([[0, 0, 0], [0, 1, 1]]), (2, 2))
    assert torch.allclose(found[:, 0], torch.tensor([0.0, 3.0]), atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 1000))
def test_pixels_sampled_in_all_regions_are_the_enlarged_map(height, width, seed):
    small = torch.rand(2, 3, 7, 9, generator=torch.Generator().manual_seed(seed))
    cells = torch.ones(2, *rg.grid_size(height, width)).nonzero()
    pasted = rg.paste(torch.zeros(2, 3, height, width), cells, rg.sample_pixels(small, cells, height, width))
    torch.testing.assert_close(pasted, bilinear(small, height, width), atol=1e-5, rtol=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300))
def test_nothing_of_a_map_is_lost_where_it_ends(height, width):
    grid = (-(-height // 2), -(-width // 2))
    around = torch.ones(1, *grid).nonzero()
    around = around[(around[:, 1] % (grid[0] - 1 or 1) == 0) | (around[:, 2] % (grid[1] - 1 or 1) == 0)]
    white = torch.ones(1, 1, height, width)
    found = rg.sample_pixels(white, around, 4 * height, 4 * width)
    torch.testing.assert_close(found, torch.ones_like(found), atol=1e-6, rtol=0)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 5))
def test_pixels_sampled_with_a_halo_are_cut_from_the_enlarged_map(height, width, halo):
    small = torch.rand(2, 3, 7, 9, generator=torch.Generator().manual_seed(height))
    cells = torch.ones(2, *rg.grid_size(height, width)).nonzero()
    sampled = rg.sample_pixels(small, cells, height, width, halo)
    torch.testing.assert_close(sampled, rg.cut(bilinear(small, height, width), cells, halo), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("seed", range(8))
def test_a_correction_fades_out_where_its_regions_end(seed):
    chosen = torch.rand(2, 5, 6, generator=torch.Generator().manual_seed(seed)) < 0.6
    regions = chosen.nonzero()
    weight = rg.fade(regions, (5, 6), torch.zeros(2, 3, 40, 48))
    shown = rg.paste(torch.zeros(2, 1, 40, 48), regions, weight)
    assert weight.shape == (len(regions), 1, 8, 8) and weight.min() >= 0 and weight.max() <= 1
    free = (~chosen).float().repeat_interleave(8, 1).repeat_interleave(8, 2)[:, None]
    beside = (F.max_pool2d(free, 3, 1, 1) > 0) & (free == 0)
    assert beside.any() and shown[beside].max() < 0.25
    assert weight[:, 0, 3:5, 3:5].min() > 0.7, "in the middle it counts, however small the region"


def test_a_correction_counts_in_full_where_all_is_chosen_and_at_the_frames_edge():
    everywhere = torch.ones(1, 3, 4).nonzero()
    torch.testing.assert_close(rg.fade(everywhere, (3, 4), torch.zeros(1, 1, 23, 31)), torch.ones(12, 1, 8, 8))
    corner = rg.fade(everywhere[:1], (3, 4), torch.zeros(1, 1, 23, 31))[0, 0]
    assert corner[0, 0] == 1 and corner[7, 0] < 0.2
