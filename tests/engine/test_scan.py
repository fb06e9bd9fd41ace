"""The compiled recurrence against the loop over time: values, gradients, and what it refuses."""

import platform
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import pad

from helpers.agreement import assert_close, built, in_float64, random_params, values_and_gradients
from slowpoints import cells
from slowpoints.cells.definition import Bundle, Stream, cell
from slowpoints.engine import Network, shapes, unroll
from slowpoints.engine.cpu import build, call, compiled, scan, source
from slowpoints.engine.cpu.compiled import kernel, runs_compiled

needs_compiler = pytest.mark.skipif(build.compiler() is None, reason="no C++ compiler here")
EVERY_CELL = cells.names()
# H, B, T, depth
SIZES = [
    (1, 1, 1, 1),
    (1, 7, 100, 1),
    (3, 64, 2, 2),
    (17, 64, 5, 1),
    (17, 1, 100, 2),
    (50, 7, 100, 1),
    (127, 7, 2, 2),
    (200, 64, 2, 1),
    (200, 1, 5, 3),
]


@needs_compiler
@pytest.mark.parametrize("name", EVERY_CELL)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_kernel_agrees_with_the_loop_in_float64(
    name: str, size: tuple[int, int, int, int]
) -> None:
    units, batch, steps, depth = size
    net = Network(built(name), n_in=5, n_out=2, units=units, depth=depth, learned_state=units == 17)
    params = random_params(net, runs=2)
    x = torch.randn(2, batch, steps, 5, generator=torch.Generator().manual_seed(3)).requires_grad_()
    assert runs_compiled(net.cell, x, units)
    last = max(1, steps // 2)
    found = values_and_gradients(net, params, x, last=last)
    assert_close(found, values_and_gradients(net, *in_float64(params, x), last=last))


@needs_compiler
@pytest.mark.parametrize("name", EVERY_CELL)
def test_long_sequences_are_computed_again_to_the_same_bits(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = Network(built(name), n_in=3, n_out=1, units=9, depth=2)
    params = random_params(net, runs=2)
    x = torch.randn(2, 40, 77, 3, generator=torch.Generator().manual_seed(3)).requires_grad_()
    wanted = values_and_gradients(net, params, x, last=50)
    monkeypatch.setattr(scan, "KEPT_NUMBERS", 0)
    found = values_and_gradients(net, params, x, last=50)
    for ours, theirs in zip(found[0] + found[1], wanted[0] + wanted[1], strict=True):
        assert torch.equal(ours, theirs)


@needs_compiler
@pytest.mark.parametrize("name", EVERY_CELL)
def test_silent_steps_are_steps_with_no_input(name: str) -> None:
    net = Network(built(name), n_in=3, n_out=1, units=9, depth=2)
    params = random_params(net, runs=2)
    x = torch.randn(2, 40, 3, 3, generator=torch.Generator().manual_seed(3))
    outputs = []
    for silent, given in ((5, x), (0, pad(x, (0, 0, 0, 5)))):
        out, _ = unroll(net, params, given, silent=silent)
        outputs.append(
            (
                out,
                *torch.autograd.grad(
                    out.square().sum(), [params["0.W." + net.cell.projections[0]]]
                ),
            )
        )
    for ours, theirs in zip(*outputs, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)


@needs_compiler
@pytest.mark.skipif(platform.machine() != "x86_64", reason="flags of another processor")
@pytest.mark.parametrize(
    ("vector", "rows", "flag"), [(4, 4, "-msse4.2"), (8, 4, "-mavx2"), (8, 8, "-mavx2")], ids=str
)
@pytest.mark.parametrize("name", ["gru", "lstm"])
def test_narrower_vectors_give_the_same_numbers(
    name: str, vector: int, rows: int, flag: str, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "folders", lambda: iter([tmp_path]))
    monkeypatch.setattr(
        build, "FLAGS", (*(f for f in build.FLAGS if f != "-march=native"), flag, "-mfma")
    )
    library = build.library(source.source(built(name), vector=vector, rows=rows))
    narrow = compiled.kernel_in(library, vector=vector, rows=rows)
    net = Network(built(name), n_in=5, n_out=2, units=21)
    params = random_params(net, runs=2)
    x = torch.randn(2, 11, 7, 5, generator=torch.Generator().manual_seed(3)).requires_grad_()
    wanted = values_and_gradients(net, *in_float64(params, x), last=3)
    monkeypatch.setattr(call, "kernel", lambda *_: narrow)
    assert_close(values_and_gradients(net, params, x, last=3), wanted)


def test_tanh_and_exp_are_right_to_single_precision() -> None:
    x = torch.linspace(-7.9, 7.9, 4001, dtype=torch.float64)
    terms = [
        sum(c * x ** (2 * i) for i, c in enumerate(part)) for part in (source.TANH_P, source.TANH_Q)
    ]
    torch.testing.assert_close(x * terms[0] / terms[1], x.tanh(), rtol=5e-8, atol=0)
    r = torch.linspace(-0.3467, 0.3467, 401, dtype=torch.float64)
    torch.testing.assert_close(
        sum(c * r**i for i, c in enumerate(source.EXP)), r.exp(), rtol=5e-8, atol=0
    )


@needs_compiler
@pytest.mark.parametrize("name", EVERY_CELL)
def test_a_run_is_the_same_to_the_bit_alone_and_in_company(name: str) -> None:
    net = Network(built(name), n_in=3, n_out=1, units=3, learned_state=True)
    params = random_params(net, runs=5)
    x = torch.randn(5, 32, 6, 3, generator=torch.Generator().manual_seed(3)).requires_grad_()
    together, _ = values_and_gradients(net, params, x, last=6)
    for i in range(5):
        own = {key: value[i : i + 1].detach().requires_grad_() for key, value in params.items()}
        out, _ = unroll(net, own, x[i : i + 1].detach())
        assert torch.equal(out[0], together[0][i])


@needs_compiler
def test_a_run_that_diverges_leaves_its_neighbours_alone() -> None:
    net = Network(built("lstm"), n_in=3, n_out=1, units=9)
    params = random_params(net, runs=3)
    x = torch.randn(3, 8, 4, 3, generator=torch.Generator().manual_seed(3))
    clean = values_and_gradients(net, params, x.clone().requires_grad_(), last=4)
    x[1] = torch.nan
    found = values_and_gradients(net, params, x.requires_grad_(), last=4)
    for ours, theirs in zip(found[0] + found[1][1:], clean[0] + clean[1][1:], strict=True):
        assert torch.equal(ours[0], theirs[0])
        assert torch.equal(ours[2], theirs[2])
        assert ours[1].isnan().any()


@needs_compiler
def test_what_was_kept_is_used_up_by_one_backward_pass() -> None:
    net = Network(built("rnn"), n_in=2, n_out=1, units=4)
    out, _ = unroll(net, random_params(net, runs=1), torch.ones(1, 8, 3, 2))
    out.sum().backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="can be differentiated once"):
        out.sum().backward()


@needs_compiler
def test_every_elementwise_operation_of_a_cell_has_a_value_and_a_slope() -> None:
    @cell(streams=("a", "b"))
    def odd(p: Bundle, s: Bundle) -> tuple[Tensor]:
        x = torch.exp(-torch.square(p.a)) / (2 + torch.sigmoid(p.b)) - torch.abs(p.a) * p.b.tanh()
        y = (
            torch.mul(torch.add(x, 0.5), torch.sub(p.a, s.h))
            + torch.div(torch.relu(p.b), 3)
            + torch.neg(s.h) / 4
        )
        return (0.1 * y,)

    net = Network(odd, n_in=3, n_out=1, units=6)
    params = random_params(net, runs=2)
    x = torch.randn(2, 8, 5, 3, generator=torch.Generator().manual_seed(3)).requires_grad_()
    assert kernel(odd, 6) is not None
    found = values_and_gradients(net, params, x, last=5)
    assert_close(found, values_and_gradients(net, *in_float64(params, x), last=5))


@needs_compiler
def test_a_number_that_each_unit_learns_is_the_same_at_every_step() -> None:
    @cell(streams=("a", Stream("rate", of="nothing", through=torch.sigmoid)), projections=("a",))
    def leaky(p: Bundle, s: Bundle) -> tuple[Tensor]:
        return (p.rate * s.h + (1 - p.rate) * torch.tanh(p.a),)

    net = Network(leaky, n_in=3, n_out=1, units=6, depth=2)
    assert shapes(net)["1.b.rate"] == (6,)
    assert "1.W.rate" not in shapes(net)
    params = random_params(net, runs=2)
    x = torch.randn(2, 8, 5, 3, generator=torch.Generator().manual_seed(3)).requires_grad_()
    assert kernel(leaky, 6) is not None
    found = values_and_gradients(net, params, x, last=5)
    assert_close(found, values_and_gradients(net, *in_float64(params, x), last=5))


@pytest.mark.parametrize(
    "step",
    [
        lambda p, s: (torch.softmax(p.a, -1),),  # not elementwise
        lambda p, s: (p.a.cumsum(-1),),
        lambda p, s: (p.a * torch.ones(3),),
        lambda p, s: (p.a, s.h),  # one too many
    ],
)
def test_a_step_with_no_rule_runs_eagerly_and_says_why(
    step, caplog: pytest.LogCaptureFixture
) -> None:
    step.__name__ = "unusual"
    unusual = cell(streams=("a",))(step)
    with caplog.at_level("INFO", logger="slowpoints"):
        assert kernel(unusual, 4) is None
    assert "cell unusual runs without the compiled kernel: " in caplog.text


def test_without_a_compiler_the_loop_runs_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setenv("SLOWPOINTS_ENGINE", "compiled")
    build.compiler.cache_clear()
    with caplog.at_level("INFO", logger="slowpoints"):
        assert build.library("int f;") is None
        assert build.library("int g;") is None
    build.compiler.cache_clear()
    assert caplog.text.count("no C++ compiler") == 1


@needs_compiler
@pytest.mark.parametrize("arguments", ["", " -DARGUMENT"])
def test_the_compiler_that_is_named_compiles(
    arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = tmp_path / "own compiler"
    wrapper.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/asked\nexec g++ "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("CXX", f"'{wrapper}'{arguments}")
    monkeypatch.setenv("SLOWPOINTS_ENGINE", "compiled")
    monkeypatch.setattr(build, "folders", lambda: iter([tmp_path / "kernels"]))
    build.compiler.cache_clear()
    assert build.library('extern "C" int eight() { return 8; }').eight() == 8
    assert str(build.compiler()).startswith(f"own compiler{arguments} ")
    build.compiler.cache_clear()
    asked = (tmp_path / "asked").read_text().splitlines()
    assert len(asked) == 2
    assert all(line.startswith(arguments.strip()) for line in asked)


@needs_compiler
def test_a_source_the_compiler_refuses_is_said_and_leaves_nothing(
    tmp_path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(build, "folders", lambda: iter([tmp_path]))
    with caplog.at_level("INFO", logger="slowpoints"):
        assert build.library("this is not C++") is None
    assert "the compiler refused the kernel" in caplog.text
    assert list(tmp_path.iterdir()) == []


@needs_compiler
def test_a_kernel_is_compiled_once(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "folders", lambda: iter([tmp_path]))
    assert build.library('extern "C" int seven() { return 7; }').seven() == 7
    (made,) = tmp_path.iterdir()
    before = made.stat().st_mtime_ns
    assert build.library('extern "C" int seven() { return 7; }').seven() == 7
    assert made.stat().st_mtime_ns == before


@pytest.mark.parametrize("vector", [4, 8, 16])
def test_the_source_names_its_vector_and_leaves_no_gap(vector: int) -> None:
    text = source.source(built("gru"), vector=vector, rows=8)
    assert f"constexpr int V = {vector};" in text
    assert "@" not in text


@needs_compiler
def test_rows_that_fill_up_a_block_cannot_spoil_the_gradients_of_others() -> None:
    net = Network(built("irnn"), 1, 1, 4)
    params = {name: torch.zeros(1, *shape) for name, shape in shapes(net).items()}
    params["0.R.state"] += 3 * torch.eye(4)  # without input, as in such a row, states grow
    params["0.b.state"] += 1
    params["0.W.state"] -= 5
    params = {name: value.requires_grad_() for name, value in params.items()}
    for batch in (8, 9):
        out, _ = unroll(net, params, torch.ones(1, batch, 100, 1))
        grads = torch.autograd.grad(
            out.sum(), [value for name, value in params.items() if name.startswith("0.")]
        )
        assert all(grad.isfinite().all() for grad in grads)


def test_streams_of_constants_and_of_the_input_itself_run_in_both_types() -> None:
    @cell(streams=(Stream("rate", of="nothing"), Stream("a", of="rate")), projections=("a",))
    def of_a_constant(p: Bundle, s: Bundle) -> tuple[Tensor]:
        return (torch.tanh(p.a + p.rate),)

    @cell(streams=("a", Stream("x", affine=False)), projections=("a",))
    def with_the_input(p: Bundle, s: Bundle) -> tuple[Tensor]:
        return (0.5 * s.h + torch.tanh(p.a) * p.x,)

    for own, n_in in ((of_a_constant, 3), (with_the_input, 6)):
        net = Network(own, n_in, 1, 6)
        params = random_params(net, runs=2)
        x = torch.randn(2, 8, 5, n_in, generator=torch.Generator().manual_seed(3)).requires_grad_()
        found = values_and_gradients(net, params, x, last=5)
        assert_close(found, values_and_gradients(net, *in_float64(params, x), last=5))


@needs_compiler
def test_slopes_of_constants_are_exact_over_many_steps() -> None:
    net = Network(built("lru"), n_in=2, n_out=1, units=4)
    params = random_params(net, runs=1)
    x = torch.randn(1, 64, 3000, 2, generator=torch.Generator().manual_seed(3)).requires_grad_()
    found = values_and_gradients(net, params, x, last=1)
    assert_close(found, values_and_gradients(net, *in_float64(params, x), last=1))
