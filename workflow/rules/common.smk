"""What all rules share: the plan's questions, and how a stage is started in its own environment."""

import shlex

from slowpoints import dag
from slowpoints.spec.strict import SpecError

SCALE = config["scale"]
DATA_OPTION = (
    f"--data-dir {shlex.quote(config['data_dir'])}" if config["data_dir"] else ""
)
TORCH = config["torch"]
# Where notebooks and the paper's text are:
SOURCE = "" if HERE == Path.cwd() else f"{HERE}/"

try:
    dag.experiments(SCALE)
except SpecError as error:
    raise WorkflowError(str(error)) from None

if config["matmul"] != "float32" and config["device"] == "cpu":
    raise WorkflowError(
        "matmul is 'tf32' but device is 'cpu': only a GPU has it; leave matmul at float32"
    )

shell.prefix(
    f"set -euo pipefail; export PATH='{HERE}/workflow/scripts':$PATH TORCH={TORCH} SLOWPOINTS_ENGINE={config['engine']}"
    f" SLOWPOINTS_SLOTS={config['slots']}; "
)


wildcard_constraints:
    scale="smoke|laptop|paper",
    experiment="[a-z0-9-]+",
    stack="[a-z0-9_]+-[0-9a-f]{8}-[0-9]+",
    analysis="[a-z0-9_]+",
    figure="[a-z0-9-]+",
