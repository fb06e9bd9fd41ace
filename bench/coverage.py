"""How often the intervals of claims hold the truth, for data of the sizes that claims rest on.

Each case draws tables from a law whose true value is known, judges them as claims are judged, and
counts how often the 95 % interval holds that value.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.random import Generator

from slowpoints.claims.estimate import estimate
from slowpoints.spec.claims import Test

N_TABLES = 400
CLASSES = 10
ARMS = {"arm": ["a", "b"]}
Law = Callable[[Generator, int], np.ndarray]
PAGE = """# How often intervals hold the truth

Written by `make coverage`: {n} simulated tables per line, of the sizes that claims rest on, judged
as claims are. An interval of 95 % should hold the true value in 95 % of them; the share is known to
about two points. *Sizes* are what is independent, per group. Skewed values are log-normal with a
standard deviation of the logarithm of 0.5.

| statistic | sizes | values | used by | share that holds the truth |
|---|---|---|---|---|
"""


class Case(NamedTuple):
    """What is drawn, how it is judged, and what is true."""

    statistic: str
    sizes: str
    values: str
    used_by: str
    test: Test
    draw: Callable[[Generator], pd.DataFrame]
    truth: float


def run(*, n: int = N_TABLES, seed: int = 0) -> dict[str, Any]:
    """Simulate every case."""
    rows = []
    for i, case in enumerate(cases()):
        rng = np.random.default_rng([seed, i])
        held = [_holds(case, rng) for _ in range(n)]
        rows.append(
            {name: getattr(case, name) for name in ("statistic", "sizes", "values", "used_by")}
            | {"share": float(np.mean(held))}
        )
    return {"n": n, "rows": rows}


def _holds(case: Case, rng: Generator) -> bool:
    found = estimate(case.test, case.draw(rng)).interval
    return bool(found.low <= case.truth <= found.high)


def page(found: dict[str, Any]) -> str:
    """Return the page of what was simulated."""
    lines = [
        f"| {row['statistic']} | {row['sizes']} | {row['values']} | {row['used_by']} | "
        f"{100 * row['share']:.1f} % |"
        for row in found["rows"]
    ]
    return PAGE.format(n=found["n"]) + "\n".join(lines) + "\n"


def _normal(rng: Generator, size: int) -> np.ndarray:
    return rng.normal(0, 1, size)


def _skewed(rng: Generator, size: int) -> np.ndarray:
    return rng.lognormal(0, 0.5, size)


MEAN_OF_SKEWED = float(np.exp(0.125))
LAWS = {"normal": (_normal, 0.0), "skewed": (_skewed, MEAN_OF_SKEWED)}


def _networks(y: np.ndarray, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"run": [f"r{i}" for i in range(len(y))], "seed": 0, "y": y, **columns})


def _studies(rng: Generator, *, law: Law, n: int) -> pd.DataFrame:
    """Return two reruns of each study: most of what varies is the study's."""
    own = np.repeat(law(rng, n), 2)
    return _networks(own + rng.normal(0, 0.2, 2 * n), study=np.repeat(np.arange(n), 2))


def cases() -> Iterator[Case]:
    """Yield every case."""
    for name, (law, truth) in LAWS.items():
        for n in (4, 6, 10, 20):
            test = Test("mean", "t", y="y", above=0)
            draw = partial(_alone, law=law, n=n)
            yield Case("mean", f"{n} networks", name, "many", test, draw, truth)
        for n in (3, 9, 12):
            test = Test("mean", "t", y="y", cluster=("study",), above=0)
            draw = partial(_studies, law=law, n=n)
            yield Case("mean", f"{n} studies of 2 reruns", name, "capacity", test, draw, truth)
        for n in (5, 6, 8):
            test = Test("difference", "t", y="y", groups=ARMS, above=0)
            draw = partial(_in_arms, law=law, n=n)
            yield Case("difference", f"{n} and {n} networks", name, "curricula", test, draw, 0.0)
        for n in (5, 6):
            test = Test("paired_difference", "t", y="y", groups=ARMS, pair=("seed",), above=0)
            draw = partial(_pairs, law=law, n=n)
            yield Case("paired difference", f"{n} pairs", name, "the penalty", test, draw, 0.0)
    yield from _other_cases()


def _other_cases() -> Iterator[Case]:
    """Yield the cases of statistics that are no means."""
    for n in (3, 6):
        test = Test("ratio", "t", y="y", groups=ARMS, cluster=("arm", "study"), above=1)
        sizes, draw = f"{n} and {n} studies of 2 reruns", partial(_two_arms, n=n)
        yield Case("ratio of means", sizes, "skewed", "capacity", test, draw, 1.0)
    for n in (3, 9):
        test = Test("slope", "t", x="x", y="y", cluster=("x", "study"), above=0.5)
        sizes, draw = f"{n} studies of 2 reruns at each of 3 sizes", partial(_sizes, n=n)
        yield Case("slope", sizes, "normal", "linearity", test, draw, 1.0)
    for n in (6, 12, 18):
        test = Test("spearman", "t", x="x", y="y", within=True, below=0)
        sizes, draw = f"{n} networks of {CLASSES} classes", partial(_classes, n=n)
        used = "speed and memory"
        yield Case("correlation within networks", sizes, "normal", used, test, draw, WITHIN)
    for n in (6, 18):
        test = Test("share", "t", x="x", y="y", above=0.5)
        sizes, draw = f"{n} networks of {CLASSES} classes, 0.9 true", partial(_shares, n=n)
        yield Case("share", sizes, "true or false", "slow points", test, draw, 0.9)


def _alone(rng: Generator, *, law: Law, n: int) -> pd.DataFrame:
    return _networks(law(rng, n))


def _in_arms(rng: Generator, *, law: Law, n: int) -> pd.DataFrame:
    return _networks(law(rng, 2 * n), arm=["a", "b"] * n)


def _pairs(rng: Generator, *, law: Law, n: int) -> pd.DataFrame:
    start = np.repeat(rng.normal(0, 2, n), 2)
    table = _networks(start + law(rng, 2 * n), arm=["a", "b"] * n)
    return table.assign(seed=np.repeat(np.arange(n), 2))


def _two_arms(rng: Generator, *, n: int) -> pd.DataFrame:
    parts = [_studies(rng, law=_skewed, n=n).assign(arm=arm) for arm in ("a", "b")]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(y=table["y"] + 2, run=[f"r{i}" for i in range(len(table))])


def _sizes(rng: Generator, *, n: int) -> pd.DataFrame:
    parts = [_studies(rng, law=_normal, n=n).assign(x=x) for x in (1.0, 2.0, 3.3)]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(y=table["x"] + 0.1 * table["y"], run=[f"r{i}" for i in range(len(table))])


def _classes(rng: Generator, *, n: int) -> pd.DataFrame:
    """Return classes whose speed and memory correlate in each network, by how much varies."""
    parts = []
    for i in range(n):
        x = rng.normal(0, 1, CLASSES)
        y = -rng.uniform(0, 0.7) * x + rng.normal(0, 1, CLASSES)
        parts.append(pd.DataFrame({"run": f"r{i}", "seed": i, "x": x + rng.normal(), "y": y}))
    return pd.concat(parts, ignore_index=True)


def _expected_within(*, n: int = 20_000) -> float:
    """Return the mean correlation of such networks."""
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, (n, CLASSES))
    y = -rng.uniform(0, 0.7, (n, 1)) * x + rng.normal(0, 1, (n, CLASSES))
    ranks = [values.argsort(1).argsort(1) - (CLASSES - 1) / 2 for values in (x, y)]
    return float((ranks[0] * ranks[1]).sum(1).mean() / (ranks[0][0] ** 2).sum())


WITHIN = _expected_within()


def _shares(rng: Generator, *, n: int) -> pd.DataFrame:
    """Return classes that are right with a share that varies from network to network."""
    share = np.repeat(rng.beta(9, 1, n), CLASSES)
    right = rng.random(n * CLASSES) < share
    run = np.repeat([f"r{i}" for i in range(n)], CLASSES)
    return pd.DataFrame({"run": run, "seed": 0, "x": 1, "y": right.astype(int)})
