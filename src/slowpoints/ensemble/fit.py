"""Train an ensemble: all networks take their steps together, each by its own settings."""

from collections.abc import Callable
from typing import Any, NamedTuple, get_args

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from slowpoints.cells.network import Network
from slowpoints.dynamics import arrays
from slowpoints.engine import Asked, loss_in_one_pass, readout, unroll
from slowpoints.spec.training import ROWS, TrainSettings
from slowpoints.training.optimiser import joined, views
from slowpoints.training.slots import Slots, step

Sample = Callable[[torch.Generator], tuple[Tensor, Tensor]]
Loss = Callable[[Tensor, Tensor], Tensor]
Report = Callable[[int, Tensor], None]  # of steps done and the losses [N] of an entry
# path_sgd divides by what the network carries, which the pipeline alone computes
OPTIMIZERS = tuple(
    name for name in get_args(TrainSettings.__annotations__["optimizer"]) if name != "path_sgd"
)
EVERY = 100  # steps between two entries of the history


class History(NamedTuple):
    """What became of N networks in training."""

    steps: Tensor  # [K] at which the losses were noted
    loss: Tensor  # [K, N] mean training loss since the entry before; NaN once a network has ended
    ended: Tensor  # [N] step at which a network met `until`; -1 where it did not
    skipped: Tensor  # [N] steps not taken, since their gradient was not finite


class Plan(NamedTuple):
    """How N networks are trained."""

    trains: list[TrainSettings]
    sample: Sample
    loss: str | Loss  # one of LOSSES, or the user's own
    last: int | None
    until: float | None


def mean_square(outputs: Tensor, y: Tensor) -> Tensor:
    """Return the mean squared error of every network.    [M, B, T, O], the same -> [M]"""
    if outputs.shape != y.shape:
        raise ValueError(
            f"y has shape {list(y.shape)}; the outputs that it is compared with have "
            f"{list(outputs.shape)}"
        )
    return (outputs - y).square().flatten(1).mean(1)


def mean_cross_entropy(outputs: Tensor, y: Tensor) -> Tensor:
    """Return the mean cross-entropy in nats of every network.

    outputs: [M, B, T, O]; y: [M, B, T] int64    -> [M]
    """
    _check_classes(y, tuple(outputs.shape))
    own = cross_entropy(outputs.movedim(-1, 1), y, reduction="none")
    return own.flatten(1).mean(1)


def _check_classes(y: Tensor, shape: tuple[int, ...]) -> None:
    """Raise ValueError for classes that outputs of this shape, [M, B, T, O], do not have."""
    if y.shape != shape[:-1] or y.dtype != torch.int64:
        raise ValueError(
            f"y has shape {list(y.shape)} in {y.dtype}; give classes {list(shape[:-1])} "
            "in torch.int64"
        )
    least, most = y.aminmax() if y.device.type == "cpu" else (0, 0)  # a GPU would have to wait
    if not 0 <= least <= most < shape[-1]:
        raise ValueError(
            f"y holds classes {int(least)} to {int(most)}; with {shape[-1]} outputs give 0 "
            f"to {shape[-1] - 1}"
        )


LOSSES: dict[str, Loss] = {"mse": mean_square, "cross_entropy": mean_cross_entropy}
IN_ONE_PASS = {"mse": "squared", "cross_entropy": "cross_entropy"}


def settings(n: int, *, steps: int, lr: Any, clip: Any, optimizer: str) -> list[TrainSettings]:
    """Return how each network is trained.    lr, clip: a number for all, or [n]"""
    if optimizer not in OPTIMIZERS:
        raise ValueError(f"unknown optimizer {optimizer!r}; known: {', '.join(OPTIMIZERS)}")
    own = {}
    for name, given in (("lr", lr), ("clip", clip)):
        values = torch.as_tensor(given, dtype=torch.float64)
        if values.shape not in ((), (n,)):
            raise ValueError(f"{name} has shape {list(values.shape)}; give one number, or {n}")
        if not values.isfinite().all():
            raise ValueError(f"{name} is {values.tolist()}; give finite numbers")
        own[name] = values.expand(n).tolist()
    return [
        TrainSettings(
            steps=steps,
            batch=ROWS,
            eval_every=1,
            optimizer=optimizer,  # type: ignore[arg-type]
            lr=rate,
            clip=norm,
        )
        for rate, norm in zip(own["lr"], own["clip"], strict=True)
    ]


def fit(
    net: Network, params: dict[str, Tensor], plan: Plan, *, rng: torch.Generator, report: Report
) -> History:
    """Train networks in place.

    params: values [N, ...]
    """
    n, steps = len(plan.trains), plan.trains[0].steps
    like = next(iter(params.values()))
    own = {name: value.detach() for name, value in params.items()}
    slots = Slots(plan.trains, own, joined(list(own.values())).cpu(), device=like.device)
    slots.change([], list(range(n)), tick=0)
    ended, skipped = torch.full((n,), -1), torch.zeros(n, dtype=torch.int64)
    noted: list[tuple[int, Tensor]] = []
    try:
        for tick in range(0, steps, EVERY):
            n_ticks = min(EVERY, steps - tick)
            total, n_skipped = _interval(net, slots, plan, tick, n_ticks, rng)
            losses = torch.full((n,), torch.nan)
            losses[slots.members] = total.cpu() / n_ticks
            skipped[slots.members] += n_skipped.cpu()
            noted.append((tick + n_ticks, losses))
            report(n_ticks, losses)
            done = [
                run for run in slots.members if plan.until is not None and losses[run] <= plan.until
            ]
            ended[done] = tick + n_ticks
            if done:
                slots.change(done, [], tick=tick + n_ticks)
            if not slots.members:
                break
    finally:  # also when interrupted: what was learned stays
        slots.change(list(slots.members), [], tick=steps)
        for name, value in views(slots.weights, slots.shapes).items():
            params[name].data.copy_(value)
    return History(
        torch.tensor([at for at, _ in noted]),
        torch.stack([losses for _, losses in noted]),
        ended,
        skipped,
    )


def _interval(
    net: Network, slots: Slots, plan: Plan, tick: int, n_ticks: int, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Take some steps and return the summed loss of every slot, and the steps not taken."""
    slots.look_ahead(tick, steps=n_ticks)
    total = torch.zeros(len(slots.members), device=slots.device)
    n_skipped = torch.zeros(len(slots.members), dtype=torch.int64, device=slots.device)
    (part,) = slots.parts
    for now in range(tick, tick + n_ticks):
        x, y = of_members(plan.sample(rng), slots.members, n=len(plan.trains))
        x, y = x.to(total), y.to(slots.device)
        loss = _loss(net, part.params, plan, x, y)
        if loss.shape != total.shape:
            raise ValueError(
                f"the loss has shape {list(loss.shape)}; return one number for each network, "
                f"[{len(total)}], of outputs [{len(total)}, B, T, {net.n_out}]"
            )
        takes = step(part, loss, slots.pace(now))
        total += loss.detach()
        n_skipped += ~takes
    return total, n_skipped


def _loss(net: Network, params: dict[str, Tensor], plan: Plan, x: Tensor, y: Tensor) -> Tensor:
    """Return what every network minimises; in one pass where it can be.    -> [M]"""
    if isinstance(plan.loss, str):
        last = x.shape[2] if plan.last is None else plan.last
        if not 1 <= last <= x.shape[2]:
            raise ValueError(f"last is {last}; it must lie in 1..{x.shape[2]}, the number of steps")
        y = y.to(x) if plan.loss == "mse" else y
        weight, allowed = x.new_ones(()), torch.ones(len(x), net.n_out, dtype=torch.bool)
        asked = Asked(IN_ONE_PASS[plan.loss], y, weight.expand(*x.shape[:2], last), allowed)
        if plan.loss == "cross_entropy":
            _check_classes(y, (*x.shape[:2], last, net.n_out))
        if (loss := loss_in_one_pass(net, params, x, asked)) is not None:
            return loss
    top, _ = unroll(net, params, x, last=plan.last)
    own = LOSSES[plan.loss] if isinstance(plan.loss, str) else plan.loss
    return own(readout(net, params, top), y)


def of_members(
    batch: tuple[Tensor, Tensor], members: list[int], *, n: int
) -> tuple[Tensor, Tensor]:
    """Return inputs and targets of some networks.

    batch: x [B, T, I] and y that all share, or x [N, B, T, I] and y [N, ...]
    """
    x, y = arrays.real(batch[0], name="x"), arrays.real(batch[1], name="y")
    if x.dim() == 3:
        return tuple(value.expand(len(members), *value.shape) for value in (x, y))  # type: ignore[return-value]
    if x.dim() != 4 or len(x) != n or len(y) != n:
        raise ValueError(
            f"x and y have shapes {list(x.shape)} and {list(y.shape)}; give sequences "
            f"[B, T, I] that all networks share, or [{n}, B, T, I], and y likewise"
        )
    return (x, y) if len(members) == n else (x[members], y[members])
