"""A training step recorded as one CUDA graph: one launch replays its hundreds of small kernels."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

WARM_UP = (
    3  # calls before recording, in which libraries choose their algorithms and kernels are compiled
)


@cache
def _aside() -> torch.cuda.Stream:
    # one for all recordings: libraries keep memory for each stream they have seen
    return torch.cuda.Stream()


class Captured:
    """A function of tensors that changes others in place, recorded when first called.

    It must not wait for a number from the device, and its inputs must keep their shapes.
    """

    def __init__(
        self, call: Callable[..., None], *, changes: Sequence[Tensor], pool: Any = None
    ) -> None:
        """Take the function and all tensors that it changes.

        They are put back after the calls that warm up. pool: the memory of a graph, shared by
        recordings that are replayed one after the other
        """
        self.call, self.changes, self.pool = call, changes, pool
        self.inputs: tuple[Tensor, ...] = ()
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, *inputs: Tensor) -> None:
        """Do what the function does with these inputs."""
        if self.graph is None:
            self.inputs = tuple(value.clone() for value in inputs)
            self.graph = self._record()
        for own, value in zip(self.inputs, inputs, strict=True):
            if own.shape != value.shape or own.dtype != value.dtype:
                raise ValueError(
                    f"recorded with {list(own.shape)} in {own.dtype}, called with "
                    f"{list(value.shape)} in {value.dtype}: a recording keeps its shapes"
                )
            own.copy_(value)
        self.graph.replay()

    def _record(self) -> torch.cuda.CUDAGraph:
        before = [value.clone() for value in self.changes]
        aside = _aside()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                self.call(*self.inputs)
        torch.cuda.current_stream().wait_stream(aside)
        for value, old in zip(self.changes, before, strict=True):
            value.copy_(old)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.pool):
            self.call(*self.inputs)
        return graph
