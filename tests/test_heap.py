"""Freed memory: kept while a process works, given back when it is idle."""

import subprocess
import sys

import pytest
import torch

from nuke_matting import heap

MEASURE = """
import resource, sys
import psutil
from nuke_matting import heap

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        b'x' * (40 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if "keep" in sys.argv:
    assert heap.keep_freed()
    faults()
print(faults())
held = psutil.Process().memory_info().rss
heap.give_back()
print((held - psutil.Process().memory_info().rss) >> 20)
"""

glibc = pytest.mark.skipif(heap._glibc() is None, reason="the C library is not glibc")


def measured(*how: str) -> tuple[int, int]:
    """Pages taken from the system for five blocks of 40 MiB, MiB given back thereafter."""
    ran = subprocess.run([sys.executable, "-c", MEASURE, *how], check=True, capture_output=True, text=True)
    taken, back = map(int, ran.stdout.split())
    return taken, back


@glibc
def test_kept_memory_is_used_again():
    left_alone, _ = measured()
    kept, _ = measured("keep")
    assert kept < left_alone / 10


@glibc
def test_kept_memory_goes_back_when_asked():
    _, back = measured("keep")
    assert back >= 30


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(heap, "_glibc", lambda: None)
    assert not heap.keep_freed()
    heap.give_back()


@pytest.mark.parametrize(("in_use", "given_back"), [(True, 1), (False, 0)])
def test_a_gpu_gets_back_what_torch_keeps_there_where_it_is_in_use(monkeypatch, in_use, given_back):
    calls = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: in_use)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append(1))
    heap.give_back()
    assert len(calls) == given_back


def test_a_mac_gets_back_what_torch_keeps_there(monkeypatch):
    calls = []
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "empty_cache", lambda: calls.append(1))
    heap.give_back()
    assert calls == [1]


def test_a_gpu_that_has_failed_does_not_stop_what_is_idle(monkeypatch):
    def failed():
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", failed)
    heap.give_back()


def test_torch_is_not_loaded_for_it():
    code = "import sys; from nuke_matting import heap; heap.give_back(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
