"""The headlines: config/headlines.yaml, read strictly.

Each is a sentence of a paper, or our own, and the statements whose claims decide it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from slowpoints.paths import ROOT
from slowpoints.spec.claims import Claim
from slowpoints.spec.reading import read_yaml
from slowpoints.spec.strict import SpecError, build, unknown

FILE = ROOT / "config" / "headlines.yaml"
PAPERS = ("long2016", "collins2017", "haviv2019", "ours")


@dataclass(frozen=True)
class Headline:
    """A sentence, what was published, and by statement the words that tell it from the others."""

    paper: str
    says: str
    claims: dict[str, str]
    published: str = "not known"

    def __post_init__(self) -> None:
        """Refuse a headline that nothing decides."""
        if not self.claims:
            raise ValueError("claims: name at least one statement")


def headlines(claims: Iterable[Claim]) -> list[Headline]:
    """Return the headlines in their order; a statement that no claim has is an error."""
    content, known = read_yaml(FILE), {claim.statement for claim in claims}
    found = []
    for paper, entries in content.items():
        where = f"{FILE.name}: {paper}"
        if paper not in PAPERS:
            raise unknown(paper, PAPERS, what="paper", where=FILE.name)
        if not isinstance(entries, list):
            raise SpecError(f"{where}: expected a list of headlines")
        found += [_headline(entry, paper, known, where=f"{where}[{i}]")
                  for i, entry in enumerate(entries)]  # fmt: skip
    return found


def _headline(entry: Any, paper: str, known: set[str], *, where: str) -> Headline:
    if not isinstance(entry, dict):
        raise SpecError(f"{where}: expected {{says: ..., claims: {{...}}}}; found {entry!r}")
    found = build(Headline, entry | {"paper": paper}, where=where)
    for statement in found.claims:
        if statement not in known:
            raise unknown(statement, known, what="statement", where=f"{where}.claims")
    return found
