"""The command line: parse, call one function, log. A mistake of the user ends in one line, not in a traceback."""

import logging
import os
import sys
from contextlib import nullcontext

from slowpoints.account import told
from slowpoints.parser import overview, parsed
from slowpoints.spec.digests import ROOT
from slowpoints.spec.strict import SpecError
from slowpoints.stages import STAGES


def main() -> int:
    """Run one command and return the exit status."""
    if len(sys.argv) == 1 or sys.argv[1] in ("-h", "--help", "help"):
        print(overview(), end="")
        return 0
    args = parsed(sys.argv[1:])
    if args.stage and args.stage != os.environ.get("SLOWPOINTS_STAGE", args.stage):
        launcher = ROOT / "workflow" / "scripts" / "stage"
        os.execv(launcher, [str(launcher), args.stage, "-m", "slowpoints", *sys.argv[1:]])
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    stage = {command.name: command for command in STAGES}.get(args.command)
    try:
        with told(stage, args) if stage else nullcontext():
            args.call(args)
    except (SpecError, ImportError, RuntimeError, OSError, ValueError) as error:
        if type(error).__name__ not in ONE_LINE:
            raise
        print(f"slowpoints {args.command}: {error}", file=sys.stderr)
        return 1
    return 0


# Errors whose message says all there is to say; any other is a defect of ours and shows its traceback.
ONE_LINE = {
    "SpecError",
    "BadResult",
    "DataError",
    "NotebookError",
    "ClaimError",
    "ReadmeError",
    "OSError",
    "PermissionError",
}
