"""`python -m tests.fuzz --out docs/benchmarks`: change every settings file in thousands of ways.

Keep what was refused.
"""

import argparse
import json
from pathlib import Path

from tests.fuzz import report

parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
parser.add_argument(
    "--mutants", type=int, default=20_000, help="how many changes to try (default: 20000)"
)
parser.add_argument("--seed", type=int, default=0, help="of the random changes (default: 0)")
parser.add_argument(
    "--out", type=Path, required=True, help="folder of the page and the numbers behind it"
)
args = parser.parse_args()
found = report.run(args.mutants, number=args.seed)
args.out.mkdir(parents=True, exist_ok=True)
(args.out / "fuzz.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
(args.out / "fuzz.md").write_text(report.page(found), encoding="utf-8")
