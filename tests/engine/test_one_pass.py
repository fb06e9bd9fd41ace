"""Forward, loss and backward in one pass, against the loop and the losses of the tasks."""

from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from helpers.agreement import built, in_float64, random_params
from slowpoints import cells
from slowpoints.engine import Asked, Network, loss_in_one_pass, readout, unroll
from slowpoints.engine.border import KINDS
from slowpoints.engine.cpu import build, scan
from slowpoints.tasks import LOSSES, Batch

pytestmark = pytest.mark.skipif(build.compiler() is None, reason="no C++ compiler here")
# units, outputs, B, T, last, silent, depth
SIZES = [
    (1, 1, 1, 1, 1, 0, 1),
    (3, 11, 70, 4, 4, 0, 1),
    (17, 1, 64, 3, 1, 4, 1),
    (17, 20, 9, 50, 30, 0, 2),
    (130, 3, 33, 4, 2, 0, 1),
]


class Case(NamedTuple):
    """Two networks, and what is asked of them."""

    net: Network
    params: dict[str, Tensor]
    x: Tensor
    asked: Asked
    silent: int


def case(name: str, kind: str, size: tuple[int, ...], *, runs: int = 2) -> Case:
    units, n_out, B, T, last, silent, depth = size
    net = Network(built(name), 5, n_out, units, depth, learned_state=units == 17)
    rng = torch.Generator().manual_seed(4)
    weight = torch.rand(runs, B, last, generator=rng)
    weight[:, B // 2 :: 7] = 0
    weight[:, 0] = 3
    allowed = torch.rand(runs, n_out, generator=rng) < 0.7
    allowed[:, 0] = True
    y = torch.randn(runs, B, last, n_out, generator=rng)
    if kind == "cross_entropy":
        usable = allowed[:, None, None].expand(-1, B, last, -1).flatten(0, -2).float()
        y = torch.multinomial(usable, 1, generator=rng).reshape(runs, B, last)
    x = torch.randn(runs, B, T, 5, generator=rng)
    return Case(net, random_params(net, runs=runs), x, Asked(kind, y, weight, allowed), silent)


def wanted(own: Case) -> tuple[Tensor, list[Tensor]]:
    """Return loss and gradients in float64, by the loop."""
    params, x = in_float64(own.params, own.x)
    out, _ = unroll(own.net, params, x, last=own.asked.weight.shape[2], silent=own.silent)
    y, weight = own.asked.y, own.asked.weight.double()
    batch = Batch(x, y if y.dtype == torch.int64 else y.double(), weight, own.asked.allowed)
    return differentiated(LOSSES[own.asked.kind](readout(own.net, params, out), batch), params)


def found(own: Case) -> tuple[Tensor, list[Tensor]]:
    loss = loss_in_one_pass(own.net, own.params, own.x, own.asked, silent=own.silent)
    assert loss is not None
    return differentiated(loss, own.params)


def differentiated(loss: Tensor, params: dict[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
    slopes = torch.tensor([1.0, -0.7, 2.0])[: len(loss)].to(loss)
    return loss.detach(), list(torch.autograd.grad((slopes * loss).sum(), list(params.values())))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", cells.names())
def test_it_agrees_with_the_loop_in_float64(name: str, kind: str, size: tuple[int, ...]) -> None:
    own = case(name, kind, size)
    loss, slopes = found(own)
    exact, exact_slopes = wanted(own)
    torch.testing.assert_close(loss.double(), exact, rtol=1e-5, atol=1e-6)
    for name_, ours, theirs in zip(own.params, slopes, exact_slopes, strict=True):
        scale = float(theirs.abs().max())
        torch.testing.assert_close(
            ours.double(),
            theirs,
            rtol=0,
            atol=2e-5 * scale + 1e-7,
            msg=lambda m, n=name_: f"{n} {m}",
        )


def test_the_names_of_losses_are_those_of_the_tasks() -> None:
    assert set(KINDS) == set(LOSSES)


@pytest.mark.parametrize("name", ["gru", "mgu", "intersection_rnn"])
def test_long_sequences_are_computed_again_to_the_same_bits(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = case(name, "squared", (9, 2, 40, 77, 50, 0, 1))
    loss, slopes = found(own)
    monkeypatch.setattr(scan, "KEPT_NUMBERS", 0)
    again, more = found(own)
    assert torch.equal(loss, again)
    assert all(map(torch.equal, slopes, more))


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_is_the_same_to_the_bit_alone_and_beside_one_that_diverges(kind: str) -> None:
    own = case("lstm", kind, (7, 3, 20, 6, 6, 0, 1), runs=3)
    own.x[1] = torch.nan
    loss, slopes = found(own)
    assert loss[1].isnan()
    for run in (0, 2):
        rows = slice(run, run + 1)
        alone = own._replace(
            params={k: v[rows].detach().requires_grad_() for k, v in own.params.items()},
            x=own.x[rows],
            asked=Asked(kind, *(part[rows] for part in own.asked[1:])),
        )
        single = loss_in_one_pass(alone.net, alone.params, alone.x, alone.asked)
        assert single is not None
        assert torch.equal(single[0], loss[run])
        factor = (1.0, -0.7, 2.0)[run]
        grads = torch.autograd.grad(factor * single.sum(), list(alone.params.values()))
        for ours, theirs in zip(grads, slopes, strict=True):
            assert torch.equal(ours[0], theirs[run])


def test_where_it_cannot_be_used_it_says_so() -> None:
    own = case("gru", "squared", SIZES[1])
    with torch.no_grad():
        assert loss_in_one_pass(own.net, own.params, own.x, own.asked) is None
    doubled, x = in_float64(own.params, own.x)
    assert loss_in_one_pass(own.net, doubled, x, own.asked) is None


def test_it_is_differentiated_once() -> None:
    own = case("gru", "squared", SIZES[1])
    loss = loss_in_one_pass(own.net, own.params, own.x, own.asked)
    assert loss is not None
    loss.sum().backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="can be differentiated once"):
        loss.sum().backward()


@pytest.mark.parametrize(
    ("field", "change", "message"),
    [
        (
            "y",
            lambda y: y[:, 1:],
            r"y is \[2, 69, 4, 11\] in torch.float32 on cpu; expected \[2, 70",
        ),
        ("y", lambda y: y.double(), "in torch.float64"),
        ("weight", lambda w: w[:1], r"weight is \[1, 70, 4\]"),
        ("allowed", lambda a: a[:, :3], r"allowed is \[2, 3\] in torch.bool"),
        ("allowed", lambda a: a.float(), "expected .* in torch.bool"),
        ("weight", lambda w: torch.cat([w, w], 2), r"last is 8; it must lie in 1..4"),
    ],
)
def test_what_does_not_fit_is_refused(field: str, change, message: str) -> None:
    own = case("gru", "squared", SIZES[1])
    asked = own.asked._replace(**{field: change(getattr(own.asked, field))})
    with pytest.raises(ValueError, match=message):
        loss_in_one_pass(own.net, own.params, own.x, asked)


@pytest.mark.parametrize("as_stacked", [True, False])
def test_padding_does_not_count_whatever_is_asked_of_it(as_stacked: bool) -> None:
    own = case("gru", "cross_entropy", (5, 4, 9, 3, 1, 0, 1))
    allowed = torch.tensor([[False, True, True, True]] * 2)
    y = own.asked.y.clamp(min=1)
    weight = torch.ones_like(own.asked.weight)
    weight[0, 5:], y[0, 5:] = 0, 0  # a run of fewer rows than its neighbour has
    asked = Asked("cross_entropy", y, weight, allowed)
    whole = own._replace(asked=asked)
    loss, slopes = found(whole) if as_stacked else wanted(whole)
    assert loss.isfinite().all()
    short = Asked("cross_entropy", *(part[:1, :5] for part in (y, weight)), allowed[:1])
    alone = own._replace(
        params={name: value[:1].detach().requires_grad_() for name, value in own.params.items()},
        x=own.x[:1, :5],
        asked=short,
    )
    exact, exact_slopes = wanted(alone)
    torch.testing.assert_close(loss[:1].double(), exact, rtol=1e-5, atol=1e-6)
    for ours, theirs in zip(slopes, exact_slopes, strict=True):
        torch.testing.assert_close(ours[:1].double(), theirs, rtol=1e-4, atol=1e-6)


def test_an_answer_that_is_not_in_use_costs_without_end_and_pushes_nothing_forbidden() -> None:
    own = case("gru", "cross_entropy", (5, 3, 4, 3, 1, 0, 1))
    allowed = torch.tensor([[True, True, False]] * 2)
    y, weight = torch.full((2, 4, 1), 2), torch.ones(2, 4, 1)
    loss, slopes = found(own._replace(asked=Asked("cross_entropy", y, weight, allowed)))
    assert loss.isinf().all()
    assert (slopes[list(own.params).index("readout.b")][:, 2] == 0).all()


def test_an_unknown_kind_of_loss_is_named() -> None:
    own = case("gru", "squared", SIZES[1])
    with pytest.raises(ValueError, match="unknown kind of loss 'absolute'; known: squared"):
        loss_in_one_pass(own.net, own.params, own.x, own.asked._replace(kind="absolute"))
