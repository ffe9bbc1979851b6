"""The regional network: Swin, the trimap's decoder, the choice of cells, the region stage."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from nuke_matting.nets import regions as rg
from nuke_matting.nets.cross_region import CrossRegionSequence, bias_entry
from nuke_matting.nets.regional import RegionalNetwork, repeated, unknown_cells
from nuke_matting.nets.regional_refiner import RegionalRefiner
from nuke_matting.nets.swin import WINDOW, PatchMerging, Swin, WindowAttention
from nuke_matting.nets.trimap_decoder import BACKGROUND, FOREGROUND, UNKNOWN, Level

sides = st.integers(1, 90)


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return RegionalNetwork(shrink=4).eval().requires_grad_(False)


def run(net, image, batch=1024):
    level = net.coarse(image)[-1]
    return net.refine(image, level, unknown_cells(level.trimap), batch)


def trimap_of(classes):
    """Logits that say so: [rows, columns] classes -> [1, 3, rows, columns]."""
    return torch.nn.functional.one_hot(torch.tensor(classes), 3).permute(2, 0, 1)[None] * 5.0


# -- the papers' sizes --


def test_the_encoder_is_swin_t_with_patches_of_16():
    """28,288,354 parameters are published with patches of 4 and a classifier (769,000 and a norm of 1536)."""
    with torch.device("meta"):
        count = sum(each.numel() for each in Swin().parameters())
    assert count == 28_288_354 - 769_000 - 1536 + 3 * 96 * (16**2 - 4**2)


def test_the_network_has_the_authors_parameters():
    with torch.device("meta"):
        assert sum(each.numel() for each in RegionalNetwork().parameters()) == pytest.approx(31.26e6, rel=0.001)


def test_a_region_costs_what_the_authors_does():
    net = RegionalRefiner().eval()
    regions = rg.choose(torch.rand(1, 1, 5, 5), 20, 0.0)
    with FlopCounterMode(display=False) as counter:
        encoded = net.encode(torch.rand(20, 4, 8, 8))
        net.decode(encoded, net.attend(encoded.f2, regions, rg.nearest(regions, 8), 7))
    assert counter.get_total_flops() / 2 / 20 == pytest.approx(3.68e6, rel=0.002)


def test_shrinking_divides_the_coarse_stages_work_by_about_its_square():
    def work(shrink):
        with torch.device("meta"), FlopCounterMode(display=False) as counter:
            RegionalNetwork(shrink).eval().coarse(torch.empty(1, 3, 448, 448))
        return counter.get_total_flops()

    assert 3 < work(1) / work(2) < 4 and 10 < work(1) / work(4) < 16


# -- Swin --


def test_features_halve_and_double_from_a_sixteenth():
    with torch.device("meta"):
        features = Swin(24).eval()(torch.empty(2, 3, 256, 384))
    assert [tuple(each.shape) for each in features] == [
        (2, 24, 16, 24), (2, 48, 8, 12), (2, 96, 4, 6), (2, 192, 2, 3),
    ]  # fmt: skip


def attention(shifted, width=12, heads=3):
    torch.manual_seed(1)
    net = WindowAttention(width, heads, shifted).eval().requires_grad_(False)
    torch.nn.init.normal_(net.bias)
    return net


def by_hand(net, x, own, others):
    """What a token at place `own` of [h, w, width] gets from the tokens at `others`, one after another."""
    (y, z), width = own, x.shape[-1]
    q, k, v = (net.qkv(x)[..., part * width : (part + 1) * width] for part in range(3))
    out, each = [], width // net.heads
    for head in range(net.heads):
        at = slice(head * each, (head + 1) * each)
        logits = [
            q[y, z, at] @ k[i, j, at] * net.scale
            + net.bias[(y - i + WINDOW - 1) * (2 * WINDOW - 1) + z - j + WINDOW - 1, head]
            for i, j in others
        ]
        weights = torch.stack(logits).softmax(0)
        out.append(sum(weight * v[i, j, at] for weight, (i, j) in zip(weights, others, strict=True)))
    return net.out(torch.cat(out))


@settings(max_examples=25)
@given(st.booleans(), st.integers(1, 16), st.integers(1, 16), st.data())
def test_a_token_attends_to_the_tokens_of_its_window_and_no_others(shifted, h, w, data):
    """Shifted windows begin 3 tokens in, with narrower ones before; what is beyond the grid does not exist."""
    net, x = attention(shifted), torch.rand(h, w, 12)
    own = data.draw(st.tuples(st.integers(0, h - 1), st.integers(0, w - 1)))

    def window(place, side):
        by = WINDOW // 2 if shifted and side > WINDOW else 0
        return (place - by) // WINDOW

    others = [
        (i, j)
        for i in range(h)
        for j in range(w)
        if window(i, h) == window(own[0], h) and window(j, w) == window(own[1], w)
    ]
    assert torch.allclose(net(x[None])[0, own[0], own[1]], by_hand(net, x, own, others), atol=1e-5)


def test_merging_repeats_the_last_tokens_of_an_odd_side():
    net, x = PatchMerging(4), torch.rand(1, 3, 5, 4)
    repeated = torch.cat([torch.cat([x, x[:, -1:]], 1), torch.cat([x, x[:, -1:]], 1)[:, :, -1:]], 2)
    assert net(x).shape == (1, 2, 3, 8) and torch.equal(net(x), net(repeated))


# -- levels and cells --


@settings(max_examples=15)
@given(sides, sides)
def test_each_level_covers_the_frame(net, height, width):
    levels = net.coarse(torch.rand(1, 3, height, width))
    for cell, level in zip((32, 16, 8), levels, strict=True):
        assert level.trimap.shape == (1, 3, *rg.grid_size(height, width, cell))
        assert level.segmentation.shape == (1, 1, *rg.grid_size(height, width, cell))


def test_the_adaptive_choice_is_every_unknown_cell_and_no_other():
    trimap = trimap_of([[BACKGROUND, UNKNOWN, FOREGROUND], [UNKNOWN, UNKNOWN, BACKGROUND]])
    assert unknown_cells(trimap)[:, 1:].tolist() == [[0, 1], [1, 0], [1, 1]]


def test_under_a_budget_the_most_surely_unknown_cells_are_chosen():
    trimap = trimap_of([[UNKNOWN, UNKNOWN, FOREGROUND]])
    trimap[0, UNKNOWN, 0, 1] += 1
    assert unknown_cells(trimap, 1)[:, 1:].tolist() == [[0, 1]]


def test_a_trimap_without_unknown_cells_has_no_regions():
    trimap = trimap_of([[BACKGROUND, FOREGROUND]])
    assert len(unknown_cells(trimap)) == 0


# -- the region stage --


def test_neighbours_that_are_too_few_are_repeated_in_turn_as_the_authors_do():
    regions = torch.tensor([[0, 0, 0], [0, 0, 1], [0, 0, 3], [1, 4, 4]])
    assert repeated(rg.nearest(regions, 4)).tolist() == [
        [0, 1, 2, 1, 2], [1, 0, 2, 0, 2], [2, 1, 0, 1, 0], [3, 3, 3, 3, 3],
    ]  # fmt: skip
    enough = rg.nearest(torch.cartesian_prod(torch.tensor([0]), torch.arange(3), torch.arange(3)), 8)
    assert torch.equal(repeated(enough), enough) and torch.equal(repeated(enough[:, :1]), enough[:, :1])


@settings(max_examples=15)
@given(sides, sides)
def test_any_frame_size_works(net, height, width):
    alpha = run(net, torch.rand(1, 3, height, width))
    assert alpha.shape == (1, 1, height, width) and alpha.isfinite().all()


def test_outside_regions_the_segmentation_is_the_alpha_nearest(net):
    image, level = torch.rand(1, 3, 20, 28), Level(torch.zeros(1, 3, 3, 4), torch.randn(1, 1, 3, 4))
    alpha = net.refine(image, level, torch.tensor([[0, 1, 2]]))
    for y, x in ((0, 0), (7, 27), (19, 5), (8, 15), (15, 24)):
        assert alpha[0, 0, y, x] == level.segmentation.sigmoid()[0, 0, y // 8, x // 8]
    inside = alpha[0, 0, 8:16, 16:24]
    assert not torch.isclose(inside, level.segmentation.sigmoid()[0, 0, 1, 2]).any()


def test_a_region_sees_its_pixels_and_the_segmentation_enlarged_bilinearly(net, monkeypatch):
    seen = []
    encode = net.refiner.encode
    monkeypatch.setattr(net.refiner, "encode", lambda cuts: seen.append(cuts) or encode(cuts))
    image, level = torch.rand(1, 3, 24, 32), Level(torch.zeros(1, 3, 3, 4), torch.randn(1, 1, 3, 4))
    net.refine(image, level, torch.tensor([[0, 0, 0], [0, 1, 3]]))
    large = torch.nn.functional.interpolate(level.segmentation.sigmoid(), scale_factor=8, mode="bilinear")
    for cut, (y, x) in zip(seen[0], ((0, 0), (8, 24)), strict=True):
        assert torch.equal(cut[:3], image[0, :, y : y + 8, x : x + 8])
        assert torch.allclose(cut[3], large[0, 0, y : y + 8, x : x + 8], atol=1e-6)


def test_the_number_of_regions_at_once_changes_no_more_than_the_last_bits(net):
    image, level = torch.rand(1, 3, 64, 96), Level(torch.zeros(1, 3, 8, 12), torch.randn(1, 1, 8, 12))
    regions = rg.choose(torch.rand(1, 1, 8, 12), 30, 0.0)
    assert torch.allclose(net.refine(image, level, regions), net.refine(image, level, regions, 7), atol=1e-5)


@pytest.mark.parametrize("neighbours", [None, 0, 4, 8])
def test_a_region_hears_from_as_many_neighbours_as_there_shall_be(neighbours):
    """The first region's alpha moves with another region's pixels only where that is near enough."""
    torch.manual_seed(0)
    net = RegionalNetwork(4, neighbours).eval().requires_grad_(False)
    image, level = torch.rand(1, 3, 8, 16 * 8), Level(torch.zeros(1, 3, 1, 16), torch.randn(1, 1, 1, 16))
    regions = rg.choose(torch.ones(1, 1, 1, 16), 16, 0.0)
    before, heard = net.refine(image, level, regions)[..., :8], []
    for other in range(1, 16):
        changed = image.clone()
        changed[..., 8 * other : 8 * other + 8] = 0
        heard.append(not torch.equal(net.refine(changed, level, regions)[..., :8], before))
    assert heard == [other <= (neighbours or 0) for other in range(1, 16)]


def test_the_bias_is_of_the_step_between_two_regions():
    step = torch.tensor([[0, 0], [-3, -3], [3, 3], [0, 1], [4, 0], [0, -9]])
    assert bias_entry(step).tolist() == [24, 0, 48, 25, 49, 49]


def test_within_a_sequence_each_pair_has_its_own_bias():
    """One head, values of one: a bias that is large for "one to the right" makes every region read its right one."""
    net = CrossRegionSequence(2, width=2, depth=1, heads=1).requires_grad_(False)
    layer = net.layers[0]
    for each in net.parameters():
        each.zero_()
    layer.bias[25, 0] = 50.0
    layer.norm1.weight.fill_(1.0)
    layer.kv.weight[2:] = torch.eye(2)
    for each in (net.enter, layer.out, net.leave):
        each.weight.copy_(torch.eye(2))
    regions = torch.tensor([[0, 0, 0], [0, 0, 1], [0, 0, 2]])
    vectors = torch.tensor([[1.0, -1.0], [-1.0, 1.0], [1.0, -1.0]])
    said = net(vectors, regions, rg.nearest(regions, 2))
    assert torch.allclose(said[0], torch.zeros(2), atol=1e-4), "itself and what its right neighbour is, the opposite"
    assert torch.allclose(said[1], torch.zeros(2), atol=1e-4)


def test_training_reaches_every_parameter():
    net = RegionalNetwork(4).train()
    image = torch.rand(2, 3, 40, 56)
    levels = net.coarse(image)
    cells = rg.choose(torch.rand(2, 1, 5, 7), 24, 0.0)  # of a network that knows nothing yet, maybe none is unknown
    alpha = net.refine(image, levels[-1], cells)
    (alpha.sum() + sum(each.square().sum() for level in levels for each in level)).backward()
    assert [name for name, each in net.named_parameters() if each.grad is None] == []
