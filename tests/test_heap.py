"""Freed memory: kept while a process works, given back when it is idle."""

import subprocess
import sys

import pytest

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
