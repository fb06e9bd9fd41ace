"""What people call: `slowpoints <command>`, or a target of the Makefile.

One function per command.
"""

import argparse
import json
import logging
from pathlib import Path
from typing import Any

from slowpoints import paths
from slowpoints.command_line.options import FILE, SCALES, TEXT, Command

BEFORE = "before a run"
DURING = "while it runs, and after"
MEASURE = "measure, and keep what was measured (each is a target of the Makefile)"
READ = "follow and check results"
SHELL = "in the shell"


def doctor(args: argparse.Namespace) -> None:
    """Look at this machine: can it run the workflow, at which scale, for about how long.

    And what to mend first.
    """
    from slowpoints.machine import doctor
    from slowpoints.paths import ROOT

    findings = doctor.examine(ROOT)
    print(doctor.text(findings), end="")
    raise SystemExit(int(any(found.level == "problem" for found in findings)))


def check(args: argparse.Namespace) -> None:
    """Try every planned cell and task.

    A step of two networks at once must be the step of each alone.
    """
    import torch

    from slowpoints.plan import dag
    from slowpoints.provenance.records import write_json
    from slowpoints.training.check import check_parts

    # which engine runs a cell is for its training to say
    logging.getLogger("slowpoints").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    tried = check_parts(
        run for own in dag.experiments(args.scale).values() for run in own.conditions
    )
    for own in tried:
        if own.note:
            print(f"{own.kind} {own.name} {own.settings}: {own.note}")
    print(
        f"{len(tried)} cells and tasks, each with its settings: a network alone is the network "
        "in a stack"
    )
    if args.out:
        write_json(args.out, {"tried": [own._asdict() for own in tried]})


def progress(args: argparse.Namespace) -> None:
    """Say how far a run is: what runs now, what is done and left, until when, and what went wrong.

    It reads files only, so it may run beside Snakemake, on another machine of the same file system,
    or after a kill.
    """
    from slowpoints.machine import progress
    from slowpoints.paths import ROOT

    scale = args.scale or progress.latest_scale(ROOT)
    if args.follow:
        progress.follow(ROOT, scale=scale, experiment=args.experiment)
    else:
        print(progress.show(ROOT, scale=scale, experiment=args.experiment), end="")


def costs(args: argparse.Namespace) -> None:
    """Keep what every job of the smoke and the laptop run here took, and estimate the paper scale
    from it.
    """
    from slowpoints.machine import costs

    _keep(args.out, "costs", found := costs.keep(), costs.page(found))


def readme(args: argparse.Namespace) -> None:
    """Keep the results of one scale under paper/reference; write README and docs/claims.md."""
    from slowpoints.publish import archive, claims_page, readme

    folder = Path(paths.kept(args.scale))
    archive.keep(args.scale, folder)
    readme.write(Path("README.md"), headlines=folder / "headlines.csv")
    claims_page.write(folder / "claims.csv")


def keep(args: argparse.Namespace) -> None:
    """Copy what is finished of a run into a folder, so that another sitting or machine takes it."""
    from slowpoints.publish import sittings

    _say_moved(sittings.keep(args.scale, args.folder), args.folder)


def take(args: argparse.Namespace) -> None:
    """Copy what such a folder has into the results; the next call of snakemake does the rest."""
    from slowpoints.publish import sittings

    _say_moved(sittings.take(args.scale, args.folder), Path(paths.results(args.scale)))


def _say_moved(moved: Any, target: Path) -> None:
    for name, why in moved.left.items():
        print(f"{name}: left where it is, {why}")
    print(f"{len(moved.stacks)} stacks copied to {target}")


def redraw(args: argparse.Namespace) -> None:
    """Draw figures again, without training, from the tables that are kept of a run."""
    from slowpoints.publish import redraw

    for path in redraw.redraw(args.figure, scale=args.scale, out=args.out):
        print(path)


def _keep(folder: Path, name: str, found: Any, page: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(page, encoding="utf-8")


def completion(args: argparse.Namespace) -> None:
    """Print the script that completes commands, options and names in your shell.

    bash: slowpoints completion bash > ~/.local/share/bash-completion/completions/slowpoints
    zsh: slowpoints completion zsh > <a folder of $fpath>/_slowpoints
    fish: slowpoints completion fish > ~/.config/fish/completions/slowpoints.fish
    """
    import shtab

    from slowpoints.command_line.parser import build

    print(shtab.complete(build(complete=True), shell=args.shell))


def trace(args: argparse.Namespace) -> None:
    """Follow a number, figure, claim, table or run to its records, settings, code and environment;
    without one, all.
    """
    from slowpoints import trace

    print(trace.trace(args.word, scale=args.scale) if args.word else trace.trace_all(args.scale))


def intact(args: argparse.Namespace) -> None:
    """Verify every result of one scale by its checksum, and name each that is damaged."""
    from slowpoints.plan import dag
    from slowpoints.provenance.checksums import check

    found = check(Path(paths.results(args.scale)), planned=dag.finished(args.scale))
    for error in found.damaged:
        print(error)
    print(
        f"{found.n_files - len(found.damaged)} of {found.n_files} results at scale "
        f"{args.scale} are intact"
    )
    if found.leftovers:
        print(
            f"{len(found.leftovers)} files of older plans, which nothing reads, such as "
            f"{found.leftovers[0]}"
        )
    if found.damaged:
        raise SystemExit(1)


def verify(args: argparse.Namespace) -> None:
    """Train a random sample of a finished run's networks again, and compare them with what is on
    disk.
    """
    import torch

    from slowpoints.training import verify

    torch.set_num_threads(1)
    options = {
        "sample": args.sample,
        "seed": args.seed,
        "torch_build": args.torch,
        "data_dir": args.data_dir,
    }
    found = []
    for own in verify.verify(args.scale, **options):
        found.append(own)
        print(verify.line(own), flush=True)
    verify.sum_up(found)


DOCS: dict[str, Any] = FILE | {"help": "folder of the page and the numbers behind it"}
NUMBER: dict[str, Any] = {"type": int}
SITTING: dict[str, Any] = {
    "folder": {
        "type": Path,
        "help": "the folder of what is finished, such as paper/reference/night/runs",
    },
    "--scale": TEXT,
}

COMMANDS = [
    Command(doctor, {}, "driver", BEFORE, "doctor"),
    Command(
        check,
        {
            "--scale": {
                "choices": SCALES,
                "default": "laptop",
                "help": "the scale whose plan is tried (default: laptop)",
            },
            "--out": {
                "type": Path,
                "help": "write what was tried to this file (default: not written)",
            },
        },
        "train",
        BEFORE,
        "check",
    ),
    Command(
        progress,
        {
            "--scale": {
                "choices": SCALES,
                "help": "the scale of the run (default: that of the last one)",
            },
            "--experiment": {
                "names": "experiments",
                "default": "",
                "help": "only this experiment (default: all)",
            },
            "--follow": {
                "action": "store_true",
                "help": "print it again every 10 seconds until the run has ended",
            },
        },
        "driver",
        DURING,
        "progress --follow",
    ),
    Command(
        trace,
        {
            "word": {
                "nargs": "?",
                "help": "such as 3.15, haviv2019-speed, or the name of a run or a file "
                "(default: all)",
            },
            "--scale": {
                "choices": SCALES,
                "default": "laptop",
                "help": "the scale of the run (default: laptop)",
            },
        },
        "figures",
        READ,
        "trace 3.15",
    ),
    Command(keep, SITTING, "analysis", DURING, "keep --scale night /elsewhere/night"),
    Command(take, SITTING, "analysis", BEFORE, "take --scale night /elsewhere/night"),
    Command(
        redraw,
        {
            "figure": {"nargs": "*", "help": "such as haviv2019-speed (default: all)"},
            "--scale": {
                "choices": SCALES,
                "default": "laptop",
                "help": "the scale of the kept run (default: laptop)",
            },
            "--out": {
                "type": Path,
                "default": Path("results/redrawn"),
                "help": "the folder they are drawn into (default: results/redrawn)",
            },
        },
        "figures",
        READ,
        "redraw haviv2019-ablations",
    ),
    Command(intact, {"--scale": TEXT}, "analysis", READ, "intact --scale laptop"),
    Command(
        verify,
        {
            "--scale": TEXT,
            "--sample": NUMBER
            | {"default": 5, "help": "how many networks to train again (default: 5)"},
            "--seed": NUMBER
            | {"default": 0, "help": "of the random choice of networks (default: 0)"},
            "--torch": {"default": "cpu"},
            "--data-dir": {"type": Path},
        },
        "train",
        READ,
        "verify --scale laptop",
    ),
    Command(readme, {"--scale": TEXT}, "figures", MEASURE, "readme --scale laptop"),
    Command(costs, {"--out": DOCS}, "driver", MEASURE, "costs --out docs/benchmarks"),
    Command(
        completion,
        {"shell": {"choices": ["bash", "zsh", "fish"], "help": "your shell"}},
        "driver",
        SHELL,
        "completion bash > ~/.local/share/bash-completion/completions/slowpoints",
    ),
]
