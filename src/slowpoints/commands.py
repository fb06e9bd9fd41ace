"""What people call: `slowpoints <command>`, or a target of the Makefile; one function per command."""

import argparse
import json
from pathlib import Path
from typing import Any

from slowpoints.options import FILE, TEXT, Command


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


def fuzz(args: argparse.Namespace) -> None:
    """Change every settings file in thousands of ways; write which changes were refused and what slipped through."""
    from slowpoints.fuzz import report

    _keep(args.out, "fuzz", found := report.run(args.mutants, number=args.seed), report.page(found))


def verify(args: argparse.Namespace) -> None:
    """Train a random sample of a finished run's networks again, and compare them with what is on disk."""
    import torch

    from slowpoints import verify

    torch.set_num_threads(1)
    options = {"sample": args.sample, "seed": args.seed, "torch_build": args.torch, "data_dir": args.data_dir}
    found = []
    for own in verify.verify(args.scale, **options):
        found.append(own)
        print(verify.line(own), flush=True)
    verify.sum_up(found)


NUMBER: dict[str, Any] = {"type": int, "default": 0}

COMMANDS = [
    Command(readme, {"--scale": TEXT}, stage="figures"),
    Command(cost, {"--paper": TEXT, "--out": FILE}, stage="train"),
    Command(bench, {"--out": FILE}, stage="train"),
    Command(bench_gpu, {"--out": FILE}, stage="train"),
    Command(bench_points, {"--out": FILE}, stage="train"),
    Command(bench_tuning, {"--out": FILE}, stage="train"),
    Command(fuzz, {"--mutants": NUMBER | {"default": 20_000}, "--seed": NUMBER, "--out": FILE}, stage="test"),
    Command(
        verify,
        {
            "--scale": TEXT,
            "--sample": NUMBER | {"default": 5},
            "--seed": NUMBER,
            "--torch": {"default": "cpu"},
            "--data-dir": {"type": Path},
        },
        stage="train",
    ),
]
