"""Strict reading of YAML and settings."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from slowpoints.spec.reading import read_yaml
from slowpoints.spec.strict import SpecError, build


@dataclass(frozen=True)
class Example:
    rate: float
    count: int = 1
    kind: Literal["a", "b"] = "a"
    maybe: int | None = None
    names: tuple[str, ...] = ()
    on: bool = False
    scale: float | dict[str, float] = 1.0


def test_integers_are_numbers_where_a_float_is_wanted() -> None:
    assert build(Example, {"rate": 2}, where="x") == Example(2.0)


def test_one_number_or_a_mapping_of_numbers() -> None:
    assert build(Example, {"rate": 2, "scale": 3}, where="x").scale == 3.0
    assert build(Example, {"rate": 2, "scale": {"gate": 3, "state": 0.5}}, where="x").scale == {
        "gate": 3,
        "state": 0.5,
    }


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "x: missing rate"),
        ({"rate": 1.0, "cuont": 2}, "did you mean 'count'"),
        ({"rate": "1e-3"}, "such as 1.0e-3"),
        ({"rate": float("inf")}, "finite"),
        ({"rate": float("nan")}, "finite"),
        ({"rate": True}, "expected float, found True"),
        ({"rate": 1.0, "count": 1.5}, "x.count: expected int, found 1.5"),
        ({"rate": 1.0, "count": [1, 2]}, "only under 'sweep'"),
        ({"rate": 1.0, "kind": "c"}, "unknown value 'c'"),
        ({"rate": 1.0, "names": "one"}, "expected a list"),
        ({"rate": 1.0, "names": [1]}, r"x.names\[0\]: expected str"),
        ({"rate": 1.0, "maybe": "none"}, "expected int"),
        ({"rate": 1.0, "on": 1}, "expected bool"),
        ({"rate": 1.0, "scale": "big"}, "x.scale: expected float, found 'big'"),
        (
            {"rate": 1.0, "scale": {"gate": "1e-3"}},
            "x.scale.gate: expected float, found '1e-3'.*such as 1.0e-3",
        ),
        (
            {"rate": 1.0, "scale": {"gate": [1.0]}},
            "x.scale.gate: a list is a value only under 'sweep'",
        ),
        ({"rate": 1.0, "scale": {"gate": {"a": 1}}}, "x.scale.gate: expected float"),
        ({"rate": 1.0, "scale": {}}, "x.scale: the mapping is empty; give float"),
        ({"rate": 1.0, "scale": True}, "x.scale: expected float, found True"),
    ],
)
def test_a_wrong_setting_is_named(data: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build(Example, data, where="x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "line 2: key 'a' is given twice"),
        ("a: &x 1\nb: *x\n", "aliases"),
        ("1: 2\n", "not text"),
        ("no: 2\n", "not text; quote it"),
        ("- a\n", "expected a mapping"),
        ("a: [1\n", "not valid YAML"),
        ("", "expected a mapping"),
        ("a: !!python/object:os.system 1\n", "line 1: tags .* are not allowed"),
        ("a: 012\n", "line 1: '012' is a number in another notation"),
        ("a: 12:30:00\n", "another notation"),
        ("a: 1_000\n", "another notation"),
        ("a: 1e-3\n", "looks like a number; write it such as"),
        ("a: 2024-01-01\n", "a date, not text; quote it"),
        ("a:\n", "a value is missing"),
        ("a: [" + "[" * 5000 + "]" * 5001 + "\n", "levels of nesting"),
        ("a: " + "9" * 5000 + "\n", "too large"),
    ],
)
def test_yaml_surprises_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(SpecError, match=message):
        read_yaml(path)


def test_a_missing_file_and_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no such file"):
        read_yaml(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_bytes(b"a: \xff")
    with pytest.raises(SpecError, match="not UTF-8"):
        read_yaml(tmp_path / "bad.yaml")
