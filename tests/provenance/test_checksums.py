"""Every result of a run is checked at once, and each that is damaged is named."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from helpers.plans import make_run
from slowpoints import data
from slowpoints.provenance import files, records
from slowpoints.provenance.checksums import Checked, check
from slowpoints.spec.stack import Stack

NAMES = (
    "e/plan/s.json",
    "e/runs/s.jsonl",
    "e/runs/s.safetensors",
    "e/runs/s.provenance.json",
    "e/tables/t.csv",
    "data/mnist14.json",
    "figures/f.pdf",
    "figures/f.png",
    "figures/f.sha256",
    "numbers.json",
)
PLANNED = (
    "results/smoke/e/runs/s.jsonl",
    "results/smoke/e/tables/t.csv",
    "results/smoke/claims.csv",
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    files.write_text(
        tmp_path / "e/plan/s.json", files.as_json(Stack("s", "e", [make_run()]).as_json())
    )
    seal = records.write_arrays(tmp_path / "e/runs/s.safetensors", {})
    records.write_lines(
        tmp_path / "e/runs/s.jsonl", [{"weights": {"file": "s.safetensors", "sha256": seal}}]
    )
    for name in ("e/runs/s.provenance.json", "numbers.json"):
        records.write_json(tmp_path / name, {"x": 1})
    records.write_table(tmp_path / "e/tables/t.csv", pd.DataFrame({"x": [1]}))
    data.prepare("mnist14", out=tmp_path / "data/mnist14.json")
    (tmp_path / "figures").mkdir()
    for kind in ("pdf", "png"):
        plt.figure(figsize=(1, 1)).savefig(tmp_path / f"figures/f.{kind}")
        plt.close()
    files.write_text(
        tmp_path / "figures/f.sha256", files.sums(*sorted((tmp_path / "figures").glob("f.p*")))
    )
    (tmp_path / "e/checkpoints").mkdir()
    (tmp_path / "e/checkpoints/s.safetensors").write_bytes(b"left by a job that was killed")
    return tmp_path


def test_results_as_they_were_written_are_intact(results: Path) -> None:
    assert check(results, planned=PLANNED) == Checked(len(NAMES) - 2, [], [])


def test_files_of_an_older_plan_are_counted_and_not_judged(results: Path) -> None:
    left = [results / "e/plan/old.json", results / "e/runs/old.jsonl", results / "e/tables/old.csv"]
    for path in left:
        path.write_text("whatever an older version wrote")
    assert check(results, planned=PLANNED) == Checked(len(NAMES) - 2, [], left)


@pytest.mark.parametrize("how", ["flipped", "truncated", "emptied"])
@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_result_is_named_with_the_way_to_rebuild(
    name: str, how: str, results: Path
) -> None:
    content = bytearray((results / name).read_bytes())
    content[len(content) // 2] ^= 1
    end = {"flipped": len(content), "truncated": len(content) - 9, "emptied": 0}[how]
    (results / name).write_bytes(content[:end])
    found = check(results, planned=PLANNED)
    assert any(Path(name).name in str(error) for error in found.damaged)
    assert all("rebuild it with: snakemake" in str(error) for error in found.damaged)
