import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from nuke_matting.models.carried import KeyPicture, carried

H, W = 96, 160


def scene(seed=0, height=H, width=W):
    """A picture with something to see everywhere, [1, 3, H, W] in [0, 1]."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3))
    smooth = ndimage.gaussian_filter(noise, (2, 2, 0))
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    return torch.from_numpy(smooth.astype(np.float32)).permute(2, 0, 1)[None]


def bar(at=70, wide=2):
    """A matte of an upright bar, [1, 1, H, W]."""
    alpha = torch.zeros(1, 1, H, W)
    alpha[..., at : at + wide] = 1
    return alpha


def moved(picture, down, across):
    return torch.roll(picture, (down, across), (2, 3))


MIDDLE = (..., slice(16, -16), slice(24, -24))


@pytest.mark.parametrize("down, across", [(0, 0), (3, -5), (-7, 9)])
def test_a_matte_follows_what_moves(down, across):
    found = carried(moved(scene(), down, across), None, [KeyPicture(scene(), bar(), None)])
    assert found.sure[MIDDLE].mean() > 0.9
    assert (found.alpha - moved(bar(), down, across))[MIDDLE].abs().mean() < 5e-3


def test_another_picture_is_not_followed():
    assert carried(scene(1), None, [KeyPicture(scene(2), bar(), None)]).sure.mean() < 0.1


@pytest.mark.parametrize("light", [1 / 4, 1 / 16])
def test_dark_pictures_are_not_taken_for_alike(light):
    assert carried(scene(1) * light, None, [KeyPicture(scene(2) * light, bar(), None)]).sure.mean() < 0.1


@pytest.mark.parametrize("light", [1 / 4, 1 / 16])
def test_a_matte_follows_what_moves_in_the_dark(light):
    found = carried(moved(scene(), 3, -5) * light, None, [KeyPicture(scene() * light, bar(), None)])
    assert found.sure[MIDDLE].mean() > 0.9
    assert (found.alpha - moved(bar(), 3, -5))[MIDDLE].abs().mean() < 5e-3


def test_what_came_into_view_is_not_taken_from_the_key():
    frame = scene()
    frame[..., 30:70, 60:110] = scene(7)[..., 30:70, 60:110]
    found = carried(frame, None, [KeyPicture(scene(), bar(), None)])
    assert found.sure[..., 40:60, 70:100].mean() < 0.1 and found.sure[..., 10:86, 10:40].mean() > 0.9


def test_what_is_unsure_is_left_to_the_frames_own_alpha():
    found = carried(scene(1), None, [KeyPicture(scene(1), bar(), None)])
    half = found._replace(sure=torch.full_like(found.sure, 0.25))
    assert torch.allclose(half.over(torch.full_like(found.sure, 0.4)), 0.25 * found.alpha + 0.3)


def test_of_two_keys_the_surer_one_is_followed():
    other = KeyPicture(scene(9), 1 - bar(), None)
    found = carried(scene(), None, [other, KeyPicture(scene(), bar(), None)])
    assert (found.alpha - bar())[MIDDLE].abs().mean() < 0.02


def test_where_two_keys_disagree_one_dissolves_into_the_other():
    keys = [KeyPicture(scene(), matte, None) for matte in (bar(), 0 * bar())]
    for before, after in ((1, 9), (5, 5), (9, 1)):
        found = carried(scene(), None, [keys[0]._replace(away=before), keys[1]._replace(away=after)])
        assert found.alpha[..., 48, 70].item() == pytest.approx(after / (before + after), abs=1e-3)


def test_a_key_that_shows_another_cut_of_the_picture_is_put_where_it_lies():
    whole = scene()
    key = KeyPicture(whole[..., 16:80, 32:144].contiguous(), bar()[..., 16:80, 32:144].contiguous(), (16, 32, 64, 112))
    found = carried(whole, (0, 0, H, W), [key])
    inside, outside = (..., slice(24, 72), slice(40, 136)), (..., slice(0, 12))
    assert (found.alpha - bar())[inside].abs().mean() < 5e-3 and found.sure[inside].mean() > 0.9
    assert found.sure[outside].max() < 0.05


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
def test_of_any_sizes_alpha_and_surety_are_between_0_and_1(rows, columns, key_rows, key_columns, seed):
    image, key = scene(seed, 16 * rows, 16 * columns), scene(seed + 1, 16 * key_rows, 16 * key_columns)
    for frame, other in ((image, key), (torch.zeros_like(image), key * 40 - 3)):
        for each in carried(frame, None, [KeyPicture(other, other[:, :1].clamp(0, 1), None)]):
            assert each.shape == (1, 1, 16 * rows, 16 * columns) and each.min() >= 0 and each.max() <= 1 + 1e-6
