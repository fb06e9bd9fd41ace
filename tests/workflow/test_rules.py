"""Rules and layers, read as text: every rule names what its results depend on, and imports point down."""

import ast
import json
import re
from pathlib import Path

import pytest

from plans import ROOT
from slowpoints import dag
from slowpoints.spec.digests import closure
from slowpoints.spec.strict import SpecError

PACKAGE = ROOT / "src" / "slowpoints"
RULES = [
    (path.name, name, body)
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk"))
    for name, body in re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", path.read_text(), re.MULTILINE | re.DOTALL)
]

# layer: what it may import of ours
BASE = {"spec", "records", "files"}
MODEL = {"spec", "records", "files", "cells", "tasks", "engine", "stack"}
EVERYWHERE = {"errors"}
ALLOWED = {
    "spec": {"claim_spec"},
    "claim_spec": {"spec"},
    "errors": set(),
    "files": set(),
    "records": {"spec", "files"},
    "datasets": {"files"},
    "intact": BASE,
    "cells": set(),
    "tasks": {"datasets"},
    "curricula": {"tasks"},
    "engine": {"cells"},
    "equations": {"cells", "engine"},
    "dynamics": set(),
    "capacity": set(),
    "extremes": set(),
    "statistics": set(),
    "optimise": {"engine"},
    "checkpoint": {"records"},
    "fates": set(),
    "locks": set(),
    "interruption": set(),
    "history": {"records", "optimise"},
    "slots": {"optimise"},
    "stack": {"spec", "records", "cells", "tasks", "engine"},
    "feed": {"stack", "tasks", "curricula"},
    "evaluate": MODEL | {"feed"},
    "regularise": MODEL,
    "recovery": {"interruption", "train"},
    "train": MODEL
    | {"interruption", "checkpoint", "evaluate", "fates", "feed", "history", "optimise", "regularise", "slots"},
    "circumstances": {"spec"},
    "job": MODEL | {"circumstances", "recovery", "regularise", "train"},
    "suggest": {"spec", "cells"},
    "tune": MODEL | {"checkpoint", "circumstances", "job", "recovery", "suggest", "train"},
    "analyses": MODEL | {"curricula", "datasets", "dynamics", "capacity", "evaluate", "extremes", "feed", "statistics"},
    "analyse": BASE | {"analyses", "stack"},
    "notebook_page": set(),
    "notebook": {"notebook_page", "files"},
    "paper": {"files"},
    "dag": {"spec", "claim_spec", "notebook", "paper"},
    "documented": {"spec"},
    "site": {"spec", "claim_spec", "files", "records", "dag", "documented", "notebook_page", "readme", "printing"},
    "fuzz": MODEL | {"dag", "train"},
    "verify": MODEL | {"job", "train"},
    "printing": set(),
    "figures": {"files", "records", "statistics", "capacity", "printing"},
    "claims": {"spec", "records", "files", "claim_spec", "statistics", "dag", "jobs", "printing"},
    "jobs": {"records"},
    "crate": {"files", "spec", "records", "jobs", "dag"},
    "timings": {"spec", "records", "jobs", "benchmarks"},
    "readme": {"records", "claims", "jobs", "printing"},
    "trace": BASE | {"claim_spec", "claims", "dag", "jobs", "readme", "printing"},
    "bench": MODEL | {"dynamics", "job", "optimise", "suggest", "tune"},
    "cost": MODEL | {"dag", "fates"},
    "cli": None,
    "parser": None,
    "account": {"options", "records"},
    "running": set(),
    "doctor": {"running"},
    "benchmarks": set(),
    "started": set(),
    "progress": {"spec", "dag", "doctor", "costs", "running", "benchmarks"},
    "first_figure": {"spec", "dag", "doctor", "costs", "started"},
    "costs": {"spec", "dag", "doctor", "options", "benchmarks"},
    "commands": None,
    "stages": None,
    "options": set(),
    "__main__": {"cli"},
    "__init__": set(),
}


def layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_layers(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: absolute imports only"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name.split(".")[1] for name in names if name.startswith("slowpoints.")}
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    allowed = ALLOWED[layer(path)]
    if allowed is not None:
        wrong = imported_layers(path) - allowed - EVERYWHERE - {layer(path)}
        assert not wrong, f"{layer(path)} must not import {sorted(wrong)}"


@pytest.mark.parametrize(
    "path", sorted([*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]), ids=lambda p: p.name
)
def test_files_stay_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300


def test_planning_needs_no_torch_and_no_tables() -> None:
    assert "slowpoints.spec.strict" in closure("slowpoints.dag")
    for name in closure("slowpoints.dag"):
        tree = ast.parse((PACKAGE.parent / Path(*name.split("."))).with_suffix(".py").read_text()
                         if (PACKAGE.parent / Path(*name.split("."))).with_suffix(".py").is_file()
                         else (PACKAGE.parent / Path(*name.split(".")) / "__init__.py").read_text())  # fmt: skip
        top = {alias.name.split(".")[0] for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
        top |= {node.module.split(".")[0] for node in tree.body if isinstance(node, ast.ImportFrom) and node.module}
        assert not top & {"torch", "numpy", "pandas", "scipy", "papermill"}, f"{name} is read while planning"


@pytest.mark.parametrize(("file", "name", "body"), RULES, ids=[f"{f}:{n}" for f, n, _ in RULES])
def test_every_rule_says_what_its_results_depend_on(file: str, name: str, body: str) -> None:
    for directive in ("output:", "log:", "benchmark:", "conda:", "params:", "shell:"):
        assert f"    {directive}" in body, f"{name} has no {directive}"
    assert body.lstrip().startswith('"""')
    for param in ("cfg=", "code=", "env="):
        assert f"        {param}" in body, f"{name} does not track {param}"
    tracked = re.findall(r"^        (cfg|code|env)=(.*)", body, re.MULTILINE)
    assert not [value for _, value in tracked if re.match(r"lambda w, ", value)], "Snakemake ignores such parameters"
    stage = re.search(r'"stage (\w+) -m', body)
    environment = re.search(r"envs/(\w+)\.yaml", body)
    assert stage is not None
    assert environment is not None
    assert stage[1] == environment[1], "launcher and conda must name one environment"


@pytest.mark.parametrize(("file", "name", "body"), RULES)
def test_no_command_names_every_stack(file: str, name: str, body: str) -> None:
    assert not re.search(r"\{input\.(start_)?(runs|weights)[:}]", body), "it names all: a command has 128 KiB"


def test_a_misspelt_target_is_named_with_the_nearest_one() -> None:
    with pytest.raises(SpecError, match="unknown table of long2016-state 'outcome'; did you mean 'outcomes'"):
        dag.needs("smoke", "long2016-state", "outcome")
    with pytest.raises(SpecError, match="unknown figure 'overvew'; did you mean 'overview'"):
        dag.figure_inputs("smoke", "overvew")
    with pytest.raises(SpecError, match="unknown experiment 'long2016-stat'; did you mean 'long2016-state'"):
        dag.runs("smoke", "long2016-stat")


def test_there_are_rules_to_look_at() -> None:
    assert {name for _, name, _ in RULES} >= {
        "train_stack",
        "run_analysis",
        "draw_figure",
        "judge_claims",
        "prepare_data",
    }


@pytest.mark.parametrize("scale", ["smoke", "laptop", "paper"])
def test_every_figure_reads_tables_that_some_experiment_makes(scale: str) -> None:
    made = {path for name in dag.experiments(scale) for path in dag.tables(scale, name)} | set(dag.data_tables(scale))
    for name in dag.figure_names():
        wanted = set(dag.figure_inputs(scale, name).values())
        assert wanted <= made, f"{name} reads {sorted(wanted - made)}"


@pytest.mark.parametrize("scale", ["smoke", "laptop", "paper"])
def test_stack_names_and_run_ids_are_unique(scale: str) -> None:
    for name in dag.experiments(scale):
        ids = [run.id for stack in dag.all_stacks(scale, name).values() for run in stack.runs]
        assert len(set(ids)) == len(ids) == len(dag.experiments(scale)[name].runs)


def test_claims_are_unique_and_name_a_figure() -> None:
    claims = [claim for own in dag.experiments("laptop").values() for claim in own.claims]
    assert len({claim.id for claim in claims}) == len(claims) > 20
    assert {claim.figure for claim in claims} <= set(dag.figure_names())


def test_no_claim_is_judged_at_smoke_scale() -> None:
    assert not [c.id for own in dag.experiments("smoke").values() for c in own.claims if "smoke" in c.judged_at]


def test_a_changed_pin_of_data_is_a_changed_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = dag.data_cfg("mnist14")
    registry = json.loads((ROOT / "data" / "registry.json").read_text())
    registry["files"]["mnist14/train-images-idx3-ubyte"]["sha256"] = "0" * 64
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "registry.json").write_text(json.dumps(registry))
    monkeypatch.setattr(dag, "ROOT", tmp_path)
    assert dag.data_cfg("mnist14") != before


def test_every_rule_with_a_command_says_what_it_needs() -> None:
    for _, name, text in RULES:
        for need in ("threads:", "mem_mb=", "runtime="):
            assert "    shell:" not in text or need in text, f"{name} lacks {need}"
