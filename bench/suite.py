"""What is measured: ratios by cell and size, growth with runs and steps, memory, start-up, a whole
sweep.
"""

from typing import Any

import torch

from bench.contenders import LIBRARY, Case, built, library, ours, plain_loop
from bench.measure import cpu_ms, processor, slowest_s, wall_s, with_precision
from bench.report import SIZES
from slowpoints.engine import Network, engine_of
from slowpoints.engine.cpu import build

CUSTOM = ("ugrnn", "pru", "intersection_rnn")
FEW = (1, 2, 4, 8, 16, 32)
SWEEP_RUNS, SWEEP_PROCESSES = 64, 2

MEMORY = """
import sys, torch
from bench.contenders import Case, ours
from bench.measure import peak_mb
from slowpoints.engine.cpu import scan
torch.set_num_threads(1)
cell, units, steps, keeps = sys.argv[1], *map(int, sys.argv[2:])
scan.KEPT_NUMBERS = 10**12 if keeps else scan.KEPT_NUMBERS
before = peak_mb()
ours(Case(cell, units, steps, batch=64, runs=4))()
print(peak_mb() - before)
"""
COMPILE = """
import sys, tempfile, time
from pathlib import Path
from bench.contenders import built
from slowpoints.engine.cpu import build, compiled
with tempfile.TemporaryDirectory() as folder:
    build.folders = lambda: iter([Path(folder)])
    start = time.perf_counter()
    compiled.kernel(built(sys.argv[1]), 64)
    print(time.perf_counter() - start)
"""
TRAIN = """
import sys, time, torch
from bench.contenders import Case, library, ours
torch.set_num_threads(1)
kind, units, runs, steps = sys.argv[1], *map(int, sys.argv[2:])
case = Case("gru", units, steps=20, batch=64, runs=runs if kind == "ours" else 1)
contender, times = (ours, 1) if kind == "ours" else (library, runs)
contender(case)()
start = time.perf_counter()
for _ in range(times):
    step = contender(case)
    for _ in range(steps):
        step()
print(time.perf_counter() - start)
"""


def runs_for(units: int) -> int:
    """Return a stack size for the table.

    Smaller for larger networks, to keep the benchmark short.
    """
    return max(4, min(32, 1024 // units))


def run() -> dict[str, Any]:
    """Return all measurements as plain values."""
    torch.set_num_threads(1)
    return {
        "processor": processor(),
        "vector": build.widest_vector(),
        "torch": torch.__version__,
        "engine": {name: _engine(name) for name in (*LIBRARY, *CUSTOM)},
        "batch 64": [
            _ratios(cell, units, steps, 64)
            for cell in LIBRARY
            for steps in (20, 100)
            for units in SIZES
        ],
        "batch 512": [_ratios(cell, units, 5, 512) for cell in LIBRARY for units in (16, 32, 64)],
        "custom": [_custom(cell, units) for cell in CUSTOM for units in SIZES],
        "runs": [
            _growth(Case("gru", 16, 20, 64, runs))
            for runs in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
        ],
        "steps": [
            _growth(Case("gru", 64, steps, 64, 4)) for steps in (20, 50, 100, 200, 500, 1000)
        ],
        "laid out": [_laid_out(Case("rnn", 16, 5, 512, runs)) for runs in FEW],
        "memory": [_memory(steps) for steps in (100, 300, 1000)],
        "seconds to compile": {
            name: float(wall_s(COMPILE, name)[1]) for name in (*LIBRARY, *CUSTOM)
        },
        "seconds to start": wall_s("import slowpoints.training.job")[0],
        "sweep": [_sweep(units) for units in SIZES],
    }


def _engine(name: str) -> str:
    return engine_of(Network(built(name), 1, 1, 64), torch.device("cpu"))


def _ratios(cell: str, units: int, steps: int, batch: int) -> dict[str, Any]:
    case = Case(cell, units, steps, batch, runs_for(units))
    theirs = library(case)
    ms = cpu_ms(
        {"ours": ours(case), "library": theirs, "library, medium": with_precision(theirs, "medium")}
    )
    per_run = ms["ours"] / case.runs
    return case._asdict() | {
        "ms per run": per_run,
        "ratio": ms["library"] / per_run,
        "ratio, matmul at medium": ms["library, medium"] / per_run,
    }


def _custom(cell: str, units: int) -> dict[str, Any]:
    case = Case(cell, units, 20, 64, runs_for(units))
    ms = cpu_ms({"ours": ours(case), "loop": plain_loop(case)}, rounds=3)
    return case._asdict() | {"ratio": ms["loop"] / ms["ours"] * case.runs}


def _growth(case: Case) -> dict[str, Any]:
    """Return the cost of a case, and its ratio to a small network measured beside it in the same
    rounds.
    """
    yardstick = Case("gru", 16, 20, 64, 8)
    ms = cpu_ms({"ours": ours(case), "yardstick": ours(yardstick)}, rounds=3)
    per_run = ms["ours"] / case.runs
    return case._asdict() | {"of the yardstick": per_run / (ms["yardstick"] / yardstick.runs)}


def _laid_out(case: Case) -> dict[str, Any]:
    """Return how much cheaper a step is that was laid out once."""
    ms = cpu_ms({"once": ours(case), "anew": ours(case, stands=False)})
    return case._asdict() | {"ratio": ms["anew"] / ms["once"]}


def _memory(steps: int) -> dict[str, Any]:
    kept, again = (
        float(wall_s(MEMORY, "gru", "64", str(steps), str(keeps))[1]) for keeps in (1, 0)
    )
    return {"steps": steps, "MB, traces kept": kept, "MB, as it runs": again}


def _sweep(units: int) -> dict[str, Any]:
    """Return how much sooner 64 trainings are done in stacks than one after another, both on two
    processes.
    """
    words = (str(units), str(SWEEP_RUNS // SWEEP_PROCESSES), str(max(5, 1600 // units)))
    own, theirs = (
        slowest_s(TRAIN, kind, *words, processes=SWEEP_PROCESSES) for kind in ("ours", "library")
    )
    return {"units": units, "ratio": theirs / own}
