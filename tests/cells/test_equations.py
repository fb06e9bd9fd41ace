"""Each cell against the independent reference.

Tolerance: float64 sums of tens of terms of order one, so 1e-12; gradients sum hundreds, so 1e-11.
"""

import ast
import copy
import itertools

import numpy as np
import pytest
import torch

from helpers.networks import OF_THE_PAPERS, build, normal, parameters
from helpers.reference_cells import STEPS, gradient, unroll
from slowpoints import cells, engine

CASES = pytest.mark.parametrize(("name", "settings"), list(STEPS), ids=str)


def ours_and_reference(made, name, settings, *, depth):
    net = engine.Network(made, n_in=2, n_out=2, units=3, depth=depth, learned_state=True)
    P, x = parameters(net, n_runs=1), normal(1, 2, 4, 2)
    y, final = engine.unroll(net, P, x)
    arrays = {key: value[0].detach().numpy() for key, value in P.items()}

    def reference(Q):
        return unroll(STEPS[name, settings], Q, x[0].numpy(), depth=depth, states=made.states)

    return P, engine.readout(net, P, y)[0], final, arrays, reference


@CASES
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_outputs_and_states_follow_the_equations(name, settings, depth):
    _, out, final, arrays, reference = ours_and_reference(
        build(name, settings), name, settings, depth=depth
    )
    expected, states = reference(arrays)
    np.testing.assert_allclose(out.detach().numpy(), expected, rtol=0, atol=1e-12)
    for layer, layer_states in zip(final, states, strict=True):
        for state, expected_state in zip(layer, layer_states, strict=True):
            np.testing.assert_allclose(
                state[0].detach().numpy(), expected_state, rtol=0, atol=1e-12
            )


@CASES
def test_every_gradient_follows_the_equations(name, settings):
    P, out, _, arrays, reference = ours_and_reference(
        build(name, settings), name, settings, depth=2
    )
    weight = normal(*out.shape, seed=8)
    gradients = torch.autograd.grad((out * weight).sum(), list(P.values()))
    for key, ours in zip(P, gradients, strict=True):
        expected = gradient(lambda Q: (reference(Q)[0] * weight.numpy()).sum(), arrays, key)
        np.testing.assert_allclose(ours[0].numpy(), expected, rtol=0, atol=1e-11, err_msg=key)


def test_no_cell_of_the_papers_lacks_a_reference():
    assert {name for name, _ in STEPS} >= set(OF_THE_PAPERS)


def equations(tree):
    """Return the functions with the math of a cell: those nested in `build`."""
    (made,) = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "build"
    ]
    return [
        node for node in ast.walk(made) if isinstance(node, ast.FunctionDef) and node is not made
    ]


def slips(node):
    """Yield (what, change) for one node of an equation.

    Another sign, function, stream or constant.
    """
    other_sign = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add}
    other_function = {"tanh": "sigmoid", "sigmoid": "tanh", "relu": "tanh"}
    if isinstance(node, ast.BinOp) and type(node.op) in other_sign:
        yield "sign", lambda node: setattr(node, "op", other_sign[type(node.op)]())
    if isinstance(node, ast.Attribute) and node.attr in other_function:
        yield "function", lambda node: setattr(node, "attr", other_function[node.attr])
    if isinstance(node, ast.Constant) and node.value == 1:
        yield "constant", lambda node: setattr(node, "value", 2)


def mutants(tree):
    """Return (description, tree) for every slip, and for every two streams of an equation
    exchanged.
    """
    found = []
    for index, function in enumerate(equations(tree)):
        body = [node for statement in function.body for node in ast.walk(statement)]
        for position, node in enumerate(body):
            for what, change in slips(node):
                mutant = copy.deepcopy(tree)
                twin = equations(mutant)[index]
                change([node for statement in twin.body for node in ast.walk(statement)][position])
                found.append((f"{what}: {ast.unparse(node)}", mutant))
        streams = sorted(
            {n.attr for n in body if isinstance(n, ast.Attribute) and ast.unparse(n.value) == "p"}
        )
        for a, b in itertools.pairwise(streams):
            mutant = copy.deepcopy(tree)
            for n in ast.walk(equations(mutant)[index]):
                if (
                    isinstance(n, ast.Attribute)
                    and ast.unparse(n.value) == "p"
                    and n.attr in (a, b)
                ):
                    n.attr = a if n.attr == b else b
            found.append((f"exchange: {a}, {b}", mutant))
    return found


@pytest.mark.parametrize("name", sorted({name for name, _ in STEPS}))
def test_every_slip_in_an_equation_is_noticed(name):
    with open(cells.load(name).__file__, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    found = mutants(tree)
    for description, mutant in found:
        scope = {"__name__": cells.load(name).__name__}
        exec(compile(ast.fix_missing_locations(mutant), name, "exec"), scope)
        made = scope["build"](scope["Settings"]())
        _, out, _, arrays, reference = ours_and_reference(made, name, (), depth=2)
        assert np.abs(out.detach().numpy() - reference(arrays)[0]).max() > 1e-6, description
    assert found or name == "rnn", "no equation found to change"
