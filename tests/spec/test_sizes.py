"""What planning asks cells and tasks about sizes."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.own_parts import writer
from helpers.plans import make_run
from slowpoints import cells, engine
from slowpoints.cells.network import from_settings, named_streams, shapes
from slowpoints.engine import Network
from slowpoints.plan import dag
from slowpoints.spec import sizes
from slowpoints.spec.strict import SpecError

LIKE_ADDING = (
    "from slowpoints.tasks.adding import METRICS, Settings, n_out, sample, loss_kind, "
    "score, solved, constant, baseline\n"
)


@pytest.mark.parametrize("cell", cells.names())
def test_the_named_streams_are_those_that_have_parameters(cell: str) -> None:
    module = cells.load(cell)
    made = module.build(module.Settings())
    known = named_streams(made)
    owners = {
        re.sub(r"^\d+\.(W\.)?|\.W$", "", name)
        for name in shapes(Network(made, 3, 2, 4))
        if "W" in name
    }
    assert set(known["input_scale"]) == set(known["bias_scale"]) == owners
    assert set(known["recurrent_scale"]) == {
        name.split(".")[-1] for name in shapes(Network(made, 3, 2, 4)) if ".R." in name
    }


def test_a_stream_that_a_cell_lacks_is_refused() -> None:
    net = make_run(net={"keep_bias": {"updat": 1.0}}).net
    with pytest.raises(
        SpecError, match=r"x\.keep_bias: unknown stream of gru 'updat'; did you mean 'update'\?"
    ):
        sizes.check_streams(net, where="x")


def test_a_budget_below_one_unit_is_refused() -> None:
    run = dag.experiments("smoke")["collins2017-capacity"].runs[0]
    assert run.net.budget
    sizes.check_budget(run.task, run.net, where="x")
    with pytest.raises(
        SpecError, match=r"x.budget: one unit of rnn takes [0-9]+ parameters here, found 3"
    ):
        sizes.check_budget(run.task, replace(run.net, budget=3), where="x")


def test_a_front_counts() -> None:
    run = make_run(
        task={"name": "delayed_classification", "dataset": "cifar10"},
        net={"front": "conv", "front_maps": 4, "front_blocks": 2, "front_widths": [7, 5]},
    )
    cell = cells.load("gru").build(cells.load("gru").Settings())
    net = from_settings(cell, run.net, n_in=3073, n_out=10, frame=(3, 32, 32), units=1)
    convolved = 4 * (3 * 9 + 1) + 4 * (4 * 9 + 1)
    full = 7 * (4 * 8 * 8 + 1) + 5 * (7 + 1)
    assert engine.count_parameters(net) == convolved + full + 3 * (5 + 1) + 3 * (1 + 1) + 10 * (
        1 + 1
    )


@pytest.mark.parametrize(
    ("n_in", "message"),
    [
        (
            "import torch\n\n\ndef n_in(s):\n    return torch.tensor(3)\n",
            "n_in must return a whole number",
        ),
        ("def n_in(s):\n    return s.nothing\n", "n_in and n_out must work without torch: "),
    ],
)
def test_a_task_that_does_not_say_its_size_is_named(
    n_in: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer("tasks", tmp_path, monkeypatch)(LIKE_ADDING + n_in)
    run = make_run(net={"units": None, "budget": 100}, task={"name": "adding"})
    with pytest.raises(SpecError, match=f"tasks/own\\.py: {message}"):
        sizes.check_budget(replace(run.task, name="own"), run.net, where="x")
