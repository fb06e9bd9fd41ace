"""What is here of the project: its environments, its data, and a run that goes on or was
cut off.
"""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from slowpoints.machine.doctor.words import Finding
from slowpoints.machine.processes import workflows

SETUP = ("driver", "train", "analysis", "figures", "paper")  # what `make setup` builds
STAGE_BYTES = 4e8  # of disk that one environment takes on average, rounded up


def settings(root: Path) -> dict[str, str]:
    """Return the plain values of config/config.yaml, which is one `name: value` a line."""
    text = (root / "config" / "config.yaml").read_text(encoding="utf-8")
    return {
        name: value.strip(" \"'")
        for name, value in re.findall(r"^(\w+): *([^#\n]*)", text, re.MULTILINE)
    }


def to_build(root: Path, *, torch: str) -> dict[str, str]:
    """Return {environment: why it is to be built}, of those that `make setup` makes."""
    states = {stage: state_of(root, stage, torch=torch) for stage in SETUP}
    return {stage: state for stage, state in states.items() if state}


def environments(missing: dict[str, str]) -> Finding:
    """Return whether set-up is done and of the present pins."""
    if not missing:
        return Finding("ok", "environments", f"{', '.join(SETUP)}: built from the present locks")
    says = "; ".join(f"{stage}: {why}" for stage, why in missing.items())
    return Finding(
        "note", "environments", says, "make setup (or the first job that needs one) builds it, once"
    )


def state_of(root: Path, stage: str, *, torch: str) -> str:
    """Return why an environment is to be built, '' if it is ready.

    As workflow/scripts/stage sees it.
    """
    lock = (root / "envs" / f"{stage}.lock").read_text(encoding="utf-8")
    has_torch = "torch-" in lock.partition("\n")[0]
    folder = root / ".envs" / (f"{stage}-cuda" if has_torch and torch == "cuda" else stage)
    stamp = folder / ".stamp"
    if not stamp.is_file() or not os.access(folder / "bin" / "python", os.X_OK):
        return "not built"
    wanted = lock + (
        (root / "envs" / f"torch-{torch}.lock").read_text(encoding="utf-8") if has_torch else ""
    )
    place, _, built = stamp.read_text(encoding="utf-8").partition("\n")
    if place != str(folder):
        return "built elsewhere (the project was moved)"
    return "" if built == wanted else "built from other locks"


def data(root: Path, data_dir: str) -> list[Finding]:
    """Return what is there of the shipped data, and of those that only the paper scale needs."""
    registry = json.loads((root / "data" / "registry.json").read_text(encoding="utf-8"))
    files, sets = registry["files"], registry["datasets"]
    states = {
        name: [
            _file_state(root, files[file] | {"name": file}, data_dir)
            for file in own["files"].values()
        ]
        for name, own in sets.items()
    }
    shipped = {
        name
        for name, own in sets.items()
        if all(files[file]["shipped"] for file in own["files"].values())
    }
    own = _shipped({name: found for name, found in states.items() if name in shipped})
    return [
        own,
        *_others({name: found for name, found in states.items() if name not in shipped}, data_dir),
    ]


def _shipped(states: dict[str, list[str]]) -> Finding:
    wrong = [name for name, found in states.items() if set(found) != {"verified"}]
    if wrong:
        return Finding("problem", "shipped data", f"missing or not as pinned: {', '.join(wrong)}",
                       "restore them from version control: git checkout -- data")  # fmt: skip
    return Finding("ok", "shipped data", f"verified: {', '.join(states)}")


def _others(states: dict[str, list[str]], data_dir: str) -> list[Finding]:
    if data_dir and not Path(data_dir).is_dir():
        return [Finding("problem", "other data", f"data_dir is {data_dir}, which is not a folder",
                        "correct it in config/config.yaml")]  # fmt: skip
    damaged = [name for name, found in states.items() if "other" in found]
    absent = [name for name, found in states.items() if "absent" in found and name not in damaged]
    here = [name for name in states if name not in (*absent, *damaged)]
    findings = []
    if damaged:
        findings.append(
            Finding(
                "problem",
                "other data",
                f"not the pinned files: {', '.join(damaged)}",
                "replace them, or move them away; data/README.md says what they must be",
            )
        )
    if here:
        findings.append(Finding("ok", "other data", f"verified: {', '.join(here)}"))
    if absent:
        where = f"data_dir ({data_dir})" if data_dir else "data/downloads; data_dir is not set"
        findings.append(
            Finding(
                "note",
                "other data",
                f"not in {where}: {', '.join(absent)}",
                "only the paper scale needs some of them (data/README.md)",
            )
        )
    return findings


def _file_state(root: Path, file: dict[str, Any], data_dir: str) -> str:
    """Return verified, other (a copy is there but is not the pinned file), or absent."""
    home, name = root / "data", file["name"]
    own = (
        [Path(data_dir) / name, Path(data_dir) / Path(name).name]
        if data_dir and not file["shipped"]
        else []
    )
    places = [home / name] if file["shipped"] else [*own, home / "downloads" / name]
    there = [place for place in places if place.is_file()]
    if any(_digest(place, file) for place in there):
        return "verified"
    # MNIST and Fashion-MNIST call their files alike
    flat = Path(data_dir) / Path(name).name if data_dir else None
    return "other" if any(place != flat for place in there) else "absent"


def _digest(path: Path, file: dict[str, Any]) -> bool:
    algorithm = "sha256" if file.get("sha256") else "sha1"
    if path.stat().st_size != file["bytes"]:
        return False
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, algorithm).hexdigest() == file[algorithm]


def runs(root: Path) -> Finding:
    """Return whether a workflow runs here, or has left its lock behind."""
    going = workflows(root)
    locks = sorted((root / ".snakemake" / "locks").glob("*"))
    if going:
        who = ", ".join(map(str, going))
        return Finding(
            "note",
            "runs",
            f"Snakemake runs in this folder (process {who})",
            "slowpoints progress shows how far it is; a second run of its targets is refused",
        )
    if locks:
        return Finding(
            "problem",
            "runs",
            "a run that was killed has left its lock, and none is going on here",
            "if none is going on on another machine either: snakemake --unlock; then start "
            "it again, "
            "it goes on where it was",
        )
    return Finding("ok", "runs", "none in this folder, and no lock left behind")


def needed_bytes(missing: dict[str, str], results: Path, whole: float) -> float:
    """Return the bytes of disk that set-up and a run still need.

    whole: of the results of a laptop run
    """
    return len(missing) * STAGE_BYTES + (
        0 if (results / "laptop" / "paper.pdf").is_file() else whole
    )
