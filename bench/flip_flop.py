"""Networks that hold three bits, the usual example of slow points, and states from which to look
for them.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from slowpoints.dynamics import ModuleMap, module_map

BITS = 3
STEPS = 50
PULSES = 0.1
BATCH = 64
UPDATES, CLIP = 2000, 1.0


class Case(NamedTuple):
    """A trained network, and where to search."""

    gru: nn.GRU  # float32
    F: ModuleMap  # under zero input, float64
    error: float  # mean squared, of the last batch of training
    starts: Tensor  # [N, H] float64
    lower: Tensor  # [H] of the box of reachable states
    upper: Tensor


def batch(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return pulses of +1 or -1, and the last pulse of every channel.

    each [BATCH, STEPS, BITS]
    """
    shape = (BATCH, STEPS, BITS)
    is_pulse = torch.rand(shape, generator=rng) < PULSES
    is_pulse[:, 0] = True
    pulses = is_pulse * (2.0 * (torch.rand(shape, generator=rng) < 0.5) - 1)
    when = (is_pulse * torch.arange(STEPS)[:, None]).cummax(1).values
    return pulses, pulses.gather(1, when)


def trained(units: int, *, rate: float, seed: int = 0) -> tuple[nn.GRU, float]:
    """Return a GRU that holds three bits, and its last error.    rate: of Adam, falling to zero"""
    torch.manual_seed(seed)
    rng = torch.Generator().manual_seed(seed)
    gru, head = nn.GRU(BITS, units, batch_first=True), nn.Linear(units, BITS)
    parameters = [*gru.parameters(), *head.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=rate)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, UPDATES)
    for _ in range(UPDATES):
        pulses, memory = batch(rng)
        loss = (head(gru(pulses)[0]) - memory).square().mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, CLIP)
        optimiser.step()
        schedule.step()
    return gru.requires_grad_(False), float(loss.detach())


def case(gru: nn.GRU, error: float, *, n_starts: int, noise: float) -> Case:
    """Return starts drawn from the network's trajectories, with normal noise of this deviation on
    every unit.
    """
    rng = torch.Generator().manual_seed(1)
    F = module_map(gru, torch.zeros(BITS))
    visited = F.pack(gru(batch(rng)[0])[0].flatten(0, 1))
    starts = visited[torch.randint(len(visited), (n_starts,), generator=rng)]
    starts = starts + noise * torch.randn(starts.shape, generator=rng, dtype=starts.dtype)
    return Case(gru, F, error, starts, *F.box(visited))
