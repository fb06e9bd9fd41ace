"""Every number of a finished run can be followed to its records, by the command itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.dag


def test_every_number_of_a_finished_run_is_traced(finished: Path) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = [str(finished / "workflow/scripts/stage"), "figures", "-m", "slowpoints", "trace", "--scale", "smoke"]
    done = subprocess.run(
        command, env=os.environ | {"PATH": path, "SLOWPOINTS_ENVS": "active"},
        text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "results/smoke: " in done.stdout
    assert done.stdout.endswith("each traced\n")
