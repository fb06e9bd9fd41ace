"""Chains of everything that is not a claim.

Counts, stamps, figures, tables, experiments, files of records, runs.
"""

from pathlib import Path

from slowpoints import paths
from slowpoints.claims.estimate import ClaimError, rows_of
from slowpoints.paths import ROOT
from slowpoints.plan import dag
from slowpoints.provenance.jobs import Job
from slowpoints.provenance.records import read_lines
from slowpoints.spec.run import BLOCKS
from slowpoints.trace.chain import Chain, Facts, chain
from slowpoints.trace.claim import claim_chain
from slowpoints.trace.place import Place, TraceError, claims, jobs, line_of, numbers, table, tables

ENDED = ("n_runs", "n_ok", "n_budget", "n_diverged")


def key_chain(place: Place, key: str) -> Chain:
    """Return the chain of one key of numbers.json.

    Of a claim, of an experiment's counts, or of all there is.
    """
    name, _, what = key.rpartition(".")
    value = numbers(place)[key]
    if name in claims(place):
        return claim_chain(place, name)._replace(title=f"claim {name}, {what}")
    facts: Facts = [("value", f"{f'{len(value)} entries' if isinstance(value, list) else value}")]
    facts.append(("stands in", f"{place.folder}/numbers.json as {key}"))
    if what in ENDED:
        which = "all" if what == "n_runs" else f"those that ended {what[2:]}"
        facts.append(("table", f"{place.table(name, 'outcomes')}, runs: {which}"))
        facts.append(("paper", "added up with those of other experiments of the same paper"))
        return chain(f"number {key}", facts, place, [name], _ended(place, name, what))
    word = key.removeprefix("n_").replace("_", " ")
    ids = [one for one, row in claims(place).items() if row["verdict"] == word]
    if ids:
        others = f" and {len(ids) - 8} more" if len(ids) > 8 else ""
        facts.append(("counts", f"claims: {', '.join(ids[:8])}{others}"))
    facts.append(("paper", line_of("paper/paper.typ", f"numbers.{key}")))
    return chain(f"number {key}", facts, place, sorted(jobs(place)), None)


def _ended(place: Place, experiment: str, what: str) -> set[str] | None:
    """Return the runs that a count counts; a count of none rests on all."""
    outcomes = table(place, experiment, "outcomes")
    chosen = outcomes[outcomes["outcome"] == what[2:]]
    return None if what == "n_runs" or chosen.empty else set(chosen["run"])


def figure_chain(place: Place, name: str) -> Chain:
    """Return the chain of a figure: its notebook, the tables that reads, and all records behind
    these.
    """
    files = sorted(set(dag.figure_inputs(place.scale, name).values()))
    experiments = sorted({paths.experiment_of(file) for file in files} - {"data"})
    judged = [one for one, row in claims(place).items() if row["figure"] == name]
    facts: Facts = [
        (
            "files",
            f"{place.folder}/figures/{name}.png"
            + ("" if place.is_kept else f" and .pdf, notebooks/{name}.html"),
        ),
        ("notebook", f"notebooks/{name}.ipynb; its parameters cell names the tables"),
        *(("reads", _kept_name(place, file)) for file in files),
        ("claims", ", ".join(judged) or "none is judged on it"),
        ("paper", line_of("paper/paper.typ", f"figures/{name}.pdf")),
        ("draw again", f"snakemake --cores 2 --force {paths.figure(place.scale, name)}"),
    ]
    return chain(f"figure {name}", facts, place, experiments, None)


def _kept_name(place: Place, file: str) -> str:
    """Return the table's name in `place`; not every table of a run is kept."""
    experiment = paths.experiment_of(file)
    own = file if experiment == "data" else place.table(experiment, Path(file).stem)
    return own if (ROOT / own).is_file() else f"{file} (not kept)"


def table_chain(place: Place, experiment: str, name: str) -> Chain:
    """Return the chain of a table, and what reads it."""
    own = table(place, experiment, name)
    runs = set(own["run"]) if "run" in own else None
    facts: Facts = [
        ("file", f"{place.table(experiment, name)}, {len(own)} rows"),
        (
            "analysis",
            f"{line_of(paths.settings(experiment), 'analyses:')}; "
            f"src/slowpoints/analyses/{name}.py",
        ),
        *_read_by(place, experiment, name),
        ("make again", f"snakemake --cores 2 --force {paths.table(place.scale, experiment, name)}"),
    ]
    return chain(f"table {name} of {experiment}", facts, place, [experiment], runs)


def _read_by(place: Place, experiment: str, name: str) -> Facts:
    file = paths.table(place.scale, experiment, name)
    figures = [
        one for one in dag.figure_names() if file in dag.figure_inputs(place.scale, one).values()
    ]
    judged = [c.id for c in dag.experiments(place.scale)[experiment].claims if c.test.table == name]
    return [("figures", ", ".join(figures) or "none"), ("claims", ", ".join(judged) or "none")]


def experiment_chain(place: Place, name: str) -> Chain:
    """Return the chain of a whole experiment."""
    own = dag.experiments(place.scale)[name]
    facts: Facts = [
        ("question", own.question),
        ("settings", paths.settings(name)),
        ("tables", ", ".join(one for experiment, one in tables(place) if experiment == name)),
        ("claims", ", ".join(claim.id for claim in own.claims) or "none"),
    ]
    return chain(f"experiment {name}", facts, place, [name], None)


def job_chain(place: Place, job: Job) -> Chain:
    """Return the chain of one file of records: all its runs."""
    facts: Facts = [
        (
            "files",
            f"{job.records}, "
            f"{', '.join(job.beside(kind) for kind in ('plan', 'weights', 'provenance'))}",
        ),
        ("weights", f"sha256 of their content {job.facts['weights']['sha256']}"),
    ]
    return chain(
        f"stack {job.stack} of {job.experiment}",
        facts,
        place,
        [job.experiment],
        [name for name, _ in job.runs],
    )


def run_chain(place: Place, name: str) -> Chain:
    """Return the chain of one run: back to its settings, and on to tables, claims and figures."""
    experiment = name.split("/")[0]
    row, job = next(
        (i, job)
        for job in jobs(place)[experiment]
        for i, run in enumerate(job.runs)
        if run[0] == name
    )
    facts: Facts = [("outcome", job.runs[row][1]), ("record", f"{job.records}, line {row + 1}")]
    if not place.is_kept:
        record = read_lines(ROOT / job.records)[row]
        facts += [
            (block, ", ".join(f"{k} {v}" for k, v in record[block].items())) for block in BLOCKS
        ]
        facts.append(("metrics", ", ".join(f"{k} {v}" for k, v in record["metrics"].items())))
    reads = [
        one
        for own, one in tables(place)
        if own == experiment and _has(place, experiment, one, name)
    ]
    facts += [("tables", place.table(experiment, one)) for one in reads]
    facts.append(("claims", ", ".join(_judged_on(place, experiment, name)) or "none rests on it"))
    files = {paths.table(place.scale, experiment, one) for one in reads}
    figures = [
        one
        for one in dag.figure_names()
        if files & set(dag.figure_inputs(place.scale, one).values())
    ]
    facts.append(("figures", ", ".join(figures) or "none"))
    return chain(f"run {name}", facts, place, [experiment], [name])


def _has(place: Place, experiment: str, one: str, run: str) -> bool:
    own = table(place, experiment, one)
    return "run" in own and bool((own["run"] == run).any())


def _judged_on(place: Place, experiment: str, run: str) -> list[str]:
    """Return the claims whose rows have the run."""
    found = []
    for claim in dag.experiments(place.scale)[experiment].claims:
        if place.scale in claim.judged_at:
            try:
                rows = rows_of(claim.test, table(place, experiment, claim.test.table))
            except ClaimError as error:
                raise TraceError(f"claim {claim.id}: {error}") from None
            found += [claim.id] if (rows["run"] == run).any() else []
    return found
