"""What all rules share: the plan's questions, and how a stage is started in its own environment."""

import os
import shlex

from slowpoints import dag, locks
from slowpoints.spec.strict import SpecError

# A killed Snakemake cannot remove its locks; whether it is alive is told by a lock of the operating system.
if workflow.is_main_process:
    ALIVE = locks.drop_stale(Path(".snakemake"))

SCALE = config["scale"]
DATA_OPTION = (
    f"--data-dir {shlex.quote(config['data_dir'])}" if config["data_dir"] else ""
)
TORCH = config["torch"]

try:
    dag.experiments(SCALE)
except SpecError as error:
    raise WorkflowError(str(error)) from None

if config["matmul"] != "float32" and config["device"] == "cpu":
    raise WorkflowError(
        "matmul is 'tf32' but device is 'cpu': only a GPU has it; leave matmul at float32"
    )

if (
    config["device"] == "cuda"
    and TORCH == "cpu"
    and os.environ.get("SLOWPOINTS_ENVS") != "active"
):
    raise WorkflowError(
        "device is 'cuda' but torch is 'cpu': a CPU build finds no GPU; add torch=cuda, or leave device at cpu"
    )

shell.prefix(
    f"set -euo pipefail; export PATH='{workflow.basedir}/workflow/scripts':$PATH TORCH={TORCH} SLOWPOINTS_ENGINE={config['engine']}"
    f" SLOWPOINTS_SLOTS={config['slots']} SLOWPOINTS_DRIVER=$PPID; "
)


wildcard_constraints:
    scale="smoke|laptop|paper",
    experiment="[a-z0-9-]+",
    stack="[a-z0-9_]+-[0-9a-f]{8}-[0-9]+",
    analysis="[a-z0-9_]+",
    figure="[a-z0-9-]+",
