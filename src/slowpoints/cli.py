"""The command line: parse, call one function, log.

A mistake of the user ends in one line, not in a traceback.
"""

import logging
import os
import sys
from argparse import Namespace
from contextlib import ExitStack

from slowpoints.command_line.account import told
from slowpoints.command_line.for_rules import STAGES
from slowpoints.command_line.parser import overview, parsed
from slowpoints.errors import SlowpointsError
from slowpoints.machine import locks
from slowpoints.paths import ROOT, is_project
from slowpoints.training import interruption


def main() -> int:
    """Run one command and return the exit status."""
    if len(sys.argv) == 1 or sys.argv[1] in ("-h", "--help", "help"):
        print(overview(), end="")
        return 0
    args = parsed(sys.argv[1:])
    if not is_project():
        print(
            f"slowpoints {args.command}: works in a checkout of the project; here only the library "
            "is installed",
            file=sys.stderr,
        )
        return 1
    if args.stage and args.stage != os.environ.get("SLOWPOINTS_STAGE", args.stage):
        launcher = ROOT / "workflow" / "scripts" / "stage"
        os.execv(launcher, [str(launcher), args.stage, "-m", "slowpoints", *sys.argv[1:]])
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )
    interruption.heed_signals()
    try:
        with ExitStack() as around:
            _as_stage(around, args)
            args.call(args)
    except interruption.Interrupted as stop:
        print(f"slowpoints {args.command}: {stop}", file=sys.stderr)
        return 1
    except (
        SlowpointsError,
        OSError,
    ) as error:  # any other is a defect of ours and shows its traceback
        print(f"slowpoints {args.command}: {error}", file=sys.stderr)
        return 1
    return 0


# The options that name a stage's main result, which has one writer at a time.
RESULTS = ("records", "table", "claims", "executed", "out")


def _as_stage(around: ExitStack, args: Namespace) -> None:
    """Around a stage of the workflow: an account of it in the log, and one writer of its result."""
    stage = {command.name: command for command in STAGES}.get(args.command)
    if stage is not None:
        around.enter_context(told(stage, args))
        result = next(getattr(args, name) for name in RESULTS if getattr(args, name, None))
        around.enter_context(locks.sole_writer(result))
