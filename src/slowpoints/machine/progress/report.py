"""The page that `slowpoints progress` prints."""

import platform
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from slowpoints.machine import costs
from slowpoints.machine.doctor.machine import n_cores
from slowpoints.machine.doctor.words import duration
from slowpoints.machine.processes import PROCESSES, workflows
from slowpoints.machine.progress import log, remaining, state
from slowpoints.plan import dag
from slowpoints.provenance import benchmarks
from slowpoints.spec.stack import Stack

RULES = {
    "train_stack": "train",
    "run_analysis": "analyse",
    "draw_figure": "figures",
    "judge_claims": "claims",
    "compile_paper": "paper",
    "prepare_data": "data",
    "read_authors_trials": "data",
}
SILENT_S = 900.0  # a run of another machine that has logged nothing for so long is taken for dead
EVERY_S = 10.0
CLEAR = "\x1b[2J\x1b[H"


class View(NamedTuple):
    """All that is known of a run at one moment."""

    root: Path
    scale: str
    run: log.Run | None
    status: str  # running, ended, failed, cut off, or none
    jobs: list[str]  # of the scale, or of one experiment
    done: set[str]
    steps: dict[str, state.Step | None]  # of training jobs that run
    now: float


def latest_scale(root: Path) -> str:
    """Return the scale of the last run, or laptop."""
    found = log.latest(root)
    return found[1] if found else "laptop"


def show(root: Path, *, scale: str, experiment: str = "") -> str:
    """Return the page as the files are now."""
    return page(look(root, scale=scale, experiment=experiment))


def page(view: View) -> str:
    """Return what is known as a page."""
    parts = [_head(view), _going(view), _table(view), _trouble(view), _end(view)]
    return "\n\n".join(part for part in parts if part) + "\n"


def follow(root: Path, *, scale: str, experiment: str = "") -> None:
    """Print the page again and again until the run has ended."""
    while True:
        view = look(root, scale=scale, experiment=experiment)
        sys.stdout.write((CLEAR if sys.stdout.isatty() else "") + page(view) + "\n")
        sys.stdout.flush()
        if view.status != "running":
            return
        time.sleep(EVERY_S)


def look(root: Path, *, scale: str, experiment: str = "") -> View:
    """Return what the files say now."""
    found = log.latest(root, scale)
    run = log.read(found[0]) if found else None
    jobs = [
        job for job in costs.job_names(scale) if not experiment or job.startswith(f"{experiment}/")
    ]
    is_last = found == log.latest(root)
    status = _status(root, run, is_last=is_last)
    going = {job.name for job in run.running()} if run and status == "running" else set()
    done = {job for job in jobs if job not in going and (root / state.output(scale, job)).is_file()}
    stacks = [job for job in going if costs.stage_of(job) == "train"]
    steps = {job: state.training(root, scale, _stack(scale, job)) for job in stacks}
    return View(root, scale, run, status, jobs, done, steps, time.time())


def _stack(scale: str, job: str) -> Stack:
    experiment, _, stack = job.split("/")
    return dag.stack(scale, experiment, stack)


def _status(root: Path, run: log.Run | None, *, is_last: bool) -> str:
    if run is None:
        return "none"
    if any(job.is_failed for job in run.jobs.values()) and run.is_complete:
        return "failed"
    if run.is_complete:
        return "ended"
    return "running" if is_last and _goes_on(root, run) else "cut off"


def _goes_on(root: Path, run: log.Run) -> bool:
    """Return whether the run has a process here, or, of another machine, a lock and a log that is
    still written.
    """
    if workflows(root) or (run.host == platform.node() and PROCESSES.is_dir()):
        return bool(workflows(root))
    is_locked = any((root / ".snakemake" / "locks").glob("*"))
    return is_locked and time.time() - run.path.stat().st_mtime < SILENT_S


def _head(view: View) -> str:
    if view.run is None:
        return (
            f"scale {view.scale}: no run was started in this folder; snakemake --cores N "
            f"--config scale={view.scale}"
        )
    silent = duration(view.now - view.run.path.stat().st_mtime)
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(view.run.begun))
    says = {
        "running": f"running since {since} ({duration(view.now - view.run.begun)}), on "
        f"{view.run.width} cores",
        "ended": f"the run of {since} has ended; all that it was asked for is done",
        "failed": f"the run of {since} has ended, and some of its jobs failed; the same "
        "command goes on",
        "cut off": f"the run of {since} was cut off, last heard of {silent} ago; `slowpoints "
        "doctor` says whether "
        "a lock is left; the same command then goes on, and jobs in training from their "
        "checkpoints",
    }
    return f"scale {view.scale}: {says[view.status]}"


def _going(view: View) -> str:
    if view.run is None or view.status != "running":
        return ""
    lines = ["now"]
    for job in sorted(view.run.running(), key=lambda own: own.begun):
        waits = view.root / job.log
        has_begun = waits.is_file() and waits.stat().st_mtime >= job.begun - 2
        took = duration(view.now - job.begun) if has_begun else "waits in the queue"
        again = f", attempt {job.failures + 1}" if job.failures else ""
        lines.append(f"  {job.name or job.rule}  {_step(view.steps.get(job.name))}{took}{again}")
    return "\n".join(lines)


def _step(step: state.Step | None) -> str:
    if step is None:
        return ""
    networks = f"{step.ended} of {step.networks} networks ended, " if step.networks > 1 else ""
    return (
        f"step {step.step:,} of {step.of:,}, {networks}" if step.ended < step.networks else networks
    )


def _table(view: View) -> str:
    """Return jobs done and in all, by stage, and by experiment where some are left."""
    total, done = Counter(map(costs.stage_of, view.jobs)), Counter(map(costs.stage_of, view.done))
    lines = [
        "done",
        *(
            f"  {stage:<24}{done[stage]:>5} of {total[stage]}"
            for stage in costs.STAGES
            if total[stage]
        ),
    ]
    own = Counter(job.split("/")[0] for job in view.jobs if job.count("/") == 2)
    ready = Counter(job.split("/")[0] for job in view.done if job.count("/") == 2)
    rest = [f"  {name:<24}{ready[name]:>5} of {n}" for name, n in own.items() if ready[name] < n]
    return "\n".join([*lines, "", "experiments with jobs left", *rest] if rest else lines)


def _trouble(view: View) -> str:
    """Return failures with their logs, and how many networks diverged so far."""
    failed = [job for job in view.run.jobs.values() if job.failures] if view.run else []
    lines = [f"  {job.name or job.rule}: {_failed(job)}; see {job.log}" for job in failed]
    records = [
        view.root / state.output(view.scale, job)
        for job in view.done
        if costs.stage_of(job) == "train"
    ]
    n = sum(map(state.diverged, records)) + sum(
        step.diverged for step in view.steps.values() if step
    )
    return "\n".join([f"failures: {len(failed)}", *lines, f"networks that diverged: {n}"])


def _failed(job: log.Job) -> str:
    times = "once" if job.failures == 1 else f"{job.failures} times"
    return f"failed {times}" + ("" if job.is_failed else ", and was started again")


def _end(view: View) -> str:
    if view.status == "ended" and len(view.done) == len(view.jobs):
        return ""
    rest, own, width = _rest(view), _pace(view), _width(view)
    found = remaining.left(rest, own, width=width)
    if not rest:
        return "left: nothing of this scale (`snakemake -n` says whether anything is out of date)"
    end = time.strftime("%a %H:%M", time.localtime(view.now + found.seconds))
    range_ = (
        f"between {duration(found.low)} and {duration(found.high)}, four times in five if "
        "the load stays as it is"
    )
    at = f", at {end}" if view.status == "running" else ""
    return f"left: about {duration(found.seconds)}{at} ({range_}); {found.basis}"


def _prices(view: View) -> remaining.Prices:
    return remaining.Prices(view.scale, costs.kept())


def _rest(view: View) -> dict[str, float]:
    """Return the expected seconds of each job that is left.

    Of those in training, of the steps left.
    """
    prices = _prices(view)
    rest = {job: prices.of(job) for job in view.jobs if job not in view.done}
    for job, step in view.steps.items():
        if job in rest and step is not None:
            rest[job] *= 1 - step.share
    if view.run is None or view.status != "running" or not view.run.planned:
        return rest
    return _asked(view.run, rest)


def _asked(run: log.Run, rest: dict[str, float]) -> dict[str, float]:
    """Return the rest, scaled to what this run was asked for.

    Some targets only, or more, as files are out of date.
    """
    ended = Counter(RULES.get(job.rule, "") for job in run.jobs.values() if job.ended is not None)
    planned: Counter[str] = Counter()
    for rule, n in run.planned.items():
        planned[RULES.get(rule, "")] += n
    found: dict[str, float] = {}
    for stage in costs.STAGES:
        own = {job: cost for job, cost in rest.items() if costs.stage_of(job) == stage}
        n = planned[stage] - ended[stage]
        found |= {job: cost * n / len(own) for job, cost in own.items()} if n > 0 else {}
    return found


def _pace(view: View) -> remaining.Pace:
    measured = benchmarks.read(view.root, view.scale, sorted(view.done))
    return remaining.pace({job: own.seconds for job, own in measured.items()}, _prices(view))


def _width(view: View) -> float:
    """Return how many jobs run at once: in this run so far, or as many as there are cores."""
    run = view.run
    if run is None or view.status != "running" or view.now - run.begun < 60:
        return float(run.width if run else n_cores())
    busy = sum(
        (job.ended or view.now) - job.begun for job in run.jobs.values() if not job.is_failed
    )
    return min(float(run.width), max(0.5, busy / (view.now - run.begun)))
