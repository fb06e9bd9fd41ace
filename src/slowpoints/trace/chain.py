"""A chain: from one number, figure, table or run to the records it rests on, and what made
these.
"""

from collections import Counter, defaultdict
from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple

from slowpoints import paths
from slowpoints.plan import dag
from slowpoints.provenance.jobs import Job
from slowpoints.spec.strict import SpecError
from slowpoints.trace.place import Place, jobs, line_of

LISTED = 20  # files of records; of more, only how many
Facts = list[tuple[str, str]]


class Chain(NamedTuple):
    """What is traced, what is known on the way, and the runs at its end."""

    title: str
    facts: Facts
    runs: frozenset[str]

    def text(self) -> str:
        """Return the chain as people read it."""
        width = max(len(label) for label, _ in self.facts)
        lines = [f"  {label:<{width}}  {value}".rstrip() for label, value in self.facts]
        return "\n".join([self.title, *lines])


def chain(
    title: str,
    facts: Facts,
    place: Place,
    experiments: Collection[str],
    runs: Collection[str] | None,
) -> Chain:
    """Return the chain that goes on from `facts` to `runs` of `experiments`, or to all."""
    chosen = chosen_jobs(place, experiments, runs)
    wanted = {name for _, names in chosen for name in names}
    return Chain(title, [*facts, *record_facts(place, chosen)], frozenset(wanted))


def chosen_jobs(
    place: Place, experiments: Collection[str], runs: Collection[str] | None
) -> list[tuple[Job, list[str]]]:
    """Return the jobs that trained the runs, each with those of its runs that count."""
    wanted = None if runs is None else set(runs)
    found = []
    for experiment in experiments:
        for job in jobs(place).get(experiment, []):
            names = [name for name, _ in job.runs if wanted is None or name in wanted]
            if names:
                found.append((job, names))
    return found


def record_facts(place: Place, chosen: list[tuple[Job, list[str]]]) -> Facts:
    """Return where the records are, and their settings, code, environment and device."""
    if not chosen:
        return [("records", f"none in {place.folder}")]
    facts = [("records", line) for line in _records(chosen)]
    made = [job.made for job, _ in chosen]
    own = [job.facts for job, _ in chosen]
    files = sorted({f"{paths.plan_folder(job.scale, job.experiment)}/" for job, _ in chosen})
    facts += [
        ("plans", ", ".join(f"{file}<stack>.json" for file in files) + ", one per file of records")
    ]
    facts += [("settings", line) for line in _settings(chosen)]
    facts += [("code", text) for text in _counted(_commit(one) for one in made)]
    facts += [("code digest", ", ".join(_counted(one["digests"]["code"] for one in own)))]
    facts += [("environment", text) for text in _counted(_env(one) for one in own)]
    facts += [("versions", text) for text in _counted(_pairs(one["versions"]) for one in own)]
    facts += [("ran on", text) for text in _counted(_device(one) for one in own)]
    hours = sum(one["wall_s"] for one in made) / 3600
    begun = sorted(one["started"] for one in made)
    last = f"{len(made)} jobs, the last begun {begun[-1]}, " if len(made) > 1 else ""
    facts.append(("ran when", f"begun {begun[0]}, {last}{hours:.2f} hours in all"))
    return [*facts, ("today", _today(chosen)), ("train again", _again(chosen))]


def _records(chosen: list[tuple[Job, list[str]]]) -> list[str]:
    """Return a line per file of records and per group of runs whose names differ in the
    seed alone.
    """
    if len(chosen) > LISTED:
        by_experiment = Counter(job.experiment for job, names in chosen for _ in names)
        files = Counter(job.experiment for job, _ in chosen)
        folder = paths.results(chosen[0][0].scale)
        return [
            f"{folder}/{name}/runs/*.jsonl: {n} runs in {files[name]} files"
            for name, n in by_experiment.items()
        ]
    lines = []
    for job, names in chosen:
        seeds: dict[str, list[str]] = defaultdict(list)
        for name in names:
            arm, _, seed = name.removeprefix(f"{job.experiment}/").rpartition("/")
            seeds[arm].append(seed)
        lines.append(f"{job.records}: {len(names)} of {len(job.runs)} runs")
        lines += [f"  {job.experiment}/{arm}/{_braces(found)}" for arm, found in seeds.items()]
    return lines


def _braces(seeds: list[str]) -> str:
    return seeds[0] if len(seeds) == 1 else "{" + ",".join(seeds) + "}"


def _settings(chosen: list[tuple[Job, list[str]]]) -> list[str]:
    """Return the lines of the experiments' files where the arms stand."""
    arms = {
        (job.experiment, name.removeprefix(f"{job.experiment}/").split("/")[0])
        for job, own in chosen
        for name in own
    }
    by_file: dict[str, list[str]] = defaultdict(list)
    for experiment, arm in sorted(arms):
        file, _, line = line_of(
            f"config/experiments/{experiment}.yaml", f"  {arm}:", "join:"
        ).partition(":")
        by_file[file].append(f"{line or '?'} ({arm})")
    return [f"{file}, lines {', '.join(lines)}" for file, lines in by_file.items()]


def _counted(values: object) -> list[str]:
    """Return the different values, with their numbers where there are several."""
    count = Counter(values)  # type: ignore[call-overload]
    return [
        f"{value} ({n} jobs)" if len(count) > 1 else str(value) for value, n in count.most_common()
    ]


def _commit(made: dict[str, Any]) -> str:
    changed = made.get("changed", [])
    words = f": {', '.join(changed)}" if changed else ""
    state = {
        True: f"changed since{words}",
        False: "nothing changed",
        None: "not known whether changed",
    }[made["dirty"]]
    return f"commit {made['commit']}, {state}"


def _env(facts: dict[str, dict[str, str]]) -> str:
    digest = facts["digests"]["env"]
    today = {dag.environment("train", build): build for build in ("cpu", "cuda")}
    since = (
        f"as in envs today, torch for {today[digest]}"
        if digest in today
        else "other pins than in envs today"
    )
    return f"lock of train: digest {digest}, {since}"


def _pairs(values: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(values.items()))


def _device(facts: dict[str, object]) -> str:
    threads = f"{facts['threads']} thread{'s' if facts['threads'] != 1 else ''}"
    return (
        f"{facts['device']}, {facts['engine']}, {facts['dtype']}, matmul {facts['matmul']}, "
        f"{threads}"
    )


def _today(chosen: list[tuple[Job, list[str]]]) -> str:
    """Return how many of the jobs are those that today's settings and code would make."""
    same = sum(_is_todays(job) for job, _ in chosen)
    return f"{same} of {len(chosen)} jobs have the settings and code of this checkout"


def _is_todays(job: Job) -> bool:
    made = (job.facts["digests"]["plan"], job.facts["digests"]["code"])
    return made == _digests_today(job.scale, job.experiment, job.stack)


@cache
def _digests_today(scale: str, experiment: str, stack: str) -> tuple[str, str] | None:
    try:
        plan = dag.stack(scale, experiment, stack).digest
    except SpecError:
        return None
    return plan[:16], dag.train_params(scale, experiment, stack)[1]


def _again(chosen: list[tuple[Job, list[str]]]) -> str:
    files = [job.records for job, _ in chosen]
    if len(files) <= 3:
        return f"snakemake --cores 2 --force {' '.join(files)}"
    return (
        "snakemake --cores 2 --force "
        f"{paths.run_file(chosen[0][0].scale, '<experiment>', '<stack>')} ..."
    )
