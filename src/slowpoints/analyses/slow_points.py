"""One slow point per class and network (Haviv et al. 2019), its speed, and the linear dynamics
around it.

The map is one step under the mean of the noise (through a front: the mean feature of noise),
without trigger. The search starts from the centre of mass of the class's states. With `n_noise`
frames of noise instead, the same for every state and network, it looks for the least expected speed
under them; the linear dynamics stay those under the mean.

Departs: the search stays within two standard deviations of the class's states around their mean,
    and within
their range; the authors bound |h| by 1 and stop after a fixed number of steps. Slow states lie in
    long curved
valleys: with |h| <= 1 alone, a search that runs until it converges leaves the class for the corners
    of that
box, where gates saturate, and more than half of its points are read out as another class.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from slowpoints.analyses._centres import N_CORRECT, Starts, final_states, read, starts
from slowpoints.analyses._delayed import (
    as_table,
    chosen_images,
    mean_noise,
    seen,
    with_trigger,
    world,
)
from slowpoints.analyses._given import Given, Result
from slowpoints.analyses._scatter import scatter
from slowpoints.dynamics import (
    Expected,
    Map,
    SlowPoints,
    find_slow_points,
    merge_duplicates,
    modes,
    participation,
    speed,
    time_constant,
)
from slowpoints.engine import measure, state_curvature, state_jacobian, state_map
from slowpoints.provenance.records import identity
from slowpoints.spec.seeds import seed_of
from slowpoints.tasks._images import World
from slowpoints.training.stack import Group, in_float64, rows_of

COLUMNS = (
    "class", "start", "n_correct", "start_speed", "speed", "q", "kind", "gradient", "n_iterations",
    "spectral_radius", "n_unstable", "time_constant", "label", "representative", "distance",
    "participation", "scatter", "noisy_speed", "on_faces", "by_chance", "beyond_chance",
)  # fmt: skip
KINDS = ("open", "fixed", "slow")
NUMBERS = (
    8_000_000  # entries of all Jacobians searched at once; about fifteen such tensors live: 1 GB
)
N_CHANCE = 200  # states drawn from the box of each class
OF_TASKS = ("delayed_classification",)


@dataclass(frozen=True)
class Settings:
    """Where the search starts, how far it may go, and which points count as one."""

    n_images: int = 100  # per class, of the training images
    n_wait: int = 14  # steps of noise after the stimulus
    noise_divisor: float = 3.0  # of the standard deviation; the authors' for MNIST
    n_deviations: float | None = (
        2.0  # how far the search may go from the centre; None: wherever any class was
    )
    n_noise: int = (
        0  # frames over which the speed is averaged; 0: the mean of the noise, as in the paper
    )
    merge_radius: float = 1e-3
    max_iterations: int = 1000

    def __post_init__(self) -> None:
        """Refuse empty samples and searches that go nowhere."""
        if min(self.n_images, self.max_iterations) < 1 or min(self.n_wait, self.n_noise) < 0:
            raise ValueError(
                "slow_points: n_images and max_iterations must be at least 1, n_wait and "
                "n_noise at least 0"
            )
        if self.noise_divisor <= 0 or self.merge_radius < 0 or (self.n_deviations or 1.0) <= 0:
            raise ValueError(
                "slow_points: noise_divisor and n_deviations must be positive, merge_radius "
                "not negative"
            )


def run(given: Given) -> Result:
    """Return one row per network and class.

    Per run "points", "centres" [N, S], "eigenvalues" [N, S, 2].

    label: the class read out at the point (-1: null); representative: the class whose point this
    one coincides with; distance: to the network's nearest other point; eigenvalues: real and
    imaginary part;
    participation: of state dimensions in the leading eigenvector; scatter, noisy_speed: one step
    under noise; on_faces: share of the state's numbers that lie on an edge of the box; by_chance:
    share of random states of the box that are read out as the class; beyond_chance: what the point
    has more (one, or nothing, less that share).
    """
    rows: list[dict[str, Any]] = []
    kept: dict[str, Tensor] = {}
    for group in given.groups:
        images_and_noise = world(group, data_dir=given.data_dir)
        for part in _parts(group, n_noise=given.settings.n_noise):
            found, own = _searched(part, images_and_noise, given.settings)
            rows += found
            kept |= own
    return as_table(rows, records=given.records, columns=COLUMNS), kept


def _parts(group: Group, *, n_noise: int) -> Iterator[Group]:
    """Yield the group in slices that fit into memory, in float64."""
    n_states = group.network.depth * len(group.network.cell.states) * group.network.units
    width = max(1, NUMBERS // (group.settings.n_classes * n_states**2 * max(1, n_noise)))
    for first in range(0, len(group.records), width):
        yield in_float64(rows_of(group, slice(first, first + width)))


def _searched(
    group: Group, task: World, settings: Settings
) -> tuple[list[dict[str, Any]], dict[str, Tensor]]:
    """Return rows and arrays of some networks, searched together."""
    net, params = group.network, group.params
    rng = torch.Generator().manual_seed(seed_of(group.records[0].run.experiment, "slow_points"))
    images = chosen_images(group, task.images["train"], n_images=settings.n_images, rng=rng)
    std = task.std / settings.noise_divisor
    final = final_states(group, task, images, n_wait=settings.n_wait, std=std, rng=rng)
    noise = mean_noise(group, task)
    begin = starts(group, noise, final, n_deviations=settings.n_deviations)
    x = with_trigger(noise, 0.0)
    F: Map = state_map(net, params, x)
    jacobian = state_jacobian(net, params, x)
    known: dict[str, Any] = {"jacobian": jacobian, "curvature": state_curvature(net, params, x)}
    if settings.n_noise:
        frames = torch.empty(settings.n_noise, images.shape[-1]).normal_(
            task.mean, task.std, generator=rng
        )
        F, known = expected(group, list(seen(group, frames, 0.0).unbind(1))), {}
    with torch.no_grad():
        found = find_slow_points(
            F, begin.centres, measure=measure(net), lower=begin.lower, upper=begin.upper,
            max_iterations=settings.max_iterations, **known,
        )  # fmt: skip
        eigenvalues, eigenvectors = modes(jacobian(found.point))
        taking_part = participation(eigenvectors[..., 0])
        noisy = scatter(group, task, found.point)
        label = read(group, noise, found.point)
        chance = _by_chance(group, noise, begin, rng=rng)
        start_speed = speed(F, begin.centres, measure=measure(net))
    rows: list[dict[str, Any]] = []
    kept: dict[str, Tensor] = {}
    for m, record in enumerate(group.records):
        own = SlowPoints(*(field[m] for field in found))
        columns = _columns(own, eigenvalues[m], radius=settings.merge_radius) | {
            "start": [
                "centre" if n >= N_CORRECT else "fallback" for n in begin.n_correct[m].tolist()
            ],
            "n_correct": begin.n_correct[m].tolist(),
            "start_speed": start_speed[m].tolist(),
            "label": (label[m] - 1).tolist(),
            "participation": taking_part[m].tolist(),
            "scatter": noisy.scatter[m].tolist(),
            "noisy_speed": noisy.noisy_speed[m].tolist(),
            "on_faces": _on_faces(own.point, begin.lower[m], begin.upper[m]).tolist(),
            "by_chance": chance[m].tolist(),
            "beyond_chance": (_is_class(label[m]).double() - chance[m]).tolist(),
        }
        rows += [
            identity(record) | {"class": k} | {name: column[k] for name, column in columns.items()}
            for k in range(len(own.point))
        ]
        values = torch.view_as_real(eigenvalues[m])
        arrays = {"points": own.point, "centres": begin.centres[m], "eigenvalues": values}
        kept |= {f"{record.id}/{name}": value.contiguous() for name, value in arrays.items()}
    return rows, kept


def _is_class(label: Tensor) -> Tensor:
    """Return which of the points of all classes are read out as theirs.    label: [..., N]"""
    return label == torch.arange(1, label.shape[-1] + 1)


def _by_chance(group: Group, noise: Tensor, begin: Starts, *, rng: torch.Generator) -> Tensor:
    """Return the share of random states of each class's box that are read out as it.

    -> [M, N]
    """
    share = torch.rand(N_CHANCE, *begin.lower.shape[1:], generator=rng, dtype=begin.lower.dtype)
    states = begin.lower.unsqueeze(1) + share * (begin.upper - begin.lower).unsqueeze(1)
    label = read(group, noise, states.flatten(1, 2)).unflatten(1, states.shape[1:3])
    return _is_class(label).double().mean(1)


def _on_faces(point: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """Return the share of numbers of each point at an edge of its box.    all [N, S] -> [N]"""
    return ((point <= lower) | (point >= upper)).double().mean(-1)


def expected(group: Group, frames: list[Tensor]) -> Expected:
    """Return one step under each of some constant inputs, each [M, I], with its derivatives."""
    net, params = group.network, group.params
    curvatures = [state_curvature(net, params, x) for x in frames]
    return Expected(
        [state_map(net, params, x) for x in frames],
        [state_jacobian(net, params, x) for x in frames],
        [C for C in curvatures if C is not None],
    )


def _columns(found: SlowPoints, eigenvalues: Tensor, *, radius: float) -> dict[str, list[Any]]:
    """Return what the table says of the points of one network.    eigenvalues: [N, S]"""
    apart = torch.cdist(found.point, found.point).fill_diagonal_(torch.inf)
    return {
        "speed": found.speed.tolist(),
        "q": found.q.tolist(),
        "kind": [KINDS[kind] for kind in found.kind.tolist()],
        "gradient": found.gradient.tolist(),
        "n_iterations": found.n_iterations.tolist(),
        "spectral_radius": eigenvalues[:, 0].abs().tolist(),
        "n_unstable": (eigenvalues.abs() > 1).sum(-1).tolist(),
        "time_constant": time_constant(eigenvalues).tolist(),
        "representative": merge_duplicates(found.point, radius=radius).tolist(),
        "distance": apart.min(-1).values.tolist(),
    }
