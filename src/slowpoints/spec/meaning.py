"""What an experiment's parts must know of each other: analyses of tasks, claims of tables."""

from collections.abc import Iterable
from typing import Any

from slowpoints.spec.claims import EXTREMES, Claim
from slowpoints.spec.experiment import Experiment
from slowpoints.spec.parts import attribute
from slowpoints.spec.run import Run
from slowpoints.spec.strict import SpecError, unknown
from slowpoints.spec.tuning import Study

# What names a run in every table: see `records.identity`; the keys of the sweep come on top.
IDENTITY = (
    "run",
    "experiment",
    "arm",
    "seed",
    "n_parameters",
    "outcome",
    "cell",
    "units",
    "depth",
    "curriculum",
)


def check_metrics(run: Run, tune: Study | None, *, where: str) -> None:
    """Refuse a metric to stop at, or to tune by, that the task of a run does not have."""
    known = attribute("tasks", run.task.name, "METRICS", ())
    stop = run.train.stop_metric
    if stop and stop not in known:
        raise unknown(stop, known, what="metric", where=f"{where}: train.stop_metric")
    if tune and tune.metric not in known:
        raise unknown(tune.metric, known, what="metric", where=f"{where}: tune.metric")


def check(own: Experiment, *, figures: Iterable[str]) -> None:
    """Refuse analyses that cannot read the networks of an experiment, and claims that no table can
    answer.
    """
    where = f"config/experiments/{own.name}.yaml"
    tasks = sorted({run.task.name for run in own.runs})
    if "outcomes" not in own.analyses:
        raise SpecError(
            f"{where}: analyses: list outcomes: the numbers of the text count the runs of "
            "every experiment"
        )
    for name, settings in own.analyses.items():
        _check_analysis(own, name, settings, tasks=tasks, where=f"{where}: analyses.{name}")
    for claim in own.claims:
        _check_claim(own, claim, tasks=tasks, figures=figures, where=f"{where}: claim {claim.id}")


def _check_analysis(
    own: Experiment, name: str, settings: dict[str, Any], *, tasks: list[str], where: str
) -> None:
    if fits := attribute("analyses", name, "OF_TASKS", ()):
        for task in tasks:
            if task not in fits:
                raise SpecError(
                    f"{where}: reads networks of {' and '.join(fits)}, not of {task}; leave it out"
                )
    if attribute("analyses", name, "OF_STUDIES", False) and not own.studies:
        raise SpecError(
            f"{where}: reads trials, and nothing is tuned here; add tune, or leave it out"
        )
    if attribute("analyses", name, "OF_SNAPSHOTS", False) and not all(
        run.train.snapshots for run in own.runs
    ):
        raise SpecError(
            f"{where}: reads weights kept on the way; set train.snapshots, or leave it out"
        )
    for task in tasks if "metric" in settings else ():
        metrics = attribute("tasks", task, "METRICS", ())
        if settings["metric"] not in metrics:
            raise unknown(
                settings["metric"], metrics, what=f"metric of {task}", where=f"{where}.metric"
            )
    _check_delays(own, settings, where=where)


def _check_delays(own: Experiment, settings: dict[str, Any], *, where: str) -> None:
    """Refuse lengths of a sequence that leave no delay."""
    for run in own.runs if "t_max" in settings else ():
        shortest = run.task.settings.delay_min + 1
        if min(settings["t_max"]) < shortest:
            raise SpecError(
                f"{where}.t_max: must be at least delay_min + 1 = {shortest}, found "
                f"{min(settings['t_max'])}"
            )


def columns(own: Experiment, table: str, *, tasks: list[str]) -> set[str]:
    """Return the columns that a table of an experiment has.

    Those of a run, of the sweep, and its own.
    """
    known = {metric for task in tasks for metric in attribute("tasks", task, "METRICS", ())}
    delays = {
        str(delay) for settings in own.analyses.values() for delay in settings.get("delays", ())
    }
    found = {
        *IDENTITY,
        *(key.split(".")[-1] for key in own.runs[0].sweep),
        *(["study", "phase"] if own.studies else []),
    }
    for name in attribute("analyses", table, "COLUMNS", ()):
        found |= {name.format(metric=m, delay=d) for m in known or {""} for d in delays or {""}}
    return found


def _check_claim(
    own: Experiment, claim: Claim, *, tasks: list[str], figures: Iterable[str], where: str
) -> None:
    if claim.figure not in figures:
        raise unknown(claim.figure, figures, what="figure", where=f"{where}: figure")
    known = columns(own, claim.test.table, tasks=tasks)
    for column in sorted(claim.test.columns()):
        if column not in known:
            raise unknown(
                column,
                known,
                what=f"column of the table {claim.test.table}",
                where=f"{where}: test",
            )
    if own.scale in claim.judged_at:
        _check_rows(own, claim, where=f"{where}: test")


def _check_rows(own: Experiment, claim: Claim, *, where: str) -> None:
    """Refuse a test that names rows no run can give at this scale, as far as the plan tells."""
    rows = _planned(own, claim.test.table)
    conditions = dict(claim.test.where) | {k: list(v) for k, v in (claim.test.groups or {}).items()}
    if claim.test.order and claim.test.x:
        conditions[claim.test.x] = list(claim.test.order)
    for column, wanted in sorted(conditions.items(), key=lambda pair: pair[1] in EXTREMES):
        if column not in rows[0]:
            continue
        present = [row[column] for row in rows]
        if wanted in EXTREMES and claim.test.arms():  # arms are compared where all of them are
            by_arm: dict[str, set[Any]] = {}
            for row in rows:
                by_arm.setdefault(row["arm"], set()).add(row[column])
            present = sorted(set.intersection(*by_arm.values()))
            if not present:
                raise SpecError(
                    f"{where}: at scale {own.scale} the arms {', '.join(sorted(by_arm))} share no "
                    f"value of {column}, so that there is no {wanted}"
                )
        listed = wanted if isinstance(wanted, list) else [wanted]
        for value in listed:
            if not any(_fits(found, value, present) for found in present):
                known = sorted(set(map(str, present)))
                raise SpecError(
                    f"{where}: no row where {column} is {value} at scale {own.scale}; it is "
                    f"{', '.join(known)}"
                )
        rows = [row for row in rows if any(_fits(row[column], value, present) for value in listed)]


def _planned(own: Experiment, table: str) -> list[dict[str, Any]]:
    """Return what is known of the rows of a table before there are any."""
    delays = own.analyses[table].get("delays") if table == "memory_curve" else None
    phases = ("trial", "rerun") if own.studies else None
    found = []
    for run in own.runs:
        row = {
            "arm": run.arm,
            "cell": run.net.cell,
            "depth": run.net.depth,
            "curriculum": run.train.curriculum,
        }
        row |= {key.split(".")[-1]: value for key, value in run.sweep.items()}
        row |= {"study": run.seed} if own.studies else {}
        found.append(row)
    unique = [
        dict(items)
        for items in dict.fromkeys(
            tuple((k, _hashable(v)) for k, v in row.items()) for row in found
        )
    ]
    for name, values in (("delay", delays), ("phase", phases)):
        unique = [row | {name: value} for row in unique for value in values] if values else unique
    return unique


def _hashable(value: Any) -> Any:
    return str(value) if isinstance(value, dict | list) else value


def _fits(found: Any, wanted: Any, present: list[Any]) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, int | float) and wanted.get("from", found) <= found <= wanted.get(
            "to", found
        )
    if wanted in EXTREMES:
        return bool(found == (min if wanted == "smallest" else max)(present))
    return bool(found == wanted)
