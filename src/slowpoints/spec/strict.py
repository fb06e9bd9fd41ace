"""Strict settings: dataclasses that refuse unknown, missing or mistyped keys."""

import math
import types
import typing
from dataclasses import MISSING, fields
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_origin

from slowpoints.errors import SlowpointsError

T = TypeVar("T")
MOST_WHOLE = 2**31 - 1
LEAST_FLOAT, MOST_FLOAT = 1.17549435e-38, 3.4028234e38


MOST_SHOWN = 200  # characters of what was found, in a message


class SpecError(SlowpointsError, ValueError):
    """A mistake in a configuration or experiment file: what, where, and what would be right."""


def shown(value: Any) -> str:
    """Return what was found as a message tells it: cut where it is long."""
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}... ({len(text)} characters)"


def _listed(known: list[str], *, near: str) -> str:
    """Return known names as a message lists them: all, or of many those that are nearest."""
    if sum(map(len, known)) <= 4 * MOST_SHOWN:
        return ", ".join(known)
    some = get_close_matches(near, known, n=20, cutoff=0)
    return f"{', '.join(some)} and {len(known) - len(some)} more"


def unknown(name: str, known: typing.Iterable[str], *, what: str, where: str) -> SpecError:
    """Return the error for a name that is not among the known ones, with the nearest one
    suggested.
    """
    known = sorted(known)
    close = get_close_matches(str(name), known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return SpecError(
        f"{where}: unknown {what} {shown(name)}{hint} (known: {_listed(known, near=str(name))})"
    )


def build(cls: type[T], data: dict[str, Any], *, where: str) -> T:
    """Construct the dataclass `cls` from `data`, refusing unknown, missing or mistyped keys."""
    declared = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    for key in data:
        if key not in declared:
            raise unknown(key, declared, what="key", where=where)
    missing = [
        n
        for n, f in declared.items()
        if n not in data and f.default is MISSING and f.default_factory is MISSING
    ]
    if missing:
        raise SpecError(f"{where}: missing {', '.join(missing)}")
    declared_as = hints(cls)  # type: ignore[arg-type]
    values = {
        key: typed(value, declared_as[key], where=f"{where}.{key}") for key, value in data.items()
    }
    try:
        return cls(**values)
    except SpecError:
        raise
    except ValueError as error:
        raise SpecError(f"{where}: {error}") from None


@cache
def hints(cls: type[Any]) -> dict[str, Any]:
    """Return the types that a dataclass declares: planning builds each class thousands of times."""
    return typing.get_type_hints(cls)


def typed(value: Any, hint: Any, *, where: str) -> Any:
    """Return `value` checked against a type hint.

    Plain types, Literal, X | None, X | dict[str, X], tuple[X, ...].
    """
    origin = get_origin(hint)
    if origin is Literal:
        if value not in get_args(hint) or isinstance(value, bool):
            raise unknown(value, map(str, get_args(hint)), what="value", where=where)
        return value
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in get_args(hint):
            return None
        choices = [a for a in get_args(hint) if a is not type(None)]
        return typed(value, _chosen(value, choices, where=where), where=where)
    if origin is dict and get_args(hint)[1] is not Any:
        inner = get_args(hint)[1]
        return {
            key: typed(v, inner, where=f"{where}.{key}")
            for key, v in _plain(value, dict, where=where).items()
        }
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise SpecError(f"{where}: expected a list, found {shown(value)}")
        inner = get_args(hint)[0]
        return tuple(typed(v, inner, where=f"{where}[{i}]") for i, v in enumerate(value))
    return _plain(value, origin or hint, where=where)


def _chosen(value: Any, choices: list[Any], *, where: str) -> Any:
    """Return the one of several type hints to check `value` against.

    A mapping's for mappings, else the other.
    """
    if len(choices) == 1:
        return choices[0]
    (mapping,), (plain,) = (
        [c for c in choices if (get_origin(c) is dict) == wanted] for wanted in (True, False)
    )
    if isinstance(value, dict) and not value:
        raise SpecError(
            f"{where}: the mapping is empty; give {plain.__name__}, or a mapping of names to it"
        )
    return mapping if isinstance(value, dict) else plain


def _plain(value: Any, kind: type, *, where: str) -> Any:
    if isinstance(value, list) and kind is not list:
        raise SpecError(
            f"{where}: a list is a value only under 'sweep' (where it means: try each); found "
            f"{shown(value)}"
        )
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        _check_size(value, where=where)
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        hint = ""
        if kind in (float, int) and isinstance(value, str):
            hint = "; write a number without quotes, such as 1.0e-3"
        elif isinstance(value, bool):
            hint = "; YAML reads yes, no, on and off as true or false, quote them if text is meant"
        raise SpecError(f"{where}: expected {kind.__name__}, found {shown(value)}{hint}")
    if isinstance(value, float) and not math.isfinite(value):
        raise SpecError(f"{where}: expected a finite number, found {value!r}")
    _check_size(value, where=where)
    return value


def _check_size(value: Any, *, where: str) -> None:
    """Refuse numbers that training could not hold.

    Whole ones in 32 bits, others in single precision.
    """
    if isinstance(value, int) and abs(value) > MOST_WHOLE:
        raise SpecError(f"{where}: {value} is too large; at most {MOST_WHOLE}")
    if isinstance(value, float) and value and not LEAST_FLOAT <= abs(value) <= MOST_FLOAT:
        raise SpecError(
            f"{where}: {value!r} is not a number in single precision, which has 1.2e-38 to 3.4e+38"
        )
