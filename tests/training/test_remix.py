"""Samples made of others: composites in linear light still, whose layers belong together."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nuke_matting.colour.model_space_tensors import from_model
from nuke_matting.training import echo, remix
from nuke_matting.training.data import Batch
from nuke_matting.training.echo import echoed
from nuke_matting.training.remix import remixed

SEEDS = st.integers(0, 10_000)


def batch(seed, b=3, t=2, h=24, w=32, in_place=False):
    random = torch.Generator().manual_seed(seed)

    def smooth(*shape):
        small = torch.rand(b * t, *shape, 3, 4, generator=random)
        return torch.nn.functional.interpolate(small, size=(h, w), mode="bilinear").unflatten(0, (b, t))

    alpha = (smooth(1) * 3 - 1).clamp(0, 1)
    guided = torch.tensor([True, False, True])
    layers = (smooth(3), smooth(3), alpha, smooth(3), alpha.clone(), smooth(3))
    return Batch(*layers, guided, torch.full((b,), in_place))


@pytest.fixture
def without_noise(monkeypatch):
    monkeypatch.setattr(remix._Draw, "noisy", lambda _self, linear: linear)
    monkeypatch.setattr(remix._Draw, "clipping", lambda self: torch.full((self._count, 1, 1, 1, 1), torch.inf))


@given(seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_the_layers_keep_their_ranges_shapes_and_flags(seed):
    drawn = batch(seed)
    made = remixed(drawn, batch(seed + 1).clean, torch.Generator().manual_seed(seed))
    for name in ("image", "foreground", "alpha", "clean", "guide"):
        assert getattr(made, name).shape == getattr(drawn, name).shape and getattr(made, name).isfinite().all()
    assert made.alpha.min() >= 0 and made.alpha.max() <= 1 and made.guide.min() >= 0 and made.guide.max() <= 1
    assert torch.equal(made.guided, drawn.guided)


def test_the_image_is_its_layers_composite_in_linear_light(without_noise, monkeypatch):
    monkeypatch.setattr(remix._Draw, "blurred", lambda _self, *layers: list(layers))
    light = remix._Draw.light
    # the clean plate is another take, of a slightly other exposure: not here
    monkeypatch.setattr(
        remix._Draw, "light", lambda self, stops, tint: light(self, 0 if stops == 0.05 else stops, tint)
    )
    monkeypatch.setattr(remix._Draw, "shadow", lambda _self, alpha: torch.zeros_like(alpha))
    made = remixed(batch(1), batch(2).clean, torch.Generator().manual_seed(3))
    over = made.alpha * from_model(made.foreground) + (1 - made.alpha) * from_model(made.clean)
    torch.testing.assert_close(from_model(made.image), over, atol=2e-3, rtol=1e-3)


def test_a_guide_moves_with_its_subject(without_noise, monkeypatch):
    monkeypatch.setattr(remix._Draw, "blurred", lambda _self, *layers: list(layers))
    made = remixed(batch(1), batch(2).clean, torch.Generator().manual_seed(3))
    torch.testing.assert_close(made.guide, made.alpha)


def test_the_background_is_the_one_that_was_given(without_noise, monkeypatch):
    monkeypatch.setattr(remix._Draw, "decoys", lambda _self, places, *_: places)
    grey = torch.full_like(batch(1).clean, 0.5)
    made = remixed(batch(1), grey, torch.Generator().manual_seed(3))
    assert made.clean.std((1, 3, 4)).max() < 1e-3, "a plain background stays plain, whatever its light"


def test_photographs_stay_whole_mostly(without_noise, monkeypatch):
    monkeypatch.setattr(remix._Draw, "blurred", lambda _self, *layers: list(layers))
    drawn = batch(1, in_place=True)
    drawn = replace(drawn, behind=(0.3 + 0.3 * drawn.alpha).expand_as(drawn.clean))  # light where the subject is
    grey, whole = torch.full_like(drawn.clean, 0.5), []
    for seed in range(40):
        made = remixed(drawn, grey, torch.Generator().manual_seed(seed))
        whole += made.in_place.tolist()
        for each in made.in_place.nonzero()[:, 0]:
            if made.alpha[each].std() > 0:  # else the subject was taken away
                together = torch.corrcoef(torch.stack([made.alpha[each].flatten(), made.clean[each, :, 0].flatten()]))
                assert together[0, 1] > 0.9
    assert 0.6 < sum(whole) / len(whole) < 0.9


def test_the_same_random_numbers_give_the_same_samples():
    first, second = (remixed(batch(1), batch(2).clean, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first.image, second.image) and torch.equal(first.alpha, second.alpha)


def test_other_random_numbers_give_others():
    first, second = (remixed(batch(1), batch(2).clean, torch.Generator().manual_seed(each)) for each in (3, 4))
    assert not torch.equal(first.alpha, second.alpha) and not torch.equal(first.image, second.image)


@given(seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_new_places_have_no_light_that_the_old_ones_lack_and_stand_still(seed):
    behind = torch.rand(4, 1, 3, 12, 16, generator=torch.Generator().manual_seed(seed)).expand(4, 3, 3, 12, 16)
    made = remix._Draw(4, torch.Generator().manual_seed(seed), torch.device("cpu")).places(behind)
    assert made.shape == behind.shape
    assert made.min() >= behind.min() - 1e-6 and made.max() <= behind.max() + 1e-6
    assert torch.equal(made[:, 0], made[:, 2])


def test_some_places_are_mixed_some_upside_down_some_of_other_colours_and_some_as_they_were():
    behind = torch.zeros(200, 1, 3, 8, 8)
    behind[:, :, 0, :4] = torch.arange(200.0).view(200, 1, 1, 1) + 1  # red above, each by its own brightness
    made = remix._Draw(200, torch.Generator().manual_seed(5), torch.device("cpu")).places(behind)
    shares = {
        "as it was": (made == behind).flatten(1).all(1),
        "upside down": made[:, 0, :, :4].sum((1, 2, 3)) < made[:, 0, :, 4:].sum((1, 2, 3)),
        "other colours": made[:, 0, 0].sum((1, 2)) == 0,
        "mixed": made.flatten(1).amax(1) != behind.flatten(1).amax(1),
    }
    for name, found in shares.items():
        assert 0.04 < found.float().mean() < 0.75, name


def test_where_nobody_is_a_piece_of_another_place_has_a_subjects_outline_but_is_not_upright():
    draw = remix._Draw(120, torch.Generator().manual_seed(5), torch.device("cpu"))
    places = torch.linspace(0.1, 0.9, 120).view(-1, 1, 1, 1, 1).expand(120, 2, 3, 40, 60).clone()
    alpha = torch.zeros(120, 2, 1, 40, 60)
    alpha[..., 4:40, 25:35] = 1.0  # upright
    made = draw.decoys(places, alpha, torch.ones(120, 1, 1, 1, 1, dtype=torch.bool))
    changed = (made != places)[:, 0, 0]
    some = changed.flatten(1).any(1)
    assert 0.5 < some.float().mean() < 0.8
    assert torch.equal((made != places)[:, 1], (made != places)[:, 0]), "they stand still"
    wide, tall = changed[some].any(1).sum(1).float(), changed[some].any(2).sum(1).float()
    assert wide.mean() > tall.mean(), "what stood lies, or hangs"


def test_nothing_is_put_where_no_subject_lends_its_outline():
    draw = remix._Draw(50, torch.Generator().manual_seed(5), torch.device("cpu"))
    places = torch.rand(50, 1, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    alone = torch.ones(50, 1, 1, 1, 1, dtype=torch.bool)
    assert torch.equal(draw.decoys(places, torch.zeros(50, 1, 1, 8, 8), alone), places)


def test_nothing_is_put_behind_somebody():
    draw = remix._Draw(120, torch.Generator().manual_seed(5), torch.device("cpu"))
    places = torch.linspace(0.1, 0.9, 120).view(-1, 1, 1, 1, 1).expand(120, 1, 3, 40, 60).clone()
    made = draw.decoys(places, torch.ones(120, 1, 1, 40, 60), torch.zeros(120, 1, 1, 1, 1, dtype=torch.bool))
    assert torch.equal(made, places)


def test_nobody_stands_before_what_is_made_up_where_somebody_was(monkeypatch):
    drawn = batch(1, b=8, t=1)
    taken = torch.arange(8) < 5
    kept = [replace(drawn, behind=torch.where(taken.view(-1, 1, 1, 1, 1), 0.9, 0.3).expand_as(drawn.behind))]
    kept = [replace(each, in_place=taken) for each in kept]
    seen = []

    monkeypatch.setattr(echo, "remixed", lambda _batch, behind, _random: seen.append(behind))
    for step in range(20):
        echoed(kept, 3, step)
    echoed([replace(kept[0], in_place=torch.ones(8, dtype=torch.bool))], 3, 1)
    assert max(float(each.max()) for each in seen[:20]) == pytest.approx(0.3)
    assert len(seen[20]) == 8, "where there is nothing else they have to do"


def test_subjects_of_photographs_as_they_were_taken_stay(without_noise):
    drawn = replace(batch(1, b=60, t=1), in_place=torch.ones(60, dtype=torch.bool))
    drawn = replace(drawn, alpha=torch.ones_like(drawn.alpha))
    made = remixed(drawn, drawn.behind, torch.Generator().manual_seed(3))
    assert (made.alpha[made.in_place] > 0.99).all()
    assert (made.alpha[~made.in_place] < 0.01).any(), "others are taken away at times"


def test_some_subjects_are_taken_away_with_their_guides(without_noise):
    made = remixed(batch(1, b=120, t=1), batch(2, b=120, t=1).clean, torch.Generator().manual_seed(3))
    nobody = made.alpha.flatten(1).amax(1) == 0
    assert 0.05 < nobody.float().mean() < 0.25
    assert made.guide[nobody].max() == 0
    torch.testing.assert_close(made.image[nobody], made.clean[nobody], atol=0.15, rtol=0)  # another take of it


def test_some_places_get_the_subjects_own_colour():
    draw = remix._Draw(200, torch.Generator().manual_seed(5), torch.device("cpu"))
    skin = torch.tensor([0.5, 0.3, 0.2]).view(1, 1, 3, 1, 1)
    alpha = torch.zeros(200, 1, 1, 8, 8)
    alpha[:, :, :, :4] = 1
    places = torch.full((200, 1, 3, 8, 8), 0.2)
    made = draw.alike(places, skin * alpha, alpha)
    changed = (made != places).flatten(1).any(1)
    assert 0.06 < changed.float().mean() < 0.2
    red = made[changed, 0, 0, 0, 0]
    assert (red > 0.2).all() and red.max() > 0.4, "on the way to the subject's colour"
    assert red.max() <= 0.5 + 1e-6


def test_some_places_get_the_colour_of_a_part_of_the_subject_however_dark_that_is():
    draw = remix._Draw(1000, torch.Generator().manual_seed(5), torch.device("cpu"))
    alpha = torch.ones(1000, 1, 1, 16, 8)
    subject = torch.full((1000, 1, 3, 16, 8), 0.5)
    subject[:, :, :, 8:] = 0.005  # trousers
    made = draw.alike(torch.full((1000, 1, 3, 16, 8), 0.2), subject, alpha)[:, 0, 0, 0, 0]
    assert made.min() < 0.04 and made.max() > 0.4


def test_in_some_clips_all_is_dark():
    night = remix._Draw(400, torch.Generator().manual_seed(5), torch.device("cpu")).night().flatten()
    dark = night < 1
    assert 0.02 < dark.float().mean() < 0.1
    assert night[dark].min() > 2**-3.6 and night[dark].max() < 2**-1.4


def test_it_is_the_subjects_colour_not_what_was_behind(without_noise, monkeypatch):
    monkeypatch.setattr(remix._Draw, "light", lambda _self, _stops, _tint: torch.ones(1))
    monkeypatch.setattr(remix._Draw, "hue", lambda _self: torch.zeros(1))
    drawn = batch(1, b=60, t=1)
    red, green = (torch.tensor(each).view(1, 1, 3, 1, 1) for each in ((0.8, 0.1, 0.1), (0.1, 0.8, 0.1)))
    alpha = torch.zeros_like(drawn.alpha)
    alpha[..., :8] = 1  # moves, and is mirrored
    drawn = replace(drawn, alpha=alpha, guide=alpha, foreground=red * alpha + green * (1 - alpha))
    made = remixed(drawn, torch.full_like(drawn.clean, 0.4), torch.Generator().manual_seed(3))
    red_gain, green_gain = made.clean[:, 0, 0].mean((1, 2)), made.clean[:, 0, 1].mean((1, 2))
    assert (red_gain >= green_gain - 1e-3).all() and (red_gain > green_gain + 0.05).any()


def test_where_there_is_nobody_places_keep_their_colour():
    draw = remix._Draw(50, torch.Generator().manual_seed(5), torch.device("cpu"))
    places = torch.rand(50, 1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(draw.alike(places, places.flip(0), torch.zeros(50, 1, 1, 8, 8)), places)


def test_hues_of_some_subjects_are_turned_and_their_grey_is_kept():
    draw = remix._Draw(200, torch.Generator().manual_seed(5), torch.device("cpu"))
    cloth = torch.tensor([0.4, 0.2, 0.15]).view(1, 1, 3, 1, 1).expand(200, 1, 3, 2, 2)
    made = remix._turned(cloth, draw.hue())
    changed = (made != cloth).flatten(1).any(1)
    assert 0.02 < changed.float().mean() < 0.12
    torch.testing.assert_close(made.mean(2), cloth.mean(2), atol=0.01, rtol=0)  # but where a colour ends at 0
    assert len(made[changed].argmax(2).flatten().unique()) == 3, "red becomes green and blue"
    assert made.min() >= 0


def test_a_third_of_a_turn_moves_red_to_green_and_on_to_blue():
    red = torch.tensor([1.0, 0, 0]).view(1, 1, 3, 1, 1)
    third = torch.tensor(2 * torch.pi / 3).view(1, 1, 1, 1, 1)
    torch.testing.assert_close(remix._turned(red, third).flatten(), torch.tensor([0.0, 1, 0]), atol=1e-6, rtol=0)
    torch.testing.assert_close(remix._turned(red, 2 * third).flatten(), torch.tensor([0.0, 0, 1]), atol=1e-6, rtol=0)


def test_a_photograph_as_it_was_taken_is_turned_as_a_whole(without_noise):
    drawn = batch(1, b=60, t=1)
    grey = torch.full_like(drawn.clean, 0.5)
    warm = grey + torch.tensor([0.2, 0, -0.1]).view(1, 1, 3, 1, 1)
    drawn = replace(
        drawn, foreground=warm, clean=warm, behind=warm, image=warm, in_place=torch.ones(60, dtype=torch.bool)
    )
    made = remixed(drawn, grey, torch.Generator().manual_seed(3))
    whole = made.in_place
    subject, place = (each[whole].mean((1, 3, 4)) for each in (made.foreground, made.clean))
    assert torch.equal(subject.argmax(1), place.argmax(1))
    assert len(subject.argmax(1).unique()) > 1


def test_shadows_are_in_the_image_alone(without_noise, monkeypatch):
    monkeypatch.setattr(remix._Draw, "blurred", lambda _self, *layers: list(layers))
    draws = []
    for strength in (0.0, 0.5):
        monkeypatch.setattr(remix._Draw, "shadow", lambda _self, alpha, s=strength: torch.full_like(alpha, s))
        draws.append(remixed(batch(1), batch(2).clean, torch.Generator().manual_seed(3)))
    lit, shaded = draws
    assert torch.equal(lit.alpha, shaded.alpha) and torch.equal(lit.clean, shaded.clean)
    behind = lit.alpha.expand_as(lit.image) == 0
    ratio = from_model(shaded.image)[behind] / from_model(lit.image)[behind]
    torch.testing.assert_close(ratio, torch.full_like(ratio, 0.5), atol=1e-3, rtol=0)


def test_three_in_ten_cast_shadows_which_are_soft_and_move_with_them():
    draw = remix._Draw(200, torch.Generator().manual_seed(5), torch.device("cpu"))
    alpha = torch.zeros(200, 2, 1, 32, 48)
    alpha[:, 0, :, 8:24, 16:28], alpha[:, 1, :, 8:24, 20:32] = 1.0, 1.0
    cast = draw.shadow(alpha)
    some = cast.flatten(1).amax(1) > 0
    assert cast.shape == alpha.shape and cast.min() >= 0 and cast.max() <= 0.9 + 1e-5
    assert 0.15 < some.float().mean() < 0.45
    assert (cast[some, 0] != cast[some, 1]).flatten(1).any(1).all()


def test_nobody_casts_no_shadow():
    draw = remix._Draw(50, torch.Generator().manual_seed(5), torch.device("cpu"))
    assert draw.shadow(torch.zeros(50, 1, 1, 16, 16)).max() == 0


def test_backgrounds_bring_no_noise_of_their_own(without_noise, monkeypatch):
    monkeypatch.setattr(remix._Draw, "decoys", lambda _self, places, *_: places)
    monkeypatch.setattr(remix._Draw, "shadow", lambda _self, alpha: torch.zeros_like(alpha))
    drawn = batch(1, b=24, t=1)
    grey = torch.full_like(drawn.clean, 0.5)
    noisy = grey + 0.1 * torch.randn(grey.shape, generator=torch.Generator().manual_seed(2))
    kept = [replace(drawn, foreground=grey, clean=noisy, behind=grey)]
    made = echoed(kept, 3, 1)
    assert made.image.std((1, 3, 4)).max() < 0.2 and made.clean.std((1, 3, 4)).max() < 1e-3
    assert torch.equal(made.clean, made.behind)
