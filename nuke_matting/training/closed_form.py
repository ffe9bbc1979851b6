"""pymatting's solvers, whose numba is set so that a process that has used them may be forked.

Numba takes GNU's OpenMP where it is there; a process that was forked after that has been used ends a parallel loop
without running it. Every module of the trainer takes the solvers from here.
"""

from __future__ import annotations

import multiprocessing

import numba

# before a loop is loaded: numba chooses once
numba.config.THREADING_LAYER = "workqueue"  # type: ignore[attr-defined]  # numba fills `config` as it is loaded

from pymatting import estimate_alpha_cf, estimate_foreground_ml  # noqa: E402

__all__ = ["estimate_alpha_cf", "estimate_foreground_ml", "one_thread_in_workers"]


def one_thread_in_workers() -> None:
    """Has numba use one thread in a process that another one started: of those that draw samples there are enough."""
    if multiprocessing.parent_process() is not None:
        numba.set_num_threads(1)
