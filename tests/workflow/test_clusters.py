"""More than one machine: the profiles say what the rules know, and a job plans no more than it
needs.
"""

import importlib.util
import json
import re
import sys
from types import ModuleType
from typing import Any

import pytest
import yaml

from helpers.plans import ROOT
from slowpoints.plan import dag
from slowpoints.spec import experiment as experiment_module
from slowpoints.spec.canonical import digest, shape
from slowpoints.spec.run import BLOCKS

PROFILES = sorted(path.parent.name for path in (ROOT / "profiles").glob("*/profile.yaml"))
RULES = {
    name
    for path in (ROOT / "workflow/rules").glob("*.smk")
    for name in re.findall(r"^rule (\w+):", path.read_text(), re.M)
}


def profile(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / "profiles" / name / "profile.yaml").read_text())


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / f"workflow/scripts/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(ROOT / "workflow/scripts"))  # as Python does where it runs a script
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_names_rules_and_groups_that_exist(name):
    own = profile(name)
    groups = dict(entry.split("=") for entry in own.get("groups", []))
    components = dict(entry.split("=") for entry in own.get("group-components", []))
    assert set(groups) | {entry.split(":")[0] for entry in own.get("set-resources", [])} <= RULES
    assert set(components) == set(groups.values())


@pytest.mark.parametrize("name", ["slurm", "kubernetes"])
def test_tables_of_two_experiments_are_never_in_one_group(name):
    """Else a group may wait for itself.

    Fine-tuned networks start from another experiment's tables.
    """
    assert "run_analysis=tables-{experiment}" in profile(name)["groups"]


@pytest.mark.parametrize("name", ["slurm", "kubernetes"])
def test_each_attempt_on_a_cluster_asks_for_more_memory(name):
    own = profile(name)
    assert own["retries"] >= 1
    assert [
        entry for entry in own["default-resources"] if re.fullmatch(r"mem_mb=\d+ \* attempt", entry)
    ]


def test_a_job_reads_the_file_of_its_own_experiment_alone(monkeypatch):
    read = []
    monkeypatch.setattr(
        dag,
        "load",
        lambda path, scale: read.append(path.stem) or experiment_module.load(path, scale=scale),
    )
    for cached in (dag.experiment_at, dag.all_stacks):
        cached.cache_clear()
    name = next(iter(dag.all_stacks("smoke", "haviv2019-control")))
    assert dag.stack("smoke", "haviv2019-control", name).experiment == "haviv2019-control"
    assert read == ["haviv2019-control"]


def test_settings_are_resolved_once_for_all_seeds(monkeypatch, tmp_path):
    source = ROOT / "config/experiments/long2016-state.yaml"
    resolved = []
    true = experiment_module.resolve
    monkeypatch.setattr(
        experiment_module,
        "resolve",
        lambda *blocks, **named: resolved.append(1) or true(*blocks, **named),
    )
    path = tmp_path / source.name
    counts = []
    for seeds in (2, 50):
        path.write_text(
            source.read_text().replace(
                "smoke: {train.steps: 100, seeds: 2,", f"smoke: {{train.steps: 100, seeds: {seeds},"
            )
        )
        resolved.clear()
        found = experiment_module.load(path, scale="smoke")
        assert len(found.runs) == seeds * len(found.conditions)
        counts.append(len(resolved))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("name", ["long2016-state", "haviv2019-curricula", "collins2017-functions"])
def test_every_run_lies_in_the_stack_of_its_own_settings(name):
    own = dag.experiment_at("laptop", name)
    found = dag.all_stacks("laptop", name)
    assert sum(len(stack.runs) for stack in found.values()) == len(own.runs)
    for stack in found.values():
        for run in stack.runs:
            key = digest([name, "laptop", shape(run.blocks, *BLOCKS)])[:8]
            assert stack.name == f"{run.net.cell}-{key}-{run.seed // own.seeds_per_stack}"


def test_the_page_on_planning_is_made_from_its_numbers():
    found = json.loads((ROOT / "docs/benchmarks/planning.json").read_text())
    assert (
        script("bench_planning").page(found) == (ROOT / "docs/benchmarks/planning.md").read_text()
    )


def test_the_page_on_slurm_names_what_differs():
    found = {
        "slurm": "1",
        "snakemake": "9",
        "plugin": "2",
        "cpus": 2,
        "slurm_s": 9,
        "local_s": 4,
        "steps": 2,
        "equal": 5,
    }
    found |= {"jobs": 3, "states": {"COMPLETED": 2, "FAILED": 1}, "not_compared": 1, "missing": []}
    found |= {
        "differ": ["runs/b.jsonl"],
        "kills": [{"how": "scancel", "job": "a", "slurm": "7", "after_s": 5}],
    }
    page = script("slurm_test").page(found)
    assert "| files that differ | `runs/b.jsonl` |" in page
    assert "3: 2 completed, 1 failed" in page
    assert "| scancel | a (7) | 5 |" in page


def test_results_that_differ_in_one_byte_or_are_not_there_are_named(tmp_path):
    for folder in ("here", "there"):
        (tmp_path / folder / "runs").mkdir(parents=True)
        (tmp_path / folder / "runs/a.jsonl").write_text("equal")
        (tmp_path / folder / "runs/b.jsonl").write_text(folder[0])
        (tmp_path / folder / "runs/a.provenance.json").write_text(folder)
    (tmp_path / "here/only.csv").write_text("")
    found = script("comparison").compare(tmp_path / "here", tmp_path / "there")
    assert found == {
        "equal": 1,
        "differ": ["runs/b.jsonl"],
        "missing": ["only.csv"],
        "not_compared": 1,
    }
