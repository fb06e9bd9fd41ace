"""The first half hour on a GPU: `TORCH=cuda workflow/scripts/stage test -m tests.first_gpu`.

Six looks, the quick ones first; one that fails does not keep the next from running. What each
number should be, and what a wrong one means, stands in docs/first-gpu-session.md. `--device cpu`
tries the script itself.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))  # as pytest has it

from bench.gpu import peaks
from helpers.agreement import LAST, assert_close, built, case, values_and_gradients
from helpers.plans import TASKS, make_run
from slowpoints import cells
from slowpoints.engine import Network, engine_of
from slowpoints.engine.draws import CPU, Draws
from slowpoints.provenance.records import write_json
from slowpoints.spec.stack import Stack
from slowpoints.training import job, verify
from slowpoints.training.trainer import Trainer

Look = Callable[[torch.device], Iterator[str]]


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def ms(call: Callable[[], object], device: torch.device, *, n: int = 20) -> float:
    """Return the time of one call in ms, after two that warm up."""
    for _ in range(2):
        call()
    wait(device)
    begun = time.perf_counter()
    for _ in range(n):
        call()
    wait(device)
    return 1000 * (time.perf_counter() - begun) / n


def trainer(device: torch.device, *, n: int = 4, n_parts: int = 1, **run: object) -> Trainer:
    long = {"steps": 400, "eval_every": 200}  # no evaluation comes between
    runs = [make_run(i, **long, **run) for i in range(n)]  # type: ignore[arg-type]
    return Trainer(runs, device=device, data_dir=Path(), start=None, width=n, n_parts=n_parts)


def what_is_here(device: torch.device) -> Iterator[str]:
    """The device, its rates, and which engine runs."""
    net = Network(built("gru"), 3, 2, 64)
    yield f"torch {torch.__version__}; engine of a GRU: {engine_of(net, device)}"
    if device.type == "cuda":
        own = torch.cuda.get_device_properties(device)
        yield f"{own.name}, sm_{own.major}{own.minor}, {own.total_memory / 2**30:.0f} GiB"

    def timer(calls: dict[str, Callable[[], None]]) -> dict[str, float]:
        return {name: ms(call, device, n=5) for name, call in calls.items()}

    size = 8192 if device.type == "cuda" else 512
    yield ", ".join(f"{v:.2f} {k}" for k, v in peaks(device, timer, size=size).items())


def values(device: torch.device) -> Iterator[str]:
    """Values and gradients of every cell against float64 on the CPU."""
    for name in cells.names():
        net, params, x, wanted = case(name, units=17, batch=7, steps=20, depth=2)
        there = {key: own.detach().to(device).requires_grad_() for key, own in params.items()}
        here = x.detach().to(device).requires_grad_()
        found = values_and_gradients(net, there, here, last=LAST)
        back = tuple([part.cpu() for part in parts] for parts in found)
        try:
            assert_close((back[0], back[1]), wanted)
            yield f"{name}: right"
        except AssertionError as error:
            yield f"{name}: WRONG: {' '.join(str(error).split())[:200]}"
    here, there = (Draws([1, 2], device=own).random(2000, 3).cpu() for own in (CPU, device))
    yield f"random numbers: {'right' if torch.equal(here, there) else 'WRONG'}"


def recorded(device: torch.device) -> Iterator[str]:
    """Ten steps of every task, recorded and not."""
    for task in TASKS:
        weights = []
        for record in ("1", "0"):
            os.environ["SLOWPOINTS_RECORD"] = record
            own = trainer(device, task=task)
            for _ in range(10):
                own.advance()
            weights.append(own.slots.flat.detach().cpu())
        apart = float((weights[0] - weights[1]).abs().max())
        yield f"{task['name']}: {apart:.1e} apart after ten steps"
    del os.environ["SLOWPOINTS_RECORD"]


def feed(device: torch.device) -> Iterator[str]:
    """How long drawing the data of a step takes beside all of it."""
    n = 64 if device.type == "cuda" else 4
    for task in TASKS:
        own = trainer(device, n=n, task=task, net={"units": 64}, batch=64)
        members, steps = own.slots.members, own.slots.steps(0)
        drawn = ms(lambda own=own, m=members, s=steps: own.feed(m, s), device)  # type: ignore[misc]
        drawn /= own.feed.pool_steps
        whole = ms(own.advance, device)
        yield f"{task['name']}: drawing {drawn:.2f} of {whole:.2f} ms, {n} networks"


def memory(device: torch.device) -> Iterator[str]:
    """What a step of 64 networks takes at once, and in four groups."""
    if device.type != "cuda":
        yield "on a GPU only"
        return
    taken = []
    for n_parts in (1, 4):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        own = trainer(device, n=64, n_parts=n_parts, net={"units": 128}, batch=256)
        for _ in range(3):
            own.advance()
        taken.append(torch.cuda.max_memory_reserved() / 2**20)
        del own
    yield f"{taken[0]:.0f} MiB at once, {taken[1]:.0f} MiB in four groups"


def a_job(device: torch.device) -> Iterator[str]:
    """One job from its plan to its record, twice, and its networks trained again alone."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path.cwd()
        os.chdir(folder)
        try:
            runs = [make_run(i) for i in range(4)]
            bits = []
            for name in ("one", "two"):
                root = Path("results/smoke/test/runs")
                ends = (".plan", ".jsonl", ".safetensors", ".provenance.json")
                out = job.Outputs(*(root / f"{name}{end}" for end in ends))
                job.run(
                    Stack(name, "test", runs),
                    out=out,
                    checkpoint=Path(f"{name}.safetensors"),
                    device=device,
                    data_dir=None,
                    torch_build=device.type,
                    start=None,
                )
                bits.append(out.weights.read_bytes())
            yield f"the same job again: {'equal' if bits[0] == bits[1] else 'DIFFERS'}"
            for row in range(len(runs)):
                own = verify.compare(out.records, row, torch_build=device.type, data_dir=None)
                yield f"alone: {own.verdict}, weights {own.weights:.1e} apart"
        finally:
            os.chdir(home)


LOOKS: tuple[Look, ...] = (what_is_here, values, recorded, feed, memory, a_job)


def main(argv: list[str] | None = None) -> int:
    """Take all looks, print what they show, and keep it; 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--out", type=Path, help="a file for what was printed (.json)")
    args = parser.parse_args(argv)
    device, said, failed = job.device_named(args.device, matmul="float32"), {}, False
    for number, look in enumerate(LOOKS, 1):
        lines = said[look.__name__] = [str((look.__doc__ or "").strip())]
        print(f"{number}. {lines[0]}", flush=True)
        try:
            for line in look(device):
                lines.append(line)
                print(f"   {line}", flush=True)
        except Exception as error:  # the next look may still say something
            lines.append(f"FAILED: {type(error).__name__}: {str(error).splitlines()[0]}")
            print(f"   {lines[-1]}", flush=True)
        failed |= any(word in line for line in lines for word in ("FAILED", "WRONG", "DIFFERS"))
    if args.out:
        write_json(args.out, said)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
