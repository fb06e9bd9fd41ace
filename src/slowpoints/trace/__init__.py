"""From any number, figure, claim, table or run to its records and what made them.

`slowpoints trace <word>`.
"""

from slowpoints.trace import find
from slowpoints.trace.chain import Chain
from slowpoints.trace.claim import ANOTHER
from slowpoints.trace.place import Place, TraceError, claims, jobs, numbers, places
from slowpoints.trace.things import figure_chain, key_chain

FULL = 3  # so many chains are told in full; of more, only what they are


def trace(word: str, *, scale: str) -> str:
    """Return what `word` is, where it stands, and the chain from there to records, settings, code
    and environment.
    """
    there, wanted = places(scale), find.number(word)
    for place in there:
        if (chain := find.named(place, word)) is not None:
            return f"{_where(place)}\n\n{chain.text()}"
    for place in there:
        found = [key_chain(place, key) for key in find.keys(place, word)]
        passages = [] if wanted is None else find.passages(wanted)
        texts = [f"{p.file}:{p.line}: {p.text}" for p in passages]
        linked = [] if found else [name for p in passages for name in p.figures]
        found += [figure_chain(place, name) for name in dict.fromkeys(linked)]
        if found or texts:
            return "\n\n".join([_where(place), *texts, *_told(found)])
    for place in there:
        if spots := find.cells(place, word):
            lines = [
                f"{place.table(e, t)}, line {line}, column {column}"
                for e, t, column, line in spots[:20]
            ]
            more = [f"and {len(spots) - 20} more"] if len(spots) > 20 else []
            return "\n".join(
                [_where(place), "", f"{word} is not in the paper; in tables it is:", *lines, *more]
            )
    raise TraceError(_nothing(there, word))


def _where(place: Place) -> str:
    if not place.is_kept:
        return f"of the run in {place.folder}"
    return (
        f"of the run that is kept in {place.folder}; names under results/ are where its "
        "files come to lie"
    )


def _told(found: list[Chain]) -> list[str]:
    if len(found) <= FULL:
        return [chain.text() for chain in found]
    names = dict.fromkeys(chain.title for chain in found)
    return [
        "\n".join(
            [f"{len(found)} numbers; trace one by its name:", *(f"  {name}" for name in names)]
        )
    ]


def _nothing(there: list[Place], word: str) -> str:
    looked = ", ".join(
        f"{place.folder} ({len(numbers(place))} numbers, {len(jobs(place))} experiments)"
        for place in there
    )
    near = [name for place in there for name in find.nearest(place, word)]
    hint = f"; near to it: {', '.join(dict.fromkeys(near))}" if near else ""
    return (f"{word!r} is no claim, figure, table, experiment, stack, run or number of {looked}, "
            f"nor in the texts or a cell of a table{hint}")  # fmt: skip


def untraced(place: Place) -> list[str]:
    """Return the numbers of the paper and of the tables of claims that lead to no record, or are
    not computed anew.
    """
    return [key for key in numbers(place) if not key.endswith("_raw") and leads_nowhere(place, key)]


def leads_nowhere(place: Place, key: str) -> bool:
    """Return whether a number has no run at its end, or its table gives another number."""
    chain = key_chain(place, key)
    return not chain.runs or any(ANOTHER in value for _, value in chain.facts)


def trace_all(scale: str) -> str:
    """Trace every number of the paper and of the tables of claims.

    One that leads nowhere is an error.
    """
    lines = []
    for place in places(scale):
        if lost := untraced(place):
            raise TraceError(
                f"{place.folder}: {len(lost)} numbers lead to no record: {', '.join(lost[:10])}"
            )
        runs = sum(len(job.runs) for own in jobs(place).values() for job in own)
        lines.append(
            f"{place.folder}: {len(numbers(place))} numbers, {len(claims(place))} claims, "
            f"{runs} runs: each traced"
        )
    return "\n".join(lines)
