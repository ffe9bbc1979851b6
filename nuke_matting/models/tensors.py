"""Between the contract's arrays and the networks' tensors, and the arithmetic that a network runs in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from nuke_matting.errors import ModelError
from nuke_matting.models.contract import Array

Network = TypeVar("Network", bound=nn.Module)
DARKEST = -0.1  # model space; noise about black lies above it
# what CUDA's libraries, the CPU and Apple's GPU say of memory, where no type of error says it
_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed", "bad_alloc")
LOWER = "lower --region-batch or --regions, close other programs on it, or use --device cpu"
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def tensor(pixels: Array, device: str = "cpu") -> Tensor:
    """An array as a tensor on a device."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).to(device)


def seen(pixels: Tensor) -> Tensor:
    """An image or clean plate [H, W, C], in the model space, as networks see it: [1, C, H, W], no darker than DARKEST;
    a copy, contiguous, since cuts and resizes are faster so.

    Saturated lights lie below 0 in Rec.709, as far as they are bright. Bright values are rolled off, these are not; and
    one such light would change the answer of a network, which never saw the like, all over the frame.
    """
    # a copy of a single pixel too, whose planes lie as its colours do: the plate's own is never clamped
    return pixels.permute(2, 0, 1)[None].clone(memory_format=torch.contiguous_format).clamp_(min=DARKEST)


def array(tensor: Tensor) -> Array:
    """Any tensor -> a contiguous array on the CPU."""
    return np.ascontiguousarray(tensor.cpu().numpy())


def to_device(net: Network, device: str) -> Network:
    """A network ready to run."""
    return channels_last(net.eval().requires_grad_(False).to(device))


def channels_last(net: Network) -> Network:
    """A network in the memory layout that convolutions are quickest in."""
    # torch's stubs of `to` know no memory formats
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


@contextmanager
def autocast(device: str, precision: str) -> Iterator[None]:
    """The arithmetic of `contract.Model.precision`."""
    enabled = precision != "fp32"
    dtype = _DTYPES[precision] if enabled else torch.bfloat16
    with torch.autocast(torch.device(device).type, dtype, enabled=enabled), whole_fp32(device, precision):
        yield


@contextmanager
def whole_fp32(device: str, precision: str) -> Iterator[None]:
    """Keeps fp32 on CUDA from TF32, which has 10 of its 23 bits, and in which torch convolves unless it is told."""
    if precision != "fp32" or torch.device(device).type != "cuda":
        yield
        return
    switches: tuple[Any, ...] = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [each.allow_tf32 for each in switches]
    try:
        for each in switches:
            each.allow_tf32 = False
        yield
    finally:
        for each, was in zip(switches, before, strict=True):
            each.allow_tf32 = was


def bf16_is_fast(device: str) -> bool:
    """Whether bf16 is worth it there. A CPU without instructions for it emulates them, ten times slower than fp32, and
    so do GPUs before Ampere, whose convolutions may not know it at all."""
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)  # AMD's are 9 and above
    if kind != "cpu":
        return True
    told: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # newer versions of torch say it outright
    if told:
        return any(told.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", bool)())


@contextmanager
def memory_told(device: str, size: Sequence[int], advice: str = LOWER) -> Iterator[None]:
    """Turns torch's word of a device without memory left into a ModelError. `size` is height and width."""
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise ModelError(f"{device} has no memory left for {size[1]}x{size[0]}", advice=advice) from error


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error of torch's means that; often only its text says so."""
    told = str(error).lower()
    return isinstance(error, torch.cuda.OutOfMemoryError) or any(each in told for each in _NO_MEMORY)
