"""The search for fixed points as FixedPointFinder publishes it (Golub & Sussillo 2018), written
anew: the baseline.

q = |F(h) - h|^2 / 2, averaged over all states, is minimised by Adam on the states, in float32,
until every state has q < 1e-12 or changed its q by less than 1e-20 times the learning rate, or 5000
iterations are over.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

TOL_Q, TOL_DQ, MAX_ITERATIONS = 1e-12, 1e-20, 5000
Optimiser = torch.optim.Optimizer
Schedule = Callable[[Optimiser], "torch.optim.lr_scheduler.LRScheduler"]


def on_plateau(optimiser: Optimiser) -> "torch.optim.lr_scheduler.LRScheduler":
    """Return the schedule that takes a twentieth off the rate when mean q has not fallen for more
    than one iteration.

    Newer versions lower the rate on such a plateau; these two numbers are ours.
    """
    return torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.95, patience=1)


def stepwise(optimiser: Optimiser) -> "torch.optim.lr_scheduler.LRScheduler":
    """Return the schedule of older versions: 0.7 of the rate every 500 iterations."""
    return torch.optim.lr_scheduler.StepLR(optimiser, step_size=500, gamma=0.7)


# name: first learning rate, schedule. Rate 1 is the default of newer versions, the last one that of
# older ones.
BASELINES: dict[str, tuple[float, Schedule]] = {
    "Adam, rate 1": (1.0, on_plateau),
    "Adam, rate 0.1": (0.1, on_plateau),
    "Adam, rate 0.01": (0.01, on_plateau),
    "Adam, rate 0.05, stepwise": (0.05, stepwise),
}


def search(gru: nn.GRU, starts: Tensor, *, rate: float, schedule: Schedule) -> Tensor:
    """Return the states where Adam ends under zero input.    starts: [N, H] -> [N, H]"""
    h = starts.float().unsqueeze(0).requires_grad_()
    x = torch.zeros(len(starts), 1, gru.input_size)
    optimiser = torch.optim.Adam([h], lr=rate)
    pace = schedule(optimiser)
    before = torch.full((len(starts),), torch.inf)
    for _ in range(MAX_ITERATIONS):
        optimiser.zero_grad()
        q = 0.5 * (gru(x, h)[1] - h).square().sum(-1)[0]
        loss = q.mean()
        loss.backward()
        change, before = (q.detach() - before).abs(), q.detach()
        now = optimiser.param_groups[0]["lr"]
        if ((change < TOL_DQ * now) | (before < TOL_Q)).all():
            break
        optimiser.step()
        pace.step(
            *(
                (loss.detach(),)
                if isinstance(pace, torch.optim.lr_scheduler.ReduceLROnPlateau)
                else ()
            )
        )
    return h.detach()[0].to(starts)
