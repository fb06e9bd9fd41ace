"""A run in several sittings, or on several machines: what is finished of it put into a folder, and
taken from there by another checkout.

Finished are manifests of data, stacks (plan, records, weights, provenance), and slow points that
other stacks start from. A stack is taken if the plan of today has it, setting for setting, and the
code of today would train it. All is copied in the order in which it was made, for Snakemake makes
again what is older than its inputs.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from slowpoints import paths
from slowpoints.errors import SlowpointsError
from slowpoints.plan import dag
from slowpoints.provenance.files import BadResult, atomic
from slowpoints.provenance.records import read_arrays, read_lines
from slowpoints.spec.stack import Stack


class Moved(NamedTuple):
    """What was copied, and which stacks were not."""

    stacks: list[str]  # the files of their records, below the folder of a scale
    left: dict[str, str]  # of other plans, of other code, or damaged: why


def keep(scale: str, folder: Path) -> Moved:
    """Copy what is finished of a run into `folder`."""
    return _copied(scale, Path(paths.results(scale)), folder)


def take(scale: str, folder: Path) -> Moved:
    """Copy what `folder` has into the results, where it is missing there."""
    if not folder.is_dir():
        raise SlowpointsError(f"{folder}: no such folder; `slowpoints keep` makes one")
    return _copied(scale, folder, Path(paths.results(scale)))


def _copied(scale: str, source: Path, target: Path) -> Moved:
    moved = Moved([], {})
    for files, stack, code in _finished(scale):
        own = [Path(file).relative_to(paths.results(scale)) for file in files]
        if all((target / path).is_file() for path in own):
            continue
        if not all((source / path).is_file() for path in own):
            continue
        if why := _why_not(source / own[0], stack, code):
            moved.left[own[0].as_posix()] = why
            continue
        for path in own:
            with atomic(target / path) as temporary:
                shutil.copyfile(source / path, temporary)
        if stack:
            moved.stacks.append(own[0].as_posix())
    return moved


def _finished(scale: str) -> Iterator[tuple[list[str], Stack | None, str]]:
    """Yield what is copied together, in the order in which it is made, the stack it is of, and the
    digest of the code that trains it.
    """
    experiments = list(dag.experiments(scale))
    starts = {name: {s.start for s in dag.all_stacks(scale, name).values()} for name in experiments}
    origins = set().union(*starts.values()) - {""}
    for name in sorted({data for own in experiments for data in dag.data_names(scale, own)}):
        yield [paths.data(scale, name)], None, ""
    for own in sorted(experiments, key=lambda name: starts[name] != {""}):
        for name, stack in dag.all_stacks(scale, own).items():
            files = [
                paths.run_file(scale, own, name, suffix)
                for suffix in (paths.RECORDS, paths.WEIGHTS, paths.PROVENANCE)
            ]
            files.append(f"{paths.plan_folder(scale, own)}/{name}.json")
            yield files, stack, dag.train_params(scale, own, name)[1]
        if own in origins:
            yield (
                [paths.table(scale, own, "slow_points", s) for s in (".csv", ".safetensors")],
                None,
                "",
            )


def _why_not(first: Path, stack: Stack | None, code: str) -> str:
    """Return why files are not taken; '' if they are."""
    if stack is None:
        return ""
    try:
        record = read_lines(first)[0]
        read_arrays(first.with_suffix(paths.WEIGHTS), seal=record["weights"]["sha256"])
    except BadResult as error:
        return str(error)
    if not stack.digest.startswith(record["digests"]["plan"]):
        return "of another plan"
    # Analyses do not mix what different code has trained.
    return "" if record["digests"]["code"] == code else "of other code"
