"""Rules, read as text: every rule names what its results depend on."""

import ast
import json
import re
from pathlib import Path

import pytest

from helpers.plans import ROOT
from slowpoints.plan import dag
from slowpoints.spec.digests import closure
from slowpoints.spec.strict import SpecError

PACKAGE = ROOT / "src" / "slowpoints"
RULES = [
    (path.name, name, body)
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk"))
    for name, body in re.findall(
        r"^rule (\w+):\n(.*?)(?=^\S|\Z)", path.read_text(), re.MULTILINE | re.DOTALL
    )
]


def test_planning_needs_no_torch_and_no_tables() -> None:
    assert "slowpoints.spec.strict" in closure("slowpoints.plan.dag")
    for name in closure("slowpoints.plan.dag"):
        tree = ast.parse(
            (PACKAGE.parent / Path(*name.split("."))).with_suffix(".py").read_text()
            if (PACKAGE.parent / Path(*name.split("."))).with_suffix(".py").is_file()
            else (PACKAGE.parent / Path(*name.split(".")) / "__init__.py").read_text()
        )
        top = {
            alias.name.split(".")[0]
            for node in tree.body
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        top |= {
            node.module.split(".")[0]
            for node in tree.body
            if isinstance(node, ast.ImportFrom) and node.module
        }
        assert not top & {"torch", "numpy", "pandas", "scipy", "papermill"}, (
            f"{name} is read while planning"
        )


@pytest.mark.parametrize(("file", "name", "body"), RULES, ids=[f"{f}:{n}" for f, n, _ in RULES])
def test_every_rule_says_what_its_results_depend_on(file: str, name: str, body: str) -> None:
    for directive in ("output:", "log:", "benchmark:", "conda:", "params:", "shell:"):
        assert f"    {directive}" in body, f"{name} has no {directive}"
    assert body.lstrip().startswith('"""')
    for param in ("cfg=", "code=", "env="):
        assert f"        {param}" in body, f"{name} does not track {param}"
    tracked = re.findall(r"^        (cfg|code|env)=(.*)", body, re.MULTILINE)
    assert not [value for _, value in tracked if re.match(r"lambda w, ", value)], (
        "Snakemake ignores such parameters"
    )
    stage = re.search(r'"stage (\w+) -m', body)
    environment = re.search(r"envs/(\w+)\.yaml", body)
    assert stage is not None
    assert environment is not None
    assert stage[1] == environment[1], "launcher and conda must name one environment"


@pytest.mark.parametrize(("file", "name", "body"), RULES)
def test_no_command_names_every_stack(file: str, name: str, body: str) -> None:
    assert not re.search(r"\{input\.(start_)?(runs|weights)[:}]", body), (
        "it names all: a command has 128 KiB"
    )


def test_a_misspelt_target_is_named_with_the_nearest_one() -> None:
    with pytest.raises(
        SpecError, match="unknown table of long2016-state 'outcome'; did you mean 'outcomes'"
    ):
        dag.needs("smoke", "long2016-state", "outcome")
    with pytest.raises(SpecError, match="unknown figure 'overvew'; did you mean 'overview'"):
        dag.figure_inputs("smoke", "overvew")
    with pytest.raises(
        SpecError, match="unknown experiment 'long2016-stat'; did you mean 'long2016-state'"
    ):
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
    made = {path for name in dag.experiments(scale) for path in dag.tables(scale, name)} | set(
        dag.data_tables(scale)
    )
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
    assert not [
        c.id
        for own in dag.experiments("smoke").values()
        for c in own.claims
        if "smoke" in c.judged_at
    ]


def test_a_changed_pin_of_data_is_a_changed_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
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
