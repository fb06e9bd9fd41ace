"""The engine on a GPU, where there is one.

Against float64 on the CPU, and the recorded step against the plain one.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from helpers.agreement import LAST, assert_close, case, values_and_gradients
from helpers.plans import TASKS, make_run
from slowpoints import cells
from slowpoints.engine.draws import Draws
from slowpoints.training import job
from slowpoints.training.trainer import Trainer, fit

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


@pytest.mark.parametrize(
    ("units", "batch", "steps", "depth"), [(1, 1, 2, 1), (17, 7, 20, 2), (128, 64, 100, 1)]
)
@pytest.mark.parametrize("name", cells.names())
def test_values_and_gradients_agree_with_the_reference_in_float64(
    name: str, units: int, batch: int, steps: int, depth: int
) -> None:
    net, params, x, wanted = case(name, units=units, batch=batch, steps=steps, depth=depth)
    there = {key: value.detach().cuda().requires_grad_() for key, value in params.items()}
    found = values_and_gradients(net, there, x.detach().cuda().requires_grad_(), last=LAST)

    def back(parts: list[Tensor]) -> list[Tensor]:
        return [part.cpu() for part in parts]

    assert_close((back(found[0]), back(found[1])), wanted)


def test_random_numbers_are_those_of_a_cpu() -> None:
    here, there = (Draws([1, 2], device=torch.device(name)) for name in ("cpu", "cuda"))
    assert torch.equal(there.random(2000, 3).cpu(), here.random(2000, 3))
    assert torch.equal(there.integers(-5, 9, (2000,)).cpu(), here.integers(-5, 9, (2000,)))
    torch.testing.assert_close(there.normal(2000).cpu(), here.normal(2000), rtol=1e-5, atol=1e-5)


def trained(
    runs: list[dict[str, Any]],
    device: torch.device,
    folder: Path,
    width: int | None = None,
    n_parts: int = 1,
) -> Trainer:
    own = Trainer(runs, device=device, data_dir=Path(), start=None, width=width, n_parts=n_parts)
    fit(own, path=folder / "none.safetensors", key="test")
    return own


@pytest.fixture
def gpu() -> Iterator[torch.device]:
    """The device as a training job gets it, deterministic."""
    yield job.device_named("cuda", matmul="float32")
    torch.use_deterministic_algorithms(False)


def agree(runs: list[dict[str, Any]], gpu: torch.device, folder: Path) -> None:
    there, here = (trained(runs, device, folder, width=2) for device in (gpu, torch.device("cpu")))
    torch.testing.assert_close(there.slots.weights, here.slots.weights, rtol=1e-4, atol=1e-5)
    assert [own.steps for own in there.outcomes] == [own.steps for own in here.outcomes]
    again = trained(runs, gpu, folder, width=2)
    assert torch.equal(again.slots.weights, there.slots.weights), (
        "the same job twice is the same to the bit"
    )
    wide = trained(runs, gpu, folder, width=4)
    torch.testing.assert_close(wide.slots.weights, there.slots.weights, rtol=1e-4, atol=1e-5)
    split = trained(runs, gpu, folder, width=4, n_parts=2)
    torch.testing.assert_close(split.slots.weights, there.slots.weights, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["gru", "lstm", "pru", "intersection_rnn"])
def test_training_on_a_gpu_is_training(name: str, gpu: torch.device, tmp_path: Path) -> None:
    agree([make_run(i, net={"cell": name}, steps=5 * (i + 1)) for i in range(4)], gpu, tmp_path)


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_every_task_trains_on_a_gpu(
    task: dict[str, Any], gpu: torch.device, tmp_path: Path
) -> None:
    agree([make_run(i, task=task, steps=5 * (i + 1)) for i in range(4)], gpu, tmp_path)
