"""Claims are read strictly: a wrong test is refused while planning."""

import pytest

from helpers.claim_tables import PLAIN, claim
from slowpoints.spec.claims import parse_claims
from slowpoints.spec.strict import SpecError


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"statistic": "men"}, "did you mean 'mean'"),
        ({"abov": 1}, "did you mean 'above'"),
        ({"above": "1e-3"}, "such as 1.0e-3"),
        ({"above": None}, "give a region"),
        ({"below": -1.0}, "nothing can lie between"),
        ({"apart": 1.0}, "give a region"),
        ({"x": "load"}, "does not take 'x'"),
        ({"statistic": "slope"}, "lacks 'x'"),
        ({"order": ["a", "b"]}, "does not take 'order'"),
        ({"given": "steps"}, r"mean does not take 'given'; \['spearman'\] do"),
        ({"statistic": "spearman", "x": "load", "given": "mse"}, "name a third column"),
        ({"statistic": "spearman", "x": "load", "given": ["steps"]}, "given"),
        ({"statistic": "spearman", "x": "load", "givn": "steps"}, "did you mean 'given'"),
        ({"groups": {"cell": ["pru"]}}, "one column with two values"),
        ({"select": {"per": ["cell"], "higest": "mse"}}, "did you mean 'highest'"),
        ({"select": {"per": ["cell"]}}, "one of 'highest' and 'lowest'"),
        ({"where": {"load": {"from": 1, "upto": 2}}}, "unknown key 'upto'"),
        ({"where": {"load": {"from": "one"}}}, "expected such as"),
        ({"where": {"load": []}}, "expected a value, a list or a range"),
        ({"better": "lower"}, "give the region both 'above' and 'below'"),
        ({"below": 9, "better": "smaller"}, "better"),
    ],
)
def test_a_wrong_test_is_refused_with_what_would_be_right(change, message):
    with pytest.raises(SpecError, match=message):
        claim({key: value for key, value in (PLAIN | change).items() if value is not None})


def test_a_mistake_names_its_claim():
    with pytest.raises(SpecError, match=r"x\.yaml: claims\[0\] \(c\)\.test"):
        claim(PLAIN | {"table": 3})


def test_an_unknown_scale_is_refused():
    with pytest.raises(SpecError, match="laptop"):
        claim(PLAIN, judged_at=["labtop"])


def test_a_scale_that_is_not_judged_needs_no_excuse():
    with pytest.raises(SpecError, match="untestable: smoke is not among judged_at"):
        claim(PLAIN, untestable={"smoke": "too small"})


def test_arms_and_columns_of_a_test_are_known_while_planning():
    test = claim(
        {
            "statistic": "spearman",
            "table": "t",
            "x": "arm",
            "order": ["a", "b"],
            "y": "bits",
            "below": 0,
            "given": "loss",
            "where": {"budget": "largest"},
            "select": {"per": ["seed"], "highest": "kept"},
        }
    ).test
    assert test.arms() == {"a", "b"}
    assert test.columns() == {"arm", "bits", "loss", "budget", "seed", "kept", "run"}


PLACE = {"where": "abstract", "figure": "f"}
SHARED = {
    "statistic": "mean",
    "table": "t",
    "where": {"arm": "{each}-decu"},
    "y": "mse",
    "above": 0,
}


def parsed(*entries):
    return parse_claims(list(entries), where="x.yaml: claims")


def test_each_makes_one_claim_of_every_value():
    each = {"gru": "GRU", "min_gru": "minGRU"}
    first, second = parsed({"id": "speed", "says": "fast", **PLACE, "each": each, "test": SHARED})
    assert [(own.id, own.of, own.says, own.statement) for own in (first, second)] == [
        ("speed-gru", "GRU", "fast", "speed"),
        ("speed-min-gru", "minGRU", "fast", "speed"),
    ]
    assert [own.test.where for own in (first, second)] == [
        {"arm": "gru-decu"},
        {"arm": "min_gru-decu"},
    ]


def test_several_claims_of_each_value_come_value_by_value():
    claims = [{"id": name, "says": name, **PLACE, "test": SHARED} for name in ("gain", "end")]
    found = parsed({"each": {"rnn": "RNN", "gru": "GRU"}, "claims": claims})
    assert [own.id for own in found] == ["gain-rnn", "end-rnn", "gain-gru", "end-gru"]


def test_claims_of_one_statement_need_its_words_once():
    one, other = parsed(
        {"id": "both", "statement": "speed", **PLACE, "test": SHARED},
        {"id": "speed", "says": "fast", **PLACE, "test": SHARED},
    )
    assert (one.says, one.statement) == (other.says, other.statement) == ("fast", "speed")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("speed", r"claims\[0\]: expected a mapping"),
        ({"says": "fast"}, r"claims\[0\]: lacks an id"),
        (
            {"id": "a", "statement": ["b"]},
            r"claims\[0\] \(a\)\.statement: must be the id of a claim.*found \['b'\]",
        ),
        ({"id": "a", "of": "GRU", "each": {"gru": "GRU"}}, "leave out `of`"),
        ({"id": "a", "each": ["gru"]}, r"claims\[0\]\.each: expected a mapping such as {gru: GRU"),
        ({"id": "a", "claims": []}, "beside `claims`, a list, only `each`; found id"),
        ({"id": "a", "test": SHARED}, r"claims\[0\] \(a\): missing says, where, figure"),
    ],
)
def test_a_mistake_in_a_claim_is_named(entry, message):
    with pytest.raises(SpecError, match=message):
        parsed(entry)
