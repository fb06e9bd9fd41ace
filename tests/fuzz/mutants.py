"""Mutants of settings: one change of a tree of settings, of one word of a file, or of the file as a
whole.

A mutant is made from choices that hypothesis draws, so a failing one is shrunk and found again.
"""

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

Path = tuple[str | int, ...]
Tree = dict[str, Any]

WORDS = [  # what people write and YAML reads as something else, or not at all
    "1e-3",
    "1E5",
    "no",
    "yes",
    "off",
    "Null",
    "~",
    "",
    "012",
    "0o7",
    "0x1F",
    "1_000",
    "12:30:00",
    "1:30.5",
    "2024-01-01",
    ".nan",
    ".inf",
    "-.INF",
    "100 steps",
    "10%",
    "3s",
    "1,5",
    "!!int '3'",
    "!!python/object:os.system x",
    "!!binary aGk=",
    "&a 3",
    "*a",
    "<<",
    "=",
    "@x",
    "`x`",
    "'3'",
    "{}",
    "[]",
    "[1",
    "null",
    "True",
    "9" * 40,
    "1.0e+999",
]
VALUES: list[Any] = [
    None,
    True,
    False,
    "",
    "x",
    "3",
    3,
    0.5,
    [],
    {},
    [1, 2],
    {"x": 1},
    ["a", ["b"]],
    {"from": 1},
]
NUMBERS: list[Any] = [
    0,
    1,
    2,
    3,
    7,
    33,
    64,
    -1,
    -0.5,
    0.25,
    0.999,
    1.5,
    1000,
    2**31,
    10**12,
    10**17,
    1e-300,
    1e300,
    1e-8,
    1e8,
    float("nan"),
    float("inf"),
]
TREE_KINDS = (
    "missing",
    "misspelt",
    "extra",
    "mistyped",
    "out of range",
    "list",
    "misplaced",
    "another value",
)
FILE_KINDS = (
    "twice",
    "alias",
    "merge",
    "laughs",
    "tag",
    "tab",
    "mark",
    "nul",
    "crlf",
    "latin",
    "utf16",
    "documents",
    "nested",
    "cut",
    "flipped",
    "empty",
    "comment",
    "directive",
    "spread",
)

TAGS = [b"!!python/object/apply:os.system [true]", b"!own 3", b"!!set {a}", b"! 3"]
DIRECTIVES = [b"%YAML 3.0\n---\n", b"%TAG ! !x\n%TAG ! !y\n---\n", b"%\n"]


class Mutant(NamedTuple):
    """One changed file.    path: where; new: what stands there now"""

    file: str
    kind: str
    path: Path
    content: bytes
    new: Any = None
    same: bool | None = (
        None  # True: must plan as before; False: must be refused; None: either, see `plans`
    )


def paths(tree: Any, at: Path = ()) -> Iterator[Path]:
    """Yield the place of every value in a tree, branches included."""
    items: Any = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    for key, value in items:
        yield (*at, key)
        yield from paths(value, (*at, key))


def value_at(tree: Any, path: Path) -> Any:
    """Return what stands at a place."""
    for key in path:
        tree = tree[key]
    return tree


def dumped(tree: Tree) -> bytes:
    """Return the YAML text of a tree."""
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=200).encode()


def _misspelt(draw: DrawFn, word: str) -> str:
    at = draw(st.integers(0, max(0, len(word) - 1)))
    return draw(
        st.sampled_from(
            [word[:at] + word[at + 1 :], word + "s", word[:at] + "q" + word[at:], word.upper()]
        )
    )


@st.composite
def tree_mutants(draw: DrawFn, files: dict[str, Tree]) -> Mutant:
    """Return one file with one change of what it says."""
    name = draw(st.sampled_from(sorted(files)))
    tree, kind = copy.deepcopy(files[name]), draw(st.sampled_from(TREE_KINDS))
    # claims are most of the text and not most of the settings
    section = draw(st.sampled_from(sorted(tree)))
    path: Path = draw(st.sampled_from([(section,), *paths(tree[section], (section,))]))
    parent, last, old = value_at(tree, path[:-1]), path[-1], value_at(tree, path)
    new: Any = old
    if kind == "missing":
        del parent[last]
    elif (
        kind == "misspelt"
        and isinstance(last, str)
        and (isinstance(old, dict | list) or draw(st.booleans()))
    ):
        parent[_misspelt(draw, last)] = parent.pop(last)
    elif kind == "extra":
        place = parent if isinstance(parent, dict) else tree
        other = draw(
            st.sampled_from(
                [str(p[-1]) for p in paths(tree)] + ["extra", "net.extra", "train.lr", "no"]
            )
        )
        place[other], path = (
            draw(st.sampled_from(VALUES)),
            (*path[:-1], other) if place is parent else (other,),
        )
        new = place[other]
    elif kind == "misplaced":
        places = [
            p
            for p in [(), *paths(tree)]
            if isinstance(value_at(tree, p), dict) and p[: len(path)] != path
        ]
        target = value_at(tree, draw(st.sampled_from(places))) if places else tree
        del parent[last]  # after the target is found: in a list, what comes later moves up
        target[str(last)] = old
    else:
        new = _another(draw, kind, old, files, last)
        parent[last] = new
    return Mutant(
        name,
        kind,
        path,
        content := dumped(tree),
        new,
        True if content == dumped(files[name]) else None,
    )


def _another(draw: DrawFn, kind: str, old: Any, files: dict[str, Tree], key: str | int) -> Any:
    """Return what stands in place of a value."""
    if kind == "misspelt" and isinstance(old, str):
        return _misspelt(draw, old)
    if kind == "list":
        return draw(
            st.sampled_from(
                [
                    [old],
                    [],
                    [old, old],
                    *([old[:1], old + old[:1], old[0]] if old and isinstance(old, list) else []),
                ]
            )
        )
    if kind == "another value":
        own = files[draw(st.sampled_from(sorted(files)))]
        known = [value_at(own, p) for p in paths(own) if p[-1] == key]
        return draw(st.sampled_from(known or VALUES))
    if kind == "out of range" and isinstance(old, int | float) and not isinstance(old, bool):
        return draw(st.sampled_from(NUMBERS) | st.integers(-5, 500) | st.floats(-2, 2, width=32))
    return draw(st.sampled_from(VALUES + NUMBERS))


@st.composite
def word_mutants(draw: DrawFn, files: dict[str, Tree]) -> Mutant:
    """Return one file with one word written in a way that YAML reads differently."""
    name = draw(st.sampled_from(sorted(files)))
    tree = copy.deepcopy(files[name])
    section = draw(st.sampled_from(sorted(tree)))
    leaves = [
        p
        for p in [(section,), *paths(tree[section], (section,))]
        if not isinstance(value_at(tree, p), dict | list)
    ]
    path: Path = draw(st.sampled_from(leaves or [(section,)]))
    word = draw(st.sampled_from(WORDS))
    value_at(tree, path[:-1])[path[-1]] = "here it stands"
    content = dumped(tree).replace(b"here it stands", word.encode())
    return Mutant(name, f"word {word[:20]!r}", path, content, word, None)


@st.composite
def file_mutants(draw: DrawFn, files: dict[str, Tree], texts: dict[str, bytes]) -> Mutant:
    """Return one file that is damaged, or written in a way of its own."""
    name, kind = draw(st.sampled_from(sorted(texts))), draw(st.sampled_from(FILE_KINDS))
    text = texts[name]
    lines = text.splitlines(keepends=True)
    at = draw(st.integers(1, len(lines) - 1))
    key = draw(st.sampled_from(sorted(files[name]))).encode()
    laughs = b"l0: &l0 [x, x]\n" + b"".join(
        b"l%d: &l%d [%s]\n" % (i, i, b", ".join([b"*l%d" % (i - 1)] * 9)) for i in range(1, 10)
    )
    changed: dict[str, tuple[bytes, bool | None]] = {
        "twice": (text + key + b": 3\n", False),
        "alias": (text.replace(b"task: ", b"task: &t ", 1) + b"also: *t\n", False),
        "merge": (text + b"<<: {seeds: 3}\n", False),
        "laughs": (text + laughs, False),
        "tag": (text + b"x: " + draw(st.sampled_from(TAGS)) + b"\n", False),
        "tab": (b"".join([*lines[:at], b"\t" + lines[at], *lines[at + 1 :]]), None),
        "mark": (b"\xef\xbb\xbf" + text, True),
        "nul": (b"".join([*lines[:at], b"\0", *lines[at:]]), False),
        "crlf": (text.replace(b"\n", b"\r\n"), True),
        "latin": (text + b"# caf\xe9\n", False),
        "utf16": (text.decode().encode("utf-16"), False),
        "documents": (text + b"---\n" + text, False),
        "nested": (text + b"x: " + b"[" * 5000 + b"]" * 5000 + b"\n", False),
        "cut": (text[: draw(st.integers(0, len(text) - 1))], None),
        "flipped": (_flipped(text, draw(st.integers(0, 8 * len(text) - 1))), None),
        "empty": (
            draw(st.sampled_from([b"", b"\n", b"---\n", b"...\n", b"null\n", b"[]\n", b"x\n"])),
            False,
        ),
        "comment": (b"# " + text.replace(b"\n", b"\n# "), False),
        "directive": (draw(st.sampled_from(DIRECTIVES)) + text, False),
        "spread": (text + b"\n\n# the end\n...\n", True),
    }
    content, same = changed[kind]
    return Mutant(name, kind, (), content, None, same)


def _flipped(text: bytes, bit: int) -> bytes:
    return text[: bit // 8] + bytes([text[bit // 8] ^ 1 << bit % 8]) + text[bit // 8 + 1 :]
