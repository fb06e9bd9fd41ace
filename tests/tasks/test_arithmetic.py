"""Arithmetic."""

import math
from collections import Counter

import pytest
import torch

from slowpoints.engine.draws import Draws
from slowpoints.tasks import arithmetic as task
from slowpoints.tasks import stacked
from slowpoints.tasks.arithmetic import SYMBOLS, Settings


def lines(s: Settings, a: int, b: int) -> tuple[str, str]:
    """Return what is read and what is wanted, as text."""
    asked, answer = task.written(s, torch.tensor([a]), torch.tensor([b]))
    assert asked.shape == answer.shape == (1, s.n_steps)
    return tuple("".join(SYMBOLS[k] for k in line[0].tolist()) for line in (asked, answer))


@pytest.mark.parametrize(
    ("a", "b", "asked", "answer"),
    [
        (-343243, 93851, "-343243+93851=", "-249392"),  # the paper's
        (5, -7, "5+-7=", "-2"),
        (0, 0, "0+0=", "0"),
        (-5, 5, "-5+5=", "0"),
        (9, 1, "9+1=", "10"),
        (100, -1, "100+-1=", "99"),
        (-10_000_000, -10_000_000, "-10000000+-10000000=", "-20000000"),
        (9_999_999, 1, "9999999+1=", "10000000"),
    ],
)
@pytest.mark.parametrize("n_compute", [1, 6])
def test_sums_are_written_as_they_are_read(a, b, asked, answer, n_compute):
    read, wanted = lines(Settings(n_compute=n_compute), a, b)
    assert read == asked.ljust(36)
    assert wanted == (" " * (len(asked) + n_compute) + answer).ljust(36)


@pytest.mark.parametrize("n_digits", [1, 3, 7, 15])
def test_every_sum_is_right_and_in_its_place(n_digits):
    s = Settings(n_digits=n_digits, n_compute=2, n_steps=3 * n_digits + 10)
    batch = task.sample(s, None, batch=300, split="train", rng=Draws([1]))
    for x, y in zip(batch.x.argmax(-1).tolist(), batch.y.tolist(), strict=True):
        read, wanted = ("".join(SYMBOLS[k] for k in line) for line in (x, y))
        a, _, b = read.strip().removesuffix("=").partition("+")
        assert int(wanted) == int(a) + int(b)
        assert wanted == (" " * (len(read.rstrip()) + 2) + str(int(wanted))).ljust(s.n_steps)
        assert max(abs(int(a)), abs(int(b))) <= 10**n_digits


def test_numbers_are_uniform_ends_included():
    batch = task.sample(Settings(n_digits=1), None, batch=42_000, split="train", rng=Draws([1]))
    read = Counter(
        "".join(SYMBOLS[k] for k in line).partition("+")[0] for line in batch.x.argmax(-1).tolist()
    )
    assert set(read) == {str(n) for n in range(-10, 11)}
    assert all(abs(n - 2000) < 180 for n in read.values())  # four standard errors


def every_sum(s: Settings) -> torch.Tensor:
    """Return the answers to all sums there are.    -> [cases, T]"""
    numbers = torch.arange(-(10**s.n_digits), 10**s.n_digits + 1)
    a, b = torch.cartesian_prod(numbers, numbers).T
    return task.written(s, a, b)[1]


@pytest.mark.parametrize("n_digits", [1, 2])
def test_the_baseline_is_exact(n_digits):
    s = Settings(n_digits=n_digits, n_steps=20)
    answers = every_sum(s)
    share = torch.bincount(answers.flatten(), minlength=12).double() / answers.numel()
    assert task.shares(s) == pytest.approx(share.tolist(), abs=1e-15)
    assert task.baseline(s)["cross_entropy"] == pytest.approx(-(share * share.log()).sum().item())
    assert task.baseline(s)["accuracy"] == pytest.approx(share[11].item())


def test_the_shares_of_large_numbers_add_up_and_are_all_positive():
    p = task.shares(Settings())
    assert math.fsum(p) == pytest.approx(1, abs=1e-12)
    assert min(p) > 0
    assert p[10] == pytest.approx(0.5 / 36, abs=1e-6)


def test_exact_means_every_character():
    s = Settings(n_digits=1, n_steps=12)
    batch = stacked([task.sample(s, None, batch=4, split="train", rng=Draws([1]))])
    out = 100.0 * torch.nn.functional.one_hot(batch.y, 12)
    score = task.score(s, out, batch)
    assert (score["exact"].item(), score["accuracy"].item()) == (1, 1)
    assert score["cross_entropy"].item() == pytest.approx(0, abs=1e-6)
    assert task.solved(s, score).tolist() == [True]
    out[0, 0, 0] = -out[0, 0, 0]
    score = task.score(s, out, batch)
    assert score["exact"].item() == 0.75
    assert score["accuracy"].item() == pytest.approx(1 - 1 / 48)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_steps": 29}, "n_steps is 29; the longest sum needs 30"),
        ({"n_compute": 0}, "n_compute is 0; must be at least 1"),
        ({"n_digits": 0}, r"n_digits is 0; must lie in 1..15"),
        ({"n_digits": 16}, r"n_digits is 16; must lie in 1..15"),
    ],
)
def test_wrong_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Settings(**wrong)
