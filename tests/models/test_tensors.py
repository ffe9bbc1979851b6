"""Between arrays and tensors: what networks are shown, and the word that there is no memory left."""

import pytest
import torch

from nuke_matting.errors import ModelError
from nuke_matting.models.tensors import DARKEST, autocast, bf16_is_fast, memory_told, seen, whole_fp32


def test_networks_see_bright_light_as_it_is_and_nothing_far_below_black():
    pixels = torch.tensor([[[-107.0, -0.05, 0.0]], [[0.5, 1.9, 7.0]]])
    expected = [[[[DARKEST], [0.5]], [[-0.05], [1.9]], [[0.0], [7.0]]]]
    assert torch.equal(seen(pixels), torch.tensor(expected))


def test_the_pixels_of_a_plate_of_one_pixel_are_left_as_they_are():
    pixels = torch.tensor([[[-107.0, 0.5, 1.9]]])
    assert seen(pixels).is_contiguous() and pixels.tolist() == [[[-107.0, 0.5, pytest.approx(1.9)]]]


class TestFp32OnCuda:
    """Is fp32: torch has its convolutions in TF32, unless it is told. What else runs in the process keeps its own."""

    SWITCHES = (torch.backends.cudnn, torch.backends.cuda.matmul)

    @pytest.fixture(autouse=True)
    def tf32_on(self):
        before = self.allowed()
        for each in self.SWITCHES:
            each.allow_tf32 = True
        yield
        for each, was in zip(self.SWITCHES, before, strict=True):
            each.allow_tf32 = was

    def allowed(self):
        return [each.allow_tf32 for each in self.SWITCHES]

    def test_is_whole_within_and_nowhere_else(self):
        with pytest.raises(KeyError), autocast("cuda:0", "fp32"):
            assert self.allowed() == [False, False]
            raise KeyError
        assert self.allowed() == [True, True]

    @pytest.mark.parametrize(("device", "precision"), [("cpu", "fp32"), ("mps", "fp32"), ("cuda:0", "fp16")])
    def test_other_arithmetic_is_left_as_it_is(self, device, precision):
        with whole_fp32(device, precision):
            assert self.allowed() == [True, True]


@pytest.mark.parametrize(("capability", "fast"), [((7, 0), False), ((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_gpus_before_ampere_are_spared_bf16(monkeypatch, capability, fast):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert bf16_is_fast("cuda:1") == fast


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory: you tried ..."),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:80] . DefaultCPUAllocator: not enough memory: you tried to allocate"
        ),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("std::bad_alloc"),
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
