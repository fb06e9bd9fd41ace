"""What the package says of itself.

Every public function and class with its signature and docstring, read as text.

Nothing is imported, so neither planning nor the site needs torch for it.
"""

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

from slowpoints.paths import PACKAGE

SILENT = ("__main__", "__init__")


class Item(NamedTuple):
    """A public function, class or method."""

    kind: str  # function or class
    name: str
    signature: str
    text: str
    fields: tuple[str, ...] = ()  # of a class: `name: type = value`, as written
    methods: tuple["Item", ...] = ()


class Module(NamedTuple):
    """One file: what it says of itself, and what it offers."""

    name: str  # with dots, without the package's own name
    text: str
    items: tuple[Item, ...]


@cache
def modules() -> tuple[Module, ...]:
    """Return the public modules in the order of their names; a package comes before its files."""
    found = sorted(
        PACKAGE.rglob("*.py"), key=lambda path: (path.parent, path.stem != "__init__", path.stem)
    )
    return tuple(module(path) for path in found if _is_public(path))


def offered(package: str) -> tuple[Module, ...]:
    """Return what a package offers by name, `__all__`, by the file that has it."""
    tree = ast.parse((PACKAGE / package / "__init__.py").read_text(encoding="utf-8"))
    names = {
        name
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for name in ast.literal_eval(node.value)
    }
    own = [one for one in modules() if one.name.startswith(f"{package}.")]
    return tuple(
        one._replace(items=items)
        for one in own
        if (items := tuple(item for item in one.items if item.name in names))
    )


def _is_public(path: Path) -> bool:
    top = path.parent == PACKAGE
    return not (top and path.stem in SILENT) and (
        not path.stem.startswith("_") or path.stem == "__init__"
    )


def module(path: Path) -> Module:
    """Return what one file says."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    words = path.relative_to(PACKAGE).with_suffix("").parts
    name = ".".join(word for word in words if word != "__init__")
    return Module(name, ast.get_docstring(tree) or "", tuple(_items(tree.body)))


def _items(body: list[ast.stmt]) -> list[Item]:
    return [
        _function(node) if isinstance(node, ast.FunctionDef) else _class(node)
        for node in body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"
    ]


def _function(node: ast.FunctionDef) -> Item:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return Item(
        "function",
        node.name,
        f"{node.name}({ast.unparse(node.args)}){returns}",
        ast.get_docstring(node) or "",
    )


def _class(node: ast.ClassDef) -> Item:
    bases = f"({', '.join(map(ast.unparse, node.bases))})" if node.bases else ""
    fields = [ast.unparse(line) for line in node.body if isinstance(line, ast.AnnAssign)]
    methods = [item for item in _items(node.body) if item.kind == "function"]
    return Item(
        "class",
        node.name,
        f"class {node.name}{bases}",
        ast.get_docstring(node) or "",
        tuple(fields),
        tuple(methods),
    )
