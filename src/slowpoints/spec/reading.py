"""YAML without surprises: what is written is what is read, or an error that says what to write.

YAML 1.1 reads 012 as ten, 12:30 as 750, no as false, 1e-3 as text and an empty value as null. None
of these is guessed at here. Standard library and yaml only.
"""

import re
import stat
from pathlib import Path
from typing import Any

import yaml

from slowpoints.spec.strict import SpecError

MOST_BYTES = 1_000_000  # an experiment has some ten thousand
MOST_LEVELS = 20  # an experiment has six

# by what YAML takes a plain word for: how it must be written here, and what to write instead
WRITTEN = {
    "null": (r"null", "nothing, not text; quote it, or write null if no value is meant"),
    "bool": (r"true|false", "a truth value to YAML, not text; quote it, or write true or false"),
    "int": (
        r"[-+]?(0|[1-9][0-9]{0,17})",
        "a number in another notation, or too large; write it in a few plain digits, or quote it",
    ),
    "float": (
        r"[-+]?[0-9]+\.[0-9]*(e[-+][0-9]+)?|[-+]?\.(nan|inf)",
        "a number in another notation; write it such as 0.5 or 1.0e-3, or quote it",
    ),
    "timestamp": (r"(?!)", "a date, not text; quote it"),
    "merge": (r"(?!)", "a merge of mappings, which is not allowed; write the values out"),
    "value": (r"(?!)", "a default value to YAML, not text; quote it"),
    "str": (
        r"(?![-+.]?[0-9][0-9_.,]*(e[-+]?[0-9]+)?$|0[ox]).*",
        "text to YAML, though it looks like a number; write it such as 0.001 or 1.0e-3, or "
        "quote it",
    ),
}


class _Loader(yaml.SafeLoader):
    """YAML without duplicate keys, aliases, tags and second notations.

    Every value is written once, as it is meant.
    """

    levels = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        line = f"line {event.start_mark.line + 1}"
        if isinstance(event, yaml.events.AliasEvent):
            raise SpecError(f"{line}: aliases (*name) are not allowed; write the value out")
        if getattr(event, "tag", None) is not None:
            raise SpecError(f"{line}: tags ({event.tag}) are not allowed; write the value alone")
        if isinstance(event, yaml.events.ScalarEvent) and event.style is None:
            _check_plain(
                event.value, self.resolve(yaml.ScalarNode, event.value, (True, False)), line=line
            )
        self.levels += 1
        if self.levels > MOST_LEVELS:
            raise SpecError(f"{line}: more than {MOST_LEVELS} levels of nesting")
        node = super().compose_node(parent, index)
        self.levels -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            line = f"line {key_node.start_mark.line + 1}"
            if not isinstance(key_node, yaml.ScalarNode):
                raise SpecError(
                    f"{line}: a key is a word, not a list or a mapping; quote {{name}} if text "
                    "is meant"
                )
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise SpecError(f"{line}: key {key!r} is not text; quote it")
            if key in seen:
                raise SpecError(f"{line}: key {key!r} is given twice; keep one")
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _check_plain(text: str, tag: str, *, line: str) -> None:
    """Refuse a plain word that YAML reads as something else than it looks like."""
    pattern, why = WRITTEN[tag.rpartition(":")[2]]
    if not re.fullmatch(
        pattern, text, re.DOTALL | re.IGNORECASE if tag.endswith("str") else re.DOTALL
    ):
        missing = "a value is missing; write null if none is meant"
        raise SpecError(f"{line}: {text!r} is {why}" if text else f"{line}: {missing}")


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in `path`; whatever could be misread, and anything but a mapping, is an
    error.
    """
    try:
        return parsed(_text(path))
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from None


def _text(path: Path) -> str:
    """Return the text of a file, if it is one."""
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise SpecError("not a file; only files of settings belong here")
        if facts.st_size > MOST_BYTES:
            raise SpecError(f"{facts.st_size} bytes; settings have at most {MOST_BYTES}")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SpecError("no such file, or a link to nowhere") from None
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SpecError(f"not UTF-8 text ({error.reason} at byte {error.start})") from None


def parsed(text: str) -> dict[str, Any]:
    """Return the mapping that `text` is."""
    try:
        data = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise SpecError(f"not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise SpecError(f"expected a mapping of settings, found {type(data).__name__}")
    return data
