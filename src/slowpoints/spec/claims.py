"""A claim of a paper and the test that judges it, read strictly and while planning.

No pandas, no scipy.

A test is a small sentence: take a `table`, keep the rows `where` columns have given values,
`select` the best row of each group, compute a `statistic`, and compare its interval with `above`,
`below` or `apart`.

| statistic | needs | what is estimated |
|---|---|---|
| mean | y | mean over networks |
| difference | y, groups | mean of the first group minus mean of the second |
| paired_difference | y, groups, pair | the same, between rows that share the `pair` columns |
| median_difference | y, groups | median of the first group minus median of the second |
| share_difference | y, groups | share of rows with y true in the first group minus that in the second |
| ratio | y, groups | mean of the first group over mean of the second |
| spread | y, by | largest over smallest mean among the values of the column `by` |
| spearman | x, y | rank correlation; `order` ranks the names in x; `given` a column, the partial one |
| spearman, `within: true` | x, y | the correlation within each network, mean over networks |
| slope | x, y | least-squares slope |
| distance | y, to | mean absolute distance between the columns y and `to` |
| share | x, y | share of rows in which the columns x and y are equal |

What is independent are networks. `cluster` names the columns of something larger that its rows
share: `[arm, budget, study]` where reruns have the setting of one study, `[arm]` where the
statement is about cells. Without it a pair is a cluster of its own, and so is a network under
`within`.

`where` takes a value, a list (any of them), `{from: 4, to: 19}` (both included), `smallest` or
`largest`: of the values that every arm of the test has. `log: true` takes log10 of y, and of x in a slope. `empty: highest` ranks an empty y
above all others: whoever never solved a task took longest. Otherwise rows with an empty x or y are
left out.

`better: lower` (or `higher`), beside both `above` and `below`, makes a test of being as good: an
interval that reaches beyond the region on that side holds, and one that lies beyond it altogether
is better than claimed.
`fixed` says when the claim and its threshold were written: `before` any of its networks were
trained, after `pilots`, or with an earlier run of them `seen`. An experiment's own `fixed` holds
for its claims that say nothing else.

A claim says `untestable: {laptop: why}` where, at that scale, no result could have decided it.

`each: {gru: GRU, lstm: LSTM}` makes one claim of every value, its name after the colon: the value
stands for "{each}" in the test, and after a hyphen in the id. `{each: ..., claims: [...]}` makes
several of every value, value by value.
Claims that say the same of other networks have one `statement`: the id of the one that is written
out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from slowpoints.spec.strict import SpecError, build, shown, unknown

Scale = Literal["smoke", "laptop", "night", "paper"]
Fixed = Literal["before", "pilots", "seen"]
Statistic = Literal[
    "mean",
    "difference",
    "paired_difference",
    "median_difference",
    "share_difference",
    "ratio",
    "spread",
    "spearman",
    "slope",
    "distance",
    "share",
]
NEEDS = {
    "mean": {"y"},
    "difference": {"y", "groups"},
    "paired_difference": {"y", "groups", "pair"},
    "median_difference": {"y", "groups"},
    "share_difference": {"y", "groups"},
    "ratio": {"y", "groups"},
    "spread": {"y", "by"},
    "spearman": {"x", "y"},
    "slope": {"x", "y"},
    "distance": {"y", "to"},
    "share": {"x", "y"},
}
MAY = {
    "log": {"mean", "difference", "paired_difference", "median_difference", "slope"},
    "order": {"spearman"},
    "empty": {"spearman"},
    "given": {"spearman"},
    "within": {"spearman"},
}
EXTREMES = ("smallest", "largest")


@dataclass(frozen=True)
class Select:
    """Keep, of rows that share the `per` columns, the one with the highest or lowest value of a
    column.
    """

    per: tuple[str, ...]
    highest: str | None = None
    lowest: str | None = None

    def __post_init__(self) -> None:
        if not self.per or (self.highest is None) == (self.lowest is None):
            raise ValueError(
                "give 'per' and one of 'highest' and 'lowest', each the name of a column"
            )


@dataclass(frozen=True)
class Test:
    """What is computed from which rows of a table, and the region in which the claim holds."""

    statistic: Statistic
    table: str
    where: dict[str, Any] = field(default_factory=dict)
    select: Select | None = None
    x: str | None = None
    y: str | None = None
    to: str | None = None
    by: str | None = None
    given: str | None = None
    groups: dict[str, Any] | None = None
    pair: tuple[str, ...] | None = None
    order: tuple[str, ...] | None = None
    within: bool = False
    cluster: tuple[str, ...] | None = None
    log: bool = False
    empty: Literal["left out", "highest"] = "left out"
    above: float | None = None
    below: float | None = None
    apart: float | None = None
    better: Literal["lower", "higher"] | None = None

    def __post_init__(self) -> None:
        needs = NEEDS[self.statistic]
        for key in ("x", "y", "to", "by", "groups", "pair"):
            if (getattr(self, key) is not None) != (key in needs):
                problem = "lacks" if key in needs else "does not take"
                raise ValueError(
                    f"{self.statistic} {problem} {key!r}; it takes exactly {sorted(needs)}"
                )
        for key, allowed in MAY.items():
            if (
                getattr(self, key) not in (None, False, "left out")
                and self.statistic not in allowed
            ):
                raise ValueError(f"{self.statistic} does not take {key!r}; {sorted(allowed)} do")
        if self.cluster is not None and self.within:
            raise ValueError("'cluster': networks under 'within' are clusters; leave it out")
        if self.given is not None and self.given in (self.x, self.y):
            raise ValueError(
                f"{self.statistic}: 'given' is {self.given!r}, which is 'x' or 'y' itself; "
                "name a third column"
            )
        for column, wanted in self.where.items():
            _check_condition(column, wanted)
        _check_region(self.above, self.below, self.apart)
        if self.better and (self.above is None or self.below is None):
            raise ValueError(
                "'better' says which side of a region is good: give the region both 'above' "
                "and 'below'"
            )

    @property
    def group_column(self) -> str:
        """Return the column that tells the two groups apart."""
        (column,) = self.groups or {}
        return column

    @property
    def group_values(self) -> tuple[str, str]:
        """Return the values of the first and the second group."""
        first, second = (self.groups or {})[self.group_column]
        return first, second

    def values(self, column: str) -> set[str]:
        """Return the values of `column` that the test names, so that misspelt ones are seen in
        planning.
        """
        wanted = self.where.get(column, [])
        named = set(
            wanted if isinstance(wanted, list) else [] if isinstance(wanted, dict) else [wanted]
        )
        named |= set((self.groups or {}).get(column, []))
        named |= set((self.order or ()) if self.x == column else ())
        return {str(name) for name in named - set(EXTREMES)}

    def arms(self) -> set[str]:
        """Return the arms that the test names."""
        return self.values("arm")

    def columns(self) -> set[str]:
        """Return the columns that the table must have."""
        named = [
            self.x,
            self.y,
            self.to,
            self.by,
            self.given,
            *self.where,
            *(self.groups or ()),
            *(self.pair or ()),
            *(self.cluster or ()),
        ]
        if self.select:
            named += [*self.select.per, self.select.highest, self.select.lowest]
        return {name for name in named if name} | {"run", "seed"}

    def written(self) -> dict[str, Any]:
        """Return the test as an experiment's file has it: what is not the default."""
        given = {
            f.name: value
            for f in fields(self)
            if (value := getattr(self, f.name)) not in (f.default, {})
        }
        if self.select:
            given["select"] = {
                key: value for key, value in vars(self.select).items() if value is not None
            }
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in given.items()
        }

    def region(self) -> str:
        """Return the region in which the claim holds, in words."""
        named = {"above ": self.above, "below ": self.below, "beyond ±": self.apart}
        return " and ".join(
            f"{word}{value:g}" for word, value in named.items() if value is not None
        )


@dataclass(frozen=True)
class Claim:
    """One statement of a paper, `of` one network where it speaks of several. Where, its value, our
    test.
    """

    id: str
    says: str
    where: str
    figure: str
    test: Test
    statement: str  # the id that claims of one statement share
    fixed: Fixed = "before"
    judged_at: tuple[Scale, ...] = ("laptop", "night", "paper")
    of: str = ""
    published: str = "not known"
    # {scale: why its verdict would mean nothing there}
    untestable: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for scale in self.untestable:
            if scale not in self.judged_at:
                raise ValueError(
                    f"untestable: {scale} is not among judged_at {list(self.judged_at)}"
                )


def parse_claims(entries: list[Any], *, where: str, fixed: Fixed = "before") -> list[Claim]:
    """Return the claims of one experiment, `fixed` then where they do not say when.

    Every mistake is an error that names the place and what would be right.
    """
    places = [
        (data, f"{where}[{i}]")
        for i, entry in enumerate(entries)
        for data in _expanded(entry, f"{where}[{i}]")
    ]
    says = {data["statement"]: data["says"] for data, _ in places if "says" in data}
    shared = ({"says": says[data["statement"]]} if data["statement"] in says else {}
              for data, _ in places)  # fmt: skip
    return [
        _claim({"fixed": fixed} | own | data, where=place)
        for (data, place), own in zip(places, shared, strict=True)
    ]


def _expanded(entry: Any, where: str) -> Iterator[dict[str, Any]]:
    """Yield the claims of one entry: itself, or one for every value of `each`."""
    own = dict(
        _mapping(entry, "{id: ..., says: ..., where: ..., figure: ..., test: ...}", where=where)
    )
    group = own.pop("claims", None)
    if group is not None and (set(own) != {"each"} or not isinstance(group, list)):
        raise SpecError(
            f"{where}: beside `claims`, a list, only `each`; found "
            f"{', '.join(sorted(own)) or 'nothing'}"
        )
    each = _mapping(own.pop("each", {"": ""}), "{gru: GRU, lstm: LSTM}", where=f"{where}.each")
    for value, of in each.items():
        for claim in [own] if group is None else group:
            yield _of_value(
                _mapping(claim, "{id: ..., says: ...}", where=where), str(value), of, where=where
            )


def _of_value(claim: dict[str, Any], value: str, of: Any, *, where: str) -> dict[str, Any]:
    """Return the claim for one value of `each`.

    For the value '', which stands for no `each`, the claim itself.
    """
    if not isinstance(claim.get("id"), str):
        raise SpecError(f"{where}: lacks an id, such as haviv2019-speed")
    statement = {"statement": claim.get("statement", claim["id"])}
    if not isinstance(statement["statement"], str):
        raise SpecError(
            f"{where} ({claim['id']}).statement: must be the id of a claim, such as "
            f"haviv2019-speed; found {shown(statement['statement'])}"
        )
    if not value:
        return claim | statement
    if "of" in claim:
        raise SpecError(
            f"{where} ({claim['id']}): `each` names whom the claims are of; leave out `of`"
        )
    made = claim | {"test": _filled(claim.get("test"), value)}
    return made | statement | {"id": f"{claim['id']}-{value.replace('_', '-')}", "of": of}


def _filled(data: Any, value: str) -> Any:
    """Return a test in which the value stands for every "{each}"."""
    if isinstance(data, dict):
        return {key: _filled(own, value) for key, own in data.items()}
    if isinstance(data, list):
        return [_filled(own, value) for own in data]
    return data.replace("{each}", value) if isinstance(data, str) else data


def _claim(data: dict[str, Any], *, where: str) -> Claim:
    where = f"{where} ({data['id']})"
    test = dict(_mapping(data.get("test"), "{statistic: mean, ...}", where=f"{where}.test"))
    if "groups" in test:
        _check_groups(test["groups"], where=f"{where}.test.groups")
    if "select" in test:
        select = _mapping(
            test["select"], "{per: [cell, seed], highest: bits}", where=f"{where}.test.select"
        )
        test["select"] = build(Select, select, where=f"{where}.test.select")
    return build(Claim, {**data, "test": build(Test, test, where=f"{where}.test")}, where=where)


def _mapping(data: Any, example: str, *, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise SpecError(f"{where}: expected a mapping such as {example}; found {str(data)[:200]!r}")
    return data


def _check_groups(groups: Any, *, where: str) -> None:
    values = next(iter(groups.values())) if isinstance(groups, dict) and len(groups) == 1 else None
    if (
        not isinstance(values, list)
        or len(values) != 2
        or values[0] == values[1]
        or not all(map(_is_plain, values))
    ):
        example = "{cell: [pru, gru]}"
        raise SpecError(
            f"{where}: expected one column with two values, such as {example}; found "
            f"{str(groups)[:200]!r}"
        )


def _check_condition(column: str, wanted: Any) -> None:
    if isinstance(wanted, dict):
        for key in wanted:
            if key not in ("from", "to"):
                raise ValueError(
                    str(unknown(key, ("from", "to"), what="key", where=f"where.{column}"))
                )
        if not wanted or {type(v) for v in wanted.values()} - {int, float}:
            raise ValueError(
                f"where.{column}: expected such as {{from: 4, to: 19}}; found {shown(wanted)}"
            )
    elif wanted == [] or not all(map(_is_plain, wanted if isinstance(wanted, list) else [wanted])):
        raise ValueError(
            f"where.{column}: expected a value, a list or a range {{from, to}}; found "
            f"{shown(wanted)}"
        )


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _check_region(above: float | None, below: float | None, apart: float | None) -> None:
    if (apart is None) == (above is None and below is None):
        raise ValueError("give a region: 'above' and/or 'below', or else 'apart'")
    if apart is not None and apart <= 0:
        raise ValueError(f"'apart' is a distance from zero in either direction; found {apart}")
    if above is not None and below is not None and above >= below:
        raise ValueError(f"'above' {above} is not under 'below' {below}: nothing can lie between")
