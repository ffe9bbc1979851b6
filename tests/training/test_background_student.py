"""The student of `background`: what it is shown, and that it learns what is at work."""

from dataclasses import replace

import pytest
import torch

from nuke_matting.training.data import Batch
from nuke_matting.training.recipe import load_recipe
from nuke_matting.training.stages import Stage
from nuke_matting.training.student import at_work
from nuke_matting.training.students.background import BackgroundStudent

STAGE = Stage(1, batch=4, frames=1, sizes=((32, 48),), enlarge=1.0, rate=1e-3, norms=True, learns="all", echo=1)


def batch(count=4, height=32, width=48, guided=False):
    alpha = torch.zeros(count, 1, 1, height, width)
    alpha[..., 8:24, 12:30] = 1
    clean, colour = torch.rand(count, 1, 3, height, width), torch.full((count, 1, 3, height, width), 0.5)
    image = alpha * colour + (1 - alpha) * clean
    return Batch(
        image, colour, alpha, clean, alpha, clean, torch.full((count,), guided), torch.zeros(count, dtype=bool)
    )


def student(plateless):
    torch.manual_seed(0)
    return BackgroundStudent(replace(load_recipe("background"), plateless=plateless, patches=30))


def losses_of(one, shown, stage=STAGE):
    return one(shown, stage, torch.Generator().manual_seed(1))[0]


def test_one_pass_says_what_the_network_says_in_two():
    one, shown = student(0.5).eval(), batch()
    image, clean = shown.image[:, 0], shown.clean[:, 0]
    coarse, plate = one._coarse(image, clean, torch.tensor([1, 3]))
    for mine, its in zip(coarse, one.net.coarse(image, clean), strict=True):
        assert torch.allclose(mine, its, atol=1e-5)
    assert torch.allclose(plate, one.net.plate(image[[1, 3]]), atol=1e-5)


def test_the_coarse_stage_is_shown_what_the_network_guesses_at_work():
    one, shown = student(0.5).train(), batch()
    image, clean = shown.image[:, 0], shown.clean[:, 0]
    found = one._guess(image, clean, torch.tensor([2]))
    assert one.training and one.net.aspp.training and not found.requires_grad
    assert torch.equal(found[[0, 1, 3]], clean[[0, 1, 3]])
    assert torch.equal(found[2:3], one.eval().net.plate(image[2:3]))


@pytest.mark.parametrize(
    ("plateless", "guided", "guesses"), [(0.0, False, False), (1.0, False, True), (1.0, True, False)]
)
def test_the_plate_is_guessed_of_people_alone_and_as_often_as_the_recipe_says(plateless, guided, guesses):
    one = student(plateless).train()
    losses = losses_of(one, batch(guided=guided))
    assert (losses["plate"] > 0) == guesses
    sum(losses.values()).backward()
    assert any(each.grad is not None for each in one.net.plate_decoder.parameters()) == guesses


def test_the_true_background_is_what_the_guess_is_held_to():
    one, shown = student(1.0).eval(), batch()
    guess = one.net.plate(shown.image[:, 0])
    assert losses_of(one, shown)["plate"].item() == pytest.approx(
        (guess - shown.clean[:, 0]).abs().mean().item(), rel=1e-4
    )


def test_the_refinement_is_shown_the_guess_and_teaches_the_coarse_stage():
    one, shown = student(1.0).train(), batch(height=64, width=96)
    losses = losses_of(one, shown, replace(STAGE, enlarge=2.0))
    other = losses_of(one, replace(shown, clean=torch.rand_like(shown.clean)), replace(STAGE, enlarge=2.0))
    fine = [name for name in losses if name.startswith("fine")]
    assert len(fine) == 3
    losses["fine_alpha"].backward()
    assert one.net.backbone.features[0][0].weight.grad.any() and one.net.refiner.conv1.weight.grad.any()
    one.eval()
    for name in fine:  # a clean plate that is not shown changes nothing
        assert (
            losses_of(one, shown, replace(STAGE, enlarge=2.0))[name]
            == losses_of(one, replace(shown, clean=torch.rand_like(shown.clean)), replace(STAGE, enlarge=2.0))[name]
        )
    assert other.keys() == losses.keys()


def test_full_size_sides_need_not_be_multiples_of_a_patch():
    losses = losses_of(student(0.5).train(), batch(height=42, width=62), replace(STAGE, enlarge=1.3))
    assert all(each.isfinite() for each in losses.values())


def test_what_is_looked_at_at_work_leaves_gradients_in_rounded_arithmetic():
    """Autocast keeps the weights that it rounds; those rounded without gradients must not be used with them."""
    layer, x = torch.nn.Linear(4, 4), torch.rand(2, 4)
    with torch.autocast("cpu", torch.bfloat16):
        with at_work(layer):
            layer(x)
        layer(x).sum().backward()
    assert layer.weight.grad.any()
