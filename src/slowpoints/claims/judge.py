"""Verdicts: each claim's interval against the region its test names, and every number of
the text.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from slowpoints.claims import evidence
from slowpoints.claims.estimate import ClaimError, Estimate, estimate
from slowpoints.claims.printing import corrected, estimated
from slowpoints.measures.statistics import Interval
from slowpoints.provenance.records import read_table
from slowpoints.spec.claims import Claim, Test
from slowpoints.spec.experiment import Experiment

BETTER = "better than claimed"
NOT_TESTABLE = "not testable here"
NOT_JUDGED = "not judged at this scale"
VERDICTS = ("holds", BETTER, "fails", "undecided", NOT_TESTABLE, NOT_JUDGED)
LEVEL = 0.95
Tables = Mapping[tuple[str, str], Path]  # (experiment, table) -> file


def judge(experiments: Iterable[Experiment], tables: Tables, *, scale: str) -> list[dict[str, Any]]:
    """Return one row per claim, in the order of the experiments, failures kept."""
    return [
        _row(
            claim,
            experiment,
            _estimated(claim, experiment, tables) if scale in claim.judged_at else None,
            scale=scale,
        )
        for experiment in experiments
        for claim in experiment.claims
    ]


def _estimated(claim: Claim, experiment: Experiment, tables: Tables) -> Estimate:
    key = (experiment.name, claim.test.table)
    if key not in tables:
        raise ClaimError(
            f"claim {claim.id}: no table {claim.test.table} of {experiment.name} was given"
        )
    try:
        return estimate(claim.test, read_table(tables[key]))
    except ClaimError as error:
        raise ClaimError(f"claim {claim.id} of {experiment.name}: {error}") from None


def verdict(test: Test, found: Interval) -> str:
    """Return `holds` if the interval lies in the region, `fails` if it lies outside, else
    `undecided`.

    Of a test that says which side is `better`, that side belongs to the region; beyond it, it is
    `better than claimed`.
    """
    low, high = found.low, found.high
    if math.isnan(low) or math.isnan(high):
        return "undecided"
    if test.apart is not None:
        inside = low > test.apart or high < -test.apart
        outside = -test.apart <= low and high <= test.apart
        return "holds" if inside else "fails" if outside else "undecided"
    above = -math.inf if test.above is None else test.above
    below = math.inf if test.below is None else test.below
    if (test.better == "lower" and high <= above) or (test.better == "higher" and low >= below):
        return BETTER
    reached_above = test.better == "lower" or above < low
    reached_below = test.better == "higher" or high < below
    if reached_above and reached_below:
        return "holds"
    return "fails" if high <= above or low >= below else "undecided"


def direction(test: Test, found: Interval, given: str) -> str:
    """Return in a word where an interval lies whose claim fails."""
    if given != "fails":
        return ""
    if test.apart is not None:
        return "no difference"
    return "lower" if test.above is not None and found.high <= test.above else "higher"


def _why(test: Test, found: Estimate | None, given: str) -> str:
    """Return in which direction a claim fails, and what one that is undecided would take."""
    if found is None:
        return ""
    if given == "undecided":
        return evidence.needed_text(evidence.needed(test, found), found.unit)
    return direction(test, found.interval, given)


def counted(found: Estimate) -> str:
    """Return what an estimate rests on: how many networks, in how many clusters."""
    if found.unit == "networks":
        return f"{found.n_networks} networks"
    if found.unit == "pairs":
        return f"{found.n_units} pairs"
    return f"{found.n_networks} networks of {found.n_units} {found.unit}"


def statistic_text(test: Test) -> str:
    """Return in words what was estimated."""
    y = f"log10 {test.y}" if test.log else test.y
    first, second = test.group_values if test.groups else ("", "")
    given = f" given {test.given}" if test.given else ""
    return {
        "mean": f"mean of {y}",
        "difference": f"difference in {y}, {first} - {second}",
        "paired_difference": f"paired difference in {y}, {first} - {second}",
        "median_difference": f"difference in the median of {y}, {first} - {second}",
        "share_difference": f"difference in the share with {y}, {first} - {second}",
        "ratio": f"ratio of mean {y}, {first} / {second}",
        "spread": f"largest over smallest mean {y} among {test.by}",
        "spearman": f"Spearman correlation of {test.x} and {y}{given}"
        + ("; mean over networks of that within each" if test.within else ""),
        "slope": f"slope of {y} on {'log10 ' if test.log else ''}{test.x}",
        "distance": f"mean distance of {y} from {test.to}",
        "share": f"share with {test.x} equal to {test.y}",
    }[test.statistic]


def _row(
    claim: Claim, experiment: Experiment, found: Estimate | None, *, scale: str
) -> dict[str, Any]:
    interval = found.interval if found else Interval(math.nan, math.nan, math.nan)
    reached = verdict(claim.test, interval) if found else NOT_JUDGED
    why = claim.untestable.get(scale, "") if found else ""
    return {
        "id": claim.id,
        "paper": experiment.paper,
        "statement": claim.statement,
        "says": claim.says,
        "of": claim.of,
        "where": claim.where,
        "published": claim.published,
        "estimate": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "level": LEVEL,
        "n": found.n_networks if found else 0,
        "counted": counted(found) if found else "",
        "p": evidence.p_value(claim.test, found) if found else math.nan,
        "fixed": claim.fixed,
        "statistic": statistic_text(claim.test),
        "threshold": claim.test.region(),
        "verdict": NOT_TESTABLE if why else reached,
        "why": why or _why(claim.test, found, reached),
        "figure": claim.figure,
        "experiment": experiment.name,
    }


def numbers(
    rows: list[dict[str, Any]],
    headlines: list[dict[str, Any]],
    outcomes: Mapping[str, Path],
    *,
    stamps: Mapping[str, str],
) -> dict[str, Any]:
    """Return every number the text may use, flat.

    Claims, headlines, runs per experiment, and the provenance `stamps`.

    A claim gives `<id>.estimate` and so on, as printed; `<id>.estimate_raw` is the number itself.
    `claims` has the ids in order, `headlines` what each says, its estimates and verdict.
    """
    flat: dict[str, Any] = {"claims": [row["id"] for row in rows], "n_claims": len(rows), **stamps}
    words = ("paper", "says", "published", "here", "verdict", "figures")
    flat["headlines"] = [
        {name: row[name] for name in words}
        | {name: corrected(row[name]) for name in ("p_holm", "p_bh")}
        for row in headlines
    ]
    for name in VERDICTS:
        flat[f"n_{name.replace(' ', '_')}"] = sum(row["verdict"] == name for row in rows)
    for row in rows:
        flat |= {
            f"{row['id']}.{key}": row[key]
            for key in row
            if key not in ("id", "estimate", "low", "high", "level", "p")
        }
        keys = ("estimate", "low", "high")
        for key, text in zip(keys, estimated(*(row[key] for key in keys)), strict=True):
            flat[f"{row['id']}.{key}"] = text
            flat[f"{row['id']}.{key}_raw"] = None if math.isnan(row[key]) else row[key]
    for experiment, path in outcomes.items():
        flat |= {f"{experiment}.{key}": n for key, n in run_counts(read_table(path)).items()}
    return dict(sorted(flat.items()))


def run_counts(outcomes: pd.DataFrame) -> dict[str, int]:
    """Return how many runs there were, and how many ended each way."""
    ended = outcomes.drop_duplicates("run")["outcome"]
    return {"n_runs": len(ended)} | {
        f"n_{how}": int((ended == how).sum()) for how in ("ok", "budget", "diverged")
    }
