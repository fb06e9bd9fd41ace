"""Timing on a shared machine: CPU time of one thread, contenders in turn, the median of several
rounds.
"""

import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from bench.contenders import Step

ROUNDS, ROUND_S = 5, 0.12  # a contender runs for about so long in every round


def cpu_ms(steps: dict[str, Step], *, rounds: int = ROUNDS) -> dict[str, float]:
    """Return the CPU time of one step of each contender in ms, measured in turn."""
    repeats = {name: _repeats(step) for name, step in steps.items()}
    found: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            start = time.process_time()
            for _ in range(repeats[name]):
                step()
            found[name].append((time.process_time() - start) / repeats[name] * 1e3)
    return {name: statistics.median(values) for name, values in found.items()}


def _repeats(step: Step) -> int:
    step()  # what is compiled or allocated at first use is not of interest here
    start = time.process_time()
    step()
    return max(1, round(ROUND_S / max(time.process_time() - start, 1e-5)))


def with_precision(step: Step, precision: str) -> Step:
    """Return the step under another setting of torch's float32 matmuls."""

    def run() -> None:
        with _precision(precision):
            step()

    return run


@contextmanager
def _precision(value: str) -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(value)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def wall_s(code: str, *arguments: str) -> tuple[float, str]:
    """Return the wall time of a Python process, and what it printed."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return time.perf_counter() - start, done.stdout.strip()


def slowest_s(code: str, *arguments: str, processes: int) -> float:
    """Return the largest number of seconds that several processes, side by side, print."""
    command = [sys.executable, "-c", code, *arguments]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    printed = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        raise RuntimeError("a process of the benchmark failed")
    return max(float(text) for text in printed)


def peak_mb() -> float:
    """Return the peak memory of this process so far in MB.

    Linux counts what the parent had into `ru_maxrss`, so it is asked for the peak since the program
    began.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (
            line
            for line in status.read_text(encoding="utf-8").splitlines()
            if line.startswith("VmHWM")
        )
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def processor() -> str:
    """Return the name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
