"""The network of Background Matting V2 against its authors' own, whose figures are written down here.

They come from their published modules, run on the patterned weights and pictures of this file.
"""

import hashlib

import pytest
import torch

from nuke_matting.nets.background import BASES, BackgroundNetwork, choose
from nuke_matting.nets.resize import bilinear

# of all "name shape" lines of a published checkpoint: how many, and their SHA-256
NAMES = {
    "mobilenetv2": (382, "9974e1386bda12ef41aab9e30e581c583ad94addb421bceb14ea320a4d679016"),
    "resnet50": (394, "8ab9899c05b22e1df690c1ab8e53d651a3dfafa820bc423b303d19425d84e13d"),
    "resnet101": (700, "35de3b42c6b6cc5bd06d0f530aba6cce7adbcbaa50f8024e17979f21c50fa0d5"),
}
MODES = ("full", "sampling", "thresholding")
POINTS = ((5, 7), (20, 33), (31, 60), (47, 12), (58, 71))  # row, column
# the mean alpha, and the foreground's green at POINTS, for each mode
AUTHORS = {
    "mobilenetv2": (
        (0.293173, (0.0, 0.173087, 0.0, 0.550823, 0.106316)),
        (0.124478, (0.442636, 0.639723, 0.462707, 1.0, 0.702102)),
        (0.066543, (0.442636, 0.639723, 0.462707, 1.0, 0.702102)),
    ),
    "resnet50": (
        (0.169813, (0.0, 0.320532, 0.476956, 0.75595, 0.000315)),
        (0.084182, (0.429138, 0.989671, 0.957059, 1.0, 0.70116)),
        (0.058927, (0.429138, 0.989671, 0.957059, 1.0, 0.70116)),
    ),
    "resnet101": (
        (0.121711, (0.0, 0.852344, 0.296938, 1.0, 0.0)),
        (0.077486, (0.531014, 1.0, 0.296938, 1.0, 0.7199)),
        (0.074129, (0.531014, 1.0, 0.135113, 1.0, 0.7199)),
    ),
}


@torch.no_grad()
def patterned(net):
    """Weights that are waves, so that they are the same in any implementation with the same names."""
    for name, value in net.state_dict().items():
        if not value.is_floating_point():
            continue
        wave = torch.sin(torch.arange(value.numel(), dtype=torch.float64) * 12.9898 + sum(name.encode()))
        wave = wave.reshape(value.shape)
        if name.endswith("running_var"):
            value.copy_(1 + 0.4 * wave)
        elif value.ndim > 1:
            value.copy_(wave * (3.0 / value[0].numel()) ** 0.5)
        elif name.endswith("weight"):
            value.copy_(1 + 0.2 * wave)
        else:
            value.copy_(0.1 * wave)
    return net.eval()


def picture(phase):
    """[1, 3, 64, 80]."""
    y, x, c = torch.meshgrid(torch.arange(64.0), torch.arange(80.0), torch.arange(3.0), indexing="ij")
    return (0.5 + 0.5 * torch.sin(0.31 * x + 0.17 * y * (1 + c) + phase)).permute(2, 0, 1)[None]


@pytest.mark.parametrize("patches", [0, 20])
def test_a_full_size_alpha_is_in_float32_whatever_the_arithmetic(patches):
    net, image, clean = patterned(BackgroundNetwork("mobilenetv2")), picture(0.0), picture(1.0)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        coarse = net.coarse(bilinear(image, 32, 40), bilinear(clean, 32, 40))
        ramp = coarse._replace(alpha=torch.linspace(0, 1, 32 * 40).reshape(1, 1, 32, 40).to(coarse.alpha.dtype))
        alpha, residual = net.refine(image, clean, ramp, choose(coarse.error, 64, 80, patches))
    assert coarse.alpha.dtype == torch.bfloat16 and alpha.dtype == residual.dtype == torch.float32
    assert len(alpha.unique()) > 500


@torch.no_grad()
def matte(net, mode):
    """Alpha and foreground at the authors' scale of 0.5, with 100 patches where a number counts."""
    image, clean = picture(0.0), picture(1.0)
    coarse = net.coarse(bilinear(image, 32, 40), bilinear(clean, 32, 40))
    patches = None
    if mode == "sampling":
        patches = choose(coarse.error, 64, 80, 100)
    elif mode == "thresholding":
        patches = choose(coarse.error, 64, 80, 64 * 80, 0.1)
    alpha, residual = net.refine(image, clean, coarse, patches)
    return alpha, (image + residual).clamp(0, 1)


@pytest.mark.parametrize("base", BASES)
def test_published_checkpoints_fit_by_name_and_shape(base):
    net = BackgroundNetwork(base)
    lines = sorted(f"{name} {tuple(value.shape)}\n" for name, value in net.state_dict().items())
    assert (len(lines), hashlib.sha256("".join(lines).encode()).hexdigest()) == NAMES[base]


@pytest.mark.parametrize("base", BASES)
def test_it_gives_what_its_authors_network_gives(base):
    net = patterned(BackgroundNetwork(base))
    for mode, (mean, greens) in zip(MODES, AUTHORS[base], strict=True):
        alpha, foreground = matte(net, mode)
        assert alpha.mean().item() == pytest.approx(mean, abs=1e-4), mode
        assert [foreground[0, 1, y, x].item() for y, x in POINTS] == pytest.approx(greens, abs=1e-4), mode


@pytest.fixture(scope="module")
def guessing():
    return patterned(BackgroundNetwork("mobilenetv2", predicts_plate=True))


def test_the_plate_decoder_changes_nothing_where_there_is_a_plate(guessing):
    plain = patterned(BackgroundNetwork("mobilenetv2"))
    assert all(torch.equal(a, b) for a, b in zip(matte(guessing, "full"), matte(plain, "full"), strict=True))


@torch.no_grad()
@pytest.mark.parametrize("height, width", [(16, 16), (33, 47), (90, 160)])
def test_a_guessed_plate_has_the_size_of_the_frame(guessing, height, width):
    image = torch.rand(2, 3, height, width)
    assert guessing.plate(image).shape == image.shape


@torch.no_grad()
def test_how_many_patches_are_refined_at_once_changes_next_to_nothing(guessing):
    image, clean = picture(0.0), picture(1.0)
    coarse = guessing.coarse(bilinear(image, 32, 40), bilinear(clean, 32, 40))
    patches = choose(coarse.error, 64, 80, 100)
    few, many = (guessing.refine(image, clean, coarse, patches, batch)[0] for batch in (7, 1000))
    assert len(patches) > 7 and torch.allclose(few, many, atol=1e-5)


@torch.no_grad()
def test_no_patches_leave_the_coarse_answer(guessing):
    image, clean = picture(0.0), picture(1.0)
    coarse = guessing.coarse(bilinear(image, 32, 40), bilinear(clean, 32, 40))
    alpha, residual = guessing.refine(image, clean, coarse, choose(coarse.error, 64, 80, 0))
    assert torch.allclose(alpha, bilinear(coarse.alpha, 64, 80).clamp(0, 1), atol=1e-6)
    assert torch.allclose(residual, bilinear(coarse.residual, 64, 80), atol=1e-6)


def test_patches_are_the_likeliest_wrong_and_none_that_are_surely_right():
    error = torch.zeros(1, 1, 4, 5)
    error[0, 0, 1, 2], error[0, 0, 3, 4], error[0, 0, 0, 0] = 0.9, 0.5, 0.05
    assert choose(error, 16, 20, 2).tolist() == [[0, 1, 2], [0, 3, 4]]
    assert len(choose(error, 16, 20, 20)) == 3
    assert len(choose(error, 16, 20, 20, threshold=0.1)) == 2
