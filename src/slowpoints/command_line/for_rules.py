"""What the workflow's rules call: one function per stage, and the options of each."""

import argparse
import json
from pathlib import Path

from slowpoints import paths
from slowpoints.command_line.options import FILE, FILES, FOLDER, TEXT, Command


def data(args: argparse.Namespace) -> None:
    """Find a data set (shipped, in data_dir, or by pinned download), verify it, and write its
    manifest.
    """
    from slowpoints import data

    data.prepare(args.name, data_dir=args.data_dir, out=args.out)


def authors(args: argparse.Namespace) -> None:
    """Write the trials that Collins et al. (2017) published as one table, without rows where
    data_dir has none.
    """
    import pandas as pd

    from slowpoints.data import authors_trials
    from slowpoints.provenance.records import write_table

    rows = authors_trials.rows(data_dir=args.data_dir)
    write_table(args.out, pd.DataFrame(rows, columns=[*authors_trials.COLUMNS, "source"]))


def train(args: argparse.Namespace) -> None:
    """Train the runs of one stack together, or one study: the trials that a tuner suggests."""
    import torch

    from slowpoints.plan import dag
    from slowpoints.training import job

    torch.set_num_threads(1)
    if args.planned:
        dag.check_planned(args.scale, args.experiment, args.stack, planned=args.planned)
    stack = dag.stack(args.scale, args.experiment, args.stack)
    common = {
        "out": job.Outputs(args.plan, args.records, args.weights, args.provenance),
        "checkpoint": args.checkpoint,
        "device": job.device_named(args.device, matmul=args.matmul),
        "data_dir": args.data_dir,
        "torch_build": args.torch,
        "attempt": args.attempt,
    }
    if stack.study:
        from slowpoints.tuning import study

        study.run(stack, **common, before=args.before)
    else:
        runs = dag.records_in(args.start_runs, args.scale, stack.start) if stack.start else []
        job.run(stack, **common, start=(runs, args.start_points) if stack.start else None)


def analyse(args: argparse.Namespace) -> None:
    """Write one table of one experiment from its trained networks."""
    import torch

    from slowpoints.analyses import _job
    from slowpoints.plan import dag

    torch.set_num_threads(1)
    runs = dag.records_in(args.runs, args.scale, args.experiment)
    _job.run(
        args.name,
        settings=json.loads(args.settings),
        runs=runs,
        needs=args.needs,
        data_dir=args.data_dir,
        table=args.table,
        arrays=args.arrays,
    )


def figure(args: argparse.Namespace) -> None:
    """Execute the notebook of one figure."""
    from slowpoints.notebooks import execution
    from slowpoints.plan import notebook

    given = notebook.at_scale(args.notebook, scale=args.scale)
    execution.render(
        args.notebook,
        executed=args.executed,
        html=args.html,
        sums=args.sums,
        given=given,
        root=Path.cwd(),
    )


def claims(args: argparse.Namespace) -> None:
    """Judge every claim, and write every number of the text."""
    from slowpoints.claims import report

    report.write(
        args.scale,
        torch=args.torch,
        claims=args.claims,
        headlines=args.headlines,
        text=args.numbers,
        archive=args.archive,
    )


def timings(args: argparse.Namespace) -> None:
    """Add up time and memory per stage, and write what the appendix says."""
    from slowpoints.publish import timings

    timings.write(Path.cwd(), args.scale, torch=args.torch, table=args.table, text=args.text)


def crate(args: argparse.Namespace) -> None:
    """Pack a finished run and the project into one archive that describes itself, an RO-Crate."""
    from slowpoints.publish import crate

    crate.write(Path.cwd(), args.scale, args.out)


def paper(args: argparse.Namespace) -> None:
    """Compile the paper, or its appendix, from the results of one scale."""
    from slowpoints.publish import paper

    results = args.results or paths.results(args.scale)
    paper.compile_paper(args.text, scale=args.scale, results=results, root=Path.cwd(), out=args.out)


def rebuild(args: argparse.Namespace) -> None:
    """Rebuild a data set that ships with the project from the official files."""
    from slowpoints import data

    data.build_shipped(args.name, data_dir=args.data_dir, out=args.out)


def cells(args: argparse.Namespace) -> None:
    """Write the equations of every cell, and what it costs in parameters."""
    from slowpoints.engine import equations
    from slowpoints.provenance.records import write_json

    write_json(args.out, equations.describe())


def site(args: argparse.Namespace) -> None:
    """Build the site of one scale: pages to read from the file system, without a server."""
    from slowpoints.publish.site import builder

    builder.build(args.scale, cells=args.cells, out=args.out)


STAGES = [
    Command(data, {"--name": TEXT, "--data-dir": {"type": Path}, "--out": FILE}),
    Command(authors, {"--data-dir": {"type": Path}, "--out": FILE}),
    Command(
        train,
        {
            "--scale": TEXT,
            "--experiment": TEXT,
            "--stack": TEXT,
            "--planned": {"nargs": 2},
            "--plan": FILE,
            "--records": FILE,
            "--weights": FILE,
            "--provenance": FILE,
            "--checkpoint": FILE,
            "--device": {"choices": ["cpu", "cuda"], "default": "cpu"},
            "--matmul": {"choices": ["float32", "tf32"], "default": "float32"},
            "--torch": {"default": "cpu"},
            "--attempt": {"type": int, "default": 1},
            "--data-dir": {"type": Path},
            "--start-runs": {"type": Path},
            "--start-points": {"type": Path},
            "--before": {"type": Path},
        },
    ),
    Command(
        analyse,
        {
            "name": {},
            "--scale": TEXT,
            "--experiment": TEXT,
            "--settings": TEXT,
            "--runs": FOLDER,
            "--needs": FILES,
            "--data-dir": {"type": Path},
            "--table": FILE,
            "--arrays": FILE,
        },
    ),
    Command(
        figure,
        {
            "notebook": {"type": Path},
            "--scale": TEXT,
            "--executed": FILE,
            "--html": FILE,
            "--sums": FILE,
        },
    ),
    Command(
        claims,
        {
            "--scale": TEXT,
            "--torch": {"default": "cpu"},
            "--claims": FILE,
            "--headlines": FILE,
            "--numbers": FILE,
            "--archive": {"type": Path},
        },
    ),
    Command(
        timings, {"--scale": TEXT, "--torch": {"default": "cpu"}, "--table": FILE, "--text": FILE}
    ),
    Command(
        paper,
        {
            "--text": {"type": Path, "default": Path("paper/paper.typ")},
            "--scale": TEXT,
            "--results": {},
            "--out": FILE,
        },
    ),
    Command(cells, {"--out": FILE}),
    Command(site, {"--scale": TEXT, "--cells": FILE, "--out": FILE}),
    Command(crate, {"--scale": TEXT, "--out": FILE}),
    Command(rebuild, {"--name": TEXT, "--data-dir": {"type": Path}, "--out": FILE}),
]
