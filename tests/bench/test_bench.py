"""The benchmark: contenders that train, rounds that take turns, a page that shows what was
missed.
"""

from functools import partial

import pytest
import torch

from bench import adam_search, contenders, flip_flop, gpu, peer_trial, points
from bench.contenders import LIBRARY, Case, library, ours, plain_loop
from bench.gpu import page as gpu_page
from bench.gpu import run as gpu_run
from bench.measure import cpu_ms, peak_mb, with_precision
from bench.points import run as points_run
from bench.points_report import points_page
from bench.report import SIZES, markdown
from bench.tuning import tuning_page
from slowpoints.dynamics import speed
from slowpoints.engine import Standing, loss_in_one_pass

ours_anew = partial(ours, stands=False)


@pytest.mark.parametrize(
    ("contender", "cell"),
    [
        (ours, "gru"),
        (ours_anew, "gru"),
        (ours, "pru"),
        *((library, cell) for cell in LIBRARY),
        (plain_loop, "gru"),
        (plain_loop, "lstm"),
        (plain_loop, "pru"),
        (plain_loop, "ugrnn"),
        (plain_loop, "minimal_rnn"),
    ],
)
def test_every_contender_learns(contender, cell, monkeypatch):
    losses = []
    call = Standing.__call__
    square = torch.Tensor.square

    def watched(x):
        losses.append(float(x.detach().pow(2).mean()))
        return square(x)

    def watched_pass(*given, **how):
        loss = loss_in_one_pass(*given, **how)
        losses.extend([] if loss is None else [float(loss.detach().mean())])
        return loss

    def watched_call(own, *given):
        loss = call(own, *given)
        losses.append(float(loss.mean()))
        return loss

    step = contender(Case(cell, units=8, steps=3, batch=16, runs=2))
    monkeypatch.setattr(torch.Tensor, "square", watched)
    monkeypatch.setattr(contenders, "loss_in_one_pass", watched_pass)
    monkeypatch.setattr(Standing, "__call__", watched_call)
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
        return {
            "ratio": ratio,
            "ratio, matmul at medium": ratio / 2,
            "of the yardstick": 1.5,
            **more,
        }

    sizes = [{"units": units} for units in SIZES]
    return {
        "processor": "a processor",
        "vector": 8,
        "torch": "2.0",
        "seconds to compile": {"gru": 1.25},
        "seconds to start": 2.0,
        "batch 64": [
            row(cell=cell, steps=steps, **size)
            for cell in LIBRARY
            for steps in (20, 100)
            for size in sizes
        ],
        "batch 512": [row(cell="gru", **size) for size in sizes[:3]],
        "custom": [row(cell="pru", **size) for size in sizes],
        "sweep": [row(**size) for size in sizes],
        "runs": [row(runs=1), row(runs=2)],
        "laid out": [row(runs=1), row(runs=2)],
        "steps": [row(steps=20), row(steps=40)],
        "memory": [{"steps": 100, "MB, traces kept": 20.0, "MB, as it runs": 10.0}],
    }


def test_the_page_marks_what_misses_its_target():
    page = markdown(made_up(ratio=3.0))
    assert (
        "| nn.GRU, 20 steps | **3.0** (14) | **3.0** (7) | **3.0** (4.5) | 3.0 (3) | 3.0 (2.4) |"
        in page
    )
    assert "| nn.LSTM, 100 steps | 3.0 (1.3) |" in page
    assert "| - matmuls at medium | 1.5 | 1.5 | 1.5 | 1.5 | 1.5 |" in page
    assert "| cost | 1.00 | 0.50 |" in page
    assert "**" not in markdown(made_up(ratio=20.0)).replace("**bold**", "")


def test_the_benchmark_of_a_gpu_says_where_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit, match="no GPU"):
        gpu_run()


def test_what_does_not_fit_loses_no_other_row(monkeypatch):
    def measured(case, device, timer):
        if case.runs == max(gpu.RUNS):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return case._asdict() | {"ms": 1.0, "TFLOP/s": 1.0, "million per s": 1.0}

    monkeypatch.setattr(gpu, "_measured", measured)
    rows = gpu.cases(torch.device("cpu"), lambda steps: {})
    assert len(rows) == len(gpu.CELLS) * len(gpu.UNITS) * len(gpu.RUNS)
    peak = {"TFLOP/s": 50.0, "TB/s": 3.0}
    shown = gpu_page({"device": "a GPU", "torch": "2", "peak": peak, "cases": rows})
    assert shown.count("no room") == len(gpu.CELLS) * len(gpu.UNITS)


def test_the_page_of_a_gpu_shows_rates_shares_and_ratios(monkeypatch):
    def timer(steps):
        for step in steps.values():
            step()
        return dict.fromkeys(steps, 2.0)

    for name, value in {
        "CELLS": ("gru", "ugrnn"),
        "UNITS": (4,),
        "RUNS": (1, 3),
        "STEPS": 10,
        "BATCH": 32,
    }.items():
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


def test_the_flip_flop_repeats_the_last_pulse_of_every_channel():
    pulses, memory = flip_flop.batch(torch.Generator().manual_seed(0))
    last = pulses[:, 0]
    for now, held in zip(pulses.unbind(1), memory.unbind(1), strict=True):
        last = torch.where(now != 0, now, last)
        assert torch.equal(held, last)
    assert set(pulses.unique().tolist()) == {-1.0, 0.0, 1.0}


def test_the_benchmark_of_points_measures_both_searches_from_the_same_starts(monkeypatch):
    for module, values in {
        points: {"SETTINGS": (points.Setting(4, 1e-2, 0.1, rounds=1),), "N_STARTS": 20},
        flip_flop: {"UPDATES": 30},
    }.items():
        for name, value in values.items():
            monkeypatch.setattr(module, name, value)
    found = points_run()
    (case,) = found["cases"]
    assert set(case["searches"]) == {points.OURS, *adam_search.BASELINES}
    own, best = case["searches"][points.OURS], case["searches"][case["best"]]
    assert own["fixed"] + own["slow"] == own["inside"] == 1
    assert own["resolved"] == own["fixed"]
    assert best["converged"] == max(row["converged"] for row in case["searches"].values()) > 0.9
    assert case["missed by ours"] == 0 < case["found by the best"]
    assert case["as far as the best"]["steps"] <= own["steps"] + 5
    page = points_page(found)
    assert f"| 4 | 0.01 | 0.1 | {case['found by the best']} | 0 |" in page
    assert page.count("| 4 | 0.01 | 0.1 |") == 1 + 5 + 1


def test_adam_ends_at_the_fixed_point_or_after_its_last_iteration(monkeypatch):
    gru = flip_flop.nn.GRU(3, 4, batch_first=True).requires_grad_(False)
    for weight in gru.parameters():
        weight.fill_(0.1)
    task = flip_flop.case(gru, 0.0, n_starts=5, noise=0.1)
    rate, schedule = adam_search.BASELINES["Adam, rate 0.05, stepwise"]
    end = adam_search.search(gru, task.starts, rate=rate, schedule=schedule)
    assert end.dtype == torch.float64
    assert (speed(task.F, end) < 2e-6).all()
    monkeypatch.setattr(adam_search, "MAX_ITERATIONS", 1)
    moved = adam_search.search(gru, task.starts, rate=rate, schedule=schedule) - task.starts
    # Adam's first step
    torch.testing.assert_close(moved.abs(), torch.full_like(moved, rate), rtol=1e-3, atol=1e-6)


def test_the_page_of_points_marks_what_misses_the_target():
    row = {
        "converged": 0.5,
        "resolved": 0.0,
        "inside": 1.0,
        "distinct": 3,
        "deciles of q": [1e-9] * 5,
        "seconds": 10.0,
    }
    case = {
        "units": 4, "rate": 0.01, "noise": 0.1, "best": "Adam", "found by the best": 3,
        "missed by ours": 1, "distinct with midpoints": 5,
        "searches": {points.OURS: row | {"slow": 0.25, "seconds": 2.0}, "Adam": row},
        "as far as the best": {"steps": 3, "seconds": 0.5},
    }  # fmt: skip
    found = {"processor": "a processor", "torch": "2.0", "starts": 1000, "cases": [case]}
    assert "| 4 | 0.01 | 0.1 | Adam | 10 | 3 | 0.5 | 20.0 | 2 | **5.0** |" in points_page(found)
    assert "| 4 | 0.01 | 0.1 | Adam | 10 | – | – | – | 2 |" in points_page(
        found | {"cases": [case | {"as far as the best": None}]}
    )
    assert (
        "| 4 | 0.01 | 0.1 | ours | 2 | 50.0 % | 0.0 % | 100.0 % | 3 | 25.0 % | 1e-09 |"
        in points_page(found)
    )


def test_a_peers_trial_learns_what_it_can_store() -> None:
    trial = {
        "seed": 1,
        "cell": "rnn",
        "n_in": 16,
        "units": 16,
        "n_labels": 16,
        "n_steps": 2,
        "steps": 300,
        "batch": 32,
    }
    trial |= {"lr": 0.01, "lr_final": 0.1, "clip": 10.0}
    found = peer_trial.train(trial)
    assert found["accuracy"] == 1.0
    assert found["cpu_s"] > 0


def test_the_page_of_tuning_says_what_a_trial_costs() -> None:
    own = {
        "parameters": 991,
        "one process per trial": {"cpu_s": 80.0, "training_cpu_s": 40.0},
        "stacked": {"cpu_s": 16.0, "best": 2.0},
        "stacked, halving": {"cpu_s": 8.0, "best": 2.0},
    }
    text = tuning_page(
        {"processor": "p", "torch": "t", "steps": 2000, "trials": 16, "cells": {"rnn": own}}
    )
    assert "| rnn | 991 | stacked | 5.00 | 1.00 | 5.0 (2.5) |" in text
    assert "| rnn | 991 | stacked, halving | 5.00 | 0.50 | 10.0 (5.0) |" in text
