"""What depends on what: the questions the Snakefile asks while it plans.

Standard library and yaml only.

Paths are relative to the project. A stage's parameters are three: `cfg`, exactly the settings it
uses; `code`, the digest of the code it runs; `env`, the digest of its environment's pins.
"""

import re
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path

from slowpoints import paths
from slowpoints.paths import ROOT
from slowpoints.plan import notebook, paper_text
from slowpoints.plan.stacks import stacks
from slowpoints.spec import meaning, sizes
from slowpoints.spec.canonical import canonical, digest
from slowpoints.spec.digests import code, env
from slowpoints.spec.experiment import Experiment, load
from slowpoints.spec.headlines import headlines
from slowpoints.spec.parts import attribute
from slowpoints.spec.registry import check as check_registry
from slowpoints.spec.run import Run
from slowpoints.spec.stack import Stack
from slowpoints.spec.strict import SpecError, unknown

NAME = re.compile(r"[a-z0-9-]+\.yaml")


@cache
def experiments(scale: str) -> dict[str, Experiment]:
    """Return every experiment in config/experiments at one scale.

    Being in the folder is being in the plan.
    """
    found = {name: experiment_at(scale, name) for name in _files()}
    check(found)
    return found


@cache
def experiment_at(scale: str, name: str) -> Experiment:
    """Return one experiment: a job reads its own file alone.

    What several must agree on is checked before any job.
    """
    files = _files()
    if name not in files:
        raise unknown(name, files, what="experiment", where="target")
    return load(files[name].relative_to(ROOT) if Path.cwd() == ROOT else files[name], scale=scale)


def _files() -> dict[str, Path]:
    files = sorted(
        path
        for path in (ROOT / "config" / "experiments").iterdir()
        if not path.name.startswith(".")
    )
    for path in files:
        if not NAME.fullmatch(path.name):
            raise SpecError(
                f"{path}: not the name of an experiment; name it in small letters, digits and "
                "-, such as own-task.yaml"
            )
    return {path.stem: path for path in files}


def check(found: dict[str, Experiment]) -> None:
    """Refuse what each experiment cannot know by itself: what others, tasks and notebooks have."""
    for experiment in found.values():
        check_one(experiment, found)
    check_tables(found)
    for name in sorted({dataset for own in found.values() for dataset in _datasets(own)}):
        data_cfg(name)


def check_one(experiment: Experiment, found: dict[str, Experiment]) -> None:
    """Refuse what one experiment cannot know by itself; `found` are all."""
    _check_starts(experiment, found)
    for run in experiment.conditions:
        where = f"{paths.settings(experiment.name)}: arms.{run.arm}"
        meaning.check_metrics(run, experiment.studies.get(run.id), where=where)
        sizes.check_streams(run.net, where=f"{where}: net")
        sizes.check_budget(run.task, run.net, where=f"{where}: net")
    meaning.check(experiment, figures=figure_names())


def check_tables(found: dict[str, Experiment]) -> None:
    """Refuse two claims of one id, two wordings of one statement, and a figure of a table that no
    experiment makes.
    """
    owners: dict[str, str] = {}
    says: dict[str, str] = {}  # by statement
    for experiment in found.values():
        for claim in experiment.claims:
            where = f"{paths.settings(experiment.name)}: claims"
            if claim.id in owners:
                raise SpecError(
                    f"{where}: the id {claim.id} is also in {owners[claim.id]}; give each "
                    "claim its own"
                )
            owners[claim.id] = paths.settings(experiment.name)
            said = says.setdefault(claim.statement, claim.says)
            if said != claim.says:
                raise SpecError(
                    f"{where}: {claim.id}: its statement {claim.statement} says {said!r}; say "
                    "the same"
                )
    for figure in figure_names():
        for path in figure_inputs("laptop", figure).values():
            name, table = paths.experiment_of(path), Path(path).stem
            analyses = found[name].analyses if name in found else {}
            if name != "data" and table not in analyses:
                raise SpecError(
                    f"{paths.settings(name)}: analyses: notebooks/{figure}.ipynb reads the "
                    f"table of {table}; "
                    "list it, or take the notebook away"
                )


def _check_starts(experiment: Experiment, found: dict[str, Experiment]) -> None:
    """Refuse fine-tuning from networks that are not trained, or that are not the same networks."""
    tuned_on = [run for run in experiment.runs if run.train.start]
    names = {run.train.start for run in tuned_on} & set(found)
    origins = {(name, r.arm, r.seed): r for name in names for r in found[name].runs if not r.sweep}
    for run in tuned_on:
        name, arm = run.train.start, run.train.start_arm
        where = f"{paths.settings(experiment.name)}: arms.{run.arm}"
        if name not in found:
            raise unknown(name, found, what="experiment", where=f"{where}: train.start")
        origin = origins.get((name, arm, run.seed))
        if origin is None:
            arms = sorted({r.arm for r in found[name].conditions})
            raise SpecError(
                f"{where}: train.start_arm: {name} has no run {arm!r} with seed {run.seed} "
                f"(arms: {arms})"
            )
        if (origin.net, origin.task) != (run.net, run.task):
            raise SpecError(
                f"{where}: its net and task differ from those of {name}/{arm}, where it "
                "starts; make them equal"
            )
        if "slow_points" not in found[name].analyses:
            raise SpecError(f"{where}: train.start: list slow_points among the analyses of {name}")


@cache
def all_stacks(scale: str, experiment: str) -> dict[str, Stack]:
    """Return the stacks of one experiment by name."""
    return {stack.name: stack for stack in stacks(experiment_at(scale, experiment))}


def stack(scale: str, experiment: str, name: str) -> Stack:
    """Return one stack; an unknown name is an error that says where plans come from."""
    known = all_stacks(scale, experiment)
    if name not in known:
        raise SpecError(
            f"no stack {name!r} in {experiment} at scale {scale}; its stacks: {', '.join(known)}"
        )
    return known[name]


def runs(scale: str, experiment: str, suffix: str = paths.RECORDS) -> list[str]:
    """Return the files of all stacks of one experiment.

    Records, `.safetensors` weights or `.provenance.json`.
    """
    return [
        paths.run_file(scale, experiment, name, suffix) for name in all_stacks(scale, experiment)
    ]


def records_in(folder: Path, scale: str, experiment: str) -> list[Path]:
    """Return the records of all stacks of one experiment in `folder`.

    Too many to name on a command line.
    """
    return [folder / f"{name}.jsonl" for name in all_stacks(scale, experiment)]


def start_files(scale: str, experiment: str, name: str) -> dict[str, list[str]]:
    """Return what a fine-tuning stack starts from.

    Records, weights and slow points of the other experiment.
    """
    origin = stack(scale, experiment, name).start
    if not origin:
        return {}
    points = [paths.table(scale, origin, "slow_points", ".safetensors")]
    return {
        "start_runs": runs(scale, origin),
        "start_weights": runs(scale, origin, paths.WEIGHTS),
        "start_points": points,
    }


def before_files(scale: str, experiment: str, name: str) -> dict[str, str]:
    """Return the records of the study that a study follows, if it follows one."""
    plan = stack(scale, experiment, name)
    if not plan.study or not plan.study.follows:
        return {}
    found = [
        own.name
        for own in all_stacks(scale, experiment).values()
        if own.runs[0].id == plan.study.follows
    ]
    return {"before": paths.run_file(scale, experiment, found[0], paths.RECORDS)}


@cache
def data_names(scale: str, experiment: str) -> list[str]:
    """Return the data sets an experiment reads."""
    return sorted(_datasets(experiment_at(scale, experiment)))


def _datasets(experiment: Experiment) -> set[str]:
    """Return the data sets that the tasks of an experiment name."""
    named = (getattr(run.task.settings, "dataset", None) for run in experiment.conditions)
    return {str(name) for name in named if name is not None}


def data_files(scale: str, experiment: str) -> list[str]:
    """Return the manifests of the data sets an experiment reads."""
    return [paths.data(scale, name) for name in data_names(scale, experiment)]


def data_cfg(name: str) -> str:
    """Return what the registry says of a data set: a changed pin is a changed setting."""
    registry = check_registry(ROOT / "data" / "registry.json")
    if name not in registry["datasets"]:
        raise unknown(name, registry["datasets"], what="data set", where="data/registry.json")
    own = registry["datasets"][name]
    return digest([own, {file: registry["files"][file] for file in own["files"].values()}])


def parts_file(scale: str) -> str:
    """Return the file that says which cells and tasks of a scale were tried."""
    return paths.whole(scale, "parts.json")


def parts_params(scale: str) -> tuple[str, str]:
    """Return (cfg, code) of trying the cells and tasks of a scale: their settings.

    Their code and the trainer's.
    """
    runs = [run for own in experiments(scale).values() for run in own.conditions]
    settings = {f"{run.task} {run.net.cell} {run.net.own}" for run in runs}
    return digest(sorted(settings)), code("slowpoints.training.check", *_modules(runs))


def _modules(runs: Collection[Run]) -> list[str]:
    """Return the modules of the cells and tasks of runs."""
    cells = {f"slowpoints.cells.{run.net.cell}" for run in runs}
    return sorted(cells | {f"slowpoints.tasks.{run.task.name}" for run in runs})


@cache
def train_params(scale: str, experiment: str, name: str) -> tuple[str, str]:
    """Return (cfg, code) of a training job: its plan and its data's pins.

    The trainer, its cell and its task.
    """
    plan = stack(scale, experiment, name)
    run, job = plan.runs[0], "slowpoints.tuning.study" if plan.study else "slowpoints.training.job"
    settings = [plan.digest, *(data_cfg(dataset) for dataset in data_names(scale, experiment))]
    return digest(settings), code(job, *_modules([run]))


def check_planned(scale: str, experiment: str, name: str, *, planned: Sequence[str]) -> None:
    """Refuse to train a stack whose settings or code are no longer those that were planned.

    planned: (cfg, code), as `train_params` returned them when the workflow was planned
    """
    for what, before, now in zip(
        ("settings", "code"), planned, train_params(scale, experiment, name), strict=True
    ):
        if before != now:
            raise SpecError(
                f"{experiment}: the {what} of stack {name} have changed since this run was planned "
                f"(digest {before[:8]}, now {now[:8]}); call the same snakemake command again "
                "to plan with them"
            )


def tables(scale: str, experiment: str) -> list[str]:
    """Return all tables of one experiment."""
    return [
        paths.table(scale, experiment, name) for name in experiment_at(scale, experiment).analyses
    ]


def needs(scale: str, experiment: str, analysis: str, suffix: str = ".csv") -> list[str]:
    """Return the tables of the same experiment that an analysis reads."""
    known = experiment_at(scale, experiment).analyses
    if analysis not in known:
        raise unknown(
            analysis,
            known,
            what=f"table of {experiment}",
            where=Path(paths.table(scale, experiment, analysis)).parent.as_posix(),
        )
    found = attribute("analyses", analysis, "NEEDS", ())
    return [paths.table(scale, experiment, name, suffix) for name in found]


def analysis_params(scale: str, experiment: str, analysis: str) -> tuple[str, str]:
    """Return (cfg, code) of an analysis.

    Its settings, and its code with that of the cells and tasks it runs.
    """
    own = experiment_at(scale, experiment)
    modules = (
        "slowpoints.analyses._job",
        f"slowpoints.analyses.{analysis}",
        *_modules(own.conditions),
    )
    return canonical(own.analyses[analysis]), code(*modules)


def data_tables(scale: str) -> list[str]:
    """Return the tables of published data, which figures may read beside those of experiments."""
    return [paths.data(scale, "authors_trials", ".csv")]


@cache
def figure_names() -> list[str]:
    """Return the figures: one notebook each."""
    return sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


def figure_files(scale: str) -> list[str]:
    """Return every figure as PDF."""
    return [paths.figure(scale, name) for name in figure_names()]


def figure_sums(scale: str) -> list[str]:
    """Return the checksums of every figure."""
    return [paths.figure(scale, name, ".sha256") for name in figure_names()]


def redrawn(scale: str) -> list[str]:
    """Return every figure drawn from what is kept of a run."""
    folder = f"{paths.redrawn(scale)}/figures"
    return [f"{folder}/{name}{suffix}" for name in figure_names() for suffix in (".pdf", ".sha256")]


@cache
def figure_inputs(scale: str, name: str) -> dict[str, str]:
    """Return the tables a figure's notebook reads, by parameter."""
    if name not in figure_names():
        raise unknown(name, figure_names(), what="figure", where=f"{paths.results(scale)}/figures")
    return notebook.inputs(ROOT / "notebooks" / f"{name}.ipynb", scale=scale)


def figure_params(name: str) -> tuple[str, str]:
    """Return (cfg, code) of a figure: its notebook's code, and the style."""
    return digest(notebook.code_cells(ROOT / "notebooks" / f"{name}.ipynb")), code(
        "slowpoints.figures", "slowpoints.notebooks.execution"
    )


def finished(scale: str) -> list[str]:
    """Return what a finished run has: records, provenance, tables, figures, claims and the
    paper.
    """
    found = [
        path
        for name in experiments(scale)
        for path in (*runs(scale, name), *runs(scale, name, paths.PROVENANCE), *tables(scale, name))
    ]
    return [
        *found,
        *figure_files(scale),
        *(paths.whole(scale, name) for name in ("claims.csv", "paper.pdf")),
    ]


def environment(stage: str, torch: str) -> str:
    """Return the digest of a stage's environment."""
    return env(stage, torch=torch)


def claims_cfg(scale: str) -> str:
    """Return every claim with its test, and every headline, as one text."""
    claims = [claim for experiment in experiments(scale).values() for claim in experiment.claims]
    return digest([repr(own) for own in (*claims, *headlines(claims))])


def paper_inputs(scale: str) -> list[str]:
    """Return the figures and numbers that the paper's text includes."""
    return paper_text.inputs(ROOT / "paper" / "paper.typ", folder=paths.results(scale))
