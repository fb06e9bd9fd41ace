"""One training job: a plan in; records, weights and provenance out."""

import gc
import json
import os
import platform
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from slowpoints.engine import engine_of
from slowpoints.provenance import environment
from slowpoints.provenance.files import write_text
from slowpoints.provenance.record import Facts, Record, Trained
from slowpoints.provenance.records import (
    read_arrays,
    read_records,
    write_arrays,
    write_json,
    write_records,
)
from slowpoints.spec.digests import code, env
from slowpoints.spec.run import Run
from slowpoints.spec.stack import Stack
from slowpoints.training import gpus
from slowpoints.training.memory import room_at, trained
from slowpoints.training.regulariser import Start
from slowpoints.training.stack import network, weights_of
from slowpoints.training.trainer import Trainer

# arrays of the slow_points analysis; every other kind is made from its points
STATES = {"centres": "centres"}


class Outputs(NamedTuple):
    """Where the results of a training job go."""

    plan: Path
    records: Path
    weights: Path
    provenance: Path


def device_named(name: str, *, matmul: str) -> torch.device:
    """Return the device for `cpu` or `cuda`, its matmuls in float32 or tf32.

    Of several GPUs it becomes the current one that no other job holds. A GPU that is not there is
    an error.
    """
    if name == "cpu":
        # one thread: deterministic as it is, and the switch below takes a second to import
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise SystemExit(
            "device is 'cuda' but torch finds no GPU here: set device: cpu in config/config.yaml, "
            "or give the environments a CUDA build with --config torch=cuda"
        )
    torch.cuda.set_device(gpus.of_this_process(torch.cuda.device_count()))
    # without it cuBLAS may add in another order each time
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    precision = "tf32" if matmul == "tf32" else "ieee"
    torch.backends.cuda.matmul.fp32_precision = precision
    torch.backends.cudnn.conv.fp32_precision = precision  # type: ignore[attr-defined] # cuDNN's own default is tf32
    return torch.device("cuda")


def train_code(run: Run, *, trainer: str) -> str:
    """Return the digest of the code that trains a run.

    The module of its job, its cell and its task.
    """
    return code(trainer, f"slowpoints.cells.{run.net.cell}", f"slowpoints.tasks.{run.task.name}")


def start_from(runs: list[Run], files: list[Path], points: Path) -> Start:
    """Return the networks, and the states to slow down, that fine-tuning runs start from.

    files: the records of the networks; points: their slow points
    """
    arrays = read_arrays(points)
    known: dict[tuple[str, int], tuple[Record, dict[str, np.ndarray]]] = {}
    for path in files:
        records = read_records(path)
        weights, _ = weights_of(path, records[0])
        known |= {
            (record.run.arm, record.run.seed): (
                record,
                {name: value[i] for name, value in weights.items()},
            )
            for i, record in enumerate(records)
        }
    params, states = [], []
    for run in runs:
        record, own = known[run.train.start_arm, run.seed]
        name = f"{record.id}/{STATES.get(run.train.regularise, 'points')}"
        is_lost = record.is_lost or name not in arrays
        params.append({k: np.full_like(v, np.nan) if is_lost else v for k, v in own.items()})
        states.append(None if is_lost else arrays[name])
    size = next(s for s in states if s is not None)
    filled = np.stack([np.zeros_like(size) if s is None else s for s in states])
    stacked = {k: torch.from_numpy(np.stack([p[k] for p in params])) for k in params[0]}
    return Start(stacked, torch.from_numpy(filled))


class Made(NamedTuple):
    """What a job has trained: each network, and their weights, networks on axis 0."""

    networks: list[Trained]
    arrays: dict[str, np.ndarray]


def run(
    stack: Stack,
    *,
    out: Outputs,
    checkpoint: Path,
    device: torch.device,
    data_dir: Path | None,
    torch_build: str,
    start: tuple[list[Path], Path] | None,
    attempt: int = 1,
) -> None:
    """Train a stack and write its results; the checkpoint is removed last."""
    begun, room = environment.Begun.now(), room_at(attempt)
    origin = None if start is None else start_from(stack.runs, *start)
    net = network(stack.runs[0].task, stack.runs[0].net)
    # what was imported stays: looking for garbage in it would take a twentieth of a small step
    gc.freeze()
    digests = digests_of(stack, trainer="slowpoints.training.job", torch_build=torch_build)
    facts = facts_here(device, engine=engine_of(net, device), digests=digests)
    make = partial(Trainer, stack.runs, device=device, data_dir=data_dir, start=origin)
    trainer = trained(make, room, path=checkpoint, key=json.dumps(vars(facts)))
    asked = min(trainer.width, len(trainer.runs))
    write(
        stack,
        made(trainer),
        out=out,
        facts=facts,
        provenance=environment.now(begun) | room.told(asked),
    )
    checkpoint.unlink(missing_ok=True)


def digests_of(stack: Stack, *, trainer: str, torch_build: str) -> dict[str, str]:
    """Return the digests of what a job depends on; `trainer` is the module that does it."""
    return {
        "plan": stack.digest[:16],
        "code": train_code(stack.runs[0], trainer=trainer),
        "env": env("train", torch=torch_build),
    }


def made(trainer: Trainer) -> Made:
    """Return what a trainer that is done has made."""
    tested = trainer.tested()
    networks = [_trained(trainer, tested, i) for i in range(len(trainer.runs))]
    return Made(networks, {name: value.numpy() for name, value in trainer.arrays().items()})


def write(
    stack: Stack, found: Made, *, out: Outputs, facts: Facts, provenance: dict[str, Any]
) -> None:
    """Write records, weights, provenance and, last, the plan."""
    weights = {"file": out.weights.name, "sha256": write_arrays(out.weights, found.arrays)}
    write_records(
        out.records,
        [
            Record(**vars(own), facts=facts, weights=weights, row=i)
            for i, own in enumerate(found.networks)
        ],
    )
    write_json(out.provenance, provenance)
    write_text(out.plan, json.dumps(stack.as_json(), indent=1, sort_keys=True) + "\n")


def _trained(trainer: Trainer, tested: dict[str, torch.Tensor], i: int) -> Trained:
    """Return what is known of run `i` at the end.

    Settings, outcome, test metrics, learning curve.
    """
    own = trainer.outcomes[i]
    is_lost = own.outcome == "diverged"
    return Trained(
        trainer.runs[i],
        outcome=own.outcome,
        steps=own.steps,
        steps_to_solve=own.to_solve,
        solved=bool(trainer.task.solved(trainer.settings[i], tested)[i]) and not is_lost,
        metrics={name: None if is_lost else _number(value[i]) for name, value in tested.items()},
        curve=own.curve,
        units=trainer.net.units,
        n_parameters=trainer.n_parameters,
    )


def _number(value: torch.Tensor) -> float | None:
    return float(value) if bool(value.isfinite()) else None


def facts_here(device: torch.device, *, engine: str, digests: dict[str, str]) -> Facts:
    """Return what the numbers may depend on besides settings, here."""
    capability = f"cpu {torch.backends.cpu.get_cpu_capability()}"
    return Facts(
        digests=digests,
        versions={
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        engine=engine,
        device=torch.cuda.get_device_name() if device.type == "cuda" else capability,
        matmul="tf32" if _is_tf32(device) else "float32",
        threads=torch.get_num_threads(),
        dtype="float32",
    )


def _is_tf32(device: torch.device) -> bool:
    return device.type == "cuda" and torch.backends.cuda.matmul.fp32_precision == "tf32"
