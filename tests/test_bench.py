"""The benchmark: contenders that train, rounds that take turns, a page that shows what was missed."""

import pytest
import torch

from slowpoints.bench import gpu, gpu_page, gpu_run, markdown
from slowpoints.bench.contenders import LIBRARY, Case, library, ours, plain_loop
from slowpoints.bench.measure import cpu_ms, peak_mb, with_precision
from slowpoints.bench.report import SIZES


@pytest.mark.parametrize(
    ("contender", "cell"),
    [(ours, "gru"), (ours, "pru"), *((library, cell) for cell in LIBRARY), (plain_loop, "gru"), (plain_loop, "lstm"),
     (plain_loop, "pru"), (plain_loop, "ugrnn"), (plain_loop, "minimal_rnn")],
)  # fmt: skip
def test_every_contender_learns(contender, cell, monkeypatch):
    losses = []
    square = torch.Tensor.square

    def watched(x):
        losses.append(float(x.detach().pow(2).mean()))
        return square(x)

    step = contender(Case(cell, units=8, steps=3, batch=16, runs=2))
    monkeypatch.setattr(torch.Tensor, "square", watched)
    for _ in range(40):
        step()
    errors = [loss for loss in losses if loss > 0.5]  # squared gradients, far smaller, are seen too
    assert len(errors) >= 40
    assert errors[-1] < errors[0]


def test_contenders_take_turns_and_their_costs_are_told_apart():
    order = []

    def step(name, n):
        def run():
            order.append(name)
            return sum(i * i for i in range(n))

        return run

    found = cpu_ms({"small": step("small", 2_000), "large": step("large", 60_000)}, rounds=3)
    assert 5 < found["large"] / found["small"] < 200
    turns = [name for name, before in zip(order, [None, *order], strict=False) if name != before]
    assert turns == ["small", "large"] * 4  # once to warm up, then three rounds


def test_the_precision_of_matmuls_is_put_back():
    seen = []
    before = torch.get_float32_matmul_precision()
    with_precision(lambda: seen.append(torch.get_float32_matmul_precision()), "medium")()
    assert seen == ["medium"]
    assert torch.get_float32_matmul_precision() == before


def test_this_process_takes_memory():
    assert 50 < peak_mb() < 20_000


def made_up(*, ratio):
    def row(**more):
        return {"ratio": ratio, "ratio, matmul at medium": ratio / 2, "of the yardstick": 1.5, **more}

    sizes = [{"units": units} for units in SIZES]
    return {
        "processor": "a processor", "torch": "2.0", "seconds to compile": {"gru": 1.25}, "seconds to start": 2.0,
        "batch 64": [row(cell=cell, steps=steps, **size) for cell in LIBRARY for steps in (20, 100) for size in sizes],
        "batch 512": [row(cell="gru", **size) for size in sizes[:3]],
        "custom": [row(cell="pru", **size) for size in sizes],
        "sweep": [row(**size) for size in sizes],
        "runs": [row(runs=1), row(runs=2)],
        "steps": [row(steps=20), row(steps=40)],
        "memory": [{"steps": 100, "MB, traces kept": 20.0, "MB, as it runs": 10.0}],
    }  # fmt: skip


def test_the_page_marks_what_misses_its_target():
    page = markdown(made_up(ratio=3.0))
    assert "| nn.GRU, 20 steps | **3.0** (14) | **3.0** (7) | **3.0** (4.5) | 3.0 (3) | 3.0 (2.4) |" in page
    assert "| nn.LSTM, 100 steps | 3.0 (1.3) |" in page
    assert "| - matmuls at medium | 1.5 | 1.5 | 1.5 | 1.5 | 1.5 |" in page
    assert "| cost | 1.00 | 0.50 |" in page
    assert "**" not in markdown(made_up(ratio=20.0)).replace("**bold**", "")


def test_the_benchmark_of_a_gpu_says_where_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit, match="no GPU"):
        gpu_run()


def test_the_page_of_a_gpu_shows_rates_shares_and_ratios(monkeypatch):
    def timer(steps):
        for step in steps.values():
            step()
        return dict.fromkeys(steps, 2.0)

    for name, value in {"CELLS": ("gru", "ugrnn"), "UNITS": (4,), "RUNS": (1, 3), "STEPS": 10, "BATCH": 32}.items():
        monkeypatch.setattr(gpu, name, value)
    device = torch.device("cpu")
    found = {"device": "a GPU", "torch": "2.0", "peak": {"TFLOP/s": 50.0, "TB/s": 3.0}}
    found["cases"] = gpu.cases(device, timer)
    assert [row["million per s"] for row in found["cases"]] == [0.16, 0.48, 0.16, 0.48]
    assert [row.get("ratio") for row in found["cases"]] == [1.0, 3.0, None, None]
    weights = 3 * 4 * (8 + 4) + 4 * 4
    assert found["cases"][0]["TFLOP/s"] == pytest.approx(6 * weights * 32 * 10 / 2.0 / 1e9)
    page = gpu_page(found)
    assert "## gru\n\n| units | 1 networks | 3 networks |" in page
    assert "| 4 | 0.16, " in page
    assert page.count("(3)") == 1
    peak = gpu.peaks(device, timer, size=64)
    assert peak["TFLOP/s"] == pytest.approx(2 * 64**3 / 2.0 / 1e9)
    assert peak["TB/s"] == pytest.approx(8 * 64**2 / 2.0 / 1e9)
