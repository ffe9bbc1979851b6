"""Between arrays and tensors: what networks are shown, and the word that there is no memory left."""

import pytest
import torch

from nuke_matting.errors import ModelError
from nuke_matting.models.tensors import DARKEST, memory_told, seen


def test_networks_see_bright_light_as_it_is_and_nothing_far_below_black():
    image = torch.tensor([-107.0, -0.05, 0.0, 0.5, 1.9])
    assert seen(image).tolist() == [pytest.approx(DARKEST), *image[1:].tolist()]


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory: you tried ..."),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB)"),
    ],
)
def test_memory_that_is_used_up_is_told_with_the_frames_size(error):
    with (
        pytest.raises(ModelError, match="cuda:0 has no memory left for 1920x1080"),
        memory_told("cuda:0", (1080, 1920), ""),
    ):
        raise error


def test_other_errors_are_not_taken_for_it():
    with pytest.raises(RuntimeError, match="shapes"), memory_told("cpu", (8, 8), ""):
        raise RuntimeError("shapes cannot be multiplied")
