"""What a clean plate and a guide say outright."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nuke_matting.nets.cues import _blurred, distance, likeness, traces


def scene(height=60, width=90):
    """A red square before a green wall, its alpha, and a guide that is off by six pixels."""
    alpha = torch.zeros(1, 1, height, width)
    alpha[..., 15:45, 30:60] = 1
    image = alpha * torch.tensor([0.8, 0.2, 0.1])[None, :, None, None]
    image = image + (1 - alpha) * torch.tensor([0.1, 0.5, 0.2])[None, :, None, None]
    return image, alpha, alpha.roll((6, 6), (2, 3))


def test_distance_is_none_where_the_plate_is_clean_and_nearly_one_where_it_is_not():
    image, alpha, _ = scene()
    clean = image[..., :1, :1].expand_as(image)
    far = distance(image, clean)
    assert far[alpha == 0].max() == 0 and far[alpha == 1].min() > 0.99 and far.max() < 1


def test_distance_of_noise_is_small():
    torch.manual_seed(0)
    clean = torch.full((1, 3, 32, 32), 0.4)
    assert distance(clean + 0.005 * torch.randn_like(clean), clean).mean() < 0.15


def test_colours_of_the_subject_are_told_from_those_behind_by_a_guide_that_is_off():
    image, alpha, guide = scene()
    like = likeness(image, guide)
    assert like[alpha == 1].min() > 0.7 and like[alpha == 0].max() < 0.4


def test_a_colour_on_both_sides_says_nothing():
    image, _, guide = scene()
    like = likeness(torch.full_like(image, 0.5), guide)
    assert (like - 0.5).abs().max() < 0.01


def test_frames_of_a_batch_do_not_mix():
    image, _, guide = scene()
    images, guides = torch.cat([image, image.flip(1)]), torch.cat([guide, guide.flip(3)])
    both = likeness(images, guides)
    for index in range(2):
        assert torch.equal(both[index : index + 1], likeness(images[index : index + 1], guides[index : index + 1]))


@settings(max_examples=20)
@given(height=st.integers(1, 40), width=st.integers(1, 40), level=st.sampled_from([0.0, 0.5, 1.0]))
def test_any_size_and_a_guide_without_an_outline_give_numbers_in_range(height, width, level):
    torch.manual_seed(height * 64 + width)
    image = torch.randn(1, 3, height, width) * 3
    like = likeness(image, torch.full((1, 1, height, width), level))
    assert like.shape == (1, 1, height, width) and like.min() >= 0 and like.max() <= 1


@pytest.mark.parametrize("gain", [0.02, 1.0])
def test_dark_plates_are_told_apart_as_well_as_bright_ones(gain):
    image, alpha, guide = scene()
    like = likeness(image * gain, guide)
    assert like[alpha == 1].min() > 0.6 and like[alpha == 0].max() < 0.4


@given(height=st.integers(1, 40), width=st.integers(1, 40), reach=st.integers(0, 12))
def test_a_guide_is_blurred_by_the_mean_of_what_lies_within_reach(height, width, reach):
    guide = torch.rand(2, 1, height, width, generator=torch.Generator().manual_seed(height * 41 + width))
    box = torch.nn.functional.avg_pool2d(guide, 2 * reach + 1, 1, reach, count_include_pad=False)
    torch.testing.assert_close(_blurred(guide, reach), box, atol=0.5 / 255 + 1e-5, rtol=0)


def texture(seed, height=40, width=60):
    return 0.2 + 0.6 * torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def test_a_shadow_leaves_all_of_a_clean_plate_but_its_light():
    light, rest, _ = traces(0.4 * texture(1), texture(1))[0]
    torch.testing.assert_close(light, torch.full_like(light, 0.2), atol=1e-3, rtol=0)
    assert rest.max() < 0.01


def test_a_plain_shadow_on_a_plain_wall_is_told_from_a_body_of_another_colour():
    wall = torch.tensor([0.5, 0.6, 0.4])[None, :, None, None].expand(1, 3, 20, 30)
    assert traces(0.5 * wall, wall)[0, 1].max() < 0.01 and traces(0.5 * wall.flip(1).roll(1, 1), wall)[0, 1].min() > 0.5


def test_a_body_leaves_nothing_of_a_clean_plate():
    _, rest, transmission = traces(texture(2), texture(1))[0]
    assert rest.min() > 0.8 and transmission.mean() < 0.1


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.8])
def test_what_shows_through_a_plain_haze_is_its_transmission(alpha):
    haze = torch.tensor([0.9, 0.2, 0.1])[None, :, None, None]
    transmission = traces(alpha * haze + (1 - alpha) * texture(1), texture(1))[0, 2]
    torch.testing.assert_close(transmission, torch.full_like(transmission, 1 - alpha), atol=0.06, rtol=0)


def test_a_plain_clean_plate_tells_no_transmission():
    plain = torch.full((1, 3, 20, 30), 0.4)
    assert traces(plain, plain)[0, 2].max() < 0.01


@settings(max_examples=30)
@given(height=st.integers(1, 20), width=st.integers(1, 20), scale=st.sampled_from([0.0, 1e-3, 1.0, 50.0]))
def test_traces_of_any_size_and_light_are_in_range(height, width, scale):
    random = torch.Generator().manual_seed(height * 21 + width)
    image, clean = (scale * torch.randn(2, 3, height, width, generator=random) for _ in range(2))
    found = traces(image, clean)
    assert found.shape == (2, 3, height, width) and found.min() >= 0 and found.max() <= 1
