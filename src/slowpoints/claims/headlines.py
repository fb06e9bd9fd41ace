"""The headlines judged: each from the verdicts of its claims, with its p corrected for how many
there are.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from slowpoints.claims.judge import NOT_JUDGED, NOT_TESTABLE, VERDICTS
from slowpoints.claims.printing import number, with_interval
from slowpoints.measures.statistics import benjamini_hochberg, holm
from slowpoints.spec.headlines import Headline

MOST = 4  # estimates that are written one by one


def judged(headlines: Iterable[Headline], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per headline.

    rows: of the claims, as from `judge`. p: of the weakest of its claims, those that cannot be
    tested left out; p_holm, p_bh: corrected over the headlines.
    """
    found = [_row(headline, rows) for headline in headlines]
    p = np.array([row["p"] for row in found], dtype=float)
    for row, of_holm, of_bh in zip(found, holm(p), benjamini_hochberg(p), strict=True):
        row |= {"p_holm": float(of_holm), "p_bh": float(of_bh)}
    return found


def _row(headline: Headline, rows: list[dict[str, Any]]) -> dict[str, Any]:
    own = [
        row | {"short": _short(words, row["of"])}
        for statement, words in headline.claims.items()
        for row in rows
        if row["statement"] == statement
    ]
    tested = [row for row in own if row["verdict"] not in (NOT_TESTABLE, NOT_JUDGED)]
    return {
        "paper": headline.paper,
        "says": headline.says,
        "published": headline.published,
        "here": _here(own),
        "verdict": _verdict(own),
        "n_claims": len(own),
        "n_holds": sum(row["verdict"] == "holds" for row in own),
        "p": max((row["p"] for row in tested), default=math.nan),
        "figures": " ".join(dict.fromkeys(row["figure"] for row in own)),
        "claims": " ".join(row["id"] for row in own),
    }


def _short(words: str, of: Any) -> str:
    parts = [part for part in (words, of if isinstance(of, str) else "") if part]
    return ", ".join(parts)


def _here(own: list[dict[str, Any]]) -> str:
    """Return the estimates: each with its interval if they are few, else their range."""
    shown = [row for row in own if not math.isnan(row["estimate"])]
    if not shown:
        return "–"
    if len(shown) <= MOST:
        return "; ".join(
            (f"{row['short']}: " if row["short"] else "")
            + with_interval(row["estimate"], row["low"], row["high"])
            for row in shown
        )
    parts: dict[str, list[dict[str, Any]]] = {}
    for row in shown:
        parts.setdefault(row["statement"], []).append(row)
    words = {row["statement"]: str(row["short"]).partition(",")[0] for row in shown}
    several = len(parts) > 1
    return "; ".join(
        (f"{words[statement]}: " if several else "") + _ranged(rows)
        for statement, rows in parts.items()
    )


def _ranged(rows: list[dict[str, Any]]) -> str:
    """Return the estimate of one claim with its interval, of several their range."""
    if len(rows) == 1:
        return with_interval(rows[0]["estimate"], rows[0]["low"], rows[0]["high"])
    values = [row["estimate"] for row in rows]
    return f"{number(min(values))} to {number(max(values))} in {len(values)}"


def _verdict(own: list[dict[str, Any]]) -> str:
    """Return one verdict where all claims agree, else how many have which."""
    counts = {name: sum(row["verdict"] == name for row in own) for name in VERDICTS}
    reached = {name: n for name, n in counts.items() if n}
    if len(reached) == 1:
        (only,) = reached
        return only
    return ", ".join(f"{name} {n} of {len(own)}" for name, n in reached.items())
