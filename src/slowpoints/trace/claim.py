"""A claim's number: the rows it was computed from, computed anew, and the runs in them."""

from functools import cache
from typing import Any

from slowpoints import paths
from slowpoints.claims.estimate import ClaimError, estimate, rows_of
from slowpoints.claims.judge import NOT_JUDGED
from slowpoints.claims.printing import with_interval
from slowpoints.plan import dag
from slowpoints.publish.readme import in_cell
from slowpoints.spec.claims import Claim, Test
from slowpoints.trace.chain import Chain, Facts, chain
from slowpoints.trace.place import Place, TraceError, claims, line_of, table

ANOTHER = "NOT the"  # stands before a number that its table does not give
SAME = 1e-9  # relative: a table keeps all digits, so only the order of sums may differ


@cache
def claim_chain(place: Place, name: str) -> Chain:
    """Return the chain of one claim."""
    row = claims(place)[name]
    experiment = row["experiment"]
    spec = next(
        (one for one in dag.experiments(place.scale)[experiment].claims if one.id == name), None
    )
    title = f"claim {name}"
    of = f" ({row['of']})" if row["of"] else ""
    facts: Facts = [("says", f"{row['says']}{of}"), ("value", _value(row))]
    facts += [("stands in", stands) for stands in _stands(place, row)]
    facts.append(
        (
            "figure",
            f"{row['figure']}: notebooks/{row['figure']}.ipynb, {_image(place, row['figure'])}",
        )
    )
    if spec is None:
        facts.append(
            (
                "statistic",
                f"{row['statistic']}; its test is no longer in "
                f"config/experiments/{experiment}.yaml",
            )
        )
        return chain(title, facts, place, [experiment], None)
    found, runs = _computed(place, row, spec)
    facts += [
        ("judged by", line_of(f"config/experiments/{experiment}.yaml", f"id: {name}")),
        *found,
    ]
    facts.append(
        ("judge again", f"snakemake --cores 2 --force {paths.whole(place.scale, 'claims.csv')}")
    )
    return chain(title, facts, place, [experiment], runs)


def _value(row: dict[str, Any]) -> str:
    if row["verdict"] == NOT_JUDGED:
        return NOT_JUDGED
    shown = with_interval(row["estimate"], row["low"], row["high"])
    return f"{shown}, {row['counted']}: {row['verdict']} (holds if {row['threshold']})"


def _stands(place: Place, row: dict[str, Any]) -> list[str]:
    """Return where the number is written.

    Claims file, page of all claims, and the places of the paper that show the claim.
    """
    files = [line_of(f"{place.folder}/claims.csv", f"{row['id']},")]
    says = in_cell(row["says"])
    if place.scale == "laptop":
        files.append(line_of("docs/claims.md", f"| {says} |"))
    text = line_of("paper/paper.typ", f'"{row["figure"]}"', f'of-paper("{row["paper"]}")')
    return [*files, f"{text}, and in its table of all statements"]


def _image(place: Place, figure: str) -> str:
    return f"{place.folder}/figures/{figure}.png"


def _computed(place: Place, row: dict[str, Any], spec: Claim) -> tuple[Facts, set[str]]:
    """Return what the claim's test reads, and the runs in the rows it keeps."""
    test, file = spec.test, place.table(row["experiment"], spec.test.table)
    whole = table(place, row["experiment"], test.table)
    if row["verdict"] == NOT_JUDGED:
        facts = [
            ("statistic", f"{row['statistic']}, not computed at this scale"),
            ("table", f"{file}, {len(whole)} rows"),
        ]
        return facts, set(whole["run"])
    try:
        rows, again = rows_of(test, whole), estimate(test, whole).interval.estimate
    except ClaimError as error:
        raise TraceError(f"claim {row['id']}: {error}") from None
    value = row["estimate"]
    is_same = again == value or abs(again - value) <= SAME * abs(value)
    anew = "the same" if is_same else f"{ANOTHER} {value!r} that was written"
    lines = [int(place_) + 2 for place_ in rows.index]
    facts = [
        ("statistic", f"{row['statistic']}: computed anew {again!r}, {anew}"),
        ("table", f"{file}: {len(rows)} of {len(whole)} rows, lines {_ranges(sorted(lines))}"),
        ("kept rows", _conditions(test) or "all"),
    ]
    return facts, set(rows["run"])


def _conditions(test: Test) -> str:
    words = [
        f"{column} {wanted}" for column, wanted in {**test.where, **(test.groups or {})}.items()
    ]
    if test.select:
        best = "highest" if test.select.highest else "lowest"
        words.append(f"of each {', '.join(test.select.per)} the one with the {best} "
                     f"{test.select.highest or test.select.lowest}")  # fmt: skip
    return "; ".join(words)


def _ranges(lines: list[int]) -> str:
    """Return numbers in order as ranges, the first dozen of them."""
    found: list[list[int]] = []
    for line in lines:
        if found and line == found[-1][1] + 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    words = [str(a) if a == b else f"{a}-{b}" for a, b in found]
    return ", ".join(words[:12]) + (
        f" and {len(words) - 12} more ranges" if len(words) > 12 else ""
    )
