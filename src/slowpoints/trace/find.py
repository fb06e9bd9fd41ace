"""From a word that someone has read somewhere to what it may mean: names, files, numbers."""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from slowpoints.claims import printing
from slowpoints.paths import ROOT
from slowpoints.plan import dag
from slowpoints.trace.chain import Chain
from slowpoints.trace.claim import claim_chain
from slowpoints.trace.place import Place, claims, jobs, numbers, table, tables
from slowpoints.trace.things import (
    experiment_chain,
    figure_chain,
    job_chain,
    key_chain,
    run_chain,
    table_chain,
)

LINK = re.compile(r"figures/([a-z0-9-]+)\.png|notebooks/([a-z0-9-]+)\.ipynb")
MINUS = "\N{MINUS SIGN}"
# A number as a text has it: a sign, thousands with or without separators, decimals, a power of ten,
# a percent sign.
SHOWN = re.compile(
    rf"(?<![\w.,])[-{MINUS}]?\d+(,\d{{3}})*(\.\d+)?(e[-+{MINUS}]?\d+)?(?!\w|[.,]\d)(\s?%)?"
)
TEXTS = ("README.md", "docs/findings.md", "docs/departures.md")  # with numbers written by hand
BEGIN_OF_ITEM = re.compile(r"^\s*(?:- |\d+\. |\||#|$)")


class Passage(NamedTuple):
    """A sentence of our texts with the number in it, and the figures it refers to."""

    file: str
    line: int
    text: str
    figures: list[str]


def named(place: Place, word: str) -> Chain | None:
    """Return the chain of what is called `word`.

    A claim, figure, run, file, experiment, stack or key.
    """
    path = Path(word.removeprefix("./"))
    stem = path.name.split(".")[0]
    if word in claims(place):
        return claim_chain(place, word)
    if word in dag.figure_names() or (
        stem in dag.figure_names() and path.suffix in (".png", ".pdf", ".ipynb", ".html")
    ):
        return figure_chain(place, stem)
    if word in numbers(place):
        return key_chain(place, word)
    if word in dag.experiments(place.scale) or (
        path.suffix == ".yaml" and stem in dag.experiments(place.scale)
    ):
        return experiment_chain(place, stem)
    for experiment, name in tables(place):
        if str(path) == place.table(experiment, name) or word == f"{experiment}/{name}":
            return table_chain(place, experiment, name)
    for own in jobs(place).values():
        for job in own:
            if stem == job.stack and (
                str(path) == stem
                or str(path.parent) == str(Path(job.records).parent)
                or str(path) == job.beside("plan")
            ):
                return job_chain(place, job)
            if any(word == name for name, _ in job.runs):
                return run_chain(place, word)
    return None


def number(word: str) -> Decimal | None:
    """Return the number that `word` shows, with as many digits as it shows.

    None for other words.
    """
    plain = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", word.replace(MINUS, "-").strip())
    try:
        value = Decimal(plain.removesuffix("%").strip())
    except InvalidOperation:
        return None
    if not value.is_finite():
        return None
    return value.scaleb(-2) if plain.endswith("%") else value


def rounds_to(value: Decimal, wanted: Decimal) -> bool:
    """Return whether `value` rounds to `wanted` at its digits.

    Without decimals it is to be equal.
    """
    exponent = wanted.as_tuple().exponent
    if not isinstance(exponent, int) or exponent >= 0:
        return value == wanted
    return abs(value - wanted) <= Decimal(5).scaleb(exponent - 1)


def is_shown_as(value: Any, wanted: Decimal) -> bool:
    """Return whether `value` is shown as `wanted` somewhere, or rounds to it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return False
    if isinstance(value, float) and wanted == number(printing.number(value)):
        return True
    return rounds_to(Decimal(value), wanted)


def are_alike(one: Decimal, other: Decimal) -> bool:
    """Return whether two numbers are equal at the digits of the one that has fewer."""
    return rounds_to(one, other) or rounds_to(other, one)


def keys(place: Place, word: str) -> list[str]:
    """Return the keys of numbers.json whose value is shown as `word`, text of the same letters
    included.
    """
    wanted, found = number(word), []
    for key, value in numbers(place).items():
        if key.endswith("_raw") or key in ("claims", "headlines"):
            continue
        raw = numbers(place).get(f"{key}_raw", value)
        is_text = isinstance(value, str) and raw is value and "." not in key
        parts = value.split(", ") if is_text else []
        is_number = wanted is not None and (
            wanted in map(number, parts) or is_shown_as(raw, wanted)
        )
        if word in parts or is_number:
            found.append(key)
    return found


def passages(wanted: Decimal) -> list[Passage]:
    """Return the items of the texts, their tables apart, that have the number, with the figures
    they link.
    """
    return [
        passage for file in TEXTS if (ROOT / file).is_file() for passage in _passages(file, wanted)
    ]


def _passages(file: str, wanted: Decimal) -> Iterator[Passage]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    for at, line in enumerate(lines):
        if not line.startswith("|") and any(are_alike(one, wanted) for one in shown_in(line)):
            begin = next((i for i in range(at, -1, -1) if BEGIN_OF_ITEM.match(lines[i])), 0)
            end = next(
                (i for i in range(at + 1, len(lines)) if BEGIN_OF_ITEM.match(lines[i])), len(lines)
            )
            links = [a or b for a, b in LINK.findall("\n".join(lines[begin:end]))]
            yield Passage(file, at + 1, line.strip(), list(dict.fromkeys(links)))


def shown_in(line: str) -> list[Decimal]:
    """Return every number in a line of text."""
    return [value for found in SHOWN.finditer(line) if (value := number(found[0])) is not None]


def cells(place: Place, word: str) -> list[tuple[str, str, str, int]]:
    """Return (experiment, table, column, line) of the table cells that are shown as `word`."""
    if (wanted := number(word)) is None:
        return []
    found = []
    for experiment, name in tables(place):
        own = table(place, experiment, name)
        for column in own.select_dtypes("number").columns:
            near = own[column][(own[column] - float(wanted)).abs() <= 0.1 * abs(float(wanted))]
            found += [
                (experiment, name, column, int(at) + 2)
                for at, v in near.items()
                if is_shown_as(v, wanted)
            ]
    return found


def nearest(place: Place, word: str) -> list[str]:
    """Return what comes near `word`: numbers, or names."""
    wanted = number(word)
    if wanted is not None:
        raw = {
            k.removesuffix("_raw"): v
            for k, v in numbers(place).items()
            if k.endswith("_raw") and v is not None
        }
        close = sorted(raw, key=lambda key: abs(Decimal(raw[key]) - wanted))[:3]
        return [f"{printing.number(raw[key])} ({key})" for key in close]
    runs = [name for own in jobs(place).values() for job in own for name, _ in job.runs]
    known = [
        *claims(place),
        *dag.figure_names(),
        *dag.experiments(place.scale),
        *runs,
        *numbers(place),
    ]
    return get_close_matches(word, known, n=3, cutoff=0.5)
