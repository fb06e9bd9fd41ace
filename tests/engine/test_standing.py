"""A step laid out once, against the same step differentiated anew: equal to the last bit."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from helpers.agreement import built, random_params
from slowpoints import cells
from slowpoints.engine import Asked, Network, Standing, can_stand, loss_in_one_pass
from slowpoints.engine.border import KINDS
from slowpoints.engine.cpu import build, scan

pytestmark = pytest.mark.skipif(build.compiler() is None, reason="no C++ compiler here")
RUNS, N_IN = 3, 5


def network(name: str, *, units: int = 17, depth: int = 1, learned_state: bool = True) -> Network:
    return Network(built(name), N_IN, 4, units, depth, learned_state=learned_state)


def asked(kind: str, rng: torch.Generator, *, B: int, last: int) -> Asked:
    y = torch.randn(RUNS, B, last, 4, generator=rng)
    if kind == "cross_entropy":
        y = torch.randint(4, (RUNS, B, last), generator=rng)
    weight = torch.rand(RUNS, B, last, generator=rng)
    return Asked(kind, y, weight, torch.ones(RUNS, 4, dtype=torch.bool))


def batches(kind: str, *, B: int = 16, T: int = 6, last: int = 2) -> Iterator[tuple[Tensor, Asked]]:
    rng = torch.Generator().manual_seed(1)
    while True:
        yield torch.randn(RUNS, B, T, N_IN, generator=rng), asked(kind, rng, B=B, last=last)


def differentiated(
    net: Network, params: dict[str, Tensor], x: Tensor, wanted: Asked, silent: int
) -> tuple[Tensor, dict[str, Tensor]]:
    loss = loss_in_one_pass(net, params, x, wanted, silent=silent)
    assert loss is not None
    found = torch.autograd.grad(loss.sum(), list(params.values()))
    return loss.detach(), dict(zip(params, found, strict=True))


def check_equal(net: Network, kind: str = "squared", *, silent: int = 0, T: int = 6) -> None:
    """Lay out a step, move the parameters in place, and compare three batches."""
    params, given = random_params(net, runs=RUNS), batches(kind, T=T)
    standing = Standing(net, params, *next(given), silent=silent)
    for _ in range(3):
        for value in params.values():
            value.detach().mul_(0.9)
        x, wanted = next(given)
        assert standing.fits(x, wanted, silent=silent)
        loss, slopes = differentiated(net, params, x, wanted, silent)
        assert torch.equal(standing(x, wanted), loss)
        assert list(standing.grads) == list(params)
        for name, own in slopes.items():
            assert torch.equal(standing.grads[name], own), name


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("name", cells.names())
def test_it_is_the_step_by_derivatives(name: str, depth: int) -> None:
    check_equal(network(name, depth=depth))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("silent", [0, 4])
def test_every_loss_and_silent_steps(kind: str, silent: int) -> None:
    check_equal(network("gru", depth=2), kind, silent=silent)
    check_equal(network("rnn", units=1, learned_state=False), kind, silent=silent)


@pytest.mark.parametrize("depth", [1, 2])
def test_traces_too_long_to_be_kept(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "KEPT_NUMBERS", 1000)
    check_equal(network("lstm", depth=depth), T=70)


def test_inputs_may_lie_anywhere() -> None:
    net = network("gru")
    params = random_params(net, runs=RUNS)
    x, wanted = next(batches("squared"))
    standing = Standing(net, params, x, wanted)
    first = standing(x, wanted).clone()
    turned = wanted._replace(y=wanted.y.transpose(2, 3).contiguous().transpose(2, 3))
    again = standing(x.transpose(2, 3).contiguous().transpose(2, 3), turned)
    assert torch.equal(first, again)


def test_it_says_where_it_applies() -> None:
    x, wanted = next(batches("squared"))
    assert all(can_stand(network(name), x) for name in cells.names())
    assert not can_stand(network("gru"), x[:, :13])  # no whole blocks of rows
    assert not can_stand(network("gru"), x.double())
    standing = Standing(network("gru"), random_params(network("gru"), runs=RUNS), x, wanted)
    assert not standing.fits(x[:, :, 1:], wanted, silent=0)
    assert not standing.fits(x, wanted, silent=1)


def test_what_does_not_fit_is_refused() -> None:
    net = network("gru")
    x, wanted = next(batches("squared"))
    with pytest.raises(ValueError, match="x is"):
        Standing(net, random_params(net, runs=RUNS), x[..., 1:], wanted)
    with pytest.raises(ValueError, match="weight is"):
        Standing(net, random_params(net, runs=RUNS), x, wanted._replace(weight=wanted.weight[1:]))
