"""A small finished run, made up: two jobs of one experiment, with provenance."""

import json
from pathlib import Path

import pandas as pd

from slowpoints.provenance.records import write_lines, write_table, write_text

FACTS = {
    "digests": {"plan": "a" * 16, "code": "b" * 16, "env": "c" * 16},
    "versions": {"python": "3.11.7", "torch": "2.13.0+cpu", "numpy": "2.4.6"},
    "engine": "eager", "device": "cpu AVX2", "matmul": "float32", "threads": 1, "dtype": "float32",
    "weights": {"file": "x.safetensors", "sha256": "d" * 64},
}  # fmt: skip
MADE = {
    "commit": "e" * 40,
    "dirty": False,
    "changed": [],
    "started": "2026-01-02T03:04:05Z",
    "wall_s": 36.0,
    "machine": "x86_64",
    "system": "Linux 6",
    "processor": "Quick 3000",
    "cores": 2,
    "slots": 2,
}
ENDS = {"gru-00000000-0": ["ok", "budget"], "lstm-00000000-0": ["ok", "diverged"]}
EXPERIMENT = "long2016-state"


def run(root: Path) -> Path:
    """Write the run under `root` and return its folder of results."""
    results = root / "results" / "smoke"
    runs = results / EXPERIMENT / "runs"
    for stack, ends in ENDS.items():
        records = [
            FACTS | {"id": f"{EXPERIMENT}/{stack[:3]}/{i}", "outcome": end}
            for i, end in enumerate(ends)
        ]
        write_lines(runs / f"{stack}.jsonl", records)
        write_text(runs / f"{stack}.provenance.json", json.dumps(MADE))
        write_text(runs.parent / "plan" / f"{stack}.json", "{}")
        write_text(runs / f"{stack}.safetensors", "weights")
    write_table(results / EXPERIMENT / "tables" / "outcomes.csv", pd.DataFrame({"run": ["a"]}))
    write_table(results / "claims.csv", pd.DataFrame({"id": ["a"], "verdict": ["holds"]}))
    for file in (
        "numbers.json",
        "paper.pdf",
        "figures/overview.pdf",
        "figures/overview.png",
        "data/mnist14.json",
    ):
        write_text(results / file, "{}")
    return results
