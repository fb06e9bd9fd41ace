"""Parentheses counting."""

import pytest
import torch

from slowpoints.engine.draws import Draws
from slowpoints.tasks import parentheses as task
from slowpoints.tasks import stacked
from slowpoints.tasks.parentheses import Settings

KINDS = "([{<"  # of four types
CLOSED = ")]}>"
FOUR = Settings(n_streams=4, n_types=4, n_noise=4, cap=5, n_steps=12)


def symbols(line: str) -> torch.Tensor:
    """Return a stream of four types and the letters a to d as symbols.    -> [1, T, 1]"""
    return torch.tensor([(KINDS + CLOSED + "abcd").index(c) for c in line])[None, :, None]


def counted(line: str, kind: str, cap: int = 5) -> int:
    """Return the count of one type in one stream."""
    s = Settings(n_streams=4, n_types=4, n_noise=4, cap=cap, n_steps=len(line))
    return task.n_open(s, symbols(line).expand(1, -1, 4))[0, KINDS.index(kind)].item()


def test_the_example_of_the_paper_has_one_open():
    line = "(a<a<bcb>[[[)"
    assert [counted(line, kind) for kind in KINDS] == [0, 3, 0, 1]


@pytest.mark.parametrize(
    ("line", "n_open"),
    [("((()", 2), ("))((", 2), ("())(", 1), ("((((((", 3), ("((((()", 2), ("abcd", 0), ("[]<>", 0)],
)
def test_counts_stay_between_zero_and_the_cap(line, n_open):
    assert counted(line, "(", cap=3) == n_open


def test_every_stream_counts_its_own_type():
    lines = ("(((a", "(([[", "<{{)", "<<>)")
    together = torch.cat([symbols(line) for line in lines], -1)
    s = Settings(n_streams=4, n_types=4, n_noise=4, n_steps=4)
    assert task.n_open(s, together).tolist() == [[3, 2, 2, 1]]


def sample(s, batch=50):
    return task.sample(s, None, batch=batch, split="train", rng=Draws([1]))


def test_inputs_are_one_symbol_per_stream_and_answers_their_counts():
    batch = sample(FOUR)
    x = batch.x.unflatten(-1, (4, 12))
    assert torch.equal(x.sum(-1), torch.ones(50, 12, 4))
    y = batch.y.reshape(50, 4, 6)
    assert torch.equal(y.sum(-1), torch.ones(50, 4))
    assert torch.equal(y.argmax(-1), task.n_open(FOUR, x.argmax(-1)))
    assert y.argmax(-1).max() > 0


def test_half_of_the_symbols_are_letters_and_each_half_is_uniform():
    x = sample(Settings(n_streams=1, n_types=3, n_noise=2, n_steps=100), batch=1000).x
    share = x.mean((0, 1))
    # four standard errors
    assert share.tolist() == pytest.approx([1 / 12] * 6 + [1 / 4] * 2, abs=0.006)


@pytest.mark.parametrize("cap", [1, 2, 9])
def test_the_law_of_the_counts_is_that_of_all_streams_there_are(cap):
    # four symbols, each as likely
    s = Settings(n_streams=1, n_types=1, n_noise=2, cap=cap, n_steps=6)
    streams = torch.cartesian_prod(*[torch.arange(4)] * 6)[..., None]
    share = torch.bincount(task.n_open(s, streams)[:, 0], minlength=cap + 1) / len(streams)
    assert task.law(s).tolist() == pytest.approx(share.tolist(), abs=1e-7)


@pytest.mark.parametrize(
    ("n_steps", "nats"), [(30, 10.03), (50, 12.31), (100, 15.54), (175, 18.20)]
)
def test_the_baseline_is_the_known_entropy_of_the_counts(n_steps, nats):
    # by simulation
    assert task.baseline(Settings(n_steps=n_steps))["cross_entropy"] == pytest.approx(
        nats, abs=0.01
    )


def test_samples_follow_the_law():
    s = Settings(n_streams=4, n_types=4, n_noise=1, cap=3, n_steps=30)
    found = sample(s, batch=10_000).y.reshape(-1, 4, 4).mean((0, 1))
    assert found.tolist() == pytest.approx(task.law(s).tolist(), abs=0.01)  # four standard errors


def test_counts_beyond_a_short_stream_cost_nothing_and_are_never_wanted():
    s = Settings(n_steps=2)
    batch = stacked([sample(s)])
    out = task.constant(s).expand(1, 50, 1, -1)
    assert task.loss(s, out, batch).isfinite().all()
    assert out.isfinite().all()


def test_the_loss_is_the_sum_of_the_cross_entropies_of_the_streams():
    s = Settings(n_streams=2, n_types=2, n_noise=1, cap=2, n_steps=3)
    batch = stacked([sample(s, batch=3)])
    out = torch.randn(1, 3, 1, 6, generator=torch.Generator().manual_seed(2))
    heads, wanted = out.reshape(6, 3), batch.y.reshape(6, 3).argmax(-1)
    sums = torch.nn.functional.cross_entropy(heads, wanted, reduction="sum") / 3
    assert task.loss(s, out, batch).item() == pytest.approx(sums.item())
    right = (heads.argmax(-1) == wanted).float().mean().item()
    assert task.score(s, out, batch)["accuracy"].item() == pytest.approx(right)
    known = task.score(s, 100 * batch.y, batch)
    assert known["cross_entropy"].item() == pytest.approx(0, abs=1e-6)
    assert task.solved(s, known).tolist() == [True]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_streams": 11}, "n_streams is 11; must lie in 1..n_types = 10"),
        ({"n_streams": 0}, "n_streams is 0"),
        ({"n_noise": 0}, "n_noise is 0; must be at least 1"),
        ({"cap": 0}, "cap is 0; must be at least 1"),
        ({"n_steps": 0}, "n_steps is 0; must be at least 1"),
    ],
)
def test_wrong_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Settings(**wrong)
