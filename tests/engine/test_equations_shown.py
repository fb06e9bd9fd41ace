"""Equations shown on the site: numbers put into them give what the cell's step gives."""

import math
import re

import pytest
import torch

from helpers.networks import build
from slowpoints import cells
from slowpoints.cells.definition import Bundle, Cell
from slowpoints.cells.network import Network, count_parameters
from slowpoints.engine import equations

WRITTEN = [name for name in cells.names() if equations.equations(build(name))]
FUNCTIONS = {
    "sigma": lambda x: 1 / (1 + math.exp(-x)),
    "tanh": math.tanh,
    "exp": math.exp,
    "relu": lambda x: max(x, 0.0),
}


def test_every_cell_but_the_one_that_takes_a_cosine_has_equations():
    assert set(cells.names()) - set(WRITTEN) == {"lru"}


def as_python(latex: str) -> str:
    """Return a line of LaTeX, for layers of one unit and one input, as Python."""
    text = re.sub(r"\\frac\{(.*)\}\{(.*)\}$", r"(\1) / (\2)", latex)
    text = re.sub(r"\\(?:text|operatorname)\{([^}]*)\}", lambda m: m[1].replace(" ", "_"), text)
    text = text.replace(r"\odot", "*").replace(r"\,", "*").replace("t-1", "before")
    text = re.sub(r"\\(sigma|tanh|exp)", r"\1", text)
    return re.sub(r"[{}^]", "", text)


def by_hand(cell: Cell, numbers: dict[str, float]) -> dict[str, float]:
    """Evaluate the shown equations line by line.

    A name without a value gets the number of that name.
    """
    known = dict(numbers)
    for line in equations.equations(cell):
        left, right = (as_python(side) for side in line.split(" &= "))
        known[left] = eval(right, dict(FUNCTIONS), known)
        if gate := re.fullmatch(r"(?:sigma|tanh|relu)\((.*)\)", right):
            known[f"p{left}"] = eval(gate[1], dict(FUNCTIONS), known)  # the stream itself
    return known


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_shown_is_what_the_step_computes(name):
    cell = build(name)
    names = {
        word for line in equations.equations(cell) for word in re.findall(r"\w+", as_python(line))
    }
    rng = torch.Generator().manual_seed(3)
    draws = torch.randn(len(names), generator=rng, dtype=torch.float64).tolist()
    numbers = {
        word: value
        for word, value in zip(sorted(names), draws, strict=True)
        if word not in FUNCTIONS
    }
    shown = by_hand(cell, numbers)
    p = {s.name: torch.tensor(shown.get(f"p{s.name}_t", shown.get("x_t"))) for s in cell.streams}
    s = {
        state: torch.tensor(numbers[f"{state}_before"], dtype=torch.float64)
        for state in cell.states
    }
    for target, value in zip((*cell.states, "y"), cell.step(Bundle(p), Bundle(s)), strict=False):
        assert shown[f"{target}_t"] == pytest.approx(float(value), rel=1e-6)


def test_the_gru_reads_as_in_a_paper():
    affine = r"W_{\text{%s}}\, x_t + R_{\text{%s}}\, %s + b_{\text{%s}}"
    assert equations.equations(build("gru")) == [
        r"\text{reset}_t &= \sigma(" + affine % ("reset", "reset", "h_{t-1}", "reset") + ")",
        r"\text{update}_t &= \sigma(" + affine % ("update", "update", "h_{t-1}", "update") + ")",
        r"q_t &= \text{reset}_t \odot h_{t-1}",
        r"\text{candidate}_t &= \tanh("
        + affine % ("candidate", "candidate", "q_t", "candidate")
        + ")",
        r"h_t &= \text{update}_t \odot h_{t-1} + (1 - \text{update}_t) \odot \text{candidate}_t",
    ]


@pytest.mark.parametrize("name", cells.names())
@pytest.mark.parametrize(("n_in", "units"), [(1, 1), (7, 5), (64, 64)])
def test_the_number_of_parameters_is_that_of_the_engine(name, n_in, units):
    cell = build(name)
    formula = (
        equations.parameters(cell).replace("H^2", "*H*H").replace("IH", "*I*H").replace("^", "**")
    )
    formula = re.sub(r"(^| )\*", r"\1 1*", re.sub(r"(\d)H", r"\1*H", formula))
    read_out = units + 1
    assert (
        eval(formula, {"I": n_in, "H": units})
        == count_parameters(Network(cell, n_in, 1, units)) - read_out
    )


def test_speed_is_said_as_it_is_measured():
    assert equations.describe()["lstm"]["speed"] == r"h, \tanh(c)"
