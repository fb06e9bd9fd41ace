"""Train all runs of one stack together.

One batch with a leading run axis, every run with its own settings and outcome.
"""

import logging
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from slowpoints import tasks
from slowpoints.engine import (
    Captured,
    Network,
    States,
    check_step,
    count_parameters,
    loss_in_one_pass,
)
from slowpoints.spec.run import Run
from slowpoints.spec.tuning import Study
from slowpoints.tasks import Batch
from slowpoints.training import checkpoint as checkpoints
from slowpoints.training.batches import Feed, example, worlds
from slowpoints.training.contract import check_task
from slowpoints.training.evaluate import ELEMENTS, predict, scores
from slowpoints.training.interruption import GO_ON, Interrupted, postponed
from slowpoints.training.optimiser import Pace, joined, views
from slowpoints.training.outcome import Outcome, hopeless
from slowpoints.training.path_sgd import carried, linear
from slowpoints.training.regulariser import Kicks, Regulariser, Start, regularised
from slowpoints.training.slots import Part, Slots, step, width_for
from slowpoints.training.snapshots import Snapshots
from slowpoints.training.stack import fresh, network
from slowpoints.training.standing import StandingStep, asked_of

log = logging.getLogger("slowpoints")
SAVE_EVERY_S = 20.0  # wall seconds between checkpoints: no result depends on it


class Trainer:
    """A stack in training: the runs that hold a slot, those that wait, and what became of each so
    far.
    """

    def __init__(
        self,
        runs: list[Run],
        *,
        device: torch.device,
        data_dir: Path | None,
        start: Start | None,
        width: int | None = None,
        n_parts: int = 1,
        halving: Study | None = None,
    ) -> None:
        """Open slots for the first runs.

        width: how many train at once; without it, as many as pay

        n_parts: into how many groups those are split that take their steps one after the other, to
        need less memory
        halving: the study whose trials the runs are, if it stops trials at its rungs
        """
        self.runs, self.device = runs, device
        self.train = runs[0].train
        self.net: Network = network(runs[0].task, runs[0].net)
        self.task = tasks.load(runs[0].task.name)
        self.settings = [run.task.settings for run in runs]
        self.n_parameters = count_parameters(self.net)
        self.worlds = worlds(
            self.runs,
            self.task,
            self.settings,
            n_parameters=self.n_parameters,
            data_dir=data_dir,
            device=device,
        )
        check_task(self.task, self.settings[0], self.worlds[0], device)
        # here, for nothing may be tried while a step is recorded
        check_step(self.net.cell, self.net.units)
        if self.train.optimizer == "path_sgd":
            check_step(linear, self.net.units)
        self.feed = Feed(self.runs, self.task, self.settings, self.worlds, device)
        self.regulariser = None
        if start is not None or any(run.train.regularise != "none" for run in runs):
            points = None if start is None else start.states
            self.regulariser = Regulariser(
                self.runs, self.task, self.settings[0], self.worlds, points, device
            )
        self.slows_visited = self.regulariser is not None and start is None
        first = start.params if start is not None else fresh(self.net, self.runs)
        self.slots = Slots(
            [run.train for run in runs],
            first,
            joined(list(first.values())),
            device=device,
            n_parts=n_parts,
        )
        self.snapshots = Snapshots([run.train for run in runs], self.slots.weights.shape[1])
        self.outcomes = [Outcome() for _ in self.runs]
        self.halving = halving
        # Trials that are compared on the way go side by side.
        self.width = width or (
            len(self.runs) if self.halving else width_for(self._numbers(), device)
        )
        self.tick = self.n_begun = 0  # steps of the stack; runs that were given a slot
        self._change([])

    def _numbers(self) -> int:
        """Return about how many numbers one step of one run computes."""
        n_steps = example(self.task, self.settings[0], self.worlds[0], self.device).n_steps
        return int(self.train.batch * n_steps * self.net.n_numbers)

    def _change(self, ended: list[int]) -> None:
        """Hand the slots of runs that have ended to runs that wait, and make ready for the steps to
        the next evaluation.
        """
        free = max(0, self.width - len(self.slots.members) + len(ended))
        entering = list(range(len(self.runs)))[self.n_begun : self.n_begun + free]
        self.n_begun += len(entering)
        if not self.slots.change(ended, entering, tick=self.tick):
            self._make_ready()
        self.slots.look_ahead(self.tick, steps=self.train.eval_every)
        self.loss_sum.zero_()

    def _make_ready(self) -> None:
        """Do what the number of slots decides."""
        self.loss_sum = torch.zeros(len(self.slots.members), device=self.device)
        self._silent: int | None = None  # steps of a batch without input
        self._on_device: list[Callable[..., None]] = [
            partial(self._step, part) for part in self.slots.parts
        ]
        self._standing: StandingStep | None = None
        self._records = os.environ.get("SLOWPOINTS_RECORD", "1") != "0"
        if self.device.type == "cuda" and self._records:
            changes, pool = [*self.slots.changing(), self.loss_sum], torch.cuda.graph_pool_handle()
            self._on_device = [
                Captured(call, changes=changes, pool=pool) for call in self._on_device
            ]

    def advance(self) -> None:
        """Take one training step with every run that holds a slot."""
        members, steps = self.slots.members, self.slots.steps(self.tick)
        batch = self.feed(members, steps)
        kicks = () if self.regulariser is None else self.regulariser(members, steps)
        is_recorded = isinstance(self._on_device[0], Captured)
        if is_recorded and self._silent not in (None, batch.silent):
            raise RuntimeError(
                f"recorded with {self._silent} silent steps, called with {batch.silent}: a "
                "recording keeps them"
            )
        self._silent = batch.silent
        given = (*batch[:4], *self.slots.pace(self.tick), *kicks)
        for part, call in zip(self.slots.parts, self._on_device, strict=True):
            call(*(value[part.rows] for value in given))
        self.tick += 1

    def _step(
        self, part: Part, x: Tensor, y: Tensor, weight: Tensor, allowed: Tensor, *others: Tensor
    ) -> None:
        """Do what the device does in a step.

        Nothing here may depend on a number that Python would have to wait for.

        others: the two of Pace, and the five of Kicks where there is a regulariser
        """
        batch = Batch(x, y, weight, allowed, self._silent or 0)
        standing = self._standing_step(part, batch)
        if standing is None:
            loss, takes = self._differentiated(part, batch, *others)
        else:
            loss, takes = standing(batch, Pace(*others[:2]))
        self.loss_sum[part.rows] += torch.where(
            takes, loss.detach(), torch.full_like(loss, torch.nan)
        )

    def _standing_step(self, part: Part, batch: Batch) -> StandingStep | None:
        """Return the step laid out for such batches; None where it has to be differentiated.

        It keeps its memory from step to step: a stack that was split for want of it goes without.
        """
        kind = self.task.loss_kind(self.settings[0])
        if kind is None or self.regulariser is not None or self.train.optimizer == "path_sgd":
            return None
        if self.slots.n_parts > 1:
            return None
        if self._standing is not None and self._standing.fits(batch):
            return self._standing
        if not self._records or not StandingStep.can(self.net, part, batch):
            return None
        self._standing = StandingStep(self.net, part, batch, kind)
        return self._standing

    def _differentiated(self, part: Part, batch: Batch, *others: Tensor) -> tuple[Tensor, Tensor]:
        """Take a step by derivatives; return the loss of each run, and which took it."""
        params = part.params
        loss, final = self._loss(params, batch)
        total = loss
        if self.regulariser is not None:
            total = regularised(self.net, params, loss, final, Kicks(*others[2:]))
        weighs = None
        if self.train.optimizer == "path_sgd":
            n_steps = batch.x.shape[2] + batch.silent
            weighs = carried(self.net, params, n_steps=n_steps, n_read=batch.y.shape[2])
        return loss, step(part, total, Pace(*others[:2]), weighs)

    def _loss(self, params: dict[str, Tensor], batch: Batch) -> tuple[Tensor, States | None]:
        """Return the loss of each run, and the final states where they are to slow down."""
        settings = self.settings[0]
        kind = self.task.loss_kind(settings)
        if kind is not None and not self.slows_visited:
            asked = asked_of(kind, batch)
            loss = loss_in_one_pass(self.net, params, batch.x, asked, silent=batch.silent)
            if loss is not None:
                return loss, None
        out, final = predict(self.net, params, batch)
        return self.task.minimised(settings, out, batch), final if self.slows_visited else None

    def evaluate(self) -> None:
        """Evaluate on validation data, note what became of each run, and hand the slots of those
        that ended on.
        """
        members, steps = self.slots.members, self.slots.steps(self.tick)
        losses = (self.loss_sum / self.train.eval_every).tolist()
        found = self._scores(self.slots.params, members, "valid", self.train.eval_rows)
        solved = self.task.solved(self.settings[0], found).tolist()
        for slot, run in enumerate(members):
            self.snapshots.keep(run, step=steps[slot], weights=self.slots.flat[slot])
            self.outcomes[run].note(
                self.runs[run].train,
                step=steps[slot],
                loss=losses[slot],
                is_solved=solved[slot],
                metrics={name: float(value[slot]) for name, value in found.items()},
            )
        if self.halving:
            alive = {run: self.outcomes[run] for run in members if not self.outcomes[run].outcome}
            for run in hopeless(alive, self.halving, share=self.tick / self.train.steps):
                self.outcomes[run].outcome = "stopped"
        self._change([run for run in members if self.outcomes[run].outcome])

    def stop(self, run: int) -> None:
        """End a run at an evaluation at which it goes on by itself, as a rung of its study did."""
        self.outcomes[run].outcome = "stopped"
        self._change([run])

    def tested(self) -> dict[str, Tensor]:
        """Return named test metrics of every run, from its final weights.    -> [N] each"""
        return self._scores(self.params, list(range(len(self.runs))), "test", self.train.test_rows)

    @property
    def params(self) -> dict[str, Tensor]:
        """Return the weights of every run that has ended, the initial ones of others.

        -> values [N, ...]
        """
        return views(self.slots.weights.to(self.device), self.slots.shapes)

    def arrays(self) -> dict[str, Tensor]:
        """Return the weights of every run, and those kept on the way.

        -> values [N, ...] and [N, K, ...]
        """
        return {
            name: value.detach().cpu() for name, value in self.params.items()
        } | self.snapshots.arrays(self.slots.shapes)

    def _scores(
        self, params: dict[str, Tensor], runs: list[int], split: Any, rows: int
    ) -> dict[str, Tensor]:
        own = [(self.runs[run], self.settings[run], self.worlds[run]) for run in runs]
        return scores(self.net, params, own, self.task, split=split, rows=rows, device=self.device,
                      elements=ELEMENTS // self.slots.n_parts)  # fmt: skip

    @property
    def is_done(self) -> bool:
        """Return whether every run has an outcome."""
        return all(own.outcome for own in self.outcomes)

    def save(self, path: Path, *, key: str) -> None:
        """Write a checkpoint."""
        arrays, values = self.slots.state()
        arrays["history"] = self.snapshots.kept
        state = {
            "tick": self.tick,
            "n_begun": self.n_begun,
            "slots": values,
            "outcomes": [asdict(f) for f in self.outcomes],
        }
        content = {name: value.detach().cpu().numpy() for name, value in arrays.items()}
        checkpoints.save(path, checkpoints.Checkpoint(content, state), key=key)

    def restore(self, saved: checkpoints.Checkpoint) -> None:
        """Go on from a checkpoint."""
        arrays = {name: torch.from_numpy(value) for name, value in saved.arrays.items()}
        self.slots.restore(arrays, saved.state["slots"])
        self.snapshots.kept = arrays["history"]
        self.outcomes = [Outcome(**values) for values in saved.state["outcomes"]]
        self.tick, self.n_begun = saved.state["tick"], saved.state["n_begun"]
        self._make_ready()
        self._change([])


def fit(trainer: Trainer, *, path: Path, key: str) -> None:
    """Train until every run has an outcome, saving the state as it goes.

    A saved state at `path` is continued.

    Asked to stop, it goes on to the next evaluation, saves and raises Interrupted.
    """
    saved, message = checkpoints.restore(path, key=key)
    log.info("%s runs of %s: %s", len(trainer.runs), trainer.net.cell.name, message)
    if saved is not None:
        trainer.restore(saved)
    last = time.monotonic()
    with (
        tqdm(total=len(trainer.runs), unit="run", mininterval=1, disable=None) as bar,
        postponed() as stop,
    ):
        while not trainer.is_done:
            for _ in range(trainer.train.eval_every):
                trainer.advance()
            trainer.evaluate()
            ended = sum(bool(own.outcome) for own in trainer.outcomes)
            bar.update(ended - bar.n)
            if time.monotonic() - last >= SAVE_EVERY_S:
                trainer.save(path, key=key)
                last = time.monotonic()
                log.info(
                    "step %d of the stack; runs ended, in training, waiting: %d, %d, %d",
                    trainer.tick,
                    ended,
                    len(trainer.slots.members),
                    len(trainer.runs) - trainer.n_begun,
                )
            if (why := stop()) and not trainer.is_done:
                trainer.save(path, key=key)
                raise Interrupted(
                    f"stopped at step {trainer.tick} of the stack by {why}; its state is "
                    f"kept, {GO_ON}"
                )
