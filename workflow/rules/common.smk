"""What all rules share: the plan's questions, and how a stage is started in its own environment."""

import shlex
import sys

from slowpoints.machine import locks
from slowpoints.plan import dag
from slowpoints.errors import SlowpointsError
from slowpoints.spec import config as settings

if set("{}") & set(str(HERE)):
    raise WorkflowError(
        f"{HERE}: Snakemake takes braces in the name of a folder for wildcards; give it another name"
    )

# A killed Snakemake cannot remove its locks; whether it is alive is told by a lock of the operating system.
if workflow.is_main_process and not locks.only_looks(sys.argv[1:]):
    ALIVE = locks.drop_stale(Path(".snakemake"))

try:
    settings.check(config, root=HERE)
    if workflow.is_main_process:  # a job on a cluster reads its own experiment alone
        dag.experiments(config["scale"])
except SlowpointsError as error:
    raise WorkflowError(str(error)) from None

SCALE = config["scale"]


def data_option(wildcards):
    """Return the option that names the user's folder of data; a function, or braces in its name were filled in."""
    return f"--data-dir {shlex.quote(config['data_dir'])}" if config["data_dir"] else ""


TORCH = config["torch"]
# Where notebooks and the paper's text are:
SOURCE = "" if HERE == Path.cwd() else f"{HERE}/"

SCRIPTS = shlex.quote(f"{HERE}/workflow/scripts")
shell.prefix(  # Snakemake fills in braces here too, so those of a folder's name are doubled
    "set -euo pipefail; "
    + f"export PATH={SCRIPTS}:$PATH TORCH={TORCH} SLOWPOINTS_ENGINE={config['engine']}"
    f" SLOWPOINTS_SLOTS={config['slots']} SLOWPOINTS_DRIVER=$PPID; ".replace(
        "{", "{{"
    ).replace("}", "}}")
)


wildcard_constraints:
    scale="smoke|laptop|night|paper",
    experiment="[a-z0-9-]+",
    stack="[a-z0-9_]+-[0-9a-f]{8}-[0-9]+",
    analysis="[a-z0-9_]+",
    figure="[a-z0-9-]+",
