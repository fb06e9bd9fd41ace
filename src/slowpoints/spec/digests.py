"""Digests of code and environments: what Snakemake does not track by itself.

A module's digest covers its syntax tree and those of all our modules it imports, directly or not;
docstrings, comments and formatting do not count. Files of a registry folder (cells, tasks,
analyses) count only where they are used.
"""

import ast
import hashlib
import json
import re
from functools import cache
from pathlib import Path

from slowpoints.paths import PACKAGE, ROOT

# {new digest: older digest that gives the same numbers}
EQUAL = ROOT / "workflow" / "equal_digests.json"


@cache
def _path(module: str) -> Path | None:
    """Return the file of one of our modules, or None if `module` is not ours."""
    base = PACKAGE.parent.joinpath(*module.split("."))
    found = [p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()]
    return found[0] if found else None


@cache
def _parsed(path: Path) -> tuple[str, frozenset[str]]:
    """Return (tree without docstrings, as text; the modules it imports)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            imports |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names}
        body = getattr(node, "body", None)
        if (
            isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            and body
            and _is_text(body[0])
        ):
            node.body = body[1:] or [ast.Pass()]
    return ast.dump(tree), frozenset(imports)


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@cache
def _ours(module: str) -> tuple[str, ...]:
    """Return those of our modules that one of them imports itself."""
    path = _path(module)
    assert path is not None, module
    return tuple(
        name for name in _parsed(path)[1] if name.startswith("slowpoints.") and _path(name)
    )


def closure(*modules: str) -> list[str]:
    """Return the names of our modules that `modules` are or import, directly or not."""
    found: set[str] = set()
    queue = [m for m in modules if _path(m)]
    while queue:
        module = queue.pop()
        if module in found:
            continue
        found.add(module)
        queue += _ours(module)
    return sorted(found)


@cache
def code(*modules: str) -> str:
    """Return the digest of the code that `modules` run; unknown modules are an error."""
    if missing := [m for m in modules if _path(m) is None]:
        raise ModuleNotFoundError(f"no module {', '.join(missing)} under {PACKAGE.parent}")
    text = "\n".join(f"{m} {_parsed(_path(m))[0]}" for m in closure(*modules))
    own = hashlib.sha256(text.encode()).hexdigest()[:16]
    equal: dict[str, str] = json.loads(EQUAL.read_text(encoding="utf-8")) if EQUAL.is_file() else {}
    return equal.get(own, own)


@cache
def env(stage: str, *, torch: str = "cpu") -> str:
    """Return the digest of the pins of a stage.

    Its lock and, where it has torch, the lock of the torch build.
    """
    text = (ROOT / "envs" / f"{stage}.lock").read_text(encoding="utf-8")
    if (
        "torch-" in text.partition("\n")[0]
    ):  # the first line of a lock says whether torch comes on top
        text += (ROOT / "envs" / f"torch-{torch}.lock").read_text(encoding="utf-8")
    pins = sorted(re.findall(r"^[a-z0-9][^ ]*==[^ ]+", text, re.MULTILINE))
    return hashlib.sha256("\n".join(pins).encode()).hexdigest()[:16]
