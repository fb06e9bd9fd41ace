"""Tables of tuned experiments as they are printed.

Reruns of the best setting, tests between cells.
"""

import pandas as pd

from slowpoints.claims.printing import NOTHING, number
from slowpoints.figures import published
from slowpoints.figures.printed import Quoted
from slowpoints.figures.style import label, name_of


def rerun_rows(trainability: pd.DataFrame) -> list[dict[str, str]]:
    """Return two rows per arm: our reruns, and those of the paper (Table App.1) where it has the
    cell at one layer.
    """
    rows = []
    for _, own in trainability.iterrows():
        rows.append({"network": name_of(own["arm"]), "whose": "ours"} | _numbers(own, n=own["n"]))
        if own["cell"] in published.RERUNS and own["depth"] == 1:
            quoted = _numbers(pd.Series(published.RERUNS[own["cell"]]), n=100)
            theirs = {
                name: Quoted(text) for name, text in ({"whose": "published"} | quoted).items()
            }
            rows.append({"network": name_of(own["arm"])} | theirs)
    return rows


def _numbers(own: pd.Series, *, n: int) -> dict[str, str]:
    losses = {"min": "min", "mean": "mean", "max": "max", "s.d.": "sd"}
    shown = {name: _short(own[column]) for name, column in losses.items()}
    return {"n": f"{n}", "infeasible": f"{own['infeasible']:.0%}"} | shown


def welch_rows(welch: pd.DataFrame) -> list[dict[str, str]]:
    """Return one row per pair of arms.

    Our tests, and the paper's t and p (Table App.2) where it has the cells.
    """
    return [
        {
            "layers": f"{own['depth']}",
            "first": label(own["cell"]),
            "second": label(own["other_cell"]),
        }
        | {"n": f"{own['n']}, {own['other_n']}", "t": _short(own["t"]), "df": _short(own["df"])}
        | {
            "p": _p(own["p"]),
            "p (Holm)": _p(own["p_holm"]),
            "p of ranks (Holm)": _p(own["rank_p_holm"]),
        }
        | _published(own)
        for _, own in welch.iterrows()
    ]


def _published(own: pd.Series) -> dict[str, str]:
    found = published.welch_t(own["cell"], own["other_cell"], depth=own["depth"])
    t, p = (None, None) if found is None else found
    return {"published t": Quoted(_short(t)), "published p": Quoted(_p(p))}


def agreement(welch: pd.DataFrame) -> str:
    """Return in how many pairs of cells the sign of t is that of the paper, in words."""
    found = [(own["t"], published.welch_t(own["cell"], own["other_cell"], depth=own["depth"]))
             for _, own in welch.dropna(subset=["t"]).iterrows()]  # fmt: skip
    known = [(t, theirs[0]) for t, theirs in found if theirs is not None]
    return f"{sum(t * theirs > 0 for t, theirs in known)} of {len(known)} pairs"


def _short(value: float | None) -> str:
    return NOTHING if value is None else number(value)


def _p(value: float | None) -> str:
    return "< .001" if value is not None and value < 1e-3 else _short(value)
