"""From a clone to the first figure: what it needs, and the page that says how long it took."""

import json

import pytest

from bench import first_figure
from helpers.plans import ROOT
from slowpoints.machine import costs
from slowpoints.plan import dag


@pytest.mark.parametrize("scale", ["smoke", "laptop"])
def test_a_figure_needs_its_tables_their_networks_and_what_these_start_from(scale: str) -> None:
    found = first_figure.jobs_for(scale, "haviv2019-control")
    assert found <= set(costs.job_names(scale))
    assert "figures/haviv2019-control" in found
    assert {
        f"haviv2019-control/train/{name}" for name in dag.all_stacks(scale, "haviv2019-control")
    } <= found
    assert "haviv2019-curricula/analyse/slow_points" in found, "fine-tuning starts from these"
    assert not [job for job in found if job.startswith("collins2017")]


def test_the_cheapest_figure_costs_no_more_than_any_other() -> None:
    name, n = first_figure.cheapest("laptop")
    assert n == len(first_figure.jobs_for("laptop", name))
    kept = costs.kept()["laptop"]
    prices = {
        own: sum(
            costs.expected("laptop", job, kept) for job in first_figure.jobs_for("laptop", own)
        )
        for own in dag.figure_names()
    }
    assert prices[name] == min(prices.values())


FOUND = {
    "cores": 2,
    "share": 0.5,
    "python": "3.12.1",
    "warm": False,
    "local_wheels": False,
    "commit": "c",
    "steps": [
        {"name": "git clone", "seconds": 1.0, "cpu_s": 0.5},
        {"name": "make setup", "seconds": 99.0, "cpu_s": 60.2},
        {"name": "snakemake a.pdf", "seconds": 20.0, "cpu_s": 30.0, "jobs": 5},
        {"name": "snakemake b.pdf", "seconds": 180.0, "cpu_s": 200.0, "jobs": 10},
    ],
    "bytes": {".git": 5e6, ".envs": 3e9, "results": 1e6},
}


def test_the_page_adds_up_the_steps() -> None:
    said = first_figure.page(FOUND)
    assert "| `snakemake a.pdf` (5 jobs) | 30 | 20 | 120 |" in said
    assert "is there after **2 min**" in said
    assert "after **5 min**" in said
    assert "The caches of uv and pip were empty. All packages came from" in said
    assert "50% of the cores" in said
    other = first_figure.page(FOUND | {"warm": True, "local_wheels": True})
    assert "held what earlier set-ups had fetched. Some packages came from a local folder" in other


def test_the_kept_page_is_that_of_its_numbers() -> None:
    found = json.loads((ROOT / "docs/benchmarks/first-figure.json").read_text())
    assert (ROOT / "docs/benchmarks/first-figure.md").read_text() == first_figure.page(found)
