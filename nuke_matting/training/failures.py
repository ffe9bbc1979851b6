"""What a machine may do to a training, told in one line: no memory left, a worker killed, another process ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nuke_matting.errors import MattingError
from nuke_matting.models.tensors import is_out_of_memory
from nuke_matting.training.processes import GO_ON, is_lost, lost
from nuke_matting.training.stages import Stage

_WORKER = "DataLoader worker"  # how torch begins what it says of one


@contextmanager
def failures_told(stage: Stage, device: str) -> Iterator[None]:
    """Turns what torch raises for them into a MattingError. stage : with this process's share of the batch."""
    try:
        yield
    except MemoryError as error:  # of arrays, which samples are drawn in
        raise MattingError(
            "no memory is left to draw samples", advice=f"lower --workers, or the stage's batch or sizes; {GO_ON}"
        ) from error
    except RuntimeError as error:
        if str(error).startswith(_WORKER):
            raise MattingError(
                "a process that draws samples was killed, mostly for want of memory",
                advice=f"lower --workers, 0 needs none, or give a container more memory and /dev/shm; {GO_ON}",
            ) from error
        if is_out_of_memory(error):
            height, width = (round(max(sides) * stage.enlarge) for sides in zip(*stage.sizes, strict=True))
            kind = "stills" if stage.frames == 1 else f"clips of {stage.frames} frames"
            what = "batch, sizes or enlarge" if stage.echo == 1 else "batch, sizes or enlarge, or write echo: 1,"
            raise MattingError(
                f"{device} has no memory left for {stage.batch} {kind} of up to {width}x{height}",
                advice=f"lower the stage's {what} in the recipe; {GO_ON}",
            ) from error
        if is_lost(error):
            raise lost() from error
        raise
