"""The loss of a stack and its gradients, laid out once for many steps of training.

Small networks spend most of a step outside the kernel: checks, tensors to be made, the bookkeeping
of derivatives. Where parameters stay at their place, all of it can be done beforehand; a step then
is one call per layer and direction, of the same kernel on the same numbers. What a layer computes
from its input before the kernel runs is differentiated at every step, by itself.
"""

import torch
from torch import Tensor

from slowpoints.cells.network import Network
from slowpoints.engine.border import KINDS, Asked, check_asked, check_input, laid_out
from slowpoints.engine.compiled_layer import inputs, map_inputs, output_map, weight_names
from slowpoints.engine.cpu.call import side_by_side
from slowpoints.engine.cpu.compiled import kernel
from slowpoints.engine.cpu.laid import Laid, total
from slowpoints.engine.cpu.structures import Asked as AskedHere
from slowpoints.engine.cpu.structures import Matrix, rows
from slowpoints.engine.fused import Params, prepare_layer
from slowpoints.engine.recurrence import entering, is_compiled, start


def can_stand(net: Network, x: Tensor) -> bool:
    """Return whether a network's recurrence is the kernel's, in whole blocks of rows.

    x: [M, B, T, I]
    """
    if net.front or not is_compiled(net, x):
        return False
    found = kernel(net.cell, net.units)
    return found is not None and x.shape[1] % found.rows == 0


class Part:
    """A layer, or what follows one: its calls, and its gradients by parameter."""

    laid: Laid
    grads: Params

    def read(self, x: Tensor) -> None:
        """Take another input of the same shape."""
        raise NotImplementedError

    def back(self) -> Tensor | None:
        """Return the slope of the input, after the kernel's way back; None at the lowest layer."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs."""
        self.read(x)
        return self.laid.forward()

    def backward(self, slope: Tensor) -> Tensor | None:
        """Return the slope of the input from that of the outputs."""
        self.laid.backward(slope)
        return self.back()

    def one_pass(self, x: Tensor, asked: AskedHere) -> Tensor | None:
        """Return the slope of the input from what is asked of the outputs, both ways at once."""
        self.read(x)
        self.laid.one_pass(asked)
        return self.back()


class Recurrence(Part):
    """The recurrence of one layer: its input may pass streams without a projection before."""

    def __init__(
        self,
        net: Network,
        params: Params,
        index: int,
        x: Tensor,
        first: tuple[Tensor, ...],
        steps: tuple[int, int],
        *,
        is_top: bool,
    ) -> None:
        """Lay out the calls.

        x: [M, B, T, I]; first: each [M, B, H]; steps: of the sequence, and how many last ones are
        wanted
        """
        self.net, self.params, self.index, self.first = net, params, index, first
        self.is_lowest = index == 0
        cell = net.cell
        ahead = [f"{index}.{kind}.{own.name}" for own in cell.free for kind in "Wb"]
        ahead += [f"{index}.embed.{kind}" for kind in "Wb"]
        self.ahead = {name: params[name] for name in ahead if name in params}
        self.computes = bool(cell.free or self.ahead)
        asked = [self.computes or not self.is_lowest] * len(cell.stages)
        self.laid = Laid(cell, self._entering(x), *steps, asked=asked, is_top=is_top)
        names = weight_names(cell, index)
        self.grads = dict(zip(names, self.laid.own.weights, strict=True))
        self.grads |= {name: torch.empty_like(value) for name, value in self.ahead.items()}
        self.learned = {}
        if net.learned_state:
            for name, value in zip(cell.states, self.laid.own.first, strict=True):
                shared = value.new_empty(len(value), value.shape[-1])
                self.learned[f"{index}.init.{name}"] = (value, shared)
                self.grads[f"{index}.init.{name}"] = shared

    def _entering(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return what the kernel takes; what is computed ahead can be differentiated."""
        with torch.set_grad_enabled(self.computes):
            self.leaves = {name: own.detach() for name, own in self.ahead.items()}
            self.x = x.detach()
            if self.computes:
                for leaf in self.leaves.values():
                    leaf.requires_grad_()
                self.x.requires_grad_(not self.is_lowest)
            params = self.params | self.leaves
            layer = prepare_layer(self.net.cell, params, self.index, staged=False)
            made = inputs(self.net.cell, layer, params, self.index, self.x, self.first)
        self.made = made[: len(self.net.cell.stages) + len(self.net.cell.free)]
        return tuple(value.detach() for value in made)

    def read(self, x: Tensor) -> None:
        """Take another input of the same shape."""
        if self.computes:
            self.laid.read(self._entering(x))
        else:
            self.laid.read((*[x] * len(self.net.cell.stages), *self.first))

    def back(self) -> Tensor | None:
        """Return the slope of the input."""
        found = self.laid.given[: len(self.made)]
        for value, shared in self.learned.values():
            torch.sum(value, 1, out=shared)
        if self.computes:
            return self._through(found)
        return None if self.is_lowest else total([value for value in found if value is not None])

    def _through(self, found: tuple[Tensor | None, ...]) -> Tensor | None:
        """Return the slope of the input through what was computed ahead; note those of its
        weights.
        """
        outputs, d_outputs = [], []
        for value, slope in zip(self.made, found, strict=True):
            if value.requires_grad:
                outputs.append(value)
                d_outputs.append(slope)
        into = [*self.leaves.values(), *[self.x] * (not self.is_lowest)]
        slopes = torch.autograd.grad(
            outputs, into, d_outputs, allow_unused=True, materialize_grads=True
        )
        for name, slope in zip(self.leaves, slopes, strict=False):
            self.grads[name].copy_(slope)
        return None if self.is_lowest else slopes[-1]


class OutputMap(Part):
    """The map from what a layer emits to what is read of it: to the kernel a layer of one step."""

    def __init__(self, params: Params, index: int, y: Tensor, *, is_top: bool) -> None:
        """Lay out the calls.    y: [M, B, K, k H]"""
        self.params, self.index, self.shape = params, index, y.shape
        given = map_inputs(params, index, y.flatten(1, 2))
        self.laid = Laid(output_map, given, 1, 1, asked=[True], is_top=is_top)
        names = [f"{index}.out.{kind}" for kind in "Wb"]
        self.grads = {name: torch.empty_like(params[name]) for name in names}

    def read(self, y: Tensor) -> None:
        """Take another input of the same shape."""
        self.laid.read(map_inputs(self.params, self.index, y.flatten(1, 2)))

    def forward(self, y: Tensor) -> Tensor:
        """Return the outputs.    [M, B, K, k H] -> [M, B, K, H]"""
        return super().forward(y).unflatten(1, self.shape[1:3]).squeeze(3)

    def backward(self, slope: Tensor) -> Tensor | None:
        """Return the slope of the input.    [M, B, K, H] -> [M, B, K, k H]"""
        return super().backward(slope.flatten(1, 2).unsqueeze(2))

    def back(self) -> Tensor:
        """Return the slope of the input, as it was.    -> [M, B, K, k H]"""
        others, first, b, W_others, W_first = (x for x in self.laid.given if x is not None)
        H = W_first.shape[1]
        self.grads[f"{self.index}.out.b"].copy_(b)
        W = self.grads[f"{self.index}.out.W"]
        W[:, :H], W[:, H:] = W_first, W_others
        both = torch.cat([first, others.squeeze(2)], -1) if others.shape[-1] else first
        return both.unflatten(1, self.shape[1:3])


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
        self.params = {name: value.detach() for name, value in params.items()}
        self.parts = self._laid(x, x.shape[2] + silent, last)
        self.grads = {name: own for part in self.parts for name, own in part.grads.items()}
        self._read()
        self.grads = {name: self.grads[name] for name in params}

    def _laid(self, x: Tensor, n_steps: int, last: int) -> list[Part]:
        """Return the parts in their order, each laid out for what the one before makes."""
        net, parts = self.net, list[Part]()
        states = start(net, self.params, batch=x.shape[1])
        y = entering(net, self.params, x, silent=self.silent, compiled=True)
        for index, first in enumerate(states):
            is_top = index + 1 == net.depth
            steps = n_steps, last if is_top else n_steps
            is_end = is_top and not net.cell.output_map
            parts.append(Recurrence(net, self.params, index, y, first, steps, is_top=is_end))
            if net.cell.output_map:
                y = parts[-1].forward(y)
                parts.append(OutputMap(self.params, index, y, is_top=is_top))
            if not is_top:
                y = parts[-1].forward(y)
        return parts

    def _read(self) -> None:
        """Lay out the read-out and the loss."""
        W, b = self.params["readout.W"], self.params["readout.b"]
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
        asked = asked.by_row() if self.net.cell.output_map else asked
        y, allowed = side_by_side(asked.y), asked.allowed.contiguous()
        self.filled.wanted, self.filled.weight = rows(y), rows(asked.weight)
        self.filled.allowed = allowed.data_ptr()
        shown = entering(self.net, self.params, x, silent=self.silent, compiled=True)
        *below, top = self.parts
        for part in below:
            shown = part.forward(shown)
        slope = top.one_pass(shown, self.filled)
        for part in reversed(below):
            assert slope is not None, "only the lowest part has none"
            slope = part.backward(slope)
        return self.loss
