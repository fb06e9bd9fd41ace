"""The page beside JAX, and the rivals that run here."""

import pytest

from bench import rivals
from bench.contenders import Case


@pytest.mark.parametrize("cell", rivals.CELLS)
def test_the_step_of_vmap_changes_every_network(cell: str) -> None:
    case = Case(cell, units=4, steps=3, batch=5, runs=2)
    step, params = rivals.by_vmap(case, compiled=False)
    before = {name: value.clone() for name, value in params.items()}
    step()
    for name, value in params.items():
        assert ((value - before[name]).abs().flatten(1).amax(1) > 0).all(), name


def test_the_page_gives_ratios_and_marks_those_below_the_aim() -> None:
    seconds = {"ours": 0.1, "map": 0.2, "vmap": 0.7, "torch": 1.0}
    cases = [
        Case(cell, units, 20, 64, 64)._asdict() | {"seconds": seconds, "share": 0.25}
        for cell in rivals.CELLS
        for units in rivals.UNITS
    ]
    page = rivals.page({"processor": "p", "torch": "t", "jax": "j", "cases": cases})
    assert "| **gru**, ours, ms | 100 | 100 | 100 | 100 | 100 |" in page
    assert "| JAX, `lax.map` over networks, `scan` | **2.0** (2.5) |" in page
    assert "| JAX, `vmap` over networks, `scan` | 7.0 (6) |" in page
    assert page.count("| share of the peak | 25 % |") == 2
    assert page.count("| 2.0 |") == 2, "beyond 128 units there is no aim"


def test_the_version_of_jax_is_that_of_the_script() -> None:
    assert rivals._jax_version().count(".") == 2
