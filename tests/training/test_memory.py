"""A stack that does not fit into memory is split and goes on, to the same bits, and its record says
so.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from helpers import one_job
from helpers.plans import make_run
from slowpoints import cells
from slowpoints.engine import recurrence
from slowpoints.engine.cpu import optimiser_step
from slowpoints.provenance.files import read_json
from slowpoints.training import memory, trainer
from slowpoints.training.memory import DeviceLost, OutOfMemory, Room, room_at, trained
from slowpoints.training.trainer import Trainer

CPU = torch.device("cpu")
SHORT = "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"


def make(runs: list[dict[str, Any]], **how: Any) -> Trainer:
    return Trainer(runs, device=CPU, data_dir=Path(), start=None, width=6, **how)


@pytest.mark.parametrize("engine", ["compiled", "eager"])
@pytest.mark.parametrize("cell", cells.names())
def test_into_how_many_groups_a_stack_is_split_changes_nothing(
    cell: str, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine == "eager":
        for module in (optimiser_step, recurrence):
            monkeypatch.setattr(module, "runs_compiled", lambda *_: False)
    runs = [make_run(i, net={"cell": cell}, clip=float(i)) for i in range(7)]
    whole, *others = [
        trained(
            lambda n_parts: make(runs, n_parts=n_parts), Room(n), path=tmp_path / "none", key=""
        )
        for n in (1, 2, 4)
    ]
    for other in others:
        assert torch.equal(other.slots.weights, whole.slots.weights)
        assert other.outcomes == whole.outcomes
        assert all(
            torch.equal(value, whole.tested()[name]) for name, value in other.tested().items()
        )


class Short(Trainer):
    """A stack whose steps fail from a tick on while more than so many of its networks go side by
    side.
    """

    most, since, ticks = 2, 10, []

    def _step(self, part: Any, *given: Any) -> None:
        self.ticks.append(self.tick)
        if self.tick >= self.since and len(part.flat) > self.most:
            raise RuntimeError(SHORT)
        super()._step(part, *given)


def test_a_stack_short_of_memory_is_split_and_goes_on_from_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    caplog.set_level("INFO", "slowpoints")
    monkeypatch.setattr(trainer, "SAVE_EVERY_S", 0.0)
    runs, room, path = [make_run(i) for i in range(6)], Room(), tmp_path / "checkpoint.safetensors"
    whole = trained(
        lambda n_parts: make(runs, n_parts=n_parts), Room(), path=tmp_path / "none", key="test"
    )
    monkeypatch.setattr(Short, "ticks", [])
    split = trained(
        lambda n_parts: Short(
            runs, device=CPU, data_dir=Path(), start=None, width=6, n_parts=n_parts
        ),
        room,
        path=path,
        key="test",
    )
    assert torch.equal(split.slots.weights, whole.slots.weights)
    assert split.outcomes == whole.outcomes
    assert (room.n_parts, room.slots(6), room.why) == (4, 2, SHORT)
    assert f"not enough memory for 6 networks at a time ({SHORT}): going on with 3" in caplog.text
    assert sorted(set(Short.ticks)) == list(range(20))
    assert min(Short.ticks[Short.ticks.index(10) :]) == 10, (
        "steps before the checkpoint are not taken again"
    )


def test_one_network_that_does_not_fit_ends_the_job_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Short, "most", 0)
    with pytest.raises(OutOfMemory, match="not enough memory for one network at a time"):
        trained(
            lambda n_parts: Short(
                [make_run()], device=CPU, data_dir=Path(), start=None, n_parts=n_parts
            ),
            Room(),
            path=tmp_path / "none",
            key="",
        )


@pytest.mark.parametrize(
    ("error", "is_short"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError(SHORT), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("shapes differ"), False),
        (ValueError("out of memory"), False),
    ],
    ids=str,
)
def test_a_shortage_is_told_from_a_defect(error: Exception, is_short: bool) -> None:
    assert memory.is_shortage(error) == is_short


def test_a_gpu_that_is_taken_away_is_one_line(tmp_path: Path) -> None:
    def gone(n_parts: int) -> Trainer:
        raise torch.AcceleratorError("CUDA error: GPU is lost\nCompile with `TORCH_USE_CUDA_DSA`")

    with pytest.raises(
        DeviceLost, match=r"taken away \(CUDA error: GPU is lost\); the same snakemake"
    ):
        trained(gone, Room(), path=tmp_path / "none", key="")


@pytest.mark.parametrize(
    "message",
    [
        "CUDA error: device-side assert triggered",
        "CUDA error: an illegal memory access was encountered",
        "CUDA error: unspecified launch failure",
        "CUDA error: operation not permitted when stream is capturing",
    ],
)
def test_an_error_of_ours_on_a_gpu_keeps_its_traceback(message: str, tmp_path: Path) -> None:
    def wrong(n_parts: int) -> Trainer:
        raise torch.AcceleratorError(message)

    with pytest.raises(torch.AcceleratorError, match=message):
        trained(wrong, Room(), path=tmp_path / "none", key="")


def test_no_memory_to_set_up_ends_the_job_in_one_line(tmp_path: Path) -> None:
    def short(n_parts: int) -> Trainer:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    with pytest.raises(OutOfMemory, match="not enough memory to set up the networks"):
        trained(short, Room(), path=tmp_path / "none", key="")


def test_an_attempt_after_one_that_was_killed_takes_fewer_at_a_time() -> None:
    assert [room_at(attempt).slots(8) for attempt in (1, 2, 3)] == [8, 4, 2]
    assert room_at(1).why == ""
    assert room_at(3).why == "attempt 3 of the job"


def test_with_too_little_address_space_for_a_stack_a_job_ends_with_the_same_bytes_and_says_why(
    tmp_path: Path,
) -> None:
    whole = one_job.call(tmp_path / "whole", SLOWPOINTS_SLOTS="8")
    assert whole.returncode == 0, whole.stderr
    assert read_json(tmp_path / "whole" / "x.provenance")["why_fewer_slots"] == ""
    for room in (100, 80, 60, 45, 35):  # megabytes; how many are just too few depends on the engine
        folder = tmp_path / str(room)
        done = one_job.call(folder, room=room, SLOWPOINTS_SLOTS="8")
        assert done.returncode == 0, done.stderr
        for name in ("x.records", "x.weights"):
            assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
        said = read_json(folder / "x.provenance")
        if said["slots"] < said["slots_asked"]:
            break
    assert said["slots"] < said["slots_asked"] == 8
    assert "can't allocate memory" in said["why_fewer_slots"]
    assert f"not enough memory for 8 networks at a time ({said['why_fewer_slots']})" in done.stderr
