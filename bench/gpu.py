"""The engine on a GPU: model-sample-steps per second, against cuDNN one network at a time, and
against the device.

A model-sample-step is one step of one sequence of one network, forward and backward. What the
device can do is measured beside it: the rate of one large matmul in float32, and of copying a large
tensor.
"""

import statistics
from collections.abc import Callable
from typing import Any

import torch

from bench.contenders import LIBRARY, N_IN, N_OUT, Case, Step, built, library, ours
from bench.report import table

CELLS = (*LIBRARY, "ugrnn", "pru")
UNITS, RUNS = (16, 64, 128, 256), (1, 16, 128, 512)
STEPS, BATCH = 100, 64
WARM_UP, ROUNDS, REPEATS = 3, 5, 10

Timer = Callable[[dict[str, Step]], dict[str, float]]


def device_ms(steps: dict[str, Step]) -> dict[str, float]:
    """Return the time of one step of each contender on the device in ms.

    In turns, the median of several rounds.
    """
    for step in steps.values():
        for _ in range(WARM_UP):
            step()
    found: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            for _ in range(REPEATS):
                step()
            end.record()
            end.synchronize()
            found[name].append(start.elapsed_time(end) / REPEATS)
    return {name: statistics.median(values) for name, values in found.items()}


def run() -> dict[str, Any]:
    """Return all measurements as plain values."""
    if not torch.cuda.is_available():
        raise SystemExit("slowpoints bench-gpu: torch finds no GPU here")
    device = torch.device("cuda")
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    torch.backends.cudnn.rnn.fp32_precision = "ieee"  # type: ignore[attr-defined] # cuDNN's own default is tf32
    return {"device": torch.cuda.get_device_name(), "torch": torch.__version__,
            "peak": peaks(device, device_ms), "cases": cases(device, device_ms)}  # fmt: skip


def peaks(device: torch.device, timer: Timer, *, size: int = 8192) -> dict[str, float]:
    """Return what the device reaches: arithmetic in TFLOP/s, memory in TB/s."""
    a = torch.randn(size, size, device=device)
    b = torch.empty_like(a)
    ms = timer({"matmul": lambda: torch.mm(a, a, out=b), "copy": lambda: b.copy_(a)})  # type: ignore[dict-item]
    return {"TFLOP/s": 2 * size**3 / ms["matmul"] / 1e9, "TB/s": 2 * 4 * size**2 / ms["copy"] / 1e9}


def cases(device: torch.device, timer: Timer) -> list[dict[str, Any]]:
    """Return a row per cell, size and stack."""
    return [_case(Case(cell, units, STEPS, BATCH, runs), device, timer)
            for cell in CELLS for units in UNITS for runs in RUNS]  # fmt: skip


def _case(case: Case, device: torch.device, timer: Timer) -> dict[str, Any]:
    """Return what was measured; of what does not fit into the device's memory, its size alone."""
    try:
        return _measured(case, device, timer)
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        return case._asdict()


def _measured(case: Case, device: torch.device, timer: Timer) -> dict[str, Any]:
    contenders = {"ours": ours(case, device)}
    if case.cell in LIBRARY:
        contenders["library"] = library(case, device)
    ms = timer(contenders)
    row = case._asdict() | {
        "ms": ms["ours"],
        "TFLOP/s": flops(case) * case.runs / ms["ours"] / 1e9,
        "million per s": case.runs * case.batch * case.steps / ms["ours"] / 1e3,
    }
    return row | ({"ratio": ms["library"] / (ms["ours"] / case.runs)} if "library" in ms else {})


def flops(case: Case) -> float:
    """Return the operations of one step of one run in its matmuls, forward and twice backward."""
    cell, H = built(case.cell), case.units
    projected = len(cell.projections) + len(cell.second)
    free = sum(stream.affine for stream in cell.free)
    weights = projected * H * (N_IN + H) + free * N_IN * H + cell.output_map * H * H + N_OUT * H
    return 6.0 * weights * case.batch * case.steps


def page(found: dict[str, Any]) -> str:
    """Return the measurements as a page."""
    peak = found["peak"]
    parts = [
        "# Speed on a GPU",
        f"Written by `make bench-gpu` on one {found['device']}, torch {found['torch']}, all in "
        "float32; "
        f"batch {BATCH}, {STEPS} steps, {N_IN} inputs, after {WARM_UP} steps to warm up: the "
        f"median of {ROUNDS} rounds "
        "in which the contenders take turns. A step is forward, read-out, squared error, "
        "backward, clipping and Adam.",
        f"On this device one large matmul reaches {peak['TFLOP/s']:.0f} TFLOP/s, and copying "
        f"{peak['TB/s']:.1f} TB/s.",
        "In each cell: million model-sample-steps per second; the share of that matmul's rate; "
        "in brackets, how many "
        "times cheaper a network is than one alone in torch's layer (cuDNN), whose step is not "
        "recorded: recorded it would take a third to a quarter of that time (estimated).",
    ]
    for name in dict.fromkeys(row["cell"] for row in found["cases"]):
        own = [row for row in found["cases"] if row["cell"] == name]
        head = [
            "units",
            *(f"{runs} networks" for runs in dict.fromkeys(row["runs"] for row in own)),
        ]
        body = [[str(units), *(_shown(row, peak) for row in own if row["units"] == units)]
                for units in dict.fromkeys(row["units"] for row in own)]  # fmt: skip
        parts += [f"## {name}", table(head, body)]
    return "\n\n".join(parts) + "\n"


def _shown(row: dict[str, Any], peak: dict[str, float]) -> str:
    if "ms" not in row:
        return "no room"
    text = f"{row['million per s']:.3g}, {100 * row['TFLOP/s'] / peak['TFLOP/s']:.2g} %"
    return f"{text} ({row['ratio']:.2g})" if "ratio" in row else text
