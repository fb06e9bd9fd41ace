"""What docs/benchmarks/determinism.md states: what is equal bit for bit, what to a tolerance.

It names its other tests.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from helpers import numerics
from helpers.plans import ROOT, make_run
from slowpoints.provenance.records import read_arrays, read_lines, write_arrays, write_lines
from slowpoints.spec.stack import Stack
from slowpoints.training import job, verify

PAGE = (ROOT / "docs" / "benchmarks" / "determinism.md").read_text(encoding="utf-8")


TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_statement_names_tests_that_exist() -> None:
    _, _, table = PAGE.partition("\n| | test |\n|---|---|\n")
    statements = table.partition("\n\n")[0].splitlines()
    assert statements
    assert [row for row in statements if not TEST.search(row)] == []
    defined = {
        file: re.findall(r"^def (\w+)\(", (ROOT / file).read_text("utf-8"), re.MULTILINE)
        for file, _ in TEST.findall(PAGE)
    }
    assert [(file, name) for file, name in TEST.findall(PAGE) if name not in defined[file]] == []


def test_the_same_process_again_gives_the_same_bits() -> None:
    one, other = (numerics.under({}, "gru", "memorization", 20) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("other", numerics.OTHER)
def test_other_numerics_agree_at_first_to_the_stated_tolerance(other: str) -> None:
    loss, _ = numerics.apart(
        numerics.under({}, "gru", "memorization", 20),
        numerics.under(numerics.OTHER[other], "gru", "memorization", 20),
    )
    assert loss <= verify.AT_FIRST
    assert f"{100 * verify.AT_FIRST:g} %" in PAGE


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the record file of a small finished run of three networks, in a project of its own."""
    monkeypatch.chdir(tmp_path)
    runs = [
        make_run(seed, steps=20, lr=0.02 * (1 + seed), net={"cell": "gru", "units": 8})
        for seed in range(3)
    ]
    folder = Path("results/smoke/test/runs")
    names = (
        folder / f"s{suffix}" for suffix in (".plan", ".jsonl", ".safetensors", ".provenance.json")
    )
    job.run(
        Stack("s", "test", runs),
        out=job.Outputs(*names),
        checkpoint=tmp_path / "c.safetensors",
        device=torch.device("cpu"),
        data_dir=None,
        torch_build="cpu",
        start=None,
    )
    return folder / "s.jsonl"


def found(sample: int = 3) -> list[verify.Compared]:
    return list(verify.verify("smoke", sample=sample, seed=0, torch_build="cpu", data_dir=None))


def test_networks_trained_again_alone_equal_those_of_the_stack_to_the_bit(finished: Path) -> None:
    assert [(own.verdict, own.other) for own in found()] == [("equal", "")] * 3
    assert found(1) == found(1)
    assert len(found(1)) == 1


def rewritten(path: Path, **changes: Any) -> None:
    """Change the records and what they say of their weights, as if other numerics had made them."""
    write_lines(path, [content | changes for content in read_lines(path)])


def test_weights_that_are_not_those_of_the_record_differ(finished: Path) -> None:
    weights = finished.with_suffix(".safetensors")
    arrays = read_arrays(weights)
    arrays["readout.b"] = arrays["readout.b"] + 1e-7
    rewritten(finished, weights={"file": weights.name, "sha256": write_arrays(weights, arrays)})
    assert {own.verdict for own in found()} == {"differs"}
    with pytest.raises(verify.VerifyError, match="3 of 3 networks differ"):
        verify.sum_up(found())


def test_what_is_not_the_same_here_is_said_and_judged_by_the_tolerance(finished: Path) -> None:
    weights = finished.with_suffix(".safetensors")
    arrays = read_arrays(weights)
    arrays["readout.b"] = arrays["readout.b"] + 1e-7
    seal = {"file": weights.name, "sha256": write_arrays(weights, arrays)}
    rewritten(finished, weights=seal, device="cpu ANOTHER", engine="eager")
    assert [own.verdict for own in found()] == ["within tolerance"] * 3
    assert all("device cpu ANOTHER, here cpu" in own.other for own in found())
    assert all("engine eager, here" in own.other for own in found())


@pytest.mark.parametrize(
    ("same_bits", "other", "first", "device", "verdict"),
    [
        (True, "", 0.0, "NVIDIA H200", "equal"),
        (False, "", 1e-5, "NVIDIA H200", "within tolerance"),
        (False, "", 0.1, "NVIDIA H200", "differs"),
        (False, "", 1e-5, "cpu AVX512", "differs"),
        (False, "threads 1, here 2", 1e-5, "cpu AVX512", "within tolerance"),
    ],
)
def test_alone_a_run_may_round_otherwise_on_a_gpu_only(same_bits, other, first, device, verdict):
    assert verify._verdict(same_bits, other, first, device=device) == verdict


def test_a_record_older_than_a_setting_is_trained_with_its_default(finished: Path) -> None:
    net = {
        key: value for key, value in read_lines(finished)[0]["net"].items() if key != "bias_init"
    }
    rewritten(finished, net=net)
    assert [own.verdict for own in found()] == ["equal"] * 3
    assert all("net.bias_init was not a setting then" in own.other for own in found())


def test_a_setting_that_is_no_longer_known_is_said_and_not_passed_over(finished: Path) -> None:
    rewritten(finished, net=read_lines(finished)[0]["net"] | {"biass_init": "zero"})
    assert [own.verdict for own in found()] == ["too old"] * 3
    assert all("unknown key 'biass_init'; did you mean 'bias_init'" in own.other for own in found())
    with pytest.raises(
        verify.VerifyError, match="0 of 3 networks differ, 3 have settings that are no longer known"
    ):
        verify.sum_up(found())


def test_where_there_is_nothing_to_verify_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(verify.VerifyError, match="no records; make them with: snakemake"):
        found()
