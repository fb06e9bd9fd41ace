"""Claims and tables with known answers, for the tests of estimates and verdicts."""

import pandas as pd

from slowpoints.claims.estimate import estimate
from slowpoints.measures.statistics import Interval
from slowpoints.spec.claims import parse_claims

PLAIN = {"statistic": "mean", "table": "outcomes", "y": "mse", "above": 0}


def claim(test: dict, **changed):
    data = {
        "id": "c",
        "says": "so",
        "where": "abstract",
        "judged_at": ["laptop"],
        "figure": "f",
        "test": test,
    }
    (found,) = parse_claims([data | changed], where="x.yaml: claims")
    return found


def networks(n_seeds: int = 6) -> pd.DataFrame:
    """Two cells over three loads; the error grows with the load, and is twice as large for the
    second.
    """
    rows = [
        {
            "run": f"{cell}/{load}/{seed}",
            "cell": cell,
            "arm": cell,
            "load": load,
            "seed": seed,
            "mse": factor * load * (1 + 0.01 * seed),
            "steps": None if load == 4 else 10 * load,
        }
        for cell, factor in (("pru", 1), ("gru", 2))
        for load in (1, 2, 4)
        for seed in range(n_seeds)
    ]
    return pd.DataFrame(rows)


def found(test: dict, table: pd.DataFrame) -> Interval:
    return estimate(claim(test).test, table).interval
