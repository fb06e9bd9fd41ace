"""What is planned is counted: trials that are stopped early cost what they are trained."""

from dataclasses import replace

import pytest

from bench import cost
from helpers.plans import ROOT
from slowpoints.spec.tuning import Study

STUDY = Study(
    metric="mse",
    goal="lowest",
    trials=8,
    sampler="gp",
    first=8,
    together=8,
    rungs=(0.125, 0.5),
    keep=0.375,
    reruns=4,
    space={},
)


def test_a_stack_with_rungs_costs_what_its_trials_are_trained() -> None:
    assert cost.share_trained(STUDY, 8) == pytest.approx(8 / 8 + 3 * 3 / 8 + 1 / 2)
    assert cost.share_trained(replace(STUDY, rungs=()), 8) == 8
    assert cost.share_trained(STUDY, 1) == 1


def test_a_study_is_its_stacks_and_its_reruns() -> None:
    assert cost.n_trainings(replace(STUDY, rungs=())) == 12
    assert cost.n_trainings(replace(STUDY, rungs=(), trials=21, first=3, together=5)) == 25
    assert cost.n_trainings(replace(STUDY, trials=24)) == pytest.approx(3 * 2.625 + 4)


def test_operations_are_six_per_parameter_sequence_and_step() -> None:
    found = cost.cost("laptop", "collins2017-parentheses")
    per_network = 6 * 3000 * 64 * 30 * 800
    assert found.networks == 7 * 32
    assert found.operations == pytest.approx(per_network * found.networks, rel=0.05), (
        "a budget is nearly filled"
    )
    assert found.most_parameters <= 3000


def test_the_kept_page_is_the_plans_and_a_text_quotes_it() -> None:
    page = (ROOT / "docs/benchmarks/cost-collins2017.md").read_text()
    assert page == cost.page("collins2017"), "run: make cost"
    _, jobs, networks, _, operations, *_ = (
        part.strip() for part in page.splitlines()[-1].strip("|").split("|")
    )
    mantissa, power = operations.split("e+")
    quoted = (
        f"{jobs} jobs, {networks} networks, {mantissa} · "
        f"10{power.translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"
    )
    assert quoted in " ".join((ROOT / "docs" / "how-it-works.md").read_text().split())
