import ast
from dataclasses import dataclass
from typing import Literal

import pytest
import torch

from helpers.networks import OF_THE_PAPERS, build
from slowpoints import cells
from slowpoints.cells.definition import Bundle, Stream, cell


def test_the_cells_of_the_papers_are_there():
    assert set(OF_THE_PAPERS) <= set(cells.names())


def test_an_unknown_cell_is_refused_naming_the_known_ones():
    with pytest.raises(KeyError, match=r"unknown cell 'gruu'; known: gru, .*ugrnn"):
        cells.load("gruu")


def test_the_definition_is_not_a_cell():
    assert "definition" not in cells.names()


@pytest.mark.parametrize("name", cells.names())
def test_a_cell_is_called_as_its_file(name):
    assert build(name).name == name


@pytest.mark.parametrize("name", cells.names())
def test_the_settings_of_a_cell_are_read_without_importing_it(name):
    with open(cells.load(name).__file__, encoding="utf-8") as file:
        body = ast.parse(file.read()).body
    (node,) = [node for node in body if isinstance(node, ast.ClassDef) and node.name == "Settings"]
    scope = {"dataclass": dataclass, "Literal": Literal, "__name__": "alone"}
    exec(compile(ast.Module([node], []), name, "exec"), scope)
    assert repr(scope["Settings"]()) == repr(cells.load(name).Settings())


def test_a_step_that_reads_an_unknown_name_says_what_is_known():
    p = Bundle({"candidate": torch.zeros(1), "gate": torch.zeros(1)})
    with pytest.raises(AttributeError, match=r"no 'gates' here; known: candidate, gate"):
        p.gates  # noqa: B018


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (
            {"streams": ("a",), "projections": ("b",)},
            r"projections \['b'\] are not streams; known: \['a'\]",
        ),
        ({"streams": ("a",), "keep": ("b",)}, r"keep \['b'\] are not streams"),
        ({"streams": ("a",), "projections": ()}, "no projection of the state"),
        (
            {"streams": ("a", "b"), "second": ("b",), "read": lambda p, s: s.h, "recurrent": False},
            "so the cell is rec",
        ),
        ({"streams": ("a",), "emitted": 2}, "emits 2 numbers a unit: needs output_map"),
        (
            {"streams": (Stream("a", of="nothing"),)},
            r"\['a'\] are of nothing, so they are a bias alone",
        ),
        (
            {"streams": ("a", Stream("b", of="nothing", affine=False)), "projections": ("a",)},
            r"\['b'\] are of nothing",
        ),
        ({"streams": ("a", "b"), "second": ("b",)}, "`second` and `read` together"),
        ({"streams": ("a",), "read": lambda p, s: s.h}, "`second` and `read` together"),
        ({"streams": (Stream("a", affine=False),)}, "must be plain affine"),
        ({"streams": (Stream("a", through=torch.tanh),)}, "must be plain affine"),
        ({"streams": ("a", Stream("b", of="a"))}, "give them one source"),
        (
            {"streams": (Stream("a", of="b"),)},
            r"\['b'\] cannot be sources; known: \['input', 'nothing'\]",
        ),
        (
            {"streams": ("a",), "states": ("h", "c"), "measure": (torch.tanh,)},
            "2 states need as many",
        ),
    ],
)
def test_a_definition_that_cannot_run_is_refused(definition, message):
    with pytest.raises(ValueError, match=message):
        cell(**definition)(lambda p, s: (p.a,))
