"""The same training step three ways: our stack, the library's fused cell, and a plain Python loop.

Every step is forward, an affine read-out of all steps, squared error, backward, clipping and Adam,
in float32.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from slowpoints import cells
from slowpoints.cells.definition import Bundle, Cell
from slowpoints.engine import (
    Asked,
    Captured,
    Network,
    Standing,
    can_stand,
    initialise,
    loss_in_one_pass,
    readout,
    unroll,
)
from slowpoints.engine.cpu.optimiser_step import Update
from slowpoints.spec.training import TrainSettings
from slowpoints.training.optimiser import Moments, Pace, joined, pace, rules, update, views

CPU = torch.device("cpu")
N_IN = 8
N_OUT = 4
RATE = 1e-3
CLIP = 1.0
LIBRARY: dict[str, Callable[..., nn.Module]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
Step = Callable[[], None]


class Case(NamedTuple):
    """What is trained: a cell of so many units, on so many sequences of so many steps, so many runs
    at once.
    """

    cell: str
    units: int
    steps: int
    batch: int
    runs: int


def built(name: str) -> Cell:
    """Return a cell of the project with its default settings."""
    module = cells.load(name)
    found: Cell = module.build(module.Settings())
    return found


def data(case: Case, runs: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return inputs [runs, B, T, I] and numbers wanted [runs, B, T, O]."""
    rng = torch.Generator().manual_seed(1)
    shape = (runs, case.batch, case.steps)
    return tuple(torch.randn(*shape, n, generator=rng).to(device) for n in (N_IN, N_OUT))  # type: ignore[return-value]


def ours(case: Case, device: torch.device = CPU, *, stands: bool = True) -> Step:
    """Return one step of a stack of `case.runs` networks, every one with data and settings of its
    own.

    As in training, the step is recorded on a GPU, and laid out once on a CPU.

    stands: False to lay it out anew at every step
    """
    net = Network(built(case.cell), N_IN, N_OUT, case.units)
    own = [
        initialise(
            net,
            rng=torch.Generator().manual_seed(i),
            keep_bias=1.0,
            recurrent_init="orthogonal",
            recurrent_scale=1.0,
            input_init="normal",
            input_scale=1.0,
            bias_init="normal",
            bias_scale=0.0,
        )
        for i in range(case.runs)
    ]
    first = {name: torch.stack([params[name] for params in own]) for name in own[0]}
    flat = joined(list(first.values())).to(device)
    params = views(flat, {name: tuple(value.shape[1:]) for name, value in first.items()})
    moments = Moments(torch.zeros_like(flat), torch.zeros_like(flat))
    trains = [TrainSettings(steps=100, batch=32, lr=RATE, clip=CLIP)] * case.runs
    own_rules = rules(trains, device)
    x, y = data(case, case.runs, device)
    asked = Asked("squared", y, y.new_ones(y.shape[:3]), y.new_ones(len(y), N_OUT).bool())

    if stands and device == CPU and can_stand(net, x):
        standing = Standing(net, params, x, asked)
        take = Update(flat, list(standing.grads.values()), *moments, rules=own_rules)

        def stand() -> None:
            standing(x, asked)
            take(Pace(*pace(trains, [0] * case.runs)))

        return stand

    def learn(*now: Tensor) -> None:
        loss = loss_in_one_pass(net, params, x, asked)  # as in training
        if loss is None:
            out = readout(net, params, unroll(net, params, x)[0])
            loss = (out - y).square().mean((1, 2, 3))
        grads = torch.autograd.grad(loss.sum(), list(params.values()))
        update(flat, grads, moments, own_rules, Pace(*now))

    call = Captured(learn, changes=[flat, *moments]) if device.type == "cuda" else learn
    return lambda: call(*pace(trains, [0] * case.runs).to(device))


def library(case: Case, device: torch.device = CPU) -> Step:
    """Return one step of one network made of torch's own layer; on a GPU that is cuDNN's."""
    torch.manual_seed(0)
    recurrent = LIBRARY[case.cell](N_IN, case.units, batch_first=True).to(device)
    head = nn.Linear(case.units, N_OUT).to(device)
    parameters = [*recurrent.parameters(), *head.parameters()]
    x, y = (part[0] for part in data(case, 1, device))
    return _with_adam(parameters, lambda: (head(recurrent(x)[0]) - y).square().mean())


def plain_loop(case: Case) -> Step:
    """Return one step of one network as one would write a custom cell.

    A loop over time in Python.
    """
    cell, H = built(case.cell), case.units
    rng = torch.Generator().manual_seed(0)
    streams = [*cell.projections, *cell.second]
    W, R = (
        {name: (torch.randn(n, H, generator=rng) / n**0.5).requires_grad_() for name in streams}
        for n in (N_IN, H)
    )
    b = {name: torch.zeros(H, requires_grad=True) for name in streams}
    maps = {free.name: nn.Linear(N_IN, H) for free in cell.free}
    head, out_map = nn.Linear(H, N_OUT), nn.Linear(H, H)
    x, y = (part[0] for part in data(case, 1, CPU))
    parameters = [*W.values(), *R.values(), *b.values(), *head.parameters(), *out_map.parameters()]
    parameters += [p for own in maps.values() for p in own.parameters()]

    def loss() -> Tensor:
        states = tuple(torch.zeros(case.batch, H) for _ in cell.states)
        outputs = []
        for now in x.unbind(1):
            s = Bundle(dict(zip(cell.states, states, strict=True)))
            p = {name: own(now) for name, own in maps.items()}
            p |= {name: now @ W[name] + b[name] + states[0] @ R[name] for name in cell.projections}
            if cell.read is not None:
                seen = cell.read(Bundle(p), s)
                p |= {name: now @ W[name] + b[name] + seen @ R[name] for name in cell.second}
            new = cell.step(Bundle(p), s)
            states = new[: len(states)]
            outputs.append(
                torch.tanh(out_map(new[0]))
                if cell.output_map
                else new[-1]
                if cell.emitted
                else new[0]
            )
        return (head(torch.stack(outputs, 1)) - y).square().mean()

    return _with_adam(
        [p for p in parameters if cell.output_map or p not in set(out_map.parameters())], loss
    )


def _with_adam(parameters: Sequence[Tensor], loss: Callable[[], Tensor]) -> Step:
    optimiser = torch.optim.Adam(parameters, lr=RATE)

    def step() -> None:
        optimiser.zero_grad()
        loss().backward()
        nn.utils.clip_grad_norm_(parameters, CLIP)
        optimiser.step()

    return step
