"""Random numbers that depend on key, step and place alone: the published values, the laws, and the
same on every device.
"""

import math
from collections.abc import Iterator

import pytest
import torch
from scipy import stats
from torch import Tensor

from slowpoints.engine.cpu import build, drawing
from slowpoints.engine.draws import Draws, Kind, philox, reference
from slowpoints.engine.gpu import drawing as gpu_drawing

KEYS = torch.tensor([5, -7, 2**62 + 9])
STEPS = torch.tensor([0, 3, 2**40 + 1])
KINDS: tuple[Kind, ...] = ("uniform", "uniform64", "normal")
LENGTHS = (1, 15, 16, 17, 32, 33, 64, 65, 1000)
# counter, key and words of Random123's file of known answers
KNOWN = [
    ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((2**32 - 1,) * 4, (2**32 - 1,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_the_words_are_those_of_its_authors(
    counter: tuple[int, ...], key: tuple[int, ...], words: tuple[int, ...]
) -> None:
    a, b, c, d = (torch.tensor([word]) for word in counter)
    first, second = (torch.tensor([word]) for word in key)
    assert tuple(int(word) for word in philox((a, b, c, d), (first, second))) == words


def check_equal(kind: Kind, found: Tensor, n: int) -> None:
    wanted = reference(kind, KEYS, STEPS, 3, n, 0.5, 2.0)
    assert found.dtype == wanted.dtype
    if kind == "normal":
        torch.testing.assert_close(found, wanted, rtol=1e-6, atol=4e-6)
    else:
        assert torch.equal(found, wanted)


@pytest.mark.skipif(build.compiler() is None, reason="no C++ compiler here")
@pytest.mark.parametrize("kind", KINDS)
def test_compiled_for_a_cpu_they_are_the_same(kind: Kind) -> None:
    for n in LENGTHS:
        found = drawing.drawn_on_cpu(kind, KEYS, STEPS, 3, n, 0.5, 2.0)
        assert found is not None
        check_equal(kind, found, n)


@pytest.fixture
def interpreted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    pytest.importorskip("triton", reason="triton is not installed here")
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    gpu_drawing.kernel.cache_clear()
    yield
    gpu_drawing.kernel.cache_clear()


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("kind", KINDS)
def test_on_a_gpu_they_are_the_same(kind: Kind) -> None:
    for n in (*LENGTHS, 5000):
        check_equal(kind, gpu_drawing.launched(kind, KEYS, STEPS, 3, n, 0.5, 2.0), n)


def test_without_a_compiler_they_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with_it = Draws([1, 2])
    wanted = with_it.integers(-3, 9, (40, 3)), with_it.random(8, 5)
    monkeypatch.setattr("slowpoints.engine.draws.drawn_on_cpu", lambda *_: None)
    without = Draws([1, 2])
    assert torch.equal(without.integers(-3, 9, (40, 3)), wanted[0])
    assert torch.equal(without.random(8, 5), wanted[1])


def test_streams_draw_together_what_they_draw_alone() -> None:
    both, one, other = Draws([1, 2], steps=[0, 7]), Draws([1]), Draws([2], steps=[7])
    for _ in range(3):
        together = both.normal(10, 3)
        assert torch.equal(together, torch.cat([one.normal(5, 3), other.normal(5, 3)]))


def test_key_step_and_draw_each_make_other_numbers() -> None:
    first = Draws([1])
    found = [first.random(50), first.random(50), Draws([2]).random(50)]
    found += [Draws([1], steps=[step]).random(50) for step in (1, 2**32)]
    found += [Draws([key]).random(50) for key in (1 + 2**32, 1 + 2**63)]
    assert len({tuple(part.tolist()) for part in found}) == len(found)


def test_rows_that_do_not_belong_to_one_stream_are_refused() -> None:
    with pytest.raises(ValueError, match="5 rows are drawn for 2 streams"):
        Draws([1, 2]).random(5)


@pytest.mark.parametrize(("low", "high"), [(3, 3), (4, 3), (0, 2**53)])
def test_whole_numbers_that_there_cannot_be_are_refused(low: int, high: int) -> None:
    with pytest.raises(ValueError, match="there must be 1 to"):
        Draws([1]).integers(low, high, (2,))


def test_a_type_that_is_not_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match=r"torch.float16; there are torch.float32 and"):
        Draws([1]).random(3, dtype=torch.float16)


def test_the_laws() -> None:
    rng, n = Draws([0]), 400_000
    uniform, wide = rng.random(n).double(), rng.random(n, dtype=torch.float64)
    normal = rng.normal(n, mean=2.0, std=3.0).double().sub(2).div(3)
    assert stats.kstest(uniform.numpy(), "uniform").pvalue > 1e-3
    assert stats.kstest(wide.numpy(), "uniform").pvalue > 1e-3
    assert stats.kstest(normal.numpy(), "norm").pvalue > 1e-3
    assert float((normal.abs() > 4).double().mean()) == pytest.approx(
        math.erfc(4 / math.sqrt(2)), rel=0.4
    )
    neighbours = torch.corrcoef(torch.stack([normal[:-16], normal[16:]]))[0, 1]
    assert abs(float(neighbours)) < 4 / math.sqrt(n), "neighbours of a pair"
    counts = torch.bincount(rng.integers(-2, 5, (n,)) + 2, minlength=7)
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3


def test_streams_do_not_follow_each_other() -> None:
    drawn = Draws(list(range(40)), steps=[i % 3 for i in range(40)]).normal(40, 10_000)
    off = torch.corrcoef(drawn) - torch.eye(40)
    assert float(off.abs().max()) < 5 / math.sqrt(10_000)
