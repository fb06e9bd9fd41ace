"""How hard the package is to live in, in numbers: `python -m bench house`."""

import ast
import io
import re
import tokenize
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "slowpoints"
TOKENS = (tokenize.NAME, tokenize.NUMBER, tokenize.OP, tokenize.STRING)
PLANNING = ("spec", "plan")  # rooms that are read while planning


def measure(package: Path = PACKAGE) -> dict[str, float]:
    """Count what a new engineer has to read.    package: the folder of the package"""
    files = sorted(package.rglob("*.py"))
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    tokens, rows = zip(*map(_tokens, texts.values()), strict=True)
    experiments = package.parents[1] / "config" / "experiments"
    return {
        "modules at the top of the package": sum(p.parent == package for p in files) - 2,
        "lines": sum(text.count("\n") for text in texts.values()),
        "lines of code": sum(rows),
        "tokens per line of code": sum(tokens) / sum(rows),
        "dict[str, Any]": sum(text.count("dict[str, Any]") for text in texts.values()),
        "exec and eval while planning": sum(_interpreters(p, t, package) for p, t in texts.items()),
        "modules that build a result path": sum(_knows_paths(t) for t in texts.values()),
        "lines of experiments": sum(
            path.read_text(encoding="utf-8").count("\n") for path in experiments.glob("*.yaml")
        ),
    }


def _tokens(text: str) -> tuple[int, int]:
    """Return the number of tokens, and of lines that have one."""
    found = [
        token
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type in TOKENS
    ]
    return len(found), len({token.start[0] for token in found})


def _interpreters(path: Path, text: str, package: Path) -> int:
    room = path.relative_to(package).parts[0]
    if room not in PLANNING:
        return 0
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return sum(
        isinstance(call.func, ast.Name) and call.func.id in ("exec", "eval") for call in calls
    )


def _knows_paths(text: str) -> bool:
    return bool(re.search(r'f?"results/\{|/ "results" /|Path\("results"|parts\[-[34]\]', text))


def page(found: dict[str, float]) -> str:
    """Return the numbers, a line each."""
    return "".join(f"{value:10.4g}  {name}\n" for name, value in found.items())
