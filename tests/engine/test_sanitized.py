"""That the sanitizers see what they should, and one cell under them: the first part of `make
sanitize`, whose second are the tests of all compiled code.
"""

import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.faults
ROOT = Path(__file__).resolve().parents[2]
BEYOND = """
import torch
from slowpoints.engine.cpu import build
library = build.library('extern "C" void set(float* x, long i) { x[i] = 1; }')
import ctypes
library.set(ctypes.c_void_p(torch.zeros(4).data_ptr()), ctypes.c_long(4))
"""


def sanitized(*arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [ROOT / "workflow/scripts/sanitized", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 2 and "sanitized: " in done.stderr:
        pytest.skip(done.stderr)
    return done


def test_a_write_beyond_the_end_is_seen() -> None:
    done = sanitized("-c", BEYOND)
    assert done.returncode != 0
    assert "heap-buffer-overflow" in done.stderr


def test_the_kernel_of_a_cell_stays_within_its_memory() -> None:
    kernel = "tests/engine/test_scan.py::test_the_kernel_agrees_with_the_loop_in_float64"
    done = sanitized("-m", "pytest", "-q", f"{kernel}[(17, 64, 5, 1)-rnn]")
    assert "1 passed" in done.stdout, done.stdout[-2000:] + done.stderr[-3000:]
