"""What to try next: suggestions as a pure function of what is known, so that nothing has to survive
a kill but that.

The model is the library's (Optuna): a Gaussian process with a Matern-5/2 kernel, one length per
setting, over mixed spaces; the next trials maximise the logarithm of the expected improvement,
those asked for at once conditioned on each other (Collins et al. 2017, section 3: "batched"
Gaussian process bandits with expected improvement).
"""

import math
from typing import Any, NamedTuple

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, create_trial
from scipy.stats import qmc

from slowpoints.cells.definition import NOTHING, Cell
from slowpoints.spec.seeds import seed_of
from slowpoints.spec.tuning import Distribution, real

optuna.logging.set_verbosity(optuna.logging.WARNING)

Dimensions = dict[str, tuple[str, tuple[Any, ...]]]  # dotted key: kind, values


class Trial(NamedTuple):
    """What was tried, as the model sees it, and what came of it; None: diverged."""

    point: dict[str, Any]
    value: float | None


def dimensions(space: dict[str, Distribution], cell: Cell) -> Dimensions:
    """Return one dimension per setting.

    Those that are per stream or per keeping gate once for each of the cell's.

    How recurrent matrices start is left out where there are none, or where they are always the
    identity.
    """
    found: Dimensions = {}
    is_free = cell.recurrent and not cell.recurrent_identity
    for key, own in space.items():
        if is_free or not key.startswith("net.recurrent_"):
            found |= {name: (own.kind, own.values) for name in _named(key, own.per, cell)}
    return found


def _named(key: str, per: str, cell: Cell) -> list[str]:
    if per == "run":
        return [key]
    affine = [stream.name for stream in cell.streams if stream.affine and stream.of != NOTHING]
    projected = [*cell.projections, *cell.second]
    streams = {
        "keep": list(cell.keep),
        "stream": projected if key == "net.recurrent_scale" else affine,
    }[per]
    return [f"{key}.{stream}" for stream in streams]


def suggest(
    dims: Dimensions,
    known: list[Trial],
    n: int,
    *,
    goal: str,
    sampler: str,
    first: int,
    name: str,
    near: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return the next n points of a study.

    name: of the study; its seed
    near: a point that is tried first; the other first points of gp fill half of each dimension
    around it

    random: independent draws. gp: the first points fill the space evenly (Sobol), the same for
    every study of the same dimensions; later ones come from the model of all that is known.
    Diverged trials count as the worst so far.
    """
    if sampler == "random":
        draws = np.stack(
            [
                np.random.default_rng(seed_of(name, len(known) + i)).random(len(dims))
                for i in range(n)
            ]
        )
        return [_placed(dims, row) for row in draws]
    if len(known) < first:
        even = qmc.Sobol(len(dims), rng=np.random.default_rng(len(dims))).random(
            1 << (len(known) + n - 1).bit_length()
        )
        if near is not None:
            even = _around(_shares(dims, near), even)
        return [_placed(dims, row) for row in even[len(known) : len(known) + n]]
    spread = {key: _distribution(*own) for key, own in dims.items()}
    study = optuna.create_study(
        direction="maximize" if goal == "highest" else "minimize",
        sampler=optuna.samplers.GPSampler(
            seed=seed_of(name, len(known)) % 2**32, n_startup_trials=0
        ),
    )
    study.add_trials(_told(known, spread, goal=goal))
    return [dict(study.ask(spread).params) for _ in range(n)]


def _told(
    known: list[Trial], spread: dict[str, BaseDistribution], *, goal: str
) -> list[FrozenTrial]:
    values = [trial.value for trial in known if trial.value is not None]
    worst = (min if goal == "highest" else max)(values, default=0.0)
    told = [worst if trial.value is None else trial.value for trial in known]
    return [
        create_trial(params=trial.point, distributions=spread, value=value)
        for trial, value in zip(known, told, strict=True)
    ]


def _distribution(kind: str, values: tuple[Any, ...]) -> BaseDistribution:
    if kind == "choice":
        return CategoricalDistribution(values)
    if kind == "integer":
        return IntDistribution(*values)
    low, high = map(float, values)
    return FloatDistribution(low, high, log=kind == "log")


def _around(centre: np.ndarray, even: np.ndarray) -> np.ndarray:
    """Return points in the half of each dimension around `centre`, which is the first of them.

    centre: [D], even: [N, D], all in [0, 1)
    """
    low = np.clip(centre - 0.25, 0.0, 0.5)
    return np.concatenate([centre[None], low + even[1:] / 2])


def _shares(dims: Dimensions, point: dict[str, Any]) -> np.ndarray:
    """Return [D], where in each dimension a point lies; the inverse of `_placed`."""
    return np.array([_share(*own, point[key]) for key, own in dims.items()])


def _share(kind: str, values: tuple[Any, ...], value: Any) -> float:
    if kind == "choice":
        return (values.index(value) + 0.5) / len(values)
    low, high = values
    if kind == "integer":
        return (value - low + 0.5) / (high - low + 1)
    if kind == "log":
        return math.log(value / low) / math.log(high / low)
    return float((value - low) / (high - low))


def _placed(dims: Dimensions, shares: np.ndarray) -> dict[str, Any]:
    """Return the point whose coordinates are these shares of each dimension.

    shares: [D] in [0, 1)
    """
    return {
        key: _value(*own, float(share))
        for (key, own), share in zip(dims.items(), shares, strict=True)
    }


def _value(kind: str, values: tuple[Any, ...], share: float) -> Any:
    if kind == "choice":
        return values[int(share * len(values))]
    low, high = values
    if kind == "integer":
        return low + int(share * (high - low + 1))
    if kind == "log":
        return min(high, max(low, low * math.exp(share * math.log(high / low))))
    return low + share * (high - low)


def settings(dims: Dimensions, point: dict[str, Any]) -> dict[str, Any]:
    """Return {dotted key: value} of a point as settings: logits as shares."""
    return {key: real(dims[key][0], value) for key, value in point.items()}
