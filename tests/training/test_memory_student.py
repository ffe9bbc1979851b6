"""The student of `memory`: each frame of a clip reads what it reads at work."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nuke_matting.models.contract import FrameInput, Quality, named_frames
from nuke_matting.models.registry import load_model
from nuke_matting.models.weights import save_weights
from nuke_matting.training.data import Batch
from nuke_matting.training.recipe import load_recipe
from nuke_matting.training.stages import Stage
from nuke_matting.training.students.memory import MemoryStudent

STAGE = Stage(1, batch=1, frames=4, sizes=((32, 48),), enlarge=1.0, rate=1e-3, norms=False, learns="all", echo=1)


def batch(frames=4, height=32, width=48):
    image, alpha = torch.rand(1, frames, 3, height, width), torch.rand(1, frames, 1, height, width)
    return Batch(
        image,
        torch.rand_like(image),
        alpha,
        torch.rand_like(image),
        alpha,
        torch.rand_like(image),
        torch.tensor([False]),
        torch.tensor([False]),
    )


def student(references):
    torch.manual_seed(0)
    one = MemoryStudent(replace(load_recipe("memory"), references=references, coarse_long_side=64))
    torch.nn.init.constant_(one.net.project.bias, 0.5)
    for module in one.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        one.train()(batch(), STAGE, torch.Generator())  # without statistics no feature is left of the deep ones
    return one


@pytest.mark.parametrize("references", ["first_and_previous", "previous_two"])
def test_a_clip_is_read_as_the_model_reads_a_shot(tmp_path, references):
    one, clip = student(references).eval(), batch()
    for value in one.net.state_dict().values():  # the file has half the digits
        value.copy_(value.half()) if value.is_floating_point() else None
    about = {"architecture": "memory", "name": "memory", **one.about()}
    save_weights(tmp_path / "memory.safetensors", one.net, about)
    model = load_model(str(tmp_path / "memory.safetensors"), "cpu", "fp32")
    frames = [FrameInput(np.ascontiguousarray(each.permute(1, 2, 0))) for each in clip.image[0]]
    encoded = [model.encode(model.prepare(frame)) for frame in frames]
    _, alpha = one(clip, STAGE, torch.Generator())
    for at, frame in enumerate(frames):
        memory = [encoded[other] for other in named_frames(at, 0, model.references, len(frames) - 1)]
        matte = model.matte(frame, encoded[at], memory, Quality(1.0, 64))
        # rounding alone: a clip's frames are computed side by side; another memory would make 1e-3 and more
        assert np.abs(matte.alpha - alpha[0, at, 0].numpy()).max() < 1e-4, at


def test_the_two_kinds_of_memory_differ_where_they_read_other_frames():
    mine, clip = student("first_and_previous").eval(), batch()
    _, one = mine(clip, STAGE, torch.Generator())
    mine.recipe = replace(mine.recipe, references="previous_two")
    _, two = mine(clip, STAGE, torch.Generator())
    # the second frame reads the first or itself alone; the first two are all that the third may read
    assert torch.allclose(one[:, [0, 2]], two[:, [0, 2]], atol=1e-5)
    assert all((one[:, at] - two[:, at]).abs().max() > 1e-3 for at in (1, 3))


def test_stills_have_no_losses_between_frames_and_clips_have():
    one = student("previous_two").eval()
    assert "temporal" not in one(batch(1), STAGE, torch.Generator())[0]
    assert one(batch(2), STAGE, torch.Generator())[0]["temporal"] > 0


def test_the_guided_filter_learns_in_the_stage_that_enlarges_alone():
    one = student("previous_two").train()
    assert not one.refines(STAGE) and one.refines(replace(STAGE, enlarge=2.0))
    losses, alpha = one(batch(2, 64, 96), replace(STAGE, enlarge=2.0), torch.Generator())
    assert alpha.shape == (1, 2, 1, 32, 48)
    sum(value for name, value in losses.items() if name.startswith("fine")).backward()
    assert one.net.guided_filter.slope[2].weight.grad.any() and one.net.project.weight.grad.any()
    assert all(each.grad is None for each in one.heads.parameters())
