"""What a process does with memory that it frees: keeps it for the next frame, and gives it back when there is none.

A frame's pixels and features are taken and freed over and over, each of them megabytes. Left as it is, glibc gets large
ones from the system anew each time, which clears them page by page: a fifth of the network's time at 3840x2160
on a CPU, as `benchmarks/heap.py` measures. Where the C library is another one, nothing changes. On a GPU torch keeps
what is freed by itself; Nuke and others who draw on it have it back when there is no work.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from typing import Any

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # of mallopt(3)


def keep_freed() -> bool:
    """From now on this process keeps what it frees, and uses it again; whether the C library can.

    For a program of our own at its start, not for a library: it holds for all that the process does.
    """
    libc = _glibc()
    if libc is None:
        return False
    # no maps of their own for large blocks, no end of the heap cut off, and one heap for all threads to use again
    return all(libc.mallopt(which, value) for which, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, -1), (_ARENA_MAX, 1)))


def give_back() -> None:
    """Gives back what has been kept, to the system and to the GPU's other programs: for a process that will be idle."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)
    torch = sys.modules.get("torch")  # who has not loaded it has nothing there
    if torch is None:
        return
    with suppress(RuntimeError):  # of a GPU that has failed; whoever uses it next gets the error
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        if torch.backends.mps.is_available():
            torch.mps.empty_cache()


def _glibc() -> Any:
    """The C library, or None where it has no such calls (macOS, Windows, musl)."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
