"""An ensemble: N networks of one cell and shape, as one module of torch."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from slowpoints import cells
from slowpoints.cells.definition import Cell
from slowpoints.cells.network import Network
from slowpoints.dynamics import Points, arrays, find_points
from slowpoints.engine import (
    count_parameters,
    initialise,
    pack,
    prepare,
    readout,
    shapes,
    step,
    unpack,
    unroll,
)
from slowpoints.engine import start as first_states
from slowpoints.engine.border import check_input, check_params, check_states
from slowpoints.ensemble import torch_modules
from slowpoints.ensemble.fit import LOSSES, History, Loss, Plan, Report, Sample, fit, settings
from slowpoints.ensemble.point_map import PointMap
from slowpoints.spec.settings import PER_RUN_NET, NetSettings

SEED_STRIDE = 1_000_003  # between the seeds of two networks


class Ensemble(nn.Module):
    """N networks of one cell: layers of it, and an affine read-out.

    Every network has its own weights and its own random stream. On a CPU, in float32, whole
    sequences run in code that is compiled for the cell when it is first used; elsewhere, and
    without a compiler, in torch. Parameters are named as `named_parameters` gives them, each with
    the axis of the networks first, and any optimiser of torch may train them.

    Axes: N networks, B sequences, T steps, I inputs, O outputs, S numbers in a state: those of all
    states of all layers side by side.
    """

    def __init__(
        self,
        cell: str | Cell,
        *,
        n: int,
        n_in: int,
        n_out: int,
        units: int,
        depth: int = 1,
        learned_state: bool = False,
        seed: int = 0,
        **initial: Any,
    ) -> None:
        """Draw the first weights of all networks.

        Args:
            cell: the name of one, see `slowpoints.cells.names()`, or one of your own, made with
                `slowpoints.cells.definition.cell`
            n: networks
            n_in, n_out: inputs and outputs of each
            units: of each layer
            depth: layers
            learned_state: whether the states at the start are parameters; else they are zero
            seed: of the weights; network i of an ensemble is the same whatever n is
            initial: how weights are drawn, in place of the defaults: `keep_bias`,
                `recurrent_init`, `recurrent_scale`, `input_init`, `input_scale`, `bias_init`,
                `bias_scale`, see `slowpoints.engine.initialise`

        Raises:
            KeyError: no cell of this name.
            ValueError: sizes below one, or a cell that the engine cannot run.
            TypeError: a word that is none of `initial`.
        """
        if n < 1:
            raise ValueError(f"n is {n}; an ensemble has at least one network")
        if unknown := sorted(set(initial) - set(PER_RUN_NET)):
            raise TypeError(f"unknown {', '.join(unknown)}; known: {', '.join(PER_RUN_NET)}")
        own_cell = _named(cell) if isinstance(cell, str) else cell
        net = Network(own_cell, n_in, n_out, units, depth, learned_state)
        defaults = vars(NetSettings(own_cell.name, units=units))
        drawn = {name: defaults[name] for name in PER_RUN_NET} | initial
        each = [
            initialise(net, rng=torch.Generator().manual_seed(seed * SEED_STRIDE + index), **drawn)
            for index in range(n)
        ]
        params = {name: torch.stack([own[name] for own in each]) for name in each[0]}
        self._begin(net, params, is_by_name=isinstance(cell, str))

    def _begin(self, net: Network, params: dict[str, Tensor], *, is_by_name: bool) -> None:
        """Become the networks of these parameters.    params: values [N, ...]"""
        super().__init__()
        self.n = len(check_params(net, params))
        self.network, self.is_by_name = net, is_by_name
        for name in shapes(net):
            self._hold(name, params[name])

    @classmethod
    def _of(cls, net: Network, params: dict[str, Tensor], *, is_by_name: bool) -> "Ensemble":
        """Return the ensemble of these parameters, without drawing any."""
        made = cls.__new__(cls)
        made._begin(net, params, is_by_name=is_by_name)
        return made

    def _hold(self, name: str, value: Tensor) -> None:
        """Register a parameter under its dotted name."""
        *owners, last = name.split(".")
        owner: nn.Module = self
        for part in owners:
            if part not in owner._modules:
                owner.add_module(part, nn.Module())
            owner = owner.get_submodule(part)
        owner.register_parameter(last, nn.Parameter(value))

    @property
    def params(self) -> dict[str, Tensor]:
        """Return all parameters by name, each [N, ...]."""
        return dict(self.named_parameters())

    @property
    def n_parameters(self) -> int:
        """Return the number of parameters of one network."""
        return count_parameters(self.network)

    def __repr__(self) -> str:
        """Say what it is."""
        net = self.network
        return (
            f"Ensemble of {self.n} networks of {net.cell.name}: {net.n_in} inputs, "
            f"{net.depth} x {net.units} units, {net.n_out} outputs, "
            f"{self.n_parameters} parameters each"
        )

    def __len__(self) -> int:
        """Return the number of networks."""
        return self.n

    def __getitem__(self, which: int | slice | list[int]) -> "Ensemble":
        """Return an ensemble of some networks, with weights of its own."""
        rows = list(range(self.n))[which] if isinstance(which, int | slice) else which
        rows = [rows] if isinstance(rows, int) else rows
        if not rows:
            raise ValueError(f"no network chosen of {self.n}; an ensemble has at least one")
        params = {name: value.detach()[rows] for name, value in self.params.items()}
        return Ensemble._of(self.network, params, is_by_name=self.is_by_name)

    def forward(
        self, x: Tensor, state: Tensor | None = None, *, last: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Run all networks over time.

        Args:
            x: [N, B, T, I], or [B, T, I] for all alike
            state: where to start, [N, B, S]; without it zero, or what was learned
            last: of how many last steps the outputs are wanted; by default of all

        Returns:
            The outputs, [N, B, T or last, O], and the final state, [N, B, S].

        Raises:
            ValueError: inputs or states that do not fit the networks.
        """
        params = self.params
        begin = None if state is None else unpack(self.network, state)
        top, final = unroll(self.network, params, self._for_each(x), begin, last=last)
        return readout(self.network, params, top), pack(final)

    @torch.no_grad()
    def collect_states(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        """Return every state that the networks pass through.

        Args:
            x: [N, B, T, I], or [B, T, I] for all alike
            state: where to start, [N, B, S]

        Returns:
            [N, B, T, S]
        """
        net, params, x = self.network, self.params, self._for_each(x)
        check_input(net, params, x, silent=0, last=None)
        prepared = prepare(net, params)
        now = first_states(net, params, batch=x.shape[1]) if state is None else unpack(net, state)
        check_states(net, now, x)
        rows = []
        for seen in x.unbind(2):
            _, now = step(net, prepared, seen, now)
            rows.append(pack(now))
        return torch.stack(rows, 2)

    def points(self, states: Any, *, inputs: Any = None, **search: Any) -> list[Points]:
        """Find the fixed and slow points of every network.

        Args:
            states: those the networks visit, [N, ..., S], as `collect_states` returns them
            inputs: the input under which points are looked for, [I]; zero without it
            search: settings of `slowpoints.dynamics.find_points`

        Returns:
            The points of each network.
        """
        states = torch.as_tensor(states)
        if states.dim() < 3 or len(states) != self.n:
            raise ValueError(
                f"states have shape {list(states.shape)}; give those of {self.n} networks, "
                f"[{self.n}, ..., S]"
            )
        return [
            find_points(self.map(index, inputs), own, **search) for index, own in enumerate(states)
        ]

    def map(self, index: int, inputs: Any = None) -> PointMap:
        """Return one step of one network under a constant input, in float64.

        inputs: [I]; zero without it    -> a map [N, S] -> [N, S]
        """
        net = self.network
        x = torch.zeros(net.n_in) if inputs is None else arrays.real(inputs, name="inputs")
        if x.shape != (net.n_in,):
            raise ValueError(f"inputs have shape {list(x.shape)}; give {net.n_in} numbers")
        own = {
            name: value.detach()[index, None].double().cpu() for name, value in self.params.items()
        }
        return PointMap(net, own, x.double().cpu()[None])

    def fit(
        self,
        sample: Sample | tuple[Tensor, Tensor],
        *,
        steps: int,
        loss: str | Loss = "mse",
        lr: float | Tensor = 1e-3,
        clip: float | Tensor = 1.0,
        optimizer: str = "adam",
        last: int | None = None,
        until: float | None = None,
        seed: int = 0,
        progress: bool = False,
    ) -> History:
        """Train all networks together, in place.

        A network whose gradient is not finite does not take that step, and disturbs no other. What
        was learned stays when training is interrupted.

        Args:
            sample: inputs x and targets y of all steps, or a function that draws them anew for
                every step from a generator. x is [B, T, I] and y shared by all networks, or
                [N, B, T, I] and y [N, ...]
            steps: of the optimiser
            loss: "mse" (y as the outputs), "cross_entropy" (y: classes [B, T], int64), or a
                function of outputs [N, B, T, O] and y [N, ...] that returns one number for each
                network, [N]
            lr: the learning rate, one for all or [N]
            clip: the largest norm of a gradient, one for all or [N]; 0: none
            optimizer: adam, rmsprop, momentum or sgd
            last: of how many last steps the outputs are compared; by default of all
            until: a network whose mean loss over 100 steps is this or below has ended; the others
                go on
            seed: of what `sample` draws from
            progress: show a bar (of tqdm)

        Returns:
            The losses, and what became of every network.

        Raises:
            ValueError: shapes that do not fit, settings that mean nothing.
        """
        if isinstance(loss, str) and loss not in LOSSES:
            raise ValueError(f"unknown loss {loss!r}; known: {', '.join(sorted(LOSSES))}")
        if next(self.parameters()).dtype != torch.float32:
            raise ValueError("training is in float32; call float() first")
        draw = sample if callable(sample) else lambda rng: sample
        plan = Plan(
            settings(self.n, steps=steps, lr=lr, clip=clip, optimizer=optimizer),
            draw,
            loss,
            last,
            until,
        )
        rng = torch.Generator().manual_seed(seed)
        report = _bar(steps) if progress else _nothing
        return fit(self.network, self.params, plan, rng=rng, report=report)

    def to_torch(self) -> tuple[nn.RNN | nn.LSTM, nn.Linear]:
        """Return the one network of this ensemble as torch's layer (batch first) and its read-out.

        Raises:
            ValueError: several networks, a cell that torch does not have (its GRU resets after the
                product, the one here before), or a learned state.
        """
        return torch_modules.converted(self.network, self.params)

    def save(self, path: str | Path) -> None:
        """Write the shape and all weights to a file of torch."""
        net = self.network
        sizes = {
            "n_in": net.n_in,
            "n_out": net.n_out,
            "units": net.units,
            "depth": net.depth,
            "learned_state": net.learned_state,
        }
        kept = {"cell": net.cell.name, "is_by_name": self.is_by_name, "sizes": sizes}
        torch.save(kept | {"weights": self.state_dict()}, path)

    @classmethod
    def load(cls, path: str | Path, *, cell: Cell | None = None) -> "Ensemble":
        """Return what `save` has written.

        cell: that of the networks, if it was not given by its name when they were made
        """
        kept = torch.load(path, weights_only=True)
        if cell is None and not kept["is_by_name"]:
            raise ValueError(f"{path}: give the cell that these networks were made with, as `cell`")
        if cell is not None and cell.name != kept["cell"]:
            raise ValueError(f"{path}: networks of cell {kept['cell']}, not of {cell.name}")
        net = Network(cell or _named(kept["cell"]), **kept["sizes"])
        return cls._of(net, kept["weights"], is_by_name=kept["is_by_name"])

    def _for_each(self, x: Tensor) -> Tensor:
        """Return inputs with the axis of the networks.    -> [N, B, T, I]"""
        x = torch.as_tensor(x)
        return x.expand(self.n, *x.shape) if x.dim() == 3 else x


def _named(name: str) -> Cell:
    """Return a cell of the project, without options of its own."""
    module = cells.load(name)
    made: Cell = module.build(module.Settings())
    return made


def _nothing(n_steps: int, losses: Tensor) -> None:
    """Report nothing."""


def _bar(steps: int) -> Report:
    """Return what moves a bar on."""
    from tqdm import tqdm

    bar = tqdm(total=steps, unit="step")

    def report(n_steps: int, losses: Tensor) -> None:
        bar.set_postfix_str(f"median loss {losses.nanmedian():.3g}")
        bar.update(n_steps)

    return report
