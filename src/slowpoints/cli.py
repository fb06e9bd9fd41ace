"""The command line: parse, call one function, log. A mistake of the user ends in one line, not in a traceback."""

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slowpoints.spec.strict import SpecError


def main() -> int:
    """Run one stage and return the exit status."""
    args = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        args.call(args)
    except (SpecError, ImportError, RuntimeError, OSError, ValueError) as error:
        if type(error).__name__ not in ONE_LINE:
            raise
        print(f"slowpoints {args.stage}: {error}", file=sys.stderr)
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
    "SiteError",
    "OSError",
    "PermissionError",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="slowpoints", description="One stage of the pipeline; snakemake calls these.")
    stages = parser.add_subparsers(dest="stage", required=True)
    for name, call, options in STAGES:
        stage = stages.add_parser(name, help=call.__doc__)
        stage.set_defaults(call=call)
        for option, settings in options.items():
            stage.add_argument(option, **settings)
    return parser


def data(args: argparse.Namespace) -> None:
    """Find a data set (shipped, in data_dir, or by pinned download), verify it, and write its manifest."""
    from slowpoints import datasets

    datasets.prepare(args.name, data_dir=args.data_dir, out=args.out)


def authors(args: argparse.Namespace) -> None:
    """Write the trials that Collins et al. (2017) published as one table, without rows where data_dir has none."""
    import pandas as pd

    from slowpoints.datasets import authors_trials
    from slowpoints.records import write_table

    rows = authors_trials.rows(data_dir=args.data_dir)
    write_table(args.out, pd.DataFrame(rows, columns=[*authors_trials.COLUMNS, "source"]))


def train(args: argparse.Namespace) -> None:
    """Train the runs of one stack together, or one study: the trials that a tuner suggests."""
    import torch

    from slowpoints import dag, job

    torch.set_num_threads(1)
    stack = dag.stack(args.scale, args.experiment, args.stack)
    common = {
        "out": job.Outputs(args.plan, args.records, args.weights, args.provenance),
        "checkpoint": args.checkpoint,
        "device": job.device_named(args.device, matmul=args.matmul),
        "data_dir": args.data_dir,
        "torch_build": args.torch,
    }
    if stack.tune:
        from slowpoints import tune

        tune.run(stack.plan(), **common)
    else:
        job.run(stack.plan(), **common, start=(args.start_runs, args.start_points) if args.start_runs else None)


def analyse(args: argparse.Namespace) -> None:
    """Write one table of one experiment from its trained networks."""
    import torch

    from slowpoints import analyse

    torch.set_num_threads(1)
    analyse.run(args.name, settings=json.loads(args.settings), runs=args.runs, needs=args.needs, data_dir=args.data_dir,
                table=args.table, arrays=args.arrays)  # fmt: skip


def figure(args: argparse.Namespace) -> None:
    """Execute the notebook of one figure."""
    from slowpoints import notebook

    given = notebook.at_scale(args.notebook, scale=args.scale)
    notebook.render(args.notebook, executed=args.executed, html=args.html, given=given, root=Path.cwd())


def claims(args: argparse.Namespace) -> None:
    """Judge every claim, and write every number of the text."""
    from slowpoints.claims import report

    report.write(args.scale, torch=args.torch, claims=args.claims, text=args.numbers)


def paper(args: argparse.Namespace) -> None:
    """Compile the paper from the results of one scale."""
    from slowpoints import paper

    paper.compile_paper(Path("paper/paper.typ"), scale=args.scale, root=Path.cwd(), out=args.out)


def readme(args: argparse.Namespace) -> None:
    """Keep the results of one scale under paper/reference, and write its claims into the README."""
    from slowpoints import readme

    folder = Path("paper/reference") / args.scale
    readme.archive(args.scale, folder)
    readme.write(Path("README.md"), claims=folder / "claims.csv", figure=readme.FIGURE, records=readme.RECORDS)


def bench(args: argparse.Namespace) -> None:
    """Measure how fast the engine trains, and write the page and the numbers behind it."""
    from slowpoints import bench

    _keep(args.out, "speed", found := bench.run(), bench.markdown(found))


def bench_gpu(args: argparse.Namespace) -> None:
    """Measure how fast the engine trains on the GPU of this machine, and write the page and the numbers behind it."""
    from slowpoints import bench

    _keep(args.out, "speed-gpu", found := bench.gpu_run(), bench.gpu_page(found))


def bench_points(args: argparse.Namespace) -> None:
    """Measure the search for slow points against its predecessor, and write the page and the numbers behind it."""
    from slowpoints import bench

    _keep(args.out, "slow-points", found := bench.points_run(), bench.points_page(found))


def bench_tuning(args: argparse.Namespace) -> None:
    """Measure what a tuned point costs, and write the page and the numbers behind it."""
    from slowpoints import bench

    _keep(args.out, "tuning", found := bench.tuning_run(), bench.tuning_page(found))


def _keep(folder: Path, name: str, found: Any, page: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(page, encoding="utf-8")


def cost(args: argparse.Namespace) -> None:
    """Write what the planned experiments of one paper cost."""
    from slowpoints import cost

    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / f"cost-{args.paper}.md").write_text(cost.page(args.paper), encoding="utf-8")


def cells(args: argparse.Namespace) -> None:
    """Write the equations of every cell, and what it costs in parameters."""
    from slowpoints import equations
    from slowpoints.records import write_text

    write_text(args.out, json.dumps(equations.describe(), indent=1) + "\n")


def site(args: argparse.Namespace) -> None:
    """Build the site of one scale: pages to read from the file system, without a server."""
    from slowpoints.site import builder

    builder.build(args.scale, cells=args.cells, out=args.out)


def rebuild(args: argparse.Namespace) -> None:
    """Rebuild a data set that ships with the project from the official files."""
    from slowpoints import datasets

    datasets.build_shipped(args.name, data_dir=args.data_dir, out=args.out)


Options = dict[str, dict[str, Any]]
FILE: dict[str, Any] = {"type": Path, "required": True}
FILES: dict[str, Any] = {"type": Path, "nargs": "*", "default": []}
TEXT: dict[str, Any] = {"required": True}

STAGES: list[tuple[str, Callable[[argparse.Namespace], None], Options]] = [
    ("data", data, {"--name": TEXT, "--data-dir": {"type": Path}, "--out": FILE}),
    ("authors", authors, {"--data-dir": {"type": Path}, "--out": FILE}),
    (
        "train",
        train,
        {"--scale": TEXT, "--experiment": TEXT, "--stack": TEXT, "--plan": FILE, "--records": FILE, "--weights": FILE,
         "--provenance": FILE, "--checkpoint": FILE, "--device": {"choices": ["cpu", "cuda"], "default": "cpu"},
         "--matmul": {"choices": ["float32", "tf32"], "default": "float32"},
         "--torch": {"default": "cpu"}, "--data-dir": {"type": Path}, "--start-runs": FILES,
         "--start-points": {"type": Path}},
    ),
    (
        "analyse",
        analyse,
        {"name": {}, "--settings": TEXT, "--runs": FILES, "--needs": FILES, "--data-dir": {"type": Path},
         "--table": FILE, "--arrays": FILE},
    ),
    ("claims", claims, {"--scale": TEXT, "--torch": {"default": "cpu"}, "--claims": FILE, "--numbers": FILE}),
    ("paper", paper, {"--scale": TEXT, "--out": FILE}),
    ("readme", readme, {"--scale": TEXT}),
    ("bench", bench, {"--out": FILE}),
    ("bench-gpu", bench_gpu, {"--out": FILE}),
    ("bench-points", bench_points, {"--out": FILE}),
    ("bench-tuning", bench_tuning, {"--out": FILE}),
    ("cost", cost, {"--paper": TEXT, "--out": FILE}),
    ("cells", cells, {"--out": FILE}),
    ("site", site, {"--scale": TEXT, "--cells": FILE, "--out": FILE}),
    ("rebuild", rebuild, {"--name": TEXT, "--data-dir": {"type": Path}, "--out": FILE}),
    ("figure", figure, {"notebook": {"type": Path}, "--scale": TEXT, "--executed": FILE, "--html": FILE}),
]  # fmt: skip
