"""Everything the doctor looks at, in the order in which it is told."""

from pathlib import Path

from slowpoints.machine.doctor import filesystem, machine, project, reach, speed
from slowpoints.machine.doctor.words import Finding

MARKS = {"ok": "ok     ", "note": "note   ", "problem": "PROBLEM"}


def examine(root: Path) -> list[Finding]:
    """Return all findings about this machine and the project at `root`."""
    settings = project.settings(root)
    missing = project.to_build(root, torch=settings.get("torch", "cpu"))
    results, costs = root / "results", reach.kept(root)
    needed = project.needed_bytes(missing, results, costs["scales"]["laptop"]["results_mb"] * 1e6)
    found = [machine.python(), machine.cores(), machine.memory(), machine.disk(root, needed=needed),
             machine.compiler(), gpu := machine.gpu(settings), filesystem.paths(root)]  # fmt: skip
    if refused := filesystem.writable(results):
        found.append(refused)
    else:
        found += [filesystem.tried(results), machine.clock(results)]
    found += [machine.index(root, is_needed=bool(missing)), project.environments(missing)]
    found += [*project.data(root, settings.get("data_dir", "")), project.runs(root)]
    n = machine.n_cores()
    here = reach.Machine(
        n, machine.memory_bytes(), speed.measure(n), has_gpu=gpu.says[:4] != "none"
    )
    return [*found, reach.explained(costs, here), *reach.scales(costs, here)]


def text(findings: list[Finding]) -> str:
    """Return the findings as lines, and how many problems there are."""
    lines = []
    for own in findings:
        lines.append(f"{MARKS[own.level]}  {own.what:<14} {own.says}")
        lines += [f"{'':25}-> {own.todo}"] if own.todo else []
    counts = [sum(own.level == level for own in findings) for level in ("problem", "note")]
    return "\n".join([*lines, "", f"{counts[0]} problems, {counts[1]} notes"]) + "\n"
