"""What a training job does when its device fails it.

Short of memory it splits the stack and goes on; else it says so.

Slots of a stack take their steps side by side. Where memory is short they take them in groups, one
after the other: on a CPU to the same bits, on a GPU to rounding.
"""

import gc
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from slowpoints.errors import SlowpointsError
from slowpoints.training.interruption import GO_ON
from slowpoints.training.trainer import Trainer, fit

log = logging.getLogger("slowpoints")
LOSSES = (  # what CUDA says of a device that is no longer there; any other error is one of ours
    "gpu is lost",
    "uncorrectable ecc error",
    "no cuda-capable device",
    "busy or unavailable",
    "unknown error",
    "hardware stack error",
    "nvlink",
)
SHORTAGES = (
    "not enough memory",
    "can't allocate memory",
    "out of memory",
    "ALLOC_FAILED",
    "std::bad_alloc",
)


class OutOfMemory(SlowpointsError):
    """One network alone does not fit into memory."""


class DeviceLost(SlowpointsError):
    """The GPU failed, or was taken away."""


@dataclass
class Room:
    """Into how many groups the slots of a job's stacks are split, and why."""

    n_parts: int = 1
    why: str = ""

    def slots(self, asked: int) -> int:
        """Return how many slots take their steps side by side where `asked` would have."""
        return -(-asked // self.n_parts)

    def told(self, asked: int) -> dict[str, Any]:
        """Return what the provenance of a job says of it, that would have had `asked` slots."""
        return {"slots": self.slots(asked), "slots_asked": asked, "why_fewer_slots": self.why}


def room_at(attempt: int) -> Room:
    """Return the room of a job's attempt.

    Less for each that was killed or failed, as a killed one cannot say why.
    """
    return Room() if attempt == 1 else Room(2 ** (attempt - 1), f"attempt {attempt} of the job")


def trained(make: Callable[..., Trainer], room: Room, *, path: Path, key: str) -> Trainer:
    """Return a stack that `make` makes, trained.

    Where memory is short it is split and goes on from its checkpoint.
    """
    trainer, most = None, 1
    while True:
        try:
            trainer = make(n_parts=room.n_parts)
            most = min(trainer.width, len(trainer.runs))
            fit(trainer, path=path, key=key)
            return trainer
        except (MemoryError, RuntimeError) as error:
            why = _first_line(error)
            if is_loss(error):
                raise DeviceLost(f"the GPU failed or was taken away ({why}); {GO_ON}") from None
            if not is_shortage(error):
                raise
        room.why = why
        if trainer is None:
            raise OutOfMemory(
                f"not enough memory to set up the networks ({why}); {GO_ON} where there is more"
            )
        if room.n_parts >= most:
            raise OutOfMemory(
                f"not enough memory for one network at a time ({why}); {GO_ON} where there is more"
            )
        room.n_parts *= 2
        log.info(
            "not enough memory for %d networks at a time (%s): going on with %d",
            most,
            why,
            room.slots(most),
        )
        trainer = None
        _give_back()


def is_loss(error: BaseException) -> bool:
    """Return whether an error says that the GPU is no longer there."""
    return isinstance(error, torch.AcceleratorError) and any(
        word in str(error).lower() for word in LOSSES
    )


def is_shortage(error: BaseException) -> bool:
    """Return whether an error says that memory is short."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in SHORTAGES)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__


def _give_back() -> None:
    """Free what the stack held: jobs keep the garbage collector from looking at what they began
    with.
    """
    gc.unfreeze()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    gc.freeze()
