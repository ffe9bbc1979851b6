"""Training samples: I = alpha F + (1 - alpha) B in linear light, the same for the same seed."""

import cv2
import numpy as np
import pytest

from nuke_matting.colour.model_space import from_model, to_model
from nuke_matting.errors import UsageError
from nuke_matting.training import camera, composite, patterns
from nuke_matting.training.composite import Compositor
from nuke_matting.training.decoding import decode_srgb
from nuke_matting.training.guides import LEAST_SHOWN, rough
from nuke_matting.training.store import Store
from nuke_matting.training.values import Picture, Subject

SKIN = (200, 120, 90)


class Plain(Compositor):
    """No shadows, nothing in front, and backgrounds alike for somebody and nobody."""

    def _nobody(self, *size):
        return self._background(*size)

    def _shadow(self, alpha):
        return np.zeros_like(alpha)

    def _clutter(self, height, width, frames, near=False):
        return np.zeros((frames, height, width, 1), np.float32), np.zeros((frames, height, width, 3), np.float32)


@pytest.fixture
def no_sensor(monkeypatch):
    monkeypatch.setattr(camera, "take", lambda _, *pictures: (*pictures, pictures[2]))


@pytest.fixture
def no_camera(monkeypatch, no_sensor):
    """Layers as they were composed."""
    monkeypatch.setattr(camera, "lens", lambda _, *layers: layers)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def person(folder):
    alpha = np.zeros((60, 40), np.uint8)
    cv2.ellipse(alpha, (20, 30), (15, 25), 0, 0, 360, 255, -1)
    cv2.imwrite(str(folder / "fg.png"), np.full((60, 40, 3), SKIN[::-1], np.uint8))
    cv2.imwrite(str(folder / "alpha.png"), alpha)
    return Subject("ellipse", (Picture(folder / "fg.png", folder / "alpha.png"),))


@pytest.fixture(scope="module")
def backgrounds(folder):
    cv2.imwrite(str(folder / "noise.png"), np.random.default_rng(0).integers(0, 255, (80, 120, 3), np.uint8))
    cv2.imwrite(str(folder / "bright.hdr"), np.full((64, 128, 3), 2.5, np.float32))
    return [(1.0, [folder / "noise.png", folder / "bright.hdr"])]


@pytest.fixture
def draw(person, backgrounds):
    def make(seed=1, kind=Compositor, people=1.0, **others):
        return kind([(people, [person])], backgrounds, seed, **others)

    return make


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("things", [0.0, 1.0])
def test_a_sample_has_the_shapes_and_ranges_that_it_promises(draw, frames, things):
    for seed in range(12):
        sample = draw(seed, things=things).sample(48, 64, frames)
        assert sample.image.shape == sample.foreground.shape == sample.clean.shape == (frames, 48, 64, 3)
        assert sample.alpha.shape == sample.guide.shape == (frames, 48, 64, 1)
        for layer in (sample.alpha, sample.guide):
            assert layer.min() >= 0 and layer.max() <= 1
        assert all(np.isfinite(each).all() for each in vars(sample).values())


def test_the_same_seed_gives_the_same_sample(draw):
    one, other = (draw(5, things=1.0).sample(48, 64, 2) for _ in range(2))
    assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in vars(one))


@pytest.mark.parametrize("people", [0.0, 1.0])
def test_composites_are_made_in_linear_light(draw, people, no_camera):
    seen = 0
    for seed in range(12):
        sample = draw(seed, Plain, people, things=1.0 - people).sample(48, 64, 1)
        image, foreground, clean = (from_model(each) for each in (sample.image, sample.foreground, sample.clean))
        again = sample.alpha * foreground + (1 - sample.alpha) * clean
        shown = sample.alpha[..., 0] > 1e-3  # below it the foreground is the image
        assert np.abs(again - image)[shown].max(initial=0) < 2e-3 * max(1, image.max())
        assert np.abs(clean - image)[~shown].max(initial=0) < 2e-3 * max(1, image.max())
        seen += sample.alpha.max() > 0.9
    assert seen > 3


def test_what_stands_in_front_hides_subject_and_background_alike(draw, no_camera):
    class Framed(Compositor):
        def _shadow(self, alpha):
            return np.zeros_like(alpha)

        def _nobody(self, *size):
            return self._background(*size)

        def _clutter(self, height, width, frames):
            drawn.append(np.zeros((frames, height, width, 3), np.float32))
            return np.full((frames, height, width, 1), 0.5, np.float32), drawn[-1]

        def _background(self, height, width, frames):
            return np.ones((frames, height, width, 3), np.float32)

    seen = 0
    for seed in range(60):
        drawn = []
        sample = draw(seed, Framed).sample(48, 64, 1)
        if drawn:
            seen += 1
            assert from_model(sample.clean) == pytest.approx(0.5, abs=1e-3)
            bare = sample.alpha[..., 0] == 0
            assert from_model(sample.image)[bare] == pytest.approx(0.5, abs=1e-3)
            assert sample.alpha.max() <= 0.5
            solid = sample.alpha[..., 0] > 0.499
            foreground, image = from_model(sample.foreground)[solid], from_model(sample.image)[solid]
            assert image == pytest.approx(foreground / 2, abs=2e-3)  # nothing of the white behind it
    assert seen > 2


def test_shadows_are_in_the_image_and_neither_in_the_alpha_nor_in_the_clean_plate(draw, no_camera):
    class White(Plain):
        def _background(self, height, width, frames):
            return np.ones((frames, height, width, 3), np.float32)

        def _shadow(self, alpha):
            cast.append(Compositor._shadow(self, alpha))
            return cast[-1]

    dark = 0
    for seed in range(120):
        cast = []
        sample = draw(seed, White).sample(48, 64, 1)
        bare = sample.alpha[..., 0] == 0
        expected = 1 - cast[0][bare] if cast else np.ones((bare.sum(), 1))
        assert np.abs(from_model(sample.image)[bare] - expected).max(initial=0) < 2e-3
        assert from_model(sample.clean) == pytest.approx(1, abs=1e-3)
        dark += bool(cast) and float(expected.min(initial=1)) < 0.95
    assert dark > 1


def test_blur_brings_nothing_from_behind_into_the_foreground(draw, no_sensor):
    class Black(Compositor):
        def _background(self, height, width, frames):
            return np.zeros((frames, height, width, 3), np.float32)

        def _vary_colour(self, colour):
            return colour

        def _light_unevenly(self, colour):
            return colour

    soft = 0
    for seed in range(12):
        sample = draw(seed, Black).sample(48, 64, 1)
        edge = (sample.alpha[..., 0] > 0.02) & (sample.alpha[..., 0] < 0.98)
        skin = decode_srgb(np.asarray(SKIN, np.uint8))
        assert np.abs(from_model(sample.foreground)[edge] - skin).max(initial=0) < 2e-3
        soft += edge.sum()
    assert soft > 300


def test_frames_of_a_clip_move_by_themselves(folder, backgrounds):
    frames = []
    for index, share in enumerate((1.0, 0.5, 0.25)):
        alpha = np.zeros((64, 64), np.uint8)
        alpha[:, : int(64 * share)] = 255
        cv2.imwrite(str(folder / f"clip{index}_fg.png"), np.full((64, 64, 3), 90, np.uint8))
        cv2.imwrite(str(folder / f"clip{index}_alpha.png"), alpha)
        frames.append(Picture(folder / f"clip{index}_fg.png", folder / f"clip{index}_alpha.png"))
    clip = Subject("clip", tuple(frames))
    compositor = Compositor([(1.0, [clip])], backgrounds, 3)
    areas = [compositor._subjects(1, False, 96, 96, 3)[0][1].mean((1, 2, 3)) for _ in range(20)]
    assert all(first > second > third for first, second, third in areas)


def test_what_need_not_be_a_person_is_guided_and_drawn_as_often_as_its_weight_says(draw, person):
    def share(**weights):
        return np.mean([draw(seed, **weights)._is_guided() for seed in range(400)])

    assert share() == 0
    assert share(people=0.0, things=1.0) == 1
    assert share(people=1.0, things=0.5, others=[(0.5, [person])]) == pytest.approx(0.5, abs=0.08)


def test_a_trimap_says_0_and_1_only_where_that_is_true(draw, no_camera):
    trimaps = 0
    for seed in range(24):
        sample = draw(seed, people=0.0, things=1.0).sample(48, 64, 1)
        if (sample.guide == 0.5).any():
            trimaps += 1
            assert sample.alpha[sample.guide == 0].max(initial=0) <= LEAST_SHOWN
            assert sample.alpha[sample.guide == 1].min(initial=1) > 0.9
    assert trimaps > 6


def test_backgrounds_are_drawn_by_the_weights_of_their_groups(person, backgrounds):
    drawn = []

    class Told(Store):
        def background(self, among, random):
            drawn.append(len(among))
            return super().background(among, random)

    [(_, paths)] = backgrounds
    among = Compositor([(1.0, [person])], [(3.0, paths[:1]), (1.0, paths)], 5, store=Told())
    for _ in range(200):
        among.sample(16, 16, 1)
    assert np.mean([count == 1 for count in drawn]) == pytest.approx(0.75, abs=0.08)


def test_nothing_to_draw_is_refused(person, backgrounds):
    with pytest.raises(UsageError, match="no subjects"):
        Compositor([(0.0, [person]), (1.0, [])], backgrounds, 1)
    with pytest.raises(UsageError, match="no backgrounds"):
        Compositor([(1.0, [person])], [], 1)


def test_the_model_space_is_the_one_of_the_colour_transforms():
    linear = np.linspace(0, 16, 50)
    assert np.allclose(from_model(to_model(linear)), linear, atol=1e-6)


@pytest.fixture
def taken(folder, person):
    """A photograph of somebody, left of the middle, before a wall that is blue above and red below."""
    picture = person.frames[0]
    wall = np.zeros((60, 40, 3), np.uint8)
    wall[:30, :, 0], wall[30:, :, 2] = 200, 200
    cv2.imwrite(str(folder / "wall.png"), wall)
    return Subject("taken", (Picture(picture.foreground, picture.alpha, folder / "wall.png"),))


def test_some_samples_are_photographs_as_they_were_taken(draw, taken, no_camera, backgrounds):
    compositor = Plain([(1.0, [taken])], backgrounds, 1)
    samples = [compositor.sample(48, 64, 2) for _ in range(120)]
    whole = [each for each in samples if each.in_place]
    assert 5 <= len(whole) <= 30
    for each in whole:
        over = each.alpha * from_model(each.foreground) + (1 - each.alpha) * from_model(each.clean)
        np.testing.assert_allclose(from_model(each.image), over, atol=2e-3)
        assert each.alpha.max() == 1, "somebody is there"
        assert (each.clean[..., 1] < each.clean.max(-1)).all(), "only blue and red: nothing but their own wall"


def test_some_photographs_of_nobody_are_shown_whole(draw, monkeypatch):
    asked, photograph = [], Compositor._photograph

    def watched(self, *size, whole=False):
        asked.append(whole)
        return photograph(self, *size, whole=whole)

    monkeypatch.setattr(Compositor, "_photograph", watched)
    compositor = draw()
    samples = [(compositor.sample(16, 24, 1), asked[:], asked.clear())[:2] for _ in range(150)]
    whole = [sample for sample, kinds in samples if True in kinds]
    assert 2 <= len(whole) <= 20 and all(sample.alpha.max() == 0 for sample in whole)


@pytest.mark.parametrize("kind", ["heap", "streaks"])
def test_some_pictures_of_nobody_show_no_place_at_all(draw, monkeypatch, kind):
    asked, made = [], getattr(patterns, kind)
    monkeypatch.setattr(patterns, kind, lambda *given: asked.append(kind) or made(*given))
    compositor, found = draw(), []
    for _ in range(150):
        asked.clear()
        sample = compositor.sample(16, 24, 1)
        found += [sample.alpha.max() == 0] * bool(asked)
    assert 1 <= len(found) <= 20 and all(found)


def test_subjects_of_which_nobody_knows_what_is_behind_are_put_over_backgrounds(draw):
    compositor = draw()
    assert not any(compositor.sample(16, 24, 1).in_place for _ in range(40))


def test_objects_stand_where_people_do_and_are_no_subjects(draw, no_camera):
    class Objects(Plain):
        def _background(self, height, width, frames):
            return self._with_objects(np.full((frames, height, width, 3), 0.2, np.float32))

    compositor, middle = draw(kind=Objects), 0
    for _ in range(20):
        sample = compositor.sample(48, 64, 1)
        nobody = sample.alpha.max() == 0
        np.testing.assert_allclose(sample.clean[sample.alpha[..., 0] == 0], sample.image[sample.alpha[..., 0] == 0])
        middle += nobody and np.ptp(from_model(sample.image)[0, 12:, 16:48]) > 0.05
    assert middle >= 1


@pytest.mark.parametrize("largest", [1.2, np.inf])
def test_pictures_are_hardly_enlarged_where_detail_is_learnt(tmp_path, monkeypatch, largest):
    alpha = cv2.ellipse(np.zeros((320, 200), np.uint8), (100, 160), (90, 150), 0, 0, 360, 255, -1)
    for name, picture in (
        ("a", alpha),
        ("f", np.full((320, 200, 3), 99, np.uint8)),
        ("b", np.full((420, 420, 3), 99, np.uint8)),
    ):
        cv2.imwrite(str(tmp_path / f"{name}.png"), picture)
    subject = Subject("a", (Picture(tmp_path / "f.png", tmp_path / "a.png"),))
    scales, move = {"subject": [], "background": []}, composite.move

    def seen(layers, path, *more):
        if layers.shape[1] != 64:  # not a shape of one colour
            scales["background" if layers.shape[3] == 3 else "subject"].append(float(path.scale.max()))
        return move(layers, path, *more)

    monkeypatch.setattr(composite, "move", seen)
    for seed in range(40):
        Compositor([(1.0, [subject])], [(1.0, [tmp_path / "b.png"])], seed, largest=largest).sample(300, 400, 1)
    for found in scales.values():
        assert (max(found) < 1.21) == (largest == 1.2)


def test_subjects_have_highlights_now_and_then(tmp_path, no_camera):
    cv2.imwrite(str(tmp_path / "white.png"), np.full((60, 40), 255, np.uint8))
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((60, 80, 3), 60, np.uint8))
    subject = Subject("white", (Picture(tmp_path / "white.png", tmp_path / "white.png"),))
    brightest = []
    for seed in range(60):
        sample = Plain([(1.0, [subject])], [(1.0, [tmp_path / "grey.png"])], seed).sample(32, 48, 1)
        brightest.append((from_model(sample.image) * (sample.alpha > 0.95)).max())
    assert 0.02 < np.mean(np.asarray(brightest) > 4) < 0.3


def test_rough_outlines_are_off_as_far_as_those_that_are_drawn_by_hand():
    """A hand strays by 20 of 288 pixels at most, and by some eight on average; what is learnt must reach beyond."""
    y, x = np.mgrid[:72, :128]
    alpha = (np.hypot(y - 36, x - 64) < 24)[None, ..., None].astype(np.float32)
    guides = [rough(np.random.default_rng(seed), alpha) for seed in range(200)]
    blobs = [guide for guide in guides if not (guide == 0.5).any()]
    off = np.array([np.abs(blob - alpha).sum() for blob in blobs]) / (2 * np.pi * 24)  # pixels, averaged along it
    assert len(blobs) > 80
    assert np.median(off) < 72 * 8 / 288 < np.percentile(off, 90)
