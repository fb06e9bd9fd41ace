"""The engine beside the fastest other ways to train many small networks of any cell: JAX, and
torch's own `vmap`, eager and compiled.
"""

import json
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.func import grad, vmap

from bench.contenders import CLIP, CPU, N_IN, N_OUT, RATE, Case, data, ours
from bench.gpu import flops
from bench.measure import cpu_ms, processor
from bench.report import table

SCRIPT = Path(__file__).with_name("jax_steps.py")
CELLS, UNITS, RUNS, STEPS, BATCH = ("gru", "ugrnn"), (16, 32, 64, 128, 256), 64, 20, 64
COMPILED_UP_TO = 32  # units
ROUNDS = 3
PRODUCT = 512  # rows and columns of the product that stands for the core's peak
Timed = Callable[[], float]  # takes a step of all networks and returns its CPU seconds
NAMES = {
    "map": "JAX, `lax.map` over networks, `scan`",
    "vmap": "JAX, `vmap` over networks, `scan`",
    "torch": "`torch.func.vmap`",
    "compiled": "`torch.func.vmap`, `torch.compile`",
}
AIMS = {"map": 2.5, "vmap": 6.0}  # up to 128 units; fixed beforehand


def run() -> dict[str, Any]:
    """Return all measurements as plain values."""
    torch.set_num_threads(1)
    cases = [Case(cell, units, STEPS, BATCH, RUNS) for cell in CELLS for units in UNITS]
    return {
        "processor": processor(),
        "torch": torch.__version__,
        "jax": _jax_version(),
        "cases": [_measured(case) for case in cases],
    }


def _jax_version() -> str:
    (line,) = (own for own in SCRIPT.read_text().splitlines() if own.startswith("# dependencies"))
    return line.partition("==")[2].partition('"')[0]


def _measured(case: Case) -> dict[str, Any]:
    """Return the median seconds of a step of every contender, measured in turn."""
    with _Jax(case) as jax:
        contenders: dict[str, Timed] = {"ours": _timed(ours(case))}
        contenders |= {form: jax.form(form) for form in ("map", "vmap")}
        contenders["torch"] = _timed(by_vmap(case, compiled=False)[0])
        if case.units <= COMPILED_UP_TO:
            contenders["compiled"] = _timed(by_vmap(case, compiled=True)[0])
        found: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(ROUNDS):
            for name, call in contenders.items():
                found[name].append(call())
    return case._asdict() | {
        "seconds": {name: statistics.median(values) for name, values in found.items()},
        "share": share_of_peak(case),
    }


def share_of_peak(case: Case) -> float:
    """Return the arithmetic of our step per second over that of a large product of torch."""
    a, out = torch.randn(2, PRODUCT, PRODUCT)

    def product() -> None:
        torch.mm(a, a, out=out)

    ms = cpu_ms({"ours": ours(case), "product": product})
    return flops(case) * case.runs / (2 * PRODUCT**3) * ms["product"] / ms["ours"]


def _timed(step: Callable[[], Any]) -> Timed:
    step()

    def timed() -> float:
        begun = time.process_time()
        step()
        return time.process_time() - begun

    return timed


class _Jax:
    """JAX in a process of its own, whose environment uv makes from the script's head."""

    def __init__(self, case: Case) -> None:
        uv = os.environ.get("UV", "uv")
        if shutil.which(uv) is None:
            raise SystemExit("the benchmark needs uv, for JAX: name it by the variable UV")
        words = [uv, "run", "--no-project", "--script", str(SCRIPT), json.dumps(case._asdict())]
        taskset = [] if shutil.which("taskset") is None else ["taskset", "-c", "0"]
        self.process = subprocess.Popen(
            [*taskset, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "_Jax":
        self._read()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def form(self, name: str) -> Timed:
        """Return what takes a step of one form."""

        def timed() -> float:
            assert self.process.stdin is not None
            self.process.stdin.write(f"{name} 1\n")
            self.process.stdin.flush()
            return float(self._read())

        return timed

    def _read(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the process of JAX ended")
        return line


def by_vmap(case: Case, *, compiled: bool) -> tuple[Callable[[], Any], dict[str, Tensor]]:
    """Return one step of all networks by `vmap` of a loop over time, and what it changes."""
    rng, wide = torch.Generator().manual_seed(0), {"gru": 3, "ugrnn": 2}[case.cell] * case.units
    shapes = {"W": (N_IN, wide), "R": (case.units, wide), "b": (wide,)}
    shapes |= {"V": (case.units, N_OUT), "c": (N_OUT,)}
    params = {
        name: torch.randn(case.runs, *shape, generator=rng) / shape[0] ** 0.5
        for name, shape in shapes.items()
    }
    moments = [{name: torch.zeros_like(value) for name, value in params.items()} for _ in range(2)]
    x, y = data(case, case.runs, CPU)

    def loss(own: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        driven, H = x @ own["W"] + own["b"], case.units
        R = own["R"][:, : 2 * H], own["R"][:, 2 * H :]  # cut once, as in JAX
        h, states = x.new_zeros(case.batch, H), []
        for t in range(case.steps):
            h = (_gru if case.cell == "gru" else _ugrnn)(driven[:, t], h, R)
            states.append(h)
        return (torch.stack(states, 1) @ own["V"] + own["c"] - y).square().mean()

    slopes = vmap(grad(loss))
    call = torch.compile(slopes) if compiled else slopes
    n = 0

    @torch.no_grad()
    def step() -> None:
        nonlocal n
        n += 1
        found = call(params, x, y)
        norm = sum(g.square().flatten(1).sum(1) for g in found.values()).sqrt()
        scale = (CLIP / norm).clamp(max=1.0)
        for name, g in found.items():
            own = g * scale.view(-1, *[1] * (g.dim() - 1))
            first, second = (part[name] for part in moments)
            first.lerp_(own, 0.1)
            second.lerp_(own.square(), 0.001)
            change = first / (1 - 0.9**n) / ((second / (1 - 0.999**n)).sqrt() + 1e-8)
            params[name] -= RATE * change

    return step, params


def _gru(p: Tensor, h: Tensor, R: tuple[Tensor, Tensor]) -> Tensor:
    H = h.shape[-1]
    reset, update = torch.sigmoid(p[:, : 2 * H] + h @ R[0]).chunk(2, -1)
    candidate = torch.tanh(p[:, 2 * H :] + (reset * h) @ R[1])
    return update * h + (1 - update) * candidate


def _ugrnn(p: Tensor, h: Tensor, R: tuple[Tensor, Tensor]) -> Tensor:
    gate, candidate = (p + h @ R[0]).chunk(2, -1)
    gate = torch.sigmoid(gate)
    return gate * h + (1 - gate) * torch.tanh(candidate)


def page(found: dict[str, Any]) -> str:
    """Return the page."""
    rows = []
    for cell in CELLS:
        own = [case["seconds"] for case in found["cases"] if case["cell"] == cell]
        rows.append([f"**{cell}**, ours, ms", *(f"{1e3 * at['ours']:.3g}" for at in own)])
        shares = (case["share"] for case in found["cases"] if case["cell"] == cell)
        rows.append(["share of the peak", *(f"{100 * share:.0f} %" for share in shares)])
        for form, name in NAMES.items():
            ratios = (_ratio(at, form, units) for at, units in zip(own, UNITS, strict=True))
            rows.append([name, *ratios])
    return (
        "\n\n".join(
            [
                "# The engine beside JAX and torch's vmap",
                f"Written by `make bench-rivals` on one core of {found['processor']}, torch "
                f"{found['torch']}, jax {found['jax']}: CPU time of one thread, the median of "
                f"{ROUNDS} rounds in which all take turns. A step trains {RUNS} networks on "
                f"{BATCH} sequences of {STEPS} steps each, every network on its own: forward, "
                "read-out, squared error, backward, clipping, Adam. Numbers are their time over "
                "ours. In brackets the aim up to 128 units, fixed beforehand; **bold** where it is "
                f"missed. `torch.compile` was measured up to {COMPILED_UP_TO} units. "
                "*Share of the peak*: the arithmetic of our step, of its "
                f"matrices alone, per second, over that of torch's product of {PRODUCT} rows and "
                "columns, measured in turn: what is left are tanh, Adam and the traffic.",
                table(["against", *map(str, UNITS)], rows),
            ]
        )
        + "\n"
    )


def _ratio(seconds: dict[str, float], form: str, units: int) -> str:
    if form not in seconds:
        return ""
    ratio, aim = seconds[form] / seconds["ours"], AIMS.get(form)
    if aim is None or units > 128:
        return f"{ratio:.1f}"
    return f"{ratio:.1f} ({aim:g})" if ratio >= aim else f"**{ratio:.1f}** ({aim:g})"
