"""Training samples: I = alpha F + (1 - alpha) B in linear light, the same for the same seed."""

import cv2
import numpy as np
import pytest

from nuke_matting.colour.model_space import from_model, to_model
from nuke_matting.training.composite import Compositor
from nuke_matting.training.sources import Person, load_people
from nuke_matting.training.stages import STAGES
from nuke_matting.training.train import rate_at


@pytest.fixture(scope="module")
def person():
    alpha = np.zeros((60, 40), np.uint8)
    cv2.ellipse(alpha, (20, 30), (15, 25), 0, 0, 360, 255, -1)
    return Person("ellipse", np.full((60, 40, 3), (200, 120, 90), np.uint8), alpha, grey=False)


@pytest.fixture
def draw(person):
    def make(seed=1, kind=Compositor):
        backgrounds = [
            np.random.default_rng(0).integers(0, 255, (80, 120, 3), np.uint8),
            np.full((64, 128, 3), 2.5, np.float32),
        ]
        return kind([(1.0, [person])], backgrounds, seed)

    return make


@pytest.mark.parametrize("frames", [1, 3])
def test_a_sample_has_the_shapes_and_ranges_that_it_promises(draw, frames):
    for seed in range(12):
        sample = draw(seed).sample(48, 64, frames)
        assert sample.image.shape == sample.foreground.shape == sample.clean.shape == (frames, 48, 64, 3)
        assert sample.alpha.shape == sample.guide.shape == (frames, 48, 64, 1)
        for layer in (sample.alpha, sample.guide):
            assert layer.min() >= 0 and layer.max() <= 1
        assert all(np.isfinite(each).all() for each in vars(sample).values())


def test_the_same_seed_gives_the_same_sample(draw):
    one, other = draw(5).sample(48, 64, 2), draw(5).sample(48, 64, 2)
    assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in vars(one))


def test_composites_are_made_in_linear_light(draw):
    class NoCamera(Compositor):
        def _camera(self, image, straight, clean, alpha):
            return image, straight, clean, alpha

    seen = 0
    for seed in range(12):
        sample = draw(seed, NoCamera).sample(48, 64, 1)
        image, foreground, clean = (from_model(each) for each in (sample.image, sample.foreground, sample.clean))
        again = sample.alpha * foreground + (1 - sample.alpha) * clean
        assert np.abs(again - image).max() < 2e-3 * max(1, image.max())
        seen += sample.alpha.max() > 0.9
    assert seen > 6


def test_the_model_space_is_the_one_of_the_colour_transforms():
    linear = np.linspace(0, 16, 50)
    assert np.allclose(from_model(to_model(linear)), linear, atol=1e-6)


def test_people_are_read_in_pairs_and_cropped_to_what_shows(tmp_path):
    alpha = np.zeros((100, 80), np.uint8)
    alpha[20:90, 10:60] = 255
    cv2.imwrite(str(tmp_path / "a_alpha.png"), alpha)
    cv2.imwrite(str(tmp_path / "a_fg.png"), np.full((100, 80, 3), 99, np.uint8))
    cv2.imwrite(str(tmp_path / "half_alpha.png"), alpha)  # its colour is not there yet
    people = load_people(tmp_path, {})
    assert list(people) == ["a"]
    assert people["a"].alpha.shape == (70, 50) and people["a"].foreground.shape == (70, 50, 3)
    assert people["a"].grey


def test_the_learning_rate_warms_up_and_goes_down():
    stage = STAGES["small"]
    rates = [rate_at(step, stage) for step in range(stage.steps)]
    assert rates[0] < rates[100] < stage.rate and max(rates) == pytest.approx(stage.rate)
    assert rates[-1] == pytest.approx(stage.rate / 20, rel=0.01)
