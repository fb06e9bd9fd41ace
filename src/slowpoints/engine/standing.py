"""The loss of a stack and its gradients, laid out once for many steps of training.

Small networks spend most of a step outside the kernel: checks, tensors to be made, the bookkeeping
of derivatives. Where parameters stay at their place, all of it can be done beforehand; a step then
is one call per layer and direction, of the same kernel on the same numbers.
"""

import torch
from torch import Tensor

from slowpoints.cells.definition import Cell
from slowpoints.cells.network import Network
from slowpoints.engine.border import KINDS, Asked, check_asked, check_input, laid_out
from slowpoints.engine.compiled_layer import inputs, weight_names
from slowpoints.engine.cpu.call import NOWHERE, Slopes, prepared, side_by_side, slopes
from slowpoints.engine.cpu.compiled import kernel
from slowpoints.engine.cpu.scan import kept_steps, traces
from slowpoints.engine.cpu.structures import Asked as AskedHere
from slowpoints.engine.cpu.structures import Matrix, fill, rows
from slowpoints.engine.fused import Params, prepare_layer
from slowpoints.engine.recurrence import is_compiled, start


def can_stand(net: Network, x: Tensor) -> bool:
    """Return whether all of a network's arithmetic is the kernel's, in whole blocks of rows.

    x: [M, B, T, I]
    """
    cell = net.cell
    if cell.free or cell.embeds or cell.output_map or net.front or not is_compiled(net, x):
        return False
    found = kernel(cell, net.units)
    return found is not None and x.shape[1] % found.rows == 0


class Below:
    """A layer under the top one: its outputs at all steps, and what comes back through them."""

    def __init__(
        self, cell: Cell, given: tuple[Tensor, ...], n_steps: int, *, is_lowest: bool
    ) -> None:
        """Lay out both calls.    given: as from `compiled_layer.inputs`"""
        self.of = prepared(cell, n_steps, n_steps, given)
        size, call = self.of.size, self.of.call
        like = self.of.first[0]
        self.final = [like.new_empty(size.M, size.B, size.H) for _ in self.of.first]
        self.out = like.new_empty(size.M, size.rows, n_steps, size.Hp)
        self.traces, call.segment = traces(self.of.run, size, self.out, wanted=True)
        call.keeps, call.traces = call.segment == n_steps, self.traces.data_ptr()
        fill(call, final=self.final)
        self.own = slopes(self.of, [not is_lowest] * len(cell.stages))
        self.slope = torch.empty_like(self.shown)

    @property
    def shown(self) -> Tensor:
        """The outputs, as the layer above reads them.    [M, B, T, H]"""
        return self.of.size.cut(self.out)

    def forward(self) -> None:
        """Compute the outputs."""
        self.of.call.out = rows(self.out)
        self.of.run.forward(self.of.call)

    def backward(self, above: Slopes) -> None:
        """Compute the gradients from those of the layer above."""
        found = [value[..., : self.of.size.H] for value in above.sources if value is not None]
        slope = found[0] if len(found) == 1 else torch.add(*found, out=self.slope)
        self.of.call.out, self.own.back.out = NOWHERE, rows(slope)
        self.of.run.backward(self.of.call, self.own.back)


class Standing:
    """The gradients of one stack for batches of one shape; `can_stand` says where it applies."""

    def __init__(
        self, net: Network, params: Params, x: Tensor, asked: Asked, *, silent: int = 0
    ) -> None:
        """Lay out the calls.

        The parameters are read where they are at every call.

        Args:
            net: the shape of the network
            params: by name, each [M, ...]
            x: [M, B, T - silent, I], of the shape of all that follow
            asked: what the outputs are compared with, likewise
            silent: steps after those given, at which the input is zero

        Raises:
            ValueError: parameters, inputs or targets that do not fit the network or each other.
        """
        last = asked.weight.shape[-1]
        check_input(net, params, x, silent=silent, last=last)
        check_asked(net, x, asked)
        self.net, self.silent, self.x, self.asked = net, silent, x, asked
        self.grads: Params = {}
        n_steps = x.shape[2] + silent
        params = {name: value.detach() for name, value in params.items()}
        states = start(net, params, batch=x.shape[1])
        self.below = []
        source = x
        for index in range(net.depth - 1):
            given = self._given(params, index, source, states[index])
            self.below.append(Below(net.cell, given, n_steps, is_lowest=index == 0))
            source = self.below[-1].shown
        top = net.depth - 1
        self.top = prepared(net.cell, n_steps, last, self._given(params, top, source, states[top]))
        self.top.call.segment = kept_steps(self.top.run, self.top.size)
        self.own = slopes(self.top, [bool(top)] * len(net.cell.stages))
        self._read(params)
        for index, own in enumerate([*(below.own for below in self.below), self.own]):
            self.grads |= dict(zip(weight_names(net.cell, index), own.weights, strict=True))
        self._learn_first(params)

    def _given(
        self, params: Params, index: int, x: Tensor, first: tuple[Tensor, ...]
    ) -> tuple[Tensor, ...]:
        layer = prepare_layer(self.net.cell, params, index, staged=False)
        return inputs(self.net.cell, layer, params, index, x, first)

    def _read(self, params: Params) -> None:
        """Lay out the read-out and the loss."""
        W, b = params["readout.W"], params["readout.b"]
        self.grads |= {"readout.W": W.new_empty(W.shape), "readout.b": b.new_empty(b.shape)}
        self.loss = W.new_empty(len(W))
        self.filled = AskedHere()
        matrices = {"W": laid_out(W), "b": laid_out(b)}
        matrices |= {f"d_{name}": self.grads[f"readout.{name}"] for name in matrices}
        for name, value in matrices.items():
            setattr(self.filled, name, Matrix(value.data_ptr(), value.stride(0)))
        self.filled.loss, self.filled.O = self.loss.data_ptr(), W.shape[2]
        self.filled.kind = KINDS.index(self.asked.kind)
        self.held = matrices

    def _learn_first(self, params: Params) -> None:
        """Make room for the gradients of learned first states, which all sequences share."""
        self.first = []
        for index, own in enumerate([*(below.own for below in self.below), self.own]):
            for name, value in zip(self.net.cell.states, own.first, strict=True):
                if self.net.learned_state:
                    shared = self.grads[f"{index}.init.{name}"] = value.new_empty(
                        len(value), value.shape[-1]
                    )
                    self.first.append((value, shared))
        self.grads = {name: self.grads[name] for name in params}

    def fits(self, x: Tensor, asked: Asked, *, silent: int) -> bool:
        """Return whether a batch is of the shape that this was laid out for."""
        old, new = (self.x, *self.asked[1:]), (x, *asked[1:])
        return silent == self.silent and all(
            a.shape == b.shape for a, b in zip(old, new, strict=True)
        )

    def __call__(self, x: Tensor, asked: Asked) -> Tensor:
        """Return the loss of each run; `grads` then are its slopes, by parameter.    -> [M]

        x, asked: of the shape this was laid out for
        """
        x, y = side_by_side(x), side_by_side(asked.y)
        lowest = self.below[0].of if self.below else self.top
        for stage in lowest.call.stage[: len(self.net.cell.stages)]:
            stage.source = rows(x)
        allowed = asked.allowed.contiguous()
        self.filled.wanted, self.filled.weight = rows(y), rows(asked.weight)
        self.filled.allowed = allowed.data_ptr()
        for below in self.below:
            below.forward()
        self.top.run.one_pass(self.top.call, self.own.back, self.filled)
        above = self.own
        for below in reversed(self.below):
            below.backward(above)
            above = below.own
        for value, shared in self.first:
            torch.sum(value, 1, out=shared)
        return self.loss
