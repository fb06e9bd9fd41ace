"""The points of a sweep, and what else changes at some of them: larger networks train longer, for
fewer seeds.

An experiment (or one of its scales) says so under `at`, by swept key and value, with the keys that
a scale may have:

    sweep: {net.budget: [1000, 8000]}
    at: {net.budget: {'8000': {train.steps: 400000, seeds: 1, arms: [rnn, gru]}}}
"""

import itertools
from typing import Any, NamedTuple

from slowpoints.spec.run import BLOCKS
from slowpoints.spec.strict import SpecError, shown, unknown


class Point(NamedTuple):
    """One point of a sweep."""

    values: dict[str, Any]  # {swept key: value}
    overrides: dict[str, Any]  # {dotted key: value}: what else it sets, `seeds` and `arms` with it


def points(sweep: dict[str, list[Any]], at: Any, *, where: str) -> list[Point]:
    """Return the points of a sweep, each with what `at` says of its values."""
    if not isinstance(at, dict):
        raise SpecError(f"{where}: expected swept keys, found {shown(at)}")
    for key, own in at.items():
        if key not in sweep:
            raise unknown(key, sweep, what="swept key", where=where)
        _check_values(own, sweep[key], where=f"{where}.{key}")
    return [
        Point(values, _overrides(values, at))
        for values in (
            dict(zip(sweep, point, strict=True)) for point in itertools.product(*sweep.values())
        )
    ]


def _check_values(own: Any, swept: list[Any], *, where: str) -> None:
    if not isinstance(own, dict):
        raise SpecError(f"{where}: expected values of the sweep, found {shown(own)}")
    for value, overrides in own.items():
        if value not in map(str, swept):
            raise unknown(value, list(map(str, swept)), what="value of the sweep", where=where)
        if not isinstance(overrides, dict):
            raise SpecError(
                f"{where}.{value}: expected a mapping such as {{train.steps: 4000}}, found "
                f"{shown(overrides)}"
            )
        for key in overrides:
            block, _, name = key.partition(".")
            if key not in ("seeds", "arms") and not (block in (*BLOCKS, "tune") and name):
                raise SpecError(
                    f"{where}.{value}: unknown key {key!r}; expected seeds, arms, or <block>.<key> "
                    f"with block one of {', '.join(BLOCKS)}, tune"
                )


def _overrides(values: dict[str, Any], at: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, own in at.items():
        found |= own.get(str(values[key]), {})
    return found


def next_smaller(values: dict[str, Any], key: str, sweep: dict[str, list[Any]]) -> dict[str, Any]:
    """Return the point before this one along `key`, in the order of the sweep; {} of the first."""
    listed = sweep[key]
    place = listed.index(values[key])
    return values | {key: listed[place - 1]} if place else {}
