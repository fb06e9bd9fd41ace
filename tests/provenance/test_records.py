"""Results on disk: whole or not at all, and damage is seen."""

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers.plans import FACTS, make_record, make_run
from slowpoints.provenance import records
from slowpoints.provenance.record import OfStudy, Record
from slowpoints.provenance.records import BadResult

ROW = {"id": "e/a/0", "experiment": "e", "arm": "a", "seed": 0, "sweep": {"task.n_targeted": 2}}


def test_records_come_back_as_written(tmp_path: Path) -> None:
    trial = replace(
        make_run(1), sweep={"net.units": 4, "phase": "trial"}, suggested={"train.lr": 0.1}
    )
    told = OfStudy({"mse": 0.1}, None, {"metric": "mse", "goal": "lowest", "sampler": "gp"})
    known = [
        make_record(make_run()),
        make_record(trial, metrics={"mse": 0.1, "exact_match": None}, study=told),
    ]
    records.write_records(tmp_path / "r.jsonl", known)
    assert records.read_records(tmp_path / "r.jsonl") == known


def test_a_record_of_other_settings_is_named(tmp_path: Path) -> None:
    content = make_record(make_run()).as_json()
    records.write_lines(
        tmp_path / "r.jsonl", [content | {"net": content["net"] | {"biass_init": "zero"}}]
    )
    with pytest.raises(BadResult, match=r"from another version of the project .*biass_init"):
        records.read_records(tmp_path / "r.jsonl")


def test_a_number_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        records.write_lines(tmp_path / "r.jsonl", [{"x": float("nan")}])
    assert list(tmp_path.iterdir()) == []


def test_tables_keep_every_digit(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": [0.1 + 0.2, 1e-300, np.nan], "name": ["a", "b", "c"]})
    records.write_table(tmp_path / "t.csv", table)
    pd.testing.assert_frame_equal(records.read_table(tmp_path / "t.csv"), table, check_exact=True)


def test_arrays_come_back_with_the_same_seal_and_bytes(tmp_path: Path) -> None:
    arrays = {
        "b": np.arange(6, dtype=np.float32).reshape(2, 3),
        "a": np.zeros((0, 4), dtype=np.uint8),
    }
    first, second = (
        records.write_arrays(tmp_path / name, arrays) for name in ("1.safetensors", "2.safetensors")
    )
    assert first == second
    assert (tmp_path / "1.safetensors").read_bytes() == (tmp_path / "2.safetensors").read_bytes()
    found = records.read_arrays(tmp_path / "1.safetensors", seal=first)
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    with pytest.raises(BadResult, match="not the file that its records describe"):
        records.read_arrays(tmp_path / "1.safetensors", seal="0" * 64)


@pytest.mark.parametrize("name", ["r.jsonl", "t.csv", "a.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "truncated", "flipped", "appended"])
def test_damage_is_named_with_the_way_to_rebuild(tmp_path: Path, name: str, damage: str) -> None:
    path = tmp_path / name
    records.write_lines(tmp_path / "r.jsonl", [ROW])
    records.write_table(tmp_path / "t.csv", pd.DataFrame({"x": [1.5]}))
    records.write_arrays(tmp_path / "a.safetensors", {"x": np.ones(9)})
    content = bytearray(path.read_bytes())
    middle = len(content) - 3 if name == "a.safetensors" else 5
    content[middle] ^= 1
    {
        "missing": path.unlink,
        "truncated": lambda: path.write_bytes(path.read_bytes()[:-20]),
        "flipped": lambda: path.write_bytes(content),
        "appended": lambda: path.write_bytes(path.read_bytes() + b"x"),
    }[damage]()
    read = {
        "r.jsonl": records.read_records,
        "t.csv": records.read_table,
        "a.safetensors": records.read_arrays,
    }[name]
    with pytest.raises(BadResult, match=f"{name}: .*rebuild it with: snakemake"):
        read(path)


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    records.write_text(path, "old")
    with pytest.raises(OSError, match="No space"):
        _fill_the_disk(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def _fill_the_disk(path: Path) -> None:
    with records.atomic(path) as temporary:
        temporary.write_text("half of the n")
        raise OSError(errno.ENOSPC, "No space left on device")


def test_identity_names_run_and_sweep_point() -> None:
    run = replace(make_run(net={"units": 3}), experiment="e", sweep={"task.n_targeted": 2})
    record = make_record(run, n_parameters=9)
    assert records.identity(record) == {
        "run": "e/a/n_targeted=2/0",
        "experiment": "e",
        "arm": "a",
        "seed": 0,
        "n_parameters": 9,
        "outcome": "ok",
        "cell": "gru",
        "units": 3,
        "depth": 1,
        "curriculum": "none",
        "n_targeted": 2,
    }


def of_numerics(cell: str = "gru", **changed: Any) -> Record:
    facts = replace(
        FACTS,
        **{name: value for name, value in changed.items() if name not in ("code", "env", "torch")},
    )
    digests = {name: changed.get(name, default) for name, default in (("code", "1"), ("env", "e"))}
    versions = {"torch": changed.get("torch", "2.0"), "numpy": "2.0"}
    run = make_run(task={"name": "adding"}, net={"cell": cell})
    return make_record(run, facts=replace(facts, digests=digests, versions=versions))


def test_records_of_other_cells_cpus_engines_and_threads_stand_side_by_side() -> None:
    rows = [
        of_numerics(),
        of_numerics("pru", code="2"),
        of_numerics(device="cpu AVX512", engine="eager", threads=2),
    ]
    records.check_one_version({Path("a.jsonl"): rows})


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"code": "2"}, "code of gru on adding is 2, that of most records beside it 1"),
        ({"env": "f"}, "env is f"),
        ({"torch": "2.1"}, "torch is 2.1"),
        ({"device": "NVIDIA A"}, "device is gpu"),
        ({"matmul": "tf32"}, "matmul is tf32"),
        ({"dtype": "float64"}, "dtype is float64"),
    ],
)
def test_records_of_two_numerics_are_not_mixed(other: dict[str, str], message: str) -> None:
    files = {Path("a.jsonl"): [of_numerics()] * 2, Path("b.jsonl"): [of_numerics(**other)]}
    with pytest.raises(
        BadResult,
        match=rf"b\.jsonl: its {message}.*not mixed; rebuild it with: snakemake .* b\.jsonl",
    ):
        records.check_one_version(files)
