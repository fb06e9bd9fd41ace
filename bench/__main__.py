"""`python -m bench <what> --out docs/benchmarks`: measure, keep page and numbers."""

import argparse
import json
from pathlib import Path
from typing import Any

from slowpoints.command_line.options import PAPERS


def engine(args: argparse.Namespace) -> None:
    """Measure how fast the engine trains."""
    from bench.report import markdown
    from bench.suite import run

    keep(args.out, "speed", found := run(), markdown(found))


def gpu(args: argparse.Namespace) -> None:
    """Measure how fast the engine trains on the GPU of this machine."""
    from bench.gpu import page, run

    keep(args.out, "speed-gpu", found := run(), page(found))


def points(args: argparse.Namespace) -> None:
    """Measure the search for slow points against its predecessor."""
    from bench.points import run
    from bench.points_report import points_page

    keep(args.out, "slow-points", found := run(), points_page(found))


def find_points(args: argparse.Namespace) -> None:
    """Measure `find_points` against FixedPointFinder itself."""
    from bench.finder import page, run

    keep(args.out, "find-points", found := run(args.clone), page(found))


def rivals(args: argparse.Namespace) -> None:
    """Measure how fast the engine trains beside JAX and torch's vmap."""
    from bench.rivals import page, run

    keep(args.out, "speed-rivals", found := run(), page(found))


def tuning(args: argparse.Namespace) -> None:
    """Measure what a tuned point costs."""
    from bench.tuning import run, tuning_page

    keep(args.out, "tuning", found := run(), tuning_page(found))


def coverage(args: argparse.Namespace) -> None:
    """Simulate how often the intervals of claims hold the truth."""
    from bench.coverage import page, run

    keep(args.out, "coverage", found := run(), page(found))


def cost(args: argparse.Namespace) -> None:
    """Write what the planned experiments of one paper cost."""
    from bench.cost import page

    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / f"cost-{args.paper}.md").write_text(page(args.paper), encoding="utf-8")


def first_figure(args: argparse.Namespace) -> None:
    """Measure the seconds from a fresh clone to the first figure."""
    from bench.first_figure import page, run

    keep(args.out, "first-figure", found := run(warm=args.warm), page(found))


def house(args: argparse.Namespace) -> None:
    """Count what a new engineer has to read of the package."""
    from bench.house import measure, page

    print(page(measure()), end="")


def keep(folder: Path, name: str, found: Any, page: str) -> None:
    """Write a page and the numbers behind it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(page, encoding="utf-8")


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measurements of this project."
    )
    known = parser.add_subparsers(required=True)
    out: dict[str, Any] = {
        "type": Path,
        "required": True,
        "help": "folder of the page and the numbers behind it",
    }
    for call in (
        engine,
        gpu,
        rivals,
        points,
        find_points,
        tuning,
        coverage,
        cost,
        first_figure,
        house,
    ):
        own = known.add_parser(call.__name__.replace("_", "-"), help=call.__doc__)
        if call is not house:
            own.add_argument("--out", **out)
        if call is find_points:
            own.add_argument(
                "--clone",
                type=Path,
                required=True,
                help="folder of a clone of github.com/mattgolub/fixed-point-finder",
            )
        if call is cost:
            own.add_argument("--paper", required=True, choices=PAPERS, help="whose experiments")
        if call is first_figure:
            own.add_argument(
                "--warm",
                action="store_true",
                help="keep pip's and uv's caches (default: empty ones)",
            )
        own.set_defaults(call=call)
    args = parser.parse_args()
    args.call(args)


if __name__ == "__main__":
    main()
