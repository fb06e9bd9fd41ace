"""Train all runs of one stack together: one batch with a leading run axis, every run with its own settings and fate."""

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from slowpoints import checkpoint as checkpoints
from slowpoints import tasks
from slowpoints.engine import Network, count_parameters
from slowpoints.evaluate import predict, scores
from slowpoints.feed import Feed, worlds
from slowpoints.optimise import Moments, flatten, rate, rules, update, views
from slowpoints.regularise import Regulariser, Start
from slowpoints.stack import fresh, network, task_settings

log = logging.getLogger("slowpoints")
SAVE_EVERY_S = 20.0  # wall seconds between checkpoints: no result depends on it


class Trainer:
    """A stack in training: parameters, optimiser, data streams, and what became of each run so far."""

    def __init__(
        self, plan: dict[str, Any], *, device: torch.device, data_dir: Path | None, start: Start | None
    ) -> None:
        self.runs, self.device = plan["runs"], device
        self.train = self.runs[0]["train"]
        self.net: Network = network(self.runs[0]["task"], self.runs[0]["net"])
        self.task = tasks.load(self.runs[0]["task"]["name"])
        self.settings = [task_settings(run["task"]) for run in self.runs]
        self.n_parameters = count_parameters(self.net)
        self.worlds = worlds(self.runs, self.task, self.settings, n_parameters=self.n_parameters, data_dir=data_dir)
        self.feed = Feed(self.runs, self.task, self.settings, self.worlds)
        self.regulariser = None
        if start is not None:
            self.regulariser = Regulariser(self.runs, self.task, self.settings[0], self.worlds, start.states)
        first = start.params if start is not None else fresh(self.net, self.runs)
        self.shapes = {name: tuple(value.shape[1:]) for name, value in first.items()}
        self._hold(flatten(first).to(device))
        self.moments = Moments(
            torch.zeros_like(self.flat),
            torch.zeros_like(self.flat),
            torch.ones(len(self.runs), dtype=torch.bool, device=device),
        )
        self.rules = rules([run["train"] for run in self.runs], device)
        self.loss_sum = torch.zeros(len(self.runs), device=device)
        self.step = self.looked = 0  # steps taken; steps at the last look
        self.outcome = [""] * len(self.runs)
        self.steps_taken = [0] * len(self.runs)
        self.to_solve: list[int | None] = [None] * len(self.runs)
        self.in_a_row = [0] * len(self.runs)
        self.curves: list[dict[str, list[float]]] = [{} for _ in self.runs]

    def _hold(self, flat: Tensor) -> None:
        self.flat = flat
        self.params = views(flat, self.shapes)

    def advance(self) -> None:
        """Take one training step with every run that still learns."""
        batch = self.feed(self.step).to(self.device)
        loss = self.task.loss(self.settings[0], predict(self.net, self.params, batch), batch)
        total = loss if self.regulariser is None else loss + self.regulariser(self.net, self.params)
        grads = torch.autograd.grad(total.sum(), list(self.params.values()))
        grad = flatten(dict(zip(self.params, grads, strict=True)))
        takes = update(self.flat, grad, self.moments, self.rules, step=self.step, lr=self._rates())
        self.loss_sum += torch.where(takes, loss.detach(), torch.full_like(loss, torch.nan))
        self.step += 1

    def _rate(self, train: dict[str, Any]) -> float:
        return rate(
            train["schedule"],
            lr=train["lr"],
            lr_final=train["lr_final"],
            step=self.step,
            steps=train["steps"],
        )

    def _rates(self) -> Tensor:
        return torch.tensor([self._rate(run["train"]) for run in self.runs], dtype=torch.float32, device=self.device)

    def look(self) -> None:
        """Evaluate on validation data; note divergence, solution and the stop rule, run by run."""
        losses = (self.loss_sum / (self.step - self.looked)).tolist()
        self.loss_sum.zero_()
        self.looked = self.step
        found = self.scores("valid", self.train["eval_rows"])
        solved = self.task.solved(self.settings[0], found).tolist()
        for i, loss in enumerate(losses):
            if self.outcome[i]:
                continue
            self.steps_taken[i] = self.step
            if not np.isfinite(loss):
                self.outcome[i] = "diverged"
                continue
            values = {"step": float(self.step), "loss": loss} | {k: float(v[i]) for k, v in found.items()}
            for name, value in values.items():
                self.curves[i].setdefault(name, []).append(value)
            if solved[i] and self.to_solve[i] is None:
                self.to_solve[i] = self.step
            self._apply_stop_rule(i, values)
        done = torch.tensor([bool(outcome) for outcome in self.outcome], device=self.device)
        self.moments.active.copy_(~done)

    def _apply_stop_rule(self, i: int, values: dict[str, float]) -> None:
        metric = self.train["stop_metric"]
        below = bool(metric) and values[metric] < self.train["stop_below"]
        self.in_a_row[i] = self.in_a_row[i] + 1 if below else 0
        if self.in_a_row[i] >= self.train["stop_times"]:
            self.outcome[i] = "ok"
        elif self.step >= self.train["steps"]:
            self.outcome[i] = "budget" if metric else "ok"

    def scores(self, split: Any, rows: int) -> dict[str, Tensor]:
        """Return named metrics per run on a split.    -> [M] each"""
        params = {name: value.detach() for name, value in self.params.items()}
        return scores(self.net, params, self.runs, self.task, self.settings, self.worlds,
                      split=split, rows=rows, device=self.device)  # fmt: skip

    @property
    def is_done(self) -> bool:
        """Return whether every run has an outcome."""
        return all(self.outcome)

    def save(self, path: Path, *, key: str) -> None:
        """Write a checkpoint."""
        arrays = {"flat": self.flat, "first": self.moments.first, "second": self.moments.second,
                  "active": self.moments.active, "feed": self.feed.state()}  # fmt: skip
        if self.regulariser is not None:
            arrays["regulariser"] = self.regulariser.state()
        state = {name: getattr(self, name) for name in STATE}
        content = {name: value.detach().cpu().numpy() for name, value in arrays.items()}
        checkpoints.save(path, checkpoints.Checkpoint(content, state), key=key)

    def restore(self, saved: checkpoints.Checkpoint) -> None:
        """Go on from a checkpoint."""
        arrays = {name: torch.from_numpy(value) for name, value in saved.arrays.items()}
        self._hold(arrays["flat"].to(self.device))
        self.moments = Moments(*(arrays[name].to(self.device) for name in ("first", "second", "active")))
        self.feed.restore(arrays["feed"])
        if self.regulariser is not None:
            self.regulariser.restore(arrays["regulariser"])
        for name in STATE:
            setattr(self, name, saved.state[name])


STATE = ("step", "looked", "outcome", "steps_taken", "to_solve", "in_a_row", "curves")


def fit(trainer: Trainer, *, path: Path, key: str) -> None:
    """Train until every run has an outcome, saving the state as it goes; a saved state at `path` is continued."""
    saved, message = checkpoints.restore(path, key=key)
    log.info("%s runs of %s: %s", len(trainer.runs), trainer.net.cell.name, message)
    if saved is not None:
        trainer.restore(saved)
    steps, last = trainer.train["steps"], time.monotonic()
    with tqdm(total=steps, initial=trainer.step, unit="step", mininterval=1, disable=None) as bar:
        while not trainer.is_done:
            trainer.advance()
            bar.update()
            if trainer.step % trainer.train["eval_every"] == 0 or trainer.step >= steps:
                trainer.look()
                if time.monotonic() - last >= SAVE_EVERY_S:
                    trainer.save(path, key=key)
                    last = time.monotonic()
                    log.info("step %d of %d; %d of %d runs done", trainer.step, steps,
                             sum(map(bool, trainer.outcome)), len(trainer.runs))  # fmt: skip
