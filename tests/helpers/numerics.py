"""One small training in a process of its own, under numerics that are set before torch starts.

Used by several tests.

`python tests/helpers/numerics.py` measures how far apart they are, for the page of determinism.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "SLOWPOINTS_ENGINE": "compiled"}
OTHER = {  # what may differ between two machines, or two configurations, and changes rounding alone
    "threads": {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"},
    "engine": {"SLOWPOINTS_ENGINE": "eager"},
    "processor": {"ATEN_CPU_CAPABILITY": "default"},
}
CASES = [
    ("gru", "memorization"),
    ("lstm", "adding"),
    ("rnn", "delayed_classification"),
    ("lru", "text"),
]
SETTINGS: dict[str, dict[str, Any]] = {
    "memorization": {"n_targeted": 2, "n_interfering": 3},
    "adding": {"n_steps": 12},
    "delayed_classification": {"loss": "ce", "n_steps": 8},
    "text": {"n_steps": 12, "n_warm": 3},
}


def trained(cell: str, task: str, steps: int) -> dict[str, Any]:
    """Return the curve of the loss and the final weights of one run, in this process."""
    import torch

    from helpers.plans import make_run
    from slowpoints.training.trainer import Trainer

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    run = make_run(
        task={"name": task} | SETTINGS[task],
        net={"cell": cell, "units": 16},
        steps=steps,
        eval_every=20,
    )
    trainer = Trainer([run], device=torch.device("cpu"), data_dir=None, start=None)
    while not trainer.is_done:
        for _ in range(20):
            trainer.advance()
        trainer.evaluate()
    return {"loss": trainer.outcomes[0].curve["loss"], "weights": trainer.slots.weights[0].tolist()}


def under(setting: dict[str, str], cell: str, task: str, steps: int) -> dict[str, Any]:
    """Return the same from a process of its own, started under some settings of the environment."""
    env = (
        os.environ | HERE | setting | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests'}"}
    )
    code = (
        "import json; from helpers.numerics import trained; "
        f"print(json.dumps(trained({cell!r}, {task!r}, {steps})))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=env,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def apart(one: dict[str, Any], other: dict[str, Any]) -> tuple[float, float]:
    """Return the difference of the loss up to the first look, as a share, and that of the weights,
    root mean square.
    """
    squares = [(a - b) ** 2 for a, b in zip(one["weights"], other["weights"], strict=True)]
    size = sum(a**2 for a in one["weights"])
    return abs(one["loss"][0] / other["loss"][0] - 1), (sum(squares) / size) ** 0.5


if __name__ == "__main__":
    for cell, task in CASES:
        for steps in (20, 1000):
            base = under({}, cell, task, steps)
            again = apart(base, under({}, cell, task, steps))
            found = {
                name: apart(base, under(setting, cell, task, steps))
                for name, setting in OTHER.items()
            }
            print(cell, task, steps, "again", again, found, flush=True)
