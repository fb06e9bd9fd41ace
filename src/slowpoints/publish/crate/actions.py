"""What was run, for the archive of a run.

One action per job, what it read and left, and when, where that is known.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from slowpoints import paths
from slowpoints.plan import dag
from slowpoints.provenance.jobs import Job
from slowpoints.spec.strict import SpecError

RULES = {  # rule: what it does, and its file
    "prepare_data": ("verify a data set", "data"),
    "train_stack": ("train the runs of one stack", "train"),
    "run_analysis": ("run one analysis on all networks of one experiment", "analyse"),
    "draw_figure": ("execute the notebook of one figure", "figures"),
    "judge_claims": ("judge every claim", "paper"),
    "compile_paper": ("compile the paper", "paper"),
}


class Action(NamedTuple):
    """One job: its rule, its name, files read, files left, and begin and end where they
    are known.
    """

    rule: str
    name: str
    reads: list[str]
    leaves: list[str]
    description: str = ""
    begin: str = ""
    end: str = ""


def actions(scale: str, jobs: list[Job], there: set[str]) -> list[Action]:
    """Return the jobs behind the files that are `there`, in the order of the rules."""
    found = [
        *(
            _data(file)
            for file in sorted(there)
            if file.startswith(paths.data(scale, "", "")) and file.endswith(".json")
        ),
        *(_training(job) for job in jobs),
        *(_analysis(file, jobs) for file in sorted(there) if Path(file).parent.name == "tables"),
        *(_figure(scale, name) for name in dag.figure_names()),
        _claims(scale, there),
        Action(
            "compile_paper", "the paper", dag.paper_inputs(scale), [paths.whole(scale, "paper.pdf")]
        ),
    ]
    kept = [
        one._replace(
            reads=[file for file in dict.fromkeys(one.reads) if file in there],
            leaves=[file for file in one.leaves if file in there],
        )
        for one in found
    ]
    return [one for one in kept if one.leaves]


def _data(file: str) -> Action:
    return Action("prepare_data", f"data {Path(file).stem}", ["data/registry.json"], [file])


def _training(job: Job) -> Action:
    begin = datetime.strptime(job.made["started"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    end = begin + timedelta(seconds=round(job.made["wall_s"]))
    digests = ", ".join(f"{name} {value}" for name, value in sorted(job.facts["digests"].items()))
    state = {True: " with changed files", False: "", None: ", not known whether changed"}[
        job.made["dirty"]
    ]
    return Action(
        "train_stack",
        f"train {job.experiment}/{job.stack}",
        [f"config/experiments/{job.experiment}.yaml", "envs/train.lock", *_manifests(job)],
        [job.beside("plan"), job.records, job.beside("provenance")],
        f"{len(job.runs)} runs; commit {job.made['commit']}{state}; digests: {digests}; on "
        f"{job.facts['device']}, "
        f"{job.facts['engine']}; sha256 of the weights' content {job.facts['weights']['sha256']}",
        begin.isoformat(),
        end.isoformat(),
    )


def _manifests(job: Job) -> list[str]:
    """Return the manifests of the data of the job's experiment, if it is still in the plan."""
    try:
        dag.all_stacks(job.scale, job.experiment)
    except SpecError:
        return []
    return dag.data_files(job.scale, job.experiment)


def _analysis(file: str, jobs: list[Job]) -> Action:
    experiment, name = paths.experiment_of(file), Path(file).stem
    reads = [job.records for job in jobs if job.experiment == experiment]
    own = f"src/slowpoints/analyses/{name}.py"
    return Action(
        "run_analysis", f"analyse {experiment}/{name}", [*reads, own, "envs/analysis.lock"], [file]
    )


def _figure(scale: str, name: str) -> Action:
    reads = [
        f"notebooks/{name}.ipynb",
        "envs/figures.lock",
        *dag.figure_inputs(scale, name).values(),
    ]
    made = [paths.figure(scale, name, kind) for kind in (".pdf", ".png")]
    return Action("draw_figure", f"figure {name}", reads, [*made, paths.figure_page(scale, name)])


def _claims(scale: str, there: set[str]) -> Action:
    tables = [file for file in sorted(there) if Path(file).parent.name == "tables"]
    return Action(
        "judge_claims",
        "claims",
        tables,
        [paths.whole(scale, name) for name in ("claims.csv", "numbers.json")],
    )
