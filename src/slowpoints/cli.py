"""The command line: parse, call one function, log. A mistake of the user ends in one line, not in a traceback."""

import argparse
import logging
import os
import sys

from slowpoints.commands import COMMANDS
from slowpoints.spec.digests import ROOT
from slowpoints.spec.strict import SpecError
from slowpoints.stages import STAGES


def main() -> int:
    """Run one command and return the exit status."""
    args = _parser().parse_args()
    if args.stage and args.stage != os.environ.get("SLOWPOINTS_STAGE", args.stage):
        launcher = ROOT / "workflow" / "scripts" / "stage"
        os.execv(launcher, [str(launcher), args.stage, "-m", "slowpoints", *sys.argv[1:]])
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
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
    "VerifyError",
    "OSError",
    "PermissionError",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="slowpoints", description="Memory in recurrent networks, reproduced.")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (*COMMANDS, *STAGES):
        own = commands.add_parser(command.name, help=command.call.__doc__, description=command.call.__doc__)
        own.set_defaults(call=command.call, stage=command.stage)
        for option, settings in command.options.items():
            own.add_argument(option, **settings)
    return parser
