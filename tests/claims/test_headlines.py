"""Headlines: read strictly, judged from their claims, corrected for how many there are."""

import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from slowpoints.claims import headlines as judging
from slowpoints.plan import dag
from slowpoints.spec import headlines as spec
from slowpoints.spec.headlines import Headline
from slowpoints.spec.strict import SpecError


def row(name: str, verdict: str, **changed: Any) -> dict[str, Any]:
    return {
        "id": name,
        "statement": "a",
        "of": "GRU",
        "estimate": 1.0,
        "low": 0.5,
        "high": 1.5,
        "verdict": verdict,
        "p": 0.01,
        "figure": "overview",
    } | changed


def judged(*rows: dict[str, Any], claims: dict[str, str] | None = None) -> dict[str, Any]:
    headline = Headline("ours", "says", claims or {"a": ""})
    (found,) = judging.judged([headline], list(rows))
    return found


def test_a_headline_has_the_verdict_of_its_claims_or_counts_them():
    assert judged(row("a", "holds"), row("b", "holds"))["verdict"] == "holds"
    mixed = judged(row("a", "holds"), row("b", "fails"), row("c", "holds"))
    assert mixed["verdict"] == "holds 2 of 3, fails 1 of 3"
    assert mixed["n_holds"] == 2


def test_its_p_is_that_of_the_weakest_claim_that_could_be_tested():
    rows = row("a", "holds", p=0.01), row("b", "holds", p=0.04), row("c", "not testable here", p=1)
    assert judged(*rows)["p"] == 0.04
    assert math.isnan(judged(rows[2])["p"])


def test_p_is_corrected_over_the_headlines():
    many = [Headline("ours", "says", {name: ""}) for name in "ab"]
    rows = [row("a", "holds", p=0.01), row("b", "holds", statement="b", p=0.04)]
    found = judging.judged(many, rows)
    assert [own["p_holm"] for own in found] == [pytest.approx(0.02), pytest.approx(0.04)]
    assert [own["p_bh"] for own in found] == [pytest.approx(0.02), pytest.approx(0.04)]


def test_few_estimates_are_written_one_by_one_and_many_as_their_range():
    assert judged(row("a", "holds"))["here"] == "GRU: 1.0 [0.5, 1.5]"
    named = judged(row("a", "holds"), claims={"a": "digits"})["here"]
    assert named == "digits, GRU: 1.0 [0.5, 1.5]"
    many = [row(str(i), "holds", estimate=float(i)) for i in range(1, 7)]
    assert judged(*many)["here"] == "1.00 to 6.00 in 6"


def test_the_projects_own_headlines_name_statements_that_are_there():
    claims = [claim for own in dag.experiments("laptop").values() for claim in own.claims]
    found = spec.headlines(claims)
    assert {own.paper for own in found} == set(spec.PAPERS)
    assert 14 <= len(found) <= 20


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"haviv2020": []}, "unknown paper"),
        ({"ours": {}}, "expected a list"),
        ({"ours": [{"says": "x", "claims": {"no-such": ""}}]}, "unknown statement 'no-such'"),
        ({"ours": [{"says": "x", "claims": {}}]}, "name at least one statement"),
        ({"ours": ["x"]}, "expected {says"),
    ],
)
def test_a_headline_that_nothing_decides_is_refused(content, message, tmp_path: Path, monkeypatch):
    (tmp_path / "headlines.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.setattr(spec, "FILE", tmp_path / "headlines.yaml")
    with pytest.raises(SpecError, match=message):
        spec.headlines([])
